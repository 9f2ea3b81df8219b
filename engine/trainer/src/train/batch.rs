//! Sequences side by side, as tensors.

use burn::tensor::{Device, Int, Tensor, TensorData};
use wattage_engine::wasm_layers::config::{LayersConfig, place};
use wattage_engine::wasm_layers::program::MOST_INSTRUCTIONS;

use super::sequence::{Sequence, allowed, depths};
use super::states::States;
use crate::Result;
use crate::model::{LayerBatch, NEVER};

/// A batch of sequences.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Sequences.
    pub b: usize,
    /// Tokens a sequence, with padding.
    pub time: usize,
    /// [b time]; of no meaning where there are `streams`.
    pub ids: Tensor<1, Int>,
    /// [b time, hidden] a tap, standardised, for a base that is not trained along.
    pub streams: Option<Vec<Tensor<2>>>,
    /// What the layers read and write.
    pub layers: LayerBatch,
    /// [b t] the outputs wanted; pointers count on from the fixed outputs.
    pub targets: Tensor<2, Int>,
    /// [b t] 1 where an output is wanted.
    pub wanted: Tensor<2>,
    /// [b] 1 where a computation is asked.
    pub computes: Tensor<1>,
    /// What the model writes itself; none for a batch of prompts.
    pub next: Option<Next>,
}

/// What the model writes itself.
#[derive(Debug, Clone)]
pub struct Next {
    /// [rows] of [b time] whose next token it is.
    pub rows: Tensor<1, Int>,
    /// [rows, 1] those tokens.
    pub ids: Tensor<2, Int>,
    /// [rows, 1] what each weighs.
    pub weights: Tensor<2>,
}

fn ints<const D: usize>(values: Vec<i64>, shape: [usize; D], device: &Device) -> Tensor<D, Int> {
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn floats<const D: usize>(values: Vec<f32>, shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, shape), device)
}

