//! Twin of shaders/argmax_partial.wgsl.

use super::memory::{Memory, part, part_mut};
use crate::Result;
use crate::kernels::ArgmaxPartial;

const PIECE: usize = ArgmaxPartial::PIECE;

pub(super) fn run(kernel: &ArgmaxPartial, memory: &mut Memory) -> Result<()> {
    memory.with(kernel.best, |memory, best: &mut [[u32; 2]]| {
        let logits = part(memory.slice::<f32>(kernel.logits)?, 0, kernel.count as usize)?;
        let best = part_mut(best, 0, logits.len().div_ceil(PIECE))?;
        for (piece, (best, logits)) in best.iter_mut().zip(logits.chunks(PIECE)).enumerate() {
            let (mut value, mut place) = (-3.4e38f32, u32::MAX);
            for (i, logit) in logits.iter().enumerate() {
                if *logit > value {
                    (value, place) = (*logit, (piece * PIECE + i) as u32);
                }
            }
            *best = [value.to_bits(), place];
        }
        Ok(())
    })
}
