//! The scales of each quantised format, and how its values become 16-bit integers; layouts as in
//! shaders/shared/weights_*.wgsl.

use super::lanes::Lanes;
use crate::loader::DType;

/// A quantised format: w = scale * q + offset.
pub(super) trait Format: Send + Sync {
    const DTYPE: DType;
    /// Scales of a block: one, or one for each half.
    const SCALES: usize = 1;
    /// The offset as a multiple of the scale; without one, each block has an offset of its own.
    const ZERO: Option<f32>;
    /// Words of a block with the bits of its values above the lowest four.
    const HIGH: usize = 0;
    /// How its values are stored.
    type Kind: Copy + Send + Sync;

    /// Decodes the words of whole groups: [`Self::SCALES`] scales a block, an offset where [`Self::ZERO`] is none, and
    /// [`Self::HIGH`] words.
    fn decode<L: Lanes>(lanes: L, words: &[u32], scale: &mut [f32], offset: &mut [f32], high: &mut [u32]);
}

/// How values are stored, on an instruction set.
pub(super) trait Kind<L: Lanes>: Copy + Send + Sync {
    /// Blocks that one step takes.
    const STEP: usize;
    /// The quants of a step.
    type Quants: bytemuck::Pod;
    /// Bits above the lowest four of a step.
    type High: bytemuck::Pod;
    /// The scales of a step.
    type Scales: bytemuck::Pod;
    /// The activations of a step.
    type Acts: bytemuck::Pod + Send + Sync;
    /// The values of a step as 16-bit integers.
    type Wide: Copy;

    /// Where value `i` of block `block` of a step stands among the step's activations.
    fn place(block: usize, i: usize) -> usize;
    /// The scales of a step in the lanes of [`Self::dot`].
    fn scale(lanes: L, scales: &Self::Scales) -> L::Floats;
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
    [l.and::<15>(q), l.and::<15>(l.right::<4>(q)), l.and::<15>(l.right::<8>(q)), l.right::<12>(q)]
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
    type High = [u32; 0];
    type Scales = L::Single;
    type Acts = [L::Word; 4];
    type Wide = [L::Ints; 4];

    fn place(block: usize, i: usize) -> usize {
        nibble_place::<L>(block, i)
    }

    #[inline(always)]
    fn scale(l: L, scales: &L::Single) -> L::Floats {
        l.spread(scales)
    }

