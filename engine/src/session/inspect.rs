//! A look at a session's insides: what tests compare and trainings are made from.

use std::ops::Range;

use web_time::Instant;

use super::Session;
use crate::judge::Judge;
use crate::runner::Runner;
use crate::scorer::Survey;
use crate::wasm_layers::Score;
use crate::wasm_layers::program::Program;
use crate::weave::Weave;
use crate::{Cancel, Error, Message, Result, asked};

/// Writes into taps [rows read, hidden], one a tapped layer; the range says in which rows the question stands.
pub type ChangeTaps<'a> = dyn FnMut(Range<usize>, &mut [Vec<f32>]) + 'a;

impl Session {
    /// Logits [n, vocab] after each of the tokens, and the residual stream [n, hidden] of each tapped layer.
    ///
    /// # Errors
    /// As [`Self::complete`].
    pub async fn logits(&mut self, tokens: &[u32]) -> Result<(Vec<f32>, Vec<(usize, Vec<f32>)>)> {
        self.runner.keep_prefix(&[]);
        let mut logits = Vec::new();
        for piece in tokens.chunks(self.runner.chunk()) {
            self.runner.prefill(piece, &Cancel::new(), &mut |_| {}).await?;
            for row in 0..piece.len() {
                logits.extend(self.runner.logits(row).await?);
            }
        }
        Ok((logits, self.runner.taps().await?))
    }

    /// The residual stream [rows, hidden] of each tapped layer at these places of a prompt. What the cache holds of the prompt
    /// already is not read again.
    ///
    /// # Errors
    /// [`Error::ContextFull`] for a prompt that does not fit, [`Error::Request`] for a place that is none; others as
    /// [`Self::complete`].
    pub async fn states(&mut self, prompt: &[u32], rows: &[usize]) -> Result<Vec<Vec<f32>>> {
        let hidden = self.file.config.hidden;
        let reused = self.runner.keep_prefix(prompt);
        self.runner.prefill(&prompt[reused..], &Cancel::new(), &mut |_| {}).await?;
        let mut taps = Vec::new();
        for (_, whole) in self.runner.taps().await? {
            let mut tap = Vec::with_capacity(rows.len() * hidden);
            for row in rows {
                let state = whole.get(row * hidden..(row + 1) * hidden);
                tap.extend_from_slice(state.ok_or_else(|| Error::Request(format!("the prompt has no token {row}")))?);
            }
            taps.push(tap);
        }
        Ok(taps)
    }

    /// All candidates of the WASM layers for a conversation's last message, each of them run: what a scorer is trained on.
    ///
    /// # Errors
    /// [`Error::Request`] where there are no layers or no question, or one that they cannot read; others as
    /// [`Self::complete`].
    pub async fn survey(&mut self, messages: &[Message]) -> Result<Survey> {
        let (mut weave, runner) = self.read(messages).await?;
        weave.survey(runner).await
    }

    /// As [`Self::survey`], where the taps hold something else, which `change` writes. What the cache holds is forgotten then.
    ///
    /// # Errors
    /// As [`Self::survey`].
    pub async fn survey_changed(&mut self, messages: &[Message], change: &mut ChangeTaps<'_>) -> Result<Survey> {
        let (mut weave, runner) = self.read(messages).await?;
        let rows = weave.rows().unwrap_or_default();
        let (layers, mut taps): (Vec<usize>, Vec<Vec<f32>>) = runner.taps().await?.into_iter().unzip();
        change(rows, &mut taps);
        for (layer, tap) in layers.iter().zip(&taps) {
            let kept = runner.state.taps.iter().find(|(tapped, _)| tapped == layer).map(|(_, slice)| *slice);
            if let Some(slice) = kept {
                runner.device.write(slice.buffer, slice.offset, bytemuck::cast_slice(tap))?;
            }
        }
        let survey = weave.survey(runner).await;
        self.reset();
        survey
    }

    /// The key [hidden] of a conversation's last message, nothing taken off: what a scorer's store is searched by.
    ///
    /// # Errors
    /// As [`Self::survey`].
    pub async fn key(&mut self, messages: &[Message]) -> Result<Vec<f32>> {
        let (mut weave, runner) = self.read(messages).await?;
        weave.key(runner).await
    }

    /// Reads a conversation whose last message asks the layers.
    async fn read(&mut self, messages: &[Message]) -> Result<(Weave<'_>, &mut Runner)> {
        let nothing = || Error::Request("there are no WASM layers, or there is no question".to_owned());
        let computer = self.computer.as_mut().ok_or_else(nothing)?;
        let judged = self.judge.is_some();
        let asked =
            asked::question(&self.file, &computer.config().markers, messages, (true, judged))?.ok_or_else(nothing)?;
        let reused = self.runner.keep_prefix(&asked.ids);
        self.runner.prefill(&asked.ids[reused..], &Cancel::new(), &mut |_| {}).await?;
        Ok((Weave::new(Some(computer), self.judge.as_mut(), Some(asked)), &mut self.runner))
    }

    /// How likely the base finds each program, written over `numbers` as an expression, as what answers `question`; none for one
    /// that cannot be written, or where the question is too long to be judged.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a tokenizer that cannot write expressions; others as [`Self::complete`].
    pub async fn judge(&mut self, question: &str, programs: &[Program], numbers: &[f64]) -> Result<Vec<Option<Score>>> {
        let judge = match &mut self.judge {
            Some(judge) => judge,
            none => none.insert(Judge::load(&mut self.runner, &self.file.tokenizer).await?),
        };
        let question = Judge::question(&self.file.tokenizer, question, None)?;
        let scores = judge.scores(&mut self.runner, &question, (programs, numbers)).await?;
        self.runner.read_last_again(&Cancel::new()).await?;
        Ok(scores)
    }

    /// Decodes `count` tokens greedily from where the last prompt ended, whatever they are, and says how many a second: the
    /// first step, which has no decoding in it, is not counted.
    ///
    /// # Errors
    /// As [`Self::complete`].
    pub async fn decode_speed(&mut self, count: usize) -> Result<f64> {
        let mut taken = 0;
        let mut first = None;
        let mut latest = Instant::now();
        let mut take = |_| {
            taken += 1;
            latest = Instant::now();
            first.get_or_insert(latest);
            taken <= count
        };
        self.runner.generate(0, crate::Sampling::greedy(), &Cancel::new(), &mut take).await?;
        let seconds = first.map_or(0.0, |first| latest.duration_since(first).as_secs_f64());
        Ok((taken.max(1) - 1) as f64 / seconds.max(1e-9))
    }
}
