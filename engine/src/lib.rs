//! A Qwen inference engine: WGSL kernels driven by `wgpu`, or the same kernels in plain Rust.

mod error;
mod loader;
mod model;

pub use error::{Error, Result};
pub use loader::{DType, TensorInfo};
pub use model::{Architecture, Config};
