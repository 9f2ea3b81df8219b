//! Which tensors a model of a given shape is made of, under which names, and the check that a file has them all.

use std::collections::BTreeMap;

use super::{DType, TensorInfo};
use crate::{Architecture, Config, Error, Result};

/// A tensor that the model needs.
pub(super) struct Expected {
    pub name: String,
    pub rows: usize,
    pub cols: usize,
    /// Norms and biases are used as floats and are never stored quantised.
    pub float: bool,
}

/// Every tensor of a model, by its Hugging Face name.
pub(super) fn expected(config: &Config) -> Vec<Expected> {
    let mut list = Vec::new();
    let mut matrix = |name: String, rows, cols| list.push(Expected { name, rows, cols, float: false });
    let (query, key) = (config.heads * config.head_dim, config.kv_heads * config.head_dim);
    matrix("model.embed_tokens.weight".into(), config.vocab, config.hidden);
    if !config.tied_head {
        matrix("lm_head.weight".into(), config.vocab, config.hidden);
    }
    for layer in 0..config.layers {
        let name = |part: &str| format!("model.layers.{layer}.{part}.weight");
        matrix(name("self_attn.q_proj"), query, config.hidden);
        matrix(name("self_attn.k_proj"), key, config.hidden);
        matrix(name("self_attn.v_proj"), key, config.hidden);
        matrix(name("self_attn.o_proj"), config.hidden, query);
        matrix(name("mlp.gate_proj"), config.ffn, config.hidden);
        matrix(name("mlp.up_proj"), config.ffn, config.hidden);
        matrix(name("mlp.down_proj"), config.hidden, config.ffn);
    }
    let mut vector = |name: String, cols| list.push(Expected { name, rows: 1, cols, float: true });
    vector("model.norm.weight".into(), config.hidden);
    for layer in 0..config.layers {
        let name = |part: &str| format!("model.layers.{layer}.{part}");
        vector(name("input_layernorm.weight"), config.hidden);
        vector(name("post_attention_layernorm.weight"), config.hidden);
        match config.arch {
            Architecture::Qwen2 => {
                vector(name("self_attn.q_proj.bias"), query);
                vector(name("self_attn.k_proj.bias"), key);
                vector(name("self_attn.v_proj.bias"), key);
            }
            Architecture::Qwen3 => {
                vector(name("self_attn.q_norm.weight"), config.head_dim);
                vector(name("self_attn.k_norm.weight"), config.head_dim);
            }
        }
    }
    list
}

/// Checks that `tensors` holds exactly what a model of this shape needs.
///
/// # Errors
/// [`Error::Format`] names a tensor that is missing or misshapen, [`Error::Unsupported`] one that the engine would
/// have to leave out: it would compute something else than the model.
pub(super) fn check(config: &Config, tensors: &BTreeMap<String, TensorInfo>) -> Result<()> {
    let expected = expected(config);
    for want in &expected {
        let Some(have) = tensors.get(&want.name) else {
            return Err(Error::Format(format!(
                "the tensor {} is missing: the file is incomplete, so get the whole model",
                want.name
            )));
        };
        if (have.rows, have.cols) != (want.rows, want.cols) {
            return Err(Error::Format(format!(
                "the tensor {} is {} x {} where the configuration needs {} x {}",
                want.name, have.rows, have.cols, want.rows, want.cols
            )));
        }
        if want.float && !matches!(have.dtype, DType::F32 | DType::F16 | DType::BF16) {
            return Err(Error::Unsupported(format!(
                "the tensor {} is stored as {:?}; norms and biases can be F32, F16 or BF16",
                want.name, have.dtype
            )));
        }
    }
    if tensors.len() > expected.len() {
        let known: std::collections::HashSet<&str> = expected.iter().map(|want| want.name.as_str()).collect();
        if let Some(extra) = tensors.keys().find(|name| !known.contains(name.as_str())) {
            return Err(Error::Unsupported(format!(
                "it has a tensor {extra}, which is no part of a {:?} decoder as the engine runs it",
                config.arch
            )));
        }
    }
    Ok(())
}

/// GGUF's name for a tensor as Hugging Face writes it; `None` for one that is no part of these decoders.
pub(super) fn from_gguf(name: &str) -> Option<String> {
    match name {
        "token_embd.weight" => return Some("model.embed_tokens.weight".into()),
        "output_norm.weight" => return Some("model.norm.weight".into()),
        "output.weight" => return Some("lm_head.weight".into()),
        _ => {}
    }
    let (layer, part) = name.strip_prefix("blk.")?.split_once('.')?;
    // Through a number and back: "007" must not become a second name of layer 7.
    let index: usize = layer.parse().ok().filter(|index: &usize| index.to_string() == layer)?;
    let (module, suffix) = part.rsplit_once('.')?;
    let module = match module {
        "attn_norm" => "input_layernorm",
        "ffn_norm" => "post_attention_layernorm",
        "attn_q" => "self_attn.q_proj",
        "attn_k" => "self_attn.k_proj",
        "attn_v" => "self_attn.v_proj",
        "attn_output" => "self_attn.o_proj",
        "attn_q_norm" => "self_attn.q_norm",
        "attn_k_norm" => "self_attn.k_norm",
        "ffn_gate" => "mlp.gate_proj",
        "ffn_up" => "mlp.up_proj",
        "ffn_down" => "mlp.down_proj",
        _ => return None,
    };
    matches!(suffix, "weight" | "bias").then(|| format!("model.layers.{index}.{module}.{suffix}"))
}
