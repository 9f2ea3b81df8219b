//! The scales of each quantised format, and how its values become 16-bit integers; layouts as in
//! shaders/shared/weights_*.wgsl.

use super::lanes::Lanes;
use crate::loader::DType;

/// The scales of up to 8 blocks of 32 weights: w = scale * q + offset.
pub(super) struct Group {
    /// For each half of a block.
    pub(super) scale: [[f32; 2]; 8],
    /// For each half of a block.
    pub(super) offset: [[f32; 2]; 8],
    /// Bits of the values above the lowest four.
    pub(super) high: [u64; 8],
}

impl Group {
    /// The same scale in both halves.
    #[inline(always)]
    fn whole(scale: [f32; 8], offset: [f32; 8], high: [u64; 8]) -> Self {
        Self { scale: scale.map(|v| [v; 2]), offset: offset.map(|v| [v; 2]), high }
    }
}

/// A quantised format.
pub(super) trait Format: Send + Sync {
    const DTYPE: DType;
    /// Offsets of a block that are not zero: none, one, or one for each half.
    const OFFSETS: usize;
    /// How its values are stored.
    type Kind: Copy + Send + Sync;

    /// Decodes the words of one group; entries beyond the group's blocks are unused.
    fn group(words: &[u32]) -> Group;
}

/// How values are stored, on an instruction set.
pub(super) trait Kind<L: Lanes>: Copy + Send + Sync {
    /// Blocks that one step takes.
    const STEP: usize;
    /// The quants of a step.
    type Quants: bytemuck::Pod;
    /// Bits above the lowest four of a step.
    type High: Copy + Default + Send + Sync;
    /// The activations of a step.
    type Acts: bytemuck::Pod + Send + Sync;
    /// The values of a step as 16-bit integers.
    type Wide: Copy;

    /// Where value `i` of block `block` of a step stands among the step's activations.
    fn place(block: usize, i: usize) -> usize;
    fn set_high(high: &mut Self::High, block: usize, bits: u64);
    fn widen(lanes: L, quants: &Self::Quants, high: &Self::High) -> Self::Wide;
    fn dot(lanes: L, wide: Self::Wide, x: &Self::Acts) -> L::Sums;
}

/// Value `i` stands in bits `4 (i mod 4)` of 16-bit lane `i / 4`.
fn nibble_place<L: Lanes>(block: usize, i: usize) -> usize {
    (i % 4 * L::BLOCKS + block) * 8 + i / 4
}

#[inline(always)]
fn nibbles<L: Lanes>(l: L, quants: &L::Word) -> [L::Ints; 4] {
    let q = l.ints(quants);
    [l.and(q, 15), l.and(l.right::<4>(q), 15), l.and(l.right::<8>(q), 15), l.right::<12>(q)]
}

#[inline(always)]
fn dot_nibbles<L: Lanes>(l: L, wide: [L::Ints; 4], x: &[L::Word; 4]) -> L::Sums {
    let part = |i: usize| l.dot(wide[i], l.ints(&x[i]));
    l.add(l.add(part(0), part(1)), l.add(part(2), part(3)))
}

/// Nibbles.
#[derive(Clone, Copy)]
pub(super) struct Fours;

impl<L: Lanes> Kind<L> for Fours {
    const STEP: usize = L::BLOCKS;
    type Quants = L::Word;
    type High = ();
    type Acts = [L::Word; 4];
    type Wide = [L::Ints; 4];

    fn place(block: usize, i: usize) -> usize {
        nibble_place::<L>(block, i)
    }

    #[inline(always)]
    fn set_high((): &mut (), _: usize, _: u64) {}

    #[inline(always)]
    fn widen(l: L, quants: &L::Word, (): &()) -> [L::Ints; 4] {
        nibbles(l, quants)
    }

    #[inline(always)]
    fn dot(l: L, wide: [L::Ints; 4], x: &[L::Word; 4]) -> L::Sums {
        dot_nibbles(l, wide, x)
    }
}

/// Nibbles and a fifth bit.
#[derive(Clone, Copy)]
pub(super) struct Fives;

impl<L: Lanes> Kind<L> for Fives {
    const STEP: usize = L::BLOCKS;
    type Quants = L::Word;
    type High = L::Fifths;
    type Acts = [L::Word; 4];
    type Wide = [L::Ints; 4];

    fn place(block: usize, i: usize) -> usize {
        nibble_place::<L>(block, i)
    }

    #[inline(always)]
    fn set_high(high: &mut L::Fifths, block: usize, bits: u64) {
        high.as_mut()[block] = bits as u32;
    }

    #[inline(always)]
    fn widen(l: L, quants: &L::Word, high: &L::Fifths) -> [L::Ints; 4] {
        let [a, b, c, d] = nibbles(l, quants);
        let high = l.fifths(high);
        [
            l.or(a, l.and(l.right::<8>(high), 16)),
            l.or(b, l.and(l.right::<9>(high), 16)),
            l.or(c, l.and(l.right::<10>(high), 16)),
            l.or(d, l.and(l.right::<11>(high), 16)),
        ]
    }

    #[inline(always)]
    fn dot(l: L, wide: [L::Ints; 4], x: &[L::Word; 4]) -> L::Sums {
        dot_nibbles(l, wide, x)
    }
}

/// Nibbles and two more bits.
#[derive(Clone, Copy)]
pub(super) struct Sixes;

impl<L: Lanes> Kind<L> for Sixes {
    const STEP: usize = L::BLOCKS;
    type Quants = L::Word;
    type High = L::Pairs;
    type Acts = [L::Word; 4];
    type Wide = [L::Ints; 4];

