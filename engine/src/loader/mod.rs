//! From model files to a checked configuration and a list of tensors.

mod dtype;

pub use dtype::{DType, TensorInfo};
