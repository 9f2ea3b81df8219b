//! What a session tells while it works, and what it is asked with.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use crate::computation::{Attention, BoundNumber, CandidateRow, Computation, Gate, Similar};
use crate::{AdapterInfo, KvType, Sampling};

/// A wish to stop, shared between who asks and who works.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Not cancelled yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks to stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Where a model is to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum DevicePreference {
    /// The GPU; where the adapter computes on the CPU, or there is none, whichever executor is measured to be faster.
    #[default]
    Auto,
    /// The GPU or nothing.
    Gpu,
    /// The CPU executor.
    Cpu,
}

/// How a model is loaded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LoadOptions {
    /// Where it is to run.
    pub device: DevicePreference,
    /// Positions of the context; 0 is the model's own, 4,096 at most.
    pub context: usize,
    /// How keys and values are kept.
    pub kv: KvType,
    /// Decoder layers (from 0) whose residual stream is kept.
    pub taps: Vec<usize>,
    /// When the model's own stream of text writes functions too.
    pub text_voice: TextVoice,
}

/// When the model's own stream of text is one of the voices that write functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum TextVoice {
    /// Never.
    #[default]
    Off,
    /// Where the model has no WASM layers.
    Alone,
    /// Always, beside the WASM layers if there are some.
    On,
}

/// What a load is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// Reading the header and building the tokenizer.
    Header,
    /// Moving weights to the device: counts are file bytes.
    Weights,
    /// Comparing the kernels with the CPU reference: counts are kernels.
    SelfCheck,
    /// Timing the two executors.
    Measuring,
}

/// How far a load is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// What is being done.
    pub stage: Stage,
    /// How much of it is done.
    pub done: u64,
    /// How much there is.
    pub total: u64,
}

/// Facts about a loaded model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// Its name, as its file gives it.
    pub name: String,
    /// `qwen2` or `qwen3`.
    pub architecture: String,
    /// Decoder layers.
    pub layers: usize,
    /// Width of the residual stream.
    pub hidden: usize,
    /// Number of weights.
    pub parameters: u64,
    /// How they are stored.
    pub quantisation: String,
    /// Rows of the embedding.
    pub vocab: usize,
    /// Positions of the context in use.
    pub context: usize,
    /// Bytes of weights that one decoded token reads.
    pub weight_bytes: u64,
    /// Bytes on the device, all told.
    pub gpu_bytes: u64,
    /// Whether its chat template can turn thinking on and off.
    pub can_think: bool,
    /// The decoder layers that its WASM layers read; empty where it has none.
    pub wasm_layers: Vec<usize>,
    /// Whether its own stream of text writes functions.
    pub text_voice: bool,
    /// How the WASM layers were made; null where there are none.
    pub provenance: serde_json::Value,
}

/// Facts about the device that runs the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeviceInfo {
    /// `gpu` or `cpu`.
    pub kind: String,
    /// The adapter's name, or the CPU executor's.
    pub adapter: String,
    /// The interface to it.
    pub backend: String,
    /// Whether it computes on the CPU.
    pub software: bool,
    /// Optional features in use.
    pub features: Vec<String>,
    /// Limits: name and value.
    pub limits: Vec<(String, u64)>,
    /// What the load-time self-check found.
    pub self_check: Vec<CheckRow>,
    /// Why this device was chosen, where there was a choice.
    pub note: Option<String>,
}

impl DeviceInfo {
    pub(crate) fn new(adapter: Option<&AdapterInfo>) -> Self {
        let cpu = AdapterInfo {
            name: "CPU executor".to_owned(),
            backend: "rust".to_owned(),
            software: true,
            features: Vec::new(),
            limits: Vec::new(),
        };
        let (kind, info) = adapter.map_or(("cpu", &cpu), |info| ("gpu", info));
        Self {
            kind: kind.to_owned(),
            adapter: info.name.clone(),
            backend: info.backend.clone(),
            software: info.software,
            features: info.features.clone(),
            limits: info.limits.clone(),
            self_check: Vec::new(),
            note: None,
        }
    }
}

