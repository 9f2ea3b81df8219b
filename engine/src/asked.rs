//! A conversation's last message as the WASM layers get it: where it lies in the context, and what functions can compute with.

use crate::Result;
use crate::candidates::Parameters;
use crate::chat::{Earlier, Message, Role};
use crate::computation::BoundNumber;
use crate::judge::Judge;
use crate::loader::ModelFile;
use crate::wasm_layers::numbers::bind;
use crate::wasm_layers::program::MOST_NUMBERS;
use crate::wasm_layers::{Question, rational};

/// A question in the context.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// The whole prompt.
    pub(crate) ids: Vec<u32>,
    /// What the layers read of it.
    pub(crate) question: Question,
    /// What functions can compute with.
    pub(crate) parameters: Parameters,
}

/// Binds the numbers of a conversation's last message and puts the conversation into tokens; none where the last message is not
/// a user's. `markers` are those of the WASM layers; `judged` says whether the base is asked about the question.
///
/// # Errors
/// The tokenizer's and the template's.
pub(crate) fn question(
    file: &ModelFile,
    markers: &[String],
    messages: &[Message],
    (think, judged): (bool, bool),
) -> Result<Option<Asked>> {
    let Some(last) = messages.last().filter(|message| message.role == Role::User) else { return Ok(None) };
    let binding = bind(&last.content);
    let found = binding.numbers.len();
    let numbers = &binding.numbers[..found.min(MOST_NUMBERS)];
    let encoded = file.template.encode_question(&file.tokenizer, messages, think, numbers, markers)?;

    let mut bound: Vec<BoundNumber> = numbers
        .iter()
        .map(|number| BoundNumber {
            text: number.text.clone(),
            value: number.value,
            start: number.start,
            end: number.end,
            previous: false,
        })
        .collect();
    let mut exact: Vec<_> = numbers.iter().map(|number| number.exact.clone()).collect();

    // What was computed before stands in an answer of the model's own.
    let mut ranges = Vec::new();
    let mut previous = None;
    if let Some(Earlier { text, tokens }) = encoded.earlier
        && let Some((value, same)) = text.parse::<f64>().ok().and_then(|value| Some((value, rational(value)?)))
    {
        ranges.push((tokens.start, tokens.len()));
        previous = Some(tokens.len() - 1);
        bound.push(BoundNumber { text, value, start: 0, end: 0, previous: true });
        exact.push(same);
    }
    let judged = match judged {
        true => {
            let previous = bound.iter().find(|number| number.previous);
            Judge::question(&file.tokenizer, &last.content, previous.map(|number| number.text.as_str()))?
        }
        false => Vec::new(),
    };
    let first = previous.map_or(0, |last| last + 1);
    let tokens = encoded.tokens;
    ranges.push((tokens.start, tokens.len()));
    // A number without tokens of its own cannot be: each has a character at least.
    let place = |of: &std::ops::Range<usize>| first + of.end.saturating_sub(tokens.start + 1);
    let numbers = encoded.numbers.iter().map(place).collect();
    let question = Question { ranges, numbers, previous };
    Ok(Some(Asked { ids: encoded.ids, question, parameters: Parameters { bound, exact, found, judged } }))
}
