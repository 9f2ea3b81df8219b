//! Twin of shaders/attend_prefill.wgsl.

use super::attend_split::attend;
use super::cache::Cache;
use super::memory::{Memory, part, part_mut};
use super::threads::for_each_piece;
use crate::Result;
use crate::kernels::AttendPrefill;
use crate::model::KvType;

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
        for_each_piece(part_mut(y, 0, tokens * heads * dim)?, heads * dim, |token, y| {
            for (head, y) in y.chunks_exact_mut(dim).enumerate() {
                let from = token * stride + head * dim;
                let query: Vec<f32> = qkv[from..from + dim].iter().map(|q| q * kernel.scale).collect();
                let at = |i: usize| (i * kv_heads + head / group) * dim;
                let (_, total) = attend(&query, keys, values, first + token + 1, at, y);
                y.iter_mut().for_each(|y| *y /= total);
            }
        });
        Ok(())
    })
}
