//! The training run.

use std::path::PathBuf;
use std::time::Instant;

use burn::module::Module;
use burn::optim::AdamWConfig;
use burn::tensor::{Device, Tensor};
use rand::prelude::*;
use rand_chacha::ChaCha8Rng;
use wattage_engine::wasm_layers::config::LayersConfig;

use super::checkpoint::{self, Place, blend};
use super::losses::{Lesson, clip};
use super::score::score;
use super::states::States;
use super::workers::Workers;
use super::{Batch, Sequence};
use crate::model::{Base, BaseConfig, Dropout, Layer, Rotary};
use crate::{Error, Result};

/// Steps between lines of metrics.
const METRICS: usize = 50;
/// Steps between blends of the average, and how much of it each keeps.
const AVERAGE: (usize, f64) = (5, 0.99);
/// Workers and layers, at most: each layer of each batch of each step has random numbers of its own.
const MOST_STREAMS: (usize, usize) = (64, 8);

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
    /// Share of the pools of examples from which the base learns to write answers, in the first half of the steps and in the
    /// second: the layers come first, and the base copies well only what it reads well.
    pub answers: [f64; 2],
    /// Share of an example that goes to the layer that does best on it; 0 trains the layers independently.
    pub choice: f64,
    /// Share of the batches in which each layer also reads another's tap, and learns to find all outputs equally likely there: it is of use
    /// on its own tap only, so that one which got another's cannot go unseen.
    pub foreign: f64,
    /// Steps between evaluations, each of which leaves a checkpoint.
    pub evaluation: usize,
    /// Evaluations without a better score after which the run ends.
    pub patience: usize,
    /// Threads, each with a batch of its own: a step takes the mean of their gradients.
    pub workers: usize,
    /// What the first weights are called: a seed's, or those of another run.
    pub start: String,
    /// Share of the taps' channels, and of what the layers' blocks add, that each pass leaves out.
    pub dropout: [f64; 2],
    /// A step to stop at before the run is over, as a kill would; asked again, the run goes on.
    pub until: Option<usize>,
    /// Where checkpoints go.
    pub out: PathBuf,
}

/// The shapes of what is trained.
#[derive(Debug, Clone, Copy)]
pub struct Shapes<'a> {
    /// The base's, where it is trained along.
    pub base: Option<&'a BaseConfig>,
    /// The layers'.
    pub layers: &'a LayersConfig,
}

impl Shapes<'_> {
    /// What a checkpoint is asked first of all.
    pub(super) fn named(&self) -> String {
        format!("{:?} {:?} ", self.base, self.layers)
    }
}

/// What to train on, and to measure with.
#[derive(Debug, Clone, Copy)]
pub struct Material<'a> {
    /// What to train on.
    pub train: &'a [Sequence],
    /// What each evaluation looks at, by name.
    pub held: &'a [(&'a str, &'a [Sequence])],
    /// The states that the sequences' places are in, for a base that is not trained along.
    pub states: Option<&'a States>,
}

/// The base, where it is trained along, with its layers.
#[derive(Module, Debug)]
pub struct Nets {
    /// The base.
    pub base: Option<Base>,
    /// A WASM layer a tap.
    pub layers: Vec<Layer>,
}

impl Nets {
    /// New weights to train; the same seed gives the same.
    pub fn seeded(seed: u64, shapes: Shapes<'_>) -> Self {
        let device = Device::flex().autodiff();
        device.seed(seed);
        Self::new(shapes, &device)
    }

    /// New weights.
    pub fn new(shapes: Shapes<'_>, device: &Device) -> Self {
        let layers = shapes.layers;
        Self {
            base: shapes.base.map(|base| Base::new(base, device)),
            layers: layers.taps.iter().map(|_| Layer::new(layers, device)).collect(),
        }
    }

