//! From model files to a checked configuration and a list of tensors.

#[cfg(target_arch = "wasm32")]
mod ahead;
mod dequant;
mod dtype;
mod expected;
mod gguf;
mod hf_config;
mod model_file;
pub(crate) mod planes;
mod reader;
pub(crate) mod safetensors;
mod source;
#[cfg(target_arch = "wasm32")]
mod web;

pub use dequant::dequantise;
pub use dtype::{DType, TensorInfo};
pub use model_file::ModelFile;
pub use source::Source;
