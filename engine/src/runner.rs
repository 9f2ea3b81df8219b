//! A model on a device: reads prompts into the cache and steps through tokens. Ids in, ids out.

use std::collections::VecDeque;

use crate::device::{Device, Pending, Prepared};
use crate::kernels::TopkPartial;
use crate::loader::ModelFile;
use crate::model::{self, RunState, StateWords, Weights};
use crate::recording::{Recording, Run, Slice};
use crate::sample::{self, Sampler, Sampling, Top};
use crate::{Cancel, Config, Error, KvType, Result};

/// A loaded model with its cache.
pub(crate) struct Runner {
    pub(crate) device: Device,
    pub(crate) config: Config,
    pub(crate) weights: Weights,
    pub(crate) state: RunState,
    /// Tokens whose keys and values are in the cache.
    tokens: Vec<u32>,
    /// Prompt tokens that one recording takes here.
    chunk: usize,
    /// Greedy tokens under way at a time: a real GPU starts on the next before the last was read.
    depth: usize,
    decode: Prepared,
    head: Prepared,
    greedy: Prepared,
    sample: Prepared,
    penalised: Prepared,
}

impl Runner {
    /// Loads a model onto a device. `progress` gets file bytes done.
    pub(crate) async fn load(
        mut device: Device,
        file: &ModelFile,
        (context, kv, taps): (usize, KvType, &[usize]),
        cancel: &Cancel,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Self> {
        let config = file.config.clone();
        let state = RunState::new(&mut device, &config, context, kv, taps, Weights::gate_and_up_apart(file))?;
        let weights = Weights::load(&mut device, file, cancel, progress).await?;
        let software = device.adapter().is_none_or(|info| info.software);
        let chunk = match (software, device.is_gpu() || cfg!(target_arch = "wasm32")) {
            (true, true) => model::CHUNK / 4,
            _ => model::CHUNK,
        };
        Ok(Self {
            decode: device.prepare(model::decode(&config, &weights, &state))?,
            head: device.prepare(model::head(&config, &weights, &state, 0))?,
            greedy: device.prepare(model::greedy(&config, &state))?,
            sample: device.prepare(model::sample(&config, &state, false))?,
            penalised: device.prepare(model::sample(&config, &state, true))?,
            depth: if software { 1 } else { 2 },
            tokens: Vec::new(),
            chunk,
            device,
            config,
            weights,
            state,
        })
    }

    /// Prompt tokens that one recording takes here.
    pub(crate) fn chunk(&self) -> usize {
        self.chunk
    }

    /// Positions of the cache in use.
    pub(crate) fn used(&self) -> usize {
        self.tokens.len()
    }

    /// Keeps the part of the cache that `prompt` begins with, up to its last token, and says how long it is.
    pub(crate) fn keep_prefix(&mut self, prompt: &[u32]) -> usize {
        let common = self.tokens.iter().zip(prompt).take_while(|(a, b)| a == b).count();
        // The last token must run again: its logits are wanted.
        self.tokens.truncate(common.min(prompt.len().saturating_sub(1)));
        self.tokens.len()
    }

    /// Reads the rest of a prompt into the cache. The last token's residual stream is then in row `last` of the result.
    pub(crate) async fn prefill(
        &mut self,
        rest: &[u32],
        cancel: &Cancel,
        progress: &mut dyn FnMut(usize),
    ) -> Result<usize> {
        self.fits(rest)?;
        let mut done = 0;
        let mut last = 0;
        for tokens in rest.chunks(self.chunk) {
            if cancel.is_cancelled() {
                return Err(Error::Cancelled);
            }
            let words = StateWords { position: self.used() as u32, rows: tokens.len() as u32, ..Default::default() };
            self.write_state(&words, tokens)?;
            let run = Run { positions: (self.used() + tokens.len()) as u32, seen: 0 };
            // A single token goes the way of decoding.
            let many = match tokens.len() {
                1 => None,
                rows => {
                    let recording = model::prefill(&self.config, &self.weights, &self.state, rows);
                    Some(self.device.prepare(recording)?)
                }
            };
            let pass = many.as_ref().unwrap_or(&self.decode);
            // A few bytes back tell when it is done, so that work cannot pile up and a wish to stop is heard.
            let pending = self.device.submit(&[pass], run, self.state.greedy)?;
            self.device.finish(pending).await?;
            self.tokens.extend_from_slice(tokens);
            done += tokens.len();
            last = tokens.len() - 1;
            progress(done);
            breathe().await;
        }
        Ok(last)
    }

    /// Reads the last token again, after something else has used the device's rows: decoding goes on from them. The last token's
    /// residual stream is then in the row that it says.
    pub(crate) async fn read_last_again(&mut self, cancel: &Cancel) -> Result<usize> {
        match self.tokens.pop() {
            Some(last) => self.prefill(&[last], cancel, &mut |_| {}).await,
            None => Ok(0),
        }
    }

    /// Runs recordings over rows that are not the conversation's, at most a chunk of them, and gives the bytes that they leave in
    /// `read`. Whoever goes on with the conversation calls [`Self::read_last_again`] first.
    ///
    /// # Errors
    /// Those of [`Self::write_state`].
    pub(crate) async fn aside(
        &mut self,
        words: &StateWords,
        tokens: &[u32],
        recordings: Vec<Recording>,
        read: Slice,
    ) -> Result<Vec<u8>> {
        self.write_state(words, tokens)?;
        let prepared: Vec<Prepared> =
            recordings.into_iter().map(|recording| self.device.prepare(recording)).collect::<Result<_>>()?;
        let pending = self.device.submit(&prepared.iter().collect::<Vec<_>>(), Run::default(), read)?;
        let bytes = self.device.finish(pending).await?;
        breathe().await;
        Ok(bytes)
    }

    /// Reads the logits of row `row` of the residual stream.
    pub(crate) async fn logits(&mut self, row: usize) -> Result<Vec<f32>> {
        let head = self.device.prepare(model::head(&self.config, &self.weights, &self.state, row))?;
        let pending = self.device.submit(&[&head], Run::default(), self.state.logits)?;
        let bytes = self.device.finish(pending).await?;
        Ok(floats(&bytes))
    }

    /// Decodes tokens after a prefill whose last row is `last`, giving each to `take`, until that says no or the cache is
    /// full. Each token given to `take` is not in the cache yet.
    pub(crate) async fn generate(
        &mut self,
        last: usize,
        sampling: Sampling,
        cancel: &Cancel,
        take: &mut dyn FnMut(u32) -> bool,
    ) -> Result<()> {
        if sampling.is_greedy() {
            self.generate_greedy(last, cancel, take).await
        } else {
            self.generate_sampled(last, sampling, cancel, take).await
        }
    }

    async fn generate_greedy(&mut self, last: usize, cancel: &Cancel, take: &mut dyn FnMut(u32) -> bool) -> Result<()> {
        // The state words still hold the prompt's last piece; argmax moves them on, and so does every step: a step needs
        // nothing from here, so the next may start before the last was read.
        let head = self.device.prepare(model::head(&self.config, &self.weights, &self.state, last))?;
        let mut position = self.used();
        let mut under_way = VecDeque::new();
        under_way.push_back(self.device.submit(&[&head, &self.greedy], Run::default(), self.state.greedy)?);
        while let Some(pending) = under_way.pop_front() {
            if under_way.len() + 1 < self.depth && position < self.state.context {
                under_way.push_back(self.step(position)?);
                position += 1;
            }
            let token = self.token(pending).await?;
            if !take(token) || cancel.is_cancelled() || self.used() >= self.state.context {
                break;
            }
            if under_way.is_empty() {
                under_way.push_back(self.step(position)?);
                position += 1;
            }
            self.tokens.push(token);
            breathe().await;
        }
        Ok(())
    }

    async fn generate_sampled(
        &mut self,
        last: usize,
        sampling: Sampling,
        cancel: &Cancel,
        take: &mut dyn FnMut(u32) -> bool,
    ) -> Result<()> {
        let mut sampler = Sampler::new(sampling, &self.tokens);
        let head = self.device.prepare(model::head(&self.config, &self.weights, &self.state, last))?;
        let run = self.write_sampling(&sampler, sampling, self.used().saturating_sub(1), 0)?;
        let tail = if sampling.penalises() { &self.penalised } else { &self.sample };
        let mut pending = self.device.submit(&[&head, tail], run, self.state.top)?;
        loop {
            let bytes = self.device.finish(pending).await?;
            let draw = sampler.draw();
            let token = match sampler.choose(&top(&bytes), draw, self.config.vocab)? {
                Some(token) => token,
                // Rare: only without top-k, and when the draw lies beyond the candidates.
                None => {
                    let logits = floats(&self.device.read(self.state.logits).await?);
                    let whole = sample::all(&logits, sampler.inverse_temperature());
                    let token = sampler.choose(&whole, draw, self.config.vocab)?;
                    token.ok_or_else(|| Error::SelfCheck("no token could be drawn".to_owned()))?
                }
            };
            if !take(token) || cancel.is_cancelled() || self.used() >= self.state.context {
                return Ok(());
            }
            sampler.see(token);
            let run = self.write_sampling(&sampler, sampling, self.used(), token)?;
            self.tokens.push(token);
            let tail = if sampling.penalises() { &self.penalised } else { &self.sample };
            pending = self.device.submit(&[&self.decode, &self.head, tail], run, self.state.top)?;
            breathe().await;
        }
    }

    /// Tells the kernels of the next sampled step its position, its token, and what sampling needs.
    fn write_sampling(&mut self, sampler: &Sampler, sampling: Sampling, position: usize, token: u32) -> Result<Run> {
        let seen = sampler.seen();
        if !seen.is_empty() {
            self.device.write(self.state.seen.buffer, 0, bytemuck::cast_slice(&seen))?;
        }
        let words = StateWords {
            position: position as u32,
            rows: 1,
            inverse_temperature: sampler.inverse_temperature(),
            seen: seen.len() as u32,
            repetition: sampling.repetition_penalty,
            frequency: sampling.frequency_penalty,
            presence: sampling.presence_penalty,
            shared: 0,
        };
        self.write_state(&words, &[token])?;
        Ok(Run { positions: position as u32 + 1, seen: seen.len() as u32 })
    }

    /// Tells the kernels where the next rows stand, their tokens, and their branches' first places if they are such.
    ///
    /// # Errors
    /// [`Error::Request`] for a token that the model does not have, or the device's trouble.
    pub(crate) fn write_state(&mut self, words: &StateWords, tokens: &[u32]) -> Result<()> {
        let mut rows = tokens.iter().take(words.rows as usize);
        if let Some(token) = rows.find(|token| **token as usize >= self.config.vocab) {
            return Err(Error::Request(format!("token {token} is outside the vocabulary of {}", self.config.vocab)));
        }
        self.device.write(self.state.state.buffer, 0, bytemuck::cast_slice(&words.words(tokens)))
    }

    /// One greedy step, everything in one submit.
    fn step(&mut self, position: usize) -> Result<Pending> {
        let run = Run { positions: position as u32 + 1, seen: 0 };
        self.device.submit(&[&self.decode, &self.head, &self.greedy], run, self.state.greedy)
    }

    async fn token(&mut self, pending: Pending) -> Result<u32> {
        let bytes = self.device.finish(pending).await?;
        self.token_in(&bytes)
    }

    /// The token that argmax left at the beginning of these bytes.
    ///
    /// # Errors
    /// [`Error::SelfCheck`] where it found none.
    pub(crate) fn token_in(&self, bytes: &[u8]) -> Result<u32> {
        let token = bytemuck::pod_read_unaligned::<u32>(&bytes[..4]);
        if token as usize >= self.config.vocab {
            return Err(Error::SelfCheck("the model's logits are not numbers".to_owned()));
        }
        Ok(token)
    }

    fn fits(&self, rest: &[u32]) -> Result<()> {
        let needed = self.used() + rest.len();
        if needed > self.state.context {
            return Err(Error::ContextFull { needed, limit: self.state.context });
        }
        if rest.is_empty() {
            return Err(Error::Request("the prompt is empty".to_owned()));
        }
        Ok(())
    }

    /// The kept residual stream [used, hidden] of each tapped layer.
    pub(crate) async fn taps(&mut self) -> Result<Vec<(usize, Vec<f32>)>> {
        let size = 4 * (self.used() * self.config.hidden) as u64;
        let mut all = Vec::new();
        for (layer, slice) in &self.state.taps {
            all.push((*layer, floats(&self.device.read(Slice { size, ..*slice }).await?)));
        }
        Ok(all)
    }
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(bytemuck::pod_read_unaligned).collect()
}

/// The result of topk_final.
fn top(bytes: &[u8]) -> Top {
    const TOP: usize = TopkPartial::TOP;
    let words: Vec<u32> = bytes.chunks_exact(4).map(bytemuck::pod_read_unaligned).collect();
    let pairs: Vec<(f32, u32)> = words.chunks_exact(2).map(|pair| (f32::from_bits(pair[0]), pair[1])).collect();
    Top {
        candidates: pairs[..TOP].iter().copied().filter(|(logit, _)| *logit > -3.3e38).collect(),
        maximum: pairs[TOP].0,
        normaliser: f32::from_bits(pairs[TOP].1),
    }
}

/// Lets the worker hear messages: in the browser nothing else runs until a task is awaited. At most every 20 ms.
#[cfg(target_arch = "wasm32")]
pub(crate) async fn breathe() {
    use std::cell::Cell;
    thread_local! {
        static LAST: Cell<Option<web_time::Instant>> = const { Cell::new(None) };
    }
    let now = web_time::Instant::now();
    if LAST.get().is_none_or(|last| now.duration_since(last).as_millis() >= 20) {
        gloo::timers::future::TimeoutFuture::new(0).await;
        LAST.set(Some(web_time::Instant::now()));
    }
}

/// Natively other threads run anyway.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) async fn breathe() {}
