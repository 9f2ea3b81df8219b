//! The encoder: from the tapped hidden states of a question to what the decoders attend to, and the gates.

use super::config::{MOST_TOKENS, POINTERS};
use super::layers::WasmLayers;
use super::pass::{Epilogue, Index, Linear, Rows};
use super::program::MOST_NUMBERS;
use crate::device::Device;
use crate::kernels::{LayerGather, LayerTap};
use crate::recording::{Run, Slice, Workgroups};
use crate::{Error, Result};

/// Where a question and its numbers stand in the context.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Question {
    /// First position and count of the tokens that the layers read, piece after piece: the question, and what was computed
    /// before where that lies elsewhere.
    pub ranges: Vec<(usize, usize)>,
    /// The last token of each number, counted over all pieces, in the order of the program's parameters.
    pub numbers: Vec<usize>,
    /// The last token of what was computed before, counted likewise. Programs point at it as the number after the others.
    pub previous: Option<usize>,
}

impl Question {
    /// Tokens of all pieces.
    ///
    /// # Errors
    /// [`Error::Request`] for none, too many, or numbers that are too many or at no token.
    pub(super) fn check(&self) -> Result<usize> {
        let refused = |why: String| Err(Error::Request(format!("the WASM layers cannot read the question: {why}")));
        let mut tokens = 0usize;
        for (_, count) in &self.ranges {
            if *count == 0 {
                return refused("a piece of it is empty".to_owned());
            }
            tokens = tokens.saturating_add(*count);
        }
        if tokens == 0 {
            return refused("it is empty".to_owned());
        }
        if tokens > MOST_TOKENS {
            return refused(format!("it has {tokens} tokens and {MOST_TOKENS} fit; ask a shorter one"));
        }
        if self.numbers.len() > MOST_NUMBERS {
            return refused(format!("it has {} numbers and {MOST_NUMBERS} can be used", self.numbers.len()));
        }
        if let Some(at) = self.pointers().find(|at| *at >= tokens) {
            return refused(format!("a number ends at token {at} of {tokens}"));
        }
        Ok(tokens)
    }

    /// The last token of each thing that a program can point at.
    pub(super) fn pointers(&self) -> impl Iterator<Item = usize> {
        self.numbers.iter().copied().chain(self.previous)
    }
}

/// What the encoder leaves on the device, with what it needs on the way.
pub(super) struct Memory {
    /// Tokens that fit.
    pub(super) capacity: usize,
    standard: Slice,  // [layers, capacity, hidden]
    x: Slice,         // [layers, capacity, width]
    qkv: Slice,       // [layers, capacity, 3 width]
    attended: Slice,  // [layers, capacity, width]
    activated: Slice, // [layers, capacity, ffn]
    gates: Slice,     // [layers, capacity]
    index: Slice,     // words
    pointed: Slice,   // [layers, POINTERS, width]
    /// Keys and values a decoder block, [layers, capacity, 2 width].
    pub(super) cross: Vec<Slice>,
    /// [layers, POINTERS, width]
    pub(super) keys: Slice,
    /// [layers, POINTERS, width]
    pub(super) inputs: Slice,
}

impl Memory {
    pub(super) fn new(layers: &WasmLayers, device: &mut Device, capacity: usize) -> Result<Self> {
        let config = layers.config();
        let count = config.taps.len();
        let mut rows = |rows: usize, width: usize| device.slice((4 * count * rows * width) as u64);
        Ok(Self {
            capacity,
            standard: rows(capacity, config.hidden)?,
            x: rows(capacity, config.width)?,
            qkv: rows(capacity, 3 * config.width)?,
            attended: rows(capacity, config.width)?,
            activated: rows(capacity, config.ffn)?,
            gates: rows(capacity, 1)?,
            cross: (0..config.decoder_blocks).map(|_| rows(capacity, 2 * config.width)).collect::<Result<_>>()?,
            pointed: rows(POINTERS, config.width)?,
            keys: rows(POINTERS, config.width)?,
            inputs: rows(POINTERS, config.width)?,
            index: device.slice(4 * (capacity * (POINTERS + 1) + 2 * POINTERS) as u64)?,
        })
    }

