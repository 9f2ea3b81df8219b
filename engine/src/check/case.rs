//! A call of each kernel with made-up inputs.

mod inputs;
mod layers;
mod sampling;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::Size;
use crate::kernels::{
    AttendMerge, AttendPrefill, AttendSplit, Embed, Glu, Matmul, Matvec, Rmsnorm, RopeCache, Stem, Tap, Variant,
};
use crate::loader::DType;
use crate::model::KvType;
use crate::recording::{Recording, Run, Workgroups};

/// How an output is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Floats,
    Halves,
    Words,
    /// So many floats with a place each, then two floats.
    Ranked(usize),
}

/// One call with its inputs.
pub(super) struct Case {
    /// The buffers' first contents; the recording numbers them from 0.
    pub(super) buffers: Vec<Vec<u32>>,
    pub(super) recording: Recording,
    pub(super) run: Run,
    /// Buffers to compare, and how.
    pub(super) outputs: Vec<usize>,
    pub(super) exact: Vec<Kind>,
    pub(super) tolerance: f64,
    pub(super) flops: u64,
    pub(super) bytes: u64,
    pub(super) timed: bool,
    random: ChaCha8Rng,
}

/// Sizes that a case draws on.
struct Sizes {
    rows: usize,
    blocks: usize,
    tokens: usize,
    heads: usize,
    kv_heads: usize,
    dim4: usize,
    position: usize,
    vocab: usize,
}

impl Sizes {
    fn new(size: Size, dtype: Option<DType>) -> Self {
        let mut sizes = match size {
            Size::Small => {
                Self { rows: 70, blocks: 8, tokens: 37, heads: 6, kv_heads: 2, dim4: 16, position: 300, vocab: 5000 }
            }
            Size::Large => Self {
                rows: 4096,
                blocks: 32,
                tokens: 128,
                heads: 16,
                kv_heads: 8,
                dim4: 32,
                position: 1000,
                vocab: 151_936,
            },
            Size::Odd(seed) => {
                let mut random = ChaCha8Rng::seed_from_u64(seed);
                let kv_heads = random.random_range(1..4);
                Self {
                    rows: random.random_range(1..150),
                    blocks: random.random_range(1..70),
                    tokens: random.random_range(1..75),
                    heads: kv_heads * random.random_range(1..5),
                    kv_heads,
                    dim4: 2 * random.random_range(1..17),
                    position: random.random_range(0..700),
                    vocab: random.random_range(1..9000),
                }
            }
        };
        if dtype.is_some_and(|dtype| dtype.block_values() == 256) {
            sizes.blocks = sizes.blocks.next_multiple_of(8);
        }
        sizes
    }
}

impl Case {
    pub(super) fn new(variant: &Variant, size: Size) -> Self {
        let mut case = Self {
            buffers: Vec::new(),
            recording: Recording::default(),
            run: Run::default(),
            outputs: Vec::new(),
            exact: Vec::new(),
            tolerance: 1e-4,
            flops: 0,
            bytes: 0,
            timed: size == Size::Large,
            random: ChaCha8Rng::seed_from_u64(if let Size::Odd(seed) = size { seed } else { 7 }),
        };
        let sizes = Sizes::new(size, variant.weights);
        let dtype = variant.weights.unwrap_or(DType::F32);
        let kv = variant.kv.unwrap_or(KvType::F32);
        match variant.stem {
            Stem::Embed => case.embed(&sizes, dtype),
            Stem::Rmsnorm => case.rmsnorm(&sizes),
            Stem::Matvec => case.matvec(&sizes, dtype, variant.software),
            Stem::Matmul => case.matmul(&sizes, dtype),
            Stem::Glu => case.glu(&sizes),
            Stem::RopeCache => case.rope_cache(&sizes, kv),
            Stem::AttendSplit => case.attend_split(&sizes, kv),
            Stem::AttendMerge => case.attend_merge(&sizes),
            Stem::AttendPrefill => case.attend_prefill(&sizes, kv),
            Stem::Tap => case.tap(&sizes),
            Stem::ArgmaxPartial => case.argmax_partial(&sizes),
            Stem::ArgmaxFinal => case.argmax_final(&sizes),
            Stem::Penalise => case.penalise(&sizes),
            Stem::TopkPartial => case.topk_partial(&sizes),
            Stem::TopkFinal => case.topk_final(&sizes),
            Stem::LayerTap => case.layer_tap(&sizes),
            Stem::LayerGather => case.layer_gather(&sizes),
            Stem::LayerLinear => case.layer_linear(&sizes),
            Stem::LayerAttend => case.layer_attend(&sizes),
            Stem::LayerFocus => case.layer_focus(&sizes),
        }
        case.bytes += case.buffers.iter().map(|buffer| 4 * buffer.len() as u64).sum::<u64>();
        case
    }

