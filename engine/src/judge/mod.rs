//! The base as judge: how likely it finds each candidate, written as an expression behind the question.
//!
//! It reads some fixed examples and the question in a cache of its own, then all expressions at once, as branches that share
//! what is before them. Their tokens are few, so that only those rows of the head are needed. All this is done in the rows that the
//! conversation is decoded in: whoever goes on with that reads its last token again.

mod reading;
#[cfg(test)]
mod tests;
mod write;
mod written;

use self::written::{Pieces, written};
use crate::kernels::Embed;
use crate::loader::DType;
use crate::model::{self, Beside, CHUNK, Matrix, Piece, StateWords};
use crate::recording::{Recording, Slice, Workgroups};
use crate::runner::Runner;
use crate::wasm_layers::Score;
use crate::wasm_layers::program::{Instruction, Op, Program};
use crate::{Result, Tokenizer};

/// What stands before every question.
const EXAMPLES: &str = include_str!("examples.txt");
/// Places of the judge's cache: the examples, a question, and a piece of the expressions.
const PLACES: usize = 1024;

/// The judge of a loaded model.
pub(crate) struct Judge {
    pieces: Pieces,
    /// The examples' tokens.
    examples: Vec<u32>,
    beside: Beside,
    /// What the cache holds.
    tokens: Vec<u32>,
    head: Matrix,  // [pieces' tokens, hidden]
    logits: Slice, // [CHUNK, pieces' tokens]
}

impl Judge {
    /// A judge on a model's device.
    ///
    /// # Errors
    /// [`crate::Error::Unsupported`] for a tokenizer that cannot write expressions, or the device's trouble.
    pub(crate) async fn load(runner: &mut Runner, tokenizer: &Tokenizer) -> Result<Self> {
        let pieces = Pieces::new(tokenizer)?;
        let (hidden, outputs) = (runner.config.hidden, pieces.tokens.len());
        let places = PLACES.min(runner.state.context);
        let beside = Beside::new(&mut runner.device, &runner.config, &runner.state, places)?;
        let rows = runner.device.slice(4 * (outputs * hidden) as u64)?;
        let logits = runner.device.slice(4 * (CHUNK * outputs) as u64)?;
        // The head's rows of these tokens: embedding is taking rows.
        let mut recording = Recording::default();
        let from = runner.weights.head();
        for piece in &from.pieces {
            let embed = Embed {
                state: runner.state.state,
                quants: piece.quants,
                scales: piece.scales,
                x: rows,
                first_row: piece.first_row as u32,
                rows: piece.rows as u32,
                blocks: from.blocks as u32,
            };
            recording.push_weights(embed, from.dtype, Workgroups::Fixed(outputs as u32, 1));
        }
        let words = StateWords { rows: outputs as u32, ..Default::default() };
        runner.aside(&words, &pieces.tokens, vec![recording], runner.state.greedy).await?;
        let piece = Piece { first_row: 0, rows: outputs, quants: rows, scales: runner.state.nothing };
        let mut judge = Self {
            examples: tokenizer.encode(EXAMPLES, false)?,
            head: Matrix { dtype: DType::F32, rows: outputs, blocks: hidden / 32, pieces: vec![piece] },
            pieces,
            beside,
            tokens: Vec::new(),
            logits,
        };
        // A first question, so that the next one finds the examples read and the kernels ready.
        let product = [Instruction::Local(0), Instruction::Local(1), Instruction::Op(Op::Mul)];
        let programs: Vec<Program> = Program::new(product.to_vec(), 2).into_iter().collect();
        let question = Self::question(tokenizer, "What is 12 * 11?", None)?;
        judge.scores(runner, &question, (&programs, &[12.0, 11.0])).await?;
        Ok(judge)
    }

    /// A question's tokens; `previous` is the result that it may go on from.
    ///
    /// # Errors
    /// The tokenizer's.
    pub(crate) fn question(tokenizer: &Tokenizer, text: &str, previous: Option<&str>) -> Result<Vec<u32>> {
        let previous = previous.map(|value| format!("The last result was {value}. ")).unwrap_or_default();
        tokenizer.encode(&format!("Question: {previous}{}\nExpression:", text.trim()), false)
    }

    /// For each program how likely the model finds it, written over `numbers`, as what answers a [`Self::question`]; none for one
    /// that cannot be written, or where the question is too long.
    ///
    /// # Errors
    /// The device's trouble.
    pub(crate) async fn scores(
        &mut self,
        runner: &mut Runner,
        question: &[u32],
        (programs, numbers): (&[Program], &[f64]),
    ) -> Result<Vec<Option<Score>>> {
        let texts: Vec<Option<String>> = programs.iter().map(|program| written(program, numbers)).collect();
        self.scores_of(runner, question, &texts).await
    }

