//! What the scorer looks at: numbers that describe a candidate, in groups.

use std::collections::HashMap;

use super::Judged;
use super::store::Neighbours;
use crate::wasm_layers::program::{Instruction, Op, Program};
use crate::wasm_layers::{Score, near};

/// Features of the decoders' log-probabilities.
pub const LOGPROB: usize = 20;
/// Features of the program's shape, beside the question's.
pub const SHAPE: usize = 12;
/// Features of retrieval.
pub const RETRIEVAL: usize = 3;
/// Features of the base's judgement.
pub const BASE: usize = 4;
/// Features that are known before anything is run.
pub const BEFORE: usize = LOGPROB + SHAPE + RETRIEVAL + BASE;
/// Features of agreement among results.
pub const AGREEMENT: usize = 12;
/// Features of the result itself.
pub const RESULT: usize = 7;
/// All features.
pub const ALL: usize = BEFORE + AGREEMENT + RESULT;

/// Results that lie nearer to each other are the same.
const SAME: f64 = 1e-9;

/// What describes the question, for every candidate alike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Asked<'a> {
    /// Its numbers, and what was computed before it.
    pub numbers: &'a [f64],
    /// The mean of the layers' gates.
    pub gate: f64,
    /// Layers there are.
    pub layers: usize,
}

/// What one judge, a decoder or the base, makes of a question's different programs together: their softmax.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Field {
    /// The best log-probability.
    best: f64,
    /// The sum of the programs' probabilities, each divided by the best one's.
    sum: f64,
}

impl Field {
    fn of(logprobs: impl Iterator<Item = f64> + Clone) -> Self {
        let best = logprobs.clone().fold(f64::NEG_INFINITY, f64::max);
        let sum = if best.is_finite() { logprobs.map(|logprob| (logprob - best).exp()).sum() } else { 0.0 };
        Self { best, sum }
    }

    /// How far a log-probability is behind the best.
    fn behind(self, logprob: f64) -> f64 {
        if self.best.is_finite() { (logprob - self.best).max(-20.0) } else { 0.0 }
    }

    /// The share of the whole that a log-probability stands for.
    fn share(self, logprob: f64) -> f64 {
        if self.best.is_finite() { (logprob - self.best).exp() / self.sum.max(1.0) } else { 0.0 }
    }
}

/// What a question's candidates are together: what each is measured against.
#[derive(Debug, Clone, PartialEq)]
pub struct Together {
    /// Which of the candidates is the first of its program.
    different: Vec<usize>,
    /// Each decoder's view, from the shallowest on.
    decoders: Vec<Field>,
    /// The base's.
    base: Field,
    /// Each layer's best candidate.
    firsts: Vec<Option<usize>>,
}

impl Together {
    /// Of these candidates.
    pub fn of(candidates: &[Judged]) -> Self {
        let mut different: Vec<usize> = Vec::new();
        for (at, candidate) in candidates.iter().enumerate() {
            if different.iter().all(|other| candidates[*other].program != candidate.program) {
                different.push(at);
            }
        }
        let layers = candidates.iter().map(|candidate| candidate.decoders.len()).max().unwrap_or_default();
        let own = different.iter().map(|at| &candidates[*at]);
        let decoders =
            (0..layers).map(|layer| Field::of(own.clone().map(move |candidate| thinks(candidate, layer)))).collect();
        let base = Field::of(own.filter_map(|candidate| candidate.base.map(|score| score.logprob)));
        let first = |place| candidates.iter().position(|candidate| candidate.place == place && candidate.rank == 0);
        Self { different, decoders, base, firsts: (0..layers).map(first).collect() }
    }

    fn base(&self, candidate: &Judged) -> [f64; BASE] {
        let Some(score) = candidate.base.filter(|_| self.base.best.is_finite()) else { return [0.0; BASE] };
        let (behind, share) = (self.base.behind(score.logprob), self.base.share(score.logprob));
        [score.logprob.max(-50.0), behind, share, score.min_logprob.max(-20.0)]
    }
}

/// The log-probability of a candidate under one of the decoders.
fn thinks(candidate: &Judged, layer: usize) -> f64 {
    candidate.decoders.get(layer).map_or(-50.0, |score| score.logprob.max(-50.0))
}

/// The shallowest layer's value, the mean, and the deepest layer's: layers are not equally good, and how many there are may vary.
fn by_depth(values: &[f64]) -> [f64; 3] {
    let ends = |value: Option<&f64>| value.copied().unwrap_or_default();
    [ends(values.first()), values.iter().sum::<f64>() / values.len().max(1) as f64, ends(values.last())]
}