    /// What the layers read, [rows, hidden] a tap, and where the base runs along its last residual stream.
    pub(super) fn streams(&self, shapes: Shapes<'_>, batch: &Batch) -> (Vec<Tensor<2>>, Option<Tensor<2>>) {
        match (&batch.streams, &self.base, shapes.base) {
            (None, Some(base), Some(config)) => {
                let rotary = Rotary::new(config, batch.b, batch.time, &batch.ids.device());
                let (taps, last) = base.forward(batch.ids.clone(), config, &rotary, &shapes.layers.taps);
                (taps, Some(last))
            }
            (streams, ..) => (streams.clone().unwrap_or_default(), None),
        }
    }
}

/// The learning rate's share at a step: a warm-up, a constant half, and a straight way down (a trapezoid; Hägele et al. 2024).
fn schedule(step: usize, steps: usize) -> f64 {
    let warm = (step + 1) as f64 / 80.0;
    let left = (steps - step) as f64 / (steps as f64 / 2.0);
    warm.min(1.0).min(left.max(0.02))
}

/// How many layers further the tap lies that the layers also read of a batch, if they do.
fn foreign(options: &Options, batch: u64, layers: usize) -> Option<usize> {
    let mut random = ChaCha8Rng::seed_from_u64(!options.seed);
    random.set_stream(batch);
    (layers > 1 && random.random_bool(options.foreign)).then(|| random.random_range(1..layers))
}

/// Trains `nets`, telling each line of metrics to `report`, and gives the average of their last weights. A run that
/// was killed goes on from its last checkpoint; the weights are the same as without the kill.
///
/// # Errors
/// [`Error::Training`] where the loss is no number any more, or the checkpoint is another run's; [`Error::File`] where states
/// cannot be read.
pub fn run(
    mut nets: Nets,
    shapes: Shapes<'_>,
    material: Material<'_>,
    options: &Options,
    report: &mut dyn FnMut(serde_json::Value),
) -> Result<Nets> {
    let Material { train, held, states } = material;
    if nets.base.is_none() && states.is_none() {
        return Err(Error::Training("there is neither a base nor what one made of the questions".to_owned()));
    }
    let shares = [options.answers[0], options.answers[1], options.foreign];
    if shares.iter().any(|share| !(0.0..=1.0).contains(share)) {
        return Err(Error::Training(format!("shares of batches lie between 0 and 1, and these are {shares:?}")));
    }
    let device = Device::flex().autodiff();
    let mut average = nets.valid();
    let optimiser = || AdamWConfig::new().with_beta_1(0.9).with_beta_2(0.98).with_weight_decay(0.1).init();
    let lasting = Options { until: None, out: PathBuf::new(), ..options.clone() };
    let asked = format!("{}{} {lasting:?}", shapes.named(), train.len());
    let last = options.until.map_or(options.steps, |until| until.min(options.steps));
    let mut place = Place { asked: asked.clone(), ..Place::default() };
    let saved = checkpoint::load(&options.out, nets.clone(), average.clone(), optimiser())?;
    let mut optimiser = optimiser();
    if let Some((old_nets, old_average, old_optimiser, old)) = saved {
        if old.asked != asked {
            let folder = checkpoint::folder(&options.out);
            return Err(Error::Training(format!(
                "the checkpoint in {} is of a run with other options; remove it, or ask for the same",
                folder.display()
            )));
        }
        (nets, average, optimiser, place) = (old_nets, old_average, old_optimiser, old);
        report(serde_json::json!({"step": place.step, "resumed": true}));
    }
    let before = place.seconds;
    let began = Instant::now();
    let half = options.steps / 2;
    let mut queue = batches(train, options, &place);
    let workers = Workers::new(options.workers)?;
    while place.step < last && place.since <= options.patience {
        // Another pass begins where one is over, and with the second half.
        if place.taken == queue.len() || place.step == half {
            if queue.is_empty() {
                return Err(Error::Training("there is nothing to train on".to_owned()));
            }
            place.epoch += 1;
            place.taken = 0;
            queue = batches(train, options, &place);
        }
        let taken = place.taken..queue.len().min(place.taken + options.workers.max(1));
        place.taken = taken.end;
        let given = queue[taken].iter().map(|(indices, answers)| {
            let chosen: Vec<&Sequence> = indices.iter().map(|i| &train[*i]).collect();
            Batch::of(&chosen, states, shapes.layers, *answers, &device)
        });
        let given = given.collect::<Result<Vec<Batch>>>()?;
        place.tokens += given.iter().map(|batch| batch.b * batch.time).sum::<usize>();
        // Each batch of the run has a number of its own.
        let batch = |number: usize| place.step * MOST_STREAMS.0 + number;
        let dropout = |number: usize, layer: usize| {
            let stream = batch(number) * MOST_STREAMS.1 + layer;
            (options.dropout != [0.0; 2]).then(|| Dropout::new(options.seed, stream as u64, options.dropout))
        };
        let lesson = |number: usize| Lesson {
            choice: options.choice,
            foreign: foreign(options, batch(number) as u64, shapes.layers.taps.len()),
        };
        let (mut gradients, parts) = workers.gradients(&nets, shapes, &given, lesson, dropout);
        if !parts.iter().flatten().all(|part| part.is_finite()) {
            let step = place.step;
            return Err(Error::Training(format!("the loss is {parts:?} after {step} steps; lower the rate")));
        }
        clip(&mut gradients, &nets, 1.0);
        nets = optimiser.step(options.rate * schedule(place.step, options.steps), nets, gradients);
        place.step += 1;
        place.seconds = before + began.elapsed().as_secs_f64();
        let (every, keep) = AVERAGE;
        if place.step.is_multiple_of(every) {
            // While young, the average forgets its first values sooner.
            let age = (place.step / every) as f64;
            average = blend(average, &nets.valid(), keep.min(age / (age + 10.0)));
        }
        if place.step.is_multiple_of(METRICS) {
            report(serde_json::json!({"step": place.step, "seconds": place.seconds, "tokens": place.tokens,
                "layers": parts[0], "gate": parts[1], "answers": parts[2], "foreign": parts[3]}));
        }
        if place.step.is_multiple_of(options.evaluation) || place.step == options.steps {
            let mut sum = 0.0;
            for (name, set) in held {
                let score = score(&average, shapes, set, states)?;
                sum += score.mean();
                report(serde_json::json!({"step": place.step, "set": name, "held_out": score}));
            }
            place.since = if sum > place.best { 0 } else { place.since + 1 };
            place.best = place.best.max(sum);
            checkpoint::save(&options.out, &nets, &average, &optimiser, &place)?;
        }
    }
    Ok(average)
}