    /// The same for expressions as texts.
    async fn scores_of(
        &mut self,
        runner: &mut Runner,
        question: &[u32],
        texts: &[Option<String>],
    ) -> Result<Vec<Option<Score>>> {
        let mut scores = vec![None; texts.len()];
        // 1. Examples and question; what the cache has of them is kept.
        let Some(last) = self.read(runner, question).await? else { return Ok(scores) };
        let room = self.beside.places.saturating_sub(self.tokens.len() + 1).min(CHUNK);

        // 2. Each expression is a branch; it begins with the prompt's last token, behind which its first one is expected.
        let expressions: Vec<Option<Vec<usize>>> =
            texts.iter().map(|text| text.as_ref().and_then(|text| self.pieces.places(text))).collect();
        let most = room.min(runner.chunk());
        let mut waiting: Vec<(usize, &[usize])> = Vec::new();
        let mut rows = 0;
        for (at, expression) in expressions.iter().enumerate() {
            let Some(expression) = expression.as_deref().filter(|expression| expression.len() <= most) else {
                continue;
            };
            if rows + expression.len() > most {
                self.branches(runner, last, &waiting, &mut scores).await?;
                waiting.clear();
                rows = 0;
            }
            waiting.push((at, expression));
            rows += expression.len();
        }
        self.branches(runner, last, &waiting, &mut scores).await?;
        Ok(scores)
    }

    /// Reads the examples and a question into the cache but for the last token, which it gives; what the cache has of them is kept.
    /// None where the question is too long.
    async fn read(&mut self, runner: &mut Runner, question: &[u32]) -> Result<Option<u32>> {
        let mut prompt = self.examples.clone();
        prompt.extend_from_slice(question);
        let Some(last) = prompt.pop().filter(|_| prompt.len() + 1 + CHUNK / 2 <= self.beside.places) else {
            return Ok(None);
        };
        let kept = self.tokens.iter().zip(&prompt).take_while(|(a, b)| a == b).count();
        self.tokens.truncate(kept);
        for piece in prompt[kept..].chunks(runner.chunk()) {
            let words =
                StateWords { position: self.tokens.len() as u32, rows: piece.len() as u32, ..Default::default() };
            let pass = model::beside(&runner.config, &runner.weights, &runner.state, &self.beside, piece.len());
            runner.aside(&words, piece, vec![pass], runner.state.greedy).await?;
            self.tokens.extend_from_slice(piece);
        }
        Ok(Some(last))
    }

    /// One pass over branches that share all that the cache holds, each behind the token `last`.
    async fn branches(
        &mut self,
        runner: &mut Runner,
        last: u32,
        branches: &[(usize, &[usize])],
        scores: &mut [Option<Score>],
    ) -> Result<()> {
        if branches.is_empty() {
            return Ok(());
        }
        let shared = self.tokens.len();
        let (mut tokens, mut starts) = (Vec::new(), Vec::new());
        for (_, expression) in branches {
            let start = (shared + tokens.len()) as u32;
            starts.extend(vec![start; expression.len()]);
            tokens.push(last);
            // What follows the last token is not asked for.
            tokens.extend(expression[..expression.len() - 1].iter().map(|place| self.pieces.tokens[*place]));
        }
        let rows = tokens.len();
        tokens.append(&mut starts);
        let words =
            StateWords { position: shared as u32, rows: rows as u32, shared: shared as u32, ..Default::default() };
        let pass = model::beside(&runner.config, &runner.weights, &runner.state, &self.beside, rows);
        let head = model::heads(
            &runner.config,
            &runner.weights,
            &runner.state,
            (&self.head, self.logits, self.head.rows),
            rows,
        );
        let outputs = self.pieces.tokens.len();
        let read = Slice { size: 4 * (rows * outputs) as u64, ..self.logits };
        let bytes = runner.aside(&words, &tokens, vec![pass, head], read).await?;
        let logits: Vec<f32> = bytes.chunks_exact(4).map(bytemuck::pod_read_unaligned).collect();
        let mut all = logits.chunks_exact(outputs);
        for (at, expression) in branches {
            let mut score = Score { logprob: 0.0, min_logprob: 0.0 };
            for (place, logits) in expression.iter().zip(&mut all) {
                let logprob = f64::from(logits[*place]) - log_sum_exp(logits);
                score.logprob += logprob;
                score.min_logprob = score.min_logprob.min(logprob);
            }
            scores[*at] = score.logprob.is_finite().then_some(score);
        }
        Ok(())
    }
}

fn log_sum_exp(values: &[f32]) -> f64 {
    let most = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = values.iter().map(|value| f64::from(value - most).exp()).sum();
    f64::from(most) + sum.ln()
}
