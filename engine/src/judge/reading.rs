//! An expression, as far as it is written: whether it can still become one, and the program that it is.
//!
//! The `llguidance` crate was tried in its place: it masks the vocabulary in a fraction of a millisecond, but its 363 kB (after
//! brotli) put the page past what it may weigh, and a mask over 151,936 tokens wants the logits of all of them, not of some sixty.

use super::written::NAMES;
use crate::wasm_layers::display;
use crate::wasm_layers::program::{Instruction, Op, Program};

/// Numbers that an expression may have without the question having them: small ones, and those of time, money and dozens.
const CONSTANTS: [f64; 20] =
    [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 12.0, 24.0, 30.0, 50.0, 52.0, 60.0, 100.0, 365.0, 1000.0, 0.5];
/// Deepest brackets.
const DEEPEST: usize = 8;
/// Most numbers of an expression: who would go on and on has to end there.
const MOST_OPERANDS: usize = 8;

/// What a text is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reading {
    /// An expression; more may follow.
    Whole(Program),
    /// The beginning of one.
    Begun,
    /// Nothing that becomes one.
    Wrong,
}

/// Why reading stopped.
enum Stop {
    /// The text ended too early.
    End,
    Wrong,
}

type Read<T> = std::result::Result<T, Stop>;

/// The numbers of a question by their texts, and what else may stand in an expression.
pub(super) struct Numbers {
    known: Vec<(String, Instruction)>,
    count: usize,
}

impl Numbers {
    /// Those of a question, of equal ones the first.
    pub(super) fn new(numbers: &[f64]) -> Self {
        let mut known: Vec<(String, Instruction)> = Vec::new();
        let own = numbers.iter().zip(0..).map(|(value, k)| (*value, Instruction::Local(k)));
        for (value, instruction) in own.chain(CONSTANTS.map(|value| (value, Instruction::Const(value)))) {
            let text = display(value);
            if known.iter().all(|(other, _)| *other != text) {
                known.push((text, instruction));
            }
        }
        Self { known, count: numbers.len() }
    }
}

/// Reads a text as an expression in the notation of [`super::written`], over these numbers.
pub(super) fn reading(text: &str, numbers: &Numbers) -> Reading {
    let mut reader = Reader { rest: text, numbers, out: Vec::new(), operands: 0 };
    let read = match reader.sum(0) {
        Ok(()) if !reader.rest.is_empty() => Err(Stop::Wrong),
        read => read,
    };
    match read {
        Ok(()) => Program::new(reader.out, numbers.count).map_or(Reading::Wrong, Reading::Whole),
        Err(Stop::End) => Reading::Begun,
        Err(Stop::Wrong) => Reading::Wrong,
    }
}

struct Reader<'a> {
    rest: &'a str,
    numbers: &'a Numbers,
    out: Vec<Instruction>,
    /// Numbers in it.
    operands: usize,
}

