//! The base: a small Qwen3 decoder with a tied head (Qwen3 technical report; names as in Hugging Face's `modeling_qwen3`).

use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor, TensorData, activation};
use serde::{Deserialize, Serialize};

use super::{NEVER, matrix, ones, projection, rms_norm, swiglu};

/// RMSNorm's epsilon, everywhere in the base.
pub(crate) const EPS: f64 = 1e-6;

/// The base's shape.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BaseConfig {
    /// Decoder layers.
    pub layers: usize,
    /// Width of the residual stream.
    pub hidden: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads.
    pub kv_heads: usize,
    /// Head size.
    pub head_dim: usize,
    /// Width of the feed-forward blocks.
    pub ffn: usize,
    /// Tokens.
    pub vocab: usize,
    /// Base of the rotary embedding's rates.
    pub rope_theta: f64,
}

/// What depends on a batch's shape alone: rotary tables and the causal mask.
#[derive(Debug, Clone)]
pub struct Rotary {
    cos: Tensor<4>,  // [1, time, heads + kv_heads, dim], the queries' with the attention's scale in them
    sin: Tensor<4>,  // the same
    half: Tensor<2>, // x half = the second half of x negated, then the first
    mask: Tensor<4>, // [1, 1, group * time, time]
    batch: usize,
    time: usize,
}

impl Rotary {
    /// For `batch` sequences of `time` tokens.
    pub fn new(config: &BaseConfig, batch: usize, time: usize, device: &Device) -> Self {
        let (dim, scale) = (config.head_dim, (config.head_dim as f64).powf(-0.5));
        let all = config.heads + config.kv_heads;
        let (mut cos, mut sin) = (Vec::new(), Vec::new());
        for position in 0..time {
            for head in 0..all {
                let scale = if head < config.heads { scale } else { 1.0 };
                for i in 0..dim {
                    let rate = config.rope_theta.powf(-((2 * (i % (dim / 2))) as f64) / dim as f64);
                    let angle = position as f64 * rate;
                    cos.push((angle.cos() * scale) as f32);
                    sin.push((angle.sin() * scale) as f32);
                }
            }
        }
        let mut half = vec![0f32; dim * dim];
        for i in 0..dim / 2 {
            half[(i + dim / 2) * dim + i] = -1.0;
            half[i * dim + i + dim / 2] = 1.0;
        }
        let group = config.heads / config.kv_heads;
        let mask: Vec<f32> = (0..group * time)
            .flat_map(|row| (0..time).map(move |column| if column > row % time { NEVER } else { 0.0 }))
            .collect();
        let table = [1, time, all, dim];
        Self {
            cos: Tensor::from_data(TensorData::new(cos, table), device),
            sin: Tensor::from_data(TensorData::new(sin, table), device),
            half: Tensor::from_data(TensorData::new(half, [dim, dim]), device),
            mask: Tensor::from_data(TensorData::new(mask, [1, 1, group * time, time]), device),
            batch,
            time,
        }
    }
}

/// One decoder layer. Matrices are [inputs, outputs].
#[derive(Module, Debug)]
pub struct Block {
    pub(crate) norm1: Param<Tensor<1>>,   // [hidden]
    pub(crate) qkv: Param<Tensor<2>>,     // [hidden, (heads + 2 kv_heads) dim]
    pub(crate) q_norm: Param<Tensor<1>>,  // [dim]
    pub(crate) k_norm: Param<Tensor<1>>,  // [dim]
    pub(crate) out: Param<Tensor<2>>,     // [heads dim, hidden]
    pub(crate) norm2: Param<Tensor<1>>,   // [hidden]
    pub(crate) gate_up: Param<Tensor<2>>, // [hidden, 2 ffn]
    pub(crate) down: Param<Tensor<2>>,    // [ffn, hidden]
}

impl Block {
    fn new(config: &BaseConfig, device: &Device) -> Self {
        let (query, all) = (config.heads * config.head_dim, (config.heads + 2 * config.kv_heads) * config.head_dim);
        Self {
            norm1: ones(config.hidden, device),
            qkv: projection(config.hidden, all, device),
            q_norm: ones(config.head_dim, device),
            k_norm: ones(config.head_dim, device),
            out: projection(query, config.hidden, device),
            norm2: ones(config.hidden, device),
            gate_up: projection(config.hidden, 2 * config.ffn, device),
            down: projection(config.ffn, config.hidden, device),
        }
    }

