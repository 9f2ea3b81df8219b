//! What a run changes: activations, KV cache, taps, and the words that kernels read their position and tokens from.

use crate::device::Device;
use crate::kernels::{ArgmaxPartial, TopkPartial};
use crate::model::{Config, KvType};
use crate::recording::Slice;
use crate::{Error, Result};

/// Tokens that one prefill recording takes.
pub(crate) const CHUNK: usize = 256;
/// Positions a piece in split attention.
pub(crate) const SPLIT: usize = 128;

/// The first words of the `state` buffer; the tokens follow at word 8, and behind them the branches' first places.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct StateWords {
    /// 0: position of the first token.
    pub(crate) position: u32,
    /// 1: tokens in this run.
    pub(crate) rows: u32,
    /// 2: 1 / temperature.
    pub(crate) inverse_temperature: f32,
    /// 3: entries in `seen`.
    pub(crate) seen: u32,
    /// 4: repetition penalty.
    pub(crate) repetition: f32,
    /// 5: frequency penalty.
    pub(crate) frequency: f32,
    /// 6: presence penalty.
    pub(crate) presence: f32,
    /// 7: places of the cache that branches share; 0 where the rows are no branches.
    pub(crate) shared: u32,
}

impl StateWords {
    pub(crate) fn words(&self, tokens: &[u32]) -> Vec<u32> {
        let mut words = vec![
            self.position,
            self.rows,
            self.inverse_temperature.to_bits(),
            self.seen,
            self.repetition.to_bits(),
            self.frequency.to_bits(),
            self.presence.to_bits(),
            self.shared,
        ];
        words.extend_from_slice(tokens);
        words
    }
}

/// All buffers of a run.
pub(crate) struct RunState {
    pub(crate) kv: KvType,
    /// Whether the device is a GPU that computes on the CPU.
    pub(crate) software: bool,
    /// Positions that the cache holds.
    pub(crate) context: usize,
    pub(crate) state: Slice,               // [8 + 2 CHUNK] words
    pub(crate) x: Slice,                   // [CHUNK, hidden], the residual stream
    pub(crate) normed: Slice,              // [CHUNK, hidden]
    pub(crate) qkv: Slice,                 // [CHUNK, heads + 2 kv_heads, dim]
    pub(crate) attended: Slice,            // [CHUNK, heads, dim]
    pub(crate) gate_up: Slice,             // [CHUNK, 2, ffn], where gate and up come apart
    pub(crate) activated: Slice,           // [CHUNK, ffn]
    pub(crate) partial: Slice,             // [heads, pieces, dim + 4]
    pub(crate) logits: Slice,              // [vocab]
    pub(crate) best: Slice,                // [vocab / 4096] pairs
    pub(crate) tops: Slice,                // [vocab / 1024, 65] pairs
    pub(crate) greedy: Slice,              // [4] words
    pub(crate) top: Slice,                 // [66] pairs
    pub(crate) seen: Slice,                // [context] pairs
    pub(crate) rope: Slice,                // [context, dim / 2] pairs
    pub(crate) nothing: Slice,             // stands where a kernel's binding is not used
    pub(crate) cache: Vec<(Slice, Slice)>, // a layer: keys, values [context, kv_heads, dim]
    pub(crate) taps: Vec<(usize, Slice)>,  // layer, [context, hidden]
}

