//! Rows of weights times activations.

use bytemuck::Zeroable;

use super::activations::{Step, Tile, quantise};
use super::floats;
use super::formats::{self, Format, Kind};
use super::lanes::{Lanes, Portable};
use super::threads::for_each_piece;
use crate::loader::DType;
use crate::loader::planes::{group_blocks, plane_sizes, quant_words, scale_words, unpack};

/// A piece of a matrix: planes, and blocks of 32 columns a row.
#[derive(Clone, Copy)]
pub(super) struct Planes<'a> {
    pub(super) dtype: DType,
    pub(super) quants: &'a [u32],
    pub(super) scales: &'a [u32],
    pub(super) blocks: usize,
}

/// Rows handled by a core at a time.
pub(super) const ROWS: usize = 32;
/// Tokens that share the widening of a row.
const TOKENS: usize = 8;
/// Blocks of a row taken at a time where there are many tokens: their activations stay in a core's first cache.
const CHUNK: usize = 32;

impl Planes<'_> {
    /// Whether the planes hold `rows` rows.
    pub(super) fn hold(&self, rows: usize) -> bool {
        let blocks = rows.checked_mul(self.blocks).filter(|blocks| *blocks < 1 << 40);
        let sizes = blocks.map(|blocks| plane_sizes(self.dtype, blocks));
        sizes.is_some_and(|sizes| 4 * self.quants.len() >= sizes.quants && 4 * self.scales.len() >= sizes.scales)
    }

    /// Products of rows of W with each token of `x` [tokens, cols], for [`ROWS`] rows at a time [tokens, rows].
    pub(super) fn times(self, x: &[f32], products: &mut [f32]) {
        match self.dtype {
            DType::F32 | DType::F16 | DType::BF16 => floats::times(self, x, products),
            DType::Q4_0 => self.best::<formats::Q4_0>(x, products),
            DType::Q4_1 => self.best::<formats::Q4_1>(x, products),
            DType::Q5_0 => self.best::<formats::Q5_0>(x, products),
            DType::Q5_1 => self.best::<formats::Q5_1>(x, products),
            DType::Q8_0 => self.best::<formats::Q8_0>(x, products),
            DType::Q4_K => self.best::<formats::Q4_K>(x, products),
            DType::Q5_K => self.best::<formats::Q5_K>(x, products),
            DType::Q6_K => self.best::<formats::Q6_K>(x, products),
        }
    }

    /// Row `row` as floats.
    pub(super) fn row(&self, row: usize, values: &mut [f32]) {
        for (b, values) in values.chunks_exact_mut(32).enumerate() {
            values.copy_from_slice(&unpack(self.dtype, self.quants, self.scales, row * self.blocks + b));
        }
    }

    /// On the widest vectors that this machine has.
    #[cfg(target_arch = "x86_64")]
    fn best<F: Format>(self, x: &[f32], products: &mut [f32])
    where
        F::Kind: Kind<Portable> + Kind<super::lanes::V3>,
    {
        match super::lanes::V3::try_new() {
            Some(lanes) => self.with::<_, F>(lanes, x, products),
            None => self.with::<_, F>(Portable, x, products),
        }
    }

    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    fn best<F: Format>(self, x: &[f32], products: &mut [f32])
    where
        F::Kind: Kind<super::lanes::Simd128>,
    {
        self.with::<_, F>(super::lanes::Simd128, x, products);
    }

    #[cfg(not(any(target_arch = "x86_64", all(target_arch = "wasm32", target_feature = "simd128"))))]
    fn best<F: Format>(self, x: &[f32], products: &mut [f32])
    where
        F::Kind: Kind<Portable>,
    {
        self.with::<_, F>(Portable, x, products);
    }

    fn with<L: Lanes, F: Format>(self, lanes: L, x: &[f32], products: &mut [f32])
    where
        F::Kind: Kind<L>,
    {
        let cols = 32 * self.blocks;
        if x.len() == cols {
            self.tiles::<L, F, 1>(lanes, x, products);
        } else {
            self.tiles::<L, F, TOKENS>(lanes, x, products);
        }
    }

    fn tiles<L: Lanes, F: Format, const T: usize>(self, lanes: L, x: &[f32], products: &mut [f32])
    where
        F::Kind: Kind<L>,
    {
        let cols = 32 * self.blocks;
        let tokens = x.len() / cols;
        let tiles = lanes.run(
            #[inline(always)]
            || quantise::<L, F::Kind, T>(x, cols, F::OFFSETS),
        );
        for_each_piece(products, ROWS * tokens, |i, products| {
            lanes.run(
                #[inline(always)]
                || {
                    let mut rows = Rows::<L, F, T>::new(lanes, self, tokens);
                    rows.times(i * ROWS, &tiles, products);
                },
            );
        });
    }
}

