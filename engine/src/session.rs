//! The one driver: from model files to a loaded session, from messages to an answer.

use web_time::Instant;

use crate::answer::Answer;
use crate::device::{Counts, Device};
use crate::loader::{ModelFile, Source};
use crate::runner::Runner;
use crate::{
    Architecture, Cancel, ChatOptions, CheckRow, Completion, DeviceInfo, DevicePreference, Error, Event, LoadOptions,
    Message, ModelInfo, Progress, Result, Stage, StopReason, check, measure,
};

/// Longest context that is used without being asked for, in tokens.
const DEFAULT_CONTEXT: usize = 4096;

/// What an answer is made from.
#[derive(Debug, Clone, Copy)]
pub enum Prompt<'a> {
    /// A conversation, put into words by the model's chat template.
    Chat(&'a [Message]),
    /// A text that the model continues as it stands; control tokens in it count as such.
    Raw(&'a str),
    /// Tokens.
    Tokens(&'a [u32]),
}

/// A loaded model with the conversation that its cache holds.
pub struct Session {
    file: ModelFile,
    runner: Runner,
    model: ModelInfo,
    device: DeviceInfo,
}

impl Session {
    /// Loads a model: header, device, self-check, weights.
    ///
    /// # Errors
    /// Each stage's [`Error`]; [`Error::Cancelled`] when asked to stop. Everything is freed then.
    pub async fn load(
        sources: Vec<Source>,
        options: &LoadOptions,
        cancel: &Cancel,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<Self> {
        // 1. Header, tokenizer, template: everything about the model but its weights.
        on_progress(Progress { stage: Stage::Header, done: 0, total: 1 });
        let file = ModelFile::open(sources).await?;
        Self::load_file(file, options, cancel, on_progress).await
    }

    /// Loads a model whose header was read already. As [`Self::load`].
    ///
    /// # Errors
    /// As [`Self::load`].
    pub async fn load_file(
        file: ModelFile,
        options: &LoadOptions,
        cancel: &Cancel,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<Self> {
        let context = match options.context {
            0 => file.config.context.min(DEFAULT_CONTEXT),
            asked if asked <= file.config.context => asked,
            asked => {
                let most = file.config.context;
                return Err(Error::Request(format!("a context of {asked} tokens; this model was trained for {most}")));
            }
        };
        on_progress(Progress { stage: Stage::Header, done: 1, total: 1 });
        if cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }

        // 2. The device: the one asked for, or the faster one; a GPU shows first that it computes rightly.
        let (mut device, note) = choose_device(&file, options.device, on_progress).await?;
        let mut about = DeviceInfo::new(device.adapter());
        about.note = note;
        if device.is_gpu() {
            about.self_check = self_check(&mut device, &file, options, cancel, on_progress).await?;
        }

        // 3. Weights, streamed.
        let total = file.weight_bytes();
        let mut on_bytes = |done| on_progress(Progress { stage: Stage::Weights, done, total });
        let runner = Runner::load(device, &file, (context, options.kv, &options.taps), cancel, &mut on_bytes).await?;

        let model = ModelInfo {
            name: file.name.clone(),
            architecture: match file.config.arch {
                Architecture::Qwen2 => "qwen2".to_owned(),
                Architecture::Qwen3 => "qwen3".to_owned(),
            },
            layers: file.config.layers,
            hidden: file.config.hidden,
            parameters: file.parameters(),
            quantisation: file.quantisation.clone(),
            vocab: file.config.vocab,
            context,
            weight_bytes: runner.weights.bytes_per_token,
            gpu_bytes: runner.device.allocated(),
            can_think: file.template.can_think(),
        };
        Ok(Self { file, runner, model, device: about })
    }

    /// Facts about the model.
    pub fn model(&self) -> &ModelInfo {
        &self.model
    }

    /// Facts about the device.
    pub fn device(&self) -> &DeviceInfo {
        &self.device
    }

    /// The files' header: shape, tokenizer, template.
    pub fn file(&self) -> &ModelFile {
        &self.file
    }

    /// What the device has done so far.
    pub fn counts(&self) -> Counts {
        self.runner.device.counts()
    }

    /// Answers a conversation. As [`Self::complete`] with [`Prompt::Chat`].
    ///
    /// # Errors
    /// As [`Self::complete`].
    pub async fn chat(
        &mut self,
        messages: &[Message],
        options: &ChatOptions,
        cancel: &Cancel,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Completion> {
        self.complete(Prompt::Chat(messages), options, cancel, on_event).await
    }

    /// Continues a prompt. A wish to stop ends it with [`StopReason::Cancelled`] and the text so far.
    ///
    /// # Errors
    /// [`Error::ContextFull`] for a prompt that does not fit, [`Error::Request`] for settings out of range,
    /// [`Error::DeviceLost`] and others where the device fails.
    pub async fn complete(
        &mut self,
        prompt: Prompt<'_>,
        options: &ChatOptions,
        cancel: &Cancel,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Completion> {
        options.sampling.check()?;
        // 1. Prompt to tokens.
        let prompt = self.encode(prompt, options.think)?;
        let limit = self.model.context;
        if prompt.len() >= limit {
            return Err(Error::ContextFull { needed: prompt.len() + 1, limit });
        }

        // 2. Prefill: what the cache does not hold yet.
        let began = Instant::now();
        let reused = self.runner.keep_prefix(&prompt);
        let total = prompt.len() - reused;
        on_event(Event::Prefill { done: 0, total, reused });
        let mut progress = |done| on_event(Event::Prefill { done, total, reused });
        let last = match self.runner.prefill(&prompt[reused..], cancel, &mut progress).await {
            Ok(last) => last,
            Err(Error::Cancelled) => return Ok(self.cancelled(&prompt, reused)),
            Err(error) => return Err(error),
        };
        let prefill_seconds = began.elapsed().as_secs_f64();

        // 3. Decode, token by token, until the model or somebody else ends it.
        let mut answer = Answer::new(&self.file, options, prompt.len(), limit);
        let mut take = |token| answer.take(token, on_event);
        let ended = self.runner.generate(last, options.sampling, cancel, &mut take).await;
        let decode_tps = answer.rate();
        let stop = answer.end(cancel, on_event);
        ended?;
        Ok(Completion {
            text: answer.text,
            tokens: answer.tokens,
            prompt_tokens: prompt.len(),
            reused_tokens: reused,
            prefill_tps: total as f64 / prefill_seconds.max(1e-9),
            decode_tps,
            stop,
            context_used: self.runner.used(),
        })
    }

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
        let layers: Vec<usize> = self.runner.state.taps.iter().map(|(layer, _)| *layer).collect();
        let mut taps = Vec::new();
        for layer in layers {
            taps.push((layer, self.runner.tap(layer).await?));
        }
        Ok((logits, taps))
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

    /// Forgets the conversation that the cache holds.
    pub fn reset(&mut self) {
        self.runner.keep_prefix(&[]);
    }

    /// Every kernel variant that the device can run, against its CPU twin.
    ///
    /// # Errors
    /// The device's trouble. A difference is a row, not an error.
    pub async fn check(&mut self, on_row: &mut dyn FnMut(CheckRow)) -> Result<Vec<CheckRow>> {
        let mut rows = Vec::new();
        for report in check::all(&mut self.runner.device, &mut |report| on_row(report.row())).await? {
            rows.push(report.row());
        }
        Ok(rows)
    }

    fn encode(&self, prompt: Prompt<'_>, think: bool) -> Result<Vec<u32>> {
        match prompt {
            Prompt::Chat(messages) => self.file.template.encode_chat(&self.file.tokenizer, messages, think),
            Prompt::Raw(text) => self.file.tokenizer.encode(text, true),
            Prompt::Tokens(tokens) => Ok(tokens.to_vec()),
        }
    }

    fn cancelled(&self, prompt: &[u32], reused: usize) -> Completion {
        Completion {
            text: String::new(),
            tokens: Vec::new(),
            prompt_tokens: prompt.len(),
            reused_tokens: reused,
            prefill_tps: 0.0,
            decode_tps: 0.0,
            stop: StopReason::Cancelled,
            context_used: self.runner.used(),
        }
    }
}

/// The device to load onto, and why where there was a choice.
async fn choose_device(
    file: &ModelFile,
    preference: DevicePreference,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<(Device, Option<String>)> {
    match preference {
        DevicePreference::Cpu => return Ok((Device::cpu(), None)),
        DevicePreference::Gpu => return Ok((Device::gpu().await?, None)),
        DevicePreference::Auto => {}
    }
    let mut gpu = match Device::gpu().await {
        Ok(gpu) => gpu,
        Err(why) => return Ok((Device::cpu(), Some(format!("The CPU executor is used: {why}.")))),
    };
    if !gpu.is_software_gpu() {
        return Ok((gpu, None));
    }
    on_progress(Progress { stage: Stage::Measuring, done: 0, total: 1 });
    let mut cpu = Device::cpu();
    let on_cpu = measure::token_seconds(&mut cpu, file).await?;
    let on_gpu = measure::token_seconds(&mut gpu, file).await?;
    on_progress(Progress { stage: Stage::Measuring, done: 1, total: 1 });
    let (device, name) = if on_gpu < on_cpu { (gpu, "The software GPU") } else { (Device::cpu(), "The CPU executor") };
    let note = format!(
        "{name} is used: measured {:.1} tokens/s on the CPU executor, {:.1} on the software GPU.",
        on_cpu.recip(),
        on_gpu.recip()
    );
    Ok((device, Some(note)))
}

/// Runs the kernels that the model will use against the CPU reference. An optional variant that computes wrongly is left out
/// from then on, and its row says so.
async fn self_check(
    device: &mut Device,
    file: &ModelFile,
    options: &LoadOptions,
    cancel: &Cancel,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<Vec<CheckRow>> {
    let mut rows = Vec::new();
    loop {
        let used = check::used_by(device, file, options.kv)?;
        let total = used.len() as u64;
        let mut refused = false;
        for (done, index) in (0u64..).zip(used) {
            on_progress(Progress { stage: Stage::SelfCheck, done, total });
            if cancel.is_cancelled() {
                return Err(Error::Cancelled);
            }
            let report = check::variant(device, index, check::Size::Small).await?;
            let row = report.row();
            if !row.passed {
                let variant = &crate::kernels::VARIANTS[index];
                if !variant.is_optional() {
                    return Err(Error::SelfCheck(format!(
                        "kernel {} is off by {:.1e}; use the CPU instead, or update the graphics driver",
                        row.variant, row.max_error
                    )));
                }
                device.refuse(variant);
                refused = true;
            }
            rows.retain(|old: &CheckRow| old.variant != row.variant);
            rows.push(row);
        }
        if !refused {
            on_progress(Progress { stage: Stage::SelfCheck, done: total, total });
            return Ok(rows);
        }
    }
}
