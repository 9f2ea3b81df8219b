//! What is told of a computation: plain types for events, the page and the command line.

use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::scorer::Parts;
use crate::wasm_layers::Exactness;

/// The name of the voice that is no layer.
const TEXT: &str = "text";

/// Whether a message asks for a computation, as the WASM layers see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// Whether it does.
    pub open: bool,
    /// The mean of the layers' logits, or the model's own where it has none; over 0 it does.
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

/// Who writes candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Voice {
    /// The WASM layer that reads this decoder layer; in JSON its number.
    Layer(usize),
    /// The model's own stream of text; in JSON `text`.
    Text,
}

impl Serialize for Voice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Layer(layer) => serializer.serialize_u32(*layer as u32),
            Self::Text => serializer.serialize_str(TEXT),
        }
    }
}

impl<'de> Deserialize<'de> for Voice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Named)
    }
}

/// Reads a voice: a number or a name.
struct Named;

impl Visitor<'_> for Named {
    type Value = Voice;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a layer's number, or text")
    }

    fn visit_u64<E: de::Error>(self, layer: u64) -> Result<Voice, E> {
        Ok(Voice::Layer(layer as usize))
    }

    fn visit_i64<E: de::Error>(self, layer: i64) -> Result<Voice, E> {
        match u64::try_from(layer) {
            Ok(layer) => self.visit_u64(layer),
            Err(_) => Err(E::custom("a layer's number is not negative")),
        }
    }

    fn visit_f64<E: de::Error>(self, layer: f64) -> Result<Voice, E> {
        // A page has no other numbers.
        if layer.fract() != 0.0 || !(0.0..=f64::from(u32::MAX)).contains(&layer) {
            return Err(E::custom("a layer's number is a whole one, and not negative"));
        }
        self.visit_u64(layer as u64)
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Voice, E> {
        if name == TEXT { Ok(Voice::Text) } else { Err(E::custom("no such voice")) }
    }
}

impl fmt::Display for Voice {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Layer(layer) => layer.fmt(out),
            Self::Text => TEXT.fmt(out),
        }
    }
}

/// A function that was written for a question, and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CandidateRow {
    /// Its number in this computation.
    pub id: usize,
    /// Who wrote it.
    #[serde(rename = "layer")]
    pub voice: Voice,
    /// Its rank among that voice's candidates, from 0.
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
    /// Its log-probability under who wrote it.
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

/// Where the WASM layers looked while they wrote: the weights of their cross-attention.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Attention {
    /// The text of each token that they read: what was computed before, if anything, then the question's.
    pub tokens: Vec<String>,
    /// By candidate: of each layer the one that stands for it.
    pub of: Vec<Looked>,
}

/// Where a layer looked while it wrote a candidate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Looked {
    /// The candidate's number.
    pub candidate: usize,
    /// Each instruction, and the end, with the share of the attention that each token got, in thousandths: the mean over heads
    /// and decoder blocks.
    pub steps: Vec<(String, Vec<u16>)>,
}

/// A computation from the layers' candidates to the number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Computation {
    /// The parameters.
    pub numbers: Vec<BoundNumber>,
    /// All candidates, voice by voice, each one's best first.
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
    /// The candidate that stands for a voice: the chosen one where that is one of its, else its best.
    pub fn row_of(&self, voice: Voice) -> Option<&CandidateRow> {
        row_of(&self.candidates, voice)
    }

    /// The chosen candidate.
    pub fn winner(&self) -> Option<&CandidateRow> {
        self.candidates.iter().find(|row| Some(row.id) == self.chosen)
    }
}

/// The candidate that stands for a voice: the chosen one where that is one of its, else its best.
pub fn row_of(candidates: &[CandidateRow], voice: Voice) -> Option<&CandidateRow> {
    let own = || candidates.iter().filter(|row| row.voice == voice);
    own().find(|row| row.status == Status::Chosen).or_else(|| own().min_by_key(|row| row.rank))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_voice_is_a_number_or_text() {
        for (voice, json) in [(Voice::Layer(11), "11"), (Voice::Text, "\"text\"")] {
            assert_eq!(serde_json::to_string(&voice).unwrap(), json);
            assert_eq!(serde_json::from_str::<Voice>(json).unwrap(), voice);
        }
        assert_eq!(serde_json::from_str::<Voice>("7.0").unwrap(), Voice::Layer(7));
        for bad in ["\"layer\"", "-3", "7.5", "-1.0"] {
            assert!(serde_json::from_str::<Voice>(bad).is_err(), "{bad}");
        }
    }
}
