//! Rows of weights times activations.

use std::marker::PhantomData;

use bytemuck::Zeroable;

use super::activations::{Step, Tile, quantise};
use super::floats;
use super::formats::{self, Format, Kind};
use super::lanes::Lanes;
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
use super::lanes::Portable;
#[cfg(target_arch = "x86_64")]
use super::lanes::{V3, V4};
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
        let blocks = rows.checked_mul(self.blocks).filter(|blocks| *blocks <= usize::MAX / 256);
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

    /// On the widest vectors that this machine has for one token, whose time goes into widening the weights (half as many
    /// tokens again are decoded a second); many tokens share that, and gain nothing by the slower wide units.
    #[cfg(target_arch = "x86_64")]
    fn best<F: Format>(self, x: &[f32], products: &mut [f32])
    where
        F::Kind: Kind<Portable> + Kind<V3> + Kind<V4>,
    {
        match (V4::try_new(), V3::try_new()) {
            (Some(lanes), _) if x.len() == 32 * self.blocks => self.with::<_, F>(lanes, x, products),
            (_, Some(lanes)) => self.with::<_, F>(lanes, x, products),
            (_, None) => self.with::<_, F>(Portable, x, products),
        }
    }

    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    fn best<F: Format>(self, x: &[f32], products: &mut [f32])
    where
        F::Kind: Kind<super::lanes::Simd128>,
    {
        self.with::<_, F>(super::lanes::Simd128::new(), x, products);
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
        let tiles = quantise::<L, F::Kind, T>(lanes, x, cols, F::SCALES);
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

/// Some rows of a quantised matrix at work, with room for what is decoded of them.
struct Rows<'a, L, F, const T: usize> {
    lanes: L,
    planes: Planes<'a>,
    tokens: usize,
    /// Blocks of a row that are taken at a time.
    chunk: usize,
    /// Blocks that each row has room for.
    room: usize,
    scales: Vec<f32>,
    offsets: Vec<f32>,
    high: Vec<u32>,
    format: PhantomData<F>,
}

