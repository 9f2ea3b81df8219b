//! The sandbox: programs compute what another engine computes, helpers what mathematics says, and no text does harm.

// Everything here is test code, which may stop at the first surprise.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "sandbox/decimals.rs"]
mod decimals;
#[path = "sandbox/exactness.rs"]
mod exactness;
#[path = "sandbox/helpers.rs"]
mod helpers;
#[path = "sandbox/hostile.rs"]
mod hostile;
#[path = "sandbox/limits.rs"]
mod limits;
#[path = "sandbox/modules.rs"]
mod modules;
#[path = "sandbox/power.rs"]
mod power;
#[path = "sandbox/programs.rs"]
mod programs;
#[path = "sandbox/wasmtime.rs"]
mod reference;
#[path = "sandbox/refusals.rs"]
mod refusals;

use harness::random::Rng;
use num_rational::BigRational;
use wattage_engine::sandbox::{Limits, NotFinite, Outcome, run};
use wattage_engine::wasm_layers::program::{Instruction, Op, Program};

/// What became of an operation on these operands.
fn outcome(op: Op, operands: &[f64]) -> Outcome {
    let locals = (0..operands.len()).map(|k| Instruction::Local(k.try_into().unwrap()));
    let program = Program::new(locals.chain([Instruction::Op(op)]).collect(), operands.len()).unwrap();
    run(&program.wat(operands.len()), operands, &Limits::default()).outcome
}

/// Its result; NaN and infinities as such.
fn result(op: Op, operands: &[f64]) -> f64 {
    number(&outcome(op, operands)).unwrap_or_else(|other| panic!("{op:?} of {operands:?}: {other}"))
}

/// The number that a program ended with, whether it could be shown or not.
fn number(outcome: &Outcome) -> Result<f64, &Outcome> {
    match outcome {
        Outcome::Value(value) => {
            assert!(value.is_finite());
            Ok(*value)
        }
        Outcome::NotFinite(NotFinite::Nan) => Ok(f64::NAN),
        Outcome::NotFinite(NotFinite::Infinity) => Ok(f64::INFINITY),
        Outcome::NotFinite(NotFinite::MinusInfinity) => Ok(f64::NEG_INFINITY),
        other => Err(other),
    }
}

/// The same number: to the last bit, or both NaN.
fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

/// The exact value of an `f64`'s bits.
fn binary(value: f64) -> BigRational {
    BigRational::from_float(value).unwrap()
}

/// Asserts that `value` is `exact`, rounded once: not farther from it than half a step between doubles, with a hundredth more
/// for numbers that are nearly half way between two.
fn assert_rounded_once(value: f64, exact: &BigRational, what: &str) {
    assert!(value.is_finite(), "{what} gives {value}");
    let step = binary(value.abs().next_up()) - binary(value.abs());
    let most = step * BigRational::new(51.into(), 100.into());
    let off = binary(value) - exact;
    assert!(off <= most && -off <= most, "{what} gives {value}, which is not the nearest");
}

/// Numbers as questions have them, and some that they should not have.
fn operand(rng: &mut Rng) -> f64 {
    const ODD: [f64; 16] = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.5,
        0.1,
        1.0 / 3.0,
        100.0,
        9_007_199_254_740_992.0,
        9_007_199_254_740_993.0,
        1e21,
        1e308,
        -1e308,
        1e-300,
        5e-324,
        f64::MAX,
    ];
    let sign = if rng.below(4) == 0 { -1.0 } else { 1.0 };
    let size = match rng.below(6) {
        0 => ODD[rng.below(ODD.len())],
        1 | 2 => rng.below(13) as f64,
        3 => rng.below(100_000) as f64 / 100.0,
        4 => rng.below(1_000_000_000) as f64,
        _ => f64::from_bits(rng.bits() >> 1),
    };
    if size.is_finite() { sign * size } else { 7.0 }
}

/// A valid program over so many numbers.
fn program(rng: &mut Rng, numbers: usize) -> Program {
    let mut instructions = Vec::new();
    let mut depth: usize = 0;
    let steps = 1 + rng.below(12);
    while instructions.len() < steps || depth != 1 {
        let ops: Vec<Op> = Op::ALL.into_iter().filter(|op| op.operands() <= depth).collect();
        let close = instructions.len() >= steps;
        let instruction = if depth == 0 || (!close && rng.below(2) == 0) {
            if rng.below(3) == 0 {
                Instruction::Const(operand(rng))
            } else {
                Instruction::Local(rng.below(numbers).try_into().unwrap())
            }
        } else {
            let ops: Vec<Op> = ops.into_iter().filter(|op| !close || op.operands() == 2).collect();
            Instruction::Op(ops[rng.below(ops.len())])
        };
        depth = instruction.depth_after(depth).unwrap();
        instructions.push(instruction);
    }
    Program::new(instructions, numbers).unwrap()
}
