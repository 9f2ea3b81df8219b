//! The steps of a forward pass, each as the kernel calls that it takes.

use super::state::SPLIT;
use super::weights::{GateUp, Layer, Matrix, Weights};
use super::{Config, RunState};
use crate::kernels::{AttendMerge, AttendPrefill, AttendSplit, Embed, Glu, Matmul, Matvec, Rmsnorm, RopeCache, Tap};
use crate::recording::{Recording, Slice, Workgroups};

/// What a product does with its result.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Epilogue {
    Store = 0,
    Add = 1,
    SwiGlu = 2,
}

/// Rows that follow each other in one text, and where they stand.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub(super) count: usize,
    /// The state words that tell their position and tokens.
    pub(super) words: Slice,
    pub(super) x: Slice,
    pub(super) qkv: Slice,
    pub(super) attended: Slice,
    /// Each layer's keys and values.
    pub(super) cache: &'a [(Slice, Slice)],
}

/// A recording in the making.
pub(super) struct Pass<'a> {
    pub(super) config: &'a Config,
    pub(super) state: &'a RunState,
    /// The layers whose residual stream is kept, and where.
    pub(super) taps: &'a [(usize, Slice)],
    pub(super) rows: Rows<'a>,
    pub(super) recording: Recording,
}

impl<'a> Pass<'a> {
    pub(super) fn new(config: &'a Config, state: &'a RunState, cache: &'a [(Slice, Slice)], rows: usize) -> Self {
        let RunState { state: words, x, qkv, attended, .. } = *state;
        let rows = Rows { count: rows, words, x, qkv, attended, cache };
        Self { config, state, taps: &[], rows, recording: Recording::default() }
    }

    /// Does some steps for each of several texts that have a row here, or for the rows of the one text.
    pub(super) fn each(&mut self, texts: &[Rows<'a>], steps: impl Fn(&mut Self)) {
        if texts.is_empty() {
            return steps(self);
        }
        let whole = self.rows;
        for rows in texts {
            self.rows = *rows;
            steps(self);
        }
        self.rows = whole;
    }

    pub(super) fn embed(&mut self, weights: &Weights) {
        for piece in &weights.embedding.pieces {
            self.recording.push_weights(
                Embed {
                    state: self.rows.words,
                    quants: piece.quants,
                    scales: piece.scales,
                    x: self.rows.x,
                    first_row: piece.first_row as u32,
                    rows: piece.rows as u32,
                    blocks: weights.embedding.blocks as u32,
                },
                weights.embedding.dtype,
                Workgroups::Fixed(self.rows.count as u32, 1),
            );
        }
    }

    #[allow(clippy::too_many_arguments, reason = "a product has this many operands")]
    pub(super) fn matvec(
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
    pub(super) fn matmul(
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
                    tokens: self.rows.count as u32,
                    rows: piece.rows as u32,
                    blocks: matrix.blocks as u32,
                    y_stride: y_stride as u32,
                    y_first: (y_first + to) as u32,
                    bias_first: piece.first_row as u32,
                    biased: u32::from(bias.is_some()),
                    epilogue: epilogue as u32,
                },
                matrix.dtype,
                Workgroups::Fixed(piece.rows.div_ceil(64) as u32, self.rows.count.div_ceil(32) as u32),
            );
        }
    }

    pub(super) fn gate_up_one(&mut self, layer: &Layer) {
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

    pub(super) fn gate_up_many(&mut self, weights: &GateUp) {
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

    pub(super) fn glu(&mut self) {
        let cols4 = (self.config.ffn / 4) as u32;
        self.recording.push(
            Glu { x: self.state.gate_up, y: self.state.activated, rows: self.rows.count as u32, cols4 },
            Workgroups::Fixed(cols4.div_ceil(64), self.rows.count as u32),
        );
    }

    pub(super) fn norm(&mut self, gain: Slice) {
        self.recording.push(
            Rmsnorm {
                x: self.state.x,
                gain,
                y: self.state.normed,
                cols4: (self.config.hidden / 4) as u32,
                eps: self.config.rms_eps,
            },
            Workgroups::Fixed(self.rows.count as u32, 1),
        );
    }

    pub(super) fn rope_cache(&mut self, layer: &Layer, i: usize) {
        let (keys, values) = self.rows.cache[i];
        let heads = self.config.heads + 2 * self.config.kv_heads;
        self.recording.push_kv(
            RopeCache {
                state: self.rows.words,
                keys,
                values,
                table: self.state.rope,
                q_gain: layer.q_norm.unwrap_or(self.state.nothing),
                k_gain: layer.k_norm.unwrap_or(self.state.nothing),
                qkv: self.rows.qkv,
                heads: self.config.heads as u32,
                kv_heads: self.config.kv_heads as u32,
                dim4: (self.config.head_dim / 4) as u32,
                norm: u32::from(layer.q_norm.is_some()),
                eps: self.config.rms_eps,
            },
            self.state.kv,
            Workgroups::Fixed(heads as u32, self.rows.count as u32),
        );
    }

    pub(super) fn attend_one(&mut self, i: usize) {
        let (keys, values) = self.rows.cache[i];
        let dim4 = (self.config.head_dim / 4) as u32;
        let pieces = self.state.context.div_ceil(SPLIT) as u32;
        let heads = self.config.heads as u32;
        self.recording.push_kv(
            AttendSplit {
                state: self.rows.words,
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
                state: self.rows.words,
                pieces_in: self.state.partial,
                y: self.state.attended,
                dim4,
                split: SPLIT as u32,
                pieces,
            },
            Workgroups::Fixed(heads, 1),
        );
    }

    pub(super) fn attend_many(&mut self, i: usize) {
        let (keys, values) = self.rows.cache[i];
        self.recording.push_kv(
            AttendPrefill {
                state: self.rows.words,
                keys,
                values,
                qkv: self.rows.qkv,
                y: self.rows.attended,
                tokens: self.rows.count as u32,
                heads: self.config.heads as u32,
                group: (self.config.heads / self.config.kv_heads) as u32,
                dim4: (self.config.head_dim / 4) as u32,
                scale: (self.config.head_dim as f32).sqrt().recip(),
            },
            self.state.kv,
            Workgroups::Fixed(self.config.heads as u32, self.rows.count.div_ceil(8) as u32),
        );
    }

    pub(super) fn tap(&mut self, i: usize) {
        if let Some((_, kept)) = self.taps.iter().find(|(layer, _)| *layer == i) {
            self.recording.push(
                Tap { state: self.rows.words, x: self.state.x, kept: *kept, cols4: (self.config.hidden / 4) as u32 },
                Workgroups::Fixed(self.rows.count as u32, 1),
            );
        }
    }
}
