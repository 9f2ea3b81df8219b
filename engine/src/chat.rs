//! The chat template: from messages to the text, and the ids, that the model was trained to see.
//!
//! Templates are programs from a model file, so they run with a budget. Messages are text from people, so no part of
//! them may become a control token: in them the characters that such tokens need are replaced by stand-ins before the
//! template runs, and put back once the template's own tokens have been found.

mod clock;
mod complexity;
mod guard;
mod json;
mod question;

use std::sync::Arc;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{Environment, ErrorKind, UndefinedBehavior};
use serde::{Deserialize, Serialize};

use self::guard::Guard;
pub use self::question::{Earlier, Question};
use crate::{Error, Result, Tokenizer};

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Instructions that hold for the whole conversation.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
}

impl Role {
    /// The name that templates know it by.
    pub const fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// One turn of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who said it.
    pub role: Role,
    /// What was said.
    pub content: String,
}

/// Plain ChatML, for a file whose vocabulary has its markers and which brings no template.
const CHATML: &str = "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n\
                      {% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

/// Longest template, in bytes.
const MAX_TEMPLATE: usize = 1 << 20;
/// What one rendering may spend beyond what its messages need: about a million steps or 64 MB. Joining lists escapes
/// the budget in minijinja 3.1: a template that doubles a list over 32 times can still exhaust memory.
const FUEL: u64 = 1 << 20;
/// Nested calls; the engine's own limit is higher than a wasm stack.
const RECURSION: usize = 64;

/// Texts that templates cut an assistant's past answers at, whether or not they are tokens.
const THINK: [&str; 2] = ["<think>", "</think>"];

/// A model's chat template.
#[derive(Debug, Clone)]
pub struct ChatTemplate {
    /// The Jinja source; `None` for a base model, which cannot chat.
    source: Option<Arc<str>>,
    is_default: bool,
    /// `bos_token` and `eos_token` where the file names them.
    names: Vec<(&'static str, String)>,
}

impl ChatTemplate {
    /// A template from a file, as Jinja source.
    ///
    /// # Errors
    /// [`Error::Template`] when it is too long or does not parse.
    pub fn new(source: &str) -> Result<Self> {
        if source.len() > MAX_TEMPLATE {
            return Err(Error::Template(format!("it has {} bytes, over the limit of {MAX_TEMPLATE}", source.len())));
        }
        complexity::check(source)?;
        let template = Self { source: Some(source.into()), is_default: false, names: Vec::new() };
        environment(0)?.template_from_str(source).map_err(|e| failed(&e))?;
        Ok(template)
    }

    /// For a file without a template: plain ChatML where the vocabulary has its markers, else none.
    pub fn fallback(tokenizer: &Tokenizer) -> Self {
        let chatml = ["<|im_start|>", "<|im_end|>"].iter().all(|token| tokenizer.id_of(token).is_some());
        Self { source: chatml.then(|| CHATML.into()), is_default: true, names: Vec::new() }
    }

    /// Gives the template the text of a token that it may ask for, such as `bos_token`.
    #[must_use]
    pub(crate) fn with_token(mut self, name: &'static str, text: Option<String>) -> Self {
        self.names.extend(text.map(|text| (name, text)));
        self
    }

    /// Whether the file brought no template, so that plain ChatML is used (or nothing, if the model cannot chat).
    pub const fn is_default(&self) -> bool {
        self.is_default
    }

    /// Whether there is any template: a base model without one only continues text.
    pub const fn can_chat(&self) -> bool {
        self.source.is_some()
    }

    /// Whether the template lets thinking be turned on and off.
    pub fn can_think(&self) -> bool {
        self.source.as_deref().is_some_and(|source| source.contains("enable_thinking"))
    }

    /// The conversation as text, as the template writes it. To get ids use [`ChatTemplate::encode_chat`]: in this text
    /// a control token and a person's copy of its name look the same.
    ///
    /// # Errors
    /// [`Error::Template`] when the template fails, refuses the conversation or runs out of its budget.
    pub fn render(&self, messages: &[Message], think: bool, add_generation_prompt: bool) -> Result<String> {
        let contents = messages.iter().map(|message| message.content.clone()).collect();
        self.run(messages, contents, think, add_generation_prompt)
    }

    /// The conversation as ids, ending where the model's answer begins. Control tokens come from the template alone:
    /// in a message `<|im_start|>` is letters. In the model's own past answers its `<think>`, `<tool_call>` and the
    /// like are the tokens that it wrote.
    ///
    /// # Errors
    /// [`Error::Template`] as for [`ChatTemplate::render`]; [`Error::Tokenizer`] or [`Error::Request`] from encoding.
    pub fn encode_chat(&self, tokenizer: &Tokenizer, messages: &[Message], think: bool) -> Result<Vec<u32>> {
        let source = self.source.as_deref().unwrap_or_default();
        let guard = Guard::new(tokenizer, source, messages)?;
        let contents = messages.iter().map(|message| guard.hide(message)).collect();
        let text = self.run(messages, contents, think, true)?;
        tokenizer.encode_mapped(&text, |piece| guard.show(piece))
    }

    fn run(&self, messages: &[Message], contents: Vec<String>, think: bool, prompt: bool) -> Result<String> {
        let Some(source) = self.source.as_deref() else {
            return Err(Error::Template(
                "this model has none and its vocabulary has no ChatML markers: it is a base model that continues text, \
                 so use an instruct model to chat"
                    .into(),
            ));
        };
        let bytes: usize = contents.iter().map(String::len).sum();
        let environment = environment(bytes as u64)?;
        let list: Vec<Value> = messages
            .iter()
            .zip(contents)
            .map(|(message, content)| {
                Value::from_pairs([("role", Value::from(message.role.name())), ("content", Value::from(content))])
            })
            .collect();
        let mut variables = std::collections::BTreeMap::from([
            ("messages", Value::from(list)),
            ("add_generation_prompt", Value::from(prompt)),
            ("enable_thinking", Value::from(think)),
        ]);
        variables.extend(self.names.iter().map(|(name, text)| (*name, Value::from(text.as_str()))));
        let template = environment.template_from_str(source).map_err(|e| failed(&e))?;
        template.render(Value::from(variables)).map_err(|e| failed(&e))
    }
}

/// The Jinja dialect of `transformers`: whitespace around blocks is trimmed, Python's string methods work.
fn environment(message_bytes: u64) -> Result<Environment<'static>> {
    let mut environment = Environment::new();
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().map_err(|e| failed(&e))?;
    environment.set_syntax(syntax);
    environment.set_undefined_behavior(UndefinedBehavior::Lenient);
    environment.set_fuel(Some(FUEL.saturating_add(message_bytes)));
    environment.set_recursion_limit(RECURSION);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.add_filter("tojson", json::tojson);
    environment.add_function("raise_exception", |text: String| -> std::result::Result<Value, minijinja::Error> {
        Err(minijinja::Error::new(ErrorKind::InvalidOperation, text))
    });
    environment.add_function("strftime_now", |format: String| {
        clock::format_now(&format).map_err(|why| minijinja::Error::new(ErrorKind::InvalidOperation, why))
    });
    Ok(environment)
}

fn failed(error: &minijinja::Error) -> Error {
    let line = error.line().map_or_else(String::new, |line| format!(" (line {line})"));
    let why = match error.kind() {
        ErrorKind::OutOfFuel => "it does more work than any chat template needs; the file may be hostile".to_owned(),
        kind => error.detail().map_or_else(|| kind.to_string(), str::to_owned),
    };
    Error::Template(format!("{why}{line}"))
}
