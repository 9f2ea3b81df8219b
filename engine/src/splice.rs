//! What goes into the model's context between its own tokens: the function that was chosen, and what came of it.
//!
//! The model, or the gate in its place, opens with [`OPEN`]; what follows is [`computed`] or [`failed`], and the model goes on
//! behind it. The trainer builds its examples with the same functions.

use std::fmt;

use crate::sandbox::Outcome;
use crate::wasm_layers::display;
use crate::wasm_layers::program::MOST_NUMBERS;

/// Asks for a computation.
pub const OPEN: &str = "<wat_model>";
/// Ends the function's text.
pub const CLOSE: &str = "</wat_model>";
/// Around a value that was computed.
pub const VALUE: (&str, &str) = ("<computed>", "</computed>");
/// Around the reason why none was.
pub const ERROR: (&str, &str) = ("<error>", "</error>");

/// Behind a computation in the context of a model that was not trained on its form: where the form ends and a sentence is wanted.
pub const LEAD: &str = "\nIn one sentence:";

/// Why a computation that was asked for has no result.
#[derive(Debug, Clone, PartialEq)]
pub enum NoResult {
    /// The candidates that were run gave no number; what the best of them gave.
    Failed(Outcome),
    /// No candidate was likely enough to be right.
    Skipped,
    /// The question has more numbers than a function can take.
    Numbers {
        /// How many it has.
        found: usize,
    },
    /// The layers wrote nothing.
    Nothing,
    /// The layers could not read the question, and why.
    NotRead(String),
}

impl fmt::Display for NoResult {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(outcome) => outcome.fmt(out),
            Self::Skipped => out.write_str("no function was likely enough to be right"),
            Self::Numbers { found } => write!(out, "the question has {found} numbers, and {MOST_NUMBERS} can be used"),
            Self::Nothing => out.write_str("no function was written"),
            Self::NotRead(why) => out.write_str(why),
        }
    }
}

/// What follows [`OPEN`] where the function `wat` computed `value`.
pub fn computed(wat: &str, value: f64) -> String {
    format!("\n{wat}\n{CLOSE}\n{}{}{}\n", VALUE.0, display(value), VALUE.1)
}

/// What follows [`OPEN`] where there is no value; `wat` is the function that failed, if there is one.
pub fn failed(wat: Option<&str>, why: &NoResult) -> String {
    let wat = wat.map(|wat| format!("{wat}\n")).unwrap_or_default();
    format!("\n{wat}{CLOSE}\n{}{why}{}\n", ERROR.0, ERROR.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::NotFinite;

    #[test]
    fn values_and_reasons() {
        assert_eq!(computed("(module)", 0.1 + 0.2), "\n(module)\n</wat_model>\n<computed>0.3</computed>\n");
        let why = NoResult::Numbers { found: 60 };
        let text = "\n</wat_model>\n<error>the question has 60 numbers, and 16 can be used</error>\n";
        assert_eq!(failed(None, &why), text);
        let why = NoResult::Failed(Outcome::NotFinite(NotFinite::Nan));
        assert!(
            failed(Some("(module)"), &why).starts_with("\n(module)\n</wat_model>\n<error>the result is not a number")
        );
    }
}