    pub(super) fn free(&self, device: &mut Device) {
        let own =
            [self.standard, self.x, self.qkv, self.attended, self.activated, self.gates, self.index, self.pointed];
        for slice in own.iter().chain(&self.cross).chain([&self.keys, &self.inputs]) {
            device.free(slice.buffer);
        }
    }
}

/// Row numbers of the encoder's sums, in one buffer.
struct Sums {
    words: Vec<u32>,
    /// Row numbers a token.
    terms: usize,
    /// Where those of the pointers' tokens start; those of their ordinals follow.
    pointed: usize,
}

impl WasmLayers {
    /// Reads a question from the taps, one a layer, [context, hidden] each. What the decoders need stays on the device until the
    /// next question. Returns each layer's gate: the logit of a computation being asked for.
    ///
    /// # Errors
    /// [`Error::Request`] for a question that is empty or does not fit, or taps that are not the layers' or too short;
    /// [`Error::SelfCheck`] for hidden states that are no numbers; or the device's trouble.
    pub async fn encode(&mut self, device: &mut Device, taps: &[Slice], question: &Question) -> Result<Vec<f32>> {
        self.forget();
        let tokens = question.check()?;
        self.check_taps(taps, question)?;
        self.reserve_memory(device, tokens)?;
        let sums = self.sums(question, tokens);
        let memory = self.memory()?;
        device.write(memory.index.buffer, 0, bytemuck::cast_slice(&sums.words))?;
        let gates = Slice { size: (4 * self.config().taps.len() * tokens) as u64, ..memory.gates };
        let recording = self.record_encoder(taps, question, tokens, &sums)?;
        let prepared = device.prepare(recording)?;
        let pending = device.submit(&[&prepared], Run::default(), gates)?;
        let bytes = device.finish(pending).await?;
        let values: Vec<f32> = bytes.chunks_exact(4).map(bytemuck::pod_read_unaligned).collect();
        let gates: Vec<f32> = values.chunks_exact(tokens).map(mean).collect();
        if gates.iter().any(|gate| !gate.is_finite()) {
            return Err(Error::SelfCheck("the hidden states that the WASM layers read are not numbers".to_owned()));
        }
        self.remember(tokens, question.pointers().count());
        Ok(gates)
    }

    fn check_taps(&self, taps: &[Slice], question: &Question) -> Result<()> {
        let config = self.config();
        if taps.len() != config.taps.len() {
            return Err(Error::Request(format!("{} taps were given to {} WASM layers", taps.len(), config.taps.len())));
        }
        let held = taps.iter().map(|tap| tap.size).min().unwrap_or(0) / (4 * config.hidden as u64);
        for (first, count) in &question.ranges {
            match first.checked_add(*count) {
                Some(end) if end as u64 <= held => {}
                _ => {
                    return Err(Error::Request(format!(
                        "the WASM layers were asked to read {count} positions from {first} on, and the taps hold {held}"
                    )));
                }
            }
        }
        Ok(())
    }

    fn sums(&self, question: &Question, tokens: usize) -> Sums {
        let layout = self.layout();
        // A token may be the last of several numbers.
        let mut rows: Vec<Vec<u32>> = (0..tokens).map(|token| vec![(layout.place + token) as u32]).collect();
        for (k, token) in question.pointers().enumerate() {
            rows[token].push((layout.ordinal + k) as u32);
        }
        let terms = rows.iter().map(Vec::len).max().unwrap_or(1);
        let mut words = Vec::with_capacity(tokens * terms + 2 * POINTERS);
        for mut row in rows {
            row.resize(terms, LayerGather::NONE);
            words.append(&mut row);
        }
        let pointed = words.len();
        words.extend(question.pointers().map(|token| token as u32));
        words.extend((0..question.pointers().count()).map(|k| (layout.pointer_ordinal + k) as u32));
        Sums { words, terms, pointed }
    }

