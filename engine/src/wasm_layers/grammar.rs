//! What may follow in a program, by the stack; and probabilities of that.

use super::config::{LayersConfig, Token};
use super::program::{Instruction, MOST_INSTRUCTIONS};
use crate::{Error, Result};

/// A program in the making: how much was written, and what the stack holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Progress {
    /// Instructions written.
    pub(super) written: usize,
    /// Values on the stack.
    pub(super) depth: usize,
}

impl Progress {
    /// Whether the program may end here.
    fn may_end(self) -> bool {
        self.written > 0 && self.depth == 1
    }

    /// After an instruction; none where its operands are missing, or too few instructions would be left to use up the stack.
    pub(super) fn after(self, instruction: Instruction) -> Option<Self> {
        let next = Self { written: self.written + 1, depth: instruction.depth_after(self.depth)? };
        // Two operands become one, so every value but the last needs an instruction.
        let left = MOST_INSTRUCTIONS.checked_sub(next.written)?;
        (next.depth <= left + 1).then_some(next)
    }

    /// Whether an output may follow.
    fn allows(self, token: Option<Token>) -> bool {
        match token {
            Some(Token::End) => self.may_end(),
            Some(Token::Fixed(instruction)) => self.after(instruction).is_some(),
            Some(Token::Pointer(k)) => self.after(Instruction::Local(k)).is_some(),
            None => false,
        }
    }

    /// Log-probabilities of the outputs among those that may follow, minus infinity for the others.
    ///
    /// # Errors
    /// [`Error::SelfCheck`] for logits that are no numbers.
    pub(super) fn log_probabilities(self, config: &LayersConfig, logits: &[f32]) -> Result<Vec<f64>> {
        let mut values: Vec<f64> = logits
            .iter()
            .enumerate()
            .map(|(id, logit)| if self.allows(config.token(id)) { f64::from(*logit) } else { f64::NEG_INFINITY })
            .collect();
        if logits.iter().any(|logit| !logit.is_finite()) {
            return Err(Error::SelfCheck("the WASM layers' logits are not numbers".to_owned()));
        }
        let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if largest.is_finite() {
            let sum: f64 = values.iter().map(|value| (value - largest).exp()).sum();
            let total = largest + sum.ln();
            values.iter_mut().for_each(|value| *value -= total);
        }
        Ok(values)
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};

    use super::super::program::{Op, Program};
    use super::*;

    fn config() -> LayersConfig {
        LayersConfig {
            base: String::new(),
            hidden: 4,
            taps: vec![0],
            width: 4,
            heads: 1,
            ffn: 4,
            encoder_blocks: 0,
            decoder_blocks: 1,
            constants: vec![2.0],
            markers: Vec::new(),
            bound: 1.0,
            eps: 1e-6,
        }
    }

    /// Any walk over what is allowed ends, and is a program; no output is allowed that is known not to be.
    #[test]
    fn every_walk_is_a_program() {
        let config = config();
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(5);
        let mut longest = 0;
        for round in 0..2000 {
            // Some walks push whenever they may, which is where the limit tells.
            let greed = [0.0, 1.0, 8.0][round % 3];
            let (mut at, mut instructions) = (Progress::default(), Vec::new());
            loop {
                let mut logits: Vec<f32> = (0..config.fixed() + 3).map(|_| random.random_range(-1.0..1.0)).collect();
                logits[config.fixed()..].iter_mut().for_each(|logit| *logit += greed);
                let values = at.log_probabilities(&config, &logits).unwrap();
                let total: f64 = values.iter().map(|value| value.exp()).sum();
                assert!((total - 1.0).abs() < 1e-9);
                let allowed: Vec<usize> = (0..values.len()).filter(|id| values[*id].is_finite()).collect();
                let best = allowed.iter().copied().max_by(|a, b| values[*a].total_cmp(&values[*b])).unwrap();
                let chosen = if greed > 0.0 { best } else { allowed[random.random_range(0..allowed.len())] };
                let instruction = match config.token(chosen).unwrap() {
                    Token::End => break,
                    Token::Fixed(instruction) => instruction,
                    Token::Pointer(k) => Instruction::Local(k),
                };
                at = at.after(instruction).unwrap();
                instructions.push(instruction);
            }
            longest = longest.max(instructions.len());
            assert!(Program::new(instructions, 3).is_some());
        }
        assert_eq!(longest, MOST_INSTRUCTIONS);
    }

    #[test]
    fn an_instruction_needs_its_operands_and_an_end_one_value() {
        let at = |written, depth| Progress { written, depth };
        let (push, add, neg) = (Instruction::Const(2.0), Instruction::Op(Op::Add), Instruction::Op(Op::Neg));
        assert_eq!(at(0, 0).after(neg), None);
        assert_eq!(at(1, 1).after(add), None);
        assert_eq!(at(1, 1).after(neg), Some(at(2, 1)));
        assert_eq!(at(2, 2).after(add), Some(at(3, 1)));
        assert!(!at(0, 0).may_end() && at(1, 1).may_end() && !at(2, 2).may_end());
        // At the limit: two values need one more instruction, which must lower the stack.
        assert_eq!(at(MOST_INSTRUCTIONS - 2, 1).after(push), Some(at(MOST_INSTRUCTIONS - 1, 2)));
        assert_eq!(at(MOST_INSTRUCTIONS - 1, 1).after(push), None);
        assert_eq!(at(MOST_INSTRUCTIONS - 1, 2).after(neg), None);
        assert_eq!(at(MOST_INSTRUCTIONS - 1, 2).after(add), Some(at(MOST_INSTRUCTIONS, 1)));
        assert_eq!(at(MOST_INSTRUCTIONS, 1).after(neg), None);
        assert!(at(MOST_INSTRUCTIONS, 1).may_end());
    }

    #[test]
    fn logits_that_are_no_numbers_are_an_error() {
        let mut logits = vec![0.0; config().fixed()];
        logits[3] = f32::NAN;
        assert!(matches!(Progress::default().log_probabilities(&config(), &logits), Err(Error::SelfCheck(_))));
        // Nothing may follow where there is nothing to push.
        let none = LayersConfig { constants: Vec::new(), ..config() };
        let values = Progress::default().log_probabilities(&none, &vec![0.0; none.fixed()]).unwrap();
        assert!(values.iter().all(|value| *value == f64::NEG_INFINITY));
    }
}
