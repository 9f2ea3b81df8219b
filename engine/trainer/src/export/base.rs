//! The base as GGUF, under llama.cpp's names for Qwen3.

use super::gguf::{Gguf, Storage, Value};
use super::{Export, Matrix, values, vocabulary};
use crate::model::{BaseConfig, EPS};
use crate::{Error, Result};

/// Positions that the base can be asked for. Most of what it was trained on is shorter.
const CONTEXT: usize = 1024;

/// The base's file.
///
/// # Errors
/// [`Error::Export`] for weights or a vocabulary that the file cannot hold.
pub fn base(export: &Export<'_>, storage: Storage) -> Result<Vec<u8>> {
    let config = export.base;
    let net = export.nets.base.as_ref().ok_or_else(|| Error::Export("there is no base among the nets".to_owned()))?;
    let mut file = Gguf::new(storage);
    file.set("general.architecture", Value::Text("qwen3".into()));
    file.set("general.name", Value::Text(export.name.to_owned()));
    shape(&mut file, config)?;
    vocabulary::add(&mut file, export.tokenizer, config.vocab)?;

    // The head is tied: there is no `output.weight`.
    file.matrix("token_embd.weight", &Matrix::table(&net.embed)?)?;
    for (layer, block) in net.blocks.iter().enumerate() {
        let name = |part: &str| format!("blk.{layer}.{part}.weight");
        let (query, key) = (config.heads * config.head_dim, config.kv_heads * config.head_dim);
        let qkv = Matrix::projection(&block.qkv)?;
        file.vector(&name("attn_norm"), &values(&block.norm1)?)?;
        // The trainer turns halves of a head against each other as Qwen does: no rows change places.
        file.matrix(&name("attn_q"), &qkv.rows(0..query))?;
        file.matrix(&name("attn_k"), &qkv.rows(query..query + key))?;
        file.matrix(&name("attn_v"), &qkv.rows(query + key..query + 2 * key))?;
        file.vector(&name("attn_q_norm"), &values(&block.q_norm)?)?;
        file.vector(&name("attn_k_norm"), &values(&block.k_norm)?)?;
        file.matrix(&name("attn_output"), &Matrix::projection(&block.out)?)?;
        let gate_up = Matrix::projection(&block.gate_up)?;
        file.vector(&name("ffn_norm"), &values(&block.norm2)?)?;
        file.matrix(&name("ffn_gate"), &gate_up.rows(0..config.ffn))?;
        file.matrix(&name("ffn_up"), &gate_up.rows(config.ffn..2 * config.ffn))?;
        file.matrix(&name("ffn_down"), &Matrix::projection(&block.down)?)?;
    }
    file.vector("output_norm.weight", &values(&net.norm)?)?;
    Ok(file.to_bytes())
}

fn shape(file: &mut Gguf, config: &BaseConfig) -> Result<()> {
    for (key, size) in [
        ("block_count", config.layers),
        ("context_length", CONTEXT),
        ("embedding_length", config.hidden),
        ("feed_forward_length", config.ffn),
        ("attention.head_count", config.heads),
        ("attention.head_count_kv", config.kv_heads),
        ("attention.key_length", config.head_dim),
        ("attention.value_length", config.head_dim),
    ] {
        let size = u32::try_from(size).map_err(|_| Error::Export(format!("its {key} is {size}")))?;
        file.set(&format!("qwen3.{key}"), Value::U32(size));
    }
    #[allow(clippy::cast_possible_truncation, reason = "the format has them as f32")]
    for (key, value) in [("attention.layer_norm_rms_epsilon", EPS as f32), ("rope.freq_base", config.rope_theta as f32)]
    {
        file.set(&format!("qwen3.{key}"), Value::F32(value));
    }
    Ok(())
}
