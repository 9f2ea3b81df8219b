//! Twin of shaders/layer_tap.wgsl.

use super::memory::{Memory, part, part_mut};
use crate::Result;
use crate::kernels::LayerTap;

pub(super) fn run(kernel: &LayerTap, memory: &mut Memory) -> Result<()> {
    memory.with(kernel.y, |memory, y: &mut [f32]| {
        let (rows, cols) = (kernel.rows as usize, 4 * kernel.cols4 as usize);
        let x = part(memory.slice::<f32>(kernel.x)?, 4 * kernel.x_first as usize, rows * cols)?;
        let weights = memory.slice::<f32>(kernel.weights)?;
        let mean = part(weights, 4 * kernel.mean_first as usize, cols)?;
        let scale = part(weights, 4 * kernel.scale_first as usize, cols)?;
        let y = part_mut(y, 4 * kernel.y_first as usize, rows * cols)?;
        if cols == 0 {
            return Ok(());
        }
        for (x, y) in x.chunks_exact(cols).zip(y.chunks_exact_mut(cols)) {
            let square: f32 = x.iter().map(|v| v * v).sum();
            if !square.is_finite() {
                y.fill(f32::NAN);
                continue;
            }
            let inverse = 1.0 / (square / cols as f32 + kernel.eps).sqrt();
            for (i, (x, y)) in x.iter().zip(y).enumerate() {
                *y = ((x * inverse - mean[i]) * scale[i]).clamp(-kernel.bound, kernel.bound);
            }
        }
        Ok(())
    })
}
