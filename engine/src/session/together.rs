//! Many conversations answered side by side, for measuring: a step of each goes through the layers with the others'.

use std::collections::BTreeMap;

use super::{Prompt, Session, encode};
use crate::answer::{Answer, Next};
use crate::device::Prepared;
use crate::model::{self, CHUNK, Lanes, StateWords};
use crate::runner::Runner;
use crate::{Cancel, ChatOptions, Completion, Error, Message, Result};

impl Session {
    /// Answers conversations greedily and without computing, `lanes` of them at a time; what `complete` would answer, but for
    /// rounding, in less time for all of them and more for each. `on_answer` gets each one's place and answer as it ends.
    ///
    /// # Errors
    /// [`Error::Request`] for no lane, too many of them, or sampling that is not greedy; [`Error::Cancelled`] when asked to stop; others as
    /// [`Self::complete`].
    pub async fn complete_together(
        &mut self,
        conversations: &[Vec<Message>],
        (lanes, options): (usize, &ChatOptions),
        cancel: &Cancel,
        on_answer: &mut dyn FnMut(usize, Completion) -> Result<()>,
    ) -> Result<()> {
        if lanes == 0 || lanes > CHUNK || !options.sampling.is_greedy() || options.layers {
            return Err(Error::Request(format!(
                "{lanes} answers at a time; 1 to {CHUNK} are possible, greedily and without layers"
            )));
        }
        // 1. Prompts to tokens, and room for the longest of them with its answer.
        let prompts: Vec<Vec<u32>> = conversations
            .iter()
            .map(|messages| encode(&self.file, Prompt::Chat(messages), options.think))
            .collect::<Result<_>>()?;
        let longest = prompts.iter().map(Vec::len).max().unwrap_or_default();
        let limit = self.model.context;
        if longest >= limit {
            return Err(Error::ContextFull { needed: longest + 1, limit });
        }
        let places = limit.min(longest + options.max_tokens.max(1) + 1);
        let runner = &mut self.runner;
        let lanes = lanes.min(prompts.len().max(1));
        let lanes = Lanes::new(&mut runner.device, &runner.config, &runner.state, (lanes, places))?;
        let mut together = Together { lanes, prepared: None };

        // 2. Each lane takes the next prompt as soon as it is free.
        let mut waiting = prompts.iter().enumerate();
        let mut under_way: BTreeMap<usize, (usize, Answer<'_>)> = BTreeMap::new();
        let ended = loop {
            if cancel.is_cancelled() {
                break Err(Error::Cancelled);
            }
            let free = (0..together.lanes.caches.len()).find(|lane| !under_way.contains_key(lane));
            if let Some((lane, (at, prompt))) = free.and_then(|lane| Some((lane, waiting.next()?))) {
                if let Err(error) = together.begin(runner, lane, prompt).await {
                    break Err(error);
                }
                under_way.insert(lane, (at, Answer::new(&self.file, options, (prompt.len(), places), false)));
                continue;
            }
            if under_way.is_empty() {
                break Ok(());
            }
            // 3. A step of all of them.
            let active: Vec<usize> = under_way.keys().copied().collect();
            let tokens = match together.step(runner, &active).await {
                Ok(tokens) => tokens,
                Err(error) => break Err(error),
            };
            let mut failed = None;
            for (lane, token) in active.into_iter().zip(tokens) {
                let Some((_, answer)) = under_way.get_mut(&lane) else { continue };
                if answer.take(token, &mut |_| {}) == Next::Token {
                    continue;
                }
                let Some((at, answer)) = under_way.remove(&lane) else { continue };
                failed = failed.or(on_answer(at, completion(answer, prompts[at].len(), cancel)).err());
            }
            if let Some(error) = failed {
                break Err(error);
            }
        };
        together.lanes.free(&mut runner.device);
        ended
    }
}

fn completion(mut answer: Answer<'_>, prompt_tokens: usize, cancel: &Cancel) -> Completion {
    let decode_tps = answer.rate();
    let stop = answer.end(cancel, &mut |_| {});
    Completion {
        prompt_tokens,
        reused_tokens: 0,
        prefill_tps: 0.0,
        decode_tps,
        stop,
        context_used: prompt_tokens + answer.tokens.len(),
        gate: None,
        computation: None,
        text: answer.text,
        tokens: answer.tokens,
    }
}

/// The lanes at work.
struct Together {
    lanes: Lanes,
    /// The step of these lanes.
    prepared: Option<(Vec<usize>, Prepared)>,
}

impl Together {
    /// Reads a prompt into a lane, but for its last token, which is the lane's next step.
    async fn begin(&mut self, runner: &mut Runner, lane: usize, prompt: &[u32]) -> Result<()> {
        let Some((last, prompt)) = prompt.split_last() else {
            return Err(Error::Request("the prompt is empty".to_owned()));
        };
        let mut position = 0;
        for piece in prompt.chunks(runner.chunk()) {
            let words = StateWords { position, rows: piece.len() as u32, ..Default::default() };
            let cache = &self.lanes.caches[lane];
            let pass = model::beside(&runner.config, &runner.weights, &runner.state, cache, piece.len());
            runner.aside(&words, piece, vec![pass], runner.state.greedy).await?;
            position += piece.len() as u32;
        }
        let words = StateWords { position, rows: 1, ..Default::default() }.words(&[*last]);
        runner.device.write(self.lanes.words.buffer, (4 * lane * Lanes::WORDS) as u64, bytemuck::cast_slice(&words))
    }

    /// The next token of each of these lanes.
    async fn step(&mut self, runner: &mut Runner, active: &[usize]) -> Result<Vec<u32>> {
        let prepared = match self.prepared.take().filter(|(lanes, _)| lanes == active) {
            Some((_, prepared)) => prepared,
            None => runner.device.prepare(model::together(
                &runner.config,
                &runner.weights,
                &runner.state,
                &self.lanes,
                active,
            ))?,
        };
        let pending = runner.device.submit(&[&prepared], crate::recording::Run::default(), self.lanes.greedy)?;
        let bytes = runner.device.finish(pending).await?;
        self.prepared = Some((active.to_vec(), prepared));
        active.iter().map(|lane| runner.token_in(&bytes[4 * lane * Lanes::WORDS..])).collect()
    }
}
