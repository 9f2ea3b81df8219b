//! Products of a row of quantised weights with activations, a format at a time; layouts as in shaders/shared/weights_*.wgsl.

use half::f16;

use super::isa::{Activations, Isa};
use crate::loader::planes::k_scale;

const NIBBLES: u64 = 0x0f0f_0f0f_0f0f_0f0f;

/// A block of 32 weights: w = scale * q + offset, with a scale and an offset for each half.
pub(super) struct Block {
    /// Bytes of even place; for Q8_0 the first sixteen.
    pub(super) even: [u64; 2],
    /// Bytes of odd place; for Q8_0 the last sixteen.
    pub(super) odd: [u64; 2],
    pub(super) scale: [f32; 2],
    pub(super) offset: [f32; 2],
}

/// A format whose products are made in integers.
pub(super) trait Format: Send + Sync {
    /// Signed bytes in order, rather than unsigned ones with even and odd places apart.
    const SIGNED: bool = false;
    /// The halves of a block have scales of their own.
    const HALVES: bool = false;

    /// Block `block` of the planes.
    fn block(quants: &[[u64; 2]], scales: &[u32], block: usize) -> Block;

    /// Adds the products of a block to `sum`; `offset` takes what the format's offset comes to.
    #[inline(always)]
    fn add<S: Isa>(isa: S, sum: S::Sum, offset: &mut f32, block: &Block, x: &Activations) -> S::Sum {
        let [a, b] = block.scale;
        if Self::SIGNED {
            return isa.signed(sum, block.even, block.odd, x, a * x.scale);
        }
        *offset += block.offset[0] * x.sums[0] + block.offset[1] * x.sums[1];
        match Self::HALVES {
            true => isa.halves(sum, block.even, block.odd, x, [a * x.scale, b * x.scale]),
            false => isa.unsigned(sum, block.even, block.odd, x, a * x.scale),
        }
    }

    /// Block `block` of the planes as floats.
    #[inline(always)]
    fn floats(quants: &[[u64; 2]], scales: &[u32], block: usize, values: &mut [f32]) {
        let block = Self::block(quants, scales, block);
        let even: [u8; 16] = bytemuck::cast(block.even);
        let odd: [u8; 16] = bytemuck::cast(block.odd);
        let ([a, b], [c, d]) = (block.scale, block.offset);
        if Self::SIGNED {
            for (value, q) in values.iter_mut().zip(even.iter().chain(&odd)) {
                *value = a * f32::from(*q as i8);
            }
            return;
        }
        let (first, second) = values.split_at_mut(16);
        for (i, pair) in first.chunks_exact_mut(2).enumerate() {
            pair[0] = a * f32::from(even[i]) + c;
            pair[1] = a * f32::from(odd[i]) + c;
        }
        for (i, pair) in second.chunks_exact_mut(2).enumerate() {
            pair[0] = b * f32::from(even[8 + i]) + d;
            pair[1] = b * f32::from(odd[8 + i]) + d;
        }
    }
}

#[inline(always)]
fn half_of(word: u32, high: usize) -> f32 {
    f16::from_bits((word >> (16 * high)) as u16).to_f32()
}

/// Nibbles of even and of odd place as bytes.
#[inline(always)]
fn nibbles(q: [u64; 2]) -> ([u64; 2], [u64; 2]) {
    (q.map(|q| q & NIBBLES), q.map(|q| (q >> 4) & NIBBLES))
}

/// 32 fifth bits as bytes of 16 or 0: even places, odd places.
#[inline(always)]
fn fifth_bits(bits: u32) -> ([u64; 2], [u64; 2]) {
    // A byte copied eight times; of each copy one bit is kept, places 0, 2, 4, 6, 1, 3, 5, 7; any bit then reaches bit 7.
    let spread = bits.to_le_bytes().map(|byte| {
        let kept = u64::from(byte).wrapping_mul(0x0101_0101_0101_0101) & 0x8020_0802_4010_0401;
        ((kept + 0x7f7f_7f7f_7f7f_7f7f) & 0x8080_8080_8080_8080) >> 3
    });
    let even = [0, 2].map(|i| (spread[i] & 0xffff_ffff) | (spread[i + 1] << 32));
    let odd = [0, 2].map(|i| (spread[i] >> 32) | (spread[i + 1] & 0xffff_ffff_0000_0000));
    (even, odd)
}

/// The upper two bits of 16 values, in place for a 6-bit value: even places, odd places.
#[inline(always)]
fn upper_pairs(bits: u32) -> (u64, u64) {
    let mut x = u64::from(bits);
    x = (x | (x << 16)) & 0x0000_ffff_0000_ffff;
    x = (x | (x << 8)) & 0x00ff_00ff_00ff_00ff;
    x = (x | (x << 4)) & NIBBLES;
    ((x & 0x0303_0303_0303_0303) << 4, (x & 0x0c0c_0c0c_0c0c_0c0c) << 2)
}

