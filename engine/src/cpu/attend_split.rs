//! Twin of shaders/attend_split.wgsl.

use super::cache::Cache;
use super::memory::{Memory, part, part_mut};
use super::threads::for_each_piece;
use crate::Result;
use crate::kernels::AttendSplit;
use crate::model::KvType;

pub(super) fn run(kernel: &AttendSplit, memory: &mut Memory, kv: KvType, pieces: usize) -> Result<()> {
    memory.with(kernel.pieces_out, |memory, out: &mut [f32]| {
        let (heads, group) = (kernel.heads as usize, kernel.group as usize);
        let (dim, split) = (4 * kernel.dim4 as usize, kernel.split as usize);
        let kv_heads = heads / group;
        let length = part(memory.slice::<u32>(kernel.state)?, 0, 1)?[0] as usize + 1;
        let keys = Cache::new(memory, kernel.keys, kv, length * kv_heads * dim)?;
        let values = Cache::new(memory, kernel.values, kv, length * kv_heads * dim)?;
        let qkv = part(memory.slice::<f32>(kernel.qkv)?, 0, heads * dim)?;
        let room = kernel.pieces as usize * (dim + 4);
        for_each_piece(part_mut(out, 0, heads * room)?, room, |head, out| {
            let query: Vec<f32> = qkv[head * dim..(head + 1) * dim].iter().map(|q| q * kernel.scale).collect();
            for (piece, out) in out.chunks_exact_mut(dim + 4).enumerate().take(pieces) {
                let first = (piece * split).min(length);
                let count = (length - first).min(split);
                let at = |i: usize| ((first + i) * kv_heads + head / group) * dim;
                let (sums, end) = out.split_at_mut(dim);
                let (maximum, total) = attend(&query, keys, values, count, at, sums);
                end.copy_from_slice(&[maximum, total, 0.0, 0.0]);
            }
        });
        Ok(())
    })
}

/// Sums of values weighted by exp(score - maximum), over `count` positions; gives the maximum and the sum of weights.
pub(super) fn attend(
    query: &[f32],
    keys: Cache<'_>,
    values: Cache<'_>,
    count: usize,
    at: impl Fn(usize) -> usize,
    sums: &mut [f32],
) -> (f32, f32) {
    let mut vector = vec![0.0; query.len()];
    let mut scores = Vec::with_capacity(count);
    let mut maximum = -3.0e38f32;
    for i in 0..count {
        keys.load(at(i), &mut vector);
        let score = dot(query, &vector);
        maximum = maximum.max(score);
        scores.push(score);
    }
    sums.fill(0.0);
    let mut total = 0.0;
    for (i, score) in scores.iter().enumerate() {
        let weight = (score - maximum).exp();
        total += weight;
        values.load(at(i), &mut vector);
        sums.iter_mut().zip(&vector).for_each(|(sum, v)| *sum += weight * v);
    }
    (maximum, total)
}

/// In eight lanes, which the compiler turns into vectors.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0f32; 8];
    for (a, b) in a.chunks_exact(8).zip(b.chunks_exact(8)) {
        for i in 0..8 {
            lanes[i] += a[i] * b[i];
        }
    }
    lanes.iter().sum()
}
