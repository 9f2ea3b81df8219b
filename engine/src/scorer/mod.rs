//! The scorer: which candidate is most likely right, and why.
//!
//! A layer's own log-probability is a bad judge of it. The score is the logit of a learned verifier, the sum of four parts that
//! are shown: what the three decoders think of the program, what it is like and what it gave (the verifier proper), how
//! far results agree, and what programs answered similar questions. Over 0 means more likely right than wrong.
//! A candidate that has hardly a chance by what is known before it is run is skipped.

pub mod features;
mod file;
mod store;
mod verifier;

use serde::{Deserialize, Serialize};

use crate::wasm_layers::Score;
use crate::wasm_layers::program::Program;

pub use self::features::{Asked, Together};
pub use self::file::{FILE, FORMAT, VERSION};
pub use self::store::{Neighbours, Remembered, Store, key};
pub use self::verifier::{MOST_UNITS, Network, Verifier};

/// A candidate as the scorer sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The program.
    pub program: Program,
    /// Which of the layers wrote it, from 0.
    pub place: usize,
    /// Its rank among that layer's.
    pub rank: usize,
    /// What each layer's decoder thinks of it.
    pub decoders: Vec<Score>,
    /// What the base thinks of it, where it judges.
    pub base: Option<Score>,
}

impl Judged {
    /// Its log-probability under the layer that wrote it.
    pub fn logprob(&self) -> f64 {
        self.decoders.get(self.place).map_or(f64::NEG_INFINITY, |score| score.logprob)
    }
}

/// A question's candidates, all of them run: what a scorer is trained on.
#[derive(Debug, Clone)]
pub struct Survey {
    /// The mean of the layers' gates.
    pub gate: f64,
    /// The candidates.
    pub candidates: Vec<Judged>,
    /// What each gave.
    pub results: Vec<Option<f64>>,
    /// The question's numbers, and what was computed before it.
    pub numbers: Vec<f64>,
    /// [hidden] the question's key, nothing taken off.
    pub key: Vec<f32>,
}

/// Whether the voices' best candidates are different programs. Only then is the base asked: it takes longer than all else, and where
/// all agree it hardly ever says anything new.
pub fn undecided<'a>(mut firsts: impl Iterator<Item = &'a Program>) -> bool {
    let first = firsts.next();
    firsts.any(|other| Some(other) != first)
}

/// The parts of a score, whose sum it is.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Parts {
    /// What the decoders think.
    pub logprob: f32,
    /// What the verifier makes of everything.
    pub verifier: f32,
    /// How far the results agree.
    pub agreement: f32,
    /// What answered similar questions.
    pub retrieval: f32,
    /// What the base thinks; none where it is not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<f32>,
}

impl Parts {
    /// The score.
    pub fn sum(&self) -> f32 {
        self.logprob + self.verifier + self.agreement + self.retrieval + self.base.unwrap_or(0.0)
    }
}

/// A scorer with what it remembers.
#[derive(Debug, Clone)]
pub struct Scorer {
    /// The weights.
    pub verifier: Verifier,
    /// Verified examples.
    pub store: Store,
    /// Which of the taps, from 0, the store's keys are made from.
    pub tap: usize,
    /// [hidden]: what the keys of all questions have in common.
    pub mean: Vec<f32>,
    /// Candidates whose logit before they are run is under this are not.
    pub threshold: f32,
    /// Whether the base judges candidates too, where the voices' best ones differ.
    pub asks_base: bool,
}

impl Scorer {
    /// One that knows nothing and skips nothing, for layers of a base of this width: what training begins with.
    pub fn blank(hidden: usize) -> Self {
        let network = |inputs: usize| Network { w1: vec![0.0; inputs], b1: vec![0.0], w2: vec![0.0], b2: vec![0.0] };
        let verifier = Verifier {
            mean: vec![0.0; features::ALL],
            scale: vec![1.0; features::ALL],
            linear: vec![0.0; features::ALL],
            after: network(features::ALL),
            before: network(features::BEFORE),
        };
        Self {
            verifier,
            store: Store::default(),
            tap: 0,
            mean: vec![0.0; hidden],
            threshold: f32::MIN,
            asks_base: false,
        }
    }

    /// For each candidate the logit before it is run, and what of the features is known.
    pub fn before(
        &self,
        candidates: &[Judged],
        asked: &Asked<'_>,
        neighbours: &Neighbours,
    ) -> Vec<(f32, [f32; features::BEFORE])> {
        let together = Together::of(candidates);
        candidates
            .iter()
            .map(|candidate| {
                let known = features::before(candidate, (candidates, &together), asked, neighbours);
                (self.verifier.prior(&known), known)
            })
            .collect()
    }

    /// The parts of the score of one of the candidates, which gave `value`.
    pub fn after(
        &self,
        (candidates, results): (&[Judged], &[Option<f64>]),
        value: f64,
        asked: &Asked<'_>,
        known: &[f32; features::BEFORE],
    ) -> Parts {
        let mut all = [0.0; features::ALL];
        all[..features::BEFORE].copy_from_slice(known);
        let together = Together::of(candidates);
        all[features::BEFORE..].copy_from_slice(&features::after((candidates, &together), results, value, asked));
        let parts = self.verifier.parts(&all);
        // What was not asked says nothing: its features are 0, and so is what comes of them.
        let asked = known[features::BEFORE - features::BASE..].iter().any(|feature| *feature != 0.0);
        Parts { base: parts.base.filter(|_| self.asks_base && asked), ..parts }
    }
}
