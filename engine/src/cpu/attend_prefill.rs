//! Twin of shaders/attend_prefill.wgsl.

use super::attention::Attention;
use super::cache::Cache;
use super::memory::{Memory, part, part_mut};
use super::threads::for_each_piece;
use crate::Result;
use crate::kernels::AttendPrefill;
use crate::model::KvType;

/// Tokens whose queries go over a tile of keys together.
const TOKENS: usize = 16;

pub(super) fn run(kernel: &AttendPrefill, memory: &mut Memory, kv: KvType) -> Result<()> {
    memory.with(kernel.y, |memory, y: &mut [f32]| {
        let (tokens, heads, group) = (kernel.tokens as usize, kernel.heads as usize, kernel.group as usize);
        let dim = 4 * kernel.dim4 as usize;
        let kv_heads = heads / group;
        let first = part(memory.slice::<u32>(kernel.state)?, 0, 1)?[0] as usize;
        let length = first + tokens;
        let keys = Cache::new(memory, kernel.keys, kv, length * kv_heads * dim)?;
        let values = Cache::new(memory, kernel.values, kv, length * kv_heads * dim)?;
        let stride = (heads + 2 * kv_heads) * dim;
        let qkv = part(memory.slice::<f32>(kernel.qkv)?, 0, tokens * stride)?;
        let attention = Attention { keys, values, kv_heads, dim };
        for_each_piece(part_mut(y, 0, tokens * heads * dim)?, TOKENS * heads * dim, |tile, y| {
            let begin = tile * TOKENS;
            let count = y.len() / (heads * dim);
            let limits: Vec<usize> = (0..count * group).map(|q| first + begin + q / group + 1).collect();
            for kv_head in 0..kv_heads {
                // [tokens, heads that share this one, dim]
                let mut queries = Vec::with_capacity(count * group * dim);
                for token in begin..begin + count {
                    let from = &qkv[token * stride + kv_head * group * dim..][..group * dim];
                    queries.extend(from.iter().map(|q| q * kernel.scale));
                }
                let attended = attention.run(kv_head, &queries, &limits, 0, first + begin + count);
                for (q, sums) in attended.sums.chunks_exact(attended.stride).enumerate() {
                    let to = (q / group * heads + kv_head * group + q % group) * dim;
                    for (y, sum) in y[to..to + dim].iter_mut().zip(sums) {
                        *y = sum / attended.totals[q];
                    }
                }
            }
        });
        Ok(())
    })
}
