//! The WASM layers of a base on a device.

use super::config::LayersConfig;
use super::encode::Memory;
use super::pass::Pass;
use super::step::Steps;
use super::weights::{Head, Layout};
use crate::device::Device;
use crate::loader::Source;
use crate::recording::{Recording, Slice};
use crate::{Error, Result};

/// The model that layers are to be used with.
#[derive(Debug, Clone, Copy)]
pub struct Base<'a> {
    /// Its fingerprint.
    pub fingerprint: &'a str,
    /// Width of its residual stream.
    pub hidden: usize,
    /// Its decoder layers.
    pub layers: usize,
}

/// What the decoders work on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Encoded {
    /// Tokens of the question.
    pub(super) tokens: usize,
    /// What a program can point at.
    pub(super) pointers: usize,
}

/// The WASM layers of a base on a device. They read a question ([`Self::encode`]), then write programs for it
/// ([`Self::candidates`]) and judge programs ([`Self::rescore`]). Every call must name the device that they were loaded onto.
pub struct WasmLayers {
    config: LayersConfig,
    provenance: serde_json::Value,
    layout: Layout,
    weights: Slice, // [layers, block]
    memory: Option<Memory>,
    pub(super) steps: Option<Steps>,
    question: Option<Encoded>,
}

impl WasmLayers {
    /// Reads layers from their file onto a device.
    ///
    /// # Errors
    /// [`Error::Format`] for a file that is malformed, of another format or version, or holds something that is no number;
    /// [`Error::Unsupported`] for layers of another base; or the source's or the device's trouble.
    pub async fn load(device: &mut Device, source: &Source, base: Base<'_>) -> Result<Self> {
        let head = Head::read(source).await?;
        let config = &head.config;
        let other = |why: String| Err(Error::Unsupported(format!("{}: {why}", source.name())));
        if config.base != base.fingerprint {
            let made_for: String = config.base.chars().take(80).collect();
            return other(format!(
                "these WASM layers were made for the base {made_for:?}, and the model is {:?}; load that base, or layers \
                 that were made for this one",
                base.fingerprint
            ));
        }
        if config.hidden != base.hidden || config.taps.iter().any(|tap| *tap >= base.layers) {
            return other(format!(
                "these WASM layers read layers {:?} of width {}, and the model has {} of width {}",
                config.taps, config.hidden, base.layers, base.hidden
            ));
        }
        let layout = Layout::new(config);
        let weights = head.upload(source, &layout, device).await?;
        let Head { config, provenance, .. } = head;
        Ok(Self { config, provenance, layout, weights, memory: None, steps: None, question: None })
    }

    /// The shape that a layers' file states, without its weights.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub async fn config_of(source: &Source) -> Result<LayersConfig> {
        Ok(Head::read(source).await?.config)
    }

    /// Gives the device's memory back.
    pub fn free(self, device: &mut Device) {
        device.free(self.weights.buffer);
        if let Some(memory) = self.memory {
            memory.free(device);
        }
        if let Some(steps) = self.steps {
            steps.free(device);
        }
    }

    /// Their shape.
    pub fn config(&self) -> &LayersConfig {
        &self.config
    }

    /// How they were made: data, seed, epochs, measured accuracy.
    pub fn provenance(&self) -> &serde_json::Value {
        &self.provenance
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    pub(super) fn pass(&self) -> Pass {
        Pass {
            weights: self.weights,
            block: self.layout.block,
            layers: self.config.taps.len(),
            heads: self.config.heads,
            width: self.config.width,
            eps: self.config.eps,
            recording: Recording::default(),
        }
    }

    pub(super) fn memory(&self) -> Result<&Memory> {
        self.memory.as_ref().ok_or_else(nothing_read)
    }

    /// Makes room for a question of so many tokens.
    pub(super) fn reserve_memory(&mut self, device: &mut Device, tokens: usize) -> Result<()> {
        if self.memory.as_ref().is_none_or(|memory| memory.capacity < tokens) {
            if let Some(old) = self.memory.take() {
                old.free(device);
            }
            self.memory = Some(Memory::new(self, device, tokens.next_power_of_two().max(64))?);
        }
        Ok(())
    }

    /// The question that was read.
    pub(super) fn question(&self) -> Result<Encoded> {
        self.question.ok_or_else(nothing_read)
    }

    /// Another question has to be read first.
    pub(crate) fn forget(&mut self) {
        self.question = None;
    }

    pub(super) fn remember(&mut self, tokens: usize, pointers: usize) {
        self.question = Some(Encoded { tokens, pointers });
    }
}

fn nothing_read() -> Error {
    Error::Request("the WASM layers have not read a question".to_owned())
}
