//! Models of known shapes with made-up weights, to measure speed without a download.

use std::collections::BTreeMap;

use half::f16;
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::ModelFile;
use crate::loader::{DType, Source, TensorInfo, expected};
use crate::{Architecture, ChatTemplate, Config, Error, Result, Tokenizer};

/// Name, family, and: layers, hidden size, heads, key/value heads, head size, feed-forward size, vocabulary.
const SHAPES: [(&str, Architecture, [usize; 7]); 5] = [
    ("qwen3-0.6b", Architecture::Qwen3, [28, 1024, 16, 8, 128, 3072, 151_936]),
    ("qwen3-1.7b", Architecture::Qwen3, [28, 2048, 16, 8, 128, 6144, 151_936]),
    ("qwen2.5-0.5b", Architecture::Qwen2, [24, 896, 14, 2, 64, 4864, 151_936]),
    ("qwen2.5-1.5b", Architecture::Qwen2, [28, 1536, 12, 2, 128, 8960, 151_936]),
    ("qwen3-4m", Architecture::Qwen3, [12, 160, 5, 1, 32, 480, 4096]),
];

impl ModelFile {
    /// A model of a known shape: matrices of random Q8_0 blocks, norms of ones, a tokenizer of bytes. It says nothing of sense
    /// and costs what a real one costs.
    ///
    /// # Errors
    /// [`Error::Request`] for a name that is not known, with those that are.
    pub fn random(shape: &str) -> Result<Self> {
        let known = || SHAPES.map(|(name, ..)| name).join(", ");
        let (_, arch, [layers, hidden, heads, kv_heads, head_dim, ffn, vocab]) = *SHAPES
            .iter()
            .find(|(name, ..)| *name == shape)
            .ok_or_else(|| Error::Request(format!("no shape is called {shape}; there are {}", known())))?;
        let config = Config {
            arch,
            layers,
            hidden,
            heads,
            kv_heads,
            head_dim,
            ffn,
            vocab,
            context: 32_768,
            rope_theta: 1e6,
            rms_eps: 1e-6,
            tied_head: true,
        };
        config.check()?;
        let mut tensors = BTreeMap::new();
        for want in expected::expected(&config) {
            let dtype = if want.float { DType::F32 } else { DType::Q8_0 };
            let bytes = (want.rows * want.cols / dtype.block_values() * dtype.block_bytes()) as u64;
            let source = usize::from(want.float);
            let tensor = TensorInfo {
                name: want.name.clone(),
                dtype,
                rows: want.rows,
                cols: want.cols,
                source,
                offset: 0,
                bytes,
            };
            tensors.insert(want.name, tensor);
        }
        let tokenizer = Tokenizer::of_bytes()?;
        Ok(Self {
            template: ChatTemplate::fallback(&tokenizer),
            whole: config.layers,
            config,
            tensors,
            tokenizer,
            stop_ids: Vec::new(),
            name: format!("random {shape}"),
            quantisation: "Q8_0".to_owned(),
            sources: vec![
                Source::pattern("matrices", blocks()),
                Source::pattern("vectors", 1f32.to_le_bytes().to_vec()),
            ],
        })
    }
}

/// Random Q8_0 blocks with scales that keep activations in bounds.
fn blocks() -> Vec<u8> {
    let mut bytes = vec![0; 4099 * DType::Q8_0.block_bytes()];
    ChaCha8Rng::seed_from_u64(5).fill_bytes(&mut bytes);
    for block in bytes.chunks_exact_mut(DType::Q8_0.block_bytes()) {
        block[..2].copy_from_slice(&f16::from_f32(3e-4).to_bits().to_le_bytes());
    }
    bytes
}
