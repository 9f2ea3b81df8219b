//! An answer as it grows: tokens to text, what is told of it, and what ends it.

use web_time::Instant;

use crate::loader::ModelFile;
use crate::{Cancel, ChatOptions, Event, StopReason, TextStream};

/// An answer as it grows.
pub(crate) struct Answer<'a> {
    pub(crate) text: String,
    pub(crate) tokens: Vec<u32>,
    file: &'a ModelFile,
    /// Positions of the context.
    context: usize,
    stream: TextStream,
    /// Text already told; what a stop text might begin with is held back.
    told: usize,
    stop_texts: Vec<String>,
    max_tokens: usize,
    prompt: usize,
    first: Option<Instant>,
    latest: Option<Instant>,
    stop: Option<StopReason>,
}

impl<'a> Answer<'a> {
    /// The answer to a prompt of `prompt` tokens.
    pub(crate) fn new(file: &'a ModelFile, options: &ChatOptions, prompt: usize, context: usize) -> Self {
        Self {
            text: String::new(),
            tokens: Vec::new(),
            stream: TextStream::new(),
            told: 0,
            file,
            context,
            stop_texts: options.stop.iter().filter(|text| !text.is_empty()).cloned().collect(),
            max_tokens: options.max_tokens.max(1),
            prompt,
            first: None,
            latest: None,
            stop: None,
        }
    }

    /// Takes a token; false ends the answer.
    pub(crate) fn take(&mut self, token: u32, on_event: &mut dyn FnMut(Event)) -> bool {
        let now = Instant::now();
        self.first.get_or_insert(now);
        self.latest = Some(now);
        if self.file.stop_ids.contains(&token) {
            self.stop = Some(StopReason::EndOfTurn);
            return false;
        }
        self.tokens.push(token);
        self.text.push_str(&self.stream.push(&self.file.tokenizer, token));
        let found = self
            .stop_texts
            .iter()
            .filter_map(|stop| {
                self.text[self.search_from(stop)..].find(stop.as_str()).map(|at| at + self.search_from(stop))
            })
            .min();
        if let Some(at) = found {
            self.text.truncate(at);
            self.stop = Some(StopReason::StopString);
        } else if self.tokens.len() >= self.max_tokens {
            self.stop = Some(StopReason::MaxTokens);
        } else if self.prompt + self.tokens.len() >= self.context {
            self.stop = Some(StopReason::ContextFull);
        }
        let ready = if self.stop.is_some() { self.text.len() } else { self.text.len() - self.held() };
        let text = self.text.get(self.told..ready).unwrap_or_default().to_owned();
        self.told = ready.max(self.told);
        on_event(Event::Token {
            id: token,
            text,
            context_used: self.prompt + self.tokens.len(),
            tokens_per_second: self.rate(),
        });
        self.stop.is_none()
    }

    /// Where a stop text that was not there before could begin.
    fn search_from(&self, stop: &str) -> usize {
        let mut from = self.told.saturating_sub(stop.len());
        while !self.text.is_char_boundary(from) {
            from -= 1;
        }
        from
    }

    /// Bytes at the end of the text that might be the beginning of a stop text.
    fn held(&self) -> usize {
        let ends = |stop: &String| {
            (1..stop.len()).rev().find(|n| stop.is_char_boundary(*n) && self.text.ends_with(&stop[..*n])).unwrap_or(0)
        };
        self.stop_texts.iter().map(ends).max().unwrap_or(0)
    }

    /// Tokens a second after the first.
    pub(crate) fn rate(&self) -> f64 {
        match (self.first, self.latest) {
            (Some(first), Some(latest)) if self.tokens.len() > 1 => {
                (self.tokens.len() - 1) as f64 / latest.duration_since(first).as_secs_f64().max(1e-9)
            }
            _ => 0.0,
        }
    }

    /// Tells what was held back, and why the answer ended.
    pub(crate) fn end(&mut self, cancel: &Cancel, on_event: &mut dyn FnMut(Event)) -> StopReason {
        if self.stop != Some(StopReason::StopString) {
            self.text.push_str(&self.stream.finish());
        }
        if let (Some(text), Some(id)) = (self.text.get(self.told..).filter(|text| !text.is_empty()), self.tokens.last())
        {
            on_event(Event::Token {
                id: *id,
                text: text.to_owned(),
                context_used: self.prompt + self.tokens.len(),
                tokens_per_second: self.rate(),
            });
        }
        match self.stop {
            Some(stop) => stop,
            None if cancel.is_cancelled() => StopReason::Cancelled,
            None => StopReason::ContextFull,
        }
    }
}
