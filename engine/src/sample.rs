//! Choosing the next token from the likeliest candidates.

use std::collections::HashMap;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How tokens are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sampling {
    /// 0 takes the most likely token; above, logits are divided by it.
    pub temperature: f32,
    /// Keeps this many of the likeliest tokens; 0 keeps all.
    pub top_k: usize,
    /// Keeps the likeliest tokens that together reach this probability (Holtzman et al. 2019); 1 keeps all.
    pub top_p: f32,
    /// Drops tokens less likely than this share of the likeliest (Nguyen et al. 2024); 0 drops none.
    pub min_p: f32,
    /// Divides (or, below zero, multiplies) logits of tokens in the context (Keskar et al. 2019); 1 is off.
    pub repetition_penalty: f32,
    /// Taken from a token's logit for each time it stands in the context.
    pub frequency_penalty: f32,
    /// Taken from a token's logit if it stands in the context.
    pub presence_penalty: f32,
    /// The same seed gives the same text on the same device.
    pub seed: u64,
}

impl Default for Sampling {
    /// What Qwen recommends for answers without thinking.
    fn default() -> Self {
        Self {
            temperature: 0.7,
            top_k: 20,
            top_p: 0.8,
            min_p: 0.0,
            repetition_penalty: 1.0,
            frequency_penalty: 0.0,
            presence_penalty: 0.0,
            seed: 0,
        }
    }
}

impl Sampling {
    /// Always the most likely token.
    pub fn greedy() -> Self {
        Self { temperature: 0.0, ..Self::default() }
    }

    /// Whether any penalty is on.
    pub fn penalises(&self) -> bool {
        self.repetition_penalty != 1.0 || self.frequency_penalty != 0.0 || self.presence_penalty != 0.0
    }

    /// Whether the most likely token of the untouched logits is wanted.
    pub fn is_greedy(&self) -> bool {
        self.temperature == 0.0 && !self.penalises()
    }

    /// # Errors
    /// [`Error::Request`] names the setting that is out of range.
    pub fn check(&self) -> Result<()> {
        let ranges = [
            ("temperature", self.temperature, 0.0, 10.0),
            ("top-p", self.top_p, 0.0, 1.0),
            ("min-p", self.min_p, 0.0, 1.0),
            ("repetition penalty", self.repetition_penalty, 0.01, 10.0),
            ("frequency penalty", self.frequency_penalty, -10.0, 10.0),
            ("presence penalty", self.presence_penalty, -10.0, 10.0),
        ];
        for (name, value, low, high) in ranges {
            if !(low..=high).contains(&value) {
                return Err(Error::Request(format!("the {name} is {value}; {low} to {high} is possible")));
            }
        }
        Ok(())
    }
}

/// What the device found in the logits.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Top {
    /// Logit and token, likeliest first.
    pub(crate) candidates: Vec<(f32, u32)>,
    /// The largest logit.
    pub(crate) maximum: f32,
    /// Sum over the whole vocabulary of exp((logit - maximum) / temperature).
    pub(crate) normaliser: f32,
}

/// The random numbers of one answer, and the tokens that penalties look at.
pub(crate) struct Sampler {
    options: Sampling,
    random: ChaCha8Rng,
    seen: HashMap<u32, u32>,
}

impl Sampler {
    pub(crate) fn new(options: Sampling, context: &[u32]) -> Self {
        let mut sampler = Self { options, random: ChaCha8Rng::seed_from_u64(options.seed), seen: HashMap::new() };
        if options.penalises() {
            context.iter().for_each(|token| sampler.see(*token));
        }
        sampler
    }

    pub(crate) fn see(&mut self, token: u32) {
        if self.options.penalises() {
            *self.seen.entry(token).or_default() += 1;
        }
    }

    /// Tokens seen, each once, with how often.
    pub(crate) fn seen(&self) -> Vec<[u32; 2]> {
        let mut pairs: Vec<_> = self.seen.iter().map(|(token, count)| [*token, *count]).collect();
        pairs.sort_unstable();
        pairs
    }

    /// 1 / temperature, as the kernels take it.
    pub(crate) fn inverse_temperature(&self) -> f32 {
        if self.options.temperature == 0.0 { 1.0 } else { self.options.temperature.recip() }
    }

    /// A number in 0..1 for the next token.
    pub(crate) fn draw(&mut self) -> f64 {
        self.random.random()
    }

