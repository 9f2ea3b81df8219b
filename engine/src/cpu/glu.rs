//! Twin of shaders/glu.wgsl.

use super::memory::{Memory, part, part_mut};
use crate::Result;
use crate::kernels::Glu;

pub(super) fn run(kernel: &Glu, memory: &mut Memory) -> Result<()> {
    memory.with(kernel.y, |memory, y: &mut [f32]| {
        let (rows, cols) = (kernel.rows as usize, 4 * kernel.cols4 as usize);
        let x = part(memory.slice::<f32>(kernel.x)?, 0, 2 * rows * cols)?;
        for (y, x) in part_mut(y, 0, rows * cols)?.chunks_exact_mut(cols).zip(x.chunks_exact(2 * cols)) {
            let (gate, up) = x.split_at(cols);
            for ((y, gate), up) in y.iter_mut().zip(gate).zip(up) {
                *y = gate / (1.0 + (-gate).exp()) * up;
            }
        }
        Ok(())
    })
}
