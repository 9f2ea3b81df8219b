//! What the layers scored, question by question: the rows of a session and of an experiment, their sums, and their files.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wattage_engine::{CandidateRow, Completion, Gate, Status, Voice};

use crate::{figures::last_figure, format::decimal, language::told, trace::Trace};

/// Results this close to the right answer, relatively, are right.
const CLOSE: f64 = 1e-6;
/// Standard deviations of a normal distribution that hold 95 % of it.
const WIDE: f64 = 1.959_964;

/// What a voice had for a question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Vote {
    /// Whose.
    pub voice: Voice,
    /// The operations, in words.
    pub op: String,
    /// What it computed, if it was run and gave a number.
    pub result: Option<f64>,
    /// Its score.
    pub score: f32,
    /// What became of it.
    pub status: Status,
}

/// A question and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The question.
    pub question: String,
    /// The right answer, where it is known; of an experiment nothing where the question asks for no computation.
    pub wanted: Option<f64>,
    /// Whether it was found to ask for a computation; nothing where no layers read it.
    pub gate: Option<bool>,
    /// Each voice's first candidate.
    pub votes: Vec<Vote>,
    /// The voice of the chosen candidate.
    pub chosen: Option<Voice>,
    /// The answer: what was computed, or else the last number that the model wrote.
    pub answer: Option<f64>,
    /// How far the best score is above that of the best candidate with another result.
    pub margin: Option<f32>,
    /// Microseconds that the computation took.
    pub micros: Option<u64>,
    /// Why the engine did not take the question.
    #[serde(default)]
    pub refused: Option<String>,
}

fn is_close(one: f64, other: f64) -> bool {
    // Beside zero nothing is close by its share.
    (one - other).abs() <= (CLOSE * other.abs()).max(1e-12)
}

fn votes(rows: &[CandidateRow]) -> Vec<Vote> {
    let mut voices: Vec<Voice> = rows.iter().map(|row| row.voice).collect();
    voices.sort_unstable();
    voices.dedup();
    let vote = |voice| {
        // Its first, as the layers are measured: the scorer may have chosen another.
        let row = rows.iter().filter(|row| row.voice == voice).min_by_key(|row| row.rank)?;
        Some(Vote { voice, op: row.op.clone(), result: row.result, score: row.score, status: row.status })
    };
    voices.into_iter().filter_map(vote).collect()
}

/// Between the candidates' results: the same number from two layers is one result.
fn margin(rows: &[CandidateRow]) -> Option<f32> {
    let mut best: Vec<(f64, f32)> = Vec::new();
    for row in rows {
        let Some(result) = row.result else { continue };
        match best.iter_mut().find(|(known, _)| is_close(result, *known)) {
            Some((_, score)) => *score = score.max(row.score),
            None => best.push((result, row.score)),
        }
    }
    best.sort_by(|one, other| other.1.total_cmp(&one.1));
    Some(best.first()?.1 - best.get(1)?.1)
}

impl Entry {
    /// Of a message of the conversation; nothing where nothing was computed for it.
    pub fn of_trace(question: &str, trace: &Trace, wanted: Option<f64>) -> Option<Self> {
        let choice = trace.choice.as_ref()?;
        Some(Self {
            question: question.to_owned(),
            wanted,
            gate: trace.gate.as_ref().map(|gate: &Gate| gate.open),
            votes: votes(&trace.rows),
            chosen: trace.chosen().map(|row| row.voice),
            answer: choice.value,
            margin: margin(&trace.rows),
            micros: Some(choice.micros),
            refused: None,
        })
    }

    /// Of an experiment's question.
    pub fn of_completion(question: &str, wanted: Option<f64>, completion: &Completion) -> Self {
        let computation = completion.computation.as_ref();
        let rows = computation.map(|computation| computation.candidates.as_slice()).unwrap_or_default();
        Self {
            question: question.to_owned(),
            wanted,
            gate: completion.gate.as_ref().map(|gate| gate.open),
            votes: votes(rows),
            chosen: computation.and_then(|computation| computation.winner()).map(|row| row.voice),
            answer: match computation {
                Some(computation) => computation.value,
                // Without layers, or where they found nothing to compute, the model's word counts.
                None => last_figure(&completion.text),
            },
            margin: margin(rows),
            micros: computation.map(|computation| computation.micros),
            refused: None,
        }
    }

