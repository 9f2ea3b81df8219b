//! Expressions of several operands, with signs, parentheses and words.

use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use crate::grammar::{Lists, Rule};

/// Most operands of one expression.
const MOST_OPERANDS: usize = 7;

/// How an operand is drawn.
const OPERANDS: [&str; 8] = ["1..9", "1..9", "2..20", "2..99", "2..99", "i", "n", "0.1..9.9"];

/// An expression as grammar text and as a formula.
struct Part {
    text: String,
    formula: String,
    /// Zero for a sum or difference, one for a product or quotient, two for what needs no parentheses.
    level: u8,
}

/// What a chain is made of.
struct Chain<'a> {
    random: &'a mut ChaCha8Rng,
    next: u8,
    spoken: bool,
    /// Chances of `+ - * /`, as running totals of a hundred.
    operations: [u32; 3],
}

/// A rule for one expression of three to seven operands.
pub fn rule(lists: &Lists, random: &mut ChaCha8Rng) -> Result<Rule, String> {
    let operands = *[3, 3, 3, 3, 4, 4, 4, 5, 5, 6, MOST_OPERANDS].choose(random).unwrap_or(&3);
    let operations = match random.random_range(0..10) {
        0..2 => [100, 100, 100],
        2 => [0, 0, 100],
        3 | 4 => [55, 100, 100],
        _ => [32, 60, 86],
    };
    let spoken = random.random_bool(0.3);
    let draw = *OPERANDS.choose(random).unwrap_or(&"1..9");
    let mixed = random.random_bool(0.3);
    let mut chain = Chain { random, next: b'a', spoken, operations };
    let whole = chain.expression(operands);
    let count = chain.next - b'a';
    let draws: Vec<String> = (0..count)
        .map(|k| {
            let own = if mixed { *OPERANDS.choose(random).unwrap_or(&draw) } else { draw };
            format!("{}={own}", char::from(b'a' + k))
        })
        .collect();
    let mut rule = Rule::read(&format!("{} ; {} ;", whole.formula, draws.join(" ")))?;
    rule.add(&format!("n {}", whole.text), lists)?;
    Ok(rule)
}

impl Chain<'_> {
    fn expression(&mut self, operands: usize) -> Part {
        if operands <= 1 {
            let letter = char::from(self.next);
            self.next += 1;
            let form = if self.spoken { "" } else { "." };
            return Part { text: format!("{{{letter}{form}}}"), formula: letter.to_string(), level: 2 };
        }
        // Most expressions are read from the left.
        let left = if self.random.random_bool(0.6) { operands - 1 } else { self.random.random_range(1..operands) };
        let (left, right) = (self.expression(left), self.expression(operands - left));
        let draw = self.random.random_range(0..100);
        let op = if draw < self.operations[0] {
            '+'
        } else if draw < self.operations[1] {
            '-'
        } else if draw < self.operations[2] {
            '*'
        } else {
            '/'
        };
        let level = u8::from(matches!(op, '*' | '/'));
        // A right operand of the same level keeps its place only behind the signs that do not care.
        let right_level = if matches!(op, '+' | '*') { level } else { level + 1 };
        let formula = format!("({}){op}({})", left.formula, right.formula);
        let (left, right) = (self.wrap(left, level), self.wrap(right, right_level));
        Part { text: format!("{left}{}{right}", self.sign(op)), formula, level }
    }

    fn sign(&mut self, op: char) -> &'static str {
        if !self.spoken {
            return match op {
                '+' => "{+}",
                '-' => "{-}",
                '*' => "{*}",
                _ => "{/}",
            };
        }
        match op {
            '+' => " plus ",
            '-' => " minus ",
            '*' => "[ times | multiplied by ]",
            _ => "[ divided by | over ]",
        }
    }

    fn wrap(&mut self, part: Part, level: u8) -> String {
        // People write some parentheses that they need not write.
        if part.level < level || part.level < 2 && self.random.random_bool(0.08) {
            format!("({})", part.text)
        } else {
            part.text
        }
    }
}
