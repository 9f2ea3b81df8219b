//! A model as Hugging Face keeps it: safetensors with JSON files beside them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Opened, about, stem};
use crate::loader::{Source, TensorInfo, hf_config, safetensors};
use crate::{ChatTemplate, Error, Result, Tokenizer};

/// Largest JSON or template file: Qwen's `tokenizer.json` has 11 MB.
const MAX_JSON: u64 = 64 << 20;

/// The files of the set, by what they are.
#[derive(Default)]
struct Set {
    weights: Vec<usize>,
    config: Option<Vec<u8>>,
    tokenizer: Option<Vec<u8>>,
    tokenizer_config: Option<Vec<u8>>,
    generation_config: Option<Vec<u8>>,
    template: Option<Vec<u8>>,
    index: Option<Vec<u8>>,
    /// Names of files that are none of these.
    other: Vec<String>,
}

/// The kinds of side file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Config,
    Tokenizer,
    TokenizerConfig,
    GenerationConfig,
    Template,
    Index,
}

impl Side {
    fn by_name(name: &str) -> Option<Self> {
        Some(match name {
            "config.json" => Self::Config,
            "tokenizer.json" => Self::Tokenizer,
            "tokenizer_config.json" => Self::TokenizerConfig,
            "generation_config.json" => Self::GenerationConfig,
            "chat_template.jinja" => Self::Template,
            name if name.ends_with(".safetensors.index.json") => Self::Index,
            _ => return None,
        })
    }

    /// For a file that was renamed ("config (1).json"), by the keys that only one kind has.
    fn by_keys(name: &str, bytes: &[u8]) -> Option<Self> {
        if std::path::Path::new(name).extension().is_some_and(|e| e == "jinja") {
            return Some(Self::Template);
        }
        let value: Value = serde_json::from_slice(bytes).ok()?;
        let has = |key: &str| value.get(key).is_some();
        Some(if has("weight_map") {
            Self::Index
        } else if has("model_type") {
            Self::Config
        } else if has("model") && has("added_tokens") {
            Self::Tokenizer
        } else if has("tokenizer_class") || has("added_tokens_decoder") || has("chat_template") {
            Self::TokenizerConfig
        } else if has("eos_token_id") {
            Self::GenerationConfig
        } else {
            return None;
        })
    }
}

pub(super) async fn open(sources: &[Source]) -> Result<Opened> {
    let set = sort(sources).await?;
    let (config, tokenizer) = complete(&set)?;
    let config = hf_config::parse(config)?;
    let mut tensors = weights(sources, &set).await?;
    if config.config.tied_head {
        // A tied head is the embedding, whatever else the file carries.
        tensors.remove("lm_head.weight");
    }
    let tokenizer = Tokenizer::from_json(tokenizer)?;
    let mut stop_ids = config.stop_ids;
    if let Some(json) = &set.generation_config {
        stop_ids.extend(hf_config::stop_ids(json)?);
    }
    let side = TokenizerConfig::parse(set.tokenizer_config.as_deref())?;
    if let Some(text) = &side.eos {
        stop_ids.extend(tokenizer.id_of(text));
    }
    let template = match (&set.template, &side.template) {
        (Some(bytes), _) => ChatTemplate::new(
            std::str::from_utf8(bytes).map_err(|_| Error::Template("chat_template.jinja is not UTF-8 text".into()))?,
        )?,
        (None, Some(text)) => ChatTemplate::new(text)?,
        (None, None) => ChatTemplate::fallback(&tokenizer),
    };
    let name = config.name.or_else(|| set.weights.first().map(|index| stem(&sources[*index]))).unwrap_or_default();
    Ok(Opened {
        config: config.config,
        tensors,
        template: template.with_token("bos_token", side.bos).with_token("eos_token", side.eos),
        tokenizer,
        stop_ids,
        name,
        quantisation: None,
    })
}

async fn sort(sources: &[Source]) -> Result<Set> {
    let mut set = Set::default();
    for (index, source) in sources.iter().enumerate() {
        let named = Side::by_name(source.name());
        let is_weights =
            named.is_none() && (source.name().ends_with(".safetensors") || safetensors::recognise(source).await?);
        if is_weights {
            set.weights.push(index);
            continue;
        }
        if source.len() > MAX_JSON {
            if named.is_some() {
                return Err(source.failed(format!("it has {} bytes, over the limit of {MAX_JSON}", source.len())));
            }
            set.other.push(source.name().to_owned());
            continue;
        }
        let len = usize::try_from(source.len()).map_err(|_| source.failed("it is too long".into()))?;
        let bytes = source.read(0, len).await?;
        let Some(side) = named.or_else(|| Side::by_keys(source.name(), &bytes)) else {
            set.other.push(source.name().to_owned());
            continue;
        };
        let place = match side {
            Side::Config => &mut set.config,
            Side::Tokenizer => &mut set.tokenizer,
            Side::TokenizerConfig => &mut set.tokenizer_config,
            Side::GenerationConfig => &mut set.generation_config,
            Side::Template => &mut set.template,
            Side::Index => &mut set.index,
        };
        if place.replace(bytes).is_some() {
            return Err(Error::Format(format!(
                "{} and another of the files are of the same kind; give the files of one model only",
                source.name()
            )));
        }
    }
    Ok(set)
}

