//! A training example and its file format: one JSON object a line.

use std::io::{BufRead, Write};
use std::path::Path;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use wattage_engine::wasm_layers::program::{Instruction, MOST_NUMBERS, Op, Program};

use crate::{Error, Result};

/// A question, and what the model should make of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Example {
    /// What the user writes.
    pub question: String,
    /// The program that answers it, in canonical form; none where no computation is asked.
    #[serde(serialize_with = "write_program", deserialize_with = "read_program")]
    pub program: Option<Program>,
    /// What the program computes.
    pub answer: Option<f64>,
    /// The kind of question, for shares and statistics.
    pub category: String,
    /// One short line that names the operations.
    pub think: String,
    /// The final sentence; `{v}` stands for the computed value.
    pub reply: String,
    /// The value computed in the turn before. The program refers to it as the number after the question's own.
    pub previous: Option<f64>,
}

impl Example {
    /// Whether the layers can be trained on it: data sets also hold answers that no program was found for.
    pub fn trainable(&self) -> bool {
        self.program.is_some() || self.answer.is_none()
    }
}

fn write_program<S: Serializer>(program: &Option<Program>, to: S) -> Result<S::Ok, S::Error> {
    let words: Option<Vec<String>> =
        program.as_ref().map(|program| program.instructions().iter().map(ToString::to_string).collect());
    words.serialize(to)
}

fn read_program<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Program>, D::Error> {
    let Some(words) = Option::<Vec<String>>::deserialize(from)? else { return Ok(None) };
    let instructions: Option<Vec<Instruction>> = words.iter().map(|word| instruction(word)).collect();
    instructions
        // The previous value is one more than the question's own numbers.
        .and_then(|instructions| Program::new(instructions, MOST_NUMBERS + 1))
        .map(Some)
        .ok_or_else(|| serde::de::Error::custom("these instructions are no program"))
}

/// An instruction from its WAT, as [`Instruction`] displays it.
pub fn instruction(word: &str) -> Option<Instruction> {
    if let Some(k) = word.strip_prefix("local.get ") {
        return k.parse().ok().map(Instruction::Local);
    }
    if let Some(value) = word.strip_prefix("f64.const ") {
        return value.parse().ok().map(Instruction::Const);
    }
    Op::ALL.into_iter().find(|op| op.wat() == word).map(Instruction::Op)
}

/// Writes examples, one a line.
pub fn write_jsonl<'a>(path: &Path, examples: impl IntoIterator<Item = &'a Example>) -> Result<()> {
    let fail = |why| Error::file(path, why);
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).map_err(fail)?);
    for example in examples {
        serde_json::to_writer(&mut file, example).map_err(|why| fail(why.into()))?;
        file.write_all(b"\n").map_err(fail)?;
    }
    file.flush().map_err(fail)
}

/// Reads what [`write_jsonl`] wrote.
pub fn read_jsonl(path: &Path) -> Result<Vec<Example>> {
    let fail = |why| Error::file(path, why);
    let file = std::io::BufReader::new(std::fs::File::open(path).map_err(fail)?);
    let mut examples = Vec::new();
    for (index, line) in file.lines().enumerate() {
        let entry = index + 1;
        let example = serde_json::from_str(&line.map_err(fail)?).map_err(|why| Error::Set {
            set: "examples",
            entry,
            why: why.to_string(),
        })?;
        examples.push(example);
    }
    Ok(examples)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Example {
        let words = ["local.get 0", "f64.const 0.5", "call $power"];
        let instructions = words.iter().map(|word| instruction(word).unwrap()).collect();
        Example {
            question: "9 to the half".into(),
            program: Program::new(instructions, 1),
            answer: Some(3.0),
            category: "power".into(),
            think: "Power.".into(),
            reply: "The answer is {v}.".into(),
            previous: None,
        }
    }

    #[test]
    fn there_and_back() {
        let text = serde_json::to_string(&example()).unwrap();
        assert!(text.contains(r#""program":["local.get 0","f64.const 0.5","call $power"]"#), "{text}");
        assert_eq!(serde_json::from_str::<Example>(&text).unwrap(), example());
        let none = Example { program: None, answer: None, ..example() };
        let text = serde_json::to_string(&none).unwrap();
        assert_eq!(serde_json::from_str::<Example>(&text).unwrap(), none);
        assert!(none.trainable() && example().trainable());
        assert!(!Example { program: None, ..example() }.trainable());
    }

    #[test]
    fn what_is_no_program() {
        let text = serde_json::to_string(&example()).unwrap();
        for wrong in ["f64.launch", "f64.const nan", "local.get 99", "f64.add"] {
            let text = text.replace("f64.const 0.5", wrong);
            assert!(serde_json::from_str::<Example>(&text).is_err(), "{wrong}");
        }
    }
}
