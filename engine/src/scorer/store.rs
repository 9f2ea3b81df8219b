//! Retrieval: questions that were seen before, by their hidden state, with the programs that answered them.

use crate::wasm_layers::config::{LayersConfig, Token};
use crate::wasm_layers::program::{Instruction, MOST_INSTRUCTIONS, MOST_NUMBERS, Program};
use crate::{Error, Result};

/// Neighbours that are looked at.
const NEAREST: usize = 16;
/// How much nearer a neighbour has to be to weigh e times as much: cosine similarity is divided by this.
const TEMPERATURE: f32 = 0.05;
/// Fills a program's place behind its last output.
const NO_OUTPUT: u8 = u8::MAX;

/// Longest text of an example, in bytes.
const LONGEST: usize = 4096;
/// Stands between texts in the file.
const BETWEEN: &str = "\0";

/// Verified examples.
#[derive(Debug, Clone, Default)]
pub struct Store {
    /// [count, hidden], each of length 1, in steps of 1/127.
    keys: Vec<i8>,
    programs: Vec<Program>,
    /// The questions, or what is said in place of one.
    texts: Vec<String>,
    hidden: usize,
}

/// The nearest examples to a question, with their weights, which sum to 1.
#[derive(Debug, Clone, Default)]
pub struct Neighbours {
    found: Vec<(Remembered, f64)>,
}

/// An example that is near a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Remembered {
    /// Its question, or what is said in place of one.
    pub text: String,
    /// The program that answered it.
    pub program: Program,
    /// Cosine similarity of its key to the question's.
    pub similarity: f64,
}

impl Neighbours {
    /// The weight of the neighbours whose program is such.
    pub fn weight(&self, such: impl Fn(&Program) -> bool) -> f64 {
        self.found.iter().filter(|(example, _)| such(&example.program)).map(|(_, weight)| weight).sum()
    }

    /// The cosine similarity of the nearest; 0 where there is none.
    pub fn nearest(&self) -> f64 {
        self.found.first().map_or(0.0, |(example, _)| example.similarity)
    }

    /// The examples, the nearest first.
    pub fn examples(&self) -> impl Iterator<Item = &Remembered> {
        self.found.iter().map(|(example, _)| example)
    }
}

impl Store {
    /// A store of these keys [count, hidden], of any length, and examples: each a question and its program.
    ///
    /// # Errors
    /// [`Error::Format`] where the counts differ, or a question is too long or has a character that is no text.
    pub fn new(keys: &[f32], examples: Vec<(String, Program)>, hidden: usize) -> Result<Self> {
        if hidden == 0 || keys.len() != examples.len() * hidden {
            return Err(Error::Format("the retrieval store has not a key an example".to_owned()));
        }
        let (texts, programs): (Vec<String>, Vec<Program>) = examples.into_iter().unzip();
        if texts.iter().any(|text| text.len() > LONGEST || text.contains(BETWEEN)) {
            return Err(Error::Format("a question of the retrieval store is too long, or no text".to_owned()));
        }
        let mut all = Vec::with_capacity(keys.len());
        for key in keys.chunks_exact(hidden) {
            let scale = 127.0 / length(key).max(1e-6);
            all.extend(key.iter().map(|value| (value * scale).round() as i8));
        }
        Ok(Self { keys: all, programs, texts, hidden })
    }

    /// Examples there are.
    pub fn len(&self) -> usize {
        self.programs.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.programs.is_empty()
    }

    /// The examples nearest to a question's key [hidden] by cosine similarity.
    pub fn nearest(&self, key: &[f32]) -> Neighbours {
        if self.is_empty() || key.len() != self.hidden {
            return Neighbours::default();
        }
        let scale = 1.0 / (127.0 * length(key).max(1e-6));
        let dot = |row: &[i8]| row.iter().zip(key).map(|(a, b)| f32::from(*a) * b).sum::<f32>() * scale;
        let mut all: Vec<(f32, usize)> = self.keys.chunks_exact(self.hidden).map(dot).zip(0..).collect();
        all.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        all.truncate(NEAREST);
        let Some((best, _)) = all.first().copied() else { return Neighbours::default() };
        let weight = |similarity: f32| f64::from((similarity - best) / TEMPERATURE).exp();
        let sum: f64 = all.iter().map(|(similarity, _)| weight(*similarity)).sum();
        let example = |(similarity, at): (f32, usize)| {
            let (text, program) = (self.texts[at].clone(), self.programs[at].clone());
            (Remembered { text, program, similarity: f64::from(similarity) }, weight(similarity) / sum)
        };
        Neighbours { found: all.into_iter().map(example).collect() }
    }

