//! Twin of shaders/layer_gather.wgsl.

use super::memory::{Memory, part, part_mut};
use crate::Result;
use crate::kernels::LayerGather;

pub(super) fn run(kernel: &LayerGather, memory: &mut Memory, layers: usize) -> Result<()> {
    memory.with(kernel.y, |memory, y: &mut [f32]| {
        let (rows, cols, terms) = (kernel.rows as usize, 4 * kernel.cols4 as usize, kernel.terms as usize);
        let index = memory.slice::<u32>(kernel.index)?;
        let table = memory.slice::<f32>(kernel.table)?;
        for layer in 0..layers {
            for row in 0..rows {
                let first = kernel.index_first as usize + layer * kernel.index_layer as usize + row * terms;
                let to = 4 * (kernel.y_first as usize + layer * kernel.y_layer as usize) + row * cols;
                let y = part_mut(y, to, cols)?;
                if kernel.accumulate == 0 {
                    y.fill(0.0);
                }
                for number in part(index, first, terms)?.iter().filter(|number| **number != LayerGather::NONE) {
                    let from = 4 * (kernel.table_first as usize + layer * kernel.table_layer as usize);
                    let values = part(table, from + *number as usize * cols, cols)?;
                    y.iter_mut().zip(values).for_each(|(y, value)| *y += value);
                }
            }
        }
        Ok(())
    })
}
