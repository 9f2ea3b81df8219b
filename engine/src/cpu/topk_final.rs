//! Twin of shaders/topk_final.wgsl.

use super::memory::{Memory, part, part_mut};
use crate::Result;
use crate::kernels::{TopkFinal, TopkPartial};

const TOP: usize = TopkPartial::TOP;

pub(super) fn run(kernel: &TopkFinal, memory: &mut Memory) -> Result<()> {
    memory.with(kernel.result, |memory, result: &mut [[u32; 2]]| {
        let state = part(memory.slice::<u32>(kernel.state)?, 0, 3)?;
        let inverse = f32::from_bits(state[2]);
        let tops = part(memory.slice::<[u32; 2]>(kernel.tops)?, 0, kernel.pieces as usize * (TOP + 1))?;
        let mut list: Vec<(f32, u32)> = Vec::new();
        let (mut maximum, mut sum) = (-3.4e38f32, 0.0);
        for piece in tops.chunks_exact(TOP + 1) {
            list.extend(piece[..TOP].iter().map(|[bits, place]| (f32::from_bits(*bits), *place)));
            let [top, part] = piece[TOP].map(f32::from_bits);
            let larger = maximum.max(top);
            sum = sum * ((maximum - larger) * inverse).exp() + part * ((top - larger) * inverse).exp();
            maximum = larger;
        }
        list.sort_unstable_by(|a, b| (b.0 + 0.0).total_cmp(&(a.0 + 0.0)).then(a.1.cmp(&b.1)));
        let result = part_mut(result, 0, TOP + 2)?;
        for (result, (value, place)) in result.iter_mut().zip(&list) {
            *result = [value.to_bits(), *place];
        }
        result[TOP] = [maximum.to_bits(), f32::to_bits(sum)];
        result[TOP + 1] = [state[0], 0];
        Ok(())
    })
}