impl RunState {
    pub(crate) fn new(
        device: &mut Device,
        config: &Config,
        context: usize,
        kv: KvType,
        taps: &[usize],
        apart: bool,
    ) -> Result<Self> {
        if let Some(layer) = taps.iter().find(|layer| **layer >= config.layers) {
            return Err(Error::Request(format!("tap {layer} of a model with {} layers", config.layers)));
        }
        let software = device.is_software_gpu();
        let mut words = |count: usize| device.slice(4 * count.max(4) as u64);
        let heads = config.heads + 2 * config.kv_heads;
        let mut state = Self {
            kv,
            software,
            context,
            state: words(8 + 2 * CHUNK)?,
            x: words(CHUNK * config.hidden)?,
            normed: words(CHUNK * config.hidden)?,
            qkv: words(CHUNK * heads * config.head_dim)?,
            attended: words(CHUNK * config.heads * config.head_dim)?,
            gate_up: words(if apart { 2 * CHUNK * config.ffn } else { 0 })?,
            activated: words(CHUNK * config.ffn)?,
            partial: words(config.heads * context.div_ceil(SPLIT) * (config.head_dim + 4))?,
            logits: words(config.vocab)?,
            best: words(2 * config.vocab.div_ceil(ArgmaxPartial::PIECE))?,
            tops: words(2 * (TopkPartial::TOP + 1) * config.vocab.div_ceil(TopkPartial::PIECE))?,
            greedy: words(4)?,
            top: words(2 * (TopkPartial::TOP + 2))?,
            seen: words(2 * context)?,
            rope: words(context * config.head_dim)?,
            nothing: words(config.hidden.max(config.head_dim))?,
            cache: Vec::new(),
            taps: Vec::new(),
        };
        let bytes = (context * config.kv_heads * config.head_dim * kv.bytes()) as u64;
        for _ in 0..config.layers {
            state.cache.push((device.slice(bytes)?, device.slice(bytes)?));
        }
        for layer in taps {
            state.taps.push((*layer, device.slice(4 * (context * config.hidden) as u64)?));
        }
        // In pieces, so that a long context needs no second copy of the table.
        let row = config.head_dim * 4;
        for first in (0..context).step_by(1024) {
            let table = rope_table(config, first, (context - first).min(1024));
            device.write(state.rope.buffer, (first * row) as u64, bytemuck::cast_slice(&table))?;
        }
        Ok(state)
    }
}

/// A second cache, for a text beside the conversation.
pub(crate) struct Beside {
    /// Positions that it holds.
    pub(crate) places: usize,
    pub(crate) cache: Vec<(Slice, Slice)>, // a layer: keys, values [places, kv_heads, dim]
}

impl Beside {
    /// A cache of `places` positions, at most as many as the conversation's holds.
    pub(crate) fn new(device: &mut Device, config: &Config, state: &RunState, places: usize) -> Result<Self> {
        debug_assert!(places <= state.context, "the table of angles is the conversation's");
        let bytes = (places * config.kv_heads * config.head_dim * state.kv.bytes()) as u64;
        let mut cache = Vec::with_capacity(config.layers);
        for _ in 0..config.layers {
            cache.push((device.slice(bytes)?, device.slice(bytes)?));
        }
        Ok(Self { places, cache })
    }
}

/// Texts that are decoded side by side.
pub(crate) struct Lanes {
    pub(crate) caches: Vec<Beside>,
    pub(crate) words: Slice,  // [lanes, WORDS], each lane's state words and its token
    pub(crate) greedy: Slice, // [lanes, WORDS], four of them used
    pub(crate) logits: Slice, // [lanes, stride]
    /// Words from one row of logits to the next.
    pub(crate) stride: usize,
}

impl Lanes {
    /// Words of a row that is bound alone: 256 bytes, which is what WebGPU lets offsets be multiples of.
    pub(crate) const WORDS: usize = 64;

    /// `count` lanes of `places` positions each.
    pub(crate) fn new(
        device: &mut Device,
        config: &Config,
        state: &RunState,
        (count, places): (usize, usize),
    ) -> Result<Self> {
        let stride = config.vocab.next_multiple_of(Self::WORDS);
        let mut rows = |width: usize| device.slice(4 * (count * width) as u64);
        let (words, greedy, logits) = (rows(Self::WORDS)?, rows(Self::WORDS)?, rows(stride)?);
        let caches = (0..count).map(|_| Beside::new(device, config, state, places)).collect::<Result<_>>()?;
        Ok(Self { caches, words, greedy, logits, stride })
    }

    /// Gives its buffers back.
    pub(crate) fn free(self, device: &mut Device) {
        let caches = self.caches.iter().flat_map(|beside| &beside.cache).flat_map(|(keys, values)| [keys, values]);
        for slice in [&self.words, &self.greedy, &self.logits].into_iter().chain(caches) {
            device.free(slice.buffer);
        }
    }
}

/// Cosine and sine of each position's angles (Su et al. 2021): computed in f64, since GPUs promise little for large angles.
fn rope_table(config: &Config, first: usize, count: usize) -> Vec<[f32; 2]> {
    let half = config.head_dim / 2;
    let rates: Vec<f64> =
        (0..half).map(|i| f64::from(config.rope_theta).powf(-2.0 * i as f64 / config.head_dim as f64)).collect();
    (first..first + count)
        .flat_map(|position| rates.iter().map(move |rate| position as f64 * rate))
        .map(|angle| [angle.cos() as f32, angle.sin() as f32])
        .collect()
}
