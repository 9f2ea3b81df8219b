//! What is told of a computation: plain types for events, the page and the command line.

use serde::{Deserialize, Serialize};

use crate::scorer::Parts;
use crate::wasm_layers::Exactness;

/// Whether a message asks for a computation, as the WASM layers see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// Whether it does.
    pub open: bool,
    /// The mean of the layers' logits; over 0 it does.
    pub logit: f64,
    /// Each layer's number and logit.
    pub layers: Vec<(usize, f64)>,
}

/// A number of the question, bound to a parameter of the functions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BoundNumber {
    /// Its text.
    pub text: String,
    /// Its value.
    pub value: f64,
    /// Where it begins in the message, in characters; where what was computed before is meant, 0 like `end`.
    pub start: usize,
    /// Where it ends, in characters.
    pub end: usize,
    /// Whether it is what was computed before.
    pub previous: bool,
}

/// What became of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It was written, and nothing more yet.
    Written,
    /// It was not run: it is too unlikely to be right.
    Skipped,
    /// It was run and gave a number.
    Executed,
    /// It was run, or compiled, and gave none.
    Failed,
    /// It gave the number that the answer is made with.
    Chosen,
}

/// A function that a WASM layer wrote, and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CandidateRow {
    /// Its number in this computation.
    pub id: usize,
    /// The decoder layer that the WASM layer reads.
    pub layer: usize,
    /// Its rank among that layer's candidates, from 0.
    pub rank: usize,
    /// Its text.
    pub wat: String,
    /// Its operations, in words.
    pub op: String,
    /// The values of its parameters.
    pub args: Vec<f64>,
    /// What became of it.
    pub status: Status,
    /// The number that it gave.
    pub result: Option<f64>,
    /// The number as a person writes it.
    pub shown: Option<String>,
    /// How that number stands to the exact result.
    pub exactness: Option<Exactness>,
    /// Why it gave none.
    pub error: Option<String>,
    /// The logit that it is right; of a candidate that was not run or gave no number, from what was known before.
    pub score: f32,
    /// The parts of the score; none where it was not run or gave no number.
    pub parts: Option<Parts>,
    /// Its log-probability under the layer that wrote it.
    pub logprob: f64,
    /// Bytes of the compiled module.
    pub module_bytes: usize,
    /// Fuel that its run took.
    pub fuel: u64,
    /// Microseconds of compilation.
    pub compile_us: u64,
    /// Microseconds of its run.
    pub run_us: u64,
}

/// A verified example that is near the question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Similar {
    /// Its question, or what is said in place of one.
    pub text: String,
    /// The text of the function that answered it.
    pub wat: String,
    /// Its operations, in words.
    pub op: String,
    /// Cosine similarity of the two questions' hidden states.
    pub similarity: f64,
    /// The candidates that are the same function.
    pub candidates: Vec<usize>,
}

/// A computation from the layers' candidates to the number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Computation {
    /// The parameters.
    pub numbers: Vec<BoundNumber>,
    /// All candidates, layer by layer, each layer's best first.
    pub candidates: Vec<CandidateRow>,
    /// The examples nearest to the question, the nearest first.
    pub similar: Vec<Similar>,
    /// The chosen one's number.
    pub chosen: Option<usize>,
    /// What was computed.
    pub value: Option<f64>,
    /// Why nothing was.
    pub error: Option<String>,
    /// What goes into the context behind the opening tag.
    pub splice: String,
    /// Microseconds from the gate to here.
    pub micros: u64,
}

impl Computation {
    /// The candidate that stands for a layer: the chosen one where that is one of its, else its best.
    pub fn row_of(&self, layer: usize) -> Option<&CandidateRow> {
        row_of(&self.candidates, layer)
    }

    /// The chosen candidate.
    pub fn winner(&self) -> Option<&CandidateRow> {
        self.candidates.iter().find(|row| Some(row.id) == self.chosen)
    }
}

/// The candidate that stands for a layer: the chosen one where that is one of its, else its best.
pub fn row_of(candidates: &[CandidateRow], layer: usize) -> Option<&CandidateRow> {
    let own = || candidates.iter().filter(|row| row.layer == layer);
    own().find(|row| row.status == Status::Chosen).or_else(|| own().min_by_key(|row| row.rank))
}
