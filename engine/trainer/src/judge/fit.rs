//! The verifier's fit: binary cross-entropy on each candidate and a listwise softmax over each question's (Cao et al.
//! 2007).

use burn::module::{Module, Param};
use burn::optim::{AdamWConfig, GradientsParams};
use burn::tensor::{Device, Tensor, TensorData, activation};
use rand::prelude::*;
use rand_chacha::ChaCha8Rng;
use wattage_engine::scorer::features::{self, AGREEMENT, ALL, BASE, BEFORE, LOGPROB, SHAPE};
use wattage_engine::scorer::{Asked, Judged, Network, Scorer, Together, Verifier, undecided};

use super::Surveyed;
use super::calibrate::calibration;
use super::measure::{Fitted, Sums};
use crate::Result;

/// How to fit.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Units of the networks' hidden layers.
    pub units: usize,
    /// Passes over the questions.
    pub epochs: usize,
    /// Questions in a batch.
    pub batch: usize,
    /// Learning rate.
    pub rate: f64,
    /// Share of the features that a step does without (dropout, Srivastava et al. 2014): no few of them may decide, for which of them
    /// tell right from wrong differs from one kind of question to another.
    pub dropout: f64,
    /// The same seed gives the same weights.
    pub seed: u64,
    /// Share of the right candidates that may be skipped.
    pub lost: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { units: 8, epochs: 12, batch: 64, rate: 3e-3, dropout: 0.2, seed: 0, lost: 0.002 }
    }
}

/// A question as the fit sees it.
#[derive(Clone)]
pub(super) struct Question {
    /// [candidates, ALL], of candidates with a result; those of others are what is known before.
    pub(super) features: Vec<[f32; ALL]>,
    /// Candidates that have a result.
    pub(super) ran: Vec<bool>,
    pub(super) right: Vec<bool>,
}

#[derive(Module, Debug)]
struct Net {
    w1: Param<Tensor<2>>, // [inputs, units]
    b1: Param<Tensor<1>>,
    w2: Param<Tensor<2>>, // [units, 1]
    b2: Param<Tensor<1>>,
}

#[derive(Module, Debug)]
struct Both {
    after: Net,
    before: Net,
    linear: Param<Tensor<2>>, // [ALL, 1]
}

impl Net {
    fn new([inputs, units]: [usize; 2], random: &mut ChaCha8Rng, device: &Device) -> Self {
        let deviation = (inputs as f32).powf(-0.5);
        // Not burn's numbers, which are one stream for the whole process.
        let mut random = |shape: [usize; 2], deviation: f32| {
            let most = 3f32.sqrt() * deviation;
            let values: Vec<f32> = (0..shape[0] * shape[1]).map(|_| random.random_range(-most..most)).collect();
            Param::from_tensor(Tensor::from_data(TensorData::new(values, shape), device))
        };
        Self {
            w1: random([inputs, units], deviation),
            b1: Param::from_tensor(Tensor::zeros([units], device)),
            w2: random([units, 1], 0.1),
            b2: Param::from_tensor(Tensor::zeros([1], device)),
        }
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        (x.matmul(self.w1.val()) + self.b1.val().unsqueeze()).tanh().matmul(self.w2.val()) + self.b2.val().unsqueeze()
    }

    fn weights(&self) -> Network {
        let values = |tensor: Tensor<2>| tensor.into_data().try_to_vec::<f32>().unwrap_or_default();
        Network {
            w1: values(self.w1.val().transpose()),
            b1: values(self.b1.val().unsqueeze()),
            w2: values(self.w2.val()),
            b2: values(self.b2.val().unsqueeze()),
        }
    }
}

/// Fits `scorer`, whose store is filled, to surveys; the last sixth of them only measures.
///
/// # Errors
/// None yet: a fit on nothing changes nothing.
pub fn fit(scorer: &mut Scorer, surveyed: &[Surveyed], layers: usize, settings: Settings) -> Result<Fitted> {
    let questions: Vec<Question> = surveyed.iter().map(|one| question(scorer, one, layers)).collect();
    let at = questions.len() - questions.len() / 6;
    learn_calibrated(scorer, &questions[..at], settings);
    let mut sums = Sums::new(layers);
    for (question, one) in questions.iter().zip(surveyed).skip(at) {
        sums.add(scorer, question, one);
    }
    Ok(sums.fitted())
}

