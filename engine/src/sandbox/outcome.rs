//! What became of a program, in types and in plain words.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::limits::Limit;
use crate::wasm_layers::display;

/// What became of a program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// It computed this finite number.
    Value(f64),
    /// The text is not a valid module of WebAssembly; the compiler's words.
    CompileError(String),
    /// It is valid, but not what the sandbox runs.
    Refused(Refusal),
    /// It stopped by itself.
    Trap(Trap),
    /// It ran for too long.
    OutOfFuel {
        /// The fuel that it was given.
        fuel: u64,
    },
    /// It is, has or wants more than it may.
    OverLimit {
        /// Which limit.
        limit: Limit,
        /// How much there is, or is wanted.
        found: u64,
        /// How much is allowed.
        allowed: u64,
    },
    /// It ended, but not with a number that could be shown.
    NotFinite(NotFinite),
}

/// Why a valid module is not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// It wants something from outside.
    Import {
        /// The module that it names.
        module: String,
        /// What it wants from there.
        name: String,
    },
    /// It does not export just one thing.
    Exports {
        /// How many things it exports.
        found: usize,
    },
    /// Its one export is not a function named `compute`.
    Export {
        /// The export's name.
        name: String,
    },
    /// `compute` does not take as many `f64` as there are numbers, or does not give one `f64`.
    Signature {
        /// The function's parameters and results, as WAT writes them.
        found: String,
        /// Those that are wanted.
        wanted: String,
    },
    /// It has a start function: code that would run besides `compute`.
    Start,
}

/// How a program stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Trap {
    /// It came to an `unreachable`.
    Unreachable,
    /// It read or wrote outside of its memory.
    MemoryOutOfBounds,
    /// It named an element outside of its table.
    TableOutOfBounds,
    /// It called through an empty element of its table.
    CallToNull,
    /// It called a function through a table with the wrong signature.
    CallSignature,
    /// It divided a whole number by zero.
    DivisionByZero,
    /// A whole number got too large.
    IntegerOverflow,
    /// It turned a number into a whole one that cannot be.
    Conversion,
    /// Its calls went too deep.
    StackOverflow,
    /// The machine had no memory left for it.
    OutOfMemory,
    /// Something that the sandbox does not know.
    Other,
}

/// Which number that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum NotFinite {
    /// Not a number.
    Nan,
    /// +∞
    Infinity,
    /// -∞
    MinusInfinity,
}

impl Outcome {
    /// The computed number, if there is one.
    pub fn value(&self) -> Option<f64> {
        if let Self::Value(value) = self { Some(*value) } else { None }
    }

    /// The outcome of a program that ended with this result.
    pub(super) fn of(result: f64) -> Self {
        if result.is_finite() {
            Self::Value(result)
        } else if result.is_nan() {
            Self::NotFinite(NotFinite::Nan)
        } else if result > 0.0 {
            Self::NotFinite(NotFinite::Infinity)
        } else {
            Self::NotFinite(NotFinite::MinusInfinity)
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(value) => out.write_str(&display(*value)),
            Self::CompileError(why) => write!(out, "the program is not valid WebAssembly: {why}"),
            Self::Refused(refusal) => refusal.fmt(out),
            Self::Trap(trap) => trap.fmt(out),
            Self::OutOfFuel { fuel } => write!(out, "the program ran out of fuel after {fuel} instructions"),
            Self::OverLimit { limit, found, allowed } => {
                write!(out, "the program wants too much: {found} {limit}, where {allowed} are allowed")
            }
            Self::NotFinite(which) => which.fmt(out),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Import { module, name } => {
                write!(out, "the program asks for \"{name}\" of \"{module}\" from outside; it gets nothing from there")
            }
            Self::Exports { found: 0 } => out.write_str("the program exports nothing; it must export \"compute\""),
            Self::Exports { found } => {
                write!(out, "the program exports {found} things; \"compute\" must be the only one")
            }
            Self::Export { name } => {
                write!(out, "the program exports \"{name}\"; its one export must be a function named \"compute\"")
            }
            Self::Signature { found, wanted } => {
                write!(out, "the program's \"compute\" is a function of {found}; {wanted} is wanted")
            }
            Self::Start => out.write_str("the program has a start function; only \"compute\" may run"),
        }
    }
}

impl fmt::Display for Trap {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Unreachable => "the program stopped at an \"unreachable\" instruction",
            Self::MemoryOutOfBounds => "the program went outside of its memory",
            Self::TableOutOfBounds => "the program went outside of its table",
            Self::CallToNull => "the program called a function that is not there",
            Self::CallSignature => "the program called a function with the wrong parameters",
            Self::DivisionByZero => "the program divided a whole number by zero",
            Self::IntegerOverflow => "a whole number in the program got too large",
            Self::Conversion => "the program made a whole number of one that is too large, or of none",
            Self::StackOverflow => "the program's calls went too deep",
            Self::OutOfMemory => "there was no memory left for the program",
            Self::Other => "the program stopped for an unknown reason",
        })
    }
}

impl fmt::Display for NotFinite {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Nan => "the result is not a number, as that of 0 / 0 or of the square root of -1",
            Self::Infinity => "the result is infinite: a division by zero, or a number too large",
            Self::MinusInfinity => "the result is minus infinity: a division by zero, or a number too large",
        })
    }
}
