use super::*;

/// Numbers that look random.
struct Noise(u64);

impl Noise {
    fn byte(&mut self) -> u8 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 56) as u8
    }
}

/// A file's blocks with random bits everywhere, and scales that are ordinary numbers.
fn file_blocks(dtype: DType, count: usize) -> Vec<u8> {
    let mut noise = Noise(count as u64 * 31 + dtype.block_bytes() as u64);
    let mut bytes: Vec<u8> = (0..count * dtype.block_bytes()).map(|_| noise.byte()).collect();
    let scales: &[usize] = match dtype {
        DType::F32 => &[],
        DType::F16 | DType::BF16 | DType::Q4_0 | DType::Q5_0 | DType::Q8_0 => &[0],
        DType::Q4_1 | DType::Q5_1 | DType::Q4_K | DType::Q5_K => &[0, 2],
        DType::Q6_K => &[208],
    };
    for block in bytes.chunks_mut(dtype.block_bytes()) {
        for &at in scales {
            let value = (f32::from(noise.byte()) - 127.5) / 4096.0;
            block[at..at + 2].copy_from_slice(&f16::from_f32(value).to_le_bytes());
        }
        if dtype == DType::F32 {
            let value = (f32::from(noise.byte()) - 127.5) / 3.0;
            block.copy_from_slice(&value.to_le_bytes());
        }
    }
    bytes
}

/// A file block's values, straight from the format's definition.
fn decode(dtype: DType, block: &[u8]) -> Vec<f32> {
    let half = |at: usize| f16::from_le_bytes([block[at], block[at + 1]]).to_f32();
    let nibble = |at: usize, i: usize| u32::from(if i < 16 { block[at + i] & 15 } else { block[at + i - 16] >> 4 });
    let bit = |at: usize, i: usize| u32::from((block[at + i / 8] >> (i % 8)) & 1) << 4;
    let six_bits = |j: usize| {
        let q = &block[4..16];
        if j < 4 {
            (q[j] & 63, q[j + 4] & 63)
        } else {
            ((q[j + 4] & 15) | ((q[j - 4] >> 6) << 4), (q[j + 4] >> 4) | ((q[j] >> 6) << 4))
        }
    };
    let k = |at: usize, i: usize, fifth: u32| {
        let byte = block[at + i / 64 * 32 + i % 32];
        let quant = u32::from(if i % 64 < 32 { byte & 15 } else { byte >> 4 }) + 16 * fifth;
        let (scale, minimum) = six_bits(i / 32);
        half(0) * f32::from(scale) * quant as f32 - half(2) * f32::from(minimum)
    };
    let value = |i: usize| match dtype {
        DType::F32 => f32::from_le_bytes([block[0], block[1], block[2], block[3]]),
        DType::F16 => half(0),
        DType::BF16 => half::bf16::from_le_bytes([block[0], block[1]]).to_f32(),
        DType::Q4_0 => half(0) * (nibble(2, i) as f32 - 8.0),
        DType::Q4_1 => half(0) * nibble(4, i) as f32 + half(2),
        DType::Q5_0 => half(0) * ((nibble(6, i) | bit(2, i)) as f32 - 16.0),
        DType::Q5_1 => half(0) * (nibble(8, i) | bit(4, i)) as f32 + half(2),
        DType::Q8_0 => half(0) * f32::from(block[2 + i] as i8),
        DType::Q4_K => k(16, i, 0),
        DType::Q5_K => k(48, i, u32::from((block[16 + i % 32] >> (i / 32)) & 1)),
        DType::Q6_K => {
            let (n, l) = (i / 128, i % 128);
            let low = block[64 * n + l % 64];
            let low = if l < 64 { low & 15 } else { low >> 4 };
            let high = (block[128 + 32 * n + l % 32] >> (2 * (l / 32))) & 3;
            half(208) * f32::from(block[192 + i / 16] as i8) * (f32::from(low | (high << 4)) - 32.0)
        }
    };
    (0..dtype.block_values()).map(value).collect()
}

#[test]
fn planes_hold_the_files_values() {
    for dtype in DType::ALL {
        // An odd number of blocks: the last group of a paired format is half full.
        let count = 7 * (32 / dtype.block_values().min(32));
        let bytes = file_blocks(dtype, count);
        let (mut quants, mut scales) = (Vec::new(), Vec::new());
        repack(dtype, &bytes, &mut quants, &mut scales);
        let expected: Vec<f32> = bytes.chunks(dtype.block_bytes()).flat_map(|block| decode(dtype, block)).collect();
        assert_eq!(expected.len() % 32, 0);
        for (block, expected) in expected.chunks(32).enumerate() {
            let values = unpack(dtype, &quants, &scales, block);
            for (i, (value, expected)) in values.iter().zip(expected).enumerate() {
                // `scale * q + offset` is exact or rounds once as `scale * (q - zero)` does, but for Q6_K, where the product
                // takes 25 bits: half a unit in the last place of 63 scales, of which the largest is 128 d.
                let tolerance = if dtype == DType::Q6_K {
                    let d = decode_scale(&bytes, block);
                    d.abs() * 128.0 * 2f32.powi(-17)
                } else {
                    0.0
                };
                assert!((value - expected).abs() <= tolerance, "{dtype:?} {block} {i}: {value} is not {expected}");
            }
        }
    }
}

fn decode_scale(bytes: &[u8], block: usize) -> f32 {
    let at = block / 8 * 210 + 208;
    f16::from_le_bytes([bytes[at], bytes[at + 1]]).to_f32()
}

#[test]
fn pieces_of_whole_groups_make_the_same_planes() {
    for dtype in DType::ALL {
        let blocks32 = 5 * 8 + if group_blocks(dtype) == 8 { 0 } else { 1 };
        let bytes = file_blocks(dtype, blocks32 * 32 / dtype.block_values());
        let (mut whole, mut whole_scales) = (Vec::new(), Vec::new());
        repack(dtype, &bytes, &mut whole, &mut whole_scales);
        let (mut quants, mut scales) = (Vec::new(), Vec::new());
        for piece in bytes.chunks(16 * 32 / dtype.block_values() * dtype.block_bytes()) {
            repack(dtype, piece, &mut quants, &mut scales);
        }
        assert!(quants == whole && scales == whole_scales, "{dtype:?}");
        let sizes = plane_sizes(dtype, blocks32);
        assert_eq!(sizes.quants, whole.len() * 4, "{dtype:?}");
        assert_eq!(sizes.scales, (whole_scales.len() * 4).max(16), "{dtype:?}");
    }
}

#[test]
fn sizes_are_never_less_than_a_binding_may_be() {
    for dtype in DType::ALL {
        let sizes = plane_sizes(dtype, 1);
        assert!(sizes.scales >= 16 && sizes.scales.is_multiple_of(4), "{dtype:?}");
    }
}

#[test]
fn a_cut_block_is_left_out() {
    for dtype in DType::ALL.into_iter().filter(|dtype| dtype.block_values() > 1) {
        let bytes = file_blocks(dtype, 2);
        let (mut quants, mut scales) = (Vec::new(), Vec::new());
        repack(dtype, &bytes[..bytes.len() - 1], &mut quants, &mut scales);
        assert_eq!(quants.len(), dtype.block_values() / 32 * quant_words(dtype), "{dtype:?}");
    }
}
