//! An answer as it grows: tokens to text, what is told of it, and what ends it.

use web_time::{Duration, Instant};

use crate::loader::ModelFile;
use crate::{Cancel, ChatOptions, Event, Result, StopReason, TextStream, splice};

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
    tags: Tags,
    /// Whether a computation is due that the model has not asked for yet.
    due: bool,
    thinking: bool,
    /// Tokens that came from computations, and the time that reading them took.
    spliced: usize,
    paused: Duration,
}

/// What follows a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// The next token.
    Token,
    /// A computation, in place of the token.
    Splice,
    /// Nothing.
    End,
}

/// Ids of the tokens that computations and thoughts are marked with; none that the vocabulary lacks.
#[derive(Debug, Clone, Copy, Default)]
struct Tags {
    open: Option<u32>,
    value: Option<u32>,
    error: Option<u32>,
    think: Option<u32>,
    thought: Option<u32>,
}

impl<'a> Answer<'a> {
    /// The answer to a prompt of `prompt` tokens.
    ///
    /// Where `computes`, the tags around results are the engine's: a model that writes one itself has ended its answer, for
    /// what would follow was not computed. The same goes for their texts in other tokens.
    pub(crate) fn new(
        file: &'a ModelFile,
        options: &ChatOptions,
        (prompt, context): (usize, usize),
        computes: bool,
    ) -> Self {
        let id = |text: &str| file.tokenizer.id_of(text);
        let tags = if computes {
            Tags {
                open: id(splice::OPEN),
                value: id(splice::VALUE.0),
                error: id(splice::ERROR.0),
                think: id("<think>"),
                thought: id("</think>"),
            }
        } else {
            Tags::default()
        };
        let texts = [splice::OPEN, splice::VALUE.0, splice::ERROR.0].map(str::to_owned);
        let texts = texts.into_iter().filter(|_| computes);
        Self {
            tags,
            due: false,
            thinking: false,
            spliced: 0,
            paused: Duration::ZERO,
            text: String::new(),
            tokens: Vec::new(),
            stream: TextStream::new(),
            told: 0,
            file,
            context,
            stop_texts: options.stop.iter().filter(|text| !text.is_empty()).cloned().chain(texts).collect(),
            max_tokens: options.max_tokens.max(1),
            prompt,
            first: None,
            latest: None,
            stop: None,
        }
    }

    /// A computation is due: if the model does not ask for it behind its thoughts, it is done there all the same.
    pub(crate) fn expect(&mut self) {
        self.due = true;
    }

    /// Takes a token, and says what follows.
    pub(crate) fn take(&mut self, token: u32, on_event: &mut dyn FnMut(Event)) -> Next {
        let now = Instant::now();
        if self.splices(token) {
            return Next::Splice;
        }
        if self.stop.is_some() {
            return Next::End;
        }
        self.first.get_or_insert(now);
        self.latest = Some(now);
        if self.file.stop_ids.contains(&token) {
            self.stop = Some(StopReason::EndOfTurn);
            return Next::End;
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
        } else if self.tokens.len() - self.spliced >= self.max_tokens {
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
        if self.stop.is_none() { Next::Token } else { Next::End }
    }

    /// Whether a computation takes the place of this token.
    fn splices(&mut self, token: u32) -> bool {
        let is = |tag: Option<u32>| tag == Some(token);
        if self.spliced == 0 && is(self.tags.open) {
            return true;
        }
        if is(self.tags.open) || is(self.tags.value) || is(self.tags.error) {
            self.stop = Some(StopReason::EndOfTurn);
        } else if is(self.tags.think) {
            self.thinking = true;
        } else if is(self.tags.thought) {
            self.thinking = false;
        } else if self.due && !self.thinking {
            return !self.file.tokenizer.bytes_of(token).iter().all(u8::is_ascii_whitespace)
                || self.file.stop_ids.contains(&token);
        }
        false
    }

    /// Puts a computation's text behind the answer so far and gives its tokens, which the model has to read; none where they do
    /// not fit.
    ///
    /// # Errors
    /// The tokenizer's.
    pub(crate) fn splice(&mut self, text: &str, on_event: &mut dyn FnMut(Event)) -> Result<Vec<u32>> {
        self.due = false;
        // A model that was trained on the form has tokens for its tags.
        let lead = if self.tags.open.is_some() { "" } else { splice::LEAD };
        let text = &format!("{text}{lead}");
        let tokens = self.file.tokenizer.encode(text, true)?;
        if self.prompt + self.tokens.len() + tokens.len() >= self.context {
            self.stop = Some(StopReason::ContextFull);
            return Ok(Vec::new());
        }
        self.text.push_str(&self.stream.finish());
        self.tell(on_event);
        self.spliced += tokens.len();
        self.tokens.extend_from_slice(&tokens);
        self.text.push_str(text);
        self.told = self.text.len();
        let context_used = self.prompt + self.tokens.len();
        on_event(Event::Splice { text: text.to_owned(), tokens: tokens.len(), context_used });
        Ok(tokens)
    }

    /// The model goes on behind a splice: the time since the last token was not spent on decoding.
    pub(crate) fn resume(&mut self) {
        if let Some(latest) = self.latest {
            self.paused += latest.elapsed();
        }
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
            (Some(first), Some(latest)) if self.tokens.len() > self.spliced + 1 => {
                let spent = latest.duration_since(first).saturating_sub(self.paused);
                (self.tokens.len() - self.spliced - 1) as f64 / spent.as_secs_f64().max(1e-9)
            }
            _ => 0.0,
        }
    }

    /// Tells what was held back.
    fn tell(&mut self, on_event: &mut dyn FnMut(Event)) {
        if let (Some(text), Some(id)) = (self.text.get(self.told..).filter(|text| !text.is_empty()), self.tokens.last())
        {
            on_event(Event::Token {
                id: *id,
                text: text.to_owned(),
                context_used: self.prompt + self.tokens.len(),
                tokens_per_second: self.rate(),
            });
        }
        self.told = self.text.len();
    }

    /// Tells what was held back, and why the answer ended.
    pub(crate) fn end(&mut self, cancel: &Cancel, on_event: &mut dyn FnMut(Event)) -> StopReason {
        if self.stop != Some(StopReason::StopString) {
            self.text.push_str(&self.stream.finish());
        }
        self.tell(on_event);
        match self.stop {
            Some(stop) => stop,
            None if cancel.is_cancelled() => StopReason::Cancelled,
            None => StopReason::ContextFull,
        }
    }
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