impl Reader<'_> {
    /// Takes a word if the text goes on with it; ends where the text ends within it.
    fn takes(&mut self, word: &str) -> Read<bool> {
        if let Some(rest) = self.rest.strip_prefix(word) {
            self.rest = rest;
            return Ok(true);
        }
        if !self.rest.is_empty() && word.starts_with(self.rest) { Err(Stop::End) } else { Ok(false) }
    }

    fn needs(&mut self, word: &str) -> Read<()> {
        if self.rest.is_empty() {
            return Err(Stop::End);
        }
        if self.takes(word)? { Ok(()) } else { Err(Stop::Wrong) }
    }

    /// The sign between operands, if one of these follows: each is a token with its space, so a space alone is none.
    fn operator(&mut self, signs: &[(&str, Op)]) -> Read<Option<Op>> {
        for (sign, op) in signs.iter().filter(|_| self.operands < MOST_OPERANDS) {
            let Some(rest) = self.rest.strip_prefix(sign) else { continue };
            if rest.is_empty() {
                return Err(Stop::End);
            }
            if let Some(rest) = rest.strip_prefix(' ') {
                self.rest = rest;
                return Ok(Some(*op));
            }
        }
        Ok(None)
    }

    fn sum(&mut self, depth: usize) -> Read<()> {
        self.product(depth)?;
        while let Some(op) = self.operator(&[(" +", Op::Add), (" -", Op::Sub)])? {
            self.product(depth)?;
            self.out.push(Instruction::Op(op));
        }
        Ok(())
    }

    fn product(&mut self, depth: usize) -> Read<()> {
        self.signed(depth)?;
        while let Some(op) = self.operator(&[(" *", Op::Mul), (" /", Op::Div), (" %", Op::Remainder)])? {
            self.signed(depth)?;
            self.out.push(Instruction::Op(op));
        }
        Ok(())
    }

    fn signed(&mut self, depth: usize) -> Read<()> {
        if depth > DEEPEST || self.operands == MOST_OPERANDS {
            return Err(Stop::Wrong);
        }
        // A minus is a number's own where the question has that number.
        if self.number()? {
            return self.power(depth);
        }
        if let Some(rest) = self.rest.strip_prefix('-') {
            self.rest = rest;
            self.signed(depth + 1)?;
            self.out.push(Instruction::Op(Op::Neg));
            return Ok(());
        }
        self.atom(depth)?;
        self.power(depth)
    }

    /// What may stand behind an operand that binds tightest.
    fn power(&mut self, depth: usize) -> Read<()> {
        if let Some(op) = self.operator(&[(" **", Op::Power)])? {
            self.signed(depth + 1)?;
            self.out.push(Instruction::Op(op));
        }
        Ok(())
    }

    fn atom(&mut self, depth: usize) -> Read<()> {
        let call = NAMES.iter().find(|(name, _)| self.rest.starts_with(name));
        self.needs(call.map_or("(", |(name, _)| name))?;
        self.sum(depth + 1)?;
        let Some((_, op)) = call else { return self.needs(")") };
        if op.operands() == 2 {
            self.needs(", ")?;
            self.sum(depth + 1)?;
        }
        self.needs(")")?;
        self.out.push(Instruction::Op(*op));
        Ok(())
    }

    /// A number that is known, if there is one.
    fn number(&mut self) -> Read<bool> {
        let end = self.rest.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '-').unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        let known = &self.numbers.known;
        if let Some((_, instruction)) = known.iter().find(|(known, _)| known == text) {
            self.out.push(*instruction);
            self.operands += 1;
            self.rest = rest;
            return Ok(true);
        }
        let begun = rest.is_empty() && known.iter().any(|(known, _)| known.starts_with(text));
        if begun { Err(Stop::End) } else { Ok(false) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::written::written;
    use super::*;

    fn numbers() -> Numbers {
        Numbers::new(&[12.0, 0.25, -31.0, 12.0])
    }

    #[test]
    fn what_is_written_is_read() {
        let values = [12.0, 0.25, -31.0, 12.0];
        for text in [
            "12",
            "12 + 0.25",
            "(12 + 0.25) * 100",
            "12 - (0.25 - 7)",
            "12 / 0.25 / 2",
            "12 * -31",
            "-(12 + 2) ** 2",
            "(-12) ** 2 ** 3",
            "math.sqrt(12 ** 2 + 5 ** 2)",
            "min(max(12, 0.25), -31) % 7",
            "round(math.floor(12 / 7)) + abs(-31)",
            "math.gcd(12, 60) - math.factorial(5)",
        ] {
            let Reading::Whole(program) = reading(text, &numbers()) else { panic!("{text} was not read") };
            assert_eq!(written(&program, &values).as_deref(), Some(text));
            // All that comes before it is a beginning, if it ends where a token does.
            let ends = text.char_indices().map(|(at, _)| &text[..at]).filter(|part| !part.ends_with([' ', '.']));
            for part in ends.filter(|part| !part.ends_with(|c: char| c.is_ascii_lowercase())) {
                assert_ne!(reading(part, &numbers()), Reading::Wrong, "{part:?} of {text:?}");
            }
        }
    }

    #[test]
    fn numbers_are_the_questions_or_common() {
        let program = |text| match reading(text, &numbers()) {
            Reading::Whole(program) => program.instructions().to_vec(),
            other => panic!("{text}: {other:?}"),
        };
        let (product, twelve) = (Instruction::Op(Op::Mul), Instruction::Local(0));
        assert_eq!(program("12 * 100"), [twelve, Instruction::Const(100.0), product]);
        assert_eq!(program("12 * -31"), [twelve, Instruction::Local(2), product]);
        assert_eq!(program("-12"), [twelve, Instruction::Op(Op::Neg)]);
        assert_eq!(reading("12 * 13", &numbers()), Reading::Wrong);
        assert_eq!(reading("12 * 0.2", &numbers()), Reading::Begun);
    }

    #[test]
    fn what_becomes_no_expression_is_wrong() {
        let deep = "(".repeat(DEEPEST + 2);
        let long = format!("12{}", " + 12".repeat(MOST_OPERANDS));
        let last = format!("12{} +", " + 12".repeat(MOST_OPERANDS - 1));
        for text in [" 12", "12 ", "12 + + 2", "12 12", ")", "12 + )", "max(12)", "12 $", "none", &deep, &long, &last] {
            assert_eq!(reading(text, &numbers()), Reading::Wrong, "{text}");
        }
        for text in ["", "12 +", "12 *", "12 **", "(", "max(12,", "-"] {
            assert_eq!(reading(text, &numbers()), Reading::Begun, "{text}");
        }
    }
}
