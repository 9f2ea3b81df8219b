//! The WASM layers: from a question's numbers and hidden states to candidate programs.

mod decimal;
mod exact;
pub mod numbers;
pub mod program;

pub use decimal::{display, rational};
pub use exact::{Exactness, exactness};
pub use num_rational::BigRational;