/// Fits the verifier to questions, and its scores to what they have to say: the best of many candidates is less often right than
/// one of that score, and the listwise loss spreads scores.
pub(super) fn learn_calibrated(scorer: &mut Scorer, train: &[Question], settings: Settings) {
    let line = calibration(scorer, train, settings);
    learn(scorer, train, settings);
    line.apply(&mut scorer.verifier);
}

/// Fits the verifier to questions.
pub(super) fn learn(scorer: &mut Scorer, train: &[Question], settings: Settings) {
    let rows: Vec<&[f32; ALL]> =
        train.iter().flat_map(|q| q.features.iter().zip(&q.ran)).filter(|(_, ran)| **ran).map(|(f, _)| f).collect();
    let count = rows.len().max(1) as f64;
    let mut mean = vec![0f32; ALL];
    let mut scale = vec![1f32; ALL];
    for feature in 0..ALL {
        let average = rows.iter().map(|row| f64::from(row[feature])).sum::<f64>() / count;
        // A base that was not asked has zeros here, which are to say nothing.
        let average = if (BEFORE - BASE..BEFORE).contains(&feature) { 0.0 } else { average };
        let square = rows.iter().map(|row| (f64::from(row[feature]) - average).powi(2)).sum::<f64>() / count;
        mean[feature] = average as f32;
        // A feature that never varies says nothing, and must not be blown up where it does at last.
        scale[feature] = if square.sqrt() < 1e-4 { 1.0 } else { square.sqrt() as f32 };
    }
    let standard = |row: &[f32; ALL]| -> Vec<f32> {
        (0..ALL).map(|at| ((row[at] - mean[at]) / scale[at]).clamp(-6.0, 6.0)).collect()
    };

    let device = Device::flex().autodiff();
    let mut random = ChaCha8Rng::seed_from_u64(settings.seed);
    let mut nets = Both {
        after: Net::new([ALL, settings.units], &mut random, &device),
        before: Net::new([BEFORE, settings.units], &mut random, &device),
        linear: Param::from_tensor(Tensor::zeros([ALL, 1], &device)),
    };
    // Only the features of the parts that are sums.
    let summed: Vec<f32> = (0..ALL)
        .map(|at| {
            let shape = (LOGPROB..LOGPROB + SHAPE).contains(&at);
            f32::from(u8::from(at < BEFORE + AGREEMENT && !shape))
        })
        .collect();
    let summed: Tensor<2> = Tensor::from_data(TensorData::new(summed, [1, ALL]), &device);
    let mut optimiser = AdamWConfig::new().with_weight_decay(0.02).init();
    let mut order: Vec<usize> = (0..train.len()).collect();
    let most = train.iter().map(|q| q.features.len()).max().unwrap_or(1);
    let steps = (settings.epochs * train.len().div_ceil(settings.batch)).max(1);
    let mut step = 0;
    for _ in 0..settings.epochs {
        order.shuffle(&mut random);
        for chosen in order.chunks(settings.batch) {
            let rows = chosen.len() * most;
            let mut x = vec![0f32; rows * ALL];
            let (mut ran, mut there, mut right) = (vec![0f32; rows], vec![0f32; rows], vec![0f32; rows]);
            for (at, index) in chosen.iter().enumerate() {
                let question = &train[*index];
                for (candidate, features) in question.features.iter().enumerate() {
                    let row = at * most + candidate;
                    x[row * ALL..][..ALL].copy_from_slice(&standard(features));
                    there[row] = 1.0;
                    ran[row] = f32::from(u8::from(question.ran[candidate]));
                    right[row] = f32::from(u8::from(question.right[candidate]));
                }
            }
            let seen: Vec<f32> = (0..ALL).map(|_| f32::from(u8::from(!random.random_bool(settings.dropout)))).collect();
            for (x, seen) in x.iter_mut().zip(seen.iter().cycle()) {
                *x *= seen;
            }
            let column = |values: Vec<f32>| Tensor::<2>::from_data(TensorData::new(values, [rows, 1]), &device);
            let x: Tensor<2> = Tensor::from_data(TensorData::new(x, [rows, ALL]), &device);
            let (ran, there, right) = (column(ran), column(there), column(right));
            let score = nets.after.forward(x.clone()) + (x.clone() * summed.clone()).matmul(nets.linear.val());
            let prior = nets.before.forward(x.narrow(1, 0, BEFORE));
            let each = |logit: Tensor<2>, counted: &Tensor<2>| -> Tensor<1> {
                let loss = activation::relu(logit.clone()) - logit.clone() * right.clone()
                    + (logit.abs().neg().exp() + 1.0).log();
                (loss * counted.clone()).sum() / counted.clone().sum().clamp_min(1.0)
            };
            // Listwise: the probability of the right ones among those that ran, over questions that have one.
            let shape = [chosen.len(), most];
            let masked = score.clone() + (ran.clone() - 1.0) * 40.0;
            let shares = activation::softmax(masked.reshape(shape), 1);
            let hit = (shares * right.clone().reshape(shape)).sum_dim(1);
            let has = right.clone().reshape(shape).max_dim(1);
            let listwise = ((hit + 1e-6).log().neg() * has.clone()).sum() / has.sum().clamp_min(1.0);
            let loss = each(score, &ran) + each(prior, &there) + listwise;
            let gradients = GradientsParams::from_grads(loss.backward(), &nets);
            let rate = settings.rate * (1.0 - step as f64 / steps as f64).max(0.02);
            nets = optimiser.step(rate, nets, gradients);
            step += 1;
        }
    }
    let linear: Vec<f32> = (nets.linear.val() * summed.transpose()).into_data().try_to_vec().unwrap_or_default();
    scorer.verifier = Verifier { mean, scale, linear, after: nets.after.weights(), before: nets.before.weights() };
    scorer.threshold = threshold(scorer, train, settings.lost);
}

