//! Twin of shaders/rmsnorm.wgsl.

use super::matvec::normalise;
use super::memory::{Memory, part, part_mut};
use crate::Result;
use crate::kernels::Rmsnorm;

pub(super) fn run(kernel: &Rmsnorm, memory: &mut Memory, rows: usize) -> Result<()> {
    memory.with(kernel.y, |memory, y: &mut [f32]| {
        let cols = 4 * kernel.cols4 as usize;
        let x = part(memory.slice::<f32>(kernel.x)?, 0, rows * cols)?;
        let gain = part(memory.slice(kernel.gain)?, 0, cols)?;
        let y = part_mut(y, 0, rows * cols)?;
        y.copy_from_slice(x);
        y.chunks_exact_mut(cols).for_each(|row| normalise(row, gain, kernel.eps));
        Ok(())
    })
}