    /// Keys [count, hidden], programs [count, [`MOST_INSTRUCTIONS`]] as outputs of the layers, and texts with a zero between
    /// them, for a file.
    pub(super) fn parts(&self, layers: &LayersConfig) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
        let keys = self.keys.iter().map(|value| value.cast_unsigned()).collect();
        let mut programs = Vec::with_capacity(self.programs.len() * MOST_INSTRUCTIONS);
        for program in &self.programs {
            let mut row: Vec<u8> = program
                .instructions()
                .iter()
                .map(|it| layers.id(*it).and_then(|id| u8::try_from(id).ok()).unwrap_or(NO_OUTPUT))
                .collect();
            row.resize(MOST_INSTRUCTIONS, NO_OUTPUT);
            programs.append(&mut row);
        }
        (keys, programs, self.texts.join(BETWEEN).into_bytes())
    }

    /// What [`Self::parts`] gave.
    pub(super) fn read(
        (keys, programs, texts): (&[u8], &[u8], &[u8]),
        hidden: usize,
        layers: &LayersConfig,
    ) -> Result<Self> {
        let wrong = |why: &str| Error::Format(format!("the scorer's retrieval store: {why}"));
        let count = programs.len() / MOST_INSTRUCTIONS;
        if !programs.len().is_multiple_of(MOST_INSTRUCTIONS) || keys.len() != count * hidden {
            return Err(wrong("it has not a key a program"));
        }
        let mut read = Vec::with_capacity(count);
        for row in programs.chunks_exact(MOST_INSTRUCTIONS) {
            let mut instructions = Vec::new();
            for id in row.iter().take_while(|id| **id != NO_OUTPUT) {
                instructions.push(match layers.token(usize::from(*id)) {
                    Some(Token::Fixed(instruction)) => instruction,
                    Some(Token::Pointer(k)) => Instruction::Local(k),
                    Some(Token::End) | None => return Err(wrong("an output that the layers do not have")),
                });
            }
            let program = Program::new(instructions, MOST_NUMBERS + 1);
            read.push(program.ok_or_else(|| wrong("instructions that are no program"))?);
        }
        let texts = std::str::from_utf8(texts).map_err(|_| wrong("questions that are no text"))?;
        let texts: Vec<String> = match count {
            0 => Vec::new(),
            _ => texts.split(BETWEEN).map(str::to_owned).collect(),
        };
        if texts.len() != count || texts.iter().any(|text| text.len() > LONGEST) {
            return Err(wrong("it has not a question a program, or one that is too long"));
        }
        Ok(Self { keys: keys.iter().map(|byte| byte.cast_signed()).collect(), programs: read, texts, hidden })
    }
}

fn length(key: &[f32]) -> f32 {
    key.iter().map(|value| value * value).sum::<f32>().sqrt()
}

/// A question's key: the mean over its tokens of the tap [tokens, hidden], each token's state divided by its root mean square,
/// less `mean` [hidden], which is what all questions have in common.
pub fn key(tap: &[f32], mean: &[f32]) -> Vec<f32> {
    let hidden = mean.len();
    let mut sum: Vec<f32> = vec![0.0; hidden];
    let tokens = tap.len() / hidden.max(1);
    for state in tap.chunks_exact(hidden.max(1)) {
        let scale = (state.iter().map(|value| value * value).sum::<f32>() / hidden as f32 + 1e-6).sqrt().recip();
        for (sum, value) in sum.iter_mut().zip(state) {
            *sum += value * scale / tokens as f32;
        }
    }
    sum.iter().zip(mean).map(|(value, mean)| value - mean).collect()
}
