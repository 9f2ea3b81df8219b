//! Twin of shaders/matmul.wgsl: a tile of weights at a time as floats, multiplied by the `gemm` crate.

use super::matvec::finish;
use super::memory::{Memory, part};
use super::product::Planes;
use super::threads::for_each_piece;
use crate::kernels::Matmul;
use crate::loader::DType;
use crate::{Error, Result};

/// Rows of weights in a tile: it stays in a core's cache.
const TILE: usize = 64;

pub(super) fn run(kernel: &Matmul, memory: &mut Memory, dtype: DType) -> Result<()> {
    memory.with(kernel.y, |memory, y: &mut [f32]| {
        let (tokens, rows, blocks) = (kernel.tokens as usize, kernel.rows as usize, kernel.blocks as usize);
        let x = part(memory.slice::<f32>(kernel.x)?, 0, tokens * blocks * 32)?;
        let planes =
            Planes { dtype, quants: memory.slice(kernel.quants)?, scales: memory.slice(kernel.scales)?, blocks };
        if !planes.hold(rows) {
            return Err(Error::Request("matmul reaches outside its weights".to_owned()));
        }
        // [rows, tokens], so that a tile is one piece of memory.
        let mut products = vec![0.0; rows * tokens];
        for_each_piece(&mut products, TILE * tokens, |i, products| {
            let count = products.len() / tokens;
            let mut tile = vec![0.0; count * blocks * 32];
            for (r, row) in tile.chunks_exact_mut(blocks * 32).enumerate() {
                planes.row(i * TILE + r, row);
            }
            multiply(&tile, x, products, count, tokens, blocks * 32);
        });
        let bias = match kernel.biased {
            1 => Some(part(memory.slice::<f32>(kernel.bias)?, kernel.bias_first as usize, rows)?),
            _ => None,
        };
        let mut sums = vec![0.0; rows];
        for token in 0..tokens {
            for (r, sum) in sums.iter_mut().enumerate() {
                *sum = products[r * tokens + token] + bias.map_or(0.0, |bias| bias[r]);
            }
            finish(&sums, kernel.epilogue, y, token * kernel.y_stride as usize + kernel.y_first as usize)?;
        }
        Ok(())
    })
}

/// out [m, n] = a [m, k] times the transpose of b [n, k].
#[allow(unsafe_code, reason = "gemm takes pointers; the lengths are checked here")]
fn multiply(a: &[f32], b: &[f32], out: &mut [f32], m: usize, n: usize, k: usize) {
    assert!(a.len() == m * k && b.len() == n * k && out.len() == m * n);
    let (m_step, n_step, k_step) = (k as isize, 1, n as isize);
    // SAFETY: every index that gemm forms lies within the lengths asserted above, and `out` is not `a` or `b`.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            k_step,
            false,
            a.as_ptr(),
            n_step,
            m_step,
            b.as_ptr(),
            m_step,
            1,
            0.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}
