//! The browser's database (IndexedDB).

use std::fmt::Display;

use rexie::{KeyRange, ObjectStore, Rexie, TransactionMode};
use serde::{Serialize, de::DeserializeOwned};
use wasm_bindgen::JsValue;

use super::{Conversation, Head, Line};
use crate::language::{t, told};

const NAME: &str = "wattage";
const VERSION: u32 = 1;
const HEADS: &str = "conversations";
const LINES: &str = "messages";

/// The database, open.
pub struct Database(Rexie);

/// A change to be written.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A conversation is as it is here, with these messages changed and so many in all.
    Keep {
        /// What is known of it.
        head: Head,
        /// Messages that changed.
        lines: Vec<Line>,
        /// Messages in all; [`u32::MAX`] where no message changes.
        count: u32,
    },
    /// A conversation is gone.
    Delete(String),
}

impl Change {
    /// The conversation's name.
    pub fn id(&self) -> &str {
        match self {
            Self::Keep { head, .. } => &head.id,
            Self::Delete(id) => id,
        }
    }
}

fn told(error: impl Display) -> String {
    told!("the browser's database says: {}", error)
}

fn value<T: Serialize>(of: &T) -> Result<JsValue, String> {
    of.serialize(&serde_wasm_bindgen::Serializer::json_compatible()).map_err(told)
}

/// What cannot be read is left out: it is not this version's.
fn read<T: DeserializeOwned>(values: Vec<JsValue>) -> Vec<T> {
    values.into_iter().filter_map(|value| serde_wasm_bindgen::from_value(value).ok()).collect()
}

/// The messages of a conversation from one on: an array is greater than any number.
fn lines_from(conversation: &str, first: u32) -> Result<KeyRange, String> {
    let low = js_sys::Array::of2(&conversation.into(), &first.into());
    let high = js_sys::Array::of2(&conversation.into(), &js_sys::Array::new());
    KeyRange::bound(&low, &high, None, None).map_err(told)
}

impl Database {
    /// Opens it.
    ///
    /// # Errors
    /// The browser keeps nothing for this page.
    pub async fn open() -> Result<Self, String> {
        let database = Rexie::builder(NAME)
            .version(VERSION)
            .add_object_store(ObjectStore::new(HEADS).key_path("id"))
            .add_object_store(ObjectStore::new(LINES).key_path_array(["conversation", "index"]))
            .build();
        database.await.map(Self).map_err(told)
    }

    /// All conversations, the latest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn heads(&self) -> Result<Vec<Head>, String> {
        let transaction = self.0.transaction(&[HEADS], TransactionMode::ReadOnly).map_err(told)?;
        let all = transaction.store(HEADS).map_err(told)?.get_all(None, None).await.map_err(told)?;
        let mut heads: Vec<Head> = read(all);
        heads.sort_by(|one, other| other.updated.total_cmp(&one.updated));
        Ok(heads)
    }

    /// A conversation.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn conversation(&self, id: &str) -> Result<Option<Conversation>, String> {
        let transaction = self.0.transaction(&[HEADS, LINES], TransactionMode::ReadOnly).map_err(told)?;
        let head = transaction.store(HEADS).map_err(told)?.get(id.into()).await.map_err(told)?;
        let lines =
            transaction.store(LINES).map_err(told)?.get_all(Some(lines_from(id, 0)?), None).await.map_err(told)?;
        let head = head.and_then(|head| serde_wasm_bindgen::from_value(head).ok());
        Ok(head.map(|head| Conversation { head, messages: read(lines) }))
    }

    /// The conversations in which a message has this text, whatever its capitals.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn search(&self, text: &str) -> Result<Vec<String>, String> {
        let text = text.to_lowercase();
        let transaction = self.0.transaction(&[LINES], TransactionMode::ReadOnly).map_err(told)?;
        let lines: Vec<Line> = read(transaction.store(LINES).map_err(told)?.get_all(None, None).await.map_err(told)?);
        let found = lines.into_iter().filter(|line| line.text.to_lowercase().contains(&text));
        Ok(found.map(|line| line.conversation).collect())
    }

    /// Writes a change, all of it or nothing.
    ///
    /// # Errors
    /// The database is full, or cannot be written.
    pub async fn write(&self, change: &Change) -> Result<(), String> {
        let transaction = self.0.transaction(&[HEADS, LINES], TransactionMode::ReadWrite).map_err(told)?;
        let (heads, lines) = (transaction.store(HEADS).map_err(told)?, transaction.store(LINES).map_err(told)?);
        match change {
            // What another tab has deleted does not come back by being renamed.
            Change::Keep { head, count: u32::MAX, .. }
                if heads.get(head.id.as_str().into()).await.map_err(told)?.is_none() => {}
            Change::Keep { head, lines: changed, count } => {
                heads.put(&value(head)?, None).await.map_err(told)?;
                for line in changed {
                    lines.put(&value(line)?, None).await.map_err(told)?;
                }
                lines.delete(lines_from(&head.id, *count)?.into()).await.map_err(told)?;
            }
            Change::Delete(id) => {
                heads.delete(id.as_str().into()).await.map_err(told)?;
                lines.delete(lines_from(id, 0)?.into()).await.map_err(told)?;
            }
        }
        // A transaction that the browser gives up, for want of room as a rule, ends without an error.
        if transaction.done().await.map_err(told)?.is_committed() {
            Ok(())
        } else {
            Err(t("the browser gave up writing them: there may be no room left on this computer").to_owned())
        }
    }
}
