//! Twin of shaders/attend_merge.wgsl.

use super::memory::{Memory, part, part_mut};
use crate::Result;
use crate::kernels::AttendMerge;

pub(super) fn run(kernel: &AttendMerge, memory: &mut Memory) -> Result<()> {
    memory.with(kernel.y, |memory, y: &mut [f32]| {
        let (dim, split) = (4 * kernel.dim4 as usize, kernel.split as usize);
        let position = part(memory.slice::<u32>(kernel.state)?, 0, 1)?[0] as usize;
        let count = (position + split) / split;
        let pieces = memory.slice::<f32>(kernel.pieces_in)?;
        let room = kernel.pieces as usize * (dim + 4);
        let heads = pieces.len() / room;
        for (head, y) in part_mut(y, 0, heads * dim)?.chunks_exact_mut(dim).enumerate() {
            let pieces = part(pieces, head * room, count * (dim + 4))?;
            let maximum = pieces.chunks_exact(dim + 4).map(|piece| piece[dim]).fold(-3.0e38, f32::max);
            y.fill(0.0);
            let mut total = 0.0;
            for piece in pieces.chunks_exact(dim + 4) {
                let weight = (piece[dim] - maximum).exp();
                total += weight * piece[dim + 1];
                y.iter_mut().zip(piece).for_each(|(y, v)| *y += weight * v);
            }
            y.iter_mut().for_each(|y| *y /= total);
        }
        Ok(())
    })
}