/// What is known of a candidate before it is run: [`LOGPROB`], [`SHAPE`], [`RETRIEVAL`], [`BASE`]. `together` is what it and the
/// question's other `candidates` are.
pub fn before(
    candidate: &Judged,
    (candidates, together): (&[Judged], &Together),
    asked: &Asked<'_>,
    neighbours: &Neighbours,
) -> [f32; BEFORE] {
    let mut out = [0.0; BEFORE];
    let scores = &candidate.decoders;
    let count = scores.len().max(1) as f64;
    let tokens = (candidate.program.instructions().len() + 1) as f64;
    let own = thinks(candidate, candidate.place);
    let all: Vec<f64> = (0..scores.len()).map(|layer| thinks(candidate, layer)).collect();
    let [shallowest, mean, deepest] = by_depth(&all);
    let least = |score: &Score| score.min_logprob.max(-20.0);
    let fields = || together.decoders.iter().enumerate();
    let behind: Vec<f64> = fields().map(|(layer, field)| field.behind(thinks(candidate, layer))).collect();
    let shares: Vec<f64> = fields().map(|(layer, field)| field.share(thinks(candidate, layer))).collect();
    let first = |first: &Option<usize>| first.is_some_and(|first| candidates[first].program == candidate.program);
    let firsts: Vec<f64> = together.firsts.iter().map(|at| flag(first(at))).collect();
    let logprob = [
        own,
        scores.get(candidate.place).map_or(-20.0, least),
        mean,
        all.iter().copied().fold(0.0, f64::min),
        all.iter().copied().fold(f64::NEG_INFINITY, f64::max).max(-50.0),
        scores.iter().map(least).fold(0.0, f64::min),
        mean / tokens,
        // The probability, which tells the sure from the surer.
        all.iter().map(|total| total.exp()).sum::<f64>() / count,
        shallowest,
        deepest,
        scores.last().map_or(-20.0, least),
    ];
    let logprob = logprob.into_iter().chain(by_depth(&behind)).chain(by_depth(&shares)).chain(by_depth(&firsts));
    let shape = shape(&candidate.program, asked);
    let operations: Vec<Op> = candidate.program.operations().collect();
    let retrieval = [
        neighbours.weight(|program| *program == candidate.program),
        neighbours.weight(|program| program.operations().eq(operations.iter().copied())),
        neighbours.nearest(),
    ];
    let all = logprob.chain(shape).chain(retrieval).chain(together.base(candidate));
    for (out, value) in out.iter_mut().zip(all) {
        *out = value as f32;
    }
    out
}

fn shape(program: &Program, asked: &Asked<'_>) -> [f64; SHAPE] {
    let numbers = asked.numbers.len();
    let mut uses: HashMap<u8, usize> = HashMap::new();
    let (mut constants, mut operations) = (0.0, 0.0);
    let mut kinds = [0.0; 4];
    for instruction in program.instructions() {
        match instruction {
            Instruction::Local(k) => *uses.entry(*k).or_default() += 1,
            Instruction::Const(_) => constants += 1.0,
            Instruction::Op(op) => {
                operations += 1.0;
                match op {
                    Op::Sub => kinds[0] += 1.0,
                    Op::Div => kinds[1] += 1.0,
                    Op::Mul => kinds[2] += 1.0,
                    Op::Add => kinds[3] += 1.0,
                    _ => {}
                }
            }
        }
    }
    let unused = numbers.saturating_sub(uses.len()) as f64;
    let [subtractions, divisions, products, sums] = kinds;
    [
        program.instructions().len() as f64,
        operations,
        constants,
        uses.len() as f64 / numbers.max(1) as f64,
        unused,
        uses.values().filter(|count| **count > 1).count() as f64,
        numbers as f64,
        asked.gate,
        subtractions,
        divisions,
        products,
        sums,
    ]
}

/// What is known after the candidates were run: [`AGREEMENT`] and [`RESULT`] of one whose result is `value`. `results` are those of
/// all candidates.
pub fn after(
    (candidates, together): (&[Judged], &Together),
    results: &[Option<f64>],
    value: f64,
    asked: &Asked<'_>,
) -> [f32; AGREEMENT + RESULT] {
    let agrees = |at: usize| results.get(at).copied().flatten().is_some_and(|other| near(other, value, SAME));
    let layers = asked.layers.max(1);
    // Of each layer: does its best agree, and how much of its beams' probability does.
    let (mut mass, mut least) = (0.0, 1.0_f64);
    for place in 0..layers {
        let own = || (0..candidates.len()).filter(|at| candidates[*at].place == place);
        let weight = |at: usize| candidates[at].logprob().exp();
        let whole: f64 = own().map(weight).sum();
        let share = own().filter(|at| agrees(*at)).map(weight).sum::<f64>() / whole.max(1e-12);
        mass += share;
        least = least.min(share);
    }
    let firsts: Vec<f64> = together.firsts.iter().map(|first| flag(first.is_some_and(agrees))).collect();
    let [shallowest, first, deepest] = by_depth(&firsts);
    let agreeing = (0..results.len()).filter(|at| agrees(*at)).count();
    // Of all different programs' probability, how much does each decoder, and the base, give to this result.
    let given = |field: &Field, of: &dyn Fn(&Judged) -> Option<f64>| -> f64 {
        let own = together.different.iter().filter(|at| agrees(**at)).filter_map(|at| of(&candidates[*at]));
        own.map(|logprob| field.share(logprob)).sum()
    };
    let decoders = together.decoders.iter().enumerate();
    let shares: Vec<f64> =
        decoders.map(|(layer, field)| given(field, &|candidate| Some(thinks(candidate, layer)))).collect();
    let [share_shallowest, share, share_deepest] = by_depth(&shares);
    let base = given(&together.base, &|candidate| candidate.base.map(|score| score.logprob));
    let log = |share: f64| (share + 1e-6).ln();
    let whole = |value: f64| value.fract() == 0.0;
    let integers = asked.numbers.iter().all(|number| whole(*number));
    let values = [
        first,
        mass / layers as f64,
        least,
        agreeing as f64 / candidates.len().max(1) as f64,
        shallowest,
        deepest,
        share_shallowest,
        share,
        share_deepest,
        log(share),
        base,
        if together.base.best.is_finite() { log(base) } else { 0.0 },
        flag(whole(value)),
        flag(integers && !whole(value)),
        flag(value > 0.0),
        flag(value == 0.0),
        value.abs().max(1e-6).log10(),
        flag(asked.numbers.iter().any(|number| near(*number, value, SAME))),
        // Rounded to cents, as prices are.
        flag(whole((value * 100.0 * 1e6).round() / 1e6)),
    ];
    let mut out = [0.0; AGREEMENT + RESULT];
    for (out, value) in out.iter_mut().zip(values) {
        *out = value as f32;
    }
    out
}

fn flag(is: bool) -> f64 {
    f64::from(u8::from(is))
}
