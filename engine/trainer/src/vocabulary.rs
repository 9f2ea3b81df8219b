//! The embedded model's vocabulary: byte-level BPE learned from the training texts, with Qwen's word pattern, so that each digit
//! is a token, and the tokens that mark turns, thoughts, programs, results and numbers, or are pieces of functions.

use std::collections::HashSet;

use serde_json::{Value, json};
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{
    OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer as _, SplitDelimiterBehavior, Trainer as _,
};
use wattage_engine::wasm_layers::config::POINTERS;
use wattage_engine::wasm_layers::program::{MOST_NUMBERS, Op};
use wattage_engine::{QWEN_WORDS, Tokenizer};

use crate::{Error, Result};

/// The chat template: ChatML, past thoughts left out, and of the turns before only the last: it was trained with no more.
pub const TEMPLATE: &str = "\
{%- for message in messages[-3:] if message.role != 'system' %}
    {%- set content = message.content %}
    {%- if message.role == 'assistant' and '</think>' in content %}
        {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
    {%- endif %}
    {{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
";

/// Tokens that no text contains.
const CONTROL: [&str; 3] = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];
/// Tokens that are part of an answer's text.
const SHOWN: [&str; 8] =
    ["<think>", "</think>", "<wat_model>", "</wat_model>", "<computed>", "</computed>", "<error>", "</error>"];

/// Tokens that a function's text is made of, so that it takes a dozen tokens of the context and not sixty.
fn wat_pieces() -> Vec<String> {
    let head = "(module\n  (func $compute (export \"compute\")".to_owned();
    let signature = |parameters: usize| format!(" (param{}) (result f64)", " f64".repeat(parameters));
    let values = ["\n    local.get ", "\n    f64.const "].map(str::to_owned);
    let operations = Op::ALL.iter().map(|op| format!("\n    {}", op.wat()));
    std::iter::once(head).chain((1..=POINTERS).map(signature)).chain(values).chain(operations).collect()
}

/// The texts of the tokens before a question's numbers.
pub fn markers() -> Vec<String> {
    (0..MOST_NUMBERS).map(|k| format!("<|n{k}|>")).collect()
}

/// Learns a vocabulary of `size` tokens from texts and gives it as a `tokenizer.json`.
///
/// # Errors
/// [`Error::Vocabulary`] if the texts are too few for so many tokens.
pub fn learn(texts: &[String], size: usize) -> Result<Value> {
    let failed = |why: tokenizers::Error| Error::Vocabulary(why.to_string());
    let controls: Vec<String> = CONTROL.iter().map(ToString::to_string).chain(markers()).collect();
    let pieces = wat_pieces();
    let added = controls.len() + SHOWN.len() + pieces.len();
    let split = Split::new(SplitPattern::Regex(QWEN_WORDS.to_owned()), SplitDelimiterBehavior::Isolated, false)
        .map_err(failed)?;
    let mut trainer = BpeTrainer::builder()
        .vocab_size(size - added)
        .min_frequency(2)
        .show_progress(false)
        .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
        .build();
    let words = |text: &str| {
        let mut pieces = PreTokenizedString::from(text);
        split.pre_tokenize(&mut pieces)?;
        ByteLevel::new(false, false, false).pre_tokenize(&mut pieces)?;
        let splits = pieces.get_splits(OffsetReferential::Original, OffsetType::Byte);
        Ok(splits.into_iter().map(|(piece, _, _)| piece.to_owned()).collect())
    };
    trainer.feed(texts.iter(), words).map_err(failed)?;
    let mut bpe = BPE::default();
    trainer.train(&mut bpe).map_err(failed)?;
    let learned = bpe.get_vocab();
    if learned.len() + added != size {
        return Err(Error::Vocabulary(format!("{} tokens could be learned of {size}", learned.len())));
    }
    let mut by_id: Vec<(&String, &u32)> = learned.iter().collect();
    by_id.sort_by_key(|(_, id)| **id);
    let vocab: serde_json::Map<String, Value> =
        by_id.iter().map(|(text, id)| ((*text).clone(), Value::from(**id))).collect();
    let model = serde_json::to_value(&bpe).map_err(|why| Error::Vocabulary(why.to_string()))?;
    let tokens = controls
        .iter()
        .map(|text| (text.as_str(), true))
        .chain(SHOWN.map(|text| (text, false)))
        .chain(pieces.iter().map(|text| (text.as_str(), false)))
        .zip(learned.len()..)
        .map(|((text, special), id)| (text, id, special));
    Ok(file(&Value::Object(vocab), &model["merges"], tokens))
}

/// The `tokenizer.json` of a vocabulary that was learned before.
///
/// # Errors
/// The engine's.
pub fn of(tokenizer: &Tokenizer) -> Result<Value> {
    let model = tokenizer.bpe_json()?;
    let added: HashSet<&str> = tokenizer.added().map(|(text, ..)| text).collect();
    let texts = model["vocab"].as_object().into_iter().flatten();
    let mut vocab: Vec<(&String, &Value)> = texts.filter(|(text, _)| !added.contains(text.as_str())).collect();
    vocab.sort_by_key(|(_, id)| id.as_u64());
    let vocab = vocab.into_iter().map(|(text, id)| (text.clone(), id.clone())).collect();
    let tokens = tokenizer.added().map(|(text, id, special)| (text, id as usize, special));
    Ok(file(&Value::Object(vocab), &model["merges"], tokens))
}

/// A byte-level BPE with Qwen's word pattern; tokens are added to it with their ids, and are special or not.
fn file<'a>(vocab: &Value, merges: &Value, added: impl Iterator<Item = (&'a str, usize, bool)>) -> Value {
    let tokens: Vec<Value> = added
        .map(|(text, id, special)| {
            json!({"id": id, "content": text, "single_word": false, "lstrip": false, "rstrip": false,
                "normalized": false, "special": special})
        })
        .collect();
    let bytes = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false});
    json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": tokens, "normalizer": {"type": "NFC"},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": QWEN_WORDS}, "behavior": "Isolated", "invert": false}, bytes]},
        "post_processor": bytes, "decoder": bytes,
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": "",
            "end_of_word_suffix": "", "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
            "vocab": vocab, "merges": merges}
    })
}

/// The engine's tokenizer of a `tokenizer.json`.
///
/// # Errors
/// The engine's.
pub fn open(json: &Value) -> Result<Tokenizer> {
    Ok(Tokenizer::from_json(json.to_string().as_bytes())?)
}