/// The scales and upper bits of one step of a row.
#[derive(Clone, Copy)]
struct Weights<L: Lanes, K: Kind<L>> {
    scale: L::Scales,
    high: K::High,
}

/// Some rows of a quantised matrix at work.
struct Rows<'a, L: Lanes, F: Format, const T: usize>
where
    F::Kind: Kind<L>,
{
    lanes: L,
    planes: Planes<'a>,
    tokens: usize,
    /// Decoded scales of a chunk of each row.
    weights: Vec<Weights<L, F::Kind>>,
    /// Decoded offsets of a chunk of each row.
    offsets: Vec<L::Scales>,
    chunk: usize,
}

impl<'a, L: Lanes, F: Format, const T: usize> Rows<'a, L, F, T>
where
    F::Kind: Kind<L>,
{
    const STEP: usize = <F::Kind as Kind<L>>::STEP;

    #[inline(always)]
    fn new(lanes: L, planes: Planes<'a>, tokens: usize) -> Self {
        // One token: a whole row, then the next. Many: a chunk of all rows.
        let (chunk, rows) = if T == 1 { (planes.blocks, 1) } else { (CHUNK.min(planes.blocks), ROWS) };
        let weights = Weights { scale: L::Scales::zeroed(), high: Default::default() };
        Self {
            lanes,
            planes,
            tokens,
            weights: vec![weights; rows * chunk.div_ceil(Self::STEP)],
            offsets: vec![L::Scales::zeroed(); rows * (chunk * F::OFFSETS).div_ceil(4 * L::BLOCKS)],
            chunk,
        }
    }

    /// `products` [tokens, rows] of rows from `first` on.
    #[inline(always)]
    fn times(&mut self, first: usize, tiles: &[Tile<L, F::Kind, T>], products: &mut [f32]) {
        let count = products.len() / self.tokens;
        if T == 1 {
            for (r, product) in products.iter_mut().enumerate() {
                self.decode(0, first + r, 0, self.planes.blocks);
                [*product] =
                    self.dots(0, first + r, 0, self.planes.blocks, &tiles[0]).first_chunk().map_or([0.0], |v| *v);
            }
            return;
        }
        products.fill(0.0);
        for start in (0..self.planes.blocks).step_by(self.chunk) {
            let blocks = self.chunk.min(self.planes.blocks - start);
            for r in 0..count {
                self.decode(r, first + r, start, blocks);
            }
            for (tile, products) in tiles.iter().zip(products.chunks_mut(T * count)) {
                for r in 0..count {
                    let dots = self.dots(r, first + r, start, blocks, tile);
                    for (product, dot) in products[r..].iter_mut().step_by(count).zip(dots) {
                        *product += dot;
                    }
                }
            }
        }
    }

    /// Decodes `blocks` blocks' scales of row `row` from block `start` on, to place `place`.
    #[inline(always)]
    fn decode(&mut self, place: usize, row: usize, start: usize, blocks: usize) {
        let (group, words) = (const { group_blocks(F::DTYPE) }, const { scale_words(F::DTYPE) });
        let steps = self.chunk.div_ceil(Self::STEP);
        let vectors = (self.chunk * F::OFFSETS).div_ceil(4 * L::BLOCKS);
        let weights = &mut self.weights[place * steps..][..blocks.div_ceil(Self::STEP)];
        let offsets: &mut [f32] = bytemuck::cast_slice_mut(&mut self.offsets[place * vectors..][..vectors]);
        let first = row * self.planes.blocks + start;
        let (from, to) = (first / group, (first + blocks).div_ceil(group));
        let scales = &self.planes.scales[from * words..to * words];
        for (g, words) in scales.chunks_exact(words).enumerate() {
            let decoded = F::group(words);
            for j in 0..group {
                // Wraps where the group begins before the row does.
                let b = ((from + g) * group + j).wrapping_sub(first);
                if b >= blocks {
                    continue;
                }
                let step = &mut weights[b / Self::STEP];
                let [s, t] = decoded.scale[j];
                let scales: &mut [[f32; 4]] = step.scale.as_mut();
                match Self::STEP {
                    1 if L::BLOCKS > 1 => scales.fill([s; 4]),
                    _ => scales[b % Self::STEP] = [s, s, t, t],
                }
                F::Kind::set_high(&mut step.high, b % Self::STEP, decoded.high[j]);
                for part in 0..F::OFFSETS {
                    offsets[b * F::OFFSETS + part] = decoded.offset[j][part];
                }
            }
        }
    }

    /// A chunk of row `row`, decoded at `place`, times each token of a tile.
    #[inline(always)]
    fn dots(&self, place: usize, row: usize, start: usize, blocks: usize, tile: &Tile<L, F::Kind, T>) -> [f32; T] {
        let l = self.lanes;
        let words = const { quant_words(F::DTYPE) };
        let (steps, count) = (self.chunk.div_ceil(Self::STEP), blocks.div_ceil(Self::STEP));
        let weights = &self.weights[place * steps..][..count];
        let x = &tile.steps[start / Self::STEP..][..count];
        let quants = &self.planes.quants[(row * self.planes.blocks + start) * words..][..blocks * words];
        let whole = blocks / Self::STEP;
        let (quants, rest) = quants.split_at(whole * Self::STEP * words);
        let quants: &[<F::Kind as Kind<L>>::Quants] = bytemuck::cast_slice(quants);
        let mut sums = [l.zero(); T];
        for ((quants, weights), x) in quants.iter().zip(weights).zip(x) {
            self.step(quants, weights, x, &mut sums);
        }
        if let ([weights], [x]) = (&weights[whole..], &x[whole..]) {
            let mut quants = <F::Kind as Kind<L>>::Quants::zeroed();
            bytemuck::cast_slice_mut(std::slice::from_mut(&mut quants))[..rest.len()].copy_from_slice(rest);
            self.step(&quants, weights, x, &mut sums);
        }
        if F::OFFSETS > 0 {
            let lanes = 4 * L::BLOCKS;
            let vectors = (self.chunk * F::OFFSETS).div_ceil(lanes);
            let count = (blocks * F::OFFSETS).div_ceil(lanes);
            let offsets = &self.offsets[place * vectors..][..count];
            let x = &tile.sums[start * F::OFFSETS / lanes..][..count];
            for (offset, x) in offsets.iter().zip(x) {
                let offset = l.floats(offset);
                for (sum, x) in sums.iter_mut().zip(x) {
                    *sum = l.mul_add(offset, l.floats(x), *sum);
                }
            }
        }
        sums.map(
            #[inline(always)]
            |sum| l.total(sum),
        )
    }

    #[inline(always)]
    fn step(
        &self,
        quants: &<F::Kind as Kind<L>>::Quants,
        weights: &Weights<L, F::Kind>,
        x: &[Step<L, F::Kind>; T],
        sums: &mut [L::Floats; T],
    ) {
        let l = self.lanes;
        let wide = F::Kind::widen(l, quants, &weights.high);
        let scale = l.floats(&weights.scale);
        for (sum, x) in sums.iter_mut().zip(x) {
            let dot = l.to_floats(F::Kind::dot(l, wide, &x.q));
            *sum = l.mul_add(dot, l.mul(scale, l.floats(&x.scale)), *sum);
        }
    }
}

#[cfg(test)]
#[path = "product_tests.rs"]
mod tests;
