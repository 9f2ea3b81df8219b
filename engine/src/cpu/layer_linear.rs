//! Twin of shaders/layer_linear.wgsl.

use super::lanes::vectorised;
use super::memory::{Memory, part, part_mut};
use crate::kernels::LayerLinear;
use crate::{Error, Result};

pub(super) fn run(kernel: &LayerLinear, memory: &mut Memory, rows: usize, layers: usize) -> Result<()> {
    memory.with(kernel.y, |memory, y: &mut [f32]| {
        let (outputs, cols) = (kernel.outputs as usize, 4 * kernel.cols4 as usize);
        let (all_x, all_w) = (memory.slice::<f32>(kernel.x)?, memory.slice::<f32>(kernel.w)?);
        let small = memory.slice::<f32>(kernel.weights)?;
        let products = if kernel.epilogue == 2 { 2 * outputs } else { outputs };
        let mut input = vec![0.0; cols];
        let mut sums = vec![0.0; products];
        for layer in 0..layers {
            let of_layer = layer * kernel.small_layer as usize;
            let w = part(all_w, 4 * (kernel.w_first as usize + layer * kernel.w_layer as usize), products * cols)?;
            let gain = match kernel.norm {
                1 => Some(part(small, 4 * kernel.gain_first as usize + of_layer, cols)?),
                _ => None,
            };
            let bias = match kernel.biased {
                1 => Some(part(small, kernel.bias_first as usize + of_layer, outputs)?),
                _ => None,
            };
            let gate = match kernel.epilogue {
                3 => part(small, kernel.gate_first as usize + of_layer, 1)?[0].tanh(),
                _ => 1.0,
            };
            for row in 0..rows {
                let from = kernel.x_first as usize + layer * kernel.x_layer as usize + row * kernel.x_stride as usize;
                let x = part(all_x, 4 * from, cols)?;
                input.copy_from_slice(x);
                let mut scale = 1.0;
                if let Some(gain) = gain {
                    let square: f32 = x.iter().map(|v| v * v).sum();
                    scale = 1.0 / (square / cols as f32 + kernel.eps).sqrt();
                    input.iter_mut().zip(gain).for_each(|(v, gain)| *v *= gain);
                }
                vectorised(
                    #[inline(always)]
                    || {
                        for (sum, w) in sums.iter_mut().zip(w.chunks_exact(cols)) {
                            *sum = scale * dot(w, &input);
                        }
                    },
                );
                if let Some(bias) = bias {
                    sums.iter_mut().zip(bias).for_each(|(sum, bias)| *sum += bias);
                }
                let to = kernel.y_first as usize + layer * kernel.y_layer as usize + row * kernel.y_stride as usize;
                let y = part_mut(y, to, outputs)?;
                match kernel.epilogue {
                    0 => y.copy_from_slice(&sums),
                    1 | 3 => y.iter_mut().zip(&sums).for_each(|(y, sum)| *y += gate * sum),
                    2 => y.iter_mut().zip(sums.chunks_exact(2)).for_each(|(y, pair)| {
                        *y = pair[0] / (1.0 + (-pair[0]).exp()) * pair[1];
                    }),
                    other => return Err(Error::Request(format!("layer_linear has no epilogue {other}"))),
                }
            }
        }
        Ok(())
    })
}

/// In 16 lanes, which the compiler turns into vectors.
#[inline(always)]
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0f32; 16];
    let (a, a_rest) = a.as_chunks::<16>();
    let (b, b_rest) = b.as_chunks::<16>();
    for (a, b) in a.iter().zip(b) {
        for i in 0..16 {
            lanes[i] += a[i] * b[i];
        }
    }
    lanes.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f32>()
}