impl Batch {
    /// A batch of these sequences, with their answers or only their prompts.
    pub fn new(sequences: &[&Sequence], config: &LayersConfig, answers: bool, device: &Device) -> Self {
        let b = sequences.len();
        let time = sequences.iter().map(|s| s.tokens(answers)).max().unwrap_or(1);
        let n = sequences.iter().map(|s| s.rows.len()).max().unwrap_or(1);
        let k = sequences.iter().map(|s| s.lasts.len()).max().unwrap_or(0).max(1);
        let t = sequences.iter().map(|s| s.program.as_ref().map_or(1, |p| p.len() + 1)).max().unwrap_or(1);
        let (fixed, width) = (config.fixed(), config.width);
        let outputs = fixed + k;
        let mut ids = vec![0i64; b * time];
        let (mut next_rows, mut next_ids, mut weights) = (Vec::new(), Vec::new(), Vec::new());
        let (mut rows, mut is_token, mut key_mask) = (vec![0i64; b * n], vec![0f32; b * n], vec![NEVER; b * n]);
        let (mut ordinals, mut is_last) = (vec![0i64; b * n], vec![0f32; b * n]);
        let mut places = vec![0f32; b * n * width];
        let (mut lasts, mut pointers) = (vec![0i64; b * k], vec![0i64; b * k]);
        let (mut inputs, mut is_fixed) = (vec![0i64; b * t], vec![1f32; b * t]);
        let (mut input_pointers, mut stack) = (vec![0i64; b * t], vec![0i64; b * t]);
        let mut mask = vec![0f32; b * t * outputs];
        let (mut targets, mut wanted) = (vec![0i64; b * t], vec![0f32; b * t]);
        let mut computes = vec![0f32; b];
        for (i, sequence) in sequences.iter().enumerate() {
            let answer: &[u32] = if answers { &sequence.answer } else { &[] };
            for (j, id) in sequence.prompt.iter().chain(answer).enumerate() {
                ids[i * time + j] = i64::from(*id);
            }
            for (j, id) in answer.iter().enumerate().filter(|(j, _)| sequence.own[*j] > 0.0) {
                weights.push(sequence.own[j]);
                next_rows.push((i * time + sequence.prompt.len() + j - 1) as i64);
                next_ids.push(i64::from(*id));
            }
            for (j, row) in sequence.rows.iter().enumerate() {
                rows[i * n + j] = (i * time + row) as i64;
                is_token[i * n + j] = 1.0;
                key_mask[i * n + j] = 0.0;
                places[(i * n + j) * width..][..width].copy_from_slice(&place(j, width));
            }
            for (j, (last, pointer)) in sequence.lasts.iter().zip(&sequence.pointers).enumerate() {
                lasts[i * k + j] = (i * n + last) as i64;
                pointers[i * k + j] = *pointer as i64;
                ordinals[i * n + last] = *pointer as i64;
                is_last[i * n + last] = 1.0;
            }
            let program = sequence.program.as_deref().unwrap_or_default();
            computes[i] = f32::from(u8::from(sequence.program.is_some()));
            let depths = depths(config, program);
            for step in 0..t {
                let at = i * t + step;
                let input = step.checked_sub(1).and_then(|before| program.get(before)).copied();
                match input {
                    Some(id) if id >= fixed => {
                        is_fixed[at] = 0.0;
                        input_pointers[at] = (i * k + id - fixed) as i64;
                    }
                    Some(id) => inputs[at] = id as i64,
                    None => inputs[at] = fixed as i64,
                }
                let Some(depth) = depths.get(step).filter(|_| sequence.program.is_some()) else { continue };
                stack[at] = *depth as i64;
                targets[at] = program.get(step).map_or(0, |id| *id as i64);
                wanted[at] = 1.0;
                for id in 0..outputs {
                    let exists = id < fixed + sequence.lasts.len();
                    if !exists || !allowed(config, id, *depth, MOST_INSTRUCTIONS - step) {
                        mask[at * outputs + id] = NEVER;
                    }
                }
            }
        }
        let causal = (0..t).flat_map(|i| (0..t).map(move |j| if j > i { NEVER } else { 0.0 })).collect();
        let steps = (0..b).flat_map(|_| 0..t as i64).collect();
        let count = next_rows.len();
        Self {
            b,
            time,
            ids: ints(ids, [b * time], device),
            streams: None,
            layers: LayerBatch {
                standard: false,
                b,
                n,
                k,
                t,
                rows: ints(rows, [b * n], device),
                is_token: floats(is_token, [b * n, 1], device),
                key_mask: floats(key_mask, [b, 1, 1, n], device),
                places: floats(places, [b * n, width], device),
                ordinals: ints(ordinals, [b * n], device),
                is_last: floats(is_last, [b * n, 1], device),
                lasts: ints(lasts, [b * k], device),
                pointers: ints(pointers, [b * k], device),
                inputs: ints(inputs, [b * t], device),
                is_fixed: floats(is_fixed, [b * t, 1], device),
                input_pointers: ints(input_pointers, [b * t], device),
                steps: ints(steps, [b * t], device),
                depths: ints(stack, [b * t], device),
                causal: floats(causal, [1, 1, t, t], device),
                allowed: floats(mask, [b * t, outputs], device),
            },
            targets: ints(targets, [b * t, 1], device),
            wanted: floats(wanted, [b * t, 1], device),
            computes: floats(computes, [b], device),
            next: (count > 0).then(|| Next {
                rows: ints(next_rows, [count], device),
                ids: ints(next_ids, [count, 1], device),
                weights: floats(weights, [count, 1], device),
            }),
        }
    }
    /// A batch of sequences whose states are stored; of others as [`Self::new`].
    ///
    /// # Errors
    /// Those of [`States::read`].
    pub fn of(
        sequences: &[&Sequence],
        states: Option<&States>,
        config: &LayersConfig,
        answers: bool,
        device: &Device,
    ) -> Result<Self> {
        let mut batch = Self::new(sequences, config, answers && states.is_none(), device);
        let Some(states) = states else { return Ok(batch) };
        let stride = batch.time * config.hidden;
        let mut streams = vec![vec![0f32; batch.b * stride]; config.taps.len()];
        for (at, stored) in sequences.iter().enumerate().filter_map(|(at, s)| Some((at, s.stored?))) {
            for (stream, values) in streams.iter_mut().zip(states.read(stored)?) {
                stream[at * stride..][..values.len()].copy_from_slice(&values);
            }
        }
        let shape = [batch.b * batch.time, config.hidden];
        batch.streams = Some(streams.into_iter().map(|stream| floats(stream, shape, device)).collect());
        batch.layers.standard = true;
        Ok(batch)
    }
}
