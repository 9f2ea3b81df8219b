//! Any machine: arrays that the compiler may turn into its vectors.

use std::array::from_fn;

use super::Lanes;

/// 128 bits at a time.
#[derive(Clone, Copy)]
pub(crate) struct Portable;

impl Lanes for Portable {
    const BLOCKS: usize = 1;
    type Word = [u32; 4];
    type Scales = [[f32; 4]; 1];
    type Fifths = [u32; 1];
    type Pairs = [u32; 2];
    type Single = [f32; 1];
    type Double = [f32; 2];
    type Ordered = [i16; 32];
    type Bytes = [i8; 32];
    type Ints = [u16; 8];
    type Sums = [i32; 4];
    type Floats = [f32; 4];

    #[inline(always)]
    fn ints(self, word: &[u32; 4]) -> [u16; 8] {
        from_fn(|i| (word[i / 2] >> (16 * (i % 2))) as u16)
    }

    #[inline(always)]
    fn floats(self, scales: &[[f32; 4]; 1]) -> [f32; 4] {
        scales[0]
    }

    #[inline(always)]
    fn store(self, values: [f32; 4]) -> [[f32; 4]; 1] {
        [values]
    }

    #[inline(always)]
    fn splat(self, value: f32) -> [f32; 4] {
        [value; 4]
    }

    #[inline(always)]
    fn spread(self, values: &[f32; 1]) -> [f32; 4] {
        [values[0]; 4]
    }

    #[inline(always)]
    fn spread_halves(self, &[a, b]: &[f32; 2]) -> [f32; 4] {
        [a, a, b, b]
    }

    #[inline(always)]
    fn and<const MASK: u16>(self, a: [u16; 8]) -> [u16; 8] {
        a.map(|a| a & MASK)
    }

    #[inline(always)]
    fn or(self, a: [u16; 8], b: [u16; 8]) -> [u16; 8] {
        from_fn(|i| a[i] | b[i])
    }

    #[inline(always)]
    fn left<const N: u32>(self, a: [u16; 8]) -> [u16; 8] {
        a.map(|a| a << N)
    }

    #[inline(always)]
    fn right<const N: u32>(self, a: [u16; 8]) -> [u16; 8] {
        a.map(|a| a >> N)
    }

    #[inline(always)]
    fn fifths(self, words: &[u32; 1]) -> [u16; 8] {
        from_fn(|i| ((words[0] >> (4 * i)) << 12) as u16)
    }

    #[inline(always)]
    fn pairs(self, words: &[u32; 2]) -> [u16; 8] {
        from_fn(|i| (words[i / 4] >> (8 * (i % 4))) as u16 & 255)
    }

    #[inline(always)]
    fn dot(self, a: [u16; 8], b: [u16; 8]) -> [i32; 4] {
        let product = |i: usize| i32::from(a[i] as i16) * i32::from(b[i] as i16);
        from_fn(|i| product(2 * i) + product(2 * i + 1))
    }

    #[inline(always)]
    fn add(self, a: [i32; 4], b: [i32; 4]) -> [i32; 4] {
        from_fn(|i| a[i] + b[i])
    }

    #[inline(always)]
    fn bytes(self, words: &[u32; 8]) -> [i8; 32] {
        from_fn(|i| (words[i / 4] >> (8 * (i % 4))) as i8)
    }

    #[inline(always)]
    fn dot_bytes(self, a: [i8; 32], b: &[i16; 32]) -> [i32; 4] {
        from_fn(|i| (0..8).map(|j| i32::from(a[8 * i + j]) * i32::from(b[8 * i + j])).sum())
    }

    #[inline(always)]
    fn to_floats(self, sums: [i32; 4]) -> [f32; 4] {
        sums.map(|sum| sum as f32)
    }

    #[inline(always)]
    fn mul(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        from_fn(|i| a[i] * b[i])
    }

    #[inline(always)]
    fn mul_add(self, a: [f32; 4], b: [f32; 4], c: [f32; 4]) -> [f32; 4] {
        from_fn(|i| a[i] * b[i] + c[i])
    }

    #[inline(always)]
    fn total(self, a: [f32; 4]) -> f32 {
        (a[0] + a[2]) + (a[1] + a[3])
    }

    #[inline(always)]
    fn six_bits(self, low: u32, top: u32) -> [f32; 8] {
        from_fn(|i| (((low >> (4 * i)) & 15) | (((top >> (2 * i)) & 3) << 4)) as i32 as f32)
    }

    #[inline(always)]
    fn signed_bytes(self, words: [u32; 2]) -> [f32; 8] {
        from_fn(|i| f32::from((words[i / 4] >> (8 * (i % 4))) as i8))
    }

    #[inline(always)]
    fn run<R>(self, work: impl FnOnce() -> R) -> R {
        work()
    }
}