#[inline(always)]
fn with_fifth(q: [u64; 2], bits: u32) -> ([u64; 2], [u64; 2]) {
    let (even, odd) = nibbles(q);
    let (high_even, high_odd) = fifth_bits(bits);
    ([even[0] | high_even[0], even[1] | high_even[1]], [odd[0] | high_odd[0], odd[1] | high_odd[1]])
}

/// One scale and offset for the whole block.
#[inline(always)]
fn whole((even, odd): ([u64; 2], [u64; 2]), scale: f32, offset: f32) -> Block {
    Block { even, odd, scale: [scale; 2], offset: [offset; 2] }
}

macro_rules! format {
    ($name:ident, |$quants:ident, $scales:ident, $block:ident| $body:expr) => {
        pub(super) struct $name;

        impl Format for $name {
            #[inline(always)]
            fn block($quants: &[[u64; 2]], $scales: &[u32], $block: usize) -> Block {
                $body
            }
        }
    };
}

format!(Q4_0, |quants, scales, block| {
    let d = half_of(scales[block / 2], block % 2);
    whole(nibbles(quants[block]), d, -8.0 * d)
});

format!(Q4_1, |quants, scales, block| {
    whole(nibbles(quants[block]), half_of(scales[block], 0), half_of(scales[block], 1))
});

format!(Q5_0, |quants, scales, block| {
    let group = &scales[block / 2 * 3..block / 2 * 3 + 3];
    let d = half_of(group[0], block % 2);
    whole(with_fifth(quants[block], group[1 + block % 2]), d, -16.0 * d)
});

format!(Q5_1, |quants, scales, block| {
    let group = &scales[block * 2..block * 2 + 2];
    whole(with_fifth(quants[block], group[1]), half_of(group[0], 0), half_of(group[0], 1))
});

format!(Q4K, |quants, scales, block| {
    let [scale, offset] = k_scale(&scales[block / 8 * 4..block / 8 * 4 + 4], block % 8);
    whole(nibbles(quants[block]), scale, offset)
});

format!(Q5K, |quants, scales, block| {
    let group = &scales[block / 8 * 12..block / 8 * 12 + 12];
    let [scale, offset] = k_scale(group, block % 8);
    whole(with_fifth(quants[block], group[4 + block % 8]), scale, offset)
});

/// A scale for each 16 values.
pub(super) struct Q6K;

impl Format for Q6K {
    const HALVES: bool = true;

    #[inline(always)]
    fn block(quants: &[[u64; 2]], scales: &[u32], block: usize) -> Block {
        let group = &scales[block / 8 * 21..block / 8 * 21 + 21];
        let j = 2 * (block % 8);
        let d = half_of(group[0], 0);
        let two = group[1 + j / 4] >> (8 * (j % 4));
        let a = d * f32::from(two as u8 as i8);
        let b = d * f32::from((two >> 8) as u8 as i8);
        let (even, odd) = nibbles(quants[block]);
        let (even0, odd0) = upper_pairs(group[5 + j]);
        let (even1, odd1) = upper_pairs(group[6 + j]);
        Block {
            even: [even[0] | even0, even[1] | even1],
            odd: [odd[0] | odd0, odd[1] | odd1],
            scale: [a, b],
            offset: [-32.0 * a, -32.0 * b],
        }
    }
}

/// Signed bytes.
pub(super) struct Q8_0;

impl Format for Q8_0 {
    const SIGNED: bool = true;

    #[inline(always)]
    fn block(quants: &[[u64; 2]], scales: &[u32], block: usize) -> Block {
        let two = &quants[2 * block..2 * block + 2];
        whole((two[0], two[1]), half_of(scales[block / 2], block % 2), 0.0)
    }
}

/// Activations in blocks; `signed` as [`Format::SIGNED`].
pub(super) fn quantise(x: &[f32], signed: bool) -> Vec<Activations> {
    x.chunks_exact(32)
        .map(|block| {
            let largest = block.iter().fold(0f32, |largest, v| largest.max(v.abs()));
            let inverse = if largest > 0.0 { 32767.0 / largest } else { 0.0 };
            let mut q = [0i16; 32];
            for (i, v) in block.iter().enumerate() {
                let to = if signed { i } else { i / 2 + 16 * (i % 2) };
                q[to] = (v * inverse).round_ties_even() as i16;
            }
            let scale = if largest > 0.0 { largest / 32767.0 } else { largest };
            Activations { q, scale, sums: [block[..16].iter().sum(), block[16..].iter().sum()] }
        })
        .collect()
}
