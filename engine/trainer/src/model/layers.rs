//! One WASM layer; the computation is that of `wattage_engine::wasm_layers::config::tensors`, step by step.

use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor, activation};
use wattage_engine::wasm_layers::config::{LayersConfig, POINTERS};
use wattage_engine::wasm_layers::program::MOST_INSTRUCTIONS;

use super::{Dropout, matrix, ones, projection, rms_norm, swiglu, zeros};

/// A bidirectional block over the question. Matrices are [inputs, outputs].
#[derive(Module, Debug)]
pub struct Encoder {
    pub(crate) norm1: Param<Tensor<1>>,
    pub(crate) qkv: Param<Tensor<2>>,
    pub(crate) out: Param<Tensor<2>>,
    pub(crate) norm2: Param<Tensor<1>>,
    pub(crate) gate_up: Param<Tensor<2>>,
    pub(crate) down: Param<Tensor<2>>,
}

/// A decoder block.
#[derive(Module, Debug)]
pub struct Decoder {
    pub(crate) norm1: Param<Tensor<1>>,
    pub(crate) qkv: Param<Tensor<2>>,
    pub(crate) out: Param<Tensor<2>>,
    pub(crate) norm2: Param<Tensor<1>>,
    pub(crate) cross_q: Param<Tensor<2>>,
    pub(crate) cross_kv: Param<Tensor<2>>,
    pub(crate) cross_out: Param<Tensor<2>>,
    pub(crate) cross_gate: Param<Tensor<1>>,
    pub(crate) norm3: Param<Tensor<1>>,
    pub(crate) gate_up: Param<Tensor<2>>,
    pub(crate) down: Param<Tensor<2>>,
}

/// A WASM layer.
#[derive(Module, Debug)]
pub struct Layer {
    pub(crate) input_weight: Param<Tensor<2>>, // [hidden, width]
    pub(crate) input_bias: Param<Tensor<1>>,
    pub(crate) ordinal: Param<Tensor<2>>, // [POINTERS, width]
    pub(crate) encoder: Vec<Encoder>,
    pub(crate) memory_norm: Param<Tensor<1>>,
    pub(crate) gate_weight: Param<Tensor<2>>, // [width, 1]
    pub(crate) gate_bias: Param<Tensor<1>>,
    pub(crate) pointer_key: Param<Tensor<2>>,
    pub(crate) pointer_ordinal: Param<Tensor<2>>, // [POINTERS, width]
    pub(crate) pointer_input: Param<Tensor<2>>,
    pub(crate) token: Param<Tensor<2>>, // [fixed + 1, width], the start last
    pub(crate) step: Param<Tensor<2>>,  // [MOST_INSTRUCTIONS + 1, width]
    pub(crate) depth: Param<Tensor<2>>, // [MOST_INSTRUCTIONS + 1, width]
    pub(crate) decoder: Vec<Decoder>,
    pub(crate) output_norm: Param<Tensor<1>>,
    pub(crate) output_weight: Param<Tensor<2>>, // [width, fixed]
    pub(crate) output_bias: Param<Tensor<1>>,
    pub(crate) pointer_query: Param<Tensor<2>>,
}

/// What a batch of questions and programs is to a WASM layer: `b` questions of at most `n` tokens, `k` numbers and `t` steps.
#[derive(Debug, Clone)]
pub struct LayerBatch {
    /// Questions.
    pub b: usize,
    /// Tokens a question.
    pub n: usize,
    /// Numbers a question.
    pub k: usize,
    /// Steps a program.
    pub t: usize,
    /// Whether the residual stream is standardised and clamped already.
    pub standard: bool,
    /// [b n] rows of the residual stream that are the questions' tokens.
    pub rows: Tensor<1, Int>,
    /// [b n, 1] 1 for a token, 0 for padding.
    pub is_token: Tensor<2>,
    /// [b, 1, 1, n] 0 for a token, [`super::NEVER`] for padding.
    pub key_mask: Tensor<4>,
    /// [b n, width] places of the tokens.
    pub places: Tensor<2>,
    /// [b n] number of the row of `ordinal`, and [b n, 1] whether there is one.
    pub ordinals: Tensor<1, Int>,
    /// See `ordinals`.
    pub is_last: Tensor<2>,
    /// [b k] the last token of each number, as a row of [b n].
    pub lasts: Tensor<1, Int>,
    /// [b k] the pointer's number.
    pub pointers: Tensor<1, Int>,
    /// [b t] the decoder's fixed inputs, and [b t, 1] whether they are.
    pub inputs: Tensor<1, Int>,
    /// See `inputs`.
    pub is_fixed: Tensor<2>,
    /// [b t] inputs that are pointers, as rows of [b k].
    pub input_pointers: Tensor<1, Int>,
    /// [b t] steps.
    pub steps: Tensor<1, Int>,
    /// [b t] the stack's depths.
    pub depths: Tensor<1, Int>,
    /// [1, 1, t, t] 0 for the past and present, [`super::NEVER`] for the future.
    pub causal: Tensor<4>,
    /// [b t, fixed + k] 0 for outputs that the stack and the question allow, [`super::NEVER`] for others.
    pub allowed: Tensor<2>,
}

