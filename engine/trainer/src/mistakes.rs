//! What is wrong with the programs that gave wrong results, by what a set says that is to be computed.

use std::collections::BTreeMap;

use serde_json::Value;
use wattage_engine::wasm_layers::near;

use crate::constants::CONSTANTS;
use crate::formula::Formula;

/// Numbers are the same up to this, relatively.
const SAME: f64 = 1e-6;

/// A kind of mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mistake {
    /// A number that is needed was not read as one, and is no constant of the layers either.
    NotBound,
    /// The right numbers and operations, in another order.
    Order,
    /// The right numbers, other operations.
    Operation,
    /// The right operations, other numbers.
    Operand,
    /// Too few operations.
    MissingStep,
    /// Too many operations.
    StepTooMany,
    /// As many operations as are needed, other ones, and other numbers.
    Both,
    /// There is no program.
    NoProgram,
}

impl Mistake {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotBound => "number not bound",
            Self::Order => "order",
            Self::Operation => "wrong operation",
            Self::Operand => "wrong operand",
            Self::MissingStep => "missing step",
            Self::StepTooMany => "step too many",
            Self::Both => "wrong operand and operation",
            Self::NoProgram => "no program",
        }
    }
}

/// The numbers that something computes with, and its operations, both sorted.
#[derive(Debug, Default, PartialEq)]
struct Parts {
    operands: Vec<f64>,
    operations: Vec<String>,
}

impl Parts {
    fn sorted(mut self) -> Self {
        self.operands.sort_by(f64::total_cmp);
        self.operations.sort();
        self
    }

    fn same_operands(&self, other: &Self) -> bool {
        let mut pairs = self.operands.iter().zip(&other.operands);
        self.operands.len() == other.operands.len() && pairs.all(|(a, b)| near(*a, *b, SAME))
    }
}

/// The mistake in a line of `wattage eval`'s answers; none where it is right, or the set does not say what is to be computed.
pub fn mistake(line: &Value) -> Option<Mistake> {
    if line["correct"] == true || line["answer"].is_null() {
        return None;
    }
    let formula = Formula::read(line["equation"].as_str()?)?;
    let mut wanted = Parts::default();
    formula_parts(&formula, &mut wanted)?;
    let wanted = wanted.sorted();
    let Some(found) = program_parts(line) else { return Some(Mistake::NoProgram) };
    let bound: Vec<f64> =
        line["numbers"].as_array().into_iter().flatten().filter_map(|number| number["value"].as_f64()).collect();
    let known = |number: &f64| bound.iter().chain(&CONSTANTS).any(|known| near(*known, *number, SAME));
    let same_operations = wanted.operations == found.operations;
    Some(if !wanted.operands.iter().all(known) {
        Mistake::NotBound
    } else if wanted.same_operands(&found) {
        if same_operations { Mistake::Order } else { Mistake::Operation }
    } else if found.operations.len() < wanted.operations.len() {
        Mistake::MissingStep
    } else if found.operations.len() > wanted.operations.len() {
        Mistake::StepTooMany
    } else if same_operations {
        Mistake::Operand
    } else {
        Mistake::Both
    })
}

