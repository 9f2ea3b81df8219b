//! Where a question and its numbers lie among the tokens of a conversation.

use std::ops::Range;

use super::guard::Guard;
use super::{ChatTemplate, Message, Role};
use crate::wasm_layers::numbers::Number;
use crate::{Error, Result, Tokenizer, splice};

/// A conversation that ends with a question, as ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// All ids, ending where the model's answer begins.
    pub ids: Vec<u32>,
    /// The question's own.
    pub tokens: Range<usize>,
    /// Those that stand for each of its numbers.
    pub numbers: Vec<Range<usize>>,
    /// The last result that stands in the model's own answers, if there is one.
    pub earlier: Option<Earlier>,
}

/// A result that was computed before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    /// It as it stands between its tags.
    pub text: String,
    /// Its tokens, the opening tag with them.
    pub tokens: Range<usize>,
}

/// A result in a message: bytes of the opening tag and the text, and of the text alone.
struct Place {
    message: usize,
    tagged: Range<usize>,
    text: Range<usize>,
}

/// A conversation's text in pieces of one kind, as they become ids.
struct Walk<'a> {
    tokenizer: &'a Tokenizer,
    guard: &'a Guard,
    ids: Vec<u32>,
    /// For each id the bytes of the shown text that it stands for.
    offsets: Vec<Range<usize>>,
    /// Bytes shown so far; the texts of control tokens do not count.
    shown: usize,
    /// Where the last result begins and ends, if there is one, and then the question.
    edges: Vec<usize>,
}

impl ChatTemplate {
    /// As [`ChatTemplate::encode_chat`], for a conversation whose last message is a user's, and tells which tokens are that
    /// message's and which its `numbers`', and where the last result of the model's own answers stands; what a user writes is
    /// never one. Before the k-th of them stands the token whose text is `markers[k]`, where there is
    /// one. What a user writes in capitals throughout is read in small letters, as most of what a model was trained on is.
    ///
    /// # Errors
    /// As [`ChatTemplate::encode_chat`]; [`Error::Request`] where the last message is not a user's, and [`Error::Template`] for a
    /// template that does not show it once, as it is.
    pub fn encode_question(
        &self,
        tokenizer: &Tokenizer,
        messages: &[Message],
        think: bool,
        numbers: &[Number],
        markers: &[String],
    ) -> Result<Question> {
        let Some(last) = messages.last().filter(|message| message.role == Role::User) else {
            return Err(Error::Request("the conversation does not end with a question".to_owned()));
        };
        let source = self.source.as_deref().unwrap_or_default();
        let messages = &messages.iter().map(calm).collect::<Vec<_>>();
        let last = messages.last().unwrap_or(last);
        let guard = Guard::new(tokenizer, source, messages)?;
        let mut contents: Vec<String> = messages.iter().map(|message| guard.hide(message)).collect();
        let result = last_result(messages);
        if let Some(place) = &result {
            contents[place.message] = with_edges(&messages[place.message], &guard, &place.tagged);
        }
        let lead = last.content.len() - last.content.trim_start().len();
        if let Some(content) = contents.last_mut() {
            *content = marked(last, &guard, numbers, markers);
        }
        let text = self.run(messages, contents, think, true)?;
        let mut walk =
            Walk { tokenizer, guard: &guard, ids: Vec::new(), offsets: Vec::new(), shown: 0, edges: Vec::new() };
        tokenizer.walk(&text, &mut |piece, token| walk.take(piece, token))?;
        // Some templates leave out what was thought or said before.
        let (before, begin, end) = match (&walk.edges[..], &result) {
            (&[begin, end], _) => (None, begin, end),
            (&[first, behind, begin, end], Some(_)) => (Some(first..behind), begin, end),
            (&[.., begin, end], Some(_)) => (None, begin, end),
            _ => return Err(Error::Template("it does not show the last message once, as it is".to_owned())),
        };
        let within = |range: Range<usize>| {
            let first = walk.offsets.partition_point(|bytes| bytes.end <= range.start);
            let behind = walk.offsets.partition_point(|bytes| bytes.start < range.end);
            first..behind.max(first)
        };
        let place = |byte: usize| (begin + byte).saturating_sub(lead);
        let numbers = numbers.iter().map(|number| within(place(number.start_byte)..place(number.end_byte))).collect();
        let tokens = within(begin..end);
        let earlier = before.zip(result).map(|(bytes, place)| Earlier {
            text: messages[place.message].content[place.text].to_owned(),
            tokens: within(bytes),
        });
        Ok(Question { ids: walk.ids, tokens, numbers, earlier })
    }
}

