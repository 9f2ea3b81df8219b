//! A message of the conversation.

use std::sync::Arc;

use leptos::prelude::*;
use wattage_engine::{Completion, Role};

use crate::{protocol::Failure, trace::Trace};

/// One message of the conversation. Clones share their text, trace and phase.
#[derive(Clone)]
pub struct Turn {
    /// Its name on the page.
    pub id: u32,
    /// Who wrote it.
    pub role: Role,
    /// What was written so far.
    pub text: ArcRwSignal<String>,
    /// The computation that it was made with, if there is one.
    pub trace: ArcRwSignal<Trace>,
    /// How far it is.
    pub phase: ArcRwSignal<Phase>,
    /// The same question's answer with the WASM layers off where they were on, or on where they were off.
    pub other: ArcRwSignal<Option<Arc<Turn>>>,
    /// The other words that it is being put into.
    pub edited: ArcRwSignal<Option<String>>,
}

impl Turn {
    /// A message without a computation.
    pub fn new(id: u32, role: Role, text: String, phase: Phase) -> Self {
        let (text, trace, phase) = (ArcRwSignal::new(text), ArcRwSignal::default(), ArcRwSignal::new(phase));
        Self { id, role, text, trace, phase, other: ArcRwSignal::new(None), edited: ArcRwSignal::new(None) }
    }
}

impl Turn {
    /// A message that is as this one is now, with a life of its own.
    pub fn copy(&self, id: u32) -> Self {
        let turn = Self::new(id, self.role, self.text.get_untracked(), self.phase.get_untracked());
        turn.trace.set(self.trace.get_untracked());
        turn
    }
}

/// How far a message is.
#[derive(Debug, Clone, PartialEq)]
pub enum Phase {
    /// The engine has not begun.
    Waiting,
    /// The prompt is read: tokens done, tokens in all.
    Reading(usize, usize),
    /// The WASM layers compute.
    Computing,
    /// The answer is written.
    Writing,
    /// Complete; with numbers if the engine wrote it.
    Done(Option<Box<Completion>>),
    /// Broken off by an error; the text so far stays.
    Failed(Failure),
}
