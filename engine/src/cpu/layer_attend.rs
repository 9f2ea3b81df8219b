//! Twin of shaders/layer_attend.wgsl.

use super::memory::{Memory, part, part_mut};
use crate::Result;
use crate::kernels::LayerAttend;

pub(super) fn run(kernel: &LayerAttend, memory: &mut Memory, layers: usize) -> Result<()> {
    memory.with(kernel.y, |memory, y: &mut [f32]| {
        let (dim, heads) = (kernel.dim as usize, kernel.heads as usize);
        let q = memory.slice::<f32>(kernel.q)?;
        let kv = memory.slice::<f32>(kernel.kv)?;
        let all: Vec<u32> = (0..kernel.count).collect();
        for (layer, row) in (0..layers).flat_map(|layer| (0..kernel.rows as usize).map(move |row| (layer, row))) {
            let seen = match kernel.table_stride as usize {
                0 => &all[..],
                stride => {
                    let table = memory.slice::<u32>(kernel.table)?;
                    let listed = part(table, layer * kernel.table_layer as usize + row * stride, stride)?;
                    part(listed, 1, listed[0] as usize)?
                }
            };
            for head in 0..heads {
                let from = kernel.q_first as usize + layer * kernel.q_layer as usize;
                let q = part(q, from + row * kernel.q_stride as usize + head * dim, dim)?;
                let base = layer * kernel.kv_layer as usize + head * dim;
                let place = |first: u32, key: u32| first as usize + base + key as usize * kernel.kv_stride as usize;
                let mut weights = Vec::with_capacity(seen.len());
                for key in seen {
                    let k = part(kv, place(kernel.k_first, *key), dim)?;
                    weights.push(q.iter().zip(k).map(|(q, k)| q * kernel.scale * k).sum::<f32>());
                }
                let best = weights.iter().copied().fold(-3.0e38, f32::max);
                weights.iter_mut().for_each(|weight| *weight = (*weight - best).exp());
                let sum: f32 = weights.iter().sum();
                let to = kernel.y_first as usize + layer * kernel.y_layer as usize;
                let y = part_mut(y, to + row * kernel.y_stride as usize + head * dim, dim)?;
                y.fill(0.0);
                for (key, weight) in seen.iter().zip(&weights) {
                    let v = part(kv, place(kernel.v_first, *key), dim)?;
                    y.iter_mut().zip(v).for_each(|(y, v)| *y += weight * v);
                }
                y.iter_mut().for_each(|y| *y /= sum);
            }
        }
        Ok(())
    })
}
