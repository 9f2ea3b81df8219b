//! The conversation survives a reload of the page, for as long as its tab is open.

use gloo::storage::{SessionStorage, Storage};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use wattage_engine::Role;

use crate::{
    state::{Phase, Store, Turn},
    trace::Trace,
};

const KEY: &str = "wattage.chat";

#[derive(Serialize, Deserialize)]
struct Kept {
    answer: bool,
    text: String,
    /// A [`Trace`]; kept apart, for a conversation is worth more than one that cannot be read.
    #[serde(default)]
    trace: serde_json::Value,
}

impl Store {
    /// Brings back the conversation that was kept, if there is one.
    pub fn restore_chat(self) {
        let kept: Vec<Kept> = SessionStorage::get(KEY).unwrap_or_default();
        let turns = kept.into_iter().map(|Kept { answer, text, trace }| {
            let role = if answer { Role::Assistant } else { Role::User };
            let turn = Turn::new(self.id(), role, text, Phase::Done(None));
            turn.trace.set(serde_json::from_value(trace).unwrap_or_default());
            turn
        });
        self.turns.set(turns.collect());
    }

    /// Keeps the conversation whenever a message is complete. If the browser keeps nothing, or the conversation is too
    /// long for it, only a reload loses it.
    pub fn keep_chat(self) {
        Effect::new(move || {
            self.answering.track();
            let kept: Vec<Kept> = self.turns.with(|turns| turns.iter().map(keep).collect());
            drop(SessionStorage::set(KEY, kept));
        });
    }
}

fn keep(turn: &Turn) -> Kept {
    let trace = turn.trace.with_untracked(|trace| {
        let kept = (*trace != Trace::default()).then(|| serde_json::to_value(trace).unwrap_or_default());
        kept.unwrap_or_default()
    });
    Kept { answer: turn.role == Role::Assistant, text: turn.text.get_untracked(), trace }
}
