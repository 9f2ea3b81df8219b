//! Readers of published data sets.
//!
//! [`gsm8k`] and [`mawps`] give examples to train on. [`EvalSet`] holds what a model is measured on: it has no
//! programs, and nothing makes an [`Example`] of it, so that a set for measuring cannot be trained on by mistake. SVAMP and ASDiv can
//! be read in that way only.

mod compose;
mod eval;
mod gsm8k;
mod mawps;

pub use compose::{Step, compose, compose_over};
pub use eval::{EvalItem, EvalSet};
pub use gsm8k::gsm8k;
pub use mawps::mawps;

use crate::example::Example;

/// A data set that was read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Loaded {
    /// Its entries, those without a program too: see [`Example::trainable`].
    pub examples: Vec<Example>,
    /// How many of them have a program.
    pub programs: usize,
}

impl Loaded {
    fn add(&mut self, example: Example) {
        self.programs += usize::from(example.program.is_some());
        self.examples.push(example);
    }
}
