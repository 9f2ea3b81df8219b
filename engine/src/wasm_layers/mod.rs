//! The WASM layers: from a question's numbers and hidden states to candidate programs.

pub mod config;
mod decimal;
mod decode;
mod encode;
mod exact;
mod focus;
mod grammar;
mod layers;
pub mod numbers;
mod pass;
pub mod program;
mod rescore;
mod step;
mod weights;

pub use config::FILE;
pub use decimal::{display, near, rational};
pub use decode::{BEAMS, Candidate};
pub use encode::Question;
pub use exact::{Exactness, exactness};
pub use layers::{Base, WasmLayers};
pub use num_rational::BigRational;
pub use rescore::Score;
#[cfg(not(target_arch = "wasm32"))]
pub use weights::write;
pub use weights::{full_name, read, to_bytes};
