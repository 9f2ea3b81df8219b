//! A `tokenizer.json` as a GGUF's metadata.

use serde::Deserialize;
use serde_json::Value as Json;

use super::gguf::{Gguf, Value};
use crate::{Error, Result, vocabulary};

/// `tokenizer.ggml.token_type` of text, of tokens that no text contains, and of added tokens that are shown.
const NORMAL: i32 = 1;
const CONTROL: i32 = 3;
const USER_DEFINED: i32 = 4;

#[derive(Deserialize)]
struct File {
    added_tokens: Vec<Added>,
    model: Model,
}

#[derive(Deserialize)]
struct Added {
    id: usize,
    content: String,
    special: bool,
}

#[derive(Deserialize)]
struct Model {
    vocab: serde_json::Map<String, Json>,
    merges: Vec<Merge>,
}

/// Either of the two ways in which files write a merge.
#[derive(Deserialize)]
#[serde(untagged)]
enum Merge {
    Line(String),
    Pair(String, String),
}

/// Adds the vocabulary of `size` tokens, the chat template, and which tokens end an answer.
///
/// # Errors
/// [`Error::Export`] for a vocabulary that lacks an id, has one twice, or is of another size.
pub(super) fn add(file: &mut Gguf, json: &Json, size: usize) -> Result<()> {
    let wrong = |why: String| Error::Export(format!("the vocabulary {why}"));
    let parsed = File::deserialize(json).map_err(|why| wrong(format!("cannot be read: {why}")))?;
    let mut entries = vec![None; size];
    let mut put = |text: String, id: Option<usize>, kind: i32| -> Result<()> {
        match id.and_then(|id| entries.get_mut(id)) {
            Some(entry @ None) => *entry = Some((text, kind)),
            Some(Some((other, _))) => return Err(wrong(format!("has {other:?} and {text:?} under one id"))),
            None => return Err(wrong(format!("has {text:?} outside the base's {size} ids"))),
        }
        Ok(())
    };
    for (text, id) in parsed.model.vocab {
        put(text, id.as_u64().and_then(|id| usize::try_from(id).ok()), NORMAL)?;
    }
    for token in parsed.added_tokens {
        put(token.content, Some(token.id), if token.special { CONTROL } else { USER_DEFINED })?;
    }
    let whole: Option<Vec<(String, i32)>> = entries.into_iter().collect();
    let whole = whole.ok_or_else(|| wrong(format!("has fewer tokens than the base's {size}")))?;
    let id_of = |text: &str| -> Result<Value> {
        let id = whole.iter().position(|(other, _)| other == text);
        id.and_then(|id| u32::try_from(id).ok()).map(Value::U32).ok_or_else(|| wrong(format!("lacks {text}")))
    };
    let (end, padding) = (id_of("<|im_end|>")?, id_of("<|endoftext|>")?);
    let (tokens, kinds) = whole.into_iter().unzip();
    let merges = parsed.model.merges.into_iter().map(|merge| match merge {
        Merge::Line(line) => line,
        Merge::Pair(left, right) => format!("{left} {right}"),
    });
    file.set("tokenizer.ggml.model", Value::Text("gpt2".into()));
    file.set("tokenizer.ggml.pre", Value::Text("qwen2".into()));
    file.set("tokenizer.ggml.tokens", Value::Texts(tokens));
    file.set("tokenizer.ggml.token_type", Value::I32s(kinds));
    file.set("tokenizer.ggml.merges", Value::Texts(merges.collect()));
    file.set("tokenizer.ggml.eos_token_id", end);
    file.set("tokenizer.ggml.bos_token_id", padding.clone());
    file.set("tokenizer.ggml.padding_token_id", padding);
    // A conversation begins with its first turn's own token, as it was trained.
    file.set("tokenizer.ggml.add_bos_token", Value::Bool(false));
    file.set("tokenizer.chat_template", Value::Text(vocabulary::TEMPLATE.into()));
    Ok(())
}