/// Counts the mistakes of many lines, and keeps the first few lines of each kind.
pub fn count<'a>(lines: &'a [Value], examples: usize) -> BTreeMap<Mistake, (usize, Vec<&'a Value>)> {
    let mut all: BTreeMap<Mistake, (usize, Vec<&'a Value>)> = BTreeMap::new();
    for line in lines {
        let Some(kind) = mistake(line) else { continue };
        let (count, kept) = all.entry(kind).or_default();
        *count += 1;
        if kept.len() < examples {
            kept.push(line);
        }
    }
    all
}

/// None for what sets do not write: only numbers and `+ - * /` are told apart.
fn formula_parts(formula: &Formula, parts: &mut Parts) -> Option<()> {
    match formula {
        Formula::Literal(value) => parts.operands.push(*value),
        Formula::Binary(op, left, right) => {
            formula_parts(left, parts)?;
            formula_parts(right, parts)?;
            parts.operations.push(op.wat().trim_start_matches("f64.").to_owned());
        }
        _ => return None,
    }
    Some(())
}

/// The parts of the chosen function, from its text.
fn program_parts(line: &Value) -> Option<Parts> {
    let rows = line["candidates"].as_array()?;
    let row = rows.iter().find(|row| row["layer"] == line["chosen"])?;
    let args: Vec<f64> = row["args"].as_array()?.iter().filter_map(Value::as_f64).collect();
    let mut parts = Parts::default();
    // The first function is the one that computes; its body has a line an instruction, and the last one closes it.
    for text in row["wat"].as_str()?.lines().skip(2) {
        let closes = text.ends_with(')') && !text.contains('(');
        match text.trim().trim_end_matches(')').split_once(' ') {
            Some(("local.get", place)) => parts.operands.push(*args.get(place.parse::<usize>().ok()?)?),
            Some(("f64.const", value)) => parts.operands.push(value.parse().ok()?),
            Some(("call", name)) => parts.operations.push(name.to_owned()),
            _ => parts.operations.push(text.trim().trim_end_matches(')').trim_start_matches("f64.").to_owned()),
        }
        if closes {
            return Some(parts.sorted());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use wattage_engine::wasm_layers::program::{Instruction, Op, Program};

    use super::*;

    fn line(equation: &str, program: &[Instruction], numbers: &[f64]) -> Value {
        let program = Program::new(program.to_vec(), numbers.len()).unwrap();
        let numbers: Vec<Value> = numbers.iter().map(|value| json!({ "value": value })).collect();
        let args: Vec<&Value> = numbers.iter().map(|number| &number["value"]).collect();
        let wat = program.wat_alone(program.parameters());
        json!({ "answer": 1.0, "correct": false, "equation": equation, "chosen": 7, "numbers": numbers,
                "candidates": [{ "layer": 3 }, { "layer": 7, "args": args, "wat": wat }] })
    }

    #[test]
    fn mistakes_are_told_apart() {
        use Instruction::{Const, Local, Op as Do};
        let numbers = [8.0, 5.0, 3.0];
        for (equation, program, kind) in [
            ("( 8.0 - 5.0 )", vec![Local(1), Local(0), Do(Op::Sub)], Mistake::Order),
            ("( 8.0 - 5.0 )", vec![Local(0), Local(1), Do(Op::Add)], Mistake::Operation),
            ("( 8.0 - 5.0 )", vec![Local(0), Local(1), Do(Op::Remainder)], Mistake::Operation),
            ("( 8.0 - 5.0 )", vec![Local(0), Local(2), Do(Op::Sub)], Mistake::Operand),
            ("( 8.0 - 5.0 )", vec![Local(0), Local(2), Do(Op::Mul)], Mistake::Both),
            ("8+5-3", vec![Local(0), Local(1), Do(Op::Add)], Mistake::MissingStep),
            ("8*7", vec![Local(0), Const(7.0), Do(Op::Mul), Local(2), Do(Op::Sub)], Mistake::StepTooMany),
            ("8-77", vec![Local(0), Local(1), Do(Op::Sub)], Mistake::NotBound),
        ] {
            assert_eq!(mistake(&line(equation, &program, &numbers)), Some(kind), "{equation} {program:?}");
        }
    }

    #[test]
    fn what_is_right_or_unknown_is_no_mistake() {
        let program = [Instruction::Local(0), Instruction::Local(1), Instruction::Op(Op::Add)];
        let mut known = line("8-5", &program, &[8.0, 5.0]);
        assert_eq!(mistake(&line("a+b", &program, &[8.0, 5.0])), None);
        assert_eq!(mistake(&line("", &program, &[8.0, 5.0])), None);
        known["chosen"] = Value::Null;
        assert_eq!(mistake(&known), Some(Mistake::NoProgram));
        let all = [known.clone(), known.clone()];
        assert_eq!(count(&all, 1)[&Mistake::NoProgram], (2, vec![&known]));
        known["correct"] = json!(true);
        assert_eq!(mistake(&known), None);
    }
}
