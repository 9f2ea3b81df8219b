//! The base as a voice of its own: it writes an expression behind the question, token by token, as far as the notation allows.

use super::reading::{Numbers, Reading, reading};
use super::written::{END, NONE};
use super::{Judge, log_sum_exp};
use crate::Result;
use crate::model::{self, StateWords};
use crate::recording::Slice;
use crate::runner::Runner;
use crate::wasm_layers::Score;
use crate::wasm_layers::program::Program;

/// Most tokens of an expression.
const MOST_TOKENS: usize = 96;

/// Logits are no further from 0.
const SURE: f64 = 20.0;

/// What the base writes behind a question.
#[derive(Debug, Clone)]
pub(crate) struct Wrote {
    /// The logit that the question asks for a computation.
    pub(crate) gate: f64,
    /// The expression as a program, and how likely the base finds it; none where it came to no end.
    pub(crate) program: Option<(Program, Score)>,
    /// The expression as it was written, which may have brackets that it does not need.
    #[cfg(test)]
    pub(crate) text: String,
}

impl Judge {
    /// The expression over `numbers` that the base writes behind a [`Self::question`], greedily, each token the likeliest of those
    /// with which it can become one; none where the question is too long. It writes none where it finds that nothing is to be
    /// computed, unless it is to do it `even_so`.
    ///
    /// # Errors
    /// The device's trouble.
    pub(crate) async fn write(
        &mut self,
        runner: &mut Runner,
        question: &[u32],
        (numbers, even_so): (&[f64], bool),
    ) -> Result<Option<Wrote>> {
        let Some(mut last) = self.read(runner, question).await? else { return Ok(None) };
        let numbers = Numbers::new(numbers);
        let mut wrote = None;
        let mut score = Score { logprob: 0.0, min_logprob: 0.0 };
        // What is written, and tokens of the piece that comes next.
        let (mut text, mut begun) = (String::new(), Vec::new());
        for _ in 0..MOST_TOKENS {
            let logits = self.next(runner, last).await?;
            let whole = log_sum_exp(&logits);
            let logprob = |place: usize| f64::from(logits[place]) - whole;
            let gate = wrote.get_or_insert_with(|| {
                // A vocabulary that has no token for it cannot say it.
                let none = self.place(NONE).map_or(-SURE, logprob).min(-1e-9);
                Wrote {
                    gate: ((-none.exp_m1()).ln() - none).clamp(-SURE, SURE),
                    program: None,
                    #[cfg(test)]
                    text: String::new(),
                }
            });
            if gate.gate <= 0.0 && !even_so {
                break;
            }
            let follows = |piece: &str| match piece.strip_suffix(END) {
                Some(last) => matches!(viable(&format!("{text}{last}"), &numbers), Reading::Whole(_)),
                None => viable(&format!("{text}{piece}"), &numbers) != Reading::Wrong,
            };
            let open =
                self.pieces.pieces.iter().filter(|(piece, places)| {
                    places.len() > begun.len() && places.starts_with(&begun) && follows(piece)
                });
            let best = open.max_by(|(_, a), (_, b)| logits[a[begun.len()]].total_cmp(&logits[b[begun.len()]]));
            let Some((piece, places)) = best else { break };
            let place = places[begun.len()];
            score.logprob += logprob(place);
            score.min_logprob = score.min_logprob.min(logprob(place));
            last = self.pieces.tokens[place];
            begun.push(place);
            if begun.len() < places.len() {
                continue;
            }
            begun.clear();
            if let Some(last) = piece.strip_suffix(END) {
                text.push_str(last);
                if let Reading::Whole(program) = viable(&text, &numbers) {
                    gate.program = Some((program, score));
                    #[cfg(test)]
                    gate.text.clone_from(&text);
                }
                break;
            }
            text.push_str(piece);
        }
        Ok(wrote)
    }

    /// The logits of the pieces' tokens behind a token, which is read into the cache.
    async fn next(&mut self, runner: &mut Runner, token: u32) -> Result<Vec<f32>> {
        let words = StateWords { position: self.tokens.len() as u32, rows: 1, ..Default::default() };
        let pass = model::beside(&runner.config, &runner.weights, &runner.state, &self.beside, 1);
        let head =
            model::heads(&runner.config, &runner.weights, &runner.state, (&self.head, self.logits, self.head.rows), 1);
        let read = Slice { size: 4 * self.pieces.tokens.len() as u64, ..self.logits };
        let bytes = runner.aside(&words, &[token], vec![pass, head], read).await?;
        self.tokens.push(token);
        Ok(bytes.chunks_exact(4).map(bytemuck::pod_read_unaligned).collect())
    }

    /// The place of a piece that is one token.
    fn place(&self, piece: &str) -> Option<usize> {
        let (_, places) = self.pieces.pieces.iter().find(|(text, _)| text == piece)?;
        places.first().copied().filter(|_| places.len() == 1)
    }
}

/// What a text with its first space is.
fn viable(text: &str, numbers: &Numbers) -> Reading {
    match text.strip_prefix(' ') {
        Some(expression) => reading(expression, numbers),
        None if text.is_empty() => Reading::Begun,
        None => Reading::Wrong,
    }
}
