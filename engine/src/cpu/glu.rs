//! Twin of shaders/glu.wgsl.

use super::lanes::vectorised;
use super::matvec::silu;
use super::memory::{Memory, part, part_mut};
use super::threads::for_each_piece;
use crate::Result;
use crate::kernels::Glu;

pub(super) fn run(kernel: &Glu, memory: &mut Memory) -> Result<()> {
    memory.with(kernel.y, |memory, y: &mut [f32]| {
        let (rows, cols) = (kernel.rows as usize, 4 * kernel.cols4 as usize);
        let x = part(memory.slice::<f32>(kernel.x)?, 0, 2 * rows * cols)?;
        if cols == 0 {
            return Ok(());
        }
        for_each_piece(part_mut(y, 0, rows * cols)?, cols, |row, y| {
            let (gate, up) = x[2 * row * cols..][..2 * cols].split_at(cols);
            vectorised(
                #[inline(always)]
                || {
                    for ((y, gate), up) in y.iter_mut().zip(gate).zip(up) {
                        *y = silu(*gate) * up;
                    }
                },
            );
        });
        Ok(())
    })
}
