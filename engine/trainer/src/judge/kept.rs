//! Surveys on disk, a line of JSON each: where the base judges, a question takes it a second, and they can be used again.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use wattage_engine::scorer::{Judged, Survey};
use wattage_engine::wasm_layers::Score;
use wattage_engine::wasm_layers::program::{Instruction, MOST_NUMBERS, Program};

use super::Surveyed;
use crate::example::{Example, instruction};
use crate::skeleton::hash;
use crate::{Error, Result};

/// Lines between writes to the disk.
const FLUSH: usize = 100;

/// Surveys of one model.
pub struct Kept {
    known: HashMap<u64, Option<Surveyed>>,
    file: File,
    path: PathBuf,
    waiting: String,
    lines: usize,
}

#[derive(Serialize, Deserialize)]
struct Line {
    hash: u64,
    survey: Option<Body>,
}

#[derive(Serialize, Deserialize)]
struct Body {
    set: String,
    gate: f64,
    numbers: Vec<f64>,
    candidates: Vec<Candidate>,
    key: Vec<f32>,
}

#[derive(Serialize, Deserialize)]
struct Candidate {
    program: Vec<String>,
    place: usize,
    rank: usize,
    decoders: Vec<Thought>,
    base: Option<Thought>,
    result: Option<f64>,
    right: bool,
}

/// A score; JSON has no infinity, which is null here.
#[derive(Serialize, Deserialize)]
struct Thought(Option<f64>, Option<f64>);

impl From<Score> for Thought {
    fn from(score: Score) -> Self {
        let finite = |value: f64| value.is_finite().then_some(value);
        Self(finite(score.logprob), finite(score.min_logprob))
    }
}

impl From<Thought> for Score {
    fn from(Thought(logprob, min): Thought) -> Self {
        let least = f64::NEG_INFINITY;
        Self { logprob: logprob.unwrap_or(least), min_logprob: min.unwrap_or(least) }
    }
}

impl Kept {
    /// The surveys at `path`, to go on with, of the model that `head` tells from others; a new file where there is none. A last
    /// line that was cut off goes.
    ///
    /// # Errors
    /// [`Error::File`] where it cannot be used, [`Error::Training`] for one of another model.
    pub fn open(path: &Path, head: &str) -> Result<Self> {
        let fail = |why| Error::file(path, why);
        if !path.exists() {
            std::fs::write(path, format!("{head}\n")).map_err(fail)?;
        }
        let mut file = File::options().read(true).write(true).open(path).map_err(fail)?;
        let mut reader = BufReader::new(&mut file);
        let mut line = String::new();
        let mut whole = reader.read_line(&mut line).map_err(fail)? as u64;
        if line.trim_end() != head {
            return Err(Error::Training(format!("{} is of another model; give another file", path.display())));
        }
        let mut known = HashMap::new();
        loop {
            line.clear();
            let count = reader.read_line(&mut line).map_err(fail)?;
            if !line.ends_with('\n') {
                break;
            }
            whole += count as u64;
            let Line { hash, survey } = serde_json::from_str(&line).map_err(|why| broken(path, why))?;
            let survey = survey.map(surveyed).map(|body| body.ok_or_else(|| broken(path, "no program")));
            known.insert(hash, survey.transpose()?);
        }
        file.set_len(whole).and_then(|()| file.seek(SeekFrom::End(0))).map_err(fail)?;
        Ok(Self { known, file, path: path.to_owned(), waiting: String::new(), lines: 0 })
    }

    /// An example's survey: the one that is kept, or what `make` gives, which is kept then.
    ///
    /// # Errors
    /// Those of `make`, and [`Error::File`] where it cannot be written.
    pub fn get(
        &mut self,
        example: &Example,
        make: impl FnOnce() -> Result<Option<Surveyed>>,
    ) -> Result<Option<Surveyed>> {
        let hash = hash(format!("{} {:?}", example.question, example.previous).as_bytes());
        if let Some(known) = self.known.get(&hash) {
            return Ok(known.clone());
        }
        let made = make()?;
        let line = Line { hash, survey: made.as_ref().map(body) };
        self.waiting += &serde_json::to_string(&line).map_err(|why| broken(&self.path, why))?;
        self.waiting.push('\n');
        self.lines += 1;
        if self.lines.is_multiple_of(FLUSH) {
            self.flush()?;
        }
        self.known.insert(hash, made.clone());
        Ok(made)
    }