    /// Of a question that the engine did not take.
    pub fn refused(question: &str, wanted: Option<f64>, why: String) -> Self {
        Self {
            question: question.to_owned(),
            wanted,
            gate: None,
            votes: Vec::new(),
            chosen: None,
            answer: None,
            margin: None,
            micros: None,
            refused: Some(why),
        }
    }

    /// Whether the answer is the right one, where there is one.
    pub fn right(&self) -> Option<bool> {
        let wanted = self.wanted?;
        Some(self.answer.is_some_and(|answer| is_close(answer, wanted)))
    }

    /// Whether an experiment's question was met rightly: with the right answer, or, where none is asked for, without a
    /// computation. What the gate let pass by counts as wrong, whatever the model says.
    pub fn passed(&self) -> bool {
        if self.refused.is_some() {
            return false;
        }
        match self.right() {
            Some(right) => right && (self.micros.is_some() || self.gate.is_none()),
            None => self.micros.is_none(),
        }
    }

    fn vote_is_right(&self, vote: &Vote) -> bool {
        matches!((vote.result, self.wanted), (Some(result), Some(wanted)) if is_close(result, wanted))
    }
}

/// A part of a whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    /// The part.
    pub part: usize,
    /// The whole.
    pub whole: usize,
}

impl Share {
    fn count(&mut self, counts: bool) {
        self.whole += 1;
        self.part += usize::from(counts);
    }

    /// In percent, with the 95 % interval after Wilson (1927): `97.5 % [95.2, 98.9]`; a dash for nothing of nothing.
    pub fn told(self) -> String {
        if self.whole == 0 {
            return "–".to_owned();
        }
        #[allow(clippy::cast_precision_loss, reason = "counts")]
        let (n, p) = (self.whole as f64, self.part as f64 / self.whole as f64);
        let middle = p + WIDE * WIDE / (2.0 * n);
        let half = WIDE * (p * (1.0 - p) / n + WIDE * WIDE / (4.0 * n * n)).sqrt();
        let scale = 1.0 + WIDE * WIDE / n;
        let (low, high) = (100.0 * ((middle - half) / scale).max(0.0), 100.0 * ((middle + half) / scale).min(1.0));
        told!("{} % [{}, {}]", decimal(100.0 * p, 1), decimal(low, 1), decimal(high, 1))
    }
}

/// What a list of entries adds up to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    /// Questions that were met rightly.
    pub passed: Share,
    /// Questions whose right answer is known and that had a right answer.
    pub right: Share,
    /// Those of them for which a voice's first candidate was right.
    pub oracle: Share,
    /// For each voice how often its first candidate was right.
    pub voices: BTreeMap<Voice, Share>,
    /// How often each voice's candidate was chosen.
    pub wins: BTreeMap<Voice, Share>,
}

impl Summary {
    /// Of these.
    pub fn of(entries: &[Entry]) -> Self {
        let mut sum = Self::default();
        for entry in entries {
            sum.passed.count(entry.passed());
            for vote in &entry.votes {
                sum.wins.entry(vote.voice).or_default().count(entry.chosen == Some(vote.voice));
            }
            let Some(right) = entry.right() else { continue };
            sum.right.count(right);
            // The oracle is one over the layers; the text is one only where there are none.
            let layered = entry.votes.iter().any(|vote| vote.voice != Voice::Text);
            let mut votes = entry.votes.iter().filter(|vote| !layered || vote.voice != Voice::Text);
            sum.oracle.count(votes.any(|vote| entry.vote_is_right(vote)));
            for vote in &entry.votes {
                sum.voices.entry(vote.voice).or_default().count(entry.vote_is_right(vote));
            }
        }
        sum
    }
}

