//! The training run.

use std::path::{Path, PathBuf};
use std::time::Instant;

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::{AdamWConfig, GradientsParams};
use burn::tensor::{Device, Tensor};
use rand::prelude::*;
use rand_chacha::ChaCha8Rng;
use wattage_engine::wasm_layers::config::LayersConfig;

use super::batch::Batch;
use super::sequence::Sequence;
use crate::model::{Base, BaseConfig, Layer, Rotary};
use crate::{Error, Result};

/// How to train.
#[derive(Debug, Clone)]
pub struct Options {
    /// Optimisation steps.
    pub steps: usize,
    /// The same seed gives the same weights.
    pub seed: u64,
    /// Highest learning rate.
    pub rate: f64,
    /// Padded tokens a batch.
    pub tokens: usize,
    /// Share of the batches in which the base learns to write answers.
    pub answers: f64,
    /// Where checkpoints and metrics go.
    pub out: PathBuf,
}

/// The base with its layers.
#[derive(Module, Debug)]
pub struct Nets {
    /// The base.
    pub base: Base,
    /// A WASM layer a tap.
    pub layers: Vec<Layer>,
}

/// How well a set is done: shares of its examples.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Score {
    /// Examples with a program.
    pub n: usize,
    /// Programs that a layer writes token for token, greedily.
    pub exact: Vec<f64>,
    /// Programs that at least one layer writes.
    pub any: f64,
    /// Messages whose gate is right, by the layers' mean.
    pub gate: f64,
}

/// The learning rate's share at a step: a warm-up, a constant half, and a straight way down (a trapezoid; Hägele et al. 2024).
fn schedule(step: usize, steps: usize) -> f64 {
    let warm = (step + 1) as f64 / 80.0;
    let left = (steps - step) as f64 / (steps as f64 / 2.0);
    warm.min(1.0).min(left.max(0.02))
}

/// Trains new nets on `train`, telling each line of metrics to `report`, and gives them.
///
/// # Errors
/// [`Error::Training`] where the loss is no number any more.
pub fn run(
    base: &BaseConfig,
    layers: &LayersConfig,
    (train, held): (&[Sequence], &[Sequence]),
    options: &Options,
    report: &mut dyn FnMut(serde_json::Value),
) -> Result<Nets> {
    let device = Device::flex().autodiff();
    device.seed(options.seed);
    let mut nets = Nets {
        base: Base::new(base, &device),
        layers: layers.taps.iter().map(|_| Layer::new(layers, &device)).collect(),
    };
    let mut optimiser = AdamWConfig::new().with_beta_1(0.9).with_beta_2(0.98).with_weight_decay(0.1).init();
    let mut random = ChaCha8Rng::seed_from_u64(options.seed);
    let began = Instant::now();
    let mut queue: Vec<(Vec<usize>, bool)> = Vec::new();
    let mut seen = 0;
    for step in 0..options.steps {
        let (indices, answers) = match queue.pop() {
            Some(next) => next,
            None => {
                queue = batches(train, options, &mut random);
                queue.pop().ok_or_else(|| Error::Training("there is nothing to train on".to_owned()))?
            }
        };
        let chosen: Vec<&Sequence> = indices.iter().map(|i| &train[*i]).collect();
        let batch = Batch::new(&chosen, layers, answers, &device);
        seen += batch.b * batch.time;
        let (loss, parts) = losses(&nets, base, layers, &batch);
        if !parts.iter().all(|part| part.is_finite()) {
            return Err(Error::Training(format!("the loss is {parts:?} after {step} steps; lower the rate")));
        }
        let mut gradients = GradientsParams::from_grads(loss.backward(), &nets);
        clip(&mut gradients, &nets, 1.0);
        nets = optimiser.step(options.rate * schedule(step, options.steps), nets, gradients);
        if step % 50 == 49 {
            let seconds = began.elapsed().as_secs_f64();
            report(
                serde_json::json!({"step": step + 1, "seconds": seconds, "tokens_per_second": seen as f64 / seconds,
                "layers": parts[0], "gate": parts[1], "answers": parts[2]}),
            );
        }
        if step % 500 == 499 || step + 1 == options.steps {
            let score = score(&nets.valid(), base, layers, held, options);
            report(serde_json::json!({"step": step + 1, "held_out": score}));
            save(&nets, &options.out)?;
        }
    }
    Ok(nets)
}

fn save(nets: &Nets, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|why| Error::file(folder, why))?;
    nets.clone().save_file(folder.join("nets")).map_err(|why| Error::Training(format!("no checkpoint: {why}")))
}

/// Sequences of like length together, in a random order; for each batch whether it has the answers.
fn batches(train: &[Sequence], options: &Options, random: &mut ChaCha8Rng) -> Vec<(Vec<usize>, bool)> {
    let mut order: Vec<usize> = (0..train.len()).collect();
    order.shuffle(random);
    let mut all = Vec::new();
    for pool in order.chunks(1024) {
        let answers = random.random_bool(options.answers);
        let length = |i: &usize| train[*i].prompt.len() + if answers { train[*i].answer.len() } else { 0 };
        let mut pool = pool.to_vec();
        pool.sort_by_key(length);
        let mut batch: Vec<usize> = Vec::new();
        for i in pool {
            if !batch.is_empty() && (batch.len() + 1) * length(&i) > options.tokens {
                all.push((std::mem::take(&mut batch), answers));
            }
            batch.push(i);
        }
        all.push((batch, answers));
    }
    all.shuffle(random);
    all
}