/// The two side files without which nothing goes, or what is missing.
fn complete(set: &Set) -> Result<(&[u8], &[u8])> {
    if let (Some(config), Some(tokenizer), false) = (&set.config, &set.tokenizer, set.weights.is_empty()) {
        return Ok((config, tokenizer));
    }
    let anything = set.config.is_some() || set.tokenizer.is_some() || !set.weights.is_empty();
    if !anything {
        return Err(Error::Format(format!(
            "{} is neither GGUF nor safetensors; give a .gguf file, or .safetensors with config.json and \
             tokenizer.json",
            set.other.first().map_or("what was given", String::as_str)
        )));
    }
    let mut missing = Vec::new();
    if set.weights.is_empty() {
        missing.push("the weights (*.safetensors)");
    }
    if set.config.is_none() {
        missing.push("config.json");
    }
    if set.tokenizer.is_none() {
        missing.push("tokenizer.json");
    }
    let mut why = format!("a safetensors model is made of several files and {} is missing", missing.join(" and "));
    if !set.other.is_empty() {
        why.push_str(&format!(" ({} was not recognised)", set.other.join(", ")));
    }
    Err(Error::Format(format!("{why}; give all of them together")))
}

async fn weights(sources: &[Source], set: &Set) -> Result<BTreeMap<String, TensorInfo>> {
    let mut tensors: BTreeMap<String, TensorInfo> = BTreeMap::new();
    for &index in &set.weights {
        let source = &sources[index];
        for tensor in safetensors::read(source, index).await.map_err(|e| about(source, e))? {
            let name = tensor.name.clone();
            if tensors.insert(name.clone(), tensor).is_some() {
                return Err(Error::Format(format!(
                    "the tensor {name} is in two of the files; give the files of one model only"
                )));
            }
        }
    }
    if let Some(json) = &set.index {
        check_index(json, &tensors, sources)?;
    }
    Ok(tensors)
}

/// Every tensor of the index must be there: the message then names the shard that was forgotten.
fn check_index(json: &[u8], tensors: &BTreeMap<String, TensorInfo>, sources: &[Source]) -> Result<()> {
    let index: Value =
        serde_json::from_slice(json).map_err(|e| Error::Format(format!("the shards' index is not JSON: {e}")))?;
    let map = index
        .get("weight_map")
        .and_then(Value::as_object)
        .ok_or_else(|| Error::Format("the shards' index lacks weight_map".into()))?;
    for (name, file) in map {
        let file = file.as_str().unwrap_or_default();
        if !tensors.contains_key(name) && !sources.iter().any(|source| source.name() == file) {
            return Err(Error::Format(format!("the file {file} is missing, which holds {name}; give all shards")));
        }
    }
    Ok(())
}

/// What `tokenizer_config.json` adds.
#[derive(Default)]
struct TokenizerConfig {
    template: Option<String>,
    bos: Option<String>,
    eos: Option<String>,
}

impl TokenizerConfig {
    fn parse(json: Option<&[u8]>) -> Result<Self> {
        let Some(json) = json else { return Ok(Self::default()) };
        let value: Value =
            serde_json::from_slice(json).map_err(|e| Error::Format(format!("tokenizer_config.json: {e}")))?;
        // A token is its text, or an object with the text as content.
        let token = |key: &str| {
            let token = value.get(key)?;
            token.as_str().or_else(|| token.get("content")?.as_str()).map(str::to_owned)
        };
        let template = match value.get("chat_template") {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.clone()),
            // Several templates: the one for plain chat is called default.
            Some(Value::Array(list)) => Some(
                list.iter()
                    .find(|entry| entry.get("name").and_then(Value::as_str) == Some("default"))
                    .and_then(|entry| entry.get("template")?.as_str())
                    .ok_or_else(|| Error::Template("tokenizer_config.json has no template named default".into()))?
                    .to_owned(),
            ),
            Some(_) => return Err(Error::Template("tokenizer_config.json has a chat_template that is no text".into())),
        };
        Ok(Self { template, bos: token("bos_token"), eos: token("eos_token") })
    }
}