/// A user's message in small letters, if it has two words and no small letter; any other as it is. Its bytes keep their places.
fn calm(message: &Message) -> Message {
    let words = message.content.split(|letter: char| !letter.is_alphabetic()).filter(|word| word.len() > 2).count();
    let shouted = words >= 2 && !message.content.contains(char::is_lowercase);
    let mut message = message.clone();
    if shouted && message.role == Role::User {
        message.content.make_ascii_lowercase();
    }
    message
}

/// The last result in the model's own answers, where it stands as the engine put it there: behind a function, and a number.
fn last_result(messages: &[Message]) -> Option<Place> {
    let (open, close) = splice::VALUE;
    let opens = format!("{}\n{open}", splice::CLOSE);
    messages.iter().enumerate().rev().filter(|(_, message)| message.role == Role::Assistant).find_map(
        |(at, message)| {
            let content = message.content.as_str();
            let start = content.rfind(&opens)? + opens.len();
            let end = start + content[start..].find(close)?;
            let number = content[start..end].parse::<f64>().is_ok();
            number.then(|| Place { message: at, tagged: start - open.len()..end, text: start..end })
        },
    )
}

/// The message's content with stand-ins, and the edges of a part of it marked.
fn with_edges(message: &Message, guard: &Guard, part: &Range<usize>) -> String {
    let hide = |text: &str| guard.hide(&Message { role: message.role, content: text.to_owned() });
    let content = message.content.as_str();
    let (before, within, behind) = (&content[..part.start], &content[part.clone()], &content[part.end..]);
    format!("{}{edge}{}{edge}{}", hide(before), hide(within), hide(behind), edge = guard.edge)
}

/// The message's content with stand-ins, its edges marked, and a marker before each number.
fn marked(message: &Message, guard: &Guard, numbers: &[Number], markers: &[String]) -> String {
    let content = message.content.as_str();
    let body = content.trim();
    let lead = content.len() - content.trim_start().len();
    let hide = |text: &str| guard.hide(&Message { role: Role::User, content: text.to_owned() });
    let mut text = hide(&content[..lead]);
    text.push(guard.edge);
    let mut at = lead;
    for (number, marker) in numbers.iter().zip(markers) {
        text.push_str(&hide(&content[at..number.start_byte]));
        text.push_str(marker);
        at = number.start_byte;
    }
    text.push_str(&hide(&content[at..lead + body.len()]));
    text.push(guard.edge);
    text.push_str(&hide(&content[lead + body.len()..]));
    text
}

impl Walk<'_> {
    /// Takes an added token, or the plain text between two of them.
    fn take(&mut self, piece: &str, token: Option<u32>) -> Result<()> {
        if let Some(id) = token {
            self.ids.push(id);
            // It has no bytes of its own, and belongs to what follows it.
            self.offsets.push(self.shown..self.shown + 1);
            return Ok(());
        }
        let shown = self.guard.show(piece);
        let mut plain = String::with_capacity(shown.len());
        for part in shown.split_inclusive(self.guard.edge) {
            plain.push_str(part.trim_end_matches(self.guard.edge));
            if part.ends_with(self.guard.edge) {
                self.edges.push(self.shown + plain.len());
            }
        }
        let encoded = self.tokenizer.encode_with_offsets(&plain, false)?;
        self.ids.extend(encoded.0);
        self.offsets.extend(encoded.1.into_iter().map(|(start, end)| self.shown + start..self.shown + end));
        self.shown += plain.len();
        Ok(())
    }
}