    /// The token at `draw` of the distribution over `top`: temperature, then top-k, top-p, min-p, each on what the one before
    /// left. `None` where the draw lies among tokens less likely than all of `top`, or `top` cannot tell where top-p ends: the
    /// caller then gives all logits as `top`.
    pub(crate) fn choose(&self, top: &Top, draw: f64, vocab: usize) -> Result<Option<u32>> {
        let broken = || Error::SelfCheck("the model's logits are not numbers".to_owned());
        let &(best, first) = top.candidates.first().ok_or_else(broken)?;
        if !best.is_finite() || !top.normaliser.is_finite() || top.normaliser <= 0.0 || first as usize >= vocab {
            return Err(broken());
        }
        if self.options.temperature == 0.0 {
            return Ok(Some(first));
        }
        let inverse = f64::from(self.inverse_temperature());
        let weight = |logit: f32| (f64::from(logit - top.maximum) * inverse).exp();
        let complete = top.candidates.len() >= vocab;
        let mut weights: Vec<f64> = top.candidates.iter().map(|(logit, _)| weight(*logit)).collect();
        // 1. top-k: the mass that the next steps see is that of the kept, or of the whole vocabulary.
        let limited = self.options.top_k > 0 && self.options.top_k <= weights.len();
        let mut mass = f64::from(top.normaliser);
        if limited {
            weights.truncate(self.options.top_k);
            mass = weights.iter().sum();
        } else if self.options.top_k > 0 && !complete {
            return Ok(None);
        }
        // 2. top-p: up to and with the token that reaches it.
        let mut known = limited || complete;
        if self.options.top_p < 1.0 {
            let mut sum = 0.0;
            if let Some(end) = weights.iter().position(|weight| {
                sum += weight;
                sum >= f64::from(self.options.top_p) * mass
            }) {
                weights.truncate(end + 1);
                known = true;
            } else if !known {
                return Ok(None);
            }
        }
        // 3. min-p: all that is likelier than the share.
        if self.options.min_p > 0.0 {
            let least = f64::from(self.options.min_p) * weights[0];
            let kept = weights.iter().take_while(|weight| **weight >= least).count();
            known |= kept < weights.len();
            weights.truncate(kept.max(1));
        }
        let total = if known { weights.iter().sum() } else { mass };
        let mut left = draw * total;
        for (weight, (_, token)) in weights.iter().zip(&top.candidates) {
            left -= weight;
            if left < 0.0 {
                return Ok(Some(*token));
            }
        }
        // Past the end by rounding, or among the rest of the vocabulary.
        Ok(if known { weights.len().checked_sub(1).map(|last| top.candidates[last].1) } else { None })
    }
}

/// All logits as candidates.
pub(crate) fn all(logits: &[f32], inverse_temperature: f32) -> Top {
    let mut candidates: Vec<_> = logits.iter().copied().zip(0u32..).collect();
    candidates.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let maximum = candidates.first().map_or(f32::NAN, |(logit, _)| *logit);
    let inverse = f64::from(inverse_temperature);
    let sum: f64 = logits.iter().map(|logit| (f64::from(logit - maximum) * inverse).exp()).sum();
    Top { candidates, maximum, normaliser: sum as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGITS: [f32; 6] = [1.0, 3.0, 2.0, -1.0, 0.5, 2.5];

    fn share(options: Sampling, top: &Top) -> Vec<f64> {
        let sampler = Sampler::new(options, &[]);
        let mut counts = vec![0.0; LOGITS.len()];
        for i in 0..100_000 {
            let token = sampler.choose(top, (f64::from(i) + 0.5) / 100_000.0, LOGITS.len()).unwrap().unwrap();
            counts[token as usize] += 1e-5;
        }
        counts
    }

    #[test]
    fn temperature_alone_gives_the_softmax() {
        let options = Sampling { temperature: 0.5, top_k: 0, top_p: 1.0, ..Sampling::default() };
        let shares = share(options, &all(&LOGITS, 2.0));
        let sum: f64 = LOGITS.iter().map(|l| f64::from(l * 2.0).exp()).sum();
        for (share, logit) in shares.iter().zip(LOGITS) {
            assert!((share - f64::from(logit * 2.0).exp() / sum).abs() < 1e-4);
        }
    }

    #[test]
    fn top_k_top_p_and_min_p_cut() {
        let base = Sampling { temperature: 1.0, top_k: 0, top_p: 1.0, ..Sampling::default() };
        let kept = |options| share(options, &all(&LOGITS, 1.0)).iter().map(|s| *s > 0.0).collect::<Vec<_>>();
        assert_eq!(kept(Sampling { top_k: 2, ..base }), [false, true, false, false, false, true]);
        // exp: 20.1, 12.2, 7.4, 2.7, 1.6, 0.4 of 44.4: the first two have 0.727, three 0.893.
        assert_eq!(kept(Sampling { top_p: 0.72, ..base }), [false, true, false, false, false, true]);
        assert_eq!(kept(Sampling { top_p: 0.74, ..base }), [false, true, true, false, false, true]);
        assert_eq!(kept(Sampling { min_p: 0.3, ..base }), [false, true, true, false, false, true]);
    }

    #[test]
    fn a_draw_beyond_the_candidates_asks_for_all_logits() {
        let options = Sampling { temperature: 1.0, top_k: 0, top_p: 1.0, ..Sampling::default() };
        let sampler = Sampler::new(options, &[]);
        let whole = all(&LOGITS, 1.0);
        let part = Top { candidates: whole.candidates[..2].to_vec(), ..whole.clone() };
        assert_eq!(sampler.choose(&part, 0.1, 6).unwrap(), Some(1));
        assert_eq!(sampler.choose(&part, 0.9, 6).unwrap(), None);
        assert_eq!(sampler.choose(&whole, 0.9, 6).unwrap(), Some(0));
    }

    #[test]
    fn logits_that_are_not_numbers_are_an_error() {
        let sampler = Sampler::new(Sampling::greedy(), &[]);
        assert!(sampler.choose(&all(&[f32::NAN, 1.0], 1.0), 0.5, 2).is_err());
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        assert!(Sampling { temperature: f32::NAN, ..Sampling::default() }.check().is_err());
        assert!(Sampling { top_p: 1.5, ..Sampling::default() }.check().is_err());
        assert!(Sampling { repetition_penalty: 0.0, ..Sampling::default() }.check().is_err());
        assert!(Sampling::default().check().is_ok());
    }
}
