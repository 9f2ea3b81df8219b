//! Twin of shaders/argmax_final.wgsl.

use super::memory::{Memory, part, part_mut};
use crate::Result;
use crate::kernels::ArgmaxFinal;

pub(super) fn run(kernel: &ArgmaxFinal, memory: &mut Memory) -> Result<()> {
    memory.with(kernel.state, |memory, state: &mut [u32]| {
        memory.with(kernel.result, |memory, result: &mut [u32]| {
            let (mut value, mut place) = (-3.4e38f32, u32::MAX);
            for [bits, at] in part(memory.slice::<[u32; 2]>(kernel.best)?, 0, kernel.pieces as usize)? {
                if *at != u32::MAX && f32::from_bits(*bits) > value {
                    (value, place) = (f32::from_bits(*bits), *at);
                }
            }
            let state = part_mut(state, 0, 9)?;
            part_mut(result, 0, 4)?.copy_from_slice(&[place, value.to_bits(), state[0], 0]);
            state[0] += state[1];
            state[1] = 1;
            state[8] = place;
            Ok(())
        })
    })
}
