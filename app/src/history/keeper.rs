//! Keeping the open conversation, and what the visitor can do with the others.

use std::collections::VecDeque;

use gloo::storage::{SessionStorage, Storage};
use leptos::{prelude::*, task::spawn_local};

use super::{Conversation, Head, Line, database::Change, database::Database, title_of};
use crate::state::{Phase, Store, Turn};

/// Which conversation this tab has open, for a reload.
const OPEN: &str = "wattage.conversation";

/// The history's state. Copied freely: each part is a handle.
#[derive(Clone, Copy)]
pub struct History {
    /// All conversations, the latest first.
    pub heads: RwSignal<Vec<Head>>,
    /// The open one, once it has a message.
    pub open: RwSignal<Option<Head>>,
    /// What is searched for, and the conversations that have it in a message.
    pub found: RwSignal<Option<(String, Vec<String>)>>,
    /// What went wrong.
    pub failure: RwSignal<Option<String>>,
    /// What is written of the open conversation: each message's name, its length and whether it was complete.
    written: StoredValue<Vec<(u32, usize, bool)>>,
    /// Changes that wait to be written.
    waiting: StoredValue<VecDeque<Change>>,
    writing: StoredValue<bool>,
}

impl History {
    /// An empty one.
    pub fn new() -> Self {
        Self {
            heads: RwSignal::new(Vec::new()),
            open: RwSignal::new(None),
            found: RwSignal::new(None),
            failure: RwSignal::new(None),
            written: StoredValue::new(Vec::new()),
            waiting: StoredValue::new(VecDeque::new()),
            writing: StoredValue::new(false),
        }
    }
}

impl Default for History {
    fn default() -> Self {
        Self::new()
    }
}

fn new_id() -> String {
    // Time and chance: two tabs that begin in the same millisecond still differ.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 2^53")]
    let part = |number: f64| number as u64;
    format!("{:012x}{:012x}", part(js_sys::Date::now()), part(js_sys::Math::random() * 2_f64.powi(48)))
}

impl Store {
    /// Brings back the conversation that this tab had open, and keeps it from now on.
    pub fn keep_conversations(self) {
        let open: Option<String> = SessionStorage::get(OPEN).ok();
        spawn_local(async move {
            if let Some(id) = open {
                self.show_kept(&id).await;
            }
            self.look_at_history().await;
        });
        Effect::new(move || {
            self.pulse.track();
            self.turns.track();
            self.answering.track();
            // What changes while something is written is written next, all at once.
            if !self.history.writing.get_value() {
                untrack(|| self.note_changes());
            }
        });
        Effect::new(move || match &*self.history.open.read() {
            Some(head) => drop(SessionStorage::set(OPEN, &head.id)),
            None => SessionStorage::delete(OPEN),
        });
    }

    async fn show_kept(self, id: &str) {
        let read = async { Database::open().await?.conversation(id).await };
        match read.await {
            Ok(Some(kept)) if self.turns.read_untracked().is_empty() => self.show(kept),
            Ok(_) => {}
            Err(why) => self.history.failure.set(Some(why)),
        }
    }

    fn show(self, kept: Conversation) {
        let Conversation { head, messages } = kept;
        let turns: Vec<Turn> = messages.into_iter().map(|line| line.turn(self.id())).collect();
        self.history.written.set_value(turns.iter().map(extent).collect());
        self.history.open.set(Some(head));
        self.turns.set(turns);
        self.pulse.update(|pulse| *pulse = pulse.wrapping_add(1));
    }

    async fn look_at_history(self) {
        let read = async { Database::open().await?.heads().await };
        match read.await {
            Ok(heads) => self.history.heads.set(heads),
            Err(why) => self.history.failure.set(Some(why)),
        }
    }

    /// Has written what changed in the open conversation since it was written last.
    fn note_changes(self) {
        let history = self.history;
        let turns = self.turns.get_untracked();
        let Some(first) = turns.first() else { return };
        let extents: Vec<_> = turns.iter().map(extent).collect();
        let written = history.written.get_value();
        if extents == written {
            return;
        }
        let now = js_sys::Date::now();
        let mut head = history.open.get_untracked().unwrap_or_else(|| Head {
            id: new_id(),
            title: title_of(&first.text.read_untracked()),
            created: now,
            updated: now,
            from: None,
            imported: false,
        });
        head.updated = now;
        let changed = (0..).zip(&turns).filter(|(index, turn)| written.get(*index) != Some(&extent(turn)));
        let lines = changed.map(|(index, turn)| Line::of(&head.id, index, turn)).collect();
        history.written.set_value(extents);
        if history.open.read_untracked().as_ref().map(|open| &open.id) != Some(&head.id) {
            history.open.set(Some(head.clone()));
        }
        history.heads.update(|heads| {
            heads.retain(|other| other.id != head.id);
            heads.insert(0, head.clone());
        });
        self.write(Change::Keep { head, lines, count: u32::try_from(turns.len()).unwrap_or(u32::MAX) });
    }

    fn write(self, change: Change) {
        let history = self.history;
        history.waiting.update_value(|waiting| waiting.push_back(change));
        if history.writing.get_value() {
            return;
        }
        history.writing.set_value(true);
        spawn_local(async move {
            let written = async {
                let database = Database::open().await?;
                loop {
                    let next = history.waiting.try_update_value(VecDeque::pop_front).flatten();
                    let Some(change) = next else { return Ok(()) };
                    database.write(&change).await?;
                    // What came meanwhile.
                    self.note_changes();
                }
            };
            let result: Result<(), String> = written.await;
            history.writing.set_value(false);
            match result {
                Ok(()) => history.failure.set(None),
                Err(why) => {
                    // All of the open one is written with its next change.
                    history.written.set_value(Vec::new());
                    history.failure.set(Some(format!("Conversations are not kept now: {why}.")));
                }
            }
        });
    }

