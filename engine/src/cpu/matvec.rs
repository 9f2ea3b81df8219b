//! Twin of shaders/matvec.wgsl.

use super::attention::exp;
use super::lanes::vectorised;
use super::memory::{Memory, part, part_mut};
use super::product::Planes;
use crate::kernels::Matvec;
use crate::loader::DType;
use crate::{Error, Result};

pub(super) fn run(kernel: &Matvec, memory: &mut Memory, dtype: DType) -> Result<()> {
    memory.with(kernel.y, |memory, y: &mut [f32]| {
        let (rows, blocks) = (kernel.rows as usize, kernel.blocks as usize);
        let mut x = part(memory.slice::<f32>(kernel.x)?, 4 * kernel.x_first as usize, 32 * blocks)?.to_vec();
        if kernel.norm == 1 {
            normalise(&mut x, part(memory.slice(kernel.gain)?, 0, 32 * blocks)?, kernel.eps);
        }
        let planes =
            Planes { dtype, quants: memory.slice(kernel.quants)?, scales: memory.slice(kernel.scales)?, blocks };
        if !planes.hold(rows) {
            return Err(Error::Request("matvec reaches outside its weights".to_owned()));
        }
        if rows * blocks == 0 {
            return Ok(());
        }
        let width = if kernel.epilogue == 2 { rows / 2 } else { rows };
        let y = part_mut(y, kernel.y_first as usize, width)?;
        let mut sums = vec![0.0; rows];
        planes.times(&x, &mut sums);
        if kernel.biased == 1 {
            let bias = part(memory.slice::<f32>(kernel.bias)?, kernel.bias_first as usize, rows)?;
            sums.iter_mut().zip(bias).for_each(|(sum, bias)| *sum += bias);
        }
        finish(&sums, kernel.epilogue, y);
        Ok(())
    })
}

/// x / rms(x) * gain.
pub(super) fn normalise(x: &mut [f32], gain: &[f32], eps: f32) {
    let squares: f64 = x.iter().map(|v| f64::from(*v) * f64::from(*v)).sum();
    let inverse = (squares / x.len() as f64 + f64::from(eps)).sqrt().recip() as f32;
    x.iter_mut().zip(gain).for_each(|(v, gain)| *v *= inverse * gain);
}

/// The epilogue: 0 store, 1 add, 2 SwiGLU over sums that alternate gate, up.
pub(super) fn finish(sums: &[f32], epilogue: u32, y: &mut [f32]) {
    match epilogue {
        2 => vectorised(
            #[inline(always)]
            || {
                for (y, [gate, up]) in y.iter_mut().zip(sums.as_chunks::<2>().0) {
                    *y = silu(*gate) * up;
                }
            },
        ),
        1 => y.iter_mut().zip(sums).for_each(|(y, sum)| *y += sum),
        _ => y.copy_from_slice(sums),
    }
}

/// v / (1 + e^-v)
#[inline(always)]
pub(super) fn silu(v: f32) -> f32 {
    v / (1.0 + exp(-v))
}