    /// The steps are those in the doc of [`super::config::tensors`].
    fn record_encoder(
        &self,
        taps: &[Slice],
        question: &Question,
        tokens: usize,
        sums: &Sums,
    ) -> Result<crate::recording::Recording> {
        let (config, layout, memory) = (self.config(), self.layout(), self.memory()?);
        let (d, capacity) = (config.width, memory.capacity);
        let mut pass = self.pass();
        let standard = Rows::new(memory.standard, capacity, config.hidden);
        let x = Rows::new(memory.x, capacity, d);
        let qkv = Rows::new(memory.qkv, capacity, 3 * d);
        let attended = Rows::new(memory.attended, capacity, d);
        let activated = Rows::new(memory.activated, capacity, config.ffn);
        let index = |first: usize, terms: usize| Index { slice: memory.index, first, layer: 0, terms };

        // 1. Taps, projected; ordinals and places.
        for (layer, tap) in taps.iter().enumerate() {
            let weights = layer * layout.block;
            let mut row = 0;
            for (first, count) in &question.ranges {
                let kernel = LayerTap {
                    x: *tap,
                    weights: pass.weights,
                    y: memory.standard,
                    rows: *count as u32,
                    cols4: (config.hidden / 4) as u32,
                    x_first: (first * config.hidden / 4) as u32,
                    y_first: ((layer * standard.layer + row * config.hidden) / 4) as u32,
                    mean_first: ((weights + layout.at("tap.mean")?) / 4) as u32,
                    scale_first: ((weights + layout.at("tap.scale")?) / 4) as u32,
                    bound: config.bound,
                    eps: config.eps,
                };
                pass.recording.push(kernel, Workgroups::Fixed(*count as u32, 1));
                row += count;
            }
        }
        let input = Linear::new(layout.at("input.weight")?, d).bias(layout.at("input.bias")?);
        pass.linear(tokens, standard, config.hidden, x, input);
        pass.gather(tokens, index(0, sums.terms), pass.table(layout.tables), x, true);

        // 2. Blocks.
        for block in 0..config.encoder_blocks {
            let at = |name: &str| layout.in_block("encoder", block, name);
            pass.linear(tokens, x, d, qkv, Linear::new(at("qkv")?, 3 * d).norm(at("norm1")?));
            pass.attend(tokens, tokens, qkv, qkv.column(d), qkv.column(2 * d), attended);
            pass.linear(tokens, attended, d, x, Linear::new(at("out")?, d).epilogue(Epilogue::Add));
            let gate_up = Linear::new(at("gate_up")?, config.ffn).norm(at("norm2")?).epilogue(Epilogue::SwiGlu);
            pass.linear(tokens, x, d, activated, gate_up);
            pass.linear(tokens, activated, config.ffn, x, Linear::new(at("down")?, d).epilogue(Epilogue::Add));
        }

        // 3. The gate. The memory's norm is part of every product that reads the memory.
        let norm = layout.at("memory.norm")?;
        let gate = Linear::new(layout.at("gate.weight")?, 1).norm(norm).bias(layout.at("gate.bias")?);
        pass.linear(tokens, x, d, Rows::new(memory.gates, tokens, 1), gate);

        // 4. Pointers.
        let pointers = question.pointers().count();
        if pointers > 0 {
            let of = |slice: Slice| Rows::new(slice, POINTERS, d);
            let (pointed, keys, inputs) = (of(memory.pointed), of(memory.keys), of(memory.inputs));
            pass.gather(pointers, index(sums.pointed, 1), x, pointed, false);
            pass.linear(pointers, pointed, d, keys, Linear::new(layout.at("pointer.key")?, d).norm(norm));
            pass.gather(pointers, index(sums.pointed + pointers, 1), pass.table(layout.tables), keys, true);
            pass.linear(pointers, pointed, d, inputs, Linear::new(layout.at("pointer.input")?, d).norm(norm));
        }

        // 5. Keys and values of the decoder's cross-attention.
        for (block, cross) in memory.cross.iter().enumerate() {
            let weight = layout.in_block("decoder", block, "cross_kv")?;
            pass.linear(tokens, x, d, Rows::new(*cross, capacity, 2 * d), Linear::new(weight, 2 * d).norm(norm));
        }
        Ok(pass.recording)
    }
}

fn mean(values: &[f32]) -> f32 {
    (values.iter().map(|value| f64::from(*value)).sum::<f64>() / values.len() as f64) as f32
}
