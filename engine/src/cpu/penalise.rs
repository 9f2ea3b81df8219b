//! Twin of shaders/penalise.wgsl.

use super::memory::{Memory, part, part_mut};
use crate::Result;
use crate::kernels::Penalise;

pub(super) fn run(kernel: &Penalise, memory: &mut Memory) -> Result<()> {
    memory.with(kernel.logits, |memory, logits: &mut [f32]| {
        let state = part(memory.slice::<u32>(kernel.state)?, 0, 8)?;
        let [repetition, frequency, presence] = [state[4], state[5], state[6]].map(f32::from_bits);
        for [token, count] in part(memory.slice::<[u32; 2]>(kernel.seen)?, 0, state[3] as usize)? {
            let logit = &mut part_mut(logits, *token as usize, 1)?[0];
            *logit = if *logit > 0.0 { *logit / repetition } else { *logit * repetition };
            *logit -= frequency * *count as f32 + presence;
        }
        Ok(())
    })
}
