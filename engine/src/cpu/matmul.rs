//! Twin of shaders/matmul.wgsl.

use super::matvec::finish;
use super::memory::{Memory, part, part_mut};
use super::product::{Planes, ROWS};
use super::threads::for_each_piece;
use crate::kernels::Matmul;
use crate::loader::DType;
use crate::{Error, Result};

pub(super) fn run(kernel: &Matmul, memory: &mut Memory, dtype: DType) -> Result<()> {
    memory.with(kernel.y, |memory, y: &mut [f32]| {
        let (tokens, rows, blocks) = (kernel.tokens as usize, kernel.rows as usize, kernel.blocks as usize);
        let x = part(memory.slice::<f32>(kernel.x)?, 0, tokens * blocks * 32)?;
        let planes =
            Planes { dtype, quants: memory.slice(kernel.quants)?, scales: memory.slice(kernel.scales)?, blocks };
        if !planes.hold(rows) {
            return Err(Error::Request("matmul reaches outside its weights".to_owned()));
        }
        if tokens * rows * blocks == 0 {
            return Ok(());
        }
        let bias = match kernel.biased {
            1 => Some(part(memory.slice::<f32>(kernel.bias)?, kernel.bias_first as usize, rows)?),
            _ => None,
        };
        let (stride, first) = (kernel.y_stride as usize, kernel.y_first as usize);
        let width = if kernel.epilogue == 2 { rows / 2 } else { rows };
        if first + width > stride && tokens > 1 {
            return Err(Error::Request("matmul writes rows that overlap".to_owned()));
        }
        let y = part_mut(y, 0, (tokens - 1) * stride + first + width)?;
        let mut products = vec![0.0; rows * tokens];
        planes.times(x, &mut products);
        for_each_piece(y, stride, |token, y| {
            // The products come in pieces of some rows: [tokens, rows] each.
            let mut sums = Vec::with_capacity(rows);
            for piece in products.chunks(ROWS * tokens) {
                let count = piece.len() / tokens;
                sums.extend_from_slice(&piece[token * count..][..count]);
            }
            if let Some(bias) = bias {
                sums.iter_mut().zip(bias).for_each(|(sum, bias)| *sum += bias);
            }
            finish(&sums, kernel.epilogue, &mut y[first..first + width]);
        });
        Ok(())
    })
}
