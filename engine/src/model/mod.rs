//! The model: configuration, weights and run state, kept apart.

mod config;

pub use config::{Architecture, Config, KvType};
