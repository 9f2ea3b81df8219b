//! Twin of shaders/tap.wgsl.

use super::memory::{Memory, part, part_mut};
use crate::Result;
use crate::kernels::Tap;

pub(super) fn run(kernel: &Tap, memory: &mut Memory, rows: usize) -> Result<()> {
    memory.with(kernel.kept, |memory, kept: &mut [f32]| {
        let cols = 4 * kernel.cols4 as usize;
        let position = part(memory.slice::<u32>(kernel.state)?, 0, 1)?[0] as usize;
        let x = part(memory.slice::<f32>(kernel.x)?, 0, rows * cols)?;
        part_mut(kept, position * cols, rows * cols)?.copy_from_slice(x);
        Ok(())
    })
}
