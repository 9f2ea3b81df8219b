//! Whether an example is what its template meant: the last check before it is written.

use wattage_engine::wasm_layers::program::{Instruction, MOST_NUMBERS, Program};

use crate::constants;
use crate::evaluate::{close, evaluate};
use crate::numbers::bound_values;

/// Why an example was thrown away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Discard {
    /// No numbers were found that meet the rule's conditions.
    Draw,
    /// The binder reads other numbers than the template meant, or more than a program can use.
    Bound,
    /// The formula is no program of the layers: too long, or with a constant that they lack.
    Program,
    /// The value is not finite, or not the expected one.
    Value,
}

/// Checks an example with a program, and computes its answer.
///
/// `meant` are the numbers that the question should bind to, in order, whether used or not; `expected` the answer where
/// it is known from elsewhere.
pub fn verify(
    question: &str,
    meant: &[f64],
    previous: Option<f64>,
    program: &Program,
    expected: Option<f64>,
) -> Result<f64, Discard> {
    let mut numbers = bound_values(question);
    let same = numbers.len() == meant.len() && numbers.iter().zip(meant).all(|(a, b)| exactly(*a, *b));
    if !same || numbers.len() > MOST_NUMBERS {
        return Err(Discard::Bound);
    }
    numbers.extend(previous);
    let known = |instruction: &Instruction| match *instruction {
        Instruction::Const(value) => constants::is_known(value),
        Instruction::Local(k) => usize::from(k) < numbers.len(),
        Instruction::Op(_) => true,
    };
    if !program.instructions().iter().all(known) {
        return Err(Discard::Program);
    }
    let value = evaluate(program, &numbers).ok_or(Discard::Value)?;
    match expected {
        Some(expected) if !close(value, expected) => Err(Discard::Value),
        _ => Ok(value),
    }
}

/// Equal but for the last bits, which the way of reading a percent or a fraction may change.
fn exactly(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-12 * a.abs().max(b.abs())
}
