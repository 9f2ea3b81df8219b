//! The model: configuration, weights and run state, kept apart, and the forward pass as recordings.

mod config;
mod forward;
mod pass;
mod state;
mod weights;

pub use config::{Architecture, Config, KvType};
pub(crate) use forward::{beside, decode, greedy, head, heads, prefill, sample, together};
pub(crate) use state::{Beside, CHUNK, Lanes, RunState, StateWords};
pub(crate) use weights::{Matrix, Piece, Weights};
