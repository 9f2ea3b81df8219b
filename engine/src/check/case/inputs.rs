//! Buffers of a case and the numbers in them.

use half::f16;
use rand::Rng;

use super::{Case, Kind};
use crate::loader::DType;
use crate::loader::planes::repack;
use crate::model::KvType;
use crate::recording::{BufferId, Slice};

impl Case {
    pub(super) fn words(&mut self, words: Vec<u32>) -> Slice {
        let slice = Slice { buffer: BufferId(self.buffers.len() as u32), offset: 0, size: 4 * words.len() as u64 };
        self.buffers.push(words);
        slice
    }

    pub(super) fn floats(&mut self, count: usize) -> Slice {
        let words = (0..count.next_multiple_of(4)).map(|_| self.random.random_range(-1.0f32..1.0).to_bits()).collect();
        self.words(words)
    }

    /// Random values of a KV cache.
    pub(super) fn cache(&mut self, count: usize, kv: KvType) -> Slice {
        let values: Vec<f32> = (0..count).map(|_| self.random.random_range(-1.0..1.0)).collect();
        self.words(match kv {
            KvType::F32 => values.iter().map(|v| v.to_bits()).collect(),
            KvType::F16 => values
                .chunks_exact(2)
                .map(|pair| {
                    u32::from(f16::from_f32(pair[0]).to_bits()) | u32::from(f16::from_f32(pair[1]).to_bits()) << 16
                })
                .collect(),
        })
    }

    pub(super) fn output(&mut self, slice: Slice, exact: Kind) {
        self.outputs.push(slice.buffer.0 as usize);
        self.exact.push(exact);
    }

    pub(super) fn state(&mut self, position: usize, rows: usize, tokens: &[u32]) -> Slice {
        let inverse_temperature = 1.25f32;
        let mut words = vec![position as u32, rows as u32, inverse_temperature.to_bits(), 0, 0, 0, 0, 0];
        words.extend_from_slice(tokens);
        words.resize(words.len().next_multiple_of(4), 0);
        self.words(words)
    }

    /// The state of rows that are branches of up to 12 tokens; without any where there is nothing that they could share.
    pub(super) fn branches(&mut self, position: usize, rows: usize) -> Slice {
        let mut words = vec![position as u32, rows as u32, 0, 0, 0, 0, 0, 0];
        words.resize(8 + rows, 0);
        if position > 0 {
            words[7] = self.random.random_range(1..=position as u32);
            let mut start = position as u32;
            for place in (position..position + rows).map(|place| place as u32) {
                if place - start >= 12 || self.random.random_bool(0.2) {
                    start = place;
                }
                words.push(start);
            }
        }
        words.resize(words.len().next_multiple_of(4), 0);
        self.words(words)
    }

    /// Random file blocks of a format with scales of a sensible size, as planes.
    pub(super) fn weights(&mut self, dtype: DType, blocks: usize) -> (Slice, Slice) {
        let mut bytes = vec![0u8; (blocks * 32).div_ceil(dtype.block_values()) * dtype.block_bytes()];
        self.random.fill(&mut bytes[..]);
        let scales: &[usize] = match dtype {
            DType::F32 | DType::F16 | DType::BF16 => &[],
            DType::Q4_0 | DType::Q5_0 | DType::Q8_0 => &[0],
            DType::Q4_1 | DType::Q5_1 | DType::Q4_K | DType::Q5_K => &[0, 2],
            DType::Q6_K => &[208],
        };
        for block in bytes.chunks_exact_mut(dtype.block_bytes()) {
            for at in scales {
                let scale = f16::from_f32(self.random.random_range(-0.01..0.01));
                block[*at..at + 2].copy_from_slice(&scale.to_bits().to_le_bytes());
            }
            let value: f32 = self.random.random_range(-1.0..1.0);
            match dtype {
                DType::F32 => block.copy_from_slice(&value.to_le_bytes()),
                DType::F16 => block.copy_from_slice(&f16::from_f32(value).to_bits().to_le_bytes()),
                DType::BF16 => block.copy_from_slice(&half::bf16::from_f32(value).to_bits().to_le_bytes()),
                _ => {}
            }
        }
        let (mut quants, mut scales) = (Vec::new(), Vec::new());
        repack(dtype, &bytes, &mut quants, &mut scales);
        scales.resize(scales.len().max(4), 0);
        (self.words(quants), self.words(scales))
    }

    /// Logits with some equal ones and one that is not a number.
    pub(super) fn logits(&mut self, count: usize) -> Slice {
        let mut words: Vec<u32> =
            (0..count).map(|_| (self.random.random_range(-40..40) as f32 * 0.25).to_bits()).collect();
        if count > 100 {
            words[count / 2] = f32::NAN.to_bits();
            let top = 11.5f32.to_bits();
            words[count - 3] = top;
            words[count / 3] = top;
        }
        words.resize(count.next_multiple_of(4), 0);
        self.words(words)
    }
}
