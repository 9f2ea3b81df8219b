//! A candidate program: instructions for WebAssembly's stack machine, and the module that they make.

use std::fmt::{self, Write as _};

/// Longest program, in instructions: five steps over six numbers need eleven; an average of ten numbers twenty-one.
pub const MOST_INSTRUCTIONS: usize = 24;
/// Most numbers of a question that a program can use.
pub const MOST_NUMBERS: usize = 16;

/// One instruction of a function's body. All values are `f64`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Instruction {
    /// `local.get k`: the question's k-th number, from 0.
    Local(u8),
    /// `f64.const c`.
    Const(f64),
    /// One that takes its operands from the stack.
    Op(Op),
}

/// An operation on the stack's top. The first group is WebAssembly's own, the second calls a helper function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Op {
    /// `f64.add`
    Add,
    /// `f64.sub`
    Sub,
    /// `f64.mul`
    Mul,
    /// `f64.div`
    Div,
    /// `f64.neg`
    Neg,
    /// `f64.abs`
    Abs,
    /// `f64.sqrt`
    Sqrt,
    /// `f64.floor`
    Floor,
    /// `f64.ceil`
    Ceil,
    /// `f64.nearest`: half to even
    Nearest,
    /// `f64.min`
    Min,
    /// `f64.max`
    Max,
    /// `call $power`: the first operand to the power of the second
    Power,
    /// `call $remainder`: of the first operand by the second, with the second's sign
    Remainder,
    /// `call $factorial`: of a whole number from 0 to 170
    Factorial,
    /// `call $gcd`: greatest common divisor of two whole numbers
    Gcd,
}

impl Op {
    /// All of them, in the order of the weights file's vocabulary.
    pub const ALL: [Self; 16] = [
        Self::Add,
        Self::Sub,
        Self::Mul,
        Self::Div,
        Self::Neg,
        Self::Abs,
        Self::Sqrt,
        Self::Floor,
        Self::Ceil,
        Self::Nearest,
        Self::Min,
        Self::Max,
        Self::Power,
        Self::Remainder,
        Self::Factorial,
        Self::Gcd,
    ];

    /// How many operands it takes from the stack; it leaves one result.
    pub fn operands(self) -> usize {
        match self {
            Self::Add | Self::Sub | Self::Mul | Self::Div | Self::Min | Self::Max => 2,
            Self::Power | Self::Remainder | Self::Gcd => 2,
            Self::Neg | Self::Abs | Self::Sqrt | Self::Floor | Self::Ceil | Self::Nearest | Self::Factorial => 1,
        }
    }

    /// The instruction as WAT writes it.
    pub fn wat(self) -> &'static str {
        match self {
            Self::Add => "f64.add",
            Self::Sub => "f64.sub",
            Self::Mul => "f64.mul",
            Self::Div => "f64.div",
            Self::Neg => "f64.neg",
            Self::Abs => "f64.abs",
            Self::Sqrt => "f64.sqrt",
            Self::Floor => "f64.floor",
            Self::Ceil => "f64.ceil",
            Self::Nearest => "f64.nearest",
            Self::Min => "f64.min",
            Self::Max => "f64.max",
            Self::Power => "call $power",
            Self::Remainder => "call $remainder",
            Self::Factorial => "call $factorial",
            Self::Gcd => "call $gcd",
        }
    }

    /// A word for it, as the page shows it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Sub => "subtract",
            Self::Mul => "multiply",
            Self::Div => "divide",
            Self::Neg => "negate",
            Self::Abs => "absolute value",
            Self::Sqrt => "square root",
            Self::Floor => "round down",
            Self::Ceil => "round up",
            Self::Nearest => "round",
            Self::Min => "minimum",
            Self::Max => "maximum",
            Self::Power => "power",
            Self::Remainder => "remainder",
            Self::Factorial => "factorial",
            Self::Gcd => "greatest common divisor",
        }
    }

    /// The helper function that it calls, as WAT.
    fn helper(self) -> Option<&'static str> {
        match self {
            Self::Power => Some(include_str!("helpers/power.wat")),
            Self::Remainder => Some(include_str!("helpers/remainder.wat")),
            Self::Factorial => Some(include_str!("helpers/factorial.wat")),
            Self::Gcd => Some(include_str!("helpers/gcd.wat")),
            _ => None,
        }
    }
}

