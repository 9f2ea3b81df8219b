//! What each thing that the scorer goes by is worth: choosers that go by less of it, each measured on questions that it did not learn
//! from.

use std::ops::Range;

use serde::Serialize;
use wattage_engine::scorer::features::{AGREEMENT, BASE, BEFORE, LOGPROB, RESULT, RETRIEVAL, SHAPE};
use wattage_engine::scorer::{Judged, Scorer};

use super::Surveyed;
use super::fit::{Question, Settings, learn_calibrated, question};
use super::measure::{Fitted, Sums};

/// Parts that questions are dealt into: each is measured by what learned from the others.
const FOLDS: usize = 6;
/// Bars of the reliability curve.
const BARS: usize = 10;
/// Most candidates of a layer, best first, in choosers that see fewer.
const BEAMS: [usize; 2] = [1, 2];

/// What a chooser came to.
#[derive(Debug, Clone, Serialize)]
pub struct Chooser {
    /// What it goes by.
    pub by: String,
    /// How it does.
    #[serde(flatten)]
    pub fitted: Fitted,
}

/// How often what is said to be right with some probability is right.
#[derive(Debug, Clone, Serialize)]
pub struct Bar {
    /// The least and the greatest probability.
    pub between: [f64; 2],
    /// Chosen candidates.
    pub n: usize,
    /// The mean of the probabilities that the scorer says.
    pub said: f64,
    /// The share of them that is right.
    pub right: f64,
}

/// All that was found.
#[derive(Debug, Clone, Serialize)]
pub struct Study {
    /// The choosers.
    pub choosers: Vec<Chooser>,
    /// The reliability of the one that goes by everything (Guo et al. 2017).
    pub reliability: Vec<Bar>,
    /// The mean distance of its bars from the diagonal.
    pub calibration_error: f64,
}

/// Groups of features, by name.
const GROUPS: [(&str, Range<usize>); 6] = [
    ("log-probabilities of all decoders", 0..LOGPROB),
    ("shape", LOGPROB..LOGPROB + SHAPE),
    ("retrieval", LOGPROB + SHAPE..LOGPROB + SHAPE + RETRIEVAL),
    ("base as judge", BEFORE - BASE..BEFORE),
    ("agreement", BEFORE..BEFORE + AGREEMENT),
    ("result", BEFORE + AGREEMENT..BEFORE + AGREEMENT + RESULT),
];
/// How likely a judge finds a candidate; none where it was not asked.
type Finds = fn(&Judged) -> Option<f64>;
/// Judges that choose without having learned anything.
const ALONE: [(&str, Finds); 3] = [
    ("own log-probability, nothing learned", |candidate| Some(candidate.logprob())),
    ("mean log-probability of all decoders, nothing learned", |candidate| {
        let all = candidate.decoders.iter().map(|score| score.logprob.max(-50.0));
        Some(all.sum::<f64>() / candidate.decoders.len().max(1) as f64)
    }),
    ("log-probability of the base, nothing learned", |candidate| Some(candidate.base?.logprob)),
];

