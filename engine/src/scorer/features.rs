//! What the scorer looks at: numbers that describe a candidate, in groups.

use std::collections::HashMap;

use super::Judged;
use super::store::Neighbours;
use crate::wasm_layers::near;
use crate::wasm_layers::program::{Instruction, Op, Program};

/// Features of the decoders' log-probabilities.
pub const LOGPROB: usize = 8;
/// Features of the program's shape, beside the question's.
pub const SHAPE: usize = 12;
/// Features of retrieval.
pub const RETRIEVAL: usize = 3;
/// Features of the base's judgement.
pub const BASE: usize = 4;
/// Features that are known before anything is run.
pub const BEFORE: usize = LOGPROB + SHAPE + RETRIEVAL + BASE;
/// Features of agreement among results.
pub const AGREEMENT: usize = 4;
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

/// What the base makes of a question's candidates together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BaseFinds {
    /// The best log-probability.
    best: f64,
    /// The sum of the different programs' probabilities, each divided by the best one's.
    sum: f64,
}

impl BaseFinds {
    /// Of these candidates.
    pub fn of(candidates: &[Judged]) -> Self {
        let mut different: Vec<(&Program, f64)> = Vec::new();
        for candidate in candidates {
            if let Some(score) = candidate.base
                && different.iter().all(|(program, _)| **program != candidate.program)
            {
                different.push((&candidate.program, score.logprob));
            }
        }
        let best = different.iter().map(|(_, logprob)| *logprob).fold(f64::NEG_INFINITY, f64::max);
        let sum = different.iter().map(|(_, logprob)| (logprob - best).exp()).sum();
        Self { best, sum }
    }

    fn features(&self, candidate: &Judged) -> [f64; BASE] {
        let Some(score) = candidate.base.filter(|_| self.best.is_finite()) else { return [0.0; BASE] };
        let behind = (score.logprob - self.best).max(-20.0);
        [score.logprob.max(-50.0), behind, behind.exp() / self.sum.max(1.0), score.min_logprob.max(-20.0)]
    }
}

/// What is known of a candidate before it is run: [`LOGPROB`], [`SHAPE`], [`RETRIEVAL`], [`BASE`].
pub fn before(candidate: &Judged, asked: &Asked<'_>, neighbours: &Neighbours, base: &BaseFinds) -> [f32; BEFORE] {
    let mut out = [0.0; BEFORE];
    let scores = &candidate.decoders;
    let count = scores.len().max(1) as f64;
    let tokens = (candidate.program.instructions().len() + 1) as f64;
    let total = |at: usize| scores.get(at).map_or(-50.0, |score| score.logprob.max(-50.0));
    let own = total(candidate.place);
    let all: Vec<f64> = (0..scores.len()).map(total).collect();
    let mean = all.iter().sum::<f64>() / count;
    let least = scores.iter().map(|score| score.min_logprob.max(-20.0)).fold(0.0, f64::min);
    let logprob = [
        own,
        scores.get(candidate.place).map_or(-20.0, |score| score.min_logprob.max(-20.0)),
        mean,
        all.iter().copied().fold(0.0, f64::min),
        all.iter().copied().fold(f64::NEG_INFINITY, f64::max).max(-50.0),
        least,
        mean / tokens,
        // The probability, which tells the sure from the surer.
        all.iter().map(|total| total.exp()).sum::<f64>() / count,
    ];
    let shape = shape(&candidate.program, asked);
    let operations: Vec<Op> = candidate.program.operations().collect();
    let retrieval = [
        neighbours.weight(|program| *program == candidate.program),
        neighbours.weight(|program| program.operations().eq(operations.iter().copied())),
        neighbours.nearest(),
    ];
    let all = logprob.into_iter().chain(shape).chain(retrieval).chain(base.features(candidate));
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
    candidates: &[Judged],
    results: &[Option<f64>],
    value: f64,
    asked: &Asked<'_>,
) -> [f32; AGREEMENT + RESULT] {
    let agrees = |other: &Option<f64>| other.is_some_and(|other| near(other, value, SAME));
    let layers = asked.layers.max(1);
    // Of each layer: does its best agree, and how much of its beams' probability does.
    let (mut firsts, mut mass, mut least) = (0.0, 0.0, 1.0_f64);
    for place in 0..layers {
        let of = |index: &usize| candidates[*index].place == place;
        let mut own: Vec<usize> = (0..candidates.len()).filter(of).collect();
        own.sort_by_key(|index| candidates[*index].rank);
        let weight = |index: &usize| candidates[*index].logprob().exp();
        let whole: f64 = own.iter().map(weight).sum();
        let share = own.iter().filter(|index| agrees(&results[**index])).map(weight).sum::<f64>() / whole.max(1e-12);
        if own.first().is_some_and(|first| agrees(&results[*first])) {
            firsts += 1.0;
        }
        mass += share;
        least = least.min(share);
    }
    let agreeing = results.iter().filter(|other| agrees(other)).count();
    let flag = |is: bool| f64::from(u8::from(is));
    let whole = |value: f64| value.fract() == 0.0;
    let integers = asked.numbers.iter().all(|number| whole(*number));
    let values = [
        firsts / layers as f64,
        mass / layers as f64,
        least,
        agreeing as f64 / candidates.len().max(1) as f64,
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
