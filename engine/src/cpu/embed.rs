//! Twin of shaders/embed.wgsl.

use super::memory::{Memory, part, part_mut};
use super::product::Planes;
use crate::kernels::Embed;
use crate::loader::DType;
use crate::{Error, Result};

pub(super) fn run(kernel: &Embed, memory: &mut Memory, dtype: DType, rows: usize) -> Result<()> {
    memory.with(kernel.x, |memory, x: &mut [f32]| {
        let cols = 32 * kernel.blocks as usize;
        let tokens = part(memory.slice::<u32>(kernel.state)?, 8, rows)?;
        let planes = Planes {
            dtype,
            quants: memory.slice(kernel.quants)?,
            scales: memory.slice(kernel.scales)?,
            blocks: kernel.blocks as usize,
        };
        if !planes.hold(kernel.rows as usize) {
            return Err(Error::Request("embed reaches outside its weights".to_owned()));
        }
        for (i, token) in tokens.iter().enumerate() {
            if (kernel.first_row..kernel.first_row + kernel.rows).contains(token) {
                planes.row((token - kernel.first_row) as usize, part_mut(x, i * cols, cols)?);
            }
        }
        Ok(())
    })
}
