//! `config.json` and `generation_config.json` as `transformers` writes them for Qwen2 and Qwen3.

use serde::Deserialize;
use serde_json::Value;

use crate::{Architecture, Config, Error, Result};

/// One id or several.
#[derive(Deserialize, Default, Clone)]
#[serde(untagged)]
enum Ids {
    #[default]
    None,
    One(u32),
    Many(Vec<u32>),
}

impl Ids {
    fn into_vec(self) -> Vec<u32> {
        match self {
            Self::None => Vec::new(),
            Self::One(id) => vec![id],
            Self::Many(ids) => ids,
        }
    }
}

#[derive(Deserialize)]
struct Raw {
    model_type: String,
    num_hidden_layers: usize,
    hidden_size: usize,
    num_attention_heads: usize,
    num_key_value_heads: Option<usize>,
    head_dim: Option<usize>,
    intermediate_size: usize,
    vocab_size: usize,
    max_position_embeddings: usize,
    rms_norm_eps: f32,
    rope_theta: Option<f32>,
    rope_scaling: Option<Value>,
    /// Where transformers 5 keeps theta and scaling.
    rope_parameters: Option<Value>,
    hidden_act: Option<String>,
    #[serde(default)]
    attention_bias: Option<bool>,
    #[serde(default)]
    tie_word_embeddings: bool,
    #[serde(default)]
    use_sliding_window: Option<bool>,
    #[serde(default)]
    layer_types: Option<Vec<String>>,
    #[serde(default)]
    quantization_config: Option<Value>,
    #[serde(default)]
    eos_token_id: Option<Ids>,
    #[serde(default, rename = "_name_or_path")]
    name: Option<String>,
}

/// What `config.json` says.
pub(super) struct HfConfig {
    pub config: Config,
    pub stop_ids: Vec<u32>,
    pub name: Option<String>,
}

/// Reads `config.json`.
///
/// # Errors
/// [`Error::Format`] when it is malformed, [`Error::Unsupported`] for what the engine does not compute.
pub(super) fn parse(json: &[u8]) -> Result<HfConfig> {
    let unsupported = |why: String| Err(Error::Unsupported(why));
    let kind: Value =
        serde_json::from_slice(json).map_err(|e| Error::Format(format!("config.json is not JSON: {e}")))?;
    let arch = match kind.get("model_type").and_then(Value::as_str) {
        Some("qwen2") => Architecture::Qwen2,
        Some("qwen3") => Architecture::Qwen3,
        Some(other) => {
            return unsupported(format!("its architecture is '{other}'; qwen2 and qwen3 can be run"));
        }
        None => return Err(Error::Format("config.json lacks model_type".into())),
    };
    let raw: Raw = serde_json::from_value(kind).map_err(|e| Error::Format(format!("config.json: {e}")))?;
    if raw.use_sliding_window == Some(true) || raw.layer_types.iter().flatten().any(|t| t != "full_attention") {
        return unsupported("it uses sliding-window attention".into());
    }
    if let Some(act) = raw.hidden_act.filter(|act| act != "silu") {
        return unsupported(format!("its activation is '{act}'; silu can be run"));
    }
    if arch == Architecture::Qwen3 && raw.attention_bias == Some(true) {
        return unsupported(format!("it is a {} with biases in its attention", raw.model_type));
    }
    if raw.quantization_config.is_some_and(|q| !q.is_null()) {
        return unsupported("its safetensors are quantised; use the unquantised model or a GGUF".into());
    }
    for scaling in [&raw.rope_scaling, &raw.rope_parameters].into_iter().flatten() {
        // A checkpoint that does not scale has null, an empty object, or the type "default".
        let kind = scaling.get("rope_type").or_else(|| scaling.get("type")).and_then(Value::as_str);
        match kind {
            None | Some("default" | "none") => {}
            Some(kind) => return unsupported(format!("it scales its rotary embedding ('{kind}')")),
        }
        if kind.is_none() && scaling.get("factor").and_then(Value::as_f64).is_some_and(|factor| factor != 1.0) {
            return unsupported("it scales its rotary embedding".into());
        }
        if scaling.get("partial_rotary_factor").and_then(Value::as_f64).is_some_and(|part| part != 1.0) {
            return unsupported("it rotates only a part of each head".into());
        }
    }
    let theta = raw.rope_parameters.as_ref().and_then(|rope| rope.get("rope_theta")).and_then(Value::as_f64);
    let head_dim = match raw.head_dim {
        Some(width) => width,
        None if raw.num_attention_heads > 0 && raw.hidden_size.is_multiple_of(raw.num_attention_heads) => {
            raw.hidden_size / raw.num_attention_heads
        }
        None => {
            return Err(Error::Format(format!(
                "config.json: the hidden size {} does not divide into {} heads",
                raw.hidden_size, raw.num_attention_heads
            )));
        }
    };
    #[allow(clippy::cast_possible_truncation, reason = "the models compute it in f32")]
    let config = Config {
        arch,
        layers: raw.num_hidden_layers,
        hidden: raw.hidden_size,
        heads: raw.num_attention_heads,
        kv_heads: raw.num_key_value_heads.unwrap_or(raw.num_attention_heads),
        head_dim,
        ffn: raw.intermediate_size,
        vocab: raw.vocab_size,
        context: raw.max_position_embeddings,
        rope_theta: theta.map(|theta| theta as f32).or(raw.rope_theta).unwrap_or(10_000.0),
        rms_eps: raw.rms_norm_eps,
        tied_head: raw.tie_word_embeddings,
    };
    Ok(HfConfig {
        config,
        stop_ids: raw.eos_token_id.unwrap_or_default().into_vec(),
        name: raw.name.filter(|name| !name.is_empty()),
    })
}

/// The ids that end an answer, from `generation_config.json`.
///
/// # Errors
/// [`Error::Format`] when it is malformed.
pub(super) fn stop_ids(json: &[u8]) -> Result<Vec<u32>> {
    #[derive(Deserialize)]
    struct Generation {
        #[serde(default)]
        eos_token_id: Option<Ids>,
    }
    let generation: Generation =
        serde_json::from_slice(json).map_err(|e| Error::Format(format!("generation_config.json: {e}")))?;
    Ok(generation.eos_token_id.unwrap_or_default().into_vec())
}
