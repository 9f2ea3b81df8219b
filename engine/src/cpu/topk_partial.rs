//! Twin of shaders/topk_partial.wgsl.

use super::memory::{Memory, part, part_mut};
use super::threads::for_each_piece;
use crate::Result;
use crate::kernels::TopkPartial;

const PIECE: usize = TopkPartial::PIECE;
const TOP: usize = TopkPartial::TOP;

pub(super) fn run(kernel: &TopkPartial, memory: &mut Memory) -> Result<()> {
    memory.with(kernel.tops, |memory, tops: &mut [[u32; 2]]| {
        let logits = part(memory.slice::<f32>(kernel.logits)?, 0, kernel.count as usize)?;
        let inverse = f32::from_bits(part(memory.slice::<u32>(kernel.state)?, 0, 3)?[2]);
        let tops = part_mut(tops, 0, logits.len().div_ceil(PIECE) * (TOP + 1))?;
        for_each_piece(tops, TOP + 1, |piece, tops| {
            let mut list: Vec<(f32, u32)> = (0..PIECE)
                .map(|i| piece * PIECE + i)
                .map(|i| (logits.get(i).map_or(-3.4e38, |logit| logit.max(-3.4e38)), i as u32))
                .collect();
            let order = |a: &(f32, u32), b: &(f32, u32)| (b.0 + 0.0).total_cmp(&(a.0 + 0.0)).then(a.1.cmp(&b.1));
            list.select_nth_unstable_by(TOP, order);
            let sum = |maximum: f32| -> f32 {
                list.iter().filter(|(v, _)| *v > -3.3e38).map(|(v, _)| ((v - maximum) * inverse).exp()).sum()
            };
            let maximum = list.iter().map(|(v, _)| *v).fold(-3.4e38, f32::max);
            let total = sum(maximum);
            list[..TOP].sort_unstable_by(order);
            for (top, (value, place)) in tops.iter_mut().zip(&list[..TOP]) {
                *top = [value.to_bits(), *place];
            }
            tops[TOP] = [maximum.to_bits(), total.to_bits()];
        });
        Ok(())
    })
}