    fn place(block: usize, i: usize) -> usize {
        nibble_place::<L>(block, i)
    }

    #[inline(always)]
    fn set_high(high: &mut L::Pairs, block: usize, bits: u64) {
        high.as_mut()[block] = bits;
    }

    #[inline(always)]
    fn widen(l: L, quants: &L::Word, high: &L::Pairs) -> [L::Ints; 4] {
        let [a, b, c, d] = nibbles(l, quants);
        let high = l.pairs(high);
        [
            l.or(a, l.and(l.left::<4>(high), 48)),
            l.or(b, l.and(l.left::<2>(high), 48)),
            l.or(c, l.and(high, 48)),
            l.or(d, l.and(l.right::<2>(high), 48)),
        ]
    }

    #[inline(always)]
    fn dot(l: L, wide: [L::Ints; 4], x: &[L::Word; 4]) -> L::Sums {
        dot_nibbles(l, wide, x)
    }
}

/// Signed bytes.
#[derive(Clone, Copy)]
pub(super) struct Bytes;

impl<L: Lanes> Kind<L> for Bytes {
    const STEP: usize = 1;
    type Quants = [u32; 8];
    type High = ();
    type Acts = L::Ordered;
    type Wide = L::Bytes;

    fn place(_: usize, i: usize) -> usize {
        i
    }

    #[inline(always)]
    fn set_high((): &mut (), _: usize, _: u64) {}

    #[inline(always)]
    fn widen(l: L, quants: &[u32; 8], (): &()) -> L::Bytes {
        l.bytes(quants)
    }

    #[inline(always)]
    fn dot(l: L, wide: L::Bytes, x: &L::Ordered) -> L::Sums {
        l.dot_bytes(wide, x)
    }
}

/// An f16's value, without a branch.
#[inline(always)]
pub(super) fn half_to_f32(bits: u16) -> f32 {
    let bits = u32::from(bits);
    let sign = (bits & 0x8000) << 16;
    let rest = bits & 0x7fff;
    // Subnormals are whole multiples of 2^-24; the exponent of others moves by 112, that of infinities once more.
    let small = (rest as i32 as f32 * f32::from_bits(103 << 23)).to_bits();
    let normal = (rest << 13) + (112 << 23) + if rest >= 0x7c00 { 112 << 23 } else { 0 };
    f32::from_bits(sign | if rest < 0x0400 { small } else { normal })
}

/// The two f16 in a word.
#[inline(always)]
fn halves(word: u32) -> [f32; 2] {
    [half_to_f32(word as u16), half_to_f32((word >> 16) as u16)]
}

/// Eight values of which the first ones are given.
#[inline(always)]
fn first<T: Copy + Default, const N: usize>(given: [T; N]) -> [T; 8] {
    let mut all = [T::default(); 8];
    all[..N].copy_from_slice(&given);
    all
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

/// Scales and offsets of a Q4_K or Q5_K group.
#[inline(always)]
fn k_scales(words: &[u32]) -> ([f32; 8], [f32; 8]) {
    let [d, dmin] = halves(words[0]);
    let scale = (spread_nibbles(words[1]) | spread_pairs(words[3])).to_le_bytes();
    let minimum = (spread_nibbles(words[2]) | spread_pairs(words[3] >> 16)).to_le_bytes();
    (scale.map(|v| d * f32::from(v)), minimum.map(|v| -(dmin * f32::from(v))))
}

macro_rules! format {
    ($name:ident, $kind:ty, $offsets:literal, |$words:ident| $body:expr) => {
        #[allow(non_camel_case_types, reason = "the formats' own names")]
        pub(super) struct $name;

        impl Format for $name {
            const DTYPE: DType = DType::$name;
            const OFFSETS: usize = $offsets;
            type Kind = $kind;

            #[inline(always)]
            fn group($words: &[u32]) -> Group {
                $body
            }
        }
    };
}

format!(Q4_0, Fours, 1, |words| {
    let scale = first(halves(words[0]));
    Group::whole(scale, scale.map(|d| -8.0 * d), [0; 8])
});

format!(Q4_1, Fours, 1, |words| {
    let [scale, offset] = halves(words[0]);
    Group::whole(first([scale]), first([offset]), [0; 8])
});

format!(Q5_0, Fives, 1, |words| {
    let scale = first(halves(words[0]));
    Group::whole(scale, scale.map(|d| -16.0 * d), first([u64::from(words[1]), u64::from(words[2])]))
});

format!(Q5_1, Fives, 1, |words| {
    let [scale, offset] = halves(words[0]);
    Group::whole(first([scale]), first([offset]), first([u64::from(words[1])]))
});

format!(Q8_0, Bytes, 0, |words| Group::whole(first(halves(words[0])), [0.0; 8], [0; 8]));

format!(Q4_K, Fours, 1, |words| {
    let (scale, offset) = k_scales(words);
    Group::whole(scale, offset, [0; 8])
});

format!(Q5_K, Fives, 1, |words| {
    let (scale, offset) = k_scales(words);
    Group::whole(scale, offset, std::array::from_fn(|i| u64::from(words[4 + i])))
});

format!(Q6_K, Sixes, 2, |words| {
    let d = half_to_f32(words[0] as u16);
    let scale: [[f32; 2]; 8] = std::array::from_fn(|i| {
        let two = words[1 + i / 2] >> (16 * (i % 2));
        [d * f32::from(two as i8), d * f32::from((two >> 8) as i8)]
    });
    Group {
        scale,
        offset: scale.map(|half| half.map(|d| -32.0 * d)),
        high: std::array::from_fn(|i| u64::from(words[5 + 2 * i]) | (u64::from(words[6 + 2 * i]) << 32)),
    }
});
