//! Twin of shaders/rope_cache.wgsl.

use super::branches::Branches;
use super::cache::store;
use super::matvec::normalise;
use super::memory::{Memory, part, part_mut};
use crate::Result;
use crate::kernels::RopeCache;
use crate::model::KvType;

pub(super) fn run(kernel: &RopeCache, memory: &mut Memory, kv: KvType, rows: usize) -> Result<()> {
    let (heads, kv_heads) = (kernel.heads as usize, kernel.kv_heads as usize);
    let dim = 4 * kernel.dim4 as usize;
    memory.with(kernel.qkv, |memory, qkv: &mut [f32]| {
        memory.with(kernel.keys, |memory, keys: &mut [u32]| {
            memory.with(kernel.values, |memory, values: &mut [u32]| {
                let branches = Branches::read(memory.slice(kernel.state)?, rows)?;
                let table: &[[f32; 2]] = memory.slice(kernel.table)?;
                let q_gain = part(memory.slice::<f32>(kernel.q_gain)?, 0, dim)?;
                let k_gain = part(memory.slice::<f32>(kernel.k_gain)?, 0, dim)?;
                let mut head = vec![0.0; dim];
                for row in 0..rows {
                    let place_in_cache = branches.first + row;
                    let turns = part(table, branches.position(row) * dim / 2, dim / 2)?;
                    for h in 0..heads + 2 * kv_heads {
                        let place = part_mut(qkv, (row * (heads + 2 * kv_heads) + h) * dim, dim)?;
                        if h >= heads + kv_heads {
                            store(values, kv, (place_in_cache * kv_heads + h - heads - kv_heads) * dim, place)?;
                            continue;
                        }
                        head.copy_from_slice(place);
                        if kernel.norm == 1 {
                            normalise(&mut head, if h < heads { q_gain } else { k_gain }, kernel.eps);
                        }
                        let (low, high) = head.split_at_mut(dim / 2);
                        for ((a, b), [cos, sin]) in low.iter_mut().zip(high).zip(turns) {
                            (*a, *b) = (*a * cos - *b * sin, *b * cos + *a * sin);
                        }
                        if h < heads {
                            place.copy_from_slice(&head);
                        } else {
                            store(keys, kv, (place_in_cache * kv_heads + h - heads) * dim, &head)?;
                        }
                    }
                }
                Ok(())
            })
        })
    })
}