/// Sequences of prompts of like length together, in an order that depends on the seed and the pass; for each batch whether it has
/// the answers.
///
/// Lengths are blurred before they are sorted: messages that ask for nothing are short, and batches of nothing else would
/// pull the gates to and fro.
fn batches(train: &[Sequence], options: &Options, place: &Place) -> Vec<(Vec<usize>, bool)> {
    let share = options.answers[usize::from(place.step >= options.steps / 2)];
    let mut random = ChaCha8Rng::seed_from_u64(options.seed);
    random.set_stream(place.epoch);
    let mut order: Vec<usize> = (0..train.len()).collect();
    order.shuffle(&mut random);
    let mut all = Vec::new();
    for pool in order.chunks(256) {
        let answers = random.random_bool(share);
        let length = |i: usize| train[i].tokens(answers);
        let mut pool: Vec<(f64, usize)> =
            pool.iter().map(|i| (train[*i].tokens(false) as f64 * random.random_range(1.0..2.0), *i)).collect();
        pool.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut batch: Vec<usize> = Vec::new();
        let mut longest = 0;
        for (_, i) in pool {
            longest = longest.max(length(i));
            if !batch.is_empty() && (batch.len() + 1) * longest > options.tokens {
                all.push((std::mem::take(&mut batch), answers));
                longest = length(i);
            }
            batch.push(i);
        }
        all.push((batch, answers));
    }
    all.shuffle(&mut random);
    all
}