/// Under it lies that share of the right candidates, and none that is more likely right than one in twenty.
fn threshold(scorer: &Scorer, questions: &[Question], lost: f64) -> f32 {
    let mut priors: Vec<f32> = questions
        .iter()
        .flat_map(|q| q.features.iter().zip(&q.right))
        .filter(|(_, right)| **right)
        .map(|(features, _)| prior(scorer, features))
        .collect();
    priors.sort_by(f32::total_cmp);
    let at = (priors.len() as f64 * lost) as usize;
    priors.get(at).copied().unwrap_or(-3.0).min(-3.0)
}

pub(super) fn prior(scorer: &Scorer, features: &[f32; ALL]) -> f32 {
    let mut before = [0.0; BEFORE];
    before.copy_from_slice(&features[..BEFORE]);
    scorer.verifier.prior(&before)
}

pub(super) fn question(scorer: &Scorer, one: &Surveyed, layers: usize) -> Question {
    let Surveyed { survey, right, .. } = one;
    let firsts = survey.candidates.iter().filter(|candidate| candidate.rank == 0).map(|candidate| &candidate.program);
    let asked = undecided(firsts);
    // As it is when an answer is wanted, whatever the survey has.
    let judged = survey.candidates.iter().cloned();
    let candidates: Vec<Judged> =
        judged.map(|candidate| Judged { base: candidate.base.filter(|_| asked), ..candidate }).collect();
    let key: Vec<f32> = survey.key.iter().zip(&scorer.mean).map(|(value, mean)| value - mean).collect();
    let neighbours = scorer.store.nearest(&key);
    let asked = Asked { numbers: &survey.numbers, gate: survey.gate, layers };
    let together = Together::of(&candidates);
    let all_of_them = (candidates.as_slice(), &together);
    let mut all = Vec::with_capacity(candidates.len());
    for (candidate, result) in candidates.iter().zip(&survey.results) {
        let mut row = [0.0; ALL];
        row[..BEFORE].copy_from_slice(&features::before(candidate, all_of_them, &asked, &neighbours));
        if let Some(value) = result {
            let after = features::after(all_of_them, &survey.results, *value, &asked);
            row[BEFORE..].copy_from_slice(&after);
        }
        all.push(row);
    }
    Question { features: all, ran: survey.results.iter().map(Option::is_some).collect(), right: right.clone() }
}
