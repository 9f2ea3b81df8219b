//! Twin of shaders/attend_prefill.wgsl.

use super::attention::Attention;
use super::branches::Branches;
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
        let branches = Branches::read(memory.slice(kernel.state)?, tokens)?;
        let (first, shared) = (branches.first, branches.shared);
        let length = first + tokens;
        let keys = Cache::new(memory, kernel.keys, kv, length * kv_heads * dim)?;
        let values = Cache::new(memory, kernel.values, kv, length * kv_heads * dim)?;
        let stride = (heads + 2 * kv_heads) * dim;
        let qkv = part(memory.slice::<f32>(kernel.qkv)?, 0, tokens * stride)?;
        let attention = Attention { keys, values, kv_heads, dim };
        for_each_piece(part_mut(y, 0, tokens * heads * dim)?, TOKENS * heads * dim, |tile, y| {
            let begin = tile * TOKENS;
            let count = y.len() / (heads * dim);
            // Tokens that follow each other in one branch.
            let mut run = begin;
            while run < begin + count {
                let start = branches.start(run);
                let end = (run..begin + count).find(|token| branches.start(*token) != start).unwrap_or(begin + count);
                let limits: Vec<usize> = (0..(end - run) * group).map(|q| first + run + q / group + 1).collect();
                let ranges = if shared > 0 { [0..shared, start..first + end] } else { [0..0, 0..first + end] };
                for kv_head in 0..kv_heads {
                    // [tokens, heads that share this one, dim]
                    let mut queries = Vec::with_capacity(limits.len() * dim);
                    for token in run..end {
                        let from = &qkv[token * stride + kv_head * group * dim..][..group * dim];
                        queries.extend(from.iter().map(|q| q * kernel.scale));
                    }
                    let attended = attention.run(kv_head, &queries, &limits, &ranges);
                    for (q, sums) in attended.sums.chunks_exact(attended.stride).enumerate() {
                        let to = ((run - begin + q / group) * heads + kv_head * group + q % group) * dim;
                        for (y, sum) in y[to..to + dim].iter_mut().zip(sums) {
                            *y = sum / attended.totals[q];
                        }
                    }
                }
                run = end;
            }
        });
        Ok(())
    })
}
