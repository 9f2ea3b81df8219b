//! Rows of weights that are floats in the file: a vector is multiplied directly, a matrix by the `gemm` crate.

use super::formats::half_to_f32;
use super::lanes::vectorised;
use super::product::{Planes, ROWS};
use super::threads::for_each_piece;
use crate::loader::DType;

/// As [`Planes::times`].
pub(super) fn times(planes: Planes<'_>, x: &[f32], products: &mut [f32]) {
    let cols = 32 * planes.blocks;
    let tokens = x.len() / cols;
    for_each_piece(products, ROWS * tokens, |i, products| {
        vectorised(
            #[inline(always)]
            || match planes.dtype {
                DType::F16 => rows(halves(planes.quants), cols, i, x, products, half_to_f32),
                DType::BF16 => {
                    rows(halves(planes.quants), cols, i, x, products, |v| f32::from_bits(u32::from(v) << 16));
                }
                _ => rows(planes.quants, cols, i, x, products, f32::from_bits),
            },
        );
    });
}

fn halves(words: &[u32]) -> &[u16] {
    bytemuck::cast_slice(words)
}

/// `products` [tokens, rows] of piece `i`'s rows.
#[inline(always)]
fn rows<T: Copy>(
    weights: &[T],
    cols: usize,
    i: usize,
    x: &[f32],
    products: &mut [f32],
    float: impl Fn(T) -> f32 + Copy,
) {
    let tokens = x.len() / cols;
    let count = products.len() / tokens;
    let weights = &weights[i * ROWS * cols..][..count * cols];
    if tokens == 1 {
        for (product, row) in products.iter_mut().zip(weights.chunks_exact(cols)) {
            *product = dot(row, x, float);
        }
        return;
    }
    let tile: Vec<f32> = weights.iter().map(|w| float(*w)).collect();
    multiply(&tile, x, products, count, tokens, cols);
}

/// In 32 lanes, which the compiler turns into vectors.
#[inline(always)]
fn dot<T: Copy>(row: &[T], x: &[f32], float: impl Fn(T) -> f32) -> f32 {
    let mut lanes = [0f32; 32];
    for (w, x) in row.as_chunks::<32>().0.iter().zip(x.as_chunks::<32>().0) {
        for i in 0..32 {
            lanes[i] += float(w[i]) * x[i];
        }
    }
    lanes.iter().sum()
}

/// out [n, m] = b [n, k] times the transpose of a [m, k].
#[allow(unsafe_code, reason = "gemm takes pointers; the lengths are checked here")]
fn multiply(a: &[f32], b: &[f32], out: &mut [f32], m: usize, n: usize, k: usize) {
    assert!(a.len() == m * k && b.len() == n * k && out.len() == m * n);
    let (along_k, along_m) = (k as isize, m as isize);
    // SAFETY: every index that gemm forms lies within the lengths asserted above, and `out` is not `a` or `b`.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            along_m,
            1,
            false,
            a.as_ptr(),
            1,
            along_k,
            b.as_ptr(),
            along_k,
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
