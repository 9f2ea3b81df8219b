//! What training lowers.

use super::batch::{Batch, Next};
use super::run::{Nets, Shapes};
use crate::model::{Dropout, NEVER};
use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Tensor, activation};

/// Weight of the gates' loss.
const GATES: f64 = 0.5;
/// Parts of a loss that are told.
pub(super) const PARTS: usize = 4;

/// What the layers learn from a batch, besides its programs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lesson {
    /// The share of an example that is given to the layer that does best on it, over its equal part: at 0 the layers are trained
    /// independently, at 1 an example trains its best layer alone (multiple-choice learning; Guzmán-Rivera et al. 2012).
    pub(super) choice: f64,
    /// How many layers further the tap lies that each layer also reads, to learn that it is not its own: it is to find all outputs
    /// that are allowed equally likely there.
    pub(super) foreign: Option<usize>,
}

/// The loss of a batch, and its parts: the layers', the gates', the base's, and that of taps of other layers.
pub(super) fn losses(
    nets: &Nets,
    shapes: Shapes<'_>,
    batch: &Batch,
    Lesson { choice, foreign }: Lesson,
    dropout: impl Fn(usize) -> Option<Dropout>,
) -> (Tensor<1>, [f32; PARTS]) {
    let layers = shapes.layers;
    let device = batch.ids.device();
    let (taps, last) = nets.streams(shapes, batch);
    let count = batch.wanted.clone().sum().clamp_min(1.0);
    let zero = || Tensor::zeros([1], &device);
    let (mut each, mut gates) = (Vec::new(), zero());
    let mut lost = zero();
    for (place, (layer, tap)) in nets.layers.iter().zip(&taps).enumerate() {
        if let Some(other) = foreign.and_then(|further| taps.get((place + further) % taps.len())) {
            // What the base does is not to change for this.
            let output = layer.forward(other.clone().detach(), layers, &batch.layers, dropout(place).as_ref());
            lost = lost + far_from_uniform(output.logprobs, batch);
        }
        let output = layer.forward(tap.clone(), layers, &batch.layers, dropout(place).as_ref());
        let chosen = output.logprobs.gather(1, batch.targets.clone()) * batch.wanted.clone();
        each.push(chosen.neg().reshape([batch.b, batch.layers.t]).sum_dim(1));
        // Binary cross-entropy with logits.
        let x = output.gate;
        gates = gates
            + (activation::relu(x.clone()) - x.clone() * batch.computes.clone() + (x.abs().neg().exp() + 1.0).log())
                .mean();
    }
    let layered = each.len();
    let each = Tensor::cat(each, 1); // [b, layers]
    let each = if choice > 0.0 {
        let values = each.clone().detach();
        let best = values.clone().lower_equal(values.min_dim(1).expand([batch.b, layered])).float();
        each * (best * (choice * layered as f64) + (1.0 - choice))
    } else {
        each
    };
    let programs = each.sum() / count.clone();
    let answers = match (&batch.next, &nets.base, last) {
        (Some(Next { rows, ids, weights }), Some(base), Some(last)) => {
            let logits = base.logits(last.select(0, rows.clone()));
            let each = activation::log_softmax(logits, 1).gather(1, ids.clone()) * weights.clone();
            (each.sum() / weights.clone().sum()).neg()
        }
        _ => zero(),
    };
    let lost = lost / count;
    let parts = [&programs, &gates, &answers, &lost].map(|part| part.clone().into_scalar::<f32>());
    (programs + gates * GATES + answers + lost, parts)
}

/// How far outputs are from equally likely, of those that are allowed, summed over the steps: the Kullback-Leibler divergence from
/// the uniform distribution.
fn far_from_uniform(logprobs: Tensor<2>, batch: &Batch) -> Tensor<1> {
    let allowed = (batch.layers.allowed.clone() / -NEVER).add_scalar(1.0);
    let count = allowed.clone().sum_dim(1).clamp_min(1.0);
    let cross = (logprobs * allowed).sum_dim(1).neg() / count.clone();
    ((cross - count.log()) * batch.wanted.clone()).sum()
}

/// Scales all gradients down to a norm of `most`; burn's own clipping takes each parameter by itself.
pub(super) fn clip(gradients: &mut GradientsParams, nets: &Nets, most: f64) {
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
