//! How well a set is done while training.

use burn::tensor::Device;

use super::Sequence;
use super::batch::{Batch, Next};
use super::run::{Nets, Shapes};
use super::states::States;
use crate::Result;

/// Sequences in a batch.
const BATCH: usize = 12;

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
    /// Tokens of the answers that the base itself has on top, the right ones before them given.
    pub answers: f64,
}

impl Score {
    /// The layers' mean.
    pub fn mean(&self) -> f64 {
        self.exact.iter().sum::<f64>() / self.exact.len().max(1) as f64
    }
}

/// How well a set is done. Greedy decoding writes a program exactly where each step, given the right steps before it, has the
/// right output on top.
///
/// # Errors
/// Those of [`Batch::of`].
pub fn score(nets: &Nets, shapes: Shapes<'_>, set: &[Sequence], states: Option<&States>) -> Result<Score> {
    let layers = shapes.layers;
    let mut order: Vec<&Sequence> = set.iter().collect();
    order.sort_by_key(|sequence| sequence.tokens(true));
    let device = Device::flex();
    let (mut n, mut any, mut gate, mut told, mut told_right) = (0, 0, 0, 0, 0);
    let mut exact = vec![0; layers.taps.len()];
    for sequences in order.chunks(BATCH) {
        let batch = Batch::of(sequences, states, layers, true, &device)?;
        let (taps, last) = nets.streams(shapes, &batch);
        if let (Some(Next { rows, ids, .. }), Some(base), Some(last)) = (&batch.next, &nets.base, last) {
            let found = values(base.logits(last.select(0, rows.clone())).argmax(1));
            let wanted = values(ids.clone());
            told += wanted.len();
            told_right += found.iter().zip(&wanted).filter(|(found, wanted)| found == wanted).count();
        }
        let wanted = values(batch.targets.clone());
        let mut right = vec![false; batch.b];
        let mut says = vec![0f32; batch.b];
        for (place, (layer, tap)) in nets.layers.iter().zip(taps).enumerate() {
            let output = layer.forward(tap, layers, &batch.layers, None);
            let found = values(output.logprobs.argmax(1));
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
    Ok(Score {
        n,
        exact: exact.into_iter().map(|count| share(count, n)).collect(),
        any: share(any, n),
        gate: share(gate, set.len()),
        answers: share(told_right, told),
    })
}

fn values(tensor: burn::tensor::Tensor<2, burn::tensor::Int>) -> Vec<i32> {
    tensor.into_data().convert::<i32>().try_to_vec().unwrap_or_default()
}
