//! The forward pass of Qwen2 and Qwen3, as recordings (Qwen2 and Qwen3 technical reports; Hugging Face `modeling_qwen3`).

use super::state::{CHUNK, SPLIT};
use super::weights::{GateUp, Layer, Matrix, Weights};
use super::{Beside, Config, RunState};
use crate::kernels::{
    ArgmaxFinal, ArgmaxPartial, AttendMerge, AttendPrefill, AttendSplit, Embed, Glu, Matmul, Matvec, Penalise, Rmsnorm,
    RopeCache, Tap, TopkFinal, TopkPartial,
};
use crate::recording::{Recording, Slice, Workgroups};

/// What a product does with its result.
#[derive(Clone, Copy, PartialEq)]
enum Epilogue {
    Store = 0,
    Add = 1,
    SwiGlu = 2,
}

/// One token through all layers, its position and id taken from the state words. Leaves the residual stream in `x`.
pub(crate) fn decode(config: &Config, weights: &Weights, state: &RunState) -> Recording {
    let mut pass = Pass { taps: &state.taps, ..Pass::new(config, state, &state.cache, 1) };
    pass.embed(weights);
    for (i, layer) in weights.layers.iter().enumerate() {
        // 1. RMSNorm, q, k, v and their bias.
        for part in &layer.qkv {
            pass.matvec(
                &part.matrix,
                state.x,
                0,
                Some(layer.attention_norm),
                part.bias,
                state.qkv,
                part.first,
                Epilogue::Store,
            );
        }
        // 2. Norm of q and k, rotary embedding, cache.
        pass.rope_cache(layer, i);
        // 3. Attention over pieces of the context, 4. merged.
        pass.attend_one(i);
        // 5. Output projection onto the residual stream.
        pass.matvec(&layer.output, state.attended, 0, None, None, state.x, 0, Epilogue::Add);
        // 6. RMSNorm, gate and up, SwiGLU.
        pass.gate_up_one(layer);
        // 7. Down projection onto the residual stream.
        pass.matvec(&layer.down, state.activated, 0, None, None, state.x, 0, Epilogue::Add);
        pass.tap(i);
    }
    pass.recording
}

/// `rows` tokens through all layers. Leaves the residual stream of each in `x`.
pub(crate) fn prefill(config: &Config, weights: &Weights, state: &RunState, rows: usize) -> Recording {
    many(config, weights, Pass { taps: &state.taps, ..Pass::new(config, state, &state.cache, rows) })
}

/// As [`prefill`], beside the conversation: in another cache, and no tap is kept.
pub(crate) fn beside(config: &Config, weights: &Weights, state: &RunState, beside: &Beside, rows: usize) -> Recording {
    many(config, weights, Pass::new(config, state, &beside.cache, rows))
}

fn many(config: &Config, weights: &Weights, mut pass: Pass<'_>) -> Recording {
    debug_assert!(pass.rows <= CHUNK);
    let state = pass.state;
    pass.embed(weights);
    for (i, layer) in weights.layers.iter().enumerate() {
        pass.norm(layer.attention_norm);
        for part in &layer.qkv {
            let stride = (config.heads + 2 * config.kv_heads) * config.head_dim;
            pass.matmul(&part.matrix, state.normed, part.bias, state.qkv, stride, part.first, Epilogue::Store);
        }
        pass.rope_cache(layer, i);
        pass.attend_many(i);
        pass.matmul(&layer.output, state.attended, None, state.x, config.hidden, 0, Epilogue::Add);
        pass.norm(layer.mlp_norm);
        pass.gate_up_many(&layer.gate_up);
        pass.matmul(&layer.down, state.activated, None, state.x, config.hidden, 0, Epilogue::Add);
        pass.tap(i);
    }
    pass.recording
}

/// The logits of row `row` of the residual stream: final RMSNorm and head.
pub(crate) fn head(config: &Config, weights: &Weights, state: &RunState, row: usize) -> Recording {
    let mut pass = Pass::new(config, state, &state.cache, 1);
    let first = row * config.hidden / 4;
    pass.matvec(weights.head(), state.x, first, Some(weights.norm), None, state.logits, 0, Epilogue::Store);
    pass.recording
}

/// The logits [rows, outputs] of a head that has few outputs, for each row of the residual stream.
pub(crate) fn heads(
    config: &Config,
    weights: &Weights,
    state: &RunState,
    (head, logits): (&Matrix, Slice),
    rows: usize,
) -> Recording {
    let mut pass = Pass::new(config, state, &state.cache, rows);
    pass.norm(weights.norm);
    pass.matmul(head, state.normed, None, logits, head.rows, 0, Epilogue::Store);
    pass.recording
}

