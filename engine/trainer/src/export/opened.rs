//! Exported files as the engine runs them, on the CPU: what they are checked by.

use wattage_engine::wasm_layers::config::LayersConfig;
use wattage_engine::wasm_layers::program::Program;
use wattage_engine::wasm_layers::{self, Base, Question, WasmLayers};
use wattage_engine::{Cancel, Device, DevicePreference, KvType, LoadOptions, Session, Source};

use super::Files;
use crate::train::Sequence;
use crate::{Error, Result};

/// A base and its layers, loaded.
pub struct Opened {
    session: Session,
    device: Device,
    layers: WasmLayers,
}

/// What the engine makes of a prompt and its question.
#[derive(Debug, Clone)]
pub struct Reading {
    /// [tokens, vocab] the base's logits.
    pub logits: Vec<f32>,
    /// [tokens, hidden] the residual stream of each tapped layer.
    pub taps: Vec<Vec<f32>>,
    /// Each layer's logit of a computation being asked for.
    pub gates: Vec<f32>,
}

/// What the layers say of a program for the question that was read last.
#[derive(Debug, Clone)]
pub struct Written {
    /// [layers, instructions and the end, outputs] logits, of fixed outputs, then of pointers.
    pub logits: Vec<f32>,
    /// Each layer's log-probability of the program.
    pub logprobs: Vec<f64>,
}

impl Opened {
    /// Loads files onto the CPU executor.
    ///
    /// # Errors
    /// The engine's.
    pub fn new(files: &Files) -> Result<Self> {
        pollster::block_on(async {
            let options = LoadOptions {
                device: DevicePreference::Cpu,
                kv: KvType::F32,
                taps: files.config.taps.clone(),
                ..LoadOptions::default()
            };
            let base = Source::bytes("base.gguf", files.base.clone());
            let session = Session::load(vec![base], &options, &Cancel::new(), &mut |_| {}).await?;
            let fingerprint = session.file().fingerprint().await?;
            let shape = &session.file().config;
            let base = Base { fingerprint: &fingerprint, hidden: shape.hidden, layers: shape.layers };
            let mut device = Device::cpu();
            let source = Source::bytes(wasm_layers::FILE, files.layers.clone());
            let layers = WasmLayers::load(&mut device, &source, base).await?;
            Ok(Self { session, device, layers })
        })
    }

    /// The base: its tokenizer and template are those of the file.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The layers' shape, as their file states it.
    pub fn config(&self) -> &LayersConfig {
        self.layers.config()
    }

    /// Runs the base over a sequence's prompt, and the layers over its question.
    ///
    /// # Errors
    /// The engine's.
    pub fn read(&mut self, sequence: &Sequence) -> Result<Reading> {
        pollster::block_on(async {
            let (logits, taps) = self.session.logits(&sequence.prompt).await?;
            let taps: Vec<Vec<f32>> = taps.into_iter().map(|(_, values)| values).collect();
            let mut slices = Vec::with_capacity(taps.len());
            for values in &taps {
                let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
                let slice = self.device.slice(bytes.len() as u64)?;
                self.device.write(slice.buffer, 0, &bytes)?;
                slices.push(slice);
            }
            let gates = self.layers.encode(&mut self.device, &slices, &question(sequence)).await;
            slices.iter().for_each(|slice| self.device.free(slice.buffer));
            Ok(Reading { logits, taps, gates: gates? })
        })
    }

    /// What the layers say of a program.
    ///
    /// # Errors
    /// [`Error::Export`] for a program that they cannot write, or the engine's.
    pub fn judge(&mut self, program: &Program) -> Result<Written> {
        pollster::block_on(async {
            let unknown = || Error::Export(format!("the layers cannot write {program:?}"));
            let logits = self.layers.logits(&mut self.device, program).await?.ok_or_else(unknown)?;
            let mut scores = self.layers.rescore(&mut self.device, std::slice::from_ref(program)).await?;
            let scores = scores.pop().flatten().ok_or_else(unknown)?;
            Ok(Written { logits, logprobs: scores.iter().map(|score| score.logprob).collect() })
        })
    }

    /// Each layer's program, written greedily; none where it finds none.
    ///
    /// # Errors
    /// The engine's.
    pub fn greedy(&mut self) -> Result<Vec<Option<Program>>> {
        let candidates = pollster::block_on(self.layers.candidates(&mut self.device, 1))?;
        Ok(candidates.into_iter().map(|mut all| (!all.is_empty()).then(|| all.remove(0).program)).collect())
    }
}

/// Where the layers find a sequence's question in its prompt.
fn question(sequence: &Sequence) -> Question {
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for row in &sequence.rows {
        match ranges.last_mut() {
            Some((first, count)) if *first + *count == *row => *count += 1,
            _ => ranges.push((*row, 1)),
        }
    }
    // What was computed before lies in a piece of its own, and is pointed at as the number after the others.
    let mut numbers = sequence.lasts.clone();
    let previous = if ranges.len() > 1 { numbers.pop() } else { None };
    Question { ranges, numbers, previous }
}
