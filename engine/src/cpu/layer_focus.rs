//! Twin of shaders/layer_focus.wgsl.

use super::memory::{Memory, part, part_mut};
use crate::Result;
use crate::kernels::LayerFocus;

pub(super) fn run(kernel: &LayerFocus, memory: &mut Memory, layers: usize) -> Result<()> {
    memory.with(kernel.y, |memory, y: &mut [f32]| {
        let (dim, heads, count) = (kernel.dim as usize, kernel.heads as usize, kernel.count as usize);
        let q = memory.slice::<f32>(kernel.q)?;
        let k = memory.slice::<f32>(kernel.k)?;
        let place = |layer: usize, (first, of_layer, stride): (u32, u32, u32), row: usize| {
            first as usize + layer * of_layer as usize + row * stride as usize
        };
        for (layer, row) in (0..layers).flat_map(|layer| (0..kernel.rows as usize).map(move |row| (layer, row))) {
            let y = part_mut(y, place(layer, (kernel.y_first, kernel.y_layer, kernel.y_stride), row), count)?;
            if kernel.accumulate != 1 {
                y.fill(0.0);
            }
            for head in 0..heads {
                let from = place(layer, (kernel.q_first, kernel.q_layer, kernel.q_stride), row);
                let q = part(q, from + head * dim, dim)?;
                let mut weights = Vec::with_capacity(count);
                for key in 0..count {
                    let from = place(layer, (kernel.k_first, kernel.k_layer, kernel.k_stride), key);
                    let k = part(k, from + head * dim, dim)?;
                    weights.push(q.iter().zip(k).map(|(q, k)| q * kernel.scale * k).sum::<f32>());
                }
                let best = weights.iter().copied().fold(-3.0e38, f32::max);
                weights.iter_mut().for_each(|weight| *weight = (*weight - best).exp());
                let share = kernel.share / heads as f32 / weights.iter().sum::<f32>();
                y.iter_mut().zip(&weights).for_each(|(y, weight)| *y += weight * share);
            }
        }
        Ok(())
    })
}
