//! What the visitor can do with conversations.

use leptos::{prelude::*, task::spawn_local};

use super::keeper::{lock, new_id};
use super::{Conversation, Head, database::Change, database::Database, title_of};
use crate::{
    language::{t, told},
    state::{Store, Turn},
};

impl Store {
    /// Opens a kept conversation in the place of the open one.
    pub fn open_conversation(self, id: String) {
        if self.is_open(&id) {
            return;
        }
        self.leave_conversation();
        self.history.failure.set(None);
        self.show_kept(id);
    }

    fn is_open(self, id: &str) -> bool {
        self.history.open.read_untracked().as_ref().is_some_and(|open| open.id == id)
    }

    /// Does something to a conversation, unless another tab has it open.
    fn with_right(self, id: String, then: impl FnOnce() + 'static) {
        if self.is_open(&id) {
            return then();
        }
        let history = self.history;
        spawn_local(async move {
            match lock(&id).await {
                Ok(_lock) => {
                    history.failure.set(None);
                    then();
                    history.settled().await;
                }
                Err(()) => history.failure.set(Some(t("This conversation is open in another tab.").to_owned())),
            }
        });
    }

    /// Calls a conversation something else.
    pub fn rename_conversation(self, id: String, title: &str) {
        let title = title_of(title);
        if title.is_empty() {
            return;
        }
        self.with_right(id.clone(), move || {
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
        });
    }

    /// Deletes a conversation.
    pub fn delete_conversation(self, id: String) {
        self.with_right(id.clone(), move || {
            if self.is_open(&id) {
                self.leave_conversation();
            }
            self.history.heads.update(|heads| heads.retain(|head| head.id != id));
            self.write(Change::Delete(id));
            self.said.set(t("Conversation deleted.").into());
        });
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
        let text = text.trim().to_owned();
        if text.is_empty() {
            return self.history.found.set(None);
        }
        self.history.found.set(Some((text.clone(), Vec::new())));
        spawn_local(async move {
            let found = async { Database::open().await?.search(&text).await };
            match found.await {
                // Unless something else is looked for by now.
                Ok(ids) => self.history.found.update(|found| {
                    if let Some((_, there)) = found.as_mut().filter(|(asked, _)| *asked == text) {
                        *there = ids;
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
            self.history.settled().await;
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
            Err(why) => return self.history.failure.set(Some(told!("Nothing was imported: {}.", why))),
        };
        self.history.failure.set(None);
        self.said.set(told!("{} conversations imported.", conversations.len()));
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
