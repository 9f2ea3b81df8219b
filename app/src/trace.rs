//! What the page knows of an answer's computation: the engine's events, folded into plain data.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use wattage_engine::wasm_layers::display;
use wattage_engine::{Attention, BoundNumber, CandidateRow, Event, Gate, Similar, Status, Voice, row_of};

use crate::language::key;

/// An answer's computation as far as it has been told of.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Trace {
    /// Whether the question asks for a computation; none where no layers read it.
    pub gate: Option<Gate>,
    /// Why the layers could not read the question.
    pub unread: Option<String>,
    /// The numbers of the question, as the functions' parameters.
    pub numbers: Vec<BoundNumber>,
    /// The candidates, each as it was told of last.
    pub rows: Vec<CandidateRow>,
    /// The verified examples that are nearest to the question.
    pub similar: Vec<Similar>,
    /// Where the layers looked as they wrote.
    pub attention: Option<Attention>,
    /// What came of it.
    pub choice: Option<Choice>,
    /// Bytes of the answer's text that the engine put there. Only these are ever shown as computed: whatever else looks like a
    /// result is what somebody wrote.
    pub splices: Vec<Range<usize>>,
}

/// What came of a computation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// The chosen candidate's number.
    pub chosen: Option<usize>,
    /// What it computed.
    pub value: Option<f64>,
    /// Why there is nothing.
    pub error: Option<String>,
    /// Microseconds that the computation took.
    pub micros: u64,
}

impl Trace {
    /// Folds in an event that arrives when the answer's text has `length` bytes.
    pub fn fold(&mut self, event: &Event, length: usize) {
        match event {
            Event::Gate(gate) => self.gate = Some(gate.clone()),
            Event::NotRead(why) => self.unread = Some(why.clone()),
            Event::Numbers(numbers) => self.numbers.clone_from(numbers),
            Event::Similar(similar) => self.similar.clone_from(similar),
            Event::Candidate(row) | Event::Score(row) | Event::Compile(row) | Event::Run(row) => self.put(row),
            Event::Choice { chosen, value, error, micros } => {
                self.choice = Some(Choice { chosen: *chosen, value: *value, error: error.clone(), micros: *micros });
            }
            Event::Attention(attention) => self.attention = Some(attention.clone()),
            Event::Splice { text, .. } => self.splices.push(length..length + text.len()),
            Event::Prefill { .. } | Event::Token { .. } => {}
        }
    }

    fn put(&mut self, row: &CandidateRow) {
        match self.rows.iter_mut().find(|known| known.id == row.id) {
            Some(known) => known.clone_from(row),
            None => self.rows.push(row.clone()),
        }
    }

    /// The answer's text was replaced by another that is the same up to byte `same`.
    pub fn replaced(&mut self, same: usize) {
        self.splices.retain(|splice| splice.end <= same);
    }

    /// It as far as it fits a text: places that are not whole letters of it are left out, as those of a file may be.
    pub fn within(mut self, text: &str) -> Self {
        let mut end = 0;
        self.splices.retain(|splice| {
            let fits = splice.start >= end && text.get(splice.clone()).is_some_and(|splice| !splice.is_empty());
            end = if fits { splice.end } else { end };
            fits
        });
        self
    }

    /// It as text, as the command line prints it.
    pub fn text(&self) -> String {
        let error = self.choice.as_ref().and_then(|choice| choice.error.as_deref());
        wattage_engine::trace(self.gate.as_ref(), &self.rows, &self.voices(), error)
    }

    /// The number that was computed, as it is written.
    pub fn told_value(&self) -> Option<String> {
        self.choice.as_ref()?.value.map(display)
    }

    /// Whether WASM layers read the question, or tried to.
    pub const fn with_layers(&self) -> bool {
        self.gate.is_some() || self.unread.is_some()
    }

    /// Whether candidates were, or are being, asked for.
    pub fn computes(&self) -> bool {
        self.gate.as_ref().is_some_and(|gate| gate.open) || !self.rows.is_empty() || self.choice.is_some()
    }

