//! Attention of the queries that share a key/value head, over a range of positions, with a running softmax (FlashAttention,
//! Dao et al. 2022): a tile of keys and values is brought to floats once for all of them.

use std::ops::Range;

use bytemuck::Zeroable;

use super::cache::Cache;
use super::lanes::{Lanes, Portable};

/// Vectors of positions in a tile of keys, and of a head's values that are summed at once.
const WIDE: usize = 8;

/// The cache of one layer.
#[derive(Clone, Copy)]
pub(super) struct Attention<'a> {
    /// [positions, kv_heads, dim]
    pub(super) keys: Cache<'a>,
    /// [positions, kv_heads, dim]
    pub(super) values: Cache<'a>,
    pub(super) kv_heads: usize,
    pub(super) dim: usize,
}

/// What attention comes to, for some queries.
pub(super) struct Attended {
    /// Values weighted by exp(score - maximum): [queries, `stride`].
    pub(super) sums: Vec<f32>,
    /// Length of a row of `sums`: the head's size, rounded up.
    pub(super) stride: usize,
    /// For each query, its largest score.
    pub(super) maxima: Vec<f32>,
    /// For each query, the sum of exp(score - maximum).
    pub(super) totals: Vec<f32>,
}

impl Attention<'_> {
    /// Attends from `queries` [n, dim], scaled, to the places `ranges` of key/value head `head`; query `i` sees those under
    /// `limits[i]`.
    pub(super) fn run(self, head: usize, queries: &[f32], limits: &[usize], ranges: &[Range<usize>]) -> Attended {
        #[cfg(target_arch = "x86_64")]
        if let Some(lanes) = super::lanes::V3::try_new() {
            return self.on(lanes, head, queries, limits, ranges);
        }
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        return self.on(super::lanes::Simd128::new(), head, queries, limits, ranges);
        #[allow(unreachable_code, reason = "reached where there are no vectors")]
        self.on(Portable, head, queries, limits, ranges)
    }

    fn on<L: Lanes>(self, l: L, head: usize, queries: &[f32], limits: &[usize], ranges: &[Range<usize>]) -> Attended {
        l.run(
            #[inline(always)]
            || self.tiles(l, head, queries, limits, ranges),
        )
    }

    #[inline(always)]
    fn tiles<L: Lanes>(
        self,
        l: L,
        head: usize,
        queries: &[f32],
        limits: &[usize],
        ranges: &[Range<usize>],
    ) -> Attended {
        let (dim, lanes) = (self.dim, 4 * L::BLOCKS);
        let count = WIDE * lanes;
        let stride = dim.next_multiple_of(WIDE * lanes);
        let mut attended = Attended {
            sums: vec![0.0; limits.len() * stride],
            stride,
            maxima: vec![-3.0e38; limits.len()],
            totals: vec![0.0; limits.len()],
        };
        let mut keys = vec![[L::Scales::zeroed(); WIDE]; dim]; // [dim, positions]
        let mut values = vec![L::Scales::zeroed(); count * stride / lanes]; // [positions, stride]
        let mut scores = vec![0.0; count];
        let mut row = vec![0.0; dim];
        let tiles = ranges.iter().flat_map(|range| range.clone().step_by(count).map(|start| (start, range.end)));
        for (start, end) in tiles {
            let seen = count.min(end - start);
            let to: &mut [f32] = bytemuck::cast_slice_mut(&mut keys);
            for i in 0..seen {
                self.keys.load(((start + i) * self.kv_heads + head) * dim, &mut row);
                for (column, v) in to.chunks_exact_mut(count).zip(&row) {
                    column[i] = *v;
                }
            }
            let to: &mut [f32] = bytemuck::cast_slice_mut(&mut values);
            for (i, to) in to.chunks_exact_mut(stride).enumerate().take(seen) {
                self.values.load(((start + i) * self.kv_heads + head) * dim, &mut to[..dim]);
            }
            for (q, limit) in limits.iter().enumerate() {
                let seen = seen.min(limit.saturating_sub(start));
                if seen == 0 {
                    continue;
                }
                score(l, &queries[q * dim..(q + 1) * dim], &keys, &mut scores);
                let scores = &mut scores[..seen];
                let maximum = scores.iter().fold(attended.maxima[q], |a, b| if *b > a { *b } else { a });
                let fade = exp(attended.maxima[q] - maximum);
                attended.maxima[q] = maximum;
                scores.iter_mut().for_each(|score| *score = exp(*score - maximum));
                attended.totals[q] = attended.totals[q] * fade + scores.iter().sum::<f32>();
                let sums = &mut attended.sums[q * stride..(q + 1) * stride];
                weigh(l, scores, &values, fade, bytemuck::cast_slice_mut(sums));
            }
        }
        attended
    }
}

/// Scores of a query with a tile of keys.
#[inline(always)]
fn score<L: Lanes>(l: L, query: &[f32], keys: &[[L::Scales; WIDE]], scores: &mut [f32]) {
    let mut sums = [l.splat(0.0); WIDE];
    for (q, keys) in query.iter().zip(keys) {
        let q = l.splat(*q);
        for (sum, key) in sums.iter_mut().zip(keys) {
            *sum = l.mul_add(q, l.floats(key), *sum);
        }
    }
    let scores: &mut [L::Scales] = bytemuck::cast_slice_mut(scores);
    for (score, sum) in scores.iter_mut().zip(sums) {
        *score = l.store(sum);
    }
}