    #[inline(always)]
    fn widen(l: L, quants: &L::Word, _: &[u32; 0]) -> [L::Ints; 4] {
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
    type Scales = L::Single;
    type Acts = [L::Word; 4];
    type Wide = [L::Ints; 4];

    fn place(block: usize, i: usize) -> usize {
        nibble_place::<L>(block, i)
    }

    #[inline(always)]
    fn scale(l: L, scales: &L::Single) -> L::Floats {
        l.spread(scales)
    }

    #[inline(always)]
    fn widen(l: L, quants: &L::Word, high: &L::Fifths) -> [L::Ints; 4] {
        let [a, b, c, d] = nibbles(l, quants);
        let high = l.fifths(high);
        [
            l.or(a, l.and::<16>(l.right::<8>(high))),
            l.or(b, l.and::<16>(l.right::<9>(high))),
            l.or(c, l.and::<16>(l.right::<10>(high))),
            l.or(d, l.and::<16>(l.right::<11>(high))),
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
    type Scales = L::Double;
    type Acts = [L::Word; 4];
    type Wide = [L::Ints; 4];

    fn place(block: usize, i: usize) -> usize {
        nibble_place::<L>(block, i)
    }

    #[inline(always)]
    fn scale(l: L, scales: &L::Double) -> L::Floats {
        l.spread_halves(scales)
    }

    #[inline(always)]
    fn widen(l: L, quants: &L::Word, high: &L::Pairs) -> [L::Ints; 4] {
        let [a, b, c, d] = nibbles(l, quants);
        let high = l.pairs(high);
        [
            l.or(a, l.and::<48>(l.left::<4>(high))),
            l.or(b, l.and::<48>(l.left::<2>(high))),
            l.or(c, l.and::<48>(high)),
            l.or(d, l.and::<48>(l.right::<2>(high))),
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
    type High = [u32; 0];
    type Scales = [f32; 1];
    type Acts = L::Ordered;
    type Wide = L::Bytes;

    fn place(_: usize, i: usize) -> usize {
        i
    }

    #[inline(always)]
    fn scale(l: L, scales: &[f32; 1]) -> L::Floats {
        l.splat(scales[0])
    }

    #[inline(always)]
    fn widen(l: L, quants: &[u32; 8], _: &[u32; 0]) -> L::Bytes {
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

/// Scales and offsets of a Q4_K or Q5_K group.
#[inline(always)]
fn k_scales<L: Lanes>(l: L, words: &[u32]) -> ([f32; 8], [f32; 8]) {
    let [d, dmin] = halves(words[0]);
    let scale = l.six_bits(words[1], words[3] & 0xffff);
    let minimum = l.six_bits(words[2], words[3] >> 16);
    (scale.map(|v| d * v), minimum.map(|v| -(dmin * v)))
}

macro_rules! format {
    ($name:ident, $kind:ty, $zero:expr, $scales:literal, $high:literal,
     |$lanes:pat_param, $words:ident, $scale:ident, $offset:pat_param, $bits:pat_param| $body:expr) => {
        #[allow(non_camel_case_types, reason = "the formats' own names")]
        pub(super) struct $name;

        impl Format for $name {
            const DTYPE: DType = DType::$name;
            const SCALES: usize = $scales;
            const ZERO: Option<f32> = $zero;
            const HIGH: usize = $high;
            type Kind = $kind;

            #[inline(always)]
            fn decode<L: Lanes>($lanes: L, $words: &[u32], $scale: &mut [f32], $offset: &mut [f32], $bits: &mut [u32]) {
                $body
            }
        }
    };
}

/// Two f16 a word, in order.
#[inline(always)]
fn f16_words(words: &[u32], scale: &mut [f32]) {
    for (pair, word) in scale.as_chunks_mut::<2>().0.iter_mut().zip(words) {
        *pair = halves(*word);
    }
}

format!(Q4_0, Fours, Some(-8.0), 1, 0, |_, words, scale, _, _| f16_words(words, scale));

format!(Q8_0, Bytes, Some(0.0), 1, 0, |_, words, scale, _, _| f16_words(words, scale));

format!(Q4_1, Fours, None, 1, 0, |_, words, scale, offset, _| {
    for ((scale, offset), word) in scale.iter_mut().zip(offset).zip(words) {
        [*scale, *offset] = halves(*word);
    }
});

format!(Q5_0, Fives, Some(-16.0), 1, 1, |_, words, scale, _, high| {
    let pairs = scale.as_chunks_mut::<2>().0.iter_mut().zip(high.as_chunks_mut::<2>().0);
    for ((scale, high), words) in pairs.zip(words.as_chunks::<3>().0) {
        *scale = halves(words[0]);
        *high = [words[1], words[2]];
    }
});

format!(Q5_1, Fives, None, 1, 1, |_, words, scale, offset, high| {
    for (((scale, offset), high), words) in scale.iter_mut().zip(offset).zip(high).zip(words.as_chunks::<2>().0) {
        [*scale, *offset] = halves(words[0]);
        *high = words[1];
    }
});

format!(Q4_K, Fours, None, 1, 0, |lanes, words, scale, offset, _| {
    let eights = scale.as_chunks_mut::<8>().0.iter_mut().zip(offset.as_chunks_mut::<8>().0);
    for ((scale, offset), words) in eights.zip(words.as_chunks::<4>().0) {
        (*scale, *offset) = k_scales(lanes, words);
    }
});

format!(Q5_K, Fives, None, 1, 1, |lanes, words, scale, offset, high| {
    let eights = scale.as_chunks_mut::<8>().0.iter_mut().zip(offset.as_chunks_mut::<8>().0);
    let eights = eights.zip(high.as_chunks_mut::<8>().0);
    for (((scale, offset), high), words) in eights.zip(words.as_chunks::<12>().0) {
        (*scale, *offset) = k_scales(lanes, words);
        high.copy_from_slice(&words[4..]);
    }
});

format!(Q6_K, Sixes, Some(-32.0), 2, 2, |lanes, words, scale, _, high| {
    let sixteens = scale.as_chunks_mut::<16>().0.iter_mut().zip(high.as_chunks_mut::<16>().0);
    for ((scale, high), words) in sixteens.zip(words.as_chunks::<21>().0) {
        let d = half_to_f32(words[0] as u16);
        for (eight, pair) in scale.as_chunks_mut::<8>().0.iter_mut().zip(words[1..5].as_chunks::<2>().0) {
            *eight = lanes.signed_bytes(*pair).map(|v| d * v);
        }
        high.copy_from_slice(&words[5..]);
    }
});
