//! One run of the decoders: rows of every layer, each an instruction that was written, to the logits of what may follow.

use super::config::POINTERS;
use super::layers::WasmLayers;
use super::pass::{Epilogue, Index, Linear, Rows};
use super::program::MOST_INSTRUCTIONS;
use crate::device::Device;
use crate::kernels::LayerGather;
use crate::recording::{Recording, Run, Slice};
use crate::{Error, Result};

/// Most rows of one run.
pub(super) const MOST_ROWS: usize = 1024;
/// Words of the attention table a row: a count, and a slot for each output of the longest program.
const TABLE: usize = 1 + MOST_INSTRUCTIONS + 1;
/// Row numbers of the input's sum: token, step, depth.
const TERMS: usize = 3;

/// A decoder's input.
#[derive(Debug, Clone)]
pub(super) struct Input {
    /// The output that was written last; none at the start.
    pub(super) last: Option<usize>,
    /// Outputs written before.
    pub(super) step: usize,
    /// Values on the stack.
    pub(super) depth: usize,
    /// Slots of the program's keys and values, this row's own last.
    pub(super) past: Vec<u32>,
}

/// The decoders' buffers.
pub(super) struct Steps {
    /// Slots, and rows, that fit.
    capacity: usize,
    /// Every row's attention table, then row numbers of `TERMS` sums, then of pointers.
    pub(super) index: Slice,
    x: Slice, // [layers, capacity, width]
    /// A block each, [layers, capacity, 3 width]: the past is kept here, and never moved.
    qkv: Vec<Slice>,
    query: Slice,     // [layers, capacity, width]
    attended: Slice,  // [layers, capacity, width]
    activated: Slice, // [layers, capacity, ffn]
    logits: Slice,    // [layers, rows, fixed + pointers]
}

impl Steps {
    fn new(layers: &WasmLayers, device: &mut Device, capacity: usize) -> Result<Self> {
        let config = layers.config();
        let count = config.taps.len();
        let mut rows = |width: usize| device.slice((4 * count * capacity * width) as u64);
        Ok(Self {
            capacity,
            index: rows(TABLE + TERMS + 1)?,
            x: rows(config.width)?,
            qkv: (0..config.decoder_blocks).map(|_| rows(3 * config.width)).collect::<Result<_>>()?,
            query: rows(config.width)?,
            attended: rows(config.width)?,
            activated: rows(config.ffn)?,
            logits: rows(config.fixed() + POINTERS)?,
        })
    }

    pub(super) fn free(&self, device: &mut Device) {
        for slice in
            self.qkv.iter().chain([&self.index, &self.x, &self.query, &self.attended, &self.activated, &self.logits])
        {
            device.free(slice.buffer);
        }
    }
}

impl WasmLayers {
    /// Makes room for so many rows and slots. What the slots held is lost where there was too little.
    pub(super) fn reserve_steps(&mut self, device: &mut Device, rows: usize) -> Result<()> {
        if rows > MOST_ROWS {
            return Err(Error::Request(format!("{rows} rows of the WASM layers' decoders, and {MOST_ROWS} fit")));
        }
        if self.steps.as_ref().is_none_or(|steps| steps.capacity < rows) {
            if let Some(old) = self.steps.take() {
                old.free(device);
            }
            self.steps = Some(Steps::new(self, device, rows.next_power_of_two().max(32))?);
        }
        Ok(())
    }

    /// Outputs a row of logits: the fixed ones, and the pointers that exist.
    pub(super) fn outputs(&self) -> Result<usize> {
        Ok(self.config().fixed() + self.question()?.pointers)
    }

    /// Runs rows through the decoders: of each layer its own, or the same in all where there is one list. All lists are of one
    /// length. Keys and values of row r go into slot `first_slot` + r. Returns logits [layers, rows, outputs].
    pub(super) async fn step(
        &mut self,
        device: &mut Device,
        inputs: &[Vec<Input>],
        first_slot: usize,
    ) -> Result<Vec<f32>> {
        let rows = inputs.first().map_or(0, Vec::len);
        let steps = self.steps.as_ref().filter(|steps| first_slot + rows <= steps.capacity);
        let steps = steps.ok_or_else(|| Error::Request("the decoders' rows do not fit".to_owned()))?;
        device.write(steps.index.buffer, 0, bytemuck::cast_slice(&self.words(inputs)?))?;
        let size = (4 * self.config().taps.len() * rows * self.outputs()?) as u64;
        let logits = Slice { size, ..steps.logits };
        let prepared = device.prepare(self.record_decoder(steps, inputs, (rows, first_slot), None)?)?;
        let pending = device.submit(&[&prepared], Run::default(), logits)?;
        let bytes = device.finish(pending).await?;
        let mut values: Vec<f32> = bytes.chunks_exact(4).map(bytemuck::pod_read_unaligned).collect();
        let scale = (self.config().width as f32).sqrt().recip();
        for row in values.chunks_exact_mut(self.outputs()?) {
            row[self.config().fixed()..].iter_mut().for_each(|value| *value *= scale);
        }
        Ok(values)
    }

