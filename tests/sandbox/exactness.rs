//! Whether a computed number is the exact one.

use harness::random::Rng;
use num_rational::BigRational;
use wattage_engine::sandbox::{Limits, Outcome, run};
use wattage_engine::wasm_layers::program::{Instruction, Op, Program};
use wattage_engine::wasm_layers::{Exactness, exactness, rational};

use crate::{operand, program};

/// A program in reverse Polish notation: numbers are the question's, `=` before one makes it a constant of the program.
fn read(text: &str) -> (Program, Vec<f64>) {
    let (mut instructions, mut numbers) = (Vec::new(), Vec::new());
    for word in text.split_whitespace() {
        instructions.push(match word {
            "+" => Instruction::Op(Op::Add),
            "-" => Instruction::Op(Op::Sub),
            "*" => Instruction::Op(Op::Mul),
            "/" => Instruction::Op(Op::Div),
            "^" => Instruction::Op(Op::Power),
            "%" => Instruction::Op(Op::Remainder),
            "!" => Instruction::Op(Op::Factorial),
            "gcd" => Instruction::Op(Op::Gcd),
            "neg" => Instruction::Op(Op::Neg),
            "abs" => Instruction::Op(Op::Abs),
            "sqrt" => Instruction::Op(Op::Sqrt),
            "floor" => Instruction::Op(Op::Floor),
            "ceil" => Instruction::Op(Op::Ceil),
            "nearest" => Instruction::Op(Op::Nearest),
            "min" => Instruction::Op(Op::Min),
            "max" => Instruction::Op(Op::Max),
            constant if constant.starts_with('=') => Instruction::Const(constant[1..].parse().unwrap()),
            number => {
                numbers.push(number.parse().unwrap());
                Instruction::Local(u8::try_from(numbers.len() - 1).unwrap())
            }
        });
    }
    (Program::new(instructions, numbers.len()).unwrap(), numbers)
}

/// Computes it and compares, with the numbers as they are written.
fn judged(text: &str) -> Exactness {
    let (program, numbers) = read(text);
    let exact: Vec<BigRational> = numbers.iter().map(|number| rational(*number).unwrap()).collect();
    let outcome = run(&program.wat(numbers.len()), &numbers, &Limits::default()).outcome;
    let Outcome::Value(value) = outcome else { panic!("{text}: {outcome}") };
    exactness(&program, &exact, value)
}

#[test]
fn exact_results_are_known_as_such() {
    for text in [
        "12 11 *",
        "0.5 0.25 +",
        "10 4 /",
        "16 sqrt",
        "0.25 sqrt",
        "2 10 ^",
        "2 -2 ^",
        "27 =1 =3 / ^",
        "8 =2 =3 / ^",
        "1.5 2 ^",
        "7 -3 %",
        "5.5 1.1 %",
        "20 !",
        "48 36 gcd",
        "2.5 nearest",
        "3.5 nearest",
        "-2.5 nearest",
        "-0.1 ceil",
        "-1.5 floor abs neg",
        "3 0.1 min 0.2 max",
        "9007199254740992 1 -",
        "2 60 ^",
        "10 20 ^",
        "1e300",
        "0.1",
        "1 3 / 3 *",
        "0 3 ^",
        "-1 1000001 ^",
        "=0.1 10 *",
        "1e-300 1e300 *",
    ] {
        assert_eq!(judged(text), Exactness::Exact, "{text}");
    }
}

#[test]
fn rounded_results_are_known_as_such() {
    for text in [
        "0.1 0.2 +",
        "1 3 /",
        "2 sqrt",
        "0.1 0.2 *",
        "9007199254740992 1 +",
        "2 0.5 ^",
        "1.05 30 ^",
        "25 !",
        "2 100 ^",
        "2 sqrt 2 sqrt *",
        "1 1e200 / 1e200 /",
        "1.1 1.1 *",
        "3 1000000 / =1 + 1000000 ^",
        "0.12345678901234567",
    ] {
        assert_eq!(judged(text), Exactness::Rounded, "{text}");
    }
}

#[test]
fn what_rounding_lost_is_said() {
    for (text, exact) in [
        ("1e20 1 + 1e20 -", "1"),
        ("0.1 0.2 + 0.3 -", "0"),
        ("0.3 0.1 / floor", "3"),
        ("0.29 100 * floor", "29"),
        ("1 1e20 / 1 + 1 -", "1 × 10^-20"),
    ] {
        assert_eq!(judged(text), Exactness::Lost { exact: exact.to_owned() }, "{text}");
    }
}