    fn embed(&mut self, s: &Sizes, dtype: DType) {
        let rows = s.rows + 1;
        let tokens: Vec<u32> = (0..s.tokens).map(|_| self.random.random_range(0..rows as u32 + 7)).collect();
        let state = self.state(0, s.tokens, &tokens);
        let (quants, scales) = self.weights(dtype, rows * s.blocks);
        let x = self.floats(s.tokens * s.blocks * 32);
        self.output(x, Kind::Floats);
        let kernel = Embed { state, quants, scales, x, first_row: 3, rows: rows as u32, blocks: s.blocks as u32 };
        self.recording.push_weights(kernel, dtype, Workgroups::Fixed(s.tokens as u32, 1));
    }

    fn rmsnorm(&mut self, s: &Sizes) {
        let x = self.floats(s.tokens * s.blocks * 32);
        let gain = self.floats(s.blocks * 32);
        let y = self.floats(s.tokens * s.blocks * 32);
        self.output(y, Kind::Floats);
        let kernel = Rmsnorm { x, gain, y, cols4: s.blocks as u32 * 8, eps: 1e-6 };
        self.recording.push(kernel, Workgroups::Fixed(s.tokens as u32, 1));
    }

    /// All that a product may fuse, in three calls: norm and bias stored, then added, then SwiGLU.
    fn matvec(&mut self, s: &Sizes, dtype: DType, software: bool) {
        let rows = s.rows * 2;
        let x = self.floats(s.blocks * 32 + 8);
        let gain = self.floats(s.blocks * 32);
        let (quants, scales) = self.weights(dtype, rows * s.blocks);
        let bias = self.floats(rows + 1);
        let epilogues = if self.timed { 0..1 } else { 0..3 };
        for epilogue in epilogues {
            let y = self.floats(rows + 5);
            self.output(y, Kind::Floats);
            let kernel = Matvec {
                x,
                gain,
                quants,
                scales,
                bias,
                y,
                rows: rows as u32,
                blocks: s.blocks as u32,
                x_first: 2,
                y_first: 5,
                bias_first: 1,
                lanes: Matvec::lanes_for(s.blocks, software),
                norm: u32::from(epilogue != 1),
                eps: 1e-6,
                biased: u32::from(epilogue == 0),
                epilogue,
            };
            self.recording.push_weights(kernel, dtype, kernel.workgroups());
        }
        self.flops = 2 * (rows * s.blocks * 32) as u64;
    }

    fn matmul(&mut self, s: &Sizes, dtype: DType) {
        let rows = s.rows * 2;
        let x = self.floats(s.tokens * s.blocks * 32);
        let (quants, scales) = self.weights(dtype, rows * s.blocks);
        let bias = self.floats(rows + 1);
        let epilogues = if self.timed { 0..1 } else { 0..3 };
        for epilogue in epilogues {
            let y = self.floats(s.tokens * (rows + 3));
            self.output(y, Kind::Floats);
            let kernel = Matmul {
                x,
                quants,
                scales,
                bias,
                y,
                tokens: s.tokens as u32,
                rows: rows as u32,
                blocks: s.blocks as u32,
                y_stride: rows as u32 + 3,
                y_first: 2,
                bias_first: 1,
                biased: u32::from(epilogue == 0),
                epilogue,
            };
            let workgroups = Workgroups::Fixed(rows.div_ceil(64) as u32, s.tokens.div_ceil(32) as u32);
            self.recording.push_weights(kernel, dtype, workgroups);
        }
        self.flops = 2 * (s.tokens * rows * s.blocks * 32) as u64;
    }

    fn glu(&mut self, s: &Sizes) {
        let cols = s.blocks * 32;
        let x = self.floats(2 * s.tokens * cols);
        let y = self.floats(s.tokens * cols);
        self.output(y, Kind::Floats);
        let kernel = Glu { x, y, rows: s.tokens as u32, cols4: cols as u32 / 4 };
        self.recording.push(kernel, Workgroups::Fixed((cols / 4).div_ceil(64) as u32, s.tokens as u32));
    }

