//! WebAssembly with 128-bit vectors.

use std::arch::wasm32::{
    f32x4, f32x4_add, f32x4_convert_i32x4, f32x4_extract_lane, f32x4_mul, f32x4_splat, i8x16, i8x16_swizzle, i16x8,
    i16x8_extend_high_i8x16, i16x8_extend_low_i8x16, i16x8_mul, i16x8_shl, i16x8_splat, i32x4_add, i32x4_dot_i16x8,
    i32x4_extend_high_i16x8, i32x4_extend_low_i16x8, u16x8_extend_low_u8x16, u16x8_shr, u32x4_extend_high_u16x8,
    u32x4_extend_low_u16x8, u32x4_splat, u64x2, v128, v128_and, v128_or,
};
use std::hint::black_box;

use super::Lanes;

/// WebAssembly's `simd128`, with the constants of its inner loops: compilers to machine code make a constant anew each time,
/// in several instructions, but keep a variable in a register.
#[derive(Clone, Copy)]
pub(crate) struct Simd128 {
    /// 15 in each 16-bit lane.
    low4: v128,
    /// 16 in each 16-bit lane.
    bit4: v128,
    /// 48 in each 16-bit lane.
    bits45: v128,
    /// For each 16-bit lane, the bytes of the half of a word that holds its nibble.
    halves: v128,
    /// What brings each lane's nibble to the top.
    factors: v128,
}

impl Simd128 {
    pub(crate) fn new() -> Self {
        Self {
            low4: black_box(i16x8_splat(15)),
            bit4: black_box(i16x8_splat(16)),
            bits45: black_box(i16x8_splat(48)),
            halves: black_box(i8x16(0, 1, 0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3, 2, 3)),
            factors: black_box(i16x8(4096, 256, 16, 1, 4096, 256, 16, 1)),
        }
    }
}

impl Lanes for Simd128 {
    const BLOCKS: usize = 1;
    type Word = [u32; 4];
    type Scales = [[f32; 4]; 1];
    type Fifths = [u32; 1];
    type Pairs = [u32; 2];
    type Single = [f32; 1];
    type Double = [f32; 2];
    type Ordered = [[i16; 8]; 4];
    type Bytes = [v128; 4];
    type Ints = v128;
    type Sums = v128;
    type Floats = v128;

    #[inline(always)]
    fn ints(self, word: &[u32; 4]) -> v128 {
        bytemuck::cast(*word)
    }

    #[inline(always)]
    fn floats(self, scales: &[[f32; 4]; 1]) -> v128 {
        bytemuck::cast(scales[0])
    }

    #[inline(always)]
    fn store(self, values: v128) -> [[f32; 4]; 1] {
        [bytemuck::cast(values)]
    }

    #[inline(always)]
    fn splat(self, value: f32) -> v128 {
        f32x4_splat(value)
    }

    #[inline(always)]
    fn spread(self, values: &[f32; 1]) -> v128 {
        f32x4_splat(values[0])
    }

    #[inline(always)]
    fn spread_halves(self, &[a, b]: &[f32; 2]) -> v128 {
        f32x4(a, a, b, b)
    }

    #[inline(always)]
    fn and<const MASK: u16>(self, a: v128) -> v128 {
        let mask = match MASK {
            15 => self.low4,
            16 => self.bit4,
            48 => self.bits45,
            _ => i16x8_splat(MASK as i16),
        };
        v128_and(a, mask)
    }

    #[inline(always)]
    fn or(self, a: v128, b: v128) -> v128 {
        v128_or(a, b)
    }

    #[inline(always)]
    fn left<const N: u32>(self, a: v128) -> v128 {
        i16x8_shl(a, N)
    }

    #[inline(always)]
    fn right<const N: u32>(self, a: v128) -> v128 {
        u16x8_shr(a, N)
    }

    #[inline(always)]
    fn fifths(self, words: &[u32; 1]) -> v128 {
        i16x8_mul(i8x16_swizzle(u32x4_splat(words[0]), self.halves), self.factors)
    }