/// Measures choosers on surveys, by a scorer whose store is filled.
pub fn study(scorer: &Scorer, surveyed: &[Surveyed], layers: usize, settings: Settings) -> Study {
    let questions: Vec<Question> = surveyed.iter().map(|one| question(scorer, one, layers)).collect();
    let mut choosers = Vec::new();
    for (by, finds) in ALONE {
        if surveyed.iter().flat_map(|one| &one.survey.candidates).all(|candidate| finds(candidate).is_none()) {
            continue;
        }
        let mut sums = Sums::new(layers);
        for (question, one) in questions.iter().zip(surveyed) {
            let found = |at: &usize| finds(&one.survey.candidates[*at]).unwrap_or(f64::NEG_INFINITY);
            let ran = (0..question.features.len()).filter(|at| question.ran[*at]);
            let best = ran.max_by(|a, b| found(a).total_cmp(&found(b)));
            sums.note(question, one, best.is_some_and(|at| question.right[at]));
        }
        choosers.push(Chooser { by: by.to_owned(), fitted: sums.fitted() });
    }
    let mut learned = |by: String, questions: &[Question], surveyed: &[Surveyed]| {
        let sums = folds(scorer, questions, surveyed, (layers, settings));
        let said = sums.said.clone();
        choosers.push(Chooser { by, fitted: sums.fitted() });
        said
    };
    // One group after the other is added, and then each is left out.
    let known: Vec<_> = GROUPS.into_iter().filter(|(_, at)| at.clone().any(|at| varies(&questions, at))).collect();
    let mut name = String::new();
    for (count, (group, _)) in known.iter().enumerate() {
        name = if name.is_empty() { (*group).to_owned() } else { format!("{name}, {group}") };
        if count + 1 < known.len() {
            learned(name.clone(), &masked(&questions, &known[count + 1..]), surveyed);
        }
    }
    for left_out in known.iter().skip(1) {
        learned(format!("all but {}", left_out.0), &masked(&questions, std::slice::from_ref(left_out)), surveyed);
    }
    for beams in BEAMS {
        let fewer: Vec<Surveyed> = surveyed.iter().map(|one| first(one, beams)).collect();
        let questions: Vec<Question> = fewer.iter().map(|one| question(scorer, one, layers)).collect();
        learned(format!("all, {beams} candidates of each layer at most"), &questions, &fewer);
    }
    let said = learned("all".to_owned(), &questions, surveyed);
    let (reliability, calibration_error) = reliability(&said);
    Study { choosers, reliability, calibration_error }
}

fn folds(
    scorer: &Scorer,
    questions: &[Question],
    surveyed: &[Surveyed],
    (layers, settings): (usize, Settings),
) -> Sums {
    let mut sums = Sums::new(layers);
    let place = |fold: usize| questions.len() * fold / FOLDS;
    for fold in 0..FOLDS {
        // Neighbours may be copies of one question.
        let held = place(fold)..place(fold + 1);
        let mut own = scorer.clone();
        let others = [&questions[..held.start], &questions[held.end..]].concat();
        learn_calibrated(&mut own, &others, settings);
        for at in held {
            sums.add(&own, &questions[at], &surveyed[at]);
        }
    }
    sums
}

/// Whether a feature is not the same for all candidates.
fn varies(questions: &[Question], feature: usize) -> bool {
    let mut values = questions.iter().flat_map(|question| question.features.iter().map(|features| features[feature]));
    let first = values.next();
    values.any(|value| Some(value.to_bits()) != first.map(f32::to_bits))
}

/// Questions of which nothing is told of some groups.
fn masked(questions: &[Question], groups: &[(&str, Range<usize>)]) -> Vec<Question> {
    let mut questions = questions.to_vec();
    for features in questions.iter_mut().flat_map(|question| &mut question.features) {
        for (_, group) in groups {
            features[group.clone()].fill(0.0);
        }
    }
    questions
}

/// A survey with fewer candidates of each layer.
fn first(one: &Surveyed, beams: usize) -> Surveyed {
    let mut one = one.clone();
    let kept: Vec<bool> = one.survey.candidates.iter().map(|candidate| candidate.rank < beams).collect();
    let mut at = kept.iter();
    one.survey.candidates.retain(|_| at.next().copied().unwrap_or_default());
    let mut at = kept.iter();
    one.survey.results.retain(|_| at.next().copied().unwrap_or_default());
    let mut at = kept.iter();
    one.right.retain(|_| at.next().copied().unwrap_or_default());
    one
}

fn reliability(said: &[(f64, bool)]) -> (Vec<Bar>, f64) {
    let mut bars = Vec::new();
    let mut error = 0.0;
    for bar in 0..BARS {
        let between = [bar as f64 / BARS as f64, (bar + 1) as f64 / BARS as f64];
        let last = bar + 1 == BARS;
        let own: Vec<_> = said.iter().filter(|(p, _)| *p >= between[0] && (*p < between[1] || last)).collect();
        if own.is_empty() {
            continue;
        }
        let mean = |sum: f64| sum / own.len() as f64;
        let said = mean(own.iter().map(|(p, _)| p).sum());
        let right = mean(own.iter().filter(|(_, right)| *right).count() as f64);
        error += own.len() as f64 * (said - right).abs();
        bars.push(Bar { between, n: own.len(), said, right });
    }
    (bars, error / said.len().max(1) as f64)
}
