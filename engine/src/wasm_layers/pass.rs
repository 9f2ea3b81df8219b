//! Recordings of the WASM layers' kernels, every dispatch for all layers at once.

use crate::kernels::{LayerAttend, LayerFocus, LayerGather, LayerLinear};
use crate::recording::{Recording, Slice, Workgroups};

/// WebGPU's limit for workgroups along one dimension.
const MOST_GROUPS: usize = 65_535;

/// Rows of every layer in a buffer; all in floats.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows {
    pub(super) slice: Slice,
    /// Where the first layer's first row starts.
    pub(super) first: usize,
    /// From one row to the next.
    pub(super) stride: usize,
    /// From one layer to the next.
    pub(super) layer: usize,
}

impl Rows {
    /// Rows of `width` floats, `rows` a layer, from the buffer's start.
    pub(super) fn new(slice: Slice, rows: usize, width: usize) -> Self {
        Self { slice, first: 0, stride: width, layer: rows * width }
    }

    /// These from row `row` on.
    pub(super) fn from(self, row: usize) -> Self {
        Self { first: self.first + row * self.stride, ..self }
    }

    /// These from column `col` on.
    pub(super) fn column(self, col: usize) -> Self {
        Self { first: self.first + col, ..self }
    }
}

/// What a product does with its result.
#[derive(Debug, Clone, Copy)]
pub(super) enum Epilogue {
    /// Stores it.
    Store,
    /// Adds it to what is there.
    Add,
    /// SwiGLU over outputs that alternate gate, up.
    SwiGlu,
    /// Adds it times the hyperbolic tangent of the weight at this place.
    Gated(usize),
}

/// A product with weights of a layer's block, each given by its place there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Linear {
    pub(super) weight: usize,
    /// Values of a row of the result.
    pub(super) outputs: usize,
    /// Gain of an RMSNorm of the input.
    pub(super) norm: Option<usize>,
    pub(super) bias: Option<usize>,
    pub(super) epilogue: Epilogue,
}

impl Linear {
    /// No more than a product.
    pub(super) fn new(weight: usize, outputs: usize) -> Self {
        Self { weight, outputs, norm: None, bias: None, epilogue: Epilogue::Store }
    }

    pub(super) fn norm(self, gain: usize) -> Self {
        Self { norm: Some(gain), ..self }
    }

    pub(super) fn bias(self, bias: usize) -> Self {
        Self { bias: Some(bias), ..self }
    }

    pub(super) fn epilogue(self, epilogue: Epilogue) -> Self {
        Self { epilogue, ..self }
    }
}

/// Row numbers for a sum of table rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Index {
    pub(super) slice: Slice,
    /// Where they start, in words.
    pub(super) first: usize,
    /// Words a layer; 0 where all share them.
    pub(super) layer: usize,
    /// Row numbers a row.
    pub(super) terms: usize,
}

/// A recording in the making.
pub(super) struct Pass {
    pub(super) weights: Slice,
    /// Floats of a layer's block of weights.
    pub(super) block: usize,
    pub(super) layers: usize,
    pub(super) heads: usize,
    /// A WASM layer's width.
    pub(super) width: usize,
    pub(super) eps: f32,
    pub(super) recording: Recording,
}

impl Pass {
    /// y = epilogue(W norm(x) + b) over `rows` rows of `cols` values.
    pub(super) fn linear(&mut self, rows: usize, x: Rows, cols: usize, y: Rows, linear: Linear) {
        let w = Rows { slice: self.weights, first: linear.weight, stride: cols, layer: self.block };
        self.product(rows, x, w, y, linear);
    }

    /// y = W x, where W, [outputs, its stride], is in any buffer.
    pub(super) fn product(&mut self, rows: usize, x: Rows, w: Rows, y: Rows, linear: Linear) {
        let tiles = LayerLinear::tiles(linear.outputs);
        let (epilogue, gate) = match linear.epilogue {
            Epilogue::Store => (0, 0),
            Epilogue::Add => (1, 0),
            Epilogue::SwiGlu => (2, 0),
            Epilogue::Gated(at) => (3, at),
        };
        let at_once = (MOST_GROUPS / tiles.max(1) as usize).max(1);
        for first in (0..rows).step_by(at_once) {
            let (x, y) = (x.from(first), y.from(first));
            let kernel = LayerLinear {
                x: x.slice,
                w: w.slice,
                weights: self.weights,
                y: y.slice,
                outputs: linear.outputs as u32,
                cols4: (w.stride / 4) as u32,
                tiles,
                w_first: (w.first / 4) as u32,
                w_layer: (w.layer / 4) as u32,
                bias_first: linear.bias.unwrap_or(0) as u32,
                gain_first: (linear.norm.unwrap_or(0) / 4) as u32,
                gate_first: gate as u32,
                small_layer: self.block as u32,
                x_first: (x.first / 4) as u32,
                x_stride: (x.stride / 4) as u32,
                x_layer: (x.layer / 4) as u32,
                y_first: y.first as u32,
                y_stride: y.stride as u32,
                y_layer: y.layer as u32,
                norm: u32::from(linear.norm.is_some()),
                biased: u32::from(linear.bias.is_some()),
                epilogue,
                eps: self.eps,
            };
            self.recording.push(kernel, kernel.workgroups((rows - first).min(at_once), self.layers));
        }
    }

