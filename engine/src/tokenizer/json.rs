//! The parts of a `tokenizer.json` that byte-level BPE needs. Anything else in it is refused, not ignored: a step that
//! is left out would give other ids than the model was trained on.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{Kind, Parts, bad};
use crate::Result;

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    added_tokens: Vec<Added>,
    normalizer: Option<Normalizer>,
    pre_tokenizer: Option<PreTokenizer>,
    decoder: Option<Decoder>,
    model: Bpe,
}

#[derive(Deserialize)]
struct Added {
    id: u32,
    content: String,
    #[serde(default)]
    special: bool,
    #[serde(default)]
    single_word: bool,
    #[serde(default)]
    lstrip: bool,
    #[serde(default)]
    rstrip: bool,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Normalizer {
    #[allow(clippy::upper_case_acronyms, reason = "the file's own name")]
    NFC,
    Sequence {
        normalizers: Vec<Normalizer>,
    },
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum PreTokenizer {
    Sequence { pretokenizers: Vec<PreTokenizer> },
    Split { pattern: Pattern, behavior: String, invert: bool },
    ByteLevel { add_prefix_space: bool, use_regex: Option<bool> },
}

#[derive(Deserialize)]
enum Pattern {
    Regex(String),
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Decoder {
    ByteLevel {},
    Sequence { decoders: Vec<Decoder> },
}

#[derive(Deserialize)]
struct Bpe {
    r#type: Option<String>,
    vocab: Vocabulary,
    merges: Vec<Merge>,
    continuing_subword_prefix: Option<String>,
    end_of_word_suffix: Option<String>,
    #[serde(default)]
    byte_fallback: bool,
    #[serde(default)]
    ignore_merges: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Merge {
    Line(String),
    Pair(String, String),
}

/// A JSON object kept as pairs: a map would hide a key that is there twice.
struct Vocabulary(Vec<(String, u32)>);

impl<'de> Deserialize<'de> for Vocabulary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Vocabulary;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of token ids")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vocabulary, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Vocabulary(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

pub(super) fn parse(json: &[u8]) -> Result<Parts> {
    let file: File = serde_json::from_slice(json)
        .map_err(|e| bad(format!("tokenizer.json is not the byte-level BPE that Qwen uses: {e}")))?;
    let model = file.model;
    if model.r#type.as_deref().is_some_and(|kind| kind != "BPE") {
        return Err(bad("tokenizer.json is not of the type BPE"));
    }
    if model.byte_fallback || model.ignore_merges {
        return Err(bad("tokenizer.json asks for byte_fallback or ignore_merges, which Qwen does not use"));
    }
    for affix in [&model.continuing_subword_prefix, &model.end_of_word_suffix] {
        if affix.as_ref().is_some_and(|text| !text.is_empty()) {
            return Err(bad("tokenizer.json marks parts of words with a prefix or suffix, which Qwen does not use"));
        }
    }
    if !file.decoder.as_ref().is_some_and(is_byte_level) {
        return Err(bad("tokenizer.json has no byte-level decoder"));
    }
    let mut words = Vec::new();
    let mut byte_level = false;
    if let Some(step) = file.pre_tokenizer {
        collect(step, &mut words, &mut byte_level)?;
    }
    if !byte_level {
        return Err(bad("tokenizer.json has no byte-level step before BPE"));
    }

    let mut kinds = std::collections::HashMap::new();
    for token in &file.added_tokens {
        if token.single_word || token.lstrip || token.rstrip {
            return Err(bad(format!(
                "the added token '{}' takes spaces around it, which Qwen's do not",
                token.content
            )));
        }
        kinds.insert(token.content.as_str(), if token.special { Kind::Control } else { Kind::Added });
    }
    let mut entries: Vec<_> = model
        .vocab
        .0
        .into_iter()
        .map(|(text, id)| {
            let kind = kinds.get(text.as_str()).copied().unwrap_or(Kind::Normal);
            (text, id, kind)
        })
        .collect();
    let known: std::collections::HashMap<String, u32> =
        entries.iter().filter(|(_, _, kind)| *kind != Kind::Normal).map(|(text, id, _)| (text.clone(), *id)).collect();
    for token in &file.added_tokens {
        match known.get(&token.content) {
            Some(id) if *id == token.id => {}
            Some(id) => return Err(bad(format!("the token '{}' has the ids {id} and {}", token.content, token.id))),
            None => {
                entries.push((token.content.clone(), token.id, if token.special { Kind::Control } else { Kind::Added }))
            }
        }
    }
    let mut merges = Vec::with_capacity(model.merges.len());
    for merge in model.merges {
        merges.push(match merge {
            Merge::Pair(left, right) => (left, right),
            Merge::Line(line) => {
                let pair = line.split_once(' ').ok_or_else(|| bad(format!("the merge '{line}' is not a pair")))?;
                (pair.0.to_owned(), pair.1.to_owned())
            }
        });
    }
    let nfc = file.normalizer.as_ref().is_some_and(has_nfc);
    Ok(Parts { entries, merges, words, nfc })
}

fn has_nfc(step: &Normalizer) -> bool {
    match step {
        Normalizer::NFC => true,
        Normalizer::Sequence { normalizers } => normalizers.iter().any(has_nfc),
    }
}

fn is_byte_level(step: &Decoder) -> bool {
    match step {
        Decoder::ByteLevel {} => true,
        Decoder::Sequence { decoders } => decoders.iter().all(is_byte_level) && !decoders.is_empty(),
    }
}

/// Flattens the steps before BPE: patterns, and a byte-level step that is the last.
fn collect(step: PreTokenizer, words: &mut Vec<String>, byte_level: &mut bool) -> Result<()> {
    if *byte_level {
        return Err(bad("tokenizer.json has a step after the byte-level one"));
    }
    match step {
        PreTokenizer::Sequence { pretokenizers } => {
            for step in pretokenizers {
                collect(step, words, byte_level)?;
            }
        }
        PreTokenizer::Split { pattern: Pattern::Regex(pattern), behavior, invert } => {
            if behavior != "Isolated" || invert {
                return Err(bad("tokenizer.json cuts words in a way that Qwen does not"));
            }
            words.push(pattern);
        }
        PreTokenizer::ByteLevel { add_prefix_space, use_regex } => {
            if add_prefix_space || use_regex.unwrap_or(true) {
                return Err(bad("tokenizer.json adds a space before the text or cuts words as GPT-2 did"));
            }
            *byte_level = true;
        }
    }
    Ok(())
}