/// The entries as lines of comma-separated values (RFC 4180), with a line of names before them.
pub fn to_csv(entries: &[Entry]) -> String {
    let mut voices: Vec<Voice> = entries.iter().flat_map(|entry| entry.votes.iter().map(|vote| vote.voice)).collect();
    voices.sort_unstable();
    voices.dedup();
    let mut names: Vec<String> =
        ["question", "wanted", "answer", "right", "gate", "chosen", "margin", "micros"].map(str::to_owned).into();
    for voice in &voices {
        names.extend(["op", "result", "score", "fate"].map(|what| format!("{voice} {what}")));
    }
    let mut lines = vec![names];
    for entry in entries {
        let number = |number: Option<f64>| number.map(|number| number.to_string()).unwrap_or_default();
        let mut line = vec![
            entry.question.clone(),
            number(entry.wanted),
            number(entry.answer),
            entry.right().map(|right| right.to_string()).unwrap_or_default(),
            entry.gate.map(|open| if open { "open" } else { "closed" }.to_owned()).unwrap_or_default(),
            entry.chosen.map(|voice| voice.to_string()).unwrap_or_default(),
            entry.margin.map(|margin| margin.to_string()).unwrap_or_default(),
            entry.micros.map(|micros| micros.to_string()).unwrap_or_default(),
        ];
        for voice in &voices {
            let vote = entry.votes.iter().find(|vote| vote.voice == *voice);
            line.extend(match vote {
                Some(vote) => {
                    let fate = crate::words::fate(vote.status).to_owned();
                    [vote.op.clone(), number(vote.result), vote.score.to_string(), fate]
                }
                None => Default::default(),
            });
        }
        lines.push(line);
    }
    let field = |field: &String| {
        // What a spreadsheet would run as a formula is text to it behind an apostrophe.
        let formula = field.starts_with(['=', '@', '+']) || field.starts_with('-') && field.parse::<f64>().is_err();
        let field = if formula { format!("'{field}") } else { field.clone() };
        if field.contains([',', '"', '\n', '\r']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
    };
    lines.iter().map(|line| line.iter().map(field).collect::<Vec<_>>().join(",") + "\r\n").collect()
}

/// The entries as JSON.
pub fn to_json(entries: &[Entry]) -> String {
    serde_json::to_string_pretty(entries).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(wanted: Option<f64>, results: &[f64], chosen: usize) -> Entry {
        let vote = |(layer, result): (usize, &f64)| Vote {
            voice: Voice::Layer(layer),
            op: "add".into(),
            result: Some(*result),
            score: 1.0,
            status: Status::Executed,
        };
        Entry {
            question: "a, \"b\"?".into(),
            wanted,
            gate: Some(true),
            votes: (0..).zip(results).map(vote).collect(),
            chosen: Some(Voice::Layer(chosen)),
            answer: results.get(chosen).copied(),
            margin: None,
            micros: Some(5),
            refused: None,
        }
    }

    #[test]
    fn entries_add_up() {
        let none = Entry {
            wanted: None,
            votes: Vec::new(),
            chosen: None,
            answer: None,
            micros: None,
            gate: Some(false),
            ..entry(None, &[], 0)
        };
        let sum = Summary::of(&[
            entry(Some(3.0), &[3.0, 4.0], 0),
            entry(Some(3.0), &[3.0, 4.0], 1),
            entry(None, &[1.0], 0),
            none,
        ]);
        let share = |part, whole| Share { part, whole };
        // A computation where none is asked for is wrong.
        assert_eq!((sum.passed, sum.right, sum.oracle), (share(2, 4), share(1, 2), share(2, 2)));
        assert_eq!(sum.voices[&Voice::Layer(0)], share(2, 2));
        assert_eq!(sum.wins[&Voice::Layer(1)], share(1, 2));
        assert_eq!(share(81, 263).told(), "30.8 % [25.5, 36.6]");
        assert_eq!(share(0, 0).told(), "–");
    }

    #[test]
    fn what_the_gate_let_pass_by_is_wrong_whatever_is_said() {
        let passed_by = Entry { micros: None, gate: Some(false), ..entry(Some(3.0), &[3.0], 0) };
        assert!(!passed_by.passed());
        assert!(Entry { gate: None, ..passed_by }.passed());
        assert!(!Entry::refused("too long", None, "it does not fit".into()).passed());
    }

    #[test]
    fn a_table_has_a_line_an_entry_and_no_formula() {
        let formula = Entry { question: "=1+1".into(), ..entry(None, &[], 0) };
        let csv = to_csv(&[entry(Some(-3.0), &[-3.0], 0), formula]);
        let lines: Vec<&str> = csv.lines().collect();
        assert!(lines[0].starts_with("question,wanted,") && lines[0].ends_with("0 op,0 result,0 score,0 fate"));
        assert!(lines[1].starts_with("\"a, \"\"b\"\"?\",-3,-3,true,open,0,"), "{}", lines[1]);
        assert!(lines[2].starts_with("'=1+1,"), "{}", lines[2]);
    }
}
