//! Zeroing at random while training (Srivastava et al. 2014).

use std::cell::RefCell;

use burn::tensor::{Tensor, TensorData};
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Zeroes shares of values. Its random numbers are its own, not burn's, which are one stream for all threads: the same seed
/// zeroes the same.
#[derive(Debug)]
pub struct Dropout {
    random: RefCell<ChaCha8Rng>,
    /// Share of the taps' channels.
    pub taps: f64,
    /// Share of what a block adds.
    pub blocks: f64,
}

impl Dropout {
    /// For one pass of one layer.
    pub fn new(seed: u64, stream: u64, [taps, blocks]: [f64; 2]) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(stream);
        Self { random: RefCell::new(random), taps, blocks }
    }

    /// Zeroes about that share of the values, to within 1/256, and scales the others up to make up for it.
    pub fn apply<const D: usize>(&self, x: Tensor<D>, share: f64) -> Tensor<D> {
        let shape = x.shape();
        let mut bytes = vec![0u8; shape.num_elements()];
        self.random.borrow_mut().fill_bytes(&mut bytes);
        let least = (share.clamp(0.0, 0.99) * 256.0) as u8;
        let kept = 256.0 / (256.0 - f32::from(least));
        let mask: Vec<f32> = bytes.into_iter().map(|byte| if byte < least { 0.0 } else { kept }).collect();
        let device = x.device();
        x * Tensor::from_data(TensorData::new(mask, shape), &device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn a_share_is_zeroed_and_the_sum_stays() {
        let device = Device::flex();
        let values = |stream: u64| -> Vec<f32> {
            let ones = Tensor::<2>::ones([100, 200], &device);
            Dropout::new(3, stream, [0.0; 2]).apply(ones, 0.25).into_data().try_to_vec().unwrap()
        };
        let first = values(1);
        let zeroed = first.iter().filter(|value| **value == 0.0).count() as f64 / 20_000.0;
        assert!((zeroed - 0.25).abs() < 0.02, "{zeroed}");
        let mean = first.iter().sum::<f32>() / 20_000.0;
        assert!((mean - 1.0).abs() < 0.02, "{mean}");
        assert_eq!(first, values(1));
        assert_ne!(first, values(2));
    }
}
