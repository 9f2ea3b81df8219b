//! What every layer thinks of a program, whoever wrote it.

use super::grammar::Progress;
use super::layers::WasmLayers;
use super::program::{MOST_INSTRUCTIONS, Program};
use super::step::{Input, MOST_ROWS};
use crate::Result;
use crate::device::Device;

/// Programs of one submit.
pub(super) const AT_ONCE: usize = MOST_ROWS / (MOST_INSTRUCTIONS + 1);

/// A layer's log-probability of a program.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// The sum over its outputs, the end included.
    pub logprob: f64,
    /// The least of them.
    pub min_logprob: f64,
}

/// A program as outputs: each with where the program stands before it.
pub(super) type Outputs = Vec<(Progress, usize)>;

impl WasmLayers {
    /// Every layer's score of each program, [program, layer]; none for a program that the layers cannot write: one with a
    /// constant that their vocabulary lacks, or a number that the question has not. Up to 40 programs are one submit.
    ///
    /// # Errors
    /// [`Error::Request`] where no question was read, [`Error::SelfCheck`] for logits that are no numbers, or the device's
    /// trouble.
    pub async fn rescore(&mut self, device: &mut Device, programs: &[Program]) -> Result<Vec<Option<Vec<Score>>>> {
        let written: Vec<Option<Outputs>> =
            programs.iter().map(|program| self.as_outputs(program)).collect::<Result<_>>()?;
        let known: Vec<&Outputs> = written.iter().flatten().collect();
        let mut scores = Vec::with_capacity(known.len());
        for chunk in known.chunks(AT_ONCE) {
            let logits = self.force(device, chunk).await?;
            scores.append(&mut self.scores(chunk, &logits)?);
        }
        let mut scores = scores.into_iter();
        Ok(written.iter().map(|program| program.as_ref().and_then(|_| scores.next())).collect())
    }

    /// Logits while a program is written, [layers, its instructions and the end, outputs]: fixed outputs, then pointers. None
    /// for a program that the layers cannot write.
    ///
    /// # Errors
    /// [`Error::Request`] where no question was read, or the device's trouble.
    pub async fn logits(&mut self, device: &mut Device, program: &Program) -> Result<Option<Vec<f32>>> {
        match self.as_outputs(program)? {
            Some(outputs) => Ok(Some(self.force(device, &[&outputs]).await?)),
            None => Ok(None),
        }
    }

    pub(super) fn as_outputs(&self, program: &Program) -> Result<Option<Outputs>> {
        let outputs = self.outputs()?;
        let mut at = Progress::default();
        let mut all = Vec::new();
        for instruction in program.instructions() {
            let id = self.config().id(*instruction).filter(|id| *id < outputs);
            let Some((id, next)) = id.zip(at.after(*instruction)) else { return Ok(None) };
            all.push((at, id));
            at = next;
        }
        // 0 is the end.
        all.push((at, 0));
        Ok(Some(all))
    }

    /// Logits of all programs' outputs, one behind the other, [layers, rows, outputs].
    async fn force(&mut self, device: &mut Device, programs: &[&Outputs]) -> Result<Vec<f32>> {
        let rows = rows_of(programs);
        self.reserve_steps(device, rows.len())?;
        self.step(device, &[rows], 0).await
    }

    fn scores(&self, programs: &[&Outputs], logits: &[f32]) -> Result<Vec<Vec<Score>>> {
        let outputs = self.outputs()?;
        let rows: usize = programs.iter().map(|program| program.len()).sum();
        let mut scores = vec![Vec::new(); programs.len()];
        for layer in logits.chunks_exact(rows * outputs) {
            let mut logits = layer.chunks_exact(outputs);
            for (program, scores) in programs.iter().zip(&mut scores) {
                let mut score = Score { logprob: 0.0, min_logprob: 0.0 };
                for ((at, output), logits) in program.iter().zip(&mut logits) {
                    let values = at.log_probabilities(self.config(), logits)?;
                    let value = values.get(*output).copied().unwrap_or(f64::NEG_INFINITY);
                    score.logprob += value;
                    score.min_logprob = score.min_logprob.min(value);
                }
                scores.push(score);
            }
        }
        Ok(scores)
    }
}

/// The decoders' inputs as they write programs, one behind the other.
pub(super) fn rows_of(programs: &[&Outputs]) -> Vec<Input> {
    let mut rows = Vec::new();
    for program in programs {
        let first = rows.len() as u32;
        let mut last = None;
        for (place, (at, output)) in (0..).zip(program.iter()) {
            let past = (first..=first + place).collect();
            rows.push(Input { last, step: at.written, depth: at.depth, past });
            last = Some(*output);
        }
    }
    rows
}
