//! The conversation survives a reload of the page, for as long as its tab is open.

use gloo::storage::{SessionStorage, Storage};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use wattage_engine::Role;

use crate::state::{Phase, Store, Turn};

const KEY: &str = "wattage.chat";

#[derive(Serialize, Deserialize)]
struct Kept {
    answer: bool,
    text: String,
}

impl Store {
    /// Brings back the conversation that was kept, if there is one.
    pub fn restore_chat(self) {
        let kept: Vec<Kept> = SessionStorage::get(KEY).unwrap_or_default();
        let turns = kept.into_iter().map(|Kept { answer, text }| Turn {
            id: self.id(),
            role: if answer { Role::Assistant } else { Role::User },
            text: ArcRwSignal::new(text),
            phase: ArcRwSignal::new(Phase::Done(None)),
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
    Kept { answer: turn.role == Role::Assistant, text: turn.text.get_untracked() }
}
