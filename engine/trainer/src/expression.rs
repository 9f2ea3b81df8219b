//! A program as a tree: made from formulas, brought into one canonical form, written as instructions.

use std::f64::consts::PI;

use wattage_engine::wasm_layers::program::{Instruction, MOST_INSTRUCTIONS, Op, Program};

use crate::formula::{Formula, Function};

/// A tree whose leaves are a question's numbers and constants.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// The question's k-th number, from 0.
    Number(u8),
    /// A constant.
    Constant(f64),
    /// An operation on one operand.
    Unary(Op, Box<Self>),
    /// An operation on two.
    Binary(Op, Box<Self>, Box<Self>),
}

impl Expression {
    /// An operation on one operand.
    pub fn unary(op: Op, of: Self) -> Self {
        Self::Unary(op, Box::new(of))
    }

    /// An operation on two.
    pub fn binary(op: Op, left: Self, right: Self) -> Self {
        Self::Binary(op, Box::new(left), Box::new(right))
    }

    /// The tree of a program.
    pub fn of(program: &Program) -> Option<Self> {
        let mut stack: Vec<Self> = Vec::new();
        for instruction in program.instructions() {
            let next = match *instruction {
                Instruction::Local(k) => Self::Number(k),
                Instruction::Const(value) => Self::Constant(value),
                Instruction::Op(op) if op.operands() == 1 => Self::unary(op, stack.pop()?),
                Instruction::Op(op) => {
                    let right = stack.pop()?;
                    Self::binary(op, stack.pop()?, right)
                }
            };
            stack.push(next);
        }
        let root = stack.pop()?;
        stack.is_empty().then_some(root)
    }

    /// The tree of a formula. `numbers` says which of the question's numbers a name stands for: several for a list.
    pub fn from_formula(formula: &Formula, numbers: &impl Fn(&str) -> Vec<u8>) -> Option<Self> {
        let mut all = Self::list(formula, numbers)?;
        let one = all.pop()?;
        all.is_empty().then_some(one)
    }

    fn list(formula: &Formula, numbers: &impl Fn(&str) -> Vec<u8>) -> Option<Vec<Self>> {
        let one = match formula {
            Formula::Literal(value) => Self::Constant(*value),
            Formula::Name(name) if name == "pi" => Self::Constant(PI),
            Formula::Name(name) => return Some(numbers(name).into_iter().map(Self::Number).collect()),
            Formula::Unary(op, of) => Self::unary(*op, Self::from_formula(of, numbers)?),
            Formula::Binary(op, left, right) => {
                Self::binary(*op, Self::from_formula(left, numbers)?, Self::from_formula(right, numbers)?)
            }
            Formula::Call(function, arguments) => {
                let mut all = Vec::new();
                for argument in arguments {
                    all.extend(Self::list(argument, numbers)?);
                }
                Self::call(*function, all)?
            }
        };
        Some(vec![one])
    }

    /// A function of several arguments; `None` if there are not as many as it takes.
    pub fn call(function: Function, all: Vec<Self>) -> Option<Self> {
        let fold = |op: Op, all: Vec<Self>| all.into_iter().reduce(|left, right| Self::binary(op, left, right));
        match function {
            Function::Sum => fold(Op::Add, all),
            Function::Product => fold(Op::Mul, all),
            Function::Min => fold(Op::Min, all),
            Function::Max => fold(Op::Max, all),
            Function::Gcd => fold(Op::Gcd, all),
            Function::Mean => {
                // There are at most as many as instructions, so that the count is exact.
                let count = all.len() as f64;
                Some(Self::binary(Op::Div, fold(Op::Add, all)?, Self::Constant(count)))
            }
            Function::Range => {
                let smallest = fold(Op::Min, all.clone())?;
                Some(Self::binary(Op::Sub, fold(Op::Max, all)?, smallest))
            }
            Function::Median => {
                let [a, b, c]: [Self; 3] = all.try_into().ok()?;
                let low = Self::binary(Op::Min, a.clone(), b.clone());
                let high = Self::binary(Op::Max, a, b);
                Some(Self::binary(Op::Max, low, Self::binary(Op::Min, high, c)))
            }
            Function::Lcm => {
                let [a, b]: [Self; 2] = all.try_into().ok()?;
                let product = Self::binary(Op::Mul, a.clone(), b.clone());
                Some(Self::binary(Op::Div, product, Self::binary(Op::Gcd, a, b)))
            }
            Function::Mod => {
                let [a, b]: [Self; 2] = all.try_into().ok()?;
                Some(Self::binary(Op::Remainder, a, b))
            }
        }
    }

    /// As a formula over these values, every operation in brackets; `None` where there are others than `+ - * /`, or a number that
    /// is not there.
    pub fn written(&self, numbers: &[f64]) -> Option<String> {
        let sign = |op: &Op| match op {
            Op::Add => Some('+'),
            Op::Sub => Some('-'),
            Op::Mul => Some('*'),
            Op::Div => Some('/'),
            _ => None,
        };
        match self {
            Self::Number(k) => numbers.get(usize::from(*k)).map(f64::to_string),
            Self::Constant(value) => Some(value.to_string()),
            Self::Unary(..) => None,
            Self::Binary(op, left, right) => {
                Some(format!("({} {} {})", left.written(numbers)?, sign(op)?, right.written(numbers)?))
            }
        }
    }

