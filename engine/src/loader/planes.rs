//! Weights as the kernels read them: each tensor in two planes of 32-bit words, `quants` and `scales`, instead of a file's
//! blocks of odd sizes. What stands where is stated at the top of each `shaders/shared/weights_*.wgsl`.

use half::f16;

use super::DType;

/// Bytes that a tensor's planes take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlaneSizes {
    /// The values' plane.
    pub quants: usize,
    /// The scales' plane: at least 16, a multiple of 4. Formats without scales have 16 bytes that nothing reads.
    pub scales: usize,
}

/// Words of `quants` for one block of 32 values.
pub(crate) const fn quant_words(dtype: DType) -> usize {
    match dtype {
        DType::F32 => 32,
        DType::F16 | DType::BF16 => 16,
        DType::Q8_0 => 8,
        DType::Q4_0 | DType::Q4_1 | DType::Q5_0 | DType::Q5_1 | DType::Q4_K | DType::Q5_K | DType::Q6_K => 4,
    }
}

/// Words of `scales` for one group of [`group_blocks`] blocks.
pub(crate) const fn scale_words(dtype: DType) -> usize {
    match dtype {
        DType::F32 | DType::F16 | DType::BF16 => 0,
        DType::Q4_0 | DType::Q4_1 | DType::Q8_0 => 1,
        DType::Q5_1 => 2,
        DType::Q5_0 => 3,
        DType::Q4_K => 4,
        DType::Q5_K => 12,
        DType::Q6_K => 21,
    }
}

/// Blocks of 32 values that share words of `scales`. A tensor may be repacked in pieces of whole groups; only the last
/// piece may end within one.
pub const fn group_blocks(dtype: DType) -> usize {
    match dtype {
        DType::F32 | DType::F16 | DType::BF16 | DType::Q4_1 | DType::Q5_1 => 1,
        DType::Q4_0 | DType::Q5_0 | DType::Q8_0 => 2,
        DType::Q4_K | DType::Q5_K | DType::Q6_K => 8,
    }
}

/// The planes' sizes for a tensor of `blocks32` blocks of 32 values.
pub const fn plane_sizes(dtype: DType, blocks32: usize) -> PlaneSizes {
    let scales = blocks32.div_ceil(group_blocks(dtype)) * scale_words(dtype) * 4;
    PlaneSizes { quants: blocks32 * quant_words(dtype) * 4, scales: if scales < 16 { 16 } else { scales } }
}

/// Appends the planes of a piece of a tensor, given as it stands in a file. Bytes after the last whole block are left out;
/// a group that the piece does not fill is padded with zeros. Formats without scales append none.
pub fn repack(dtype: DType, file_bytes: &[u8], quants: &mut Vec<u32>, scales: &mut Vec<u32>) {
    let blocks32 = file_bytes.len() / dtype.block_bytes() * dtype.block_values() / 32;
    let groups = blocks32.div_ceil(group_blocks(dtype));
    let first = scales.len();
    scales.resize(first + groups * scale_words(dtype), 0);
    let scales = &mut scales[first..];
    match dtype {
        DType::F32 | DType::F16 | DType::BF16 => {
            quants.extend(file_bytes.chunks(4).map(|bytes| {
                let mut word = [0; 4];
                word[..bytes.len()].copy_from_slice(bytes);
                u32::from_le_bytes(word)
            }));
        }
        DType::Q4_0 => pairs::<18, 4, 1>(file_bytes, quants, scales, |block, quants, scales, place| {
            scales[0] |= u32::from(u16_at(block, 0)) << (16 * place);
            nibbles32(block, 2, quants);
        }),
        DType::Q5_0 => pairs::<22, 4, 3>(file_bytes, quants, scales, |block, quants, scales, place| {
            scales[0] |= u32::from(u16_at(block, 0)) << (16 * place);
            scales[1 + place] = u32_at(block, 2);
            nibbles32(block, 6, quants);
        }),
        DType::Q8_0 => pairs::<34, 8, 1>(file_bytes, quants, scales, |block, quants, scales, place| {
            scales[0] |= u32::from(u16_at(block, 0)) << (16 * place);
            for (i, word) in quants.iter_mut().enumerate() {
                *word = u32_at(block, 2 + 4 * i);
            }
        }),
        DType::Q4_1 => groups_of::<20, 4, 1>(file_bytes, quants, scales, |block, quants, scales| {
            scales[0] = u32_at(block, 0);
            nibbles32(block, 4, quants);
        }),
        DType::Q5_1 => groups_of::<24, 4, 2>(file_bytes, quants, scales, |block, quants, scales| {
            *scales = [u32_at(block, 0), u32_at(block, 4)];
            nibbles32(block, 8, quants);
        }),
        DType::Q4_K => groups_of::<144, 32, 4>(file_bytes, quants, scales, |block, quants, scales| {
            *scales = k_scales(block);
            nibbles64(block, 16, quants);
        }),
        DType::Q5_K => groups_of::<176, 32, 12>(file_bytes, quants, scales, |block, quants, scales| {
            scales[..4].copy_from_slice(&k_scales(block));
            fifth_bits(block, &mut scales[4..]);
            nibbles64(block, 48, quants);
        }),
        DType::Q6_K => groups_of::<210, 32, 21>(file_bytes, quants, scales, |block, quants, scales| {
            scales[0] = u32::from(u16_at(block, 208));
            for (i, word) in scales[1..5].iter_mut().enumerate() {
                *word = u32_at(block, 192 + 4 * i);
            }
            sixes(block, quants, &mut scales[5..]);
        }),
    }
}

