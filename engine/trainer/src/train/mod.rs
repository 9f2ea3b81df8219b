//! Training: examples to sequences, sequences to batches, batches to weights.

mod batch;
mod run;
mod sequence;

pub use self::batch::Batch;
pub use self::run::{Options, run};
pub use self::sequence::{Reader, Sequence};
