//! Recordings on a GPU, through `wgpu`: WebGPU in the browser, Vulkan, Metal or D3D12 natively.

#[cfg(target_arch = "wasm32")]
mod browser;
mod context;
mod executor;

pub use context::{AdapterInfo, probe};
pub(crate) use executor::{Gpu, Prepared, Readback};