/// Runs `one` for each file block of `BYTES` with its words of `quants` and its group of `scales`.
fn groups_of<const BYTES: usize, const QUANTS: usize, const SCALES: usize>(
    file_bytes: &[u8],
    quants: &mut Vec<u32>,
    scales: &mut [u32],
    one: impl Fn(&[u8; BYTES], &mut [u32; QUANTS], &mut [u32; SCALES]),
) {
    let blocks = file_bytes.as_chunks::<BYTES>().0;
    let first = quants.len();
    quants.resize(first + blocks.len() * QUANTS, 0);
    let quants = quants[first..].as_chunks_mut::<QUANTS>().0;
    for ((block, quants), scales) in blocks.iter().zip(quants).zip(scales.as_chunks_mut::<SCALES>().0) {
        one(block, quants, scales);
    }
}

/// As [`groups_of`], for two blocks a group; `one` is told which of the two it has.
fn pairs<const BYTES: usize, const QUANTS: usize, const SCALES: usize>(
    file_bytes: &[u8],
    quants: &mut Vec<u32>,
    scales: &mut [u32],
    one: impl Fn(&[u8; BYTES], &mut [u32; QUANTS], &mut [u32; SCALES], usize),
) {
    let blocks = file_bytes.as_chunks::<BYTES>().0;
    let first = quants.len();
    quants.resize(first + blocks.len() * QUANTS, 0);
    let quants = quants[first..].as_chunks_mut::<QUANTS>().0;
    for ((blocks, quants), scales) in blocks.chunks(2).zip(quants.chunks_mut(2)).zip(scales.as_chunks_mut().0) {
        for (place, (block, quants)) in blocks.iter().zip(quants).enumerate() {
            one(block, quants, scales, place);
        }
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | (u64::from(u32_at(bytes, at + 4)) << 32)
}

/// The low nibble of each of 8 bytes, side by side.
fn low_nibbles(bytes: u64) -> u32 {
    let x = bytes & 0x0f0f_0f0f_0f0f_0f0f;
    let x = (x | (x >> 4)) & 0x00ff_00ff_00ff_00ff;
    let x = (x | (x >> 8)) & 0x0000_ffff_0000_ffff;
    (x | (x >> 16)) as u32
}

/// The low two bits of each of 8 bytes, side by side.
fn low_pairs(bytes: u64) -> u32 {
    let x = bytes & 0x0303_0303_0303_0303;
    let x = (x | (x >> 6)) & 0x000f_000f_000f_000f;
    let x = (x | (x >> 12)) & 0x0000_00ff_0000_00ff;
    ((x | (x >> 24)) & 0xffff) as u32
}

/// The lowest bit of each of 8 bytes, side by side: the product brings bit 8 i to bit 56 + i.
fn low_bits(bytes: u64) -> u32 {
    ((bytes & 0x0101_0101_0101_0101).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u32
}

/// 16 bytes with values 0 to 15 in the low nibbles and 16 to 31 in the high ones.
fn nibbles32(block: &[u8], at: usize, quants: &mut [u32; 4]) {
    for half in 0..2 {
        let bytes = u64_at(block, at + 8 * half);
        quants[half] = low_nibbles(bytes);
        quants[half + 2] = low_nibbles(bytes >> 4);
    }
}

/// 128 bytes, for each 64 values 32 bytes: the first 32 values in the low nibbles, the others in the high ones.
fn nibbles64(block: &[u8], at: usize, quants: &mut [u32; 32]) {
    for (i, quants) in quants.as_chunks_mut::<8>().0.iter_mut().enumerate() {
        for part in 0..4 {
            let bytes = u64_at(block, at + 32 * i + 8 * part);
            quants[part] = low_nibbles(bytes);
            quants[part + 4] = low_nibbles(bytes >> 4);
        }
    }
}

/// The head of a Q4_K or Q5_K block: two f16, then 8 scales and 8 minima of 6 bits in 12 bytes. The first four of each stand
/// in the low six bits of bytes 0 to 3 and 4 to 7; the others have their low nibbles in bytes 8 to 11 and their upper two bits
/// where the first ones leave room.
fn k_scales(block: &[u8]) -> [u32; 4] {
    let (a, b, c) = (u64::from(u32_at(block, 4)), u64::from(u32_at(block, 8)), u64::from(u32_at(block, 12)));
    let tops = |x: u64| low_pairs((x >> 4) & 0x0303_0303 | (((x >> 6) & 0x0303_0303) << 32));
    [
        u32_at(block, 0),
        low_nibbles(a & 0x0f0f_0f0f | (c << 32)),
        low_nibbles(b & 0x0f0f_0f0f | ((c >> 4) << 32)),
        tops(a) | (tops(b) << 16),
    ]
}

/// The fifth bits of a Q5_K block: bit `j` of 32 bytes belongs to block `j`'s 32 values.
fn fifth_bits(block: &[u8], words: &mut [u32]) {
    for part in 0..4 {
        let bytes = u64_at(block, 16 + 8 * part);
        for (j, word) in words.iter_mut().enumerate() {
            *word |= low_bits(bytes >> j) << (8 * part);
        }
    }
}

/// The values of a Q6_K block. Each half of 128 values has 64 bytes of low nibbles and 32 bytes of upper bits, in which
/// pair `j` of bits belongs to the half's block `j`.
fn sixes(block: &[u8], quants: &mut [u32; 32], tops: &mut [u32]) {
    for (half, (quants, tops)) in quants.as_chunks_mut::<16>().0.iter_mut().zip(tops.chunks_mut(8)).enumerate() {
        for part in 0..4 {
            let first = u64_at(block, 64 * half + 8 * part);
            let second = u64_at(block, 64 * half + 32 + 8 * part);
            let upper = u64_at(block, 128 + 32 * half + 8 * part);
            for (j, bytes) in [first, second, first >> 4, second >> 4].into_iter().enumerate() {
                quants[4 * j + part] = low_nibbles(bytes);
                tops[2 * j + part / 2] |= low_pairs(upper >> (2 * j)) << (16 * (part % 2));
            }
        }
    }
}

/// The two f16 in a word.
pub(crate) fn halves(word: u32) -> [f32; 2] {
    [f16::from_bits(word as u16).to_f32(), f16::from_bits((word >> 16) as u16).to_f32()]
}

/// One block of 32 values from the planes, by the same steps as the kernels' `quant16` and `scale2`: `scale * q + offset`.
/// The plain way, for single rows and as the reference of the fast ones.
pub(crate) fn unpack(dtype: DType, quants: &[u32], scales: &[u32], block: usize) -> [f32; 32] {
    let group = &scales[block / group_blocks(dtype) * scale_words(dtype)..];
    let place = block % group_blocks(dtype);
    let words = &quants[block * quant_words(dtype)..][..quant_words(dtype)];
    let low = |i: usize| (words[i / 8] >> (4 * (i % 8))) & 15;
    let mut values = [0.0; 32];
    for (i, value) in values.iter_mut().enumerate() {
        let (quant, [scale, offset]) = match dtype {
            DType::F32 => (f32::from_bits(words[i]), [1.0, 0.0]),
            DType::F16 => (halves(words[i / 2])[i % 2], [1.0, 0.0]),
            DType::BF16 => (f32::from_bits((words[i / 2] >> (16 * (i % 2))) << 16), [1.0, 0.0]),
            DType::Q8_0 => (f32::from((words[i / 4] >> (8 * (i % 4))) as i8), [halves(group[0])[place], 0.0]),
            DType::Q4_0 => (low(i) as f32, scale_offset(halves(group[0])[place], -8.0)),
            DType::Q4_1 => (low(i) as f32, halves(group[0])),
            DType::Q5_0 => {
                let quant = low(i) | (((group[1 + place] >> i) & 1) << 4);
                (quant as f32, scale_offset(halves(group[0])[place], -16.0))
            }
            DType::Q5_1 => ((low(i) | (((group[1] >> i) & 1) << 4)) as f32, halves(group[0])),
            DType::Q4_K => (low(i) as f32, k_scale(group, place)),
            DType::Q5_K => ((low(i) | (((group[4 + place] >> i) & 1) << 4)) as f32, k_scale(group, place)),
            DType::Q6_K => {
                let sixteen = 2 * place + i / 16;
                let scale = (group[1 + sixteen / 4] >> (8 * (sixteen % 4))) as i8;
                let quant = low(i) | (((group[5 + sixteen] >> (2 * (i % 16))) & 3) << 4);
                (quant as f32, scale_offset(halves(group[0])[0] * f32::from(scale), -32.0))
            }
        };
        *value = scale * quant + offset;
    }
    values
}

fn scale_offset(scale: f32, zero: f32) -> [f32; 2] {
    [scale, zero * scale]
}

/// Scale and offset of block `j` of a Q4_K or Q5_K group.
pub(crate) fn k_scale(group: &[u32], j: usize) -> [f32; 2] {
    let [d, dmin] = halves(group[0]);
    let top = group[3] >> (2 * j);
    let scale = ((group[1] >> (4 * j)) & 15) | ((top & 3) << 4);
    let minimum = ((group[2] >> (4 * j)) & 15) | (((top >> 16) & 3) << 4);
    [d * scale as f32, -(dmin * minimum as f32)]
}

#[cfg(test)]
#[path = "planes_tests.rs"]
mod tests;