/// The most likely token from the logits, into `greedy` and the state words of the next step.
pub(crate) fn greedy(config: &Config, state: &RunState) -> Recording {
    let mut recording = Recording::default();
    let pieces = config.vocab.div_ceil(ArgmaxPartial::PIECE) as u32;
    recording.push(
        ArgmaxPartial { logits: state.logits, best: state.best, count: config.vocab as u32 },
        Workgroups::Fixed(pieces, 1),
    );
    recording.push(
        ArgmaxFinal { best: state.best, state: state.state, result: state.greedy, pieces },
        Workgroups::Fixed(1, 1),
    );
    recording
}

/// The likeliest tokens and the normaliser from the logits, into `top`; with penalties on tokens seen, where asked for.
pub(crate) fn sample(config: &Config, state: &RunState, penalise: bool) -> Recording {
    let mut recording = Recording::default();
    if penalise {
        recording.push(Penalise { state: state.state, seen: state.seen, logits: state.logits }, Workgroups::PerSeen);
    }
    let pieces = config.vocab.div_ceil(TopkPartial::PIECE) as u32;
    recording.push(
        TopkPartial { state: state.state, logits: state.logits, tops: state.tops, count: config.vocab as u32 },
        Workgroups::Fixed(pieces, 1),
    );
    recording
        .push(TopkFinal { state: state.state, tops: state.tops, result: state.top, pieces }, Workgroups::Fixed(1, 1));
    recording
}

struct Pass<'a> {
    config: &'a Config,
    state: &'a RunState,
    /// Each layer's keys and values.
    cache: &'a [(Slice, Slice)],
    /// The layers whose residual stream is kept, and where.
    taps: &'a [(usize, Slice)],
    rows: usize,
    recording: Recording,
}

impl<'a> Pass<'a> {
    fn new(config: &'a Config, state: &'a RunState, cache: &'a [(Slice, Slice)], rows: usize) -> Self {
        Self { config, state, cache, taps: &[], rows, recording: Recording::default() }
    }

    fn embed(&mut self, weights: &Weights) {
        for piece in &weights.embedding.pieces {
            self.recording.push_weights(
                Embed {
                    state: self.state.state,
                    quants: piece.quants,
                    scales: piece.scales,
                    x: self.state.x,
                    first_row: piece.first_row as u32,
                    rows: piece.rows as u32,
                    blocks: weights.embedding.blocks as u32,
                },
                weights.embedding.dtype,
                Workgroups::Fixed(self.rows as u32, 1),
            );
        }
    }

    #[allow(clippy::too_many_arguments, reason = "a product has this many operands")]
    fn matvec(
        &mut self,
        matrix: &Matrix,
        x: Slice,
        x_first: usize,
        norm: Option<Slice>,
        bias: Option<Slice>,
        y: Slice,
        y_first: usize,
        epilogue: Epilogue,
    ) {
        for piece in &matrix.pieces {
            let to = if epilogue == Epilogue::SwiGlu { piece.first_row / 2 } else { piece.first_row };
            let kernel = Matvec {
                x,
                gain: norm.unwrap_or(self.state.nothing),
                quants: piece.quants,
                scales: piece.scales,
                bias: bias.unwrap_or(self.state.nothing),
                y,
                rows: piece.rows as u32,
                blocks: matrix.blocks as u32,
                x_first: x_first as u32,
                y_first: (y_first + to) as u32,
                bias_first: piece.first_row as u32,
                lanes: Matvec::lanes_for(matrix.blocks, self.state.software),
                norm: u32::from(norm.is_some()),
                eps: self.config.rms_eps,
                biased: u32::from(bias.is_some()),
                epilogue: epilogue as u32,
            };
            self.recording.push_weights(kernel, matrix.dtype, kernel.workgroups());
        }
    }

    #[allow(clippy::too_many_arguments, reason = "a product has this many operands")]
    fn matmul(
        &mut self,
        matrix: &Matrix,
        x: Slice,
        bias: Option<Slice>,
        y: Slice,
        y_stride: usize,
        y_first: usize,
        epilogue: Epilogue,
    ) {
        for piece in &matrix.pieces {
            let to = if epilogue == Epilogue::SwiGlu { piece.first_row / 2 } else { piece.first_row };
            self.recording.push_weights(
                Matmul {
                    x,
                    quants: piece.quants,
                    scales: piece.scales,
                    bias: bias.unwrap_or(self.state.nothing),
                    y,
                    tokens: self.rows as u32,
                    rows: piece.rows as u32,
                    blocks: matrix.blocks as u32,
                    y_stride: y_stride as u32,
                    y_first: (y_first + to) as u32,
                    bias_first: piece.first_row as u32,
                    biased: u32::from(bias.is_some()),
                    epilogue: epilogue as u32,
                },
                matrix.dtype,
                Workgroups::Fixed(piece.rows.div_ceil(64) as u32, self.rows.div_ceil(32) as u32),
            );
        }
    }