    /// Its nodes; counting stops past `most`.
    pub fn size(&self, most: usize) -> usize {
        let mut waiting = vec![self];
        let mut size = 0;
        while let Some(node) = waiting.pop() {
            size += 1;
            if size > most {
                break;
            }
            match node {
                Self::Number(_) | Self::Constant(_) => {}
                Self::Unary(_, of) => waiting.push(of),
                Self::Binary(_, left, right) => waiting.extend([left.as_ref(), right.as_ref()]),
            }
        }
        size
    }

    /// As a program over this many numbers; `None` where it is too long or names a number that is not there.
    pub fn program(&self, numbers: usize) -> Option<Program> {
        if self.size(MOST_INSTRUCTIONS) > MOST_INSTRUCTIONS {
            return None;
        }
        let mut instructions = Vec::new();
        self.write(&mut instructions);
        Program::new(instructions, numbers)
    }

    fn write(&self, out: &mut Vec<Instruction>) {
        match self {
            Self::Number(k) => out.push(Instruction::Local(*k)),
            Self::Constant(value) => out.push(Instruction::Const(*value)),
            Self::Unary(op, of) => {
                of.write(out);
                out.push(Instruction::Op(*op));
            }
            Self::Binary(op, left, right) => {
                left.write(out);
                right.write(out);
                out.push(Instruction::Op(*op));
            }
        }
    }

    /// The same value with the operands of commutative operations in the order of the question's numbers: a chain of one such
    /// operation is taken apart, sorted by the first number that each part uses, and written from the left; constants come last.
    pub fn canonical(self) -> Self {
        match self {
            Self::Unary(op, of) => Self::unary(op, of.canonical()),
            Self::Binary(op, left, right) if commutes(op) => {
                let mut parts = Vec::new();
                left.canonical().parts(op, &mut parts);
                right.canonical().parts(op, &mut parts);
                parts.sort_by_key(Self::order);
                let mut parts = parts.into_iter();
                // A binary node has two parts at least.
                let first = parts.next().unwrap_or(Self::Constant(0.0));
                parts.fold(first, |left, right| Self::binary(op, left, right))
            }
            Self::Binary(op, left, right) => Self::binary(op, left.canonical(), right.canonical()),
            leaf => leaf,
        }
    }

    fn parts(self, op: Op, out: &mut Vec<Self>) {
        match self {
            Self::Binary(own, left, right) if own == op => {
                left.parts(op, out);
                right.parts(op, out);
            }
            other => out.push(other),
        }
    }

    /// What parts are sorted by: the first number in the question's order, then the numbers as written, then the rest.
    fn order(&self) -> (u8, Vec<u8>, Vec<u64>) {
        let mut instructions = Vec::new();
        self.write(&mut instructions);
        let numbers: Vec<u8> = instructions
            .iter()
            .filter_map(|instruction| if let Instruction::Local(k) = instruction { Some(*k) } else { None })
            .collect();
        let rest = instructions
            .iter()
            .map(|instruction| match instruction {
                Instruction::Local(_) => 0,
                Instruction::Const(value) => value.to_bits(),
                Instruction::Op(op) => *op as u64 + 1,
            })
            .collect();
        (numbers.iter().copied().min().unwrap_or(u8::MAX), numbers, rest)
    }

    /// The same value without the detours that data sets take: percents written as hundredths of a hundred, division by the
    /// inverse of a number, factors of one.
    pub fn simplified(self) -> Self {
        match self {
            Self::Unary(op, of) => Self::unary(op, of.simplified()),
            Self::Binary(op, left, right) => simplify(op, left.simplified(), right.simplified()),
            leaf => leaf,
        }
    }

    /// It divided by a hundred, if a factor of a hundred can be taken out.
    fn hundredth(&self) -> Option<Self> {
        match self {
            Self::Constant(value) if *value == 100.0 => Some(Self::Constant(1.0)),
            Self::Binary(Op::Mul, left, right) => match (left.hundredth(), right.hundredth()) {
                (_, Some(right)) => Some(simplify(Op::Mul, left.as_ref().clone(), right)),
                (Some(left), None) => Some(simplify(Op::Mul, left, right.as_ref().clone())),
                (None, None) => None,
            },
            Self::Binary(op @ (Op::Add | Op::Sub), left, right) => {
                Some(simplify(*op, left.hundredth()?, right.hundredth()?))
            }
            Self::Binary(Op::Div, left, right) => Some(simplify(Op::Div, left.hundredth()?, right.as_ref().clone())),
            _ => None,
        }
    }
}

