//! A Qwen inference engine: WGSL kernels driven by `wgpu`, or the same kernels in plain Rust.

mod error;
pub mod kernels;
mod loader;
mod model;
mod recording;

pub use error::{Error, Result};
pub use loader::{DType, TensorInfo};
pub use model::{Architecture, Config, KvType};
pub use recording::{BufferId, Dispatch, Recording, Run, Slice, Workgroups};