/// One kernel variant against its CPU twin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckRow {
    /// The kernel's stem.
    pub kernel: String,
    /// The variant's full name.
    pub variant: String,
    /// Largest difference, as a share of the largest value.
    pub max_error: f64,
    /// Whether it is within what rounding explains.
    pub passed: bool,
}

/// How an answer is made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChatOptions {
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// Longest answer, in tokens of the model's own.
    pub max_tokens: usize,
    /// Whether a model that can think does.
    pub think: bool,
    /// Texts that end the answer; they are not part of it.
    pub stop: Vec<String>,
    /// Whether the WASM layers are used, where the model has them.
    pub layers: bool,
    /// The score before a run under which a candidate is skipped; the scorer's own where there is none.
    pub threshold: Option<f32>,
    /// Whether it is told where the layers looked as they wrote. That takes one submit more, behind the splice.
    pub attention: bool,
}

impl Default for ChatOptions {
    fn default() -> Self {
        Self {
            sampling: Sampling::default(),
            max_tokens: 1024,
            think: true,
            stop: Vec::new(),
            layers: true,
            threshold: None,
            attention: false,
        }
    }
}

/// What happens while an answer is made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// The prompt is being read.
    Prefill {
        /// Tokens read.
        done: usize,
        /// Tokens to read.
        total: usize,
        /// Tokens kept from the last context, which needed no reading.
        reused: usize,
    },
    /// Whether the message asks for a computation.
    Gate(Gate),
    /// The layers could not read the message, and why; the model answers alone.
    NotRead(String),
    /// The numbers that functions can take.
    Numbers(Vec<BoundNumber>),
    /// A layer wrote a function.
    Candidate(CandidateRow),
    /// The verified examples that are nearest to the question.
    Similar(Vec<Similar>),
    /// A candidate's score, first by what is known before it is run, then by all, then as the chosen one.
    Score(CandidateRow),
    /// A candidate was compiled.
    Compile(CandidateRow),
    /// A candidate was run.
    Run(CandidateRow),
    /// The choice.
    Choice {
        /// The candidate's number.
        chosen: Option<usize>,
        /// What it computed.
        value: Option<f64>,
        /// Why there is nothing.
        error: Option<String>,
        /// Microseconds from the gate to here.
        micros: u64,
    },
    /// The function and its result went into the context, and so into the answer's text.
    Splice {
        /// The text, with the opening tag.
        text: String,
        /// Its tokens.
        tokens: usize,
        /// Positions of the context in use.
        context_used: usize,
    },
    /// Where the layers looked as they wrote, where that was asked for.
    Attention(Attention),
    /// A token was decoded.
    Token {
        /// Its id.
        id: u32,
        /// The text that is new with it: whole characters, maybe none.
        text: String,
        /// Positions of the context in use.
        context_used: usize,
        /// Decoded tokens a second so far.
        tokens_per_second: f64,
    },
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum StopReason {
    /// The model ended its turn.
    EndOfTurn,
    /// The longest answer was reached.
    MaxTokens,
    /// The context is full.
    ContextFull,
    /// A stop text appeared.
    StopString,
    /// Somebody asked to stop.
    Cancelled,
}

/// A finished answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Completion {
    /// Its text.
    pub text: String,
    /// Its tokens, without the one that ended the turn.
    pub tokens: Vec<u32>,
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Those of them that were kept from the last context.
    pub reused_tokens: usize,
    /// Prompt tokens read a second.
    pub prefill_tps: f64,
    /// Tokens decoded a second, after the first.
    pub decode_tps: f64,
    /// Why it ended.
    pub stop: StopReason,
    /// Positions of the context in use.
    pub context_used: usize,
    /// Whether a computation was asked for, where the layers read the question.
    pub gate: Option<Gate>,
    /// The computation, where there was one.
    pub computation: Option<Computation>,
}
