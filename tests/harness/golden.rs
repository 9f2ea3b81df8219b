//! The golden files: small checkpoints with what transformers computes from them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a broken golden file fails the test that reads it")]

use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use serde::Deserialize;
use wattage_engine::{Cancel, ChatOptions, LoadOptions, Prompt, Result, Sampling, Session, Source};

/// Tokens whose logits are known.
#[derive(Debug, Deserialize)]
pub struct Sequence {
    /// Its name in the tensors' file.
    pub name: String,
    /// The tokens.
    pub ids: Vec<u32>,
    /// The positions whose logits and taps are kept.
    pub positions: Vec<usize>,
}

/// What a prompt is answered with greedily.
#[derive(Debug, Deserialize)]
pub struct Greedy {
    /// Tokens of the prompt.
    pub prompt: Vec<u32>,
    /// Tokens of the answer.
    pub ids: Vec<u32>,
    /// For each token, how far its logit is above the next.
    pub margins: Vec<f32>,
}

#[derive(Debug, Deserialize)]
struct Expected {
    sequences: Vec<Sequence>,
    greedy: Vec<Greedy>,
}

/// One checkpoint.
pub struct Golden {
    /// Its name.
    pub name: String,
    files: Vec<PathBuf>,
    expected: Expected,
    tensors: Vec<u8>,
}

/// The folder of golden files.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden")
}

/// Every checkpoint.
#[must_use]
pub fn all() -> Vec<Golden> {
    let set = ["model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json"];
    let mut all = Vec::new();
    for name in ["qwen3-tiny", "qwen2-tiny"] {
        let files = set.iter().map(|file| folder().join(name).join(file)).collect();
        all.push(Golden::read(name, files, &format!("{name}/expected")));
        let gguf = format!("{name}.gguf");
        all.push(Golden::read(&gguf, vec![folder().join(&gguf)], &format!("{gguf}.expected")));
    }
    all
}

impl Golden {
    fn read(name: &str, files: Vec<PathBuf>, expected: &str) -> Self {
        let json = std::fs::read_to_string(folder().join(format!("{expected}.json"))).unwrap();
        Self {
            name: name.to_owned(),
            files,
            expected: serde_json::from_str(&json).unwrap(),
            tensors: std::fs::read(folder().join(format!("{expected}.safetensors"))).unwrap(),
        }
    }

    /// Loads the checkpoint.
    ///
    /// # Errors
    /// As [`Session::load`].
    pub fn load(&self, options: &LoadOptions) -> Result<Session> {
        pollster::block_on(Session::load(self.sources()?, options, &Cancel::new(), &mut |_| {}))
    }

    /// Its files.
    ///
    /// # Errors
    /// The engine's, where one cannot be read.
    pub fn sources(&self) -> Result<Vec<Source>> {
        self.files.iter().map(|file| Source::file(file)).collect()
    }

    /// The sequences with known logits.
    #[must_use]
    pub fn sequences(&self) -> &[Sequence] {
        &self.expected.sequences
    }

    /// The known answers.
    #[must_use]
    pub fn greedy(&self) -> &[Greedy] {
        &self.expected.greedy
    }

    /// A tensor of what is expected.
    #[must_use]
    pub fn tensor(&self, name: &str) -> Vec<f32> {
        let file = SafeTensors::deserialize(&self.tensors).unwrap();
        let bytes = file.tensor(name).unwrap().data();
        bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
    }

    /// Checks greedy answers up to where two tokens are nearer than `near`.
    ///
    /// # Panics
    /// Where a token differs.
    pub fn greedy_agrees(&self, session: &mut Session, near: f32) {
        let mut compared = 0;
        for greedy in self.greedy() {
            let clear = greedy.margins.iter().position(|margin| *margin < near).unwrap_or(greedy.ids.len());
            if clear == 0 {
                continue;
            }
            let options = ChatOptions { sampling: Sampling::greedy(), max_tokens: clear, ..ChatOptions::default() };
            let prompt = Prompt::Tokens(&greedy.prompt);
            let answer = pollster::block_on(session.complete(prompt, &options, &Cancel::new(), &mut |_| {})).unwrap();
            let count = clear.min(answer.tokens.len());
            assert_eq!(answer.tokens, greedy.ids[..count], "{}", self.name);
            compared += count;
        }
        assert!(compared >= 20, "{}: only {compared} tokens could be compared", self.name);
    }
}
