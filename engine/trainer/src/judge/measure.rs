//! How often a scorer chooses rightly.

use std::collections::BTreeMap;

use wattage_engine::scorer::Scorer;

use super::Surveyed;
use super::fit::{Question, prior};

/// What a fit came to, on questions that it did not see.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Fitted {
    /// Questions.
    pub n: usize,
    /// Questions with a right candidate among all.
    pub beams: f64,
    /// Questions where the best candidate of one of the layers is right.
    pub oracle: f64,
    /// Questions whose chosen candidate is right.
    pub chosen: f64,
    /// Questions where each layer's best candidate is right.
    pub per_layer: Vec<f64>,
    /// Candidates that would be skipped.
    pub skipped: f64,
    /// Right candidates that would be.
    pub lost: f64,
    /// Of the candidates with a score over 0 the share that is right.
    pub over_zero: f64,
    /// The same by where the questions are from.
    pub by_set: BTreeMap<String, Shares>,
}

/// What a fit came to on the questions of one set.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Shares {
    /// Questions.
    pub n: usize,
    /// See [`Fitted`].
    pub beams: f64,
    /// See [`Fitted`].
    pub oracle: f64,
    /// See [`Fitted`].
    pub chosen: f64,
}

/// The scores of the candidates that ran, the chosen one's first, and whether they are right.
pub(super) fn scored(scorer: &Scorer, question: &Question) -> Vec<(f32, bool)> {
    let all = question.features.iter().zip(&question.ran).zip(&question.right);
    let mut scored: Vec<(f32, bool)> = all
        .filter(|((features, ran), _)| **ran && prior(scorer, features) >= scorer.threshold)
        .map(|((features, _), right)| (scorer.verifier.parts(features).sum(), *right))
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored
}

/// Counts over questions.
pub(super) struct Sums {
    n: usize,
    beams: usize,
    oracle: usize,
    chosen: usize,
    per_layer: Vec<usize>,
    candidates: usize,
    right: usize,
    skipped: usize,
    lost: usize,
    over: usize,
    over_right: usize,
    sets: BTreeMap<String, [usize; 4]>,
    /// The probability that the chosen one is right, as the scorer says it, and whether it is.
    pub(super) said: Vec<(f64, bool)>,
}

impl Sums {
    pub(super) fn new(layers: usize) -> Self {
        Self {
            n: 0,
            beams: 0,
            oracle: 0,
            chosen: 0,
            per_layer: vec![0; layers],
            candidates: 0,
            right: 0,
            skipped: 0,
            lost: 0,
            over: 0,
            over_right: 0,
            sets: BTreeMap::new(),
            said: Vec::new(),
        }
    }

    /// Counts a question, for which `scorer` chooses.
    pub(super) fn add(&mut self, scorer: &Scorer, question: &Question, one: &Surveyed) {
        for (features, right) in question.features.iter().zip(&question.right) {
            self.candidates += 1;
            self.right += usize::from(*right);
            if prior(scorer, features) < scorer.threshold {
                self.skipped += 1;
                self.lost += usize::from(*right);
            }
        }
        let scored = scored(scorer, question);
        self.over += scored.iter().filter(|(score, _)| *score > 0.0).count();
        self.over_right += scored.iter().filter(|(score, right)| *score > 0.0 && *right).count();
        let best = scored.first().copied();
        if let Some((score, right)) = best {
            self.said.push((1.0 / (1.0 + f64::from(-score).exp()), right));
        }
        self.note(question, one, best.is_some_and(|(_, right)| right));
    }

    /// Counts a question for which was chosen, rightly or not.
    pub(super) fn note(&mut self, question: &Question, one: &Surveyed, is: bool) {
        let has = question.right.contains(&true);
        let mut any = false;
        for (place, count) in self.per_layer.iter_mut().enumerate() {
            let first = one.survey.candidates.iter().position(|c| c.place == place && c.rank == 0);
            let is = first.is_some_and(|at| question.right[at]);
            *count += usize::from(is);
            any |= is;
        }
        self.n += 1;
        self.beams += usize::from(has);
        self.oracle += usize::from(any);
        self.chosen += usize::from(is);
        let set = self.sets.entry(one.set.clone()).or_default();
        for (count, more) in set.iter_mut().zip([true, has, any, is]) {
            *count += usize::from(more);
        }
    }

    pub(super) fn fitted(self) -> Fitted {
        let share = |count: usize, of: usize| count as f64 / of.max(1) as f64;
        let n = self.n;
        Fitted {
            n,
            beams: share(self.beams, n),
            oracle: share(self.oracle, n),
            chosen: share(self.chosen, n),
            per_layer: self.per_layer.into_iter().map(|count| share(count, n)).collect(),
            skipped: share(self.skipped, self.candidates),
            lost: share(self.lost, self.right),
            over_zero: share(self.over_right, self.over),
            by_set: self
                .sets
                .into_iter()
                .map(|(name, [n, beams, oracle, chosen])| {
                    (name, Shares { n, beams: share(beams, n), oracle: share(oracle, n), chosen: share(chosen, n) })
                })
                .collect(),
        }
    }
}
