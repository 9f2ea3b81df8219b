//! Stored values to f32: the plain definition of every format, and what the kernels are tested against.
//!
//! Layouts and the order of operations are GGML's (`ggml-quants.c`, `gguf.quants`), so results agree bit for bit.

use half::{bf16, f16};

use super::DType;
use crate::{Error, Result};

/// Decodes whole blocks of `dtype` from `bytes` into `out`.
///
/// # Errors
/// [`Error::Request`] unless `bytes` is a whole number of blocks that hold exactly `out.len()` values.
pub fn dequantise(dtype: DType, bytes: &[u8], out: &mut [f32]) -> Result<()> {
    let (size, values) = (dtype.block_bytes(), dtype.block_values());
    if !bytes.len().is_multiple_of(size)
        || !out.len().is_multiple_of(values)
        || bytes.len() / size != out.len() / values
    {
        return Err(Error::Request(format!("{} bytes of {dtype:?} are not {} values", bytes.len(), out.len())));
    }
    let decode: fn(&[u8], &mut [f32]) = match dtype {
        DType::F32 => |b, o| o[0] = f32::from_le_bytes([b[0], b[1], b[2], b[3]]),
        DType::F16 => |b, o| o[0] = half_at(b, 0),
        DType::BF16 => |b, o| o[0] = bf16::from_le_bytes([b[0], b[1]]).to_f32(),
        DType::Q4_0 => q4_0,
        DType::Q4_1 => q4_1,
        DType::Q5_0 => q5_0,
        DType::Q5_1 => q5_1,
        DType::Q8_0 => q8_0,
        DType::Q4_K => q4_k,
        DType::Q5_K => q5_k,
        DType::Q6_K => q6_k,
    };
    for (block, out) in bytes.chunks_exact(size).zip(out.chunks_exact_mut(values)) {
        decode(block, out);
    }
    Ok(())
}

fn half_at(bytes: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([bytes[at], bytes[at + 1]]).to_f32()
}

/// Low nibbles are values 0..16, high nibbles 16..32.
fn nibble(quants: &[u8], i: usize) -> u8 {
    if i < 16 { quants[i] & 15 } else { quants[i - 16] >> 4 }
}

fn q4_0(block: &[u8], out: &mut [f32]) {
    let scale = half_at(block, 0);
    for (i, value) in out.iter_mut().enumerate() {
        *value = scale * (f32::from(nibble(&block[2..], i)) - 8.0);
    }
}

fn q4_1(block: &[u8], out: &mut [f32]) {
    let (scale, minimum) = (half_at(block, 0), half_at(block, 2));
    for (i, value) in out.iter_mut().enumerate() {
        *value = scale * f32::from(nibble(&block[4..], i)) + minimum;
    }
}

/// The fifth bits of a block's 32 values, value 0 in the lowest.
fn fifth_bits(block: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([block[at], block[at + 1], block[at + 2], block[at + 3]])
}

fn five_bits(quants: &[u8], high: u32, i: usize) -> f32 {
    f32::from(nibble(quants, i) | if high >> i & 1 == 1 { 16 } else { 0 })
}

fn q5_0(block: &[u8], out: &mut [f32]) {
    let (scale, high) = (half_at(block, 0), fifth_bits(block, 2));
    for (i, value) in out.iter_mut().enumerate() {
        *value = scale * (five_bits(&block[6..], high, i) - 16.0);
    }
}

fn q5_1(block: &[u8], out: &mut [f32]) {
    let (scale, minimum, high) = (half_at(block, 0), half_at(block, 2), fifth_bits(block, 4));
    for (i, value) in out.iter_mut().enumerate() {
        *value = scale * five_bits(&block[8..], high, i) + minimum;
    }
}

fn q8_0(block: &[u8], out: &mut [f32]) {
    let scale = half_at(block, 0);
    for (value, &quant) in out.iter_mut().zip(&block[2..]) {
        *value = scale * f32::from(quant.cast_signed());
    }
}

/// The 6-bit scale and minimum of sub-block `j` (0..8), packed in 12 bytes: the first four of each in the low six bits
/// of bytes 0..4 and 4..8, the others with their low four bits in bytes 8..12 and their high two in the former's tops.
fn k_scale(scales: &[u8], j: usize) -> (f32, f32) {
    let (scale, minimum) = if j < 4 {
        (scales[j] & 63, scales[j + 4] & 63)
    } else {
        ((scales[j + 4] & 15) | (scales[j - 4] >> 6) << 4, (scales[j + 4] >> 4) | (scales[j] >> 6) << 4)
    };
    (f32::from(scale), f32::from(minimum))
}

/// Sub-block `j` of a K-block has its nibbles in 32 bytes that it shares with its neighbour: even low, odd high.
fn k_nibble(quants: &[u8], j: usize, i: usize) -> u8 {
    quants[j / 2 * 32 + i] >> (j % 2 * 4) & 15
}

fn q4_k(block: &[u8], out: &mut [f32]) {
    let (scale, minimum) = (half_at(block, 0), half_at(block, 2));
    for (j, out) in out.chunks_exact_mut(32).enumerate() {
        let (s, m) = k_scale(&block[4..16], j);
        let (s, m) = (scale * s, minimum * m);
        for (i, value) in out.iter_mut().enumerate() {
            *value = s * f32::from(k_nibble(&block[16..], j, i)) - m;
        }
    }
}

fn q5_k(block: &[u8], out: &mut [f32]) {
    let (scale, minimum) = (half_at(block, 0), half_at(block, 2));
    let (high, quants) = block[16..].split_at(32);
    for (j, out) in out.chunks_exact_mut(32).enumerate() {
        let (s, m) = k_scale(&block[4..16], j);
        let (s, m) = (scale * s, minimum * m);
        for (i, value) in out.iter_mut().enumerate() {
            let quant = k_nibble(quants, j, i) | (high[i] >> j & 1) << 4;
            *value = s * f32::from(quant) - m;
        }
    }
}

fn q6_k(block: &[u8], out: &mut [f32]) {
    let (low, rest) = block.split_at(128);
    let (high, rest) = rest.split_at(64);
    let (scales, scale) = rest.split_at(16);
    let scale = half_at(scale, 0);
    for (i, value) in out.iter_mut().enumerate() {
        // Two halves of 128; in each, four runs of 32 share 64 low bytes and 32 high ones.
        let (half, run, lane) = (i / 128, i / 32 % 4, i % 32);
        let nibble = low[half * 64 + run % 2 * 32 + lane] >> (run / 2 * 4) & 15;
        let top = high[half * 32 + lane] >> (run * 2) & 3;
        let quant = f32::from(nibble | top << 4) - 32.0;
        *value = scale * f32::from(scales[i / 16].cast_signed()) * quant;
    }
}
