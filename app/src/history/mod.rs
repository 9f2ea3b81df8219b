//! The conversations that a visitor has had, kept by the browser and nowhere else.
//!
//! A conversation is a [`Head`] and its messages, each a [`Line`]. While an answer grows its line is written again and again, so
//! that a tab that crashes loses no more than what came during the last of these writes.

mod asked;
mod database;
mod exchange;
mod keeper;
mod waiting;

use std::sync::Arc;

use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use wattage_engine::Role;

use crate::{
    language::key,
    protocol::{Failure, FailureKind},
    state::{Phase, Turn},
    trace::Trace,
};

pub use exchange::{from_json, to_json, to_markdown};
pub use keeper::History;

/// Letters of a title that is taken from a question.
const TITLE: usize = 60;

/// What is known of a conversation without its messages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// Its name in the browser's storage.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// When it was begun, in milliseconds since 1970.
    pub created: f64,
    /// When it last changed, likewise.
    pub updated: f64,
    /// The title of the conversation that it branches off.
    #[serde(default)]
    pub from: Option<String>,
    /// Whether it came from a file: what it shows as computed was not computed here.
    #[serde(default)]
    pub imported: bool,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// The conversation's name.
    #[serde(default)]
    pub conversation: String,
    /// Its place, from 0.
    #[serde(default)]
    pub index: u32,
    /// Whether the model wrote it.
    pub answer: bool,
    /// What it says.
    pub text: String,
    /// Whether it had been written to its end.
    pub complete: bool,
    /// Why it had not, if that was told.
    #[serde(default)]
    pub failure: Option<Failure>,
    /// A [`Trace`] as JSON, if there is one; kept apart, for a message is worth more than a trace that cannot be read.
    #[serde(default)]
    pub trace: Option<String>,
    /// The same question's answer with the WASM layers switched the other way, if it was asked for.
    #[serde(default)]
    pub other: Option<Box<Self>>,
}

/// A conversation with its messages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    /// What is known of it.
    #[serde(flatten)]
    pub head: Head,
    /// Its messages, oldest first.
    pub messages: Vec<Line>,
}

impl Line {
    /// Of a message of the page.
    fn of(conversation: &str, index: usize, turn: &Turn) -> Self {
        let trace = turn.trace.with_untracked(|trace| {
            (*trace != Trace::default()).then(|| serde_json::to_string(trace).unwrap_or_default())
        });
        Self {
            conversation: conversation.to_owned(),
            index: u32::try_from(index).unwrap_or(u32::MAX),
            answer: turn.role == Role::Assistant,
            text: turn.text.get_untracked(),
            complete: matches!(*turn.phase.read_untracked(), Phase::Done(_)),
            failure: match &*turn.phase.read_untracked() {
                Phase::Failed(failure) => Some(failure.clone()),
                _ => None,
            },
            trace,
            other: turn.other.get_untracked().map(|other| Box::new(Self::of(conversation, index, &other))),
        }
    }

    /// The message as the page shows it, under new names.
    fn turn(self, id: &impl Fn() -> u32) -> Turn {
        let role = if self.answer { Role::Assistant } else { Role::User };
        let cut = || Failure {
            kind: FailureKind::Other,
            message: key("the page was closed before this answer was complete").to_owned(),
        };
        let phase = if self.complete { Phase::Done(None) } else { Phase::Failed(self.failure.unwrap_or_else(cut)) };
        let trace: Trace = self.trace.and_then(|trace| serde_json::from_str(&trace).ok()).unwrap_or_default();
        let trace = trace.within(&self.text);
        let turn = Turn::new(id(), role, self.text, phase);
        turn.trace.set(trace);
        if let Some(other) = self.other {
            // One stands beside it, and none beside that.
            turn.other.set(Some(Arc::new(Self { other: None, ..*other }.turn(id))));
        }
        turn
    }
}

/// What a conversation is called that begins with this question.
fn title_of(question: &str) -> String {
    let line = question.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= TITLE {
        return line;
    }
    let cut: String = line.chars().take(TITLE - 1).collect();
    format!("{}…", cut.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_short_and_one_line() {
        assert_eq!(title_of(" What is\n12 × 11? "), "What is 12 × 11?");
        let long = title_of(&"palabra ".repeat(20));
        assert!(long.chars().count() <= TITLE && long.ends_with('…'), "{long}");
    }

    #[test]
    fn a_line_that_was_tampered_with_is_still_a_message() {
        Owner::new().with(|| {
            let line = |trace: &str| Line {
                conversation: "c".into(),
                index: 0,
                answer: true,
                text: "é 132".into(),
                complete: false,
                failure: None,
                trace: Some(trace.into()),
                other: None,
            };
            // Places outside the text, or within a letter.
            let turn =
                line(r#"{"splices":[{"start":0,"end":99},{"start":1,"end":3},{"start":3,"end":6}]}"#).turn(&|| 1);
            assert_eq!(turn.trace.with_untracked(|trace| trace.splices.clone()), vec![3..6]);
            assert!(matches!(*turn.phase.read_untracked(), Phase::Failed(_)));
            let turn = line("{\"splices\":7}").turn(&|| 2);
            assert_eq!(turn.text.get_untracked(), "é 132");
            assert_eq!(turn.trace.get_untracked(), Trace::default());
        });
    }
}
