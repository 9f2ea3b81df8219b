//! Models that can be had, as their authors publish them.

use super::Target;
use crate::{known, language::key};

/// A model that the page knows of.
#[derive(Debug, PartialEq, Eq)]
pub struct Known {
    /// Its name.
    pub name: &'static str,
    /// Who made it, and the page that says so.
    pub source: (&'static str, &'static str),
    /// Its licence, by SPDX's name.
    pub licence: &'static str,
    /// Where its file is.
    pub url: &'static str,
    /// The file's length in bytes.
    pub bytes: u64,
    /// The file's SHA-256, in hexadecimal digits.
    pub sha256: &'static str,
    /// The folder of `models` where WASM layers for it would be.
    pub folder: &'static str,
}

/// All of them.
pub const KNOWN: [Known; 2] = [
    Known {
        name: "Qwen3 0.6B",
        source: (key("Qwen, on Hugging Face"), "https://huggingface.co/Qwen/Qwen3-0.6B-GGUF"),
        licence: "Apache-2.0",
        url: "https://huggingface.co/Qwen/Qwen3-0.6B-GGUF/resolve/main/Qwen3-0.6B-Q8_0.gguf",
        bytes: 639_446_688,
        sha256: "9465e63a22add5354d9bb4b99e90117043c7124007664907259bd16d043bb031",
        folder: "qwen3-0.6b",
    },
    Known {
        name: "Qwen2.5 Coder 0.5B Instruct",
        source: (key("Qwen, on Hugging Face"), "https://huggingface.co/Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF"),
        licence: "Apache-2.0",
        url: "https://huggingface.co/Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF/resolve/main/qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
        bytes: 491_400_064,
        sha256: "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        folder: "qwen2.5-coder-0.5b",
    },
];

impl Known {
    /// Whether trained WASM layers for it come with the page.
    pub fn has_layers(&self) -> bool {
        known::LAYERS.iter().any(|(_, folder)| *folder == self.folder)
    }

    /// What is to be kept of it.
    pub fn target(&self) -> Target {
        Target { sha256: Some(self.sha256.to_owned()), bytes: Some(self.bytes), ..Target::of_url(self.url) }
    }
}
