//! Whether a computed number is exact: the program once more, in exact rational arithmetic.

use num_bigint::BigInt;
use num_integer::Integer as _;
use num_rational::BigRational;
use num_traits::{One as _, Signed as _, ToPrimitive as _, Zero as _};
use serde::{Deserialize, Serialize};

use super::decimal::{nearest, rational, shown_exactly, text};
use super::program::{Instruction, Op, Program};

/// Longest numerator or denominator, in bits, before the exact computation is given up: more than any finite `f64` has.
const MOST_BITS: u64 = 4096;
/// The highest root that is tried to be found exactly.
const MOST_ROOT: u32 = 100;
/// Relative difference that rounding in a short program explains; a larger one means that the result was lost.
const ROUNDING: f64 = 1e-9;

/// How a computed `f64` stands to the program's exact result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exactness {
    /// It is the exact result, and [`display`](super::display) shows all of it.
    Exact,
    /// It is near the exact result, or the exact result is irrational or too long to be computed.
    Rounded,
    /// Rounding on the way made it another number, as in 10^20 + 1 - 10^20.
    Lost {
        /// The exact result, as a person writes it.
        exact: String,
    },
    /// The exact computation has no result, though that in `f64` has, as in 1 / (1 / 0).
    Undefined,
}

/// Why there is no exact result.
enum Stop {
    /// There is none: a division by zero and the like.
    Undefined,
    /// It is irrational or too long.
    Unknown,
}

/// Compares a program's result in `f64` with its exact result on the numbers as they were written (0.1 is 1/10).
pub fn exactness(program: &Program, arguments: &[BigRational], value: f64) -> Exactness {
    let exact = match evaluate(program, arguments) {
        Ok(exact) => exact,
        Err(Stop::Undefined) => return Exactness::Undefined,
        Err(Stop::Unknown) => return Exactness::Rounded,
    };
    if shown_exactly(value).is_some_and(|shown| shown == exact) {
        return Exactness::Exact;
    }
    match nearest(&exact) {
        Some(near) if (near - value).abs() <= ROUNDING * near.abs() => Exactness::Rounded,
        Some(_) => text(&exact).map_or(Exactness::Rounded, |exact| Exactness::Lost { exact }),
        None => Exactness::Rounded,
    }
}

/// The program's result in exact arithmetic.
fn evaluate(program: &Program, arguments: &[BigRational]) -> Result<BigRational, Stop> {
    let mut stack: Vec<BigRational> = Vec::new();
    for instruction in program.instructions() {
        let value = match instruction {
            Instruction::Local(k) => arguments.get(usize::from(*k)).cloned().ok_or(Stop::Unknown)?,
            Instruction::Const(value) => rational(*value).ok_or(Stop::Unknown)?,
            Instruction::Op(op) => {
                let last = stack.pop().ok_or(Stop::Unknown)?;
                if op.operands() == 1 {
                    unary(*op, &last)?
                } else {
                    let first = stack.pop().ok_or(Stop::Unknown)?;
                    binary(*op, first, last)?
                }
            }
        };
        if value.numer().bits().max(value.denom().bits()) > MOST_BITS {
            return Err(Stop::Unknown);
        }
        stack.push(value);
    }
    stack.pop().ok_or(Stop::Unknown)
}

fn unary(op: Op, x: &BigRational) -> Result<BigRational, Stop> {
    Ok(match op {
        Op::Neg => -x,
        Op::Abs => x.abs(),
        Op::Floor => x.floor(),
        Op::Ceil => x.ceil(),
        Op::Nearest => half_to_even(x),
        Op::Sqrt if x.is_negative() => return Err(Stop::Undefined),
        Op::Sqrt => root(x, 2)?,
        Op::Factorial => match x.is_integer().then(|| x.to_integer().to_u32()).flatten() {
            Some(n) if n <= 170 => BigRational::from_integer((1..=n).map(BigInt::from).product()),
            _ => return Err(Stop::Undefined),
        },
        _ => return Err(Stop::Unknown),
    })
}

fn binary(op: Op, x: BigRational, y: BigRational) -> Result<BigRational, Stop> {
    Ok(match op {
        Op::Add => x + y,
        Op::Sub => x - y,
        Op::Mul => x * y,
        Op::Div | Op::Remainder if y.is_zero() => return Err(Stop::Undefined),
        Op::Div => x / y,
        Op::Remainder => {
            let whole = (&x / &y).floor();
            x - y * whole
        }
        Op::Min => x.min(y),
        Op::Max => x.max(y),
        Op::Power => power(&x, &y)?,
        Op::Gcd if x.is_integer() && y.is_integer() => BigRational::from_integer(x.to_integer().gcd(&y.to_integer())),
        Op::Gcd => return Err(Stop::Undefined),
        _ => return Err(Stop::Unknown),
    })
}

/// Half to even, as `f64.nearest` does; the crate's own rounds half away from zero.
fn half_to_even(x: &BigRational) -> BigRational {
    let half = BigRational::new(BigInt::one(), BigInt::from(2));
    let up = (x + &half).floor();
    if (&up - x) == half && up.to_integer().is_odd() { up - BigRational::one() } else { up }
}

/// The n-th root of a number that is not negative, if it is rational.
fn root(x: &BigRational, n: u32) -> Result<BigRational, Stop> {
    let of = |whole: &BigInt| Some(whole.nth_root(n)).filter(|root| root.pow(n) == *whole);
    match (of(x.numer()), of(x.denom())) {
        (Some(numer), Some(denom)) => Ok(BigRational::new(numer, denom)),
        _ => Err(Stop::Unknown),
    }
}

/// `x` to the power of `y`, as the helper function defines it.
fn power(x: &BigRational, y: &BigRational) -> Result<BigRational, Stop> {
    if y.is_zero() {
        return Ok(BigRational::one());
    }
    if x.is_zero() {
        return if y.is_negative() { Err(Stop::Undefined) } else { Ok(BigRational::zero()) };
    }
    if x.is_negative() && !y.is_integer() {
        return Err(Stop::Undefined);
    }
    if x.abs().is_one() {
        return Ok(if x.is_negative() && y.numer().is_odd() { -BigRational::one() } else { BigRational::one() });
    }
    let degree = y.denom().to_u32().filter(|degree| *degree <= MOST_ROOT).ok_or(Stop::Unknown)?;
    let base = if degree == 1 { x.clone() } else { root(x, degree)? };
    let times = y.numer().to_i32().ok_or(Stop::Unknown)?;
    let bits = base.numer().bits().max(base.denom().bits());
    if bits.saturating_mul(u64::from(times.unsigned_abs())) > MOST_BITS {
        return Err(Stop::Unknown);
    }
    Ok(base.pow(times))
}