    /// Who writes functions, the layers in their order.
    pub fn voices(&self) -> Vec<Voice> {
        let layers = self.gate.iter().flat_map(|gate| &gate.layers);
        let mut voices: Vec<Voice> = layers.map(|(layer, _)| Voice::Layer(*layer)).collect();
        for row in &self.rows {
            if !voices.contains(&row.voice) {
                voices.push(row.voice);
            }
        }
        voices
    }

    /// The candidate that stands for a voice.
    pub fn row_of(&self, voice: Voice) -> Option<&CandidateRow> {
        row_of(&self.rows, voice)
    }

    /// The chosen candidate.
    pub fn chosen(&self) -> Option<&CandidateRow> {
        let chosen = self.choice.as_ref()?.chosen?;
        self.rows.iter().find(|row| row.id == chosen)
    }

    /// The candidate whose function went into the answer: the chosen one, or the likeliest of those that failed.
    pub fn spliced_row(&self) -> Option<&CandidateRow> {
        let failed = || self.rows.iter().filter(|row| row.status == Status::Failed);
        self.chosen().or_else(|| failed().max_by(|a, b| a.score.total_cmp(&b.score)))
    }

    /// The greatest size of a score, or of what adds up to it on one side of zero: how far bars reach.
    pub fn span(&self) -> f32 {
        const LEAST: f32 = 4.0;
        self.rows
            .iter()
            .flat_map(segments)
            .flat_map(|segment| [-segment.from, segment.to])
            .filter(|reach| reach.is_finite())
            .fold(LEAST, f32::max)
    }
}

/// A piece of a score's bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Segment {
    /// Which part of the score.
    pub part: &'static str,
    /// Where it begins.
    pub from: f32,
    /// Where it ends, right of where it begins.
    pub to: f32,
}

/// The parts of a candidate's score; none where it was not run or gave no number.
pub fn parts(row: &CandidateRow) -> Vec<(&'static str, f32)> {
    let Some(parts) = row.parts else { return Vec::new() };
    let mut all = vec![
        (key("logprob"), parts.logprob),
        (key("verifier"), parts.verifier),
        (key("agreement"), parts.agreement),
        (key("retrieval"), parts.retrieval),
    ];
    all.extend(parts.base.map(|base| (key("base"), base)));
    all
}

/// A candidate's score as a bar from zero: what speaks for it to the right, what speaks against it to the left.
pub fn segments(row: &CandidateRow) -> Vec<Segment> {
    let mut parts = parts(row);
    if parts.is_empty() && row.status != Status::Written {
        parts.push(("prior", row.score));
    }
    let (mut left, mut right) = (0.0, 0.0);
    let mut place = |(part, size): (&'static str, f32)| {
        if size < 0.0 {
            let to = left;
            left += size;
            Segment { part, from: left, to }
        } else {
            let from = right;
            right += size;
            Segment { part, from, to: right }
        }
    };
    parts.into_iter().filter(|(_, size)| size.is_finite() && *size != 0.0).map(&mut place).collect()
}

/// A message in pieces, each with the parameter that it is bound to, if it is a number that functions can take.
pub fn pieces(message: &str, numbers: &[BoundNumber]) -> Vec<(String, Option<usize>)> {
    // From characters to bytes, as far as they are needed.
    let starts: Vec<usize> = message.char_indices().map(|(byte, _)| byte).chain([message.len()]).collect();
    let mut bound: Vec<(Range<usize>, usize)> = numbers
        .iter()
        .enumerate()
        .filter(|(_, number)| !number.previous)
        .filter_map(|(place, number)| Some((*starts.get(number.start)?..*starts.get(number.end)?, place)))
        .filter(|(bytes, _)| bytes.start < bytes.end)
        .collect();
    bound.sort_by_key(|(bytes, _)| bytes.start);
    let mut pieces = Vec::new();
    let mut from = 0;
    for (bytes, place) in bound {
        if bytes.start < from {
            continue;
        }
        if from < bytes.start {
            pieces.push((message[from..bytes.start].to_owned(), None));
        }
        from = bytes.end;
        pieces.push((message[bytes].to_owned(), Some(place)));
    }
    if from < message.len() {
        pieces.push((message[from..].to_owned(), None));
    }
    pieces
}
