//! Scores that mean a probability: a line that the chosen candidates' scores are put through (Platt 1999), fitted to questions that the
//! scores were not.

use wattage_engine::scorer::{Scorer, Verifier};

use super::fit::{Question, Settings, learn};
use super::measure::scored;

/// Parts that questions are dealt into: each is scored by what learned from the others.
const FOLDS: usize = 5;
/// Steps of Newton's method, which needs fewer.
const STEPS: usize = 50;
/// What the candidates that were not chosen weigh together, beside a chosen one. Without them nothing would keep wrong ones low where
/// the chosen ones are always right.
const OTHERS: f64 = 0.25;
/// The order of candidates must stay.
const LEAST_SLOPE: f64 = 0.05;

/// A score's new value is `slope` times the old one, and `offset` more.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Line {
    pub(super) slope: f64,
    pub(super) offset: f64,
}

impl Line {
    /// Puts a verifier's scores through it. Each part is made as much larger or smaller; the verifier's own gets the offset.
    pub(super) fn apply(self, verifier: &mut Verifier) {
        let slope = self.slope as f32;
        let after = &mut verifier.after;
        for weight in verifier.linear.iter_mut().chain(&mut after.w2).chain(&mut after.b2) {
            *weight *= slope;
        }
        after.b2.iter_mut().for_each(|bias| *bias += self.offset as f32);
    }
}

/// The line for a scorer that learns from these questions.
pub(super) fn calibration(scorer: &Scorer, questions: &[Question], settings: Settings) -> Line {
    let place = |fold: usize| questions.len() * fold / FOLDS;
    let mut said = Vec::with_capacity(questions.len());
    for fold in 0..FOLDS {
        // Neighbours may be copies of one question.
        let (held, mut own) = (place(fold)..place(fold + 1), scorer.clone());
        let others = [&questions[..held.start], &questions[held.end..]].concat();
        learn(&mut own, &others, settings);
        for question in &questions[held] {
            let scored = scored(&own, question);
            let rest = OTHERS / scored.len().saturating_sub(1).max(1) as f64;
            said.extend(scored.iter().enumerate().map(|(at, one)| (*one, if at == 0 { 1.0 } else { rest })));
        }
    }
    fitted(&said)
}

/// The line under which what scores say, each with its weight, is the likeliest; with targets a little short of 0 and 1, so that it never
/// is infinitely steep.
fn fitted(said: &[((f32, bool), f64)]) -> Line {
    let weight =
        |wanted: bool| said.iter().filter(|((_, right), _)| *right == wanted).map(|(_, weight)| weight).sum::<f64>();
    let (right, wrong) = (weight(true), weight(false));
    let targets = [1.0 / (wrong + 2.0), (right + 1.0) / (right + 2.0)];
    let (mut slope, mut offset) = (1.0, 0.0);
    for _ in 0..STEPS {
        let (mut gradient, mut hessian) = ([0.0; 2], [1e-6, 0.0, 1e-6]);
        for ((score, right), counted) in said {
            let x = f64::from(*score);
            let p = 1.0 / (1.0 + (-(slope * x + offset)).exp());
            let (error, weight) = ((p - targets[usize::from(*right)]) * counted, p * (1.0 - p) * counted);
            gradient = [gradient[0] + error * x, gradient[1] + error];
            hessian = [hessian[0] + weight * x * x, hessian[1] + weight * x, hessian[2] + weight];
        }
        let determinant = hessian[0] * hessian[2] - hessian[1] * hessian[1];
        if determinant < 1e-9 {
            break;
        }
        // No longer than 1: far from the best the curvature says little.
        let step = |value: f64| (value / determinant).clamp(-1.0, 1.0);
        slope -= step(hessian[2] * gradient[0] - hessian[1] * gradient[1]);
        offset -= step(hessian[0] * gradient[1] - hessian[1] * gradient[0]);
    }
    if slope.is_finite() && offset.is_finite() {
        Line { slope: slope.max(LEAST_SLOPE), offset }
    } else {
        Line { slope: 1.0, offset: 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;
    use wattage_engine::scorer::features::ALL;

    use super::*;

    #[test]
    fn the_line_is_found_that_scores_were_bent_by() {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let said: Vec<((f32, bool), f64)> = (0..20_000)
            .map(|_| {
                let score: f32 = random.random_range(-4.0..6.0);
                let p = 1.0 / (1.0 + (-(0.5 * f64::from(score) - 0.8)).exp());
                ((score, random.random_bool(p)), 1.0)
            })
            .collect();
        let Line { slope, offset } = fitted(&said);
        assert!((slope - 0.5).abs() < 0.03 && (offset + 0.8).abs() < 0.06, "{slope} {offset}");
    }

    #[test]
    fn what_is_always_right_or_nothing_at_all_bends_little() {
        for said in [vec![], vec![(2.0, true); 40], vec![(2.0, false); 40], vec![(-1.0, false), (1.0, true)]] {
            let said: Vec<_> = said.into_iter().map(|one| (one, 1.0)).collect();
            let Line { slope, offset } = fitted(&said);
            assert!(slope >= LEAST_SLOPE && slope.is_finite() && offset.abs() < 60.0, "{said:?}: {slope} {offset}");
        }
        assert_eq!(fitted(&[]), Line { slope: 1.0, offset: 0.0 });
    }

    #[test]
    fn a_verifiers_scores_go_through_the_line() {
        let mut scorer = Scorer::blank(4);
        scorer.verifier.linear.fill(0.25);
        scorer.verifier.after.w1.fill(0.1);
        scorer.verifier.after.w2.fill(3.0);
        scorer.verifier.after.b2.fill(0.5);
        let features = [0.75; ALL];
        let before = scorer.verifier.parts(&features).sum();
        Line { slope: 0.5, offset: -0.7 }.apply(&mut scorer.verifier);
        let after = scorer.verifier.parts(&features).sum();
        assert!((after - (0.5 * before - 0.7)).abs() < 1e-5, "{before} {after}");
    }
}