    /// Surveys that are kept.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Writes what is not on the disk yet.
    ///
    /// # Errors
    /// [`Error::File`] where it cannot be written.
    pub fn flush(&mut self) -> Result<()> {
        self.file.write_all(self.waiting.as_bytes()).map_err(|why| Error::file(&self.path, why))?;
        self.waiting.clear();
        Ok(())
    }
}

fn body(one: &Surveyed) -> Body {
    let Survey { gate, candidates, results, numbers, key } = &one.survey;
    let candidate = |((judged, result), right): ((&Judged, &Option<f64>), &bool)| Candidate {
        program: judged.program.instructions().iter().map(ToString::to_string).collect(),
        place: judged.place,
        rank: judged.rank,
        decoders: judged.decoders.iter().copied().map(Thought::from).collect(),
        base: judged.base.map(Thought::from),
        result: *result,
        right: *right,
    };
    Body {
        set: one.set.clone(),
        gate: *gate,
        numbers: numbers.clone(),
        candidates: candidates.iter().zip(results).zip(&one.right).map(candidate).collect(),
        key: key.clone(),
    }
}

fn surveyed(body: Body) -> Option<Surveyed> {
    let results = body.candidates.iter().map(|candidate| candidate.result).collect();
    let right = body.candidates.iter().map(|candidate| candidate.right).collect();
    let judged = |Candidate { program, place, rank, decoders, base, .. }: Candidate| {
        let instructions: Vec<Instruction> = program.iter().map(|word| instruction(word)).collect::<Option<_>>()?;
        Some(Judged {
            program: Program::new(instructions, MOST_NUMBERS + 1)?,
            place,
            rank,
            decoders: decoders.into_iter().map(Score::from).collect(),
            base: base.map(Score::from),
        })
    };
    let candidates = body.candidates.into_iter().map(judged).collect::<Option<_>>()?;
    let survey = Survey { gate: body.gate, candidates, results, numbers: body.numbers, key: body.key };
    Some(Surveyed { survey, right, set: body.set })
}

fn broken(path: &Path, why: impl std::fmt::Display) -> Error {
    Error::Training(format!("{}: {why}; remove it and begin again", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(question: &str) -> Example {
        Example {
            question: question.into(),
            program: None,
            answer: Some(1.0),
            category: "a".into(),
            think: String::new(),
            reply: String::new(),
            previous: None,
        }
    }

    #[test]
    fn surveys_are_kept_as_they_are() {
        let program = Program::new(vec![Instruction::Local(0), Instruction::Const(0.1)], 1);
        assert!(program.is_none());
        let program = Program::new(vec![Instruction::Const(0.1)], 1).unwrap();
        let score = |logprob| Score { logprob, min_logprob: -0.3 };
        let judged = Judged {
            program,
            place: 1,
            rank: 2,
            decoders: vec![score(-0.1), score(f64::NEG_INFINITY)],
            base: Some(score(-7.3)),
        };
        let survey = Survey {
            gate: 0.7,
            candidates: vec![judged],
            results: vec![None],
            numbers: vec![0.1, 1e300],
            key: vec![0.1, -3.0e-7],
        };
        let one = Surveyed { survey, right: vec![true], set: "made up".into() };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("surveys.jsonl");
        let mut kept = Kept::open(&path, "a model").unwrap();
        kept.get(&example("a"), || Ok(Some(one.clone()))).unwrap();
        kept.get(&example("b"), || Ok(None)).unwrap();
        kept.flush().unwrap();
        // A line that was cut off is made again.
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text + "{\"hash\":1").unwrap();
        let mut kept = Kept::open(&path, "a model").unwrap();
        assert_eq!((kept.len(), kept.is_empty()), (2, false));
        let read = kept.get(&example("a"), || panic!("it is kept")).unwrap().unwrap();
        assert_eq!((&read.right, &read.set), (&one.right, &one.set));
        assert_eq!(read.survey.candidates, one.survey.candidates);
        assert_eq!((&read.survey.results, &read.survey.numbers), (&one.survey.results, &one.survey.numbers));
        assert_eq!((read.survey.gate, &read.survey.key), (0.7, &one.survey.key));
        assert!(kept.get(&example("b"), || panic!("it is kept")).unwrap().is_none());
        assert!(kept.get(&example("c"), || Err(Error::Training("made".into()))).is_err());
        assert!(Kept::open(&path, "another model").is_err());
    }
}