    #[inline(always)]
    fn pairs(self, &[a, b]: &[u32; 2]) -> v128 {
        u16x8_extend_low_u8x16(u64x2(u64::from(a) | (u64::from(b) << 32), 0))
    }

    #[inline(always)]
    fn dot(self, a: v128, b: v128) -> v128 {
        i32x4_dot_i16x8(a, b)
    }

    #[inline(always)]
    fn add(self, a: v128, b: v128) -> v128 {
        i32x4_add(a, b)
    }

    #[inline(always)]
    fn bytes(self, w: &[u32; 8]) -> [v128; 4] {
        let [low, high]: [v128; 2] = bytemuck::cast(*w);
        [
            i16x8_extend_low_i8x16(low),
            i16x8_extend_high_i8x16(low),
            i16x8_extend_low_i8x16(high),
            i16x8_extend_high_i8x16(high),
        ]
    }

    #[inline(always)]
    fn dot_bytes(self, a: [v128; 4], b: &[[i16; 8]; 4]) -> v128 {
        let part = |i: usize| i32x4_dot_i16x8(a[i], bytemuck::cast(b[i]));
        i32x4_add(i32x4_add(part(0), part(1)), i32x4_add(part(2), part(3)))
    }

    #[inline(always)]
    fn to_floats(self, sums: v128) -> v128 {
        f32x4_convert_i32x4(sums)
    }

    #[inline(always)]
    fn mul(self, a: v128, b: v128) -> v128 {
        f32x4_mul(a, b)
    }

    #[inline(always)]
    fn mul_add(self, a: v128, b: v128, c: v128) -> v128 {
        f32x4_add(f32x4_mul(a, b), c)
    }

    #[inline(always)]
    fn total(self, a: v128) -> f32 {
        (f32x4_extract_lane::<0>(a) + f32x4_extract_lane::<2>(a))
            + (f32x4_extract_lane::<1>(a) + f32x4_extract_lane::<3>(a))
    }

    #[inline(always)]
    fn six_bits(self, low: u32, top: u32) -> [f32; 8] {
        let bytes = u64x2(spread_nibbles(low) | spread_pairs(top), 0);
        let lanes = u16x8_extend_low_u8x16(bytes);
        let floats = |four: v128| f32x4_convert_i32x4(four);
        bytemuck::cast([floats(u32x4_extend_low_u16x8(lanes)), floats(u32x4_extend_high_u16x8(lanes))])
    }

    #[inline(always)]
    fn signed_bytes(self, [a, b]: [u32; 2]) -> [f32; 8] {
        let bytes = u64x2(u64::from(a) | (u64::from(b) << 32), 0);
        let lanes = i16x8_extend_low_i8x16(bytes);
        let floats = |four: v128| f32x4_convert_i32x4(four);
        bytemuck::cast([floats(i32x4_extend_low_i16x8(lanes)), floats(i32x4_extend_high_i16x8(lanes))])
    }

    #[inline(always)]
    fn run<R>(self, work: impl FnOnce() -> R) -> R {
        work()
    }
}

/// Each nibble of a word in a byte.
#[inline(always)]
fn spread_nibbles(word: u32) -> u64 {
    let x = u64::from(word);
    let x = (x | (x << 16)) & 0x0000_ffff_0000_ffff;
    let x = (x | (x << 8)) & 0x00ff_00ff_00ff_00ff;
    (x | (x << 4)) & 0x0f0f_0f0f_0f0f_0f0f
}

/// Each two bits of 16, in bits 4 and 5 of a byte.
#[inline(always)]
fn spread_pairs(word: u32) -> u64 {
    let x = u64::from(word & 0xffff) << 4;
    let x = (x | (x << 24)) & 0x0000_0ff0_0000_0ff0;
    let x = (x | (x << 12)) & 0x00f0_00f0_00f0_00f0;
    (x | (x << 6)) & 0x3030_3030_3030_3030
}
