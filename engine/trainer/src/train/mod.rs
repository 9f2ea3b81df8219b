//! Training: examples to sequences, sequences to batches, batches to weights.

mod batch;
mod checkpoint;
mod losses;
mod run;
mod score;
mod sequence;
mod workers;

pub use self::batch::{Batch, Next};
pub use self::checkpoint::{Place, average};
pub use self::run::{Nets, Options, run};
pub use self::score::{Score, score};
pub use self::sequence::{Reader, Sequence, turn_before};
