//! Training: examples to sequences, sequences to batches, batches to weights.

mod batch;
mod checkpoint;
mod index;
mod losses;
mod run;
mod score;
mod sequence;
mod states;
mod workers;

pub use self::batch::{Batch, Next};
pub use self::checkpoint::{Place, average};
pub use self::index::{Head, Index, Line};
pub use self::run::{Material, Nets, Options, Shapes, run};
pub use self::score::{Score, score};
pub use self::sequence::{Reader, Sequence, turn_before};
pub use self::states::{Standard, States, StatesWriter, Stored};