impl<'a, L: Lanes, F: Format, const T: usize> Rows<'a, L, F, T>
where
    F::Kind: Kind<L>,
{
    const STEP: usize = <F::Kind as Kind<L>>::STEP;
    const GROUP: usize = group_blocks(F::DTYPE);
    const OFFSETS: usize = if F::ZERO.is_none() { 1 } else { 0 };

    #[inline(always)]
    fn new(lanes: L, planes: Planes<'a>, tokens: usize) -> Self {
        // One token: a whole row, then the next. Many: a chunk of all rows.
        let (chunk, rows) = if T == 1 { (planes.blocks, 1) } else { (CHUNK.min(planes.blocks), ROWS) };
        // Whole groups, of which the first may begin before the row does, and at the end a whole vector.
        let room = (chunk + Self::GROUP).next_multiple_of(8) + (4 * L::BLOCKS).max(8);
        Self {
            lanes,
            planes,
            tokens,
            chunk,
            room,
            scales: vec![0.0; rows * room * F::SCALES],
            offsets: vec![0.0; rows * room * Self::OFFSETS],
            high: vec![0; rows * room * F::HIGH],
            format: PhantomData,
        }
    }

    /// `products` [tokens, rows] of rows from `first` on.
    #[inline(always)]
    fn times(&mut self, first: usize, tiles: &[Tile<L, F::Kind, T>], products: &mut [f32]) {
        let count = products.len() / self.tokens;
        products.fill(0.0);
        for start in (0..self.planes.blocks).step_by(self.chunk) {
            let blocks = self.chunk.min(self.planes.blocks - start);
            if T == 1 {
                for (r, product) in products.iter_mut().enumerate() {
                    self.decode(0, first + r, start, blocks);
                    for dot in self.dots(0, first + r, start, blocks, &tiles[0]) {
                        *product = dot;
                    }
                }
                continue;
            }
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

    /// Decodes the scales of `blocks` blocks of row `row` from block `start` on, to place `place`.
    #[inline(always)]
    fn decode(&mut self, place: usize, row: usize, start: usize, blocks: usize) {
        let first = row * self.planes.blocks + start;
        let (from, to) = (first / Self::GROUP, (first + blocks).div_ceil(Self::GROUP));
        let words = const { scale_words(F::DTYPE) };
        let room = place * self.room..(place + 1) * self.room;
        F::decode(
            self.lanes,
            &self.planes.scales[from * words..to * words],
            &mut self.scales[room.start * F::SCALES..room.end * F::SCALES],
            &mut self.offsets[room.start * Self::OFFSETS..room.end * Self::OFFSETS],
            &mut self.high[room.start * F::HIGH..room.end * F::HIGH],
        );
    }

    /// A chunk of row `row`, decoded at `place`, times each token of a tile.
    #[inline(always)]
    fn dots(&self, place: usize, row: usize, start: usize, blocks: usize, tile: &Tile<L, F::Kind, T>) -> [f32; T] {
        let l = self.lanes;
        let words = const { quant_words(F::DTYPE) };
        let first = row * self.planes.blocks + start;
        let (whole, count) = (blocks / Self::STEP, blocks.div_ceil(Self::STEP));
        let decoded = place * self.room + first % Self::GROUP;
        let scales = &self.scales[decoded * F::SCALES..][..count * Self::STEP * F::SCALES];
        let scales: &[<F::Kind as Kind<L>>::Scales] = bytemuck::cast_slice(scales);
        let high = &self.high[decoded * F::HIGH..][..count * Self::STEP * F::HIGH];
        let x = &tile.steps[start / Self::STEP..][..count];
        let (quants, rest) = self.planes.quants[first * words..][..blocks * words].split_at(whole * Self::STEP * words);
        let quants: &[<F::Kind as Kind<L>>::Quants] = bytemuck::cast_slice(quants);
        let mut sums = [l.splat(0.0); T];
        if F::HIGH == 0 {
            for ((quants, scale), x) in quants.iter().zip(scales).zip(x) {
                self.step(quants, &Zeroable::zeroed(), scale, x, &mut sums);
            }
        } else {
            let high: &[<F::Kind as Kind<L>>::High] = bytemuck::cast_slice(high);
            for (((quants, high), scale), x) in quants.iter().zip(high).zip(scales).zip(x) {
                self.step(quants, high, scale, x, &mut sums);
            }
        }
        if whole < count {
            // The second block of the last step is not there: its activations are zeros.
            let mut quants = <F::Kind as Kind<L>>::Quants::zeroed();
            bytemuck::cast_slice_mut(std::slice::from_mut(&mut quants))[..rest.len()].copy_from_slice(rest);
            let mut bits = <F::Kind as Kind<L>>::High::zeroed();
            if F::HIGH > 0 {
                bits = bytemuck::cast_slice(high)[whole];
            }
            self.step(&quants, &bits, &scales[whole], &x[whole], &mut sums);
        }
        self.add_offsets(decoded, start, blocks, tile, &mut sums);
        sums.map(
            #[inline(always)]
            |sum| l.total(sum),
        )
    }

    #[inline(always)]
    fn step(
        &self,
        quants: &<F::Kind as Kind<L>>::Quants,
        high: &<F::Kind as Kind<L>>::High,
        scale: &<F::Kind as Kind<L>>::Scales,
        x: &[Step<L, F::Kind>; T],
        sums: &mut [L::Floats; T],
    ) {
        let l = self.lanes;
        let wide = F::Kind::widen(l, quants, high);
        let scale = F::Kind::scale(l, scale);
        for (sum, x) in sums.iter_mut().zip(x) {
            let dot = l.to_floats(F::Kind::dot(l, wide, &x.q));
            *sum = l.mul_add(dot, l.mul(scale, l.floats(&x.scale)), *sum);
        }
    }

    /// What the format's offsets come to: each times the sum of its activations.
    #[inline(always)]
    fn add_offsets(
        &self,
        decoded: usize,
        start: usize,
        blocks: usize,
        tile: &Tile<L, F::Kind, T>,
        sums: &mut [L::Floats; T],
    ) {
        let l = self.lanes;
        let (factors, zero) = match F::ZERO {
            Some(0.0) => return,
            Some(zero) => (&self.scales, zero),
            None => (&self.offsets, 1.0),
        };
        let lanes = 4 * L::BLOCKS;
        let count = (blocks * F::SCALES).div_ceil(lanes);
        let factors: &[L::Scales] = bytemuck::cast_slice(&factors[decoded * F::SCALES..][..count * lanes]);
        let x = &tile.sums[start * F::SCALES / lanes..][..count];
        for (factor, x) in factors.iter().zip(x) {
            let factor = l.mul(l.floats(factor), l.splat(zero));
            for (sum, x) in sums.iter_mut().zip(x) {
                *sum = l.mul_add(factor, l.floats(x), *sum);
            }
        }
    }
}

#[cfg(test)]
#[path = "product_tests.rs"]
mod tests;
