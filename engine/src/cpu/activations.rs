//! Activations as the products of quantised weights want them: 16-bit integers, a scale for each block of 32.

use bytemuck::Zeroable;

use super::formats::Kind;
use super::lanes::Lanes;
use super::threads::for_each_piece;

/// What one step of a product takes of one token.
#[derive(Clone, Copy)]
pub(super) struct Step<L: Lanes, K: Kind<L>> {
    pub(super) q: K::Acts,
    /// Each block's scale, four times.
    pub(super) scale: L::Scales,
}

/// `T` tokens side by side.
pub(super) struct Tile<L: Lanes, K: Kind<L>, const T: usize> {
    pub(super) steps: Vec<[Step<L, K>; T]>,
    /// Sums of the integers times the scale, one for each scale of a block: what the formats' offsets multiply.
    pub(super) sums: Vec<[L::Scales; T]>,
}

/// Quantises rows of `cols` values; the last tile is filled up with zeros. `scales` as `Format::SCALES`.
pub(super) fn quantise<L: Lanes, K: Kind<L>, const T: usize>(
    lanes: L,
    x: &[f32],
    cols: usize,
    scales: usize,
) -> Vec<Tile<L, K, T>> {
    let rows: Vec<&[f32]> = x.chunks(T * cols).collect();
    let mut tiles: Vec<Tile<L, K, T>> = rows.iter().map(|_| Tile { steps: Vec::new(), sums: Vec::new() }).collect();
    for_each_piece(&mut tiles, 1, |i, to| {
        lanes.run(
            #[inline(always)]
            || {
                for to in to {
                    *to = tile(rows[i], cols, scales);
                }
            },
        );
    });
    tiles
}

#[inline(always)]
fn tile<L: Lanes, K: Kind<L>, const T: usize>(x: &[f32], cols: usize, scales: usize) -> Tile<L, K, T> {
    let blocks = cols / 32;
    let nothing = Step::<L, K> { q: K::Acts::zeroed(), scale: L::Scales::zeroed() };
    let mut steps = vec![[nothing; T]; blocks.div_ceil(K::STEP)];
    let mut sums = vec![[L::Scales::zeroed(); T]; (blocks * scales).div_ceil(4 * L::BLOCKS)];
    for (token, row) in x.chunks_exact(cols).enumerate() {
        for (b, block) in row.as_chunks::<32>().0.iter().enumerate() {
            let step: &mut Step<L, K> = &mut steps[b / K::STEP][token];
            let (q, scale) = integers(block);
            let acts: &mut [i16] = bytemuck::cast_slice_mut(std::slice::from_mut(&mut step.q));
            for (i, q) in q.iter().enumerate() {
                acts[K::place(b % K::STEP, i)] = *q;
            }
            let lanes: &mut [[f32; 4]] = step.scale.as_mut();
            match K::STEP {
                1 => lanes.fill([scale; 4]),
                _ => lanes[b % K::STEP] = [scale; 4],
            }
            for part in 0..scales {
                let q = &q[32 / scales * part..32 / scales * (part + 1)];
                let at = b * scales + part;
                let vector: &mut [[f32; 4]] = sums[at / (4 * L::BLOCKS)][token].as_mut();
                let sum: i32 = q.iter().map(|q| i32::from(*q)).sum();
                vector[at / 4 % L::BLOCKS][at % 4] = sum as f32 * scale;
            }
        }
    }
    Tile { steps, sums }
}

/// x = scale * q, with |q| up to 32767. A value that is not a number makes the whole block so.
#[inline(always)]
fn integers(block: &[f32; 32]) -> ([i16; 32], f32) {
    // Positive floats are in the order of their bits, not-a-number last.
    let largest = f32::from_bits(block.iter().fold(0, |largest, v| largest.max(v.to_bits() & 0x7fff_ffff)));
    if largest < f32::MIN_POSITIVE * 32767.0 {
        return ([0; 32], 0.0);
    }
    if !largest.is_finite() {
        return ([1; 32], f32::NAN);
    }
    let inverse = 32767.0 / largest;
    // Added and taken away, this rounds to a whole number.
    let round = 12_582_912.0;
    let mut q = [0; 32];
    for (q, v) in q.iter_mut().zip(block) {
        *q = (v * inverse + round - round) as i32 as i16;
    }
    (q, largest / 32767.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::formats::{Bytes, Fours};
    use crate::cpu::lanes::Portable;

    #[test]
    fn integers_stand_for_the_values() {
        let x: Vec<f32> = (0..64).map(|i| ((i * 37) % 64) as f32 / 7.0 - 4.0).collect();
        let tiles = quantise::<_, Bytes, 1>(Portable, &x, 64, 0);
        for (b, step) in tiles[0].steps.iter().enumerate() {
            let scale = step[0].scale[0][0];
            for (q, x) in step[0].q.iter().zip(&x[32 * b..]) {
                assert!((f32::from(*q) * scale - x).abs() <= scale * 0.51, "{q} {scale} {x}");
            }
        }
    }

    #[test]
    fn nibble_formats_have_their_own_order_and_sums() {
        let x: Vec<f32> = (0..32).map(|i| i as f32).collect();
        let tiles = quantise::<_, Fours, 2>(Portable, &x, 32, 2);
        let step = &tiles[0].steps[0];
        let q: &[i16] = bytemuck::cast_slice(&step[0].q);
        let scale = step[0].scale[0][0];
        assert_eq!((f32::from(q[8 + 3]) * scale).round(), 13.0, "plane 1, lane 3 is value 13");
        assert!((tiles[0].sums[0][0][0][0] - 120.0).abs() < 0.01);
        assert!((tiles[0].sums[0][0][0][1] - 376.0).abs() < 0.01);
        assert_eq!(step[1].scale[0], [0.0; 4], "the second token is not there");
    }

    #[test]
    fn what_is_not_a_number_stays_so() {
        let mut x = [0.5; 32];
        x[7] = f32::NAN;
        assert!(integers(&x).1.is_nan());
        x[7] = f32::INFINITY;
        assert!(integers(&x).1.is_nan());
        assert_eq!(integers(&[0.0; 32]), ([0; 32], 0.0));
    }
}
