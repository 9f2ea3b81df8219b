//! What a program computes, for the data pipeline. At run time programs run as WebAssembly in the sandbox.

use wattage_engine::wasm_layers::near;
use wattage_engine::wasm_layers::program::{Instruction, Op, Program};

/// The program's value over these numbers; `None` where it is not finite or an operation is not defined.
pub fn evaluate(program: &Program, numbers: &[f64]) -> Option<f64> {
    trace(program, numbers, |_| {})
}

/// The same, and every operation's result on the way.
pub fn trace(program: &Program, numbers: &[f64], mut seen: impl FnMut(f64)) -> Option<f64> {
    let mut stack: Vec<f64> = Vec::with_capacity(program.instructions().len());
    for instruction in program.instructions() {
        let value = match *instruction {
            Instruction::Local(k) => *numbers.get(usize::from(k))?,
            Instruction::Const(value) => value,
            Instruction::Op(op) => {
                let last = stack.pop()?;
                let value = if op.operands() == 1 { unary(op, last)? } else { binary(op, stack.pop()?, last)? };
                seen(value);
                value
            }
        };
        if !value.is_finite() {
            return None;
        }
        stack.push(value);
    }
    stack.pop()
}

fn unary(op: Op, x: f64) -> Option<f64> {
    Some(match op {
        Op::Neg => -x,
        Op::Abs => x.abs(),
        Op::Sqrt => x.sqrt(),
        Op::Floor => x.floor(),
        Op::Ceil => x.ceil(),
        Op::Nearest => x.round_ties_even(),
        Op::Factorial => {
            if x.fract() != 0.0 || !(0.0..=170.0).contains(&x) {
                return None;
            }
            // Whole and at most 170, so the cast is exact.
            (1..=x as u32).fold(1.0, |product, k| product * f64::from(k))
        }
        _ => return None,
    })
}

fn binary(op: Op, a: f64, b: f64) -> Option<f64> {
    Some(match op {
        Op::Add => a + b,
        Op::Sub => a - b,
        Op::Mul => a * b,
        Op::Div => a / b,
        Op::Min => a.min(b),
        Op::Max => a.max(b),
        Op::Power => a.powf(b),
        Op::Remainder => a - b * (a / b).floor(),
        Op::Gcd => {
            if a.fract() != 0.0 || b.fract() != 0.0 {
                return None;
            }
            let (mut a, mut b) = (a.abs(), b.abs());
            while b != 0.0 {
                (a, b) = (b, a % b);
            }
            a
        }
        _ => return None,
    })
}

/// Whether two results are the same number but for rounding.
pub fn close(a: f64, b: f64) -> bool {
    near(a, b, 1e-6)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(instructions: &[Instruction], numbers: &[f64]) -> Option<f64> {
        evaluate(&Program::new(instructions.to_vec(), numbers.len()).unwrap(), numbers)
    }

    fn two(op: Op, a: f64, b: f64) -> Option<f64> {
        run(&[Instruction::Local(0), Instruction::Local(1), Instruction::Op(op)], &[a, b])
    }

    #[test]
    fn operations() {
        assert_eq!(two(Op::Sub, 10.0, 4.0), Some(6.0));
        assert_eq!(two(Op::Div, 10.0, 4.0), Some(2.5));
        assert_eq!(two(Op::Power, 2.0, 10.0), Some(1024.0));
        assert_eq!(two(Op::Remainder, 17.0, 5.0), Some(2.0));
        assert_eq!(two(Op::Remainder, -17.0, 5.0), Some(3.0));
        assert_eq!(two(Op::Remainder, 17.0, -5.0), Some(-3.0));
        assert_eq!(two(Op::Gcd, 24.0, -36.0), Some(12.0));
        assert_eq!(run(&[Instruction::Local(0), Instruction::Op(Op::Factorial)], &[5.0]), Some(120.0));
        assert_eq!(run(&[Instruction::Const(2.5), Instruction::Op(Op::Nearest)], &[]), Some(2.0));
    }

    #[test]
    fn what_is_not_defined() {
        assert_eq!(two(Op::Div, 1.0, 0.0), None);
        assert_eq!(two(Op::Remainder, 1.0, 0.0), None);
        assert_eq!(two(Op::Gcd, 1.5, 2.0), None);
        assert_eq!(run(&[Instruction::Const(-1.0), Instruction::Op(Op::Sqrt)], &[]), None);
        assert_eq!(run(&[Instruction::Const(171.0), Instruction::Op(Op::Factorial)], &[]), None);
    }

    #[test]
    fn closeness_is_relative() {
        assert!(close(1e9, 1e9 + 1.0));
        assert!(!close(100.0, 100.1));
        assert!(close(0.0, 1e-16) && !close(0.0, 1e-9));
    }
}
