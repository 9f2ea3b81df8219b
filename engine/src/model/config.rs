//! The shape of a model, as its file states it.

use crate::{Error, Result};

/// The decoder families that the engine runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// Qwen2 and Qwen2.5: bias on the q, k and v projections.
    Qwen2,
    /// Qwen3: RMSNorm on each head of q and k, no bias, explicit head size.
    Qwen3,
}

/// The shape of a decoder: what `config.json` or the GGUF metadata says, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The family.
    pub arch: Architecture,
    /// Decoder layers.
    pub layers: usize,
    /// Width of the residual stream.
    pub hidden: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads; divides `heads`.
    pub kv_heads: usize,
    /// Width of one head.
    pub head_dim: usize,
    /// Width of the feed-forward layer.
    pub ffn: usize,
    /// Rows of the embedding.
    pub vocab: usize,
    /// Longest context the model was trained for, in tokens.
    pub context: usize,
    /// Base of the rotary embedding's frequencies.
    pub rope_theta: f32,
    /// Epsilon of RMSNorm.
    pub rms_eps: f32,
    /// Whether the output head is the embedding.
    pub tied_head: bool,
}

impl Config {
    /// Checks that the engine can run this shape.
    ///
    /// # Errors
    /// [`Error::Unsupported`] names the first field that does not fit.
    pub fn check(&self) -> Result<()> {
        let bounded = [
            ("layers", self.layers, 1, 256),
            ("hidden size", self.hidden, 32, 16_384),
            ("attention heads", self.heads, 1, 256),
            ("key/value heads", self.kv_heads, 1, 256),
            ("head size", self.head_dim, 8, 128),
            ("feed-forward size", self.ffn, 32, 131_072),
            ("vocabulary", self.vocab, 1, 1 << 20),
            ("context length", self.context, 1, 1 << 24),
        ];
        for (name, value, low, high) in bounded {
            if value < low || value > high {
                return Err(Error::Unsupported(format!("its {name} is {value}; {low} to {high} can be run")));
            }
        }
        // Weight rows are read in blocks of 32 values.
        for (name, value) in [
            ("hidden size", self.hidden),
            ("feed-forward size", self.ffn),
            ("attention width", self.heads * self.head_dim),
        ] {
            if value % 32 != 0 {
                return Err(Error::Unsupported(format!("its {name}, {value}, is not a multiple of 32")));
            }
        }
        if !self.heads.is_multiple_of(self.kv_heads) {
            return Err(Error::Unsupported(format!(
                "its {} attention heads cannot share {} key/value heads",
                self.heads, self.kv_heads
            )));
        }
        if !self.head_dim.is_multiple_of(8) {
            return Err(Error::Unsupported(format!("its head size, {}, is not a multiple of 8", self.head_dim)));
        }
        if !(self.rope_theta.is_finite() && self.rope_theta > 1.0 && self.rms_eps.is_finite() && self.rms_eps > 0.0) {
            return Err(Error::Unsupported(format!(
                "rope theta {} or RMSNorm epsilon {} is out of range",
                self.rope_theta, self.rms_eps
            )));
        }
        Ok(())
    }
}

/// How the KV cache is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
pub enum KvType {
    /// 32-bit floats: exact, twice the memory.
    F32,
    /// 16-bit floats.
    #[default]
    F16,
}

impl KvType {
    /// Bytes of one value.
    pub const fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 => 2,
        }
    }
}
