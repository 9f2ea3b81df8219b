//! Which base a file holds, however its weights are stored.

use half::bf16;

use super::ModelFile;
use crate::loader::dequantise;
use crate::{Architecture, Result};

/// Vectors whose values tell one base from another. Norms are never quantised, differ between any two trainings, and are a few
/// kilobytes to read.
const NORMS: [&str; 2] = ["model.norm.weight", "model.layers.0.input_layernorm.weight"];

impl ModelFile {
    /// Names the base: family, layers, hidden size, vocabulary, and a hash of two of its norms, as in
    /// `qwen3-12x128-v2048-0123456789abcdef`. Layers that were trained on a base's hidden states ask for it by this name.
    ///
    /// It is the same for every quantisation: norms stay floats in all of them. They are published as BF16 and stored as F32,
    /// F16 or BF16, so their values are rounded to the coarsest of these before they are hashed. A base that was tuned further
    /// with its norms frozen keeps its name; its hidden states are near the old ones.
    ///
    /// # Errors
    /// [`crate::Error::Source`] when reading fails, [`crate::Error::Format`] for a model without norms.
    pub async fn fingerprint(&self) -> Result<String> {
        let mut hash = Fnv::new();
        for name in NORMS {
            let tensor = self.tensor(name)?;
            let bytes = self.read(tensor, 0, tensor.bytes as usize).await?;
            let mut values = vec![0.0; tensor.rows * tensor.cols];
            dequantise(tensor.dtype, &bytes, &mut values)?;
            values.iter().for_each(|value| hash.take(&bf16::from_f32(*value).to_le_bytes()));
        }
        let family = match self.config.arch {
            Architecture::Qwen2 => "qwen2",
            Architecture::Qwen3 => "qwen3",
        };
        let (layers, hidden, vocab) = (self.whole, self.config.hidden, self.config.vocab);
        Ok(format!("{family}-{layers}x{hidden}-v{vocab}-{:016x}", hash.0))
    }
}

/// FNV-1a, 64 bits: the same on every machine and in every version, which the standard library's hasher does not promise.
struct Fnv(u64);

impl Fnv {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn take(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_fnv_1a() {
        // From the authors' table of test vectors.
        for (text, wanted) in
            [("", 0xcbf2_9ce4_8422_2325), ("a", 0xaf63_dc4c_8601_ec8c), ("foobar", 0x8594_4171_f739_67e8)]
        {
            let mut hash = Fnv::new();
            hash.take(text.as_bytes());
            assert_eq!(hash.0, wanted, "{text}");
        }
    }
}
