//! The model: configuration, weights and run state, kept apart, and the forward pass as recordings.

mod config;
mod forward;
mod state;
mod weights;

pub use config::{Architecture, Config, KvType};
pub(crate) use forward::{beside, decode, greedy, head, heads, prefill, sample};
pub(crate) use state::{Beside, CHUNK, RunState, StateWords};
pub(crate) use weights::{Matrix, Piece, Weights};