fn simplify(op: Op, left: Expression, right: Expression) -> Expression {
    let one = Expression::Constant(1.0);
    match (op, left, right) {
        (Op::Mul, other, unit) | (Op::Mul, unit, other) if unit == one => other,
        (Op::Div, other, unit) if unit == one => other,
        (Op::Mul, other, Expression::Binary(Op::Div, unit, by))
        | (Op::Mul, Expression::Binary(Op::Div, unit, by), other)
            if *unit == one =>
        {
            simplify(Op::Div, other, *by)
        }
        (Op::Div, other, Expression::Binary(Op::Div, unit, inverse)) if *unit == one => {
            simplify(Op::Mul, other, *inverse)
        }
        (Op::Div, other, Expression::Constant(100.0)) => match other.hundredth() {
            Some(hundredth) => hundredth,
            None => Expression::binary(Op::Div, other, Expression::Constant(100.0)),
        },
        (Op::Div, left, right) => match (left.hundredth(), right.hundredth()) {
            (Some(left), Some(right)) => simplify(Op::Div, left, right),
            _ => Expression::binary(Op::Div, left, right),
        },
        (op, left, right) => Expression::binary(op, left, right),
    }
}

/// Whether the operands may be swapped, and chains regrouped.
fn commutes(op: Op) -> bool {
    matches!(op, Op::Add | Op::Mul | Op::Min | Op::Max | Op::Gcd)
}

/// The program in canonical form (see [`Expression::canonical`]); `numbers` as in [`Program::new`].
pub fn canonical(program: &Program, numbers: usize) -> Option<Program> {
    Expression::of(program)?.canonical().program(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expression(text: &str) -> Expression {
        let formula = Formula::read(text).unwrap();
        Expression::from_formula(&formula, &|name| vec![name.as_bytes()[0] - b'a']).unwrap()
    }

    fn same(left: &str, right: &str) {
        assert_eq!(expression(left).canonical(), expression(right).canonical(), "{left} and {right}");
    }

    #[test]
    fn canonical_order_is_the_questions() {
        same("b + a", "a + b");
        same("2*(b + a)", "(a + b)*2");
        same("c*(b + a)", "(a + b)*c");
        same("d + (c + (b + a))", "a + b + c + d");
        same("a*c + a*b", "a*b + a*c");
        same("max(c, a, b)", "max(a, b, c)");
        assert_eq!(expression("b - a").canonical(), expression("b - a"));
        assert_ne!(expression("b - a").canonical(), expression("a - b").canonical());
        assert_eq!(expression("b / a").canonical(), expression("b / a"));
    }

    #[test]
    fn canonical_keeps_programs_apart_that_differ() {
        assert_ne!(expression("a*b + c").canonical(), expression("a*(b + c)").canonical());
        assert_ne!(expression("a + 2").canonical(), expression("a + 3").canonical());
    }

    #[test]
    fn a_program_and_its_tree() {
        let tree = expression("(a + b) / (c - 2)");
        let program = tree.program(3).unwrap();
        assert_eq!(program.instructions().len(), 7);
        assert_eq!(Expression::of(&program), Some(tree.clone()));
        assert_eq!(tree.program(2), None);
    }

    #[test]
    fn a_tree_is_written_as_it_is_read() {
        let numbers = [12.0, 0.25, 3.0];
        let tree = expression("a * (b - c) / 2");
        let text = tree.written(&numbers).unwrap();
        assert_eq!(text, "((12 * (0.25 - 3)) / 2)");
        // What is read back computes the same.
        let read = Expression::from_formula(&Formula::read(&text).unwrap(), &|_| Vec::new()).unwrap();
        assert_eq!(read.written(&[]), Some(text));
        assert_eq!(tree.written(&numbers[..2]), None, "a number that is not there");
        assert_eq!(expression("max(a, b)").written(&numbers), None, "an operation that sets do not write");
    }

    #[test]
    fn lists_and_functions() {
        let formula = Formula::read("mean(L)").unwrap();
        let tree = Expression::from_formula(&formula, &|_| vec![0, 1, 2]).unwrap();
        assert_eq!(tree, expression("(a + b + c) / 3"));
        assert_eq!(expression("lcm(a, b)"), expression("a*b / gcd(a, b)"));
        // A list where one number belongs is refused.
        assert_eq!(Expression::from_formula(&Formula::read("L + 1").unwrap(), &|_| vec![0, 1]), None);
    }

    #[test]
    fn detours_are_taken_out() {
        for (detour, straight) in [
            ("a*(b*100)/100", "a*b"),
            ("a*(100 - b*100)/100", "a*(1 - b)"),
            ("(b*100)/100*a", "b*a"),
            ("a/(1/b)", "a*b"),
            ("a*1", "a"),
            ("a*(1/b)", "a/b"),
            ("(1/b)*a", "a/b"),
            ("a*(100/(b*100))", "a/b"),
            ("a/100", "a/100"),
            ("(a + 100)/100", "(a + 100)/100"),
        ] {
            assert_eq!(expression(detour).simplified(), expression(straight), "{detour}");
        }
    }

    #[test]
    fn long_trees_are_refused() {
        let text = format!("a{}", "+a".repeat(40));
        assert_eq!(expression(&text).program(1), None);
    }
}