    fn rope_cache(&mut self, s: &Sizes, kv: KvType) {
        let dim = s.dim4 * 4;
        let positions = s.position + s.tokens;
        let states = [self.state(s.position, s.tokens, &[]), self.branches(s.position, s.tokens)];
        let table = self.floats(positions * dim);
        let (q_gain, k_gain) = (self.floats(dim), self.floats(dim));
        for (state, norm) in states.into_iter().zip(0..) {
            let keys = self.cache(positions * s.kv_heads * dim, kv);
            let values = self.cache(positions * s.kv_heads * dim, kv);
            let qkv = self.floats(s.tokens * (s.heads + 2 * s.kv_heads) * dim);
            let kind = if kv == KvType::F16 { Kind::Halves } else { Kind::Floats };
            self.output(keys, kind);
            self.output(values, kind);
            self.output(qkv, Kind::Floats);
            let kernel = RopeCache {
                state,
                keys,
                values,
                table,
                q_gain,
                k_gain,
                qkv,
                heads: s.heads as u32,
                kv_heads: s.kv_heads as u32,
                dim4: s.dim4 as u32,
                norm,
                eps: 1e-6,
            };
            let workgroups = Workgroups::Fixed((s.heads + 2 * s.kv_heads) as u32, s.tokens as u32);
            self.recording.push_kv(kernel, kv, workgroups);
        }
        if kv == KvType::F16 {
            // A last bit of f16, where rounding falls the other way.
            self.tolerance = 1e-3;
        }
    }

    fn attend_split(&mut self, s: &Sizes, kv: KvType) {
        const SPLIT: usize = 128;
        let dim = s.dim4 * 4;
        let length = s.position + 1;
        let pieces = length.div_ceil(SPLIT) + 1;
        let state = self.state(s.position, 1, &[]);
        let keys = self.cache(length * s.kv_heads * dim, kv);
        let values = self.cache(length * s.kv_heads * dim, kv);
        let qkv = self.floats((s.heads + 2 * s.kv_heads) * dim);
        let pieces_out = self.words(vec![0; s.heads * pieces * (dim + 4)]);
        self.output(pieces_out, Kind::Floats);
        let kernel = AttendSplit {
            state,
            keys,
            values,
            qkv,
            pieces_out,
            heads: s.heads as u32,
            group: (s.heads / s.kv_heads) as u32,
            dim4: s.dim4 as u32,
            split: SPLIT as u32,
            pieces: pieces as u32,
            scale: 0.125,
        };
        self.run.positions = length as u32;
        self.recording.push_kv(kernel, kv, Workgroups::PerPiece(s.heads as u32, SPLIT as u32));
        self.flops = 4 * (s.heads * dim * length) as u64;
    }

    fn attend_merge(&mut self, s: &Sizes) {
        const SPLIT: usize = 128;
        let dim = s.dim4 * 4;
        let pieces = (s.position + 1).div_ceil(SPLIT) + 1;
        let state = self.state(s.position, 1, &[]);
        let mut words = Vec::new();
        for _ in 0..s.heads * pieces {
            words.extend((0..dim).map(|_| self.random.random_range(-1.0f32..1.0).to_bits()));
            words.extend(
                [self.random.random_range(-3.0f32..3.0), self.random.random_range(1.0..9.0), 0.0, 0.0]
                    .map(f32::to_bits),
            );
        }
        let pieces_in = self.words(words);
        let y = self.floats(s.heads * dim);
        self.output(y, Kind::Floats);
        let kernel =
            AttendMerge { state, pieces_in, y, dim4: s.dim4 as u32, split: SPLIT as u32, pieces: pieces as u32 };
        self.recording.push(kernel, Workgroups::Fixed(s.heads as u32, 1));
    }

    fn attend_prefill(&mut self, s: &Sizes, kv: KvType) {
        let dim = s.dim4 * 4;
        let position = s.position / 4;
        let length = position + s.tokens;
        let states = [self.state(position, s.tokens, &[]), self.branches(position, s.tokens)];
        let keys = self.cache(length * s.kv_heads * dim, kv);
        let values = self.cache(length * s.kv_heads * dim, kv);
        let qkv = self.floats(s.tokens * (s.heads + 2 * s.kv_heads) * dim);
        for state in states.into_iter().take(if self.timed { 1 } else { 2 }) {
            let y = self.floats(s.tokens * s.heads * dim);
            self.output(y, Kind::Floats);
            let kernel = AttendPrefill {
                state,
                keys,
                values,
                qkv,
                y,
                tokens: s.tokens as u32,
                heads: s.heads as u32,
                group: (s.heads / s.kv_heads) as u32,
                dim4: s.dim4 as u32,
                scale: 0.125,
            };
            self.recording.push_kv(kernel, kv, Workgroups::Fixed(s.heads as u32, s.tokens.div_ceil(8) as u32));
        }
        self.flops = 4 * (s.heads * dim * s.tokens * (position + s.tokens / 2)) as u64;
    }

    fn tap(&mut self, s: &Sizes) {
        let cols = s.blocks * 32;
        let state = self.state(s.position, s.tokens, &[]);
        let x = self.floats(s.tokens * cols);
        let kept = self.floats((s.position + s.tokens) * cols);
        self.output(kept, Kind::Words);
        let kernel = Tap { state, x, kept, cols4: cols as u32 / 4 };
        self.recording.push(kernel, Workgroups::Fixed(s.tokens as u32, 1));
    }
}
