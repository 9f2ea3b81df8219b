//! Programs that the WASM layers could write: both engines compute the same.

use harness::random::Rng;
use wattage_engine::sandbox::{Limits, Outcome, run};
use wattage_engine::wasm_layers::program::{Instruction, MOST_INSTRUCTIONS, Op, Program};

use crate::reference::Reference;
use crate::{number, operand, program, same};

#[test]
fn wasmtime_computes_the_same() {
    let reference = Reference::new();
    let mut rng = Rng(11);
    let (mut finite, mut used) = (0, std::collections::BTreeSet::new());
    for _ in 0..2000 {
        let numbers = 1 + rng.below(4);
        let program = program(&mut rng, numbers);
        used.extend(program.operations());
        let text = program.wat(numbers);
        let module = wat::parse_str(&text).unwrap();
        for _ in 0..3 {
            let arguments: Vec<f64> = (0..numbers).map(|_| operand(&mut rng)).collect();
            let report = run(&text, &arguments, &Limits::default());
            let value = number(&report.outcome).unwrap_or_else(|other| panic!("{other}\n{arguments:?}\n{text}"));
            let expected = reference.run(&module, &arguments).unwrap();
            assert!(same(value, expected), "{value} and {expected}\n{arguments:?}\n{text}");
            assert_eq!((report.facts.wat_bytes, report.facts.module_bytes), (text.len(), module.len()));
            assert!(report.facts.fuel > 0);
            finite += usize::from(value.is_finite());
        }
    }
    // The comparison is worth something: each operation was in it, and most results were numbers.
    assert_eq!(used.len(), Op::ALL.len());
    assert!(finite > 2000, "{finite} finite results");
}

#[test]
fn a_program_is_checked_when_it_is_made() {
    use Instruction::{Const, Local, Op as Do};
    let made = |instructions: &[Instruction]| Program::new(instructions.to_vec(), 2).is_some();
    assert!(made(&[Local(0)]));
    assert!(made(&[Local(0), Local(1), Do(Op::Sub)]));
    assert!(!made(&[]));
    assert!(!made(&[Local(2)]));
    assert!(!made(&[Local(0), Local(1)]));
    assert!(!made(&[Local(0), Do(Op::Sub)]));
    assert!(!made(&[Do(Op::Neg), Local(0)]));
    assert!(!made(&[Const(f64::NAN)]));
    assert!(!made(&[Const(f64::INFINITY)]));
    let long = |n: usize| [vec![Local(0)], vec![Do(Op::Neg); n - 1]].concat();
    assert!(made(&long(MOST_INSTRUCTIONS)));
    assert!(!made(&long(MOST_INSTRUCTIONS + 1)));
}

#[test]
fn a_module_has_the_helpers_that_it_calls() {
    let of = |op: Op| Program::new(vec![Instruction::Local(0), Instruction::Local(1), Instruction::Op(op)], 2).unwrap();
    let plain = of(Op::Mul).wat(2);
    assert_eq!(
        plain,
        "(module\n  (func $compute (export \"compute\") (param f64 f64) (result f64)\n    local.get 0\n    local.get 1\n    f64.mul))"
    );
    let helped = of(Op::Gcd).wat(2);
    assert!(helped.contains("(func $gcd ") && !helped.contains("(func $power "));
    let twice = Program::new(
        vec![
            Instruction::Local(0),
            Instruction::Local(0),
            Instruction::Op(Op::Gcd),
            Instruction::Local(0),
            Instruction::Op(Op::Gcd),
        ],
        1,
    );
    assert_eq!(twice.unwrap().wat(1).matches("(func $gcd ").count(), 1);
}

/// The most work that a program of the WASM layers can be: it ends within the fuel.
#[test]
fn the_hardest_programs_have_enough_fuel() {
    let hardest: [(Op, f64, f64); 4] = [
        (Op::Power, 1.000_000_000_000_000_2, -1e308),
        (Op::Power, 3.0, 0.123_456_789_012_345_6),
        (Op::Remainder, f64::MAX, 5e-324),
        (Op::Gcd, 8_944_394_323_791_464.0, 5_527_939_700_884_757.0),
    ];
    for (op, x, y) in hardest {
        // x op x op x … y, with as many operations as there is room for.
        let calls = (MOST_INSTRUCTIONS - 1) / 2;
        let mut instructions = vec![Instruction::Local(0)];
        for _ in 0..calls {
            instructions.extend([Instruction::Local(1), Instruction::Op(op)]);
        }
        let program = Program::new(instructions, 2).unwrap();
        let limits = Limits::default();
        let report = run(&program.wat(2), &[x, y], &limits);
        assert!(!matches!(report.outcome, Outcome::OutOfFuel { .. }), "{op:?} {x} {y}");
        let one = run(&Program::new(program.instructions()[..3].to_vec(), 2).unwrap().wat(2), &[x, y], &limits);
        assert!(one.facts.fuel * calls as u64 <= limits.fuel, "{op:?} takes {}", one.facts.fuel);
    }
}