/// What a WASM layer says.
#[derive(Debug)]
pub struct LayerOutput {
    /// [b t, fixed + k] log-probabilities.
    pub logprobs: Tensor<2>,
    /// [b] logits of the gate.
    pub gate: Tensor<1>,
    /// [b n, width], the memory.
    pub memory: Tensor<2>,
}

/// Attention of `heads` heads: q [b, t, d], k and v [b, n, d], mask [·, 1, ·, n] -> [b t, d].
fn attend(q: Tensor<3>, k: Tensor<3>, v: Tensor<3>, mask: Tensor<4>, heads: usize) -> Tensor<2> {
    let [b, t, d] = q.dims();
    let n = k.dims()[1];
    let dim = d / heads;
    let q = (q * (dim as f64).powf(-0.5)).reshape([b, t, heads, dim]).swap_dims(1, 2);
    let k = k.reshape([b, n, heads, dim]).permute([0, 2, 3, 1]);
    let v = v.reshape([b, n, heads, dim]).swap_dims(1, 2);
    let weights = activation::softmax(q.matmul(k) + mask, 3);
    weights.matmul(v).swap_dims(1, 2).reshape([b * t, d])
}

fn thirds(qkv: Tensor<2>, b: usize, t: usize) -> [Tensor<3>; 3] {
    let d = qkv.dims()[1] / 3;
    let qkv = qkv.reshape([b, t, 3 * d]);
    [0, 1, 2].map(|part| qkv.clone().narrow(2, part * d, d))
}

impl Layer {
    /// New weights.
    pub fn new(config: &LayersConfig, device: &Device) -> Self {
        let (d, f) = (config.width, config.ffn);
        let small = |rows: usize| matrix(rows, d, 0.3, device);
        let square = || projection(d, d, device);
        let encoder = |_| Encoder {
            norm1: ones(d, device),
            qkv: projection(d, 3 * d, device),
            out: square(),
            norm2: ones(d, device),
            gate_up: projection(d, 2 * f, device),
            down: projection(f, d, device),
        };
        let decoder = |_| Decoder {
            norm1: ones(d, device),
            qkv: projection(d, 3 * d, device),
            out: square(),
            norm2: ones(d, device),
            cross_q: square(),
            cross_kv: projection(d, 2 * d, device),
            cross_out: square(),
            cross_gate: Param::from_tensor(Tensor::full([1], 0.55, device)),
            norm3: ones(d, device),
            gate_up: projection(d, 2 * f, device),
            down: projection(f, d, device),
        };
        Self {
            input_weight: projection(config.hidden, d, device),
            input_bias: zeros(d, device),
            ordinal: small(POINTERS),
            encoder: (0..config.encoder_blocks).map(encoder).collect(),
            memory_norm: ones(d, device),
            gate_weight: projection(d, 1, device),
            gate_bias: zeros(1, device),
            pointer_key: square(),
            pointer_ordinal: small(POINTERS),
            pointer_input: square(),
            token: small(config.fixed() + 1),
            step: small(MOST_INSTRUCTIONS + 1),
            depth: small(MOST_INSTRUCTIONS + 1),
            decoder: (0..config.decoder_blocks).map(decoder).collect(),
            output_norm: ones(d, device),
            output_weight: projection(d, config.fixed(), device),
            output_bias: zeros(config.fixed(), device),
            pointer_query: square(),
        }
    }

