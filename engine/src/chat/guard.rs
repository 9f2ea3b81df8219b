//! Stand-ins that keep a message's text from being read as control tokens.

use super::{Message, Role, THINK};
use crate::{Error, Result, Tokenizer};

/// For one conversation: which characters are replaced in messages, and by what.
///
/// Each added token has one character in it (`<` for all of Qwen's) without which it cannot be found. A stand-in is
/// one character from a private-use plane that neither the template nor any message has, so lengths, slices and tests
/// that templates make on messages keep working, and no way of cutting or joining messages can build such a token.
pub(super) struct Guard {
    /// Character and its stand-in.
    pairs: Vec<(char, char)>,
    /// Texts that stay as they are in the model's own past answers.
    kept: Vec<String>,
    /// A character that stands nowhere, to mark a place with.
    pub(super) edge: char,
}

impl Guard {
    pub(super) fn new(tokenizer: &Tokenizer, template: &str, messages: &[Message]) -> Result<Self> {
        let mut keys: Vec<char> = Vec::new();
        for (text, _) in tokenizer.added_texts() {
            if !text.chars().any(|c| keys.contains(&c)) {
                keys.extend(key(text));
            }
        }
        let taken: std::collections::HashSet<char> = std::iter::once(template)
            .chain(messages.iter().map(|message| message.content.as_str()))
            .flat_map(str::chars)
            .filter(|c| *c >= FIRST)
            .chain(tokenizer.added_texts().iter().flat_map(|(text, _)| text.chars()))
            .collect();
        let mut free = (FIRST..='\u{10FFFD}').filter(|c| !taken.contains(c));
        let mut next =
            || free.next().ok_or_else(|| Error::Request("a message uses every private character there is".into()));
        let edge = next()?;
        let mut pairs = Vec::with_capacity(keys.len());
        for character in keys {
            pairs.push((character, next()?));
        }
        let mut kept: Vec<String> = THINK.iter().map(|text| (*text).to_owned()).collect();
        kept.extend(tokenizer.added_texts().iter().filter(|(_, control)| !control).map(|(text, _)| text.clone()));
        // A name of a control token is never kept, whatever else it is called.
        kept.retain(|text| !tokenizer.added_texts().iter().any(|(other, control)| *control && text.contains(other)));
        kept.sort_by_key(|text| std::cmp::Reverse(text.len()));
        Ok(Self { pairs, kept, edge })
    }

    /// The message's content with stand-ins.
    pub(super) fn hide(&self, message: &Message) -> String {
        let mut hidden = String::with_capacity(message.content.len());
        let mut rest = message.content.as_str();
        while let Some(character) = rest.chars().next() {
            if message.role == Role::Assistant
                && let Some(kept) = self.kept.iter().find(|kept| rest.starts_with(kept.as_str()))
            {
                hidden.push_str(kept);
                rest = &rest[kept.len()..];
                continue;
            }
            let stand_in = self.pairs.iter().find(|(from, _)| *from == character);
            hidden.push(stand_in.map_or(character, |(_, to)| *to));
            rest = &rest[character.len_utf8()..];
        }
        hidden
    }

    /// Puts the characters back.
    pub(super) fn show(&self, text: &str) -> String {
        text.chars().map(|c| self.pairs.iter().find(|(_, to)| *to == c).map_or(c, |(from, _)| *from)).collect()
    }
}

/// First character of the private-use plane that stand-ins are taken from.
const FIRST: char = '\u{F0000}';

/// The character of a token's text that is replaced: a mark if it has one, for templates look at letters and spaces.
fn key(text: &str) -> Option<char> {
    text.chars().find(|c| !c.is_alphanumeric() && !c.is_whitespace()).or_else(|| text.chars().next())
}