    fn forward(&self, x: Tensor<2>, config: &BaseConfig, rotary: &Rotary) -> Tensor<2> {
        let (batch, time, dim) = (rotary.batch, rotary.time, config.head_dim);
        let (heads, kv) = (config.heads, config.kv_heads);
        let rows = batch * time;
        // 1. RMSNorm, q, k, v.
        let qkv = rms_norm(x.clone(), &self.norm1, EPS).matmul(self.qkv.val());
        let qkv = qkv.reshape([batch, time, heads + 2 * kv, dim]);
        let qk = qkv.clone().narrow(2, 0, heads + kv);
        let v = qkv.narrow(2, heads + kv, kv);
        // 2. Norm of q and k, whose gains are laid side by side, and rotary embedding.
        let q_gain: Tensor<2> = self.q_norm.val().unsqueeze();
        let k_gain: Tensor<2> = self.k_norm.val().unsqueeze();
        let gains = Tensor::cat(vec![q_gain.expand([heads, dim]), k_gain.expand([kv, dim])], 0);
        let scale = (qk.clone().square().mean_dim(3) + EPS).sqrt().recip();
        let qk = qk * scale * gains.unsqueeze();
        let turned = qk.clone().reshape([rows * (heads + kv), dim]).matmul(rotary.half.clone());
        let turned = turned.reshape([batch, time, heads + kv, dim]);
        let qk = qk * rotary.cos.clone() + turned * rotary.sin.clone();
        // 3. Attention; heads that share keys and values become more rows.
        let q = qk.clone().narrow(2, 0, heads).swap_dims(1, 2).reshape([batch, kv, heads / kv * time, dim]);
        let k = qk.narrow(2, heads, kv).permute([0, 2, 3, 1]);
        let scores = q.matmul(k) + rotary.mask.clone();
        let attended = activation::softmax(scores, 3).matmul(v.swap_dims(1, 2));
        let attended = attended.reshape([batch, heads, time, dim]).swap_dims(1, 2).reshape([rows, heads * dim]);
        let x = x + attended.matmul(self.out.val());
        // 4. RMSNorm and SwiGLU.
        x.clone() + swiglu(rms_norm(x, &self.norm2, EPS), &self.gate_up, &self.down)
    }
}

/// The base.
#[derive(Module, Debug)]
pub struct Base {
    pub(crate) embed: Param<Tensor<2>>, // [vocab, hidden], the head too
    pub(crate) blocks: Vec<Block>,
    pub(crate) norm: Param<Tensor<1>>, // [hidden]
}

impl Base {
    /// New weights.
    pub fn new(config: &BaseConfig, device: &Device) -> Self {
        Self {
            // Larger than usual: small embeddings are drowned by what the blocks add (measured: twice as many steps).
            embed: matrix(config.vocab, config.hidden, 0.6, device),
            blocks: (0..config.layers).map(|_| Block::new(config, device)).collect(),
            // The head shares the large embeddings: at 1 the first logits would be far apart.
            norm: Param::from_tensor(Tensor::full([config.hidden], 0.15, device)),
        }
    }

    /// The residual stream [batch * time, hidden] after each of the `taps` layers, and after the last, of ids [batch * time].
    pub fn forward(
        &self,
        ids: Tensor<1, Int>,
        config: &BaseConfig,
        rotary: &Rotary,
        taps: &[usize],
    ) -> (Vec<Tensor<2>>, Tensor<2>) {
        let mut x = self.embed.val().select(0, ids);
        let mut tapped = Vec::with_capacity(taps.len());
        for (layer, block) in self.blocks.iter().enumerate() {
            x = block.forward(x, config, rotary);
            if taps.contains(&layer) {
                tapped.push(x.clone());
            }
        }
        (tapped, x)
    }

    /// Logits [rows, vocab] of rows of the last residual stream.
    pub fn logits(&self, x: Tensor<2>) -> Tensor<2> {
        rms_norm(x, &self.norm, EPS).matmul(self.embed.val().transpose())
    }
}