    /// Reads questions from the residual stream [rows, hidden] and scores their programs, with dropout while it is trained with
    /// some.
    pub fn forward(
        &self,
        stream: Tensor<2>,
        config: &LayersConfig,
        batch: &LayerBatch,
        dropout: Option<&Dropout>,
    ) -> LayerOutput {
        let drop = |x: Tensor<2>| match dropout {
            Some(dropout) if dropout.blocks > 0.0 => dropout.apply(x, dropout.blocks),
            _ => x,
        };
        let (eps, heads) = (f64::from(config.eps), config.heads);
        let LayerBatch { b, n, k, t, .. } = *batch;
        let d = config.width;
        // 1. The tap, divided by its root mean square, clamped, and projected.
        let x = stream.select(0, batch.rows.clone());
        let x = if batch.standard {
            x
        } else {
            let scale = (x.clone().square().mean_dim(1) + eps).sqrt().recip();
            (x * scale).clamp(-config.bound, config.bound)
        };
        let x = match dropout {
            Some(dropout) if dropout.taps > 0.0 => dropout.apply(x, dropout.taps),
            _ => x,
        };
        let mut x = x.matmul(self.input_weight.val())
            + self.input_bias.val().unsqueeze()
            + self.ordinal.val().select(0, batch.ordinals.clone()) * batch.is_last.clone()
            + batch.places.clone();
        // 2. Encoder.
        for block in &self.encoder {
            let [q, keys, v] = thirds(rms_norm(x.clone(), &block.norm1, eps).matmul(block.qkv.val()), b, n);
            x = x + drop(attend(q, keys, v, batch.key_mask.clone(), heads).matmul(block.out.val()));
            x = x.clone() + drop(swiglu(rms_norm(x, &block.norm2, eps), &block.gate_up, &block.down));
        }
        let memory = rms_norm(x, &self.memory_norm, eps);
        // 3. The gate.
        let says = memory.clone().matmul(self.gate_weight.val()) * batch.is_token.clone();
        let count = batch.is_token.clone().reshape([b, n]).sum_dim(1);
        let gate = (says.reshape([b, n]).sum_dim(1) / count).reshape([b]) + self.gate_bias.val();
        // 4. Pointers.
        let at = memory.clone().select(0, batch.lasts.clone());
        let keys =
            at.clone().matmul(self.pointer_key.val()) + self.pointer_ordinal.val().select(0, batch.pointers.clone());
        let pointed = at.matmul(self.pointer_input.val());
        // 5. Decoder.
        let mut y = self.token.val().select(0, batch.inputs.clone()) * batch.is_fixed.clone()
            + pointed.select(0, batch.input_pointers.clone()) * (-batch.is_fixed.clone() + 1.0)
            + self.step.val().select(0, batch.steps.clone())
            + self.depth.val().select(0, batch.depths.clone());
        for block in &self.decoder {
            let [q, past, v] = thirds(rms_norm(y.clone(), &block.norm1, eps).matmul(block.qkv.val()), b, t);
            y = y + drop(attend(q, past, v, batch.causal.clone(), heads).matmul(block.out.val()));
            let q = rms_norm(y.clone(), &block.norm2, eps).matmul(block.cross_q.val()).reshape([b, t, d]);
            let kv = memory.clone().matmul(block.cross_kv.val()).reshape([b, n, 2 * d]);
            let (seen, v) = (kv.clone().narrow(2, 0, d), kv.narrow(2, d, d));
            let read = attend(q, seen, v, batch.key_mask.clone(), heads).matmul(block.cross_out.val());
            y = y + drop(read * block.cross_gate.val().tanh().unsqueeze());
            y = y.clone() + drop(swiglu(rms_norm(y, &block.norm3, eps), &block.gate_up, &block.down));
        }
        // 6. Outputs.
        let y = rms_norm(y, &self.output_norm, eps);
        let fixed = y.clone().matmul(self.output_weight.val()) + self.output_bias.val().unsqueeze();
        let query = (y.matmul(self.pointer_query.val()) * (d as f64).powf(-0.5)).reshape([b, t, d]);
        let pointers = query.matmul(keys.reshape([b, k, d]).swap_dims(1, 2)).reshape([b * t, k]);
        let logits = Tensor::cat(vec![fixed, pointers], 1) + batch.allowed.clone();
        LayerOutput { logprobs: activation::log_softmax(logits, 1), gate, memory }
    }
}
