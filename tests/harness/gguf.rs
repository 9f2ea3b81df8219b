//! Writes GGUF files: whole tiny models for other tests, and broken ones for the loader's.

use wattage_engine::{Architecture, Config, DType};

use crate::random::{Rng, weights};
use crate::vocab::{TEMPLATE, Vocab};

/// A metadata value.
#[derive(Clone)]
pub enum Meta {
    /// Type 4.
    U32(u32),
    /// Type 6.
    F32(f32),
    /// Type 7.
    Bool(bool),
    /// Type 8.
    Text(String),
    /// An array of type 8.
    Texts(Vec<String>),
    /// An array of type 5.
    I32s(Vec<i32>),
    /// Any type number with any bytes.
    Raw(u32, Vec<u8>),
}

/// A tensor as it will be written.
#[derive(Clone)]
pub struct Tensor {
    /// GGUF's name.
    pub name: String,
    /// Sizes, the contiguous direction first.
    pub shape: Vec<u64>,
    /// GGML's number of the format.
    pub kind: u32,
    /// Its bytes in the data section.
    pub data: Vec<u8>,
    /// An offset to claim instead of the true one.
    pub offset: Option<u64>,
}

/// A file in the making.
#[derive(Clone)]
pub struct Gguf {
    /// Version in the header.
    pub version: u32,
    /// Metadata in order.
    pub meta: Vec<(String, Meta)>,
    /// Tensors in order.
    pub tensors: Vec<Tensor>,
    /// A number of tensors to claim instead of the true one.
    pub tensor_count: Option<u64>,
    /// A number of metadata entries to claim instead of the true one.
    pub meta_count: Option<u64>,
}