    /// The contents of the index buffer.
    pub(super) fn words(&self, inputs: &[Vec<Input>]) -> Result<Vec<u32>> {
        let (layout, fixed) = (self.layout(), self.config().fixed());
        let all = || inputs.iter().flatten();
        let mut words = Vec::new();
        for input in all() {
            let start = words.len();
            words.push(input.past.len() as u32);
            words.extend_from_slice(&input.past);
            if words.len() > start + TABLE || input.step > MOST_INSTRUCTIONS || input.depth > MOST_INSTRUCTIONS {
                return Err(Error::Request("a program is too long for the WASM layers".to_owned()));
            }
            words.resize(start + TABLE, 0);
        }
        for input in all() {
            // The start's row follows those of the fixed outputs.
            let token = match input.last {
                None => fixed as u32,
                Some(output) if output < fixed => output as u32,
                Some(_) => LayerGather::NONE,
            };
            words.extend([token, (layout.step + input.step) as u32, (layout.depth + input.depth) as u32]);
        }
        words.extend(all().map(|input| match input.last {
            Some(output) if output >= fixed => (output - fixed) as u32,
            _ => LayerGather::NONE,
        }));
        Ok(words)
    }

    /// The steps are those in the doc of [`super::config::tensors`]. `focus`, [layers, rows, tokens], gets the weights of the
    /// cross-attention, the mean over heads and blocks.
    pub(super) fn record_decoder(
        &self,
        steps: &Steps,
        inputs: &[Vec<Input>],
        (rows, first_slot): (usize, usize),
        focus: Option<Rows>,
    ) -> Result<Recording> {
        let (config, layout, memory, question) = (self.config(), self.layout(), self.memory()?, self.question()?);
        let (d, capacity) = (config.width, steps.capacity);
        let mut pass = self.pass();
        let x = Rows::new(steps.x, capacity, d);
        let query = Rows::new(steps.query, capacity, d);
        let attended = Rows::new(steps.attended, capacity, d);
        let activated = Rows::new(steps.activated, capacity, config.ffn);
        // One list is for all layers.
        let shared = inputs.len() == 1;
        let mut first = 0;
        let mut index = |terms: usize| {
            let index = Index { slice: steps.index, first, layer: if shared { 0 } else { rows * terms }, terms };
            first += inputs.len() * rows * terms;
            index
        };
        let (table, sums, pointers) = (index(TABLE), index(TERMS), index(1));

        // The input.
        pass.gather(rows, sums, pass.table(layout.tables), x, false);
        if question.pointers > 0 {
            pass.gather(rows, pointers, Rows::new(memory.inputs, POINTERS, d), x, true);
        }

        for (block, (qkv, cross)) in steps.qkv.iter().zip(&memory.cross).enumerate() {
            let at = |name: &str| layout.in_block("decoder", block, name);
            let qkv = Rows::new(*qkv, capacity, 3 * d);
            let own = qkv.from(first_slot);
            pass.linear(rows, x, d, own, Linear::new(at("qkv")?, 3 * d).norm(at("norm1")?));
            pass.attend_listed(rows, 0, table, own, qkv.column(d), qkv.column(2 * d), attended);
            pass.linear(rows, attended, d, x, Linear::new(at("out")?, d).epilogue(Epilogue::Add));

            let cross = Rows::new(*cross, memory.capacity, 2 * d);
            pass.linear(rows, x, d, query, Linear::new(at("cross_q")?, d).norm(at("norm2")?));
            pass.attend(rows, question.tokens, query, cross, cross.column(d), attended);
            if let Some(focus) = focus {
                let share = 1.0 / config.decoder_blocks as f32;
                pass.focus(rows, question.tokens, (query, cross, focus), share, block > 0);
            }
            let gated = Epilogue::Gated(at("cross_gate")?);
            pass.linear(rows, attended, d, x, Linear::new(at("cross_out")?, d).epilogue(gated));

            let gate_up = Linear::new(at("gate_up")?, config.ffn).norm(at("norm3")?).epilogue(Epilogue::SwiGlu);
            pass.linear(rows, x, d, activated, gate_up);
            pass.linear(rows, activated, config.ffn, x, Linear::new(at("down")?, d).epilogue(Epilogue::Add));
        }

        // The outputs: the fixed ones, then the pointers, whose keys are the weights of a product.
        let norm = layout.at("output.norm")?;
        let logits = Rows::new(steps.logits, rows, self.outputs()?);
        let output =
            Linear::new(layout.at("output.weight")?, config.fixed()).norm(norm).bias(layout.at("output.bias")?);
        pass.linear(rows, x, d, logits, output);
        if question.pointers > 0 {
            pass.linear(rows, x, d, query, Linear::new(layout.at("pointer.query")?, d).norm(norm));
            let keys = Rows::new(memory.keys, POINTERS, d);
            pass.product(rows, query, keys, logits.column(config.fixed()), Linear::new(0, question.pointers));
        }
        Ok(pass.recording)
    }
}
