//! The vector operations that products of quantised weights need, for each instruction set.
//!
//! Weights and activations meet as 16-bit integers, of which one instruction multiplies pairs and adds the two products:
//! `pmaddwd` on x86, `i32x4.dot_i16x8_s` in WebAssembly. Activations have 15 bits and a scale a block of 32, far finer than
//! the weights; 32 products of 8-bit weights stay under 2^28.

mod portable;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm;
#[cfg(target_arch = "x86_64")]
mod x86;
#[cfg(target_arch = "x86_64")]
mod x86_512;

pub(super) use self::portable::Portable;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub(super) use self::wasm::Simd128;
#[cfg(target_arch = "x86_64")]
pub(super) use pulp::x86::{V3, V4};

/// An instruction set: vectors of one, two or four times 128 bits, each 128 bits for a block of 32 weights of four bits.
pub(super) trait Lanes: Copy + Send + Sync {
    /// Blocks of 32 nibbles in a vector.
    const BLOCKS: usize;
    /// A vector in memory: 4 words a block.
    type Word: bytemuck::Pod + Send + Sync;
    /// A vector of floats in memory: 4 a block.
    type Scales: bytemuck::Pod + Send + Sync + AsMut<[[f32; 4]]>;
    /// A word for each block: fifth bits.
    type Fifths: bytemuck::Pod;
    /// Two words for each block: fifth and sixth bits.
    type Pairs: bytemuck::Pod;
    /// A float for each block.
    type Single: bytemuck::Pod;
    /// A float for each half of each block.
    type Double: bytemuck::Pod;
    /// 32 activations in order, in memory.
    type Ordered: bytemuck::Pod + Send + Sync;
    /// 32 signed bytes, widened.
    type Bytes: Copy;
    /// A vector of 16-bit integers.
    type Ints: Copy;
    /// A vector of 32-bit integers.
    type Sums: Copy;
    /// A vector of floats.
    type Floats: Copy;

    fn ints(self, word: &Self::Word) -> Self::Ints;
    fn floats(self, scales: &Self::Scales) -> Self::Floats;
    fn store(self, values: Self::Floats) -> Self::Scales;
    fn splat(self, value: f32) -> Self::Floats;
    /// A block's value in its four lanes.
    fn spread(self, values: &Self::Single) -> Self::Floats;
    /// A half block's value in its two lanes.
    fn spread_halves(self, values: &Self::Double) -> Self::Floats;
    fn and<const MASK: u16>(self, a: Self::Ints) -> Self::Ints;
    fn or(self, a: Self::Ints, b: Self::Ints) -> Self::Ints;
    fn left<const N: u32>(self, a: Self::Ints) -> Self::Ints;
    fn right<const N: u32>(self, a: Self::Ints) -> Self::Ints;
    /// Lane `i` of each block has bits `4 i` to `4 i + 3` of the block's word in its upper four bits, and anything below.
    fn fifths(self, words: &Self::Fifths) -> Self::Ints;
    /// Lane `i` of each block has byte `i` of the block's two words.
    fn pairs(self, words: &Self::Pairs) -> Self::Ints;
    /// Sums of the products of neighbouring lanes.
    fn dot(self, a: Self::Ints, b: Self::Ints) -> Self::Sums;
    fn add(self, a: Self::Sums, b: Self::Sums) -> Self::Sums;
    fn bytes(self, words: &[u32; 8]) -> Self::Bytes;
    fn dot_bytes(self, a: Self::Bytes, b: &Self::Ordered) -> Self::Sums;
    fn to_floats(self, sums: Self::Sums) -> Self::Floats;
    fn mul(self, a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// a * b + c
    fn mul_add(self, a: Self::Floats, b: Self::Floats, c: Self::Floats) -> Self::Floats;
    fn total(self, a: Self::Floats) -> f32;
    /// Eight values of six bits: the lower four of value `i` in bits `4 i` of `low`, the upper two in bits `2 i` of `top`.
    fn six_bits(self, low: u32, top: u32) -> [f32; 8];
    /// Eight signed bytes.
    fn signed_bytes(self, words: [u32; 2]) -> [f32; 8];
    /// Runs work compiled for this instruction set; what it calls must be inlined into it.
    fn run<R>(self, work: impl FnOnce() -> R) -> R;
}

/// Runs work compiled for wide vectors, if this machine has them; what it calls must be inlined into it.
#[inline(always)]
pub(super) fn vectorised<R>(work: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    if let Some(lanes) = V3::try_new() {
        return lanes.run(work);
    }
    work()
}
