//! Twin of shaders/attend_split.wgsl.

use super::attention::Attention;
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
        let attention = Attention { keys, values, kv_heads, dim };
        // All heads that share a key/value head together: each key is brought to floats once.
        for_each_piece(part_mut(out, 0, heads * room)?, group * room, |head, out| {
            let queries = qkv[head * group * dim..][..group * dim].iter().map(|q| q * kernel.scale);
            let queries: Vec<f32> = queries.collect();
            for piece in 0..pieces.min(kernel.pieces as usize) {
                let (first, end) = ((piece * split).min(length), ((piece + 1) * split).min(length));
                let attended = attention.run(head, &queries, &vec![end; group], std::slice::from_ref(&(first..end)));
                for (q, out) in out.chunks_exact_mut(room).enumerate() {
                    let (sums, end) = out[piece * (dim + 4)..][..dim + 4].split_at_mut(dim);
                    sums.copy_from_slice(&attended.sums[q * attended.stride..][..dim]);
                    end.copy_from_slice(&[attended.maxima[q], attended.totals[q], 0.0, 0.0]);
                }
            }
        });
        Ok(())
    })
}
