//! The one driver: from model files to a loaded session, from messages to an answer.

mod inspect;
mod together;

pub use inspect::ChangeTaps;

use web_time::Instant;

use crate::answer::{Answer, Next};
use crate::asked;
use crate::compute::Computer;
use crate::device::Counts;
use crate::judge::Judge;
use crate::loader::{ModelFile, Source};
use crate::runner::Runner;
use crate::startup::{choose_device, self_check};
use crate::wasm_layers::{Base, WasmLayers};
use crate::weave::Weave;
use crate::{
    Architecture, Cancel, ChatOptions, CheckRow, Completion, DeviceInfo, Error, Event, LoadOptions, Message, ModelInfo,
    Progress, Result, Stage, StopReason, TextVoice, check, scorer, wasm_layers,
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
    computer: Option<Computer>,
    judge: Option<Judge>,
    model: ModelInfo,
    device: DeviceInfo,
}

impl Session {
    /// Loads a model: header, device, self-check, weights. Where `wasm_layers.safetensors` and `scorer.safetensors` are among the
    /// sources, the model computes with them.
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
        let (layers, sources) = Self::layers_among(sources)?;
        let file = ModelFile::open(sources).await?;
        Self::load_file(file, layers, options, cancel, on_progress).await
    }

    /// The WASM layers and their scorer among sources, by their names, and the others.
    ///
    /// # Errors
    /// [`Error::Format`] where one came without the other.
    #[allow(clippy::type_complexity, reason = "two files, and the rest")]
    pub fn layers_among(sources: Vec<Source>) -> Result<(Option<(Source, Source)>, Vec<Source>)> {
        let (layers, sources) = take(sources, wasm_layers::FILE);
        let (scorer, sources) = take(sources, scorer::FILE);
        match (layers, scorer) {
            (Some(layers), Some(scorer)) => Ok((Some((layers, scorer)), sources)),
            (None, None) => Ok((None, sources)),
            (Some(_), None) => Err(lacks(scorer::FILE, wasm_layers::FILE)),
            (None, Some(_)) => Err(lacks(wasm_layers::FILE, scorer::FILE)),
        }
    }

    /// Loads a model whose header was read already, with its WASM layers and their scorer if there are any. As [`Self::load`].
    ///
    /// # Errors
    /// As [`Self::load`].
    pub async fn load_file(
        file: ModelFile,
        layers: Option<(Source, Source)>,
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
            about.self_check = self_check(&mut device, &file, layers.is_some(), options, cancel, on_progress).await?;
        }

        // 3. Weights, streamed; the WASM layers behind the base, whose taps they read.
        let total = file.weight_bytes();
        let mut on_bytes = |done| on_progress(Progress { stage: Stage::Weights, done, total });
        let mut taps = options.taps.clone();
        if let Some((source, _)) = &layers {
            taps.extend(WasmLayers::config_of(source).await?.taps.into_iter().filter(|tap| *tap < file.config.layers));
            taps.sort_unstable();
            taps.dedup();
        }
        let mut runner = Runner::load(device, &file, (context, options.kv, &taps), cancel, &mut on_bytes).await?;
        let computer = match &layers {
            None => None,
            Some((layers, scorer)) => {
                let fingerprint = file.fingerprint().await?;
                let base = Base { fingerprint: &fingerprint, hidden: file.config.hidden, layers: file.config.layers };
                let text = options.text_voice == TextVoice::On;
                Some(Computer::load(&mut runner, (layers, scorer), (base, text)).await?)
            }
        };

        let asks_base = match &computer {
            Some(computer) => computer.asks_base() || computer.has_text(),
            None => options.text_voice != TextVoice::Off,
        };
        let judge = if asks_base { Some(Judge::load(&mut runner, &file.tokenizer).await?) } else { None };

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
            wasm_layers: computer.as_ref().map(|computer| computer.config().taps.clone()).unwrap_or_default(),
            text_voice: computer.as_ref().map_or(judge.is_some(), Computer::has_text),
            provenance: computer.as_ref().map(|computer| computer.provenance().clone()).unwrap_or_default(),
        };
        Ok(Self { file, runner, computer, judge, model, device: about })
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
        if options.threshold.is_some_and(f32::is_nan) {
            return Err(Error::Request("the score under which candidates are skipped is not a number".to_owned()));
        }
        // 1. Prompt to tokens; of a question for the WASM layers, also where it and its numbers lie among them.
        let mut computer = self.computer.as_mut().filter(|_| options.layers);
        if let Some(computer) = &mut computer {
            computer.skip_under(options.threshold);
        }
        let judge = self.judge.as_mut().filter(|_| options.layers);
        let asked = match prompt {
            Prompt::Chat(messages) if computer.is_some() || judge.is_some() => {
                let markers = computer.as_ref().map(|computer| &computer.config().markers[..]).unwrap_or_default();
                asked::question(&self.file, markers, messages, (options.think, judge.is_some()))?
            }
            _ => None,
        };
        let prompt = match &asked {
            Some(asked) => asked.ids.clone(),
            None => encode(&self.file, prompt, options.think)?,
        };
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
        let mut last = match self.runner.prefill(&prompt[reused..], cancel, &mut progress).await {
            Ok(last) => last,
            Err(Error::Cancelled) => return Ok(cancelled(prompt.len(), reused, self.runner.used())),
            Err(error) => return Err(error),
        };
        let prefill_seconds = began.elapsed().as_secs_f64();

        // 3. The WASM layers read the question, or the model itself does. If it asks for a computation, it is done now.
        let mut weave = Weave::new(computer, judge, asked);
        weave.read(&mut self.runner, on_event).await?;
        if weave.asked_base() {
            last = match self.runner.read_last_again(cancel).await {
                Ok(last) => last,
                Err(Error::Cancelled) => return Ok(cancelled(prompt.len(), reused, self.runner.used())),
                Err(error) => return Err(error),
            };
        }

        // 4. Decode, token by token, until the model or somebody else ends it. Where the model asks for the computation, or should
        //    have, the function and its result go into the context, and it goes on behind them.
        let mut answer = Answer::new(&self.file, options, (prompt.len(), limit), weave.computes());
        let mut sampling = options.sampling;
        if weave.is_due() {
            answer.expect();
        }
        let ended = loop {
            let mut next = Next::End;
            let mut take = |token| {
                next = answer.take(token, on_event);
                next == Next::Token
            };
            if let Err(error) = self.runner.generate(last, sampling, cancel, &mut take).await {
                break Err(error);
            }
            if next != Next::Splice || cancel.is_cancelled() {
                break Ok(());
            }
            let text = weave.splice(&mut self.runner, on_event).await?;
            let tokens = answer.splice(&text, on_event)?;
            if tokens.is_empty() {
                break Ok(());
            }
            match self.runner.prefill(&tokens, cancel, &mut |_| {}).await {
                Ok(row) => last = row,
                Err(Error::Cancelled) => break Ok(()),
                Err(error) => break Err(error),
            }
            if options.attention {
                // An answer is worth more than a look behind it; a device that is lost fails at the next token.
                drop(weave.look(&mut self.runner, &self.file.tokenizer, on_event).await);
            }
            answer.resume();
            // Other draws than before the splice.
            sampling.seed = sampling.seed.wrapping_add(1);
        };
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
            gate: weave.gate,
            computation: weave.computation,
        })
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
}

/// The source of this name, and the others.
fn take(sources: Vec<Source>, name: &str) -> (Option<Source>, Vec<Source>) {
    let (mut named, others): (Vec<Source>, Vec<Source>) =
        sources.into_iter().partition(|source| source.name().ends_with(name));
    (named.pop(), others)
}

fn lacks(missing: &str, given: &str) -> Error {
    Error::Format(format!("{given} came without {missing}; a model computes with both, or with neither"))
}

fn encode(file: &ModelFile, prompt: Prompt<'_>, think: bool) -> Result<Vec<u32>> {
    match prompt {
        Prompt::Chat(messages) => file.template.encode_chat(&file.tokenizer, messages, think),
        Prompt::Raw(text) => file.tokenizer.encode(text, true),
        Prompt::Tokens(tokens) => Ok(tokens.to_vec()),
    }
}

fn cancelled(prompt_tokens: usize, reused_tokens: usize, context_used: usize) -> Completion {
    Completion {
        text: String::new(),
        tokens: Vec::new(),
        prompt_tokens,
        reused_tokens,
        prefill_tps: 0.0,
        decode_tps: 0.0,
        stop: StopReason::Cancelled,
        context_used,
        gate: None,
        computation: None,
    }
}
