//! The scorer's weights and their arithmetic. They are few and run on the CPU.

use super::Parts;
use super::features::{AGREEMENT, ALL, BEFORE, LOGPROB, RETRIEVAL, SHAPE};

/// Most units of a hidden layer: what a file may ask for.
pub const MOST_UNITS: usize = 256;

/// A network of one hidden layer: out = b2 + w2 · tanh(w1 x + b1).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Network {
    /// [units, inputs]
    pub w1: Vec<f32>,
    /// [units]
    pub b1: Vec<f32>,
    /// [units]
    pub w2: Vec<f32>,
    /// [1]
    pub b2: Vec<f32>,
}

impl Network {
    /// Its output for `x` [inputs].
    pub fn run(&self, x: &[f32]) -> f32 {
        let hidden = self.w1.chunks_exact(x.len()).zip(&self.b1).map(|(row, bias)| {
            let sum: f32 = row.iter().zip(x).map(|(w, x)| w * x).sum();
            (sum + bias).tanh()
        });
        let bias = self.b2.first().copied().unwrap_or(0.0);
        bias + hidden.zip(&self.w2).map(|(h, w)| h * w).sum::<f32>()
    }
}

/// All of the scorer's weights.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Verifier {
    /// [ALL]: what features are on average, and how far they lie around it.
    pub mean: Vec<f32>,
    /// See `mean`; none is 0.
    pub scale: Vec<f32>,
    /// [`ALL`] weights of the parts that are sums: log-probabilities, retrieval and agreement; those of the others are 0.
    pub linear: Vec<f32>,
    /// Looks at all features.
    pub after: Network,
    /// Looks at those known before a candidate is run, to say whether it is worth it.
    pub before: Network,
}

impl Verifier {
    fn standard(&self, features: &[f32]) -> Vec<f32> {
        features.iter().zip(&self.mean).zip(&self.scale).map(|((x, m), s)| ((x - m) / s).clamp(-6.0, 6.0)).collect()
    }

    /// The logit that a candidate is right, from what is known before it is run.
    pub fn prior(&self, before: &[f32; BEFORE]) -> f32 {
        self.before.run(&self.standard(before))
    }

    /// The logit that a candidate is right, in its parts, whose sum it is.
    pub fn parts(&self, features: &[f32; ALL]) -> Parts {
        let x = self.standard(features);
        let sum = |range: std::ops::Range<usize>| -> f32 {
            x[range.clone()].iter().zip(&self.linear[range]).map(|(x, w)| x * w).sum()
        };
        let retrieval = LOGPROB + SHAPE..LOGPROB + SHAPE + RETRIEVAL;
        let base = retrieval.end..BEFORE;
        Parts {
            logprob: sum(0..LOGPROB),
            verifier: self.after.run(&x),
            agreement: sum(BEFORE..BEFORE + AGREEMENT),
            retrieval: sum(retrieval),
            base: Some(sum(base)),
        }
    }
}