impl Instruction {
    /// How many values the stack holds after it, if it held `depth` and that is enough.
    pub fn depth_after(self, depth: usize) -> Option<usize> {
        match self {
            Self::Local(_) | Self::Const(_) => Some(depth + 1),
            Self::Op(op) => depth.checked_sub(op.operands()).map(|left| left + 1),
        }
    }
}

impl fmt::Display for Instruction {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(k) => write!(out, "local.get {k}"),
            Self::Const(value) => write!(out, "f64.const {value}"),
            Self::Op(op) => out.write_str(op.wat()),
        }
    }
}

/// Instructions that leave one value on the stack.
#[derive(Debug, Clone, PartialEq)]
pub struct Program(Vec<Instruction>);

impl Program {
    /// A program of these instructions; `None` if they do not leave exactly one value, take more than is there, name a number
    /// past `numbers`, hold a constant that is not finite, or are too many.
    pub fn new(instructions: Vec<Instruction>, numbers: usize) -> Option<Self> {
        if instructions.len() > MOST_INSTRUCTIONS {
            return None;
        }
        let mut depth = 0;
        for instruction in &instructions {
            match instruction {
                Instruction::Local(k) if usize::from(*k) >= numbers => return None,
                Instruction::Const(value) if !value.is_finite() => return None,
                _ => depth = instruction.depth_after(depth)?,
            }
        }
        (depth == 1).then_some(Self(instructions))
    }

    /// Its instructions.
    pub fn instructions(&self) -> &[Instruction] {
        &self.0
    }

    /// Parameters that a function needs to be this program: one more than the highest number that it takes.
    pub fn parameters(&self) -> usize {
        let number = |it: &Instruction| if let Instruction::Local(k) = it { usize::from(*k) + 1 } else { 0 };
        self.0.iter().map(number).max().unwrap_or(0)
    }

    /// The operation whose result is the program's, or none for a program that only repeats a number.
    pub fn operation(&self) -> Option<Op> {
        self.0.iter().rev().find_map(|instruction| if let Instruction::Op(op) = instruction { Some(*op) } else { None })
    }

    /// The operations, in order.
    pub fn operations(&self) -> impl Iterator<Item = Op> {
        self.0.iter().filter_map(|instruction| if let Instruction::Op(op) = instruction { Some(*op) } else { None })
    }

    /// The module's text: one exported function of `parameters` numbers, with the helpers that it calls.
    pub fn wat(&self, parameters: usize) -> String {
        let mut text = self.open(parameters);
        let mut helpers: Vec<Op> = self.operations().filter(|op| op.helper().is_some()).collect();
        helpers.sort_unstable();
        helpers.dedup();
        for helper in helpers.into_iter().filter_map(Op::helper) {
            for line in helper.lines() {
                text.push_str("\n  ");
                text.push_str(line);
            }
        }
        text.push(')');
        text
    }

    /// The module's text without the helpers that it calls: what goes into the model's context, where a helper's hundreds of
    /// tokens would say nothing about the question.
    pub fn wat_alone(&self, parameters: usize) -> String {
        self.open(parameters) + ")"
    }

    /// The module up to its first function's end.
    fn open(&self, parameters: usize) -> String {
        let mut text = String::from("(module\n  (func $compute (export \"compute\")");
        if parameters > 0 {
            text.push_str(" (param");
            text.push_str(&" f64".repeat(parameters));
            text.push(')');
        }
        text.push_str(" (result f64)");
        for instruction in &self.0 {
            // Writing to a string does not fail.
            let _ = write!(text, "\n    {instruction}");
        }
        text.push(')');
        text
    }
}
