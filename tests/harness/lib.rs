//! What the tests share.

// Everything here is test code, which may stop at the first surprise.
#![allow(clippy::unwrap_used, clippy::cast_precision_loss, clippy::cast_possible_truncation)]

pub mod browser;
pub mod gguf;
pub mod golden;
pub mod line;
pub mod page;
pub mod random;
pub mod server;
pub mod tiny;
pub mod vocab;