/// sums = sums * fade + weights times values.
#[inline(always)]
fn weigh<L: Lanes>(l: L, weights: &[f32], values: &[L::Scales], fade: f32, sums: &mut [L::Scales]) {
    let stride = sums.len();
    for (part, sums) in sums.as_chunks_mut::<WIDE>().0.iter_mut().enumerate() {
        let fade = l.splat(fade);
        let mut acc = sums.map(
            #[inline(always)]
            |sum| l.mul(l.floats(&sum), fade),
        );
        for (weight, values) in weights.iter().zip(values.chunks_exact(stride)) {
            let weight = l.splat(*weight);
            for (acc, value) in acc.iter_mut().zip(&values.as_chunks::<WIDE>().0[part]) {
                *acc = l.mul_add(weight, l.floats(value), *acc);
            }
        }
        for (sum, acc) in sums.iter_mut().zip(acc) {
            *sum = l.store(acc);
        }
    }
}

/// e^x to about one unit in the last place, 0 under -87, e^88 over 88; in steps that the compiler can turn into vectors.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    // e^x = 2^n e^r with |r| at most half of ln 2, which is taken away in two parts for precision.
    let clamped = if x < -87.0 { -87.0 } else { x };
    let clamped = if clamped > 88.0 { 88.0 } else { clamped };
    let round = 12_582_912.0;
    let n = clamped * std::f32::consts::LOG2_E + round - round;
    let r = clamped - n * 0.693_359_4 + n * 2.121_944_4e-4;
    let p = ((((r / 720.0 + 1.0 / 120.0) * r + 1.0 / 24.0) * r + 1.0 / 6.0) * r + 0.5) * r;
    let e = (p + 1.0) * r + 1.0;
    let scaled = f32::from_bits(e.to_bits().wrapping_add(((n as i32) << 23) as u32));
    if x < -87.0 { 0.0 } else { scaled }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_close_everywhere() {
        for i in -8800..=8800 {
            let x = i as f32 / 100.0;
            let expected = f64::from(x).exp();
            let error = (f64::from(exp(x)) - expected).abs();
            assert!(error <= 3e-7 * expected + 2e-38, "{x}: {} {expected}", exp(x));
        }
        assert_eq!((exp(0.0), exp(-1e30), exp(f32::NEG_INFINITY)), (1.0, 0.0, 0.0));
        assert!(exp(f32::NAN).is_nan());
    }

    /// Softmax attention straight from its definition.
    fn expected(query: &[f32], keys: &[f32], values: &[f32], at: impl Fn(usize) -> usize, seen: usize) -> Vec<f64> {
        let dim = query.len();
        let scores: Vec<f64> = (0..seen)
            .map(|i| query.iter().zip(&keys[at(i)..]).map(|(q, k)| f64::from(*q) * f64::from(*k)).sum())
            .collect();
        let maximum = scores.iter().copied().fold(f64::MIN, f64::max);
        let total: f64 = scores.iter().map(|s| (s - maximum).exp()).sum();
        let weight = |i: usize| (scores[i] - maximum).exp() / total;
        (0..dim).map(|d| (0..seen).map(|i| weight(i) * f64::from(values[at(i) + d])).sum()).collect()
    }

    #[test]
    fn attention_is_that_of_the_definition() {
        for (dim, kv_heads, count, end) in [(8, 1, 1usize, 1usize), (40, 2, 3, 70), (64, 2, 14, 130), (128, 3, 5, 200)]
        {
            let mut seed = 7u32;
            let mut noise = || {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                seed as i32 as f32 / 2f32.powi(30)
            };
            let keys: Vec<f32> = (0..end * kv_heads * dim).map(|_| noise()).collect();
            let values: Vec<f32> = (0..end * kv_heads * dim).map(|_| noise()).collect();
            let queries: Vec<f32> = (0..count * dim).map(|_| noise()).collect();
            let limits: Vec<usize> = (0..count).map(|q| (end + q).saturating_sub(count - 1).max(1)).collect();
            let attention = Attention { keys: Cache::F32(&keys), values: Cache::F32(&values), kv_heads, dim };
            let head = kv_heads - 1;
            let wide = attention.run(head, &queries, &limits, std::slice::from_ref(&(0..end)));
            for found in [wide, attention.on(Portable, head, &queries, &limits, std::slice::from_ref(&(0..end)))] {
                for q in 0..count {
                    let query = &queries[q * dim..(q + 1) * dim];
                    let expected = expected(query, &keys, &values, |i| (i * kv_heads + head) * dim, limits[q]);
                    for (d, expected) in expected.iter().enumerate() {
                        let value = f64::from(found.sums[q * found.stride + d] / found.totals[q]);
                        assert!((value - expected).abs() < 1e-5, "{dim} {q} {d}: {value} {expected}");
                    }
                }
            }
        }
    }
}