    /// y = sum of the table's rows that `index` lists, or added to y. Rows lie one behind the other, both in `table` and in `y`.
    pub(super) fn gather(&mut self, rows: usize, index: Index, table: Rows, y: Rows, accumulate: bool) {
        let kernel = LayerGather {
            index: index.slice,
            table: table.slice,
            y: y.slice,
            rows: rows as u32,
            cols4: (self.width / 4) as u32,
            terms: index.terms as u32,
            index_first: index.first as u32,
            index_layer: index.layer as u32,
            table_first: (table.first / 4) as u32,
            table_layer: (table.layer / 4) as u32,
            y_first: (y.first / 4) as u32,
            y_layer: (y.layer / 4) as u32,
            accumulate: u32::from(accumulate),
        };
        self.recording.push(kernel, Workgroups::Fixed(rows as u32, self.layers as u32));
    }

    /// Attention of `rows` queries over keys and values in one buffer, from `k` and `v` on: all `count` of them.
    pub(super) fn attend(&mut self, rows: usize, count: usize, q: Rows, k: Rows, v: Rows, y: Rows) {
        let table = Index { slice: self.weights, first: 0, layer: 0, terms: 0 };
        self.attend_listed(rows, count, table, q, k, v, y);
    }

    /// The same over those that a table lists for each row: `terms` words a row, of which the first counts the others.
    #[allow(clippy::too_many_arguments, reason = "attention has this many operands")]
    pub(super) fn attend_listed(
        &mut self,
        rows: usize,
        count: usize,
        table: Index,
        q: Rows,
        k: Rows,
        v: Rows,
        y: Rows,
    ) {
        let dim = self.width / self.heads;
        let kernel = LayerAttend {
            table: table.slice,
            q: q.slice,
            kv: k.slice,
            y: y.slice,
            rows: rows as u32,
            dim: dim as u32,
            heads: self.heads as u32,
            count: count as u32,
            table_stride: table.terms as u32,
            table_layer: table.layer as u32,
            q_first: q.first as u32,
            q_stride: q.stride as u32,
            q_layer: q.layer as u32,
            k_first: k.first as u32,
            v_first: v.first as u32,
            kv_stride: k.stride as u32,
            kv_layer: k.layer as u32,
            y_first: y.first as u32,
            y_stride: y.stride as u32,
            y_layer: y.layer as u32,
            scale: (dim as f32).sqrt().recip(),
        };
        self.recording.push(kernel, kernel.workgroups(self.layers));
    }

    /// The weights of that attention, the mean over heads times `share`; added to y where `accumulate`.
    pub(super) fn focus(
        &mut self,
        rows: usize,
        count: usize,
        (q, k, y): (Rows, Rows, Rows),
        share: f32,
        accumulate: bool,
    ) {
        let dim = self.width / self.heads;
        let kernel = LayerFocus {
            q: q.slice,
            k: k.slice,
            y: y.slice,
            rows: rows as u32,
            dim: dim as u32,
            heads: self.heads as u32,
            count: count as u32,
            q_first: q.first as u32,
            q_stride: q.stride as u32,
            q_layer: q.layer as u32,
            k_first: k.first as u32,
            k_stride: k.stride as u32,
            k_layer: k.layer as u32,
            y_first: y.first as u32,
            y_stride: y.stride as u32,
            y_layer: y.layer as u32,
            accumulate: u32::from(accumulate),
            scale: (dim as f32).sqrt().recip(),
            share,
        };
        self.recording.push(kernel, Workgroups::Fixed(rows as u32, self.layers as u32));
    }

    /// The weights as a table of rows, from a place in a layer's block on.
    pub(super) fn table(&self, first: usize) -> Rows {
        Rows { slice: self.weights, first, stride: self.width, layer: self.block }
    }
}