#[test]
fn what_has_no_exact_result_is_said() {
    for text in ["1 1 0 / /", "5 0.1 0.2 + 0.3 - /", "2 0.1 0.2 + 0.3 - neg neg /"] {
        assert_eq!(judged(text), Exactness::Undefined, "{text}");
    }
}

/// Numbers that are no doubles: three quarters and a third come as such.
#[test]
fn arguments_are_what_was_written() {
    let (program, _) = read("0.3333333333333333 3 *");
    let third = [BigRational::new(1.into(), 3.into()), BigRational::from_integer(3.into())];
    assert_eq!(exactness(&program, &third, 1.0), Exactness::Exact);
    let decimal = [rational(0.333).unwrap(), rational(3.0).unwrap()];
    assert_eq!(exactness(&program, &decimal, 0.999), Exactness::Exact);
    assert_eq!(
        exactness(&program, &decimal, 0.333 * 3.0),
        if 0.333 * 3.0 == 0.999 { Exactness::Exact } else { Exactness::Rounded }
    );
    assert_eq!(exactness(&program, &decimal, 1.0), Exactness::Lost { exact: "0.999".to_owned() });
    // Fewer numbers than the program wants: nothing is known.
    assert_eq!(exactness(&program, &decimal[..1], 1.0), Exactness::Rounded);
}

/// Whole numbers against another kind of exact arithmetic.
#[test]
fn whole_numbers_agree_with_integers() {
    let mut rng = Rng(71);
    let (mut exact, mut other) = (0, 0);
    for _ in 0..3000 {
        let numbers: Vec<i64> = (0..4).map(|_| i64::try_from(rng.bits() >> (20 + rng.below(43))).unwrap()).collect();
        let ops: Vec<Op> = (0..3).map(|_| [Op::Add, Op::Sub, Op::Mul][rng.below(3)]).collect();
        let mut instructions = vec![Instruction::Local(0)];
        let (mut float, mut whole) = (numbers[0] as f64, Some(i128::from(numbers[0])));
        for (k, op) in (1_u8..).zip(&ops) {
            instructions.extend([Instruction::Local(k), Instruction::Op(*op)]);
            let next = numbers[usize::from(k)];
            let (of_floats, of_wholes): (f64, Option<i128>) = match op {
                Op::Add => (float + next as f64, whole.and_then(|sum| sum.checked_add(next.into()))),
                Op::Sub => (float - next as f64, whole.and_then(|sum| sum.checked_sub(next.into()))),
                _ => (float * next as f64, whole.and_then(|sum| sum.checked_mul(next.into()))),
            };
            (float, whole) = (of_floats, of_wholes);
        }
        let Some(whole) = whole.filter(|_| float.abs() < 1e21) else { continue };
        let arguments: Vec<BigRational> = numbers.iter().map(|n| BigRational::from_integer((*n).into())).collect();
        let judged = exactness(&Program::new(instructions, 4).unwrap(), &arguments, float);
        assert_eq!(judged == Exactness::Exact, float as i128 == whole, "{numbers:?} {ops:?} {judged:?}");
        if judged == Exactness::Exact { exact += 1 } else { other += 1 }
    }
    assert!(exact > 500 && other > 200, "{exact} and {other}");
}

/// Any program and any number: there is an answer, and soon.
#[test]
fn any_program_is_judged() {
    let mut rng = Rng(72);
    let began = std::time::Instant::now();
    for _ in 0..20_000 {
        let program = program(&mut rng, 3);
        let arguments: Vec<BigRational> = (0..3).map(|_| rational(operand(&mut rng)).unwrap()).collect();
        exactness(&program, &arguments, operand(&mut rng));
    }
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
}

/// The longest way that there is: as large as numbers may get, at each step.
#[test]
fn large_numbers_are_given_up_soon() {
    let began = std::time::Instant::now();
    let (large, _) = read("1e300 1e300 * 1e300 * 1e300 * 7 / 3 ^ 1000 ^ 1e-300 ^");
    let numbers = [1e300, 1e300, 1e300, 1e300, 7.0, 3.0, 1000.0, 1e-300].map(|number| rational(number).unwrap());
    assert_eq!(exactness(&large, &numbers, 1.0), Exactness::Rounded);
    let huge = BigRational::from_integer(num_bigint::BigInt::from(7).pow(1_000_000));
    let (square, _) = read("1 1 * sqrt");
    assert_eq!(exactness(&square, &[huge.clone(), huge], 1.0), Exactness::Rounded);
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
}