    fn gate_up_one(&mut self, layer: &Layer) {
        let (state, norm) = (self.state, Some(layer.mlp_norm));
        match &layer.gate_up {
            GateUp::Fused(both) => self.matvec(both, state.x, 0, norm, None, state.activated, 0, Epilogue::SwiGlu),
            GateUp::Apart(gate, up) => {
                self.matvec(gate, state.x, 0, norm, None, state.gate_up, 0, Epilogue::Store);
                self.matvec(up, state.x, 0, norm, None, state.gate_up, self.config.ffn, Epilogue::Store);
                self.glu();
            }
        }
    }

    fn gate_up_many(&mut self, weights: &GateUp) {
        let (state, ffn) = (self.state, self.config.ffn);
        match weights {
            GateUp::Fused(both) => self.matmul(both, state.normed, None, state.activated, ffn, 0, Epilogue::SwiGlu),
            GateUp::Apart(gate, up) => {
                self.matmul(gate, state.normed, None, state.gate_up, 2 * ffn, 0, Epilogue::Store);
                self.matmul(up, state.normed, None, state.gate_up, 2 * ffn, ffn, Epilogue::Store);
                self.glu();
            }
        }
    }

    fn glu(&mut self) {
        let cols4 = (self.config.ffn / 4) as u32;
        self.recording.push(
            Glu { x: self.state.gate_up, y: self.state.activated, rows: self.rows as u32, cols4 },
            Workgroups::Fixed(cols4.div_ceil(64), self.rows as u32),
        );
    }

    fn norm(&mut self, gain: Slice) {
        self.recording.push(
            Rmsnorm {
                x: self.state.x,
                gain,
                y: self.state.normed,
                cols4: (self.config.hidden / 4) as u32,
                eps: self.config.rms_eps,
            },
            Workgroups::Fixed(self.rows as u32, 1),
        );
    }

    fn rope_cache(&mut self, layer: &Layer, i: usize) {
        let (keys, values) = self.cache[i];
        let heads = self.config.heads + 2 * self.config.kv_heads;
        self.recording.push_kv(
            RopeCache {
                state: self.state.state,
                keys,
                values,
                table: self.state.rope,
                q_gain: layer.q_norm.unwrap_or(self.state.nothing),
                k_gain: layer.k_norm.unwrap_or(self.state.nothing),
                qkv: self.state.qkv,
                heads: self.config.heads as u32,
                kv_heads: self.config.kv_heads as u32,
                dim4: (self.config.head_dim / 4) as u32,
                norm: u32::from(layer.q_norm.is_some()),
                eps: self.config.rms_eps,
            },
            self.state.kv,
            Workgroups::Fixed(heads as u32, self.rows as u32),
        );
    }

    fn attend_one(&mut self, i: usize) {
        let (keys, values) = self.cache[i];
        let dim4 = (self.config.head_dim / 4) as u32;
        let pieces = self.state.context.div_ceil(SPLIT) as u32;
        let heads = self.config.heads as u32;
        self.recording.push_kv(
            AttendSplit {
                state: self.state.state,
                keys,
                values,
                qkv: self.state.qkv,
                pieces_out: self.state.partial,
                heads,
                group: (self.config.heads / self.config.kv_heads) as u32,
                dim4,
                split: SPLIT as u32,
                pieces,
                scale: (self.config.head_dim as f32).sqrt().recip(),
            },
            self.state.kv,
            Workgroups::PerPiece(heads, SPLIT as u32),
        );
        self.recording.push(
            AttendMerge {
                state: self.state.state,
                pieces_in: self.state.partial,
                y: self.state.attended,
                dim4,
                split: SPLIT as u32,
                pieces,
            },
            Workgroups::Fixed(heads, 1),
        );
    }

    fn attend_many(&mut self, i: usize) {
        let (keys, values) = self.cache[i];
        self.recording.push_kv(
            AttendPrefill {
                state: self.state.state,
                keys,
                values,
                qkv: self.state.qkv,
                y: self.state.attended,
                tokens: self.rows as u32,
                heads: self.config.heads as u32,
                group: (self.config.heads / self.config.kv_heads) as u32,
                dim4: (self.config.head_dim / 4) as u32,
                scale: (self.config.head_dim as f32).sqrt().recip(),
            },
            self.state.kv,
            Workgroups::Fixed(self.config.heads as u32, self.rows.div_ceil(8) as u32),
        );
    }

    fn tap(&mut self, i: usize) {
        if let Some((_, kept)) = self.taps.iter().find(|(layer, _)| *layer == i) {
            self.recording.push(
                Tap { state: self.state.state, x: self.state.x, kept: *kept, cols4: (self.config.hidden / 4) as u32 },
                Workgroups::Fixed(self.rows as u32, 1),
            );
        }
    }
}
