//! Cases of the WASM layers' kernels, three layers at once.

use rand::Rng;

use super::{Case, Kind, Sizes};
use crate::kernels::{LayerAttend, LayerFocus, LayerGather, LayerLinear, LayerTap};
use crate::recording::{Slice, Workgroups};

const LAYERS: usize = 3;

impl Case {
    /// Rows after an offset, as the context holds a question after what came before.
    pub(super) fn layer_tap(&mut self, s: &Sizes) {
        let cols = s.blocks * 32;
        let x = self.floats((s.position + s.tokens) * cols);
        let weights = self.floats(4 + 2 * cols);
        let y = self.floats(8 + s.tokens * cols);
        self.output(y, Kind::Floats);
        let kernel = LayerTap {
            x,
            weights,
            y,
            rows: s.tokens as u32,
            cols4: cols as u32 / 4,
            x_first: (s.position * cols / 4) as u32,
            y_first: 2,
            mean_first: 1,
            scale_first: 1 + cols as u32 / 4,
            bound: 0.75,
            eps: 1e-6,
        };
        self.recording.push(kernel, Workgroups::Fixed(s.tokens as u32, 1));
    }

    /// Stored with an index a layer, then added with a shared one.
    pub(super) fn layer_gather(&mut self, s: &Sizes) {
        let (cols, terms) = (s.dim4 * 4, 3);
        let table = self.floats(4 + LAYERS * s.rows * cols);
        let numbers = (0..LAYERS * s.tokens * terms + 1)
            .map(|i| match i % 5 {
                4 => LayerGather::NONE,
                _ => self.random.random_range(0..s.rows as u32),
            })
            .collect::<Vec<_>>();
        let index = self.padded(numbers);
        for accumulate in 0..2 {
            let y = self.floats(8 + LAYERS * s.tokens * cols);
            self.output(y, Kind::Floats);
            let kernel = LayerGather {
                index,
                table,
                y,
                rows: s.tokens as u32,
                cols4: s.dim4 as u32,
                terms: terms as u32,
                index_first: 1,
                index_layer: (1 - accumulate) * (s.tokens * terms) as u32,
                table_first: 1,
                table_layer: (s.rows * cols / 4) as u32,
                y_first: 2,
                y_layer: (s.tokens * cols / 4) as u32,
                accumulate,
            };
            self.recording.push(kernel, Workgroups::Fixed(s.tokens as u32, LAYERS as u32));
        }
    }

    /// Every epilogue, with and without norm and bias.
    pub(super) fn layer_linear(&mut self, s: &Sizes) {
        let (cols, outputs) = ((s.blocks * 32).min(LayerLinear::WIDEST), s.rows);
        let x = self.floats(4 + LAYERS * s.tokens * (cols + 8));
        let w = self.floats(4 + LAYERS * 2 * outputs * cols);
        let small = (8 + cols + outputs).next_multiple_of(4);
        let weights = self.floats(LAYERS * small);
        let epilogues = if self.timed { 0..1 } else { 0..4 };
        for epilogue in epilogues {
            let stride = outputs + 3;
            let y = self.floats(5 + LAYERS * s.tokens * stride);
            self.output(y, Kind::Floats);
            let kernel = LayerLinear {
                x,
                w,
                weights,
                y,
                outputs: outputs as u32,
                cols4: cols as u32 / 4,
                tiles: LayerLinear::tiles(outputs),
                w_first: 1,
                w_layer: (2 * outputs * cols / 4) as u32,
                bias_first: 4 + cols as u32,
                gain_first: 1,
                gate_first: 2,
                small_layer: small as u32,
                x_first: 1,
                x_stride: (cols + 8) as u32 / 4,
                x_layer: (s.tokens * (cols + 8)) as u32 / 4,
                y_first: 5,
                y_stride: stride as u32,
                y_layer: (s.tokens * stride) as u32,
                norm: u32::from(epilogue != 1),
                biased: u32::from(epilogue == 0 || epilogue == 3),
                epilogue,
                eps: 1e-6,
            };
            self.recording.push(kernel, kernel.workgroups(s.tokens, LAYERS));
        }
        self.flops = 2 * (LAYERS * s.tokens * outputs * cols) as u64;
    }

    /// Over all keys, then over those that a table lists, queries and keys in one buffer as where a beam sees its past.
    pub(super) fn layer_attend(&mut self, s: &Sizes) {
        let (dim, heads) = ((s.dim4 * 4).min(64), s.heads);
        let (keys, width) = (s.rows, s.heads * dim);
        let stride = 3 * width;
        let kv = self.floats(LAYERS * keys.max(s.tokens) * stride);
        let table_stride = 1 + 5.min(keys);
        let listed: Vec<u32> = (0..LAYERS * s.tokens * table_stride)
            .map(|i| match i % table_stride {
                0 => self.random.random_range(1..table_stride as u32),
                _ => self.random.random_range(0..keys as u32),
            })
            .collect();
        let table = self.padded(listed);
        for listed in 0..2 {
            let y = self.floats(1 + LAYERS * s.tokens * width);
            self.output(y, Kind::Floats);
            let kernel = LayerAttend {
                table,
                q: kv,
                kv,
                y,
                rows: s.tokens as u32,
                dim: dim as u32,
                heads: heads as u32,
                count: keys as u32,
                table_stride: listed * table_stride as u32,
                table_layer: (s.tokens * table_stride) as u32,
                q_first: 0,
                q_stride: stride as u32,
                q_layer: (keys.max(s.tokens) * stride) as u32,
                k_first: width as u32,
                v_first: 2 * width as u32,
                kv_stride: stride as u32,
                kv_layer: (keys.max(s.tokens) * stride) as u32,
                y_first: 1,
                y_stride: width as u32,
                y_layer: (s.tokens * width) as u32,
                scale: 0.125,
            };
            self.recording.push(kernel, kernel.workgroups(LAYERS));
        }
        self.flops = 8 * (LAYERS * s.tokens * keys * width) as u64;
    }

    /// Stored, then added to what is there.
    pub(super) fn layer_focus(&mut self, s: &Sizes) {
        let (dim, heads) = ((s.dim4 * 4).min(64), s.heads);
        let (keys, width) = (s.rows, s.heads * dim);
        let q = self.floats(4 + LAYERS * s.tokens * width);
        let k = self.floats(LAYERS * keys * 2 * width);
        for accumulate in 0..2 {
            let y = self.floats(3 + LAYERS * s.tokens * keys);
            self.output(y, Kind::Floats);
            let kernel = LayerFocus {
                q,
                k,
                y,
                rows: s.tokens as u32,
                dim: dim as u32,
                heads: heads as u32,
                count: keys as u32,
                q_first: 4,
                q_stride: width as u32,
                q_layer: (s.tokens * width) as u32,
                k_first: 0,
                k_stride: 2 * width as u32,
                k_layer: (keys * 2 * width) as u32,
                y_first: 3,
                y_stride: keys as u32,
                y_layer: (s.tokens * keys) as u32,
                accumulate,
                scale: 0.125,
                share: 0.5,
            };
            self.recording.push(kernel, Workgroups::Fixed(s.tokens as u32, LAYERS as u32));
        }
        self.flops = 2 * (LAYERS * s.tokens * keys * width) as u64;
    }

    fn padded(&mut self, mut words: Vec<u32>) -> Slice {
        words.resize(words.len().next_multiple_of(4), 0);
        self.words(words)
    }
}
