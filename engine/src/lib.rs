//! A Qwen inference engine: WGSL kernels driven by `wgpu`, or the same kernels in plain Rust.

mod chat;
mod error;
mod loader;
mod model;
mod tokenizer;

pub use chat::{ChatTemplate, Message, Role};
pub use error::{Error, Result};
pub use loader::{DType, ModelFile, Source, TensorInfo, dequantise};
pub use model::{Architecture, Config};
pub use tokenizer::{TextStream, Tokenizer};