/// GGML's number of a format.
pub fn kind(dtype: DType) -> u32 {
    match dtype {
        DType::F32 => 0,
        DType::F16 => 1,
        DType::Q4_0 => 2,
        DType::Q4_1 => 3,
        DType::Q5_0 => 6,
        DType::Q5_1 => 7,
        DType::Q8_0 => 8,
        DType::Q4_K => 12,
        DType::Q5_K => 13,
        DType::Q6_K => 14,
        DType::BF16 => 30,
    }
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

impl Gguf {
    /// Sets a metadata value, in its old place if it has one.
    pub fn set(&mut self, key: &str, value: Meta) {
        match self.meta.iter_mut().find(|(name, _)| name == key) {
            Some(entry) => entry.1 = value,
            None => self.meta.push((key.to_owned(), value)),
        }
    }

    /// Removes a metadata value.
    pub fn unset(&mut self, key: &str) {
        self.meta.retain(|(name, _)| name != key);
    }

    /// A tensor by GGUF's name.
    pub fn tensor(&mut self, name: &str) -> &mut Tensor {
        self.tensors.iter_mut().find(|tensor| tensor.name == name).unwrap()
    }

    /// The file's bytes.
    pub fn write(&self) -> Vec<u8> {
        let mut out = b"GGUF".to_vec();
        out.extend(self.version.to_le_bytes());
        out.extend(self.tensor_count.unwrap_or(self.tensors.len() as u64).to_le_bytes());
        out.extend(self.meta_count.unwrap_or(self.meta.len() as u64).to_le_bytes());
        for (key, value) in &self.meta {
            text(&mut out, key);
            write_meta(&mut out, value);
        }
        let mut offset = 0_u64;
        for tensor in &self.tensors {
            text(&mut out, &tensor.name);
            out.extend(u32::try_from(tensor.shape.len()).unwrap().to_le_bytes());
            for size in &tensor.shape {
                out.extend(size.to_le_bytes());
            }
            out.extend(tensor.kind.to_le_bytes());
            out.extend(tensor.offset.unwrap_or(offset).to_le_bytes());
            offset = (offset + tensor.data.len() as u64).next_multiple_of(32);
        }
        out.resize(out.len().next_multiple_of(32), 0);
        for tensor in &self.tensors {
            out.extend(&tensor.data);
            out.resize(out.len().next_multiple_of(32), 0);
        }
        out
    }
}

fn write_meta(out: &mut Vec<u8>, value: &Meta) {
    let mut tag = |kind: u32| out.extend(kind.to_le_bytes());
    match value {
        Meta::U32(n) => {
            tag(4);
            out.extend(n.to_le_bytes());
        }
        Meta::F32(x) => {
            tag(6);
            out.extend(x.to_le_bytes());
        }
        Meta::Bool(b) => {
            tag(7);
            out.push(u8::from(*b));
        }
        Meta::Text(string) => {
            tag(8);
            text(out, string);
        }
        Meta::Texts(list) => {
            tag(9);
            out.extend(8_u32.to_le_bytes());
            out.extend((list.len() as u64).to_le_bytes());
            list.iter().for_each(|string| text(out, string));
        }
        Meta::I32s(list) => {
            tag(9);
            out.extend(5_u32.to_le_bytes());
            out.extend((list.len() as u64).to_le_bytes());
            list.iter().for_each(|n| out.extend(n.to_le_bytes()));
        }
        Meta::Raw(kind, bytes) => {
            tag(*kind);
            out.extend(bytes);
        }
    }
}

/// A tiny shape of either family, with the small vocabulary.
pub fn tiny_config(arch: Architecture, tied_head: bool) -> Config {
    Config {
        arch,
        layers: 2,
        hidden: 64,
        heads: 4,
        kv_heads: 2,
        // Qwen3 sets the head's width apart from hidden / heads.
        head_dim: if arch == Architecture::Qwen3 { 32 } else { 16 },
        ffn: 96,
        vocab: Vocab::small().tokens.len(),
        context: 512,
        rope_theta: 10_000.0,
        rms_eps: 1e-6,
        tied_head,
    }
}

/// A whole random model of that shape: matrices in `dtype` (whose blocks must divide hidden and feed-forward sizes),
/// norms and biases in F32. `config.vocab` may be larger than the small vocabulary.
pub fn model(config: &Config, dtype: DType, seed: u64) -> Gguf {
    let mut file = Gguf { version: 3, meta: Vec::new(), tensors: Vec::new(), tensor_count: None, meta_count: None };
    metadata(&mut file, config);
    let mut rng = Rng(seed);
    let mut matrix = |file: &mut Gguf, name: String, rows: usize, cols: usize| {
        let data = weights(&mut rng, dtype, rows * cols, 1.0 / (cols as f32).sqrt());
        let shape = vec![cols as u64, rows as u64];
        file.tensors.push(Tensor { name, shape, kind: kind(dtype), data, offset: None });
    };
    let (query, key) = (config.heads * config.head_dim, config.kv_heads * config.head_dim);
    matrix(&mut file, "token_embd.weight".into(), config.vocab, config.hidden);
    if !config.tied_head {
        matrix(&mut file, "output.weight".into(), config.vocab, config.hidden);
    }
    for layer in 0..config.layers {
        for (part, rows, cols) in [
            ("attn_q", query, config.hidden),
            ("attn_k", key, config.hidden),
            ("attn_v", key, config.hidden),
            ("attn_output", config.hidden, query),
            ("ffn_gate", config.ffn, config.hidden),
            ("ffn_up", config.ffn, config.hidden),
            ("ffn_down", config.hidden, config.ffn),
        ] {
            matrix(&mut file, format!("blk.{layer}.{part}.weight"), rows, cols);
        }
    }
    let mut vector = |file: &mut Gguf, name: String, cols: usize, mean: f32| {
        let data = (0..cols).flat_map(|_| (mean + 0.1 * rng.normal()).to_le_bytes()).collect();
        file.tensors.push(Tensor { name, shape: vec![cols as u64], kind: 0, data, offset: None });
    };
    vector(&mut file, "output_norm.weight".into(), config.hidden, 1.0);
    for layer in 0..config.layers {
        let name = |part: &str| format!("blk.{layer}.{part}");
        vector(&mut file, name("attn_norm.weight"), config.hidden, 1.0);
        vector(&mut file, name("ffn_norm.weight"), config.hidden, 1.0);
        match config.arch {
            Architecture::Qwen2 => {
                vector(&mut file, name("attn_q.bias"), query, 0.0);
                vector(&mut file, name("attn_k.bias"), key, 0.0);
                vector(&mut file, name("attn_v.bias"), key, 0.0);
            }
            Architecture::Qwen3 => {
                vector(&mut file, name("attn_q_norm.weight"), config.head_dim, 1.0);
                vector(&mut file, name("attn_k_norm.weight"), config.head_dim, 1.0);
            }
        }
    }
    file
}

fn metadata(file: &mut Gguf, config: &Config) {
    let arch = match config.arch {
        Architecture::Qwen2 => "qwen2",
        Architecture::Qwen3 => "qwen3",
    };
    let vocab = Vocab::small();
    let number = |n: usize| Meta::U32(u32::try_from(n).unwrap());
    file.set("general.architecture", Meta::Text(arch.into()));
    file.set("general.name", Meta::Text(format!("tiny {arch}")));
    for (key, value) in [
        ("block_count", number(config.layers)),
        ("context_length", number(config.context)),
        ("embedding_length", number(config.hidden)),
        ("feed_forward_length", number(config.ffn)),
        ("attention.head_count", number(config.heads)),
        ("attention.head_count_kv", number(config.kv_heads)),
        ("attention.key_length", number(config.head_dim)),
        ("attention.value_length", number(config.head_dim)),
        ("attention.layer_norm_rms_epsilon", Meta::F32(config.rms_eps)),
        ("rope.freq_base", Meta::F32(config.rope_theta)),
    ] {
        file.set(&format!("{arch}.{key}"), value);
    }
    let merges = vocab.merges.iter().map(|(a, b)| format!("{a} {b}")).collect();
    file.set("tokenizer.ggml.eos_token_id", Meta::U32(vocab.id("<|im_end|>")));
    file.set("tokenizer.ggml.model", Meta::Text("gpt2".into()));
    file.set("tokenizer.ggml.pre", Meta::Text("qwen2".into()));
    file.set("tokenizer.ggml.merges", Meta::Texts(merges));
    file.set("tokenizer.ggml.tokens", Meta::Texts(vocab.tokens));
    file.set("tokenizer.ggml.token_type", Meta::I32s(vocab.kinds));
    file.set("tokenizer.chat_template", Meta::Text(TEMPLATE.into()));
}