/// The loss of a batch, and its parts: the layers', the gates', the base's.
fn losses(nets: &Nets, base: &BaseConfig, layers: &LayersConfig, batch: &Batch) -> (Tensor<1>, [f32; 3]) {
    let rotary = Rotary::new(base, batch.b, batch.time, &batch.ids.device());
    let (taps, last) = nets.base.forward(batch.ids.clone(), base, &rotary, &layers.taps);
    let count = batch.wanted.clone().sum().clamp_min(1.0);
    let mut programs: Option<Tensor<1>> = None;
    let mut gates: Option<Tensor<1>> = None;
    for (layer, tap) in nets.layers.iter().zip(taps) {
        let output = layer.forward(tap, layers, &batch.layers);
        let chosen = output.logprobs.gather(1, batch.targets.clone()) * batch.wanted.clone();
        let loss = chosen.sum().neg() / count.clone();
        programs = Some(programs.map_or(loss.clone(), |sum| sum + loss));
        // Binary cross-entropy with logits.
        let x = output.gate;
        let loss = (burn::tensor::activation::relu(x.clone()) - x.clone() * batch.computes.clone()
            + (x.abs().neg().exp() + 1.0).log())
        .mean();
        gates = Some(gates.map_or(loss.clone(), |sum| sum + loss));
    }
    let zero = || Tensor::zeros([1], &batch.ids.device());
    let (programs, gates) = (programs.unwrap_or_else(zero), gates.unwrap_or_else(zero));
    let answers = match &batch.next {
        Some((rows, ids)) => {
            let logits = nets.base.logits(last.select(0, rows.clone()));
            burn::tensor::activation::log_softmax(logits, 1).gather(1, ids.clone()).mean().neg()
        }
        None => zero(),
    };
    let parts = [&programs, &gates, &answers].map(|part| part.clone().into_scalar::<f32>());
    (programs + gates * 0.5 + answers, parts)
}

/// How well a set is done. Greedy decoding writes a program exactly where each step, given the right steps before it, has the
/// right output on top.
fn score(nets: &Nets, base: &BaseConfig, layers: &LayersConfig, set: &[Sequence], options: &Options) -> Score {
    let mut order: Vec<&Sequence> = set.iter().collect();
    order.sort_by_key(|sequence| sequence.prompt.len());
    let device = Device::flex();
    let (mut n, mut any, mut gate) = (0, 0, 0);
    let mut exact = vec![0; layers.taps.len()];
    let per_batch = (options.tokens / 60).max(1);
    for sequences in order.chunks(per_batch) {
        let batch = Batch::new(sequences, layers, false, &device);
        let rotary = Rotary::new(base, batch.b, batch.time, &device);
        let (taps, _) = nets.base.forward(batch.ids.clone(), base, &rotary, &layers.taps);
        let wanted: Vec<i32> = batch.targets.clone().into_data().convert::<i32>().try_to_vec().unwrap_or_default();
        let mut right = vec![false; batch.b];
        let mut says = vec![0f32; batch.b];
        for (place, (layer, tap)) in nets.layers.iter().zip(taps).enumerate() {
            let output = layer.forward(tap, layers, &batch.layers);
            let found: Vec<i32> =
                output.logprobs.argmax(1).into_data().convert::<i32>().try_to_vec().unwrap_or_default();
            let logits: Vec<f32> = output.gate.into_data().try_to_vec().unwrap_or_default();
            for (i, sequence) in sequences.iter().enumerate() {
                says[i] += logits[i];
                let Some(program) = &sequence.program else { continue };
                let steps = i * batch.layers.t..i * batch.layers.t + program.len() + 1;
                if found[steps.clone()] == wanted[steps] {
                    exact[place] += 1;
                    right[i] = true;
                }
            }
        }
        n += sequences.iter().filter(|sequence| sequence.program.is_some()).count();
        any += right.iter().filter(|right| **right).count();
        gate += sequences.iter().zip(&says).filter(|(s, says)| s.program.is_some() == (**says > 0.0)).count();
    }
    let share = |count: usize, of: usize| count as f64 / of.max(1) as f64;
    Score {
        n,
        exact: exact.into_iter().map(|count| share(count, n)).collect(),
        any: share(any, n),
        gate: share(gate, set.len()),
    }
}

/// Scales all gradients down to a norm of `most`; burn's own clipping takes each parameter by itself.
fn clip(gradients: &mut GradientsParams, nets: &Nets, most: f64) {
    struct Squares<'a>(&'a GradientsParams, f64);
    impl ModuleVisitor for Squares<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(gradient) = self.0.get::<D>(param.id) {
                self.1 += f64::from(gradient.square().sum().into_scalar::<f32>());
            }
        }
    }
    struct Scale<'a>(&'a mut GradientsParams, f64);
    impl ModuleVisitor for Scale<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(gradient) = self.0.remove::<D>(param.id) {
                self.0.register(param.id, gradient.mul_scalar(self.1));
            }
        }
    }
    let mut squares = Squares(gradients, 0.0);
    nets.visit(&mut squares);
    let norm = squares.1.sqrt();
    if norm > most {
        nets.visit(&mut Scale(gradients, most / (norm + 1e-6)));
    }
}
