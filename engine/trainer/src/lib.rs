//! The training data of the embedded model: questions, and the programs that answer them.
//!
//! Examples come from a seeded generator ([`generate::Generator`]), whose grammar lies in `grammar/`, and from published data sets
//! ([`read`]). Each is checked before it is used ([`verify::verify`]): the engine's number binding must find the numbers that were
//! meant, and the program must compute the answer. Sets that the model is only measured on have a type without
//! programs ([`read::EvalSet`]), so that nothing can be trained on them by mistake.

pub mod augment;
pub mod constants;
pub mod controls;
pub mod digits;
pub mod direct;
pub mod distract;
mod error;
pub mod evaluate;
pub mod example;
pub mod export;
pub mod expression;
pub mod formula;
pub mod generate;
pub mod grammar;
pub mod judge;
pub mod mistakes;
pub mod model;
pub mod numbers;
pub mod plot;
pub mod read;
pub mod shape;
pub mod skeleton;
pub mod think;
pub mod train;
pub mod verify;
pub mod vocabulary;

pub use error::{Error, Result};
