//! Seeded random numbers and weights in any format.

use half::{bf16, f16};
use wattage_engine::DType;

/// SplitMix64: tiny, seeded, the same everywhere.
pub struct Rng(pub u64);

impl Rng {
    /// The next 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A whole number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.bits() % n as u64).unwrap()
    }

    /// About normal: mean 0, deviation 1.
    pub fn normal(&mut self) -> f32 {
        // The sum of 12 uniform numbers has the variance 1.
        let sum: f64 = (0..12).map(|_| (self.bits() >> 11) as f64 / (1_u64 << 53) as f64).sum();
        (sum - 6.0) as f32
    }

    /// `n` random bytes.
    pub fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.bits() as u8).collect()
    }
}

/// `values` random weights in `dtype`, of about the given deviation around 0; a whole number of blocks.
pub fn weights(rng: &mut Rng, dtype: DType, values: usize, deviation: f32) -> Vec<u8> {
    assert_eq!(values % dtype.block_values(), 0);
    match dtype {
        DType::F32 => return (0..values).flat_map(|_| (rng.normal() * deviation).to_le_bytes()).collect(),
        DType::F16 => {
            return (0..values).flat_map(|_| f16::from_f32(rng.normal() * deviation).to_le_bytes()).collect();
        }
        DType::BF16 => {
            return (0..values).flat_map(|_| bf16::from_f32(rng.normal() * deviation).to_le_bytes()).collect();
        }
        _ => {}
    }
    // Uniform quants of n bits deviate by 2^n / sqrt(12); random 6-bit scales are 31.5 on average, 8-bit ones deviate
    // by 74. Minima take the mean of the unsigned formats back to 0.
    let (at, scale, minimum) = match dtype {
        DType::Q4_0 => (0, 1.0 / 4.6, None),
        DType::Q4_1 => (0, 1.0 / 4.6, Some(-7.5)),
        DType::Q5_0 => (0, 1.0 / 9.2, None),
        DType::Q5_1 => (0, 1.0 / 9.2, Some(-15.5)),
        DType::Q8_0 => (0, 1.0 / 74.0, None),
        DType::Q4_K => (0, 1.0 / (36.0 * 4.6), Some(7.5)),
        DType::Q5_K => (0, 1.0 / (36.0 * 9.2), Some(15.5)),
        _ => (208, 1.0 / (74.0 * 18.5), None),
    };
    let mut bytes = rng.bytes(values / dtype.block_values() * dtype.block_bytes());
    for block in bytes.chunks_exact_mut(dtype.block_bytes()) {
        // Scales differ from block to block, so that mixing blocks up shows.
        let size = scale * deviation * (0.5 + rng.below(1000) as f32 / 1000.0);
        block[at..at + 2].copy_from_slice(&f16::from_f32(size).to_le_bytes());
        if let Some(factor) = minimum {
            block[at + 2..at + 4].copy_from_slice(&f16::from_f32(size * factor).to_le_bytes());
        }
    }
    bytes
}
