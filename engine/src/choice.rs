//! Which candidate the answer is made with, or why there is none.

use crate::computation::{CandidateRow, Status};
use crate::sandbox::Outcome;
use crate::splice::NoResult;

/// The candidate that the answer is made with, and its result: the one with the best score. None where nothing was computed, or
/// where the likeliest candidate, by what was known before any was run, failed and is more likely right than wrong: 5 / 0 has no
/// result, though 0 / 5 has.
pub(crate) fn choice(rows: &[CandidateRow], priors: &[f32]) -> Option<(usize, f64)> {
    let likeliest = rows.iter().max_by(|a, b| priors[a.id].total_cmp(&priors[b.id]))?;
    if likeliest.status == Status::Failed && priors[likeliest.id] > 0.0 {
        return None;
    }
    let ran = rows.iter().filter_map(|row| Some((row, row.result?)));
    ran.max_by(|(a, _), (b, _)| a.score.total_cmp(&b.score)).map(|(row, value)| (row.id, value))
}

/// Why nothing was computed, with the function that stands for it.
pub(crate) fn no_result(
    rows: &[CandidateRow],
    outcomes: &[Option<Outcome>],
    wat: impl Fn(usize) -> String,
) -> (Option<String>, NoResult) {
    let failed = rows.iter().filter(|row| row.status == Status::Failed);
    // Of those that failed the score is still the one from before.
    let best = failed.max_by(|a, b| a.score.total_cmp(&b.score));
    match best.and_then(|row| Some((row.id, outcomes[row.id].clone()?))) {
        Some((id, outcome)) => (Some(wat(id)), NoResult::Failed(outcome)),
        None if rows.is_empty() => (None, NoResult::Nothing),
        None => (None, NoResult::Skipped),
    }
}

/// The run of one candidate is that of another with the same program.
pub(crate) fn copy_run(rows: &mut [CandidateRow], from: usize, to: usize) {
    let (own, ran) = (rows[to].clone(), rows[from].clone());
    rows[to] = CandidateRow {
        id: own.id,
        voice: own.voice,
        rank: own.rank,
        logprob: own.logprob,
        score: own.score,
        parts: own.parts,
        ..ran
    };
}