    /// Ends what is under way in the open conversation, has its last state written, and leaves the page empty.
    pub fn leave_conversation(self) {
        self.stop();
        if self.answering.get_untracked().is_some() {
            if let Some(turn) = self.written.get_value() {
                turn.phase.set(Phase::Done(None));
            }
            self.answering.set(None);
        }
        self.note_changes();
        self.history.written.set_value(Vec::new());
        self.history.open.set(None);
        self.turns.set(Vec::new());
        self.context_used.set(0);
        self.speed.set(None);
    }

    /// Opens a kept conversation in the place of the open one.
    pub fn open_conversation(self, id: String) {
        self.leave_conversation();
        spawn_local(async move { self.show_kept(&id).await });
    }

    /// Calls a conversation something else.
    pub fn rename_conversation(self, id: &str, title: &str) {
        let title = title_of(title);
        if title.is_empty() {
            return;
        }
        let renamed = self.history.heads.try_update(|heads| {
            let head = heads.iter_mut().find(|head| head.id == id)?;
            head.title.clone_from(&title);
            Some(head.clone())
        });
        let Some(head) = renamed.flatten() else { return };
        self.history.open.update(|open| {
            if let Some(open) = open.as_mut().filter(|open| open.id == head.id) {
                open.title = title;
            }
        });
        self.write(Change::Keep { head, lines: Vec::new(), count: u32::MAX });
    }

    /// Deletes a conversation.
    pub fn delete_conversation(self, id: &str) {
        if self.history.open.read_untracked().as_ref().is_some_and(|open| open.id == id) {
            self.leave_conversation();
        }
        self.history.heads.update(|heads| heads.retain(|head| head.id != id));
        self.write(Change::Delete(id.to_owned()));
        self.said.set("Conversation deleted.".into());
    }

    /// Asks a question of the open conversation in other words: a new conversation with all that came before it. The old one
    /// stays in the history.
    pub fn branch(self, turn: u32, text: &str) {
        let turns = self.turns.get_untracked();
        let Some(at) = turns.iter().position(|other| other.id == turn) else { return };
        if text.trim().is_empty() || !untrack(|| self.can_send()) {
            return;
        }
        let before: Vec<Turn> = turns[..at].iter().map(|turn| turn.copy(self.id())).collect();
        let old = self.history.open.get_untracked();
        self.leave_conversation();
        let now = js_sys::Date::now();
        self.history.open.set(Some(Head {
            id: new_id(),
            title: title_of(before.first().map_or(text.to_owned(), |turn| turn.text.get_untracked()).as_str()),
            created: now,
            updated: now,
            imported: old.as_ref().is_some_and(|old| old.imported) && at > 0,
            from: old.map(|old| old.title),
        }));
        self.turns.set(before);
        self.ask(text);
    }

    /// Looks for a text in all conversations; an empty one ends the search.
    pub fn search_history(self, text: String) {
        if text.trim().is_empty() {
            return self.history.found.set(None);
        }
        self.history.found.set(Some((text.clone(), Vec::new())));
        spawn_local(async move {
            let found = async { Database::open().await?.search(text.trim()).await };
            match found.await {
                // Unless something else is looked for by now.
                Ok(ids) => self.history.found.update(|found| {
                    if let Some((asked, there)) = found.as_mut().filter(|(asked, _)| *asked == text) {
                        *there = ids;
                        let _ = asked;
                    }
                }),
                Err(why) => self.history.failure.set(Some(why)),
            }
        });
    }

    /// Reads conversations, one or all, and hands them over.
    pub fn with_conversations(self, id: Option<String>, then: impl FnOnce(Vec<Conversation>) + 'static) {
        self.note_changes();
        let ids: Vec<String> = match id {
            Some(id) => vec![id],
            None => self.history.heads.with_untracked(|heads| heads.iter().map(|head| head.id.clone()).collect()),
        };
        spawn_local(async move {
            let read = async {
                let database = Database::open().await?;
                let mut all = Vec::new();
                for id in ids {
                    all.extend(database.conversation(&id).await?);
                }
                Ok::<_, String>(all)
            };
            match read.await {
                Ok(all) => then(all),
                Err(why) => self.history.failure.set(Some(why)),
            }
        });
    }

    /// Adds conversations that come from a file.
    pub fn import_conversations(self, text: &str) {
        let conversations = match super::from_json(text) {
            Ok(conversations) => conversations,
            Err(why) => return self.history.failure.set(Some(format!("Nothing was imported: {why}."))),
        };
        self.said.set(format!("{} conversations imported.", conversations.len()));
        for Conversation { mut head, mut messages } in conversations {
            // None of those that are here is written over.
            head.id = new_id();
            for (index, line) in (0..).zip(&mut messages) {
                line.conversation.clone_from(&head.id);
                line.index = index;
            }
            self.history.heads.update(|heads| heads.insert(0, head.clone()));
            let count = u32::try_from(messages.len()).unwrap_or(u32::MAX);
            self.write(Change::Keep { head, lines: messages, count });
        }
    }
}

/// How far a message is, to see whether it changed.
fn extent(turn: &Turn) -> (u32, usize, bool) {
    let complete = matches!(*turn.phase.read_untracked(), Phase::Done(_));
    (turn.id, turn.text.read_untracked().len(), complete)
}
