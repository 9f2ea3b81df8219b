//! The embedded model computes: from a question to the number in its answer, and what it does with questions that cannot be
//! computed.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failure here fails the test that called")]

#[path = "compute/answers.rs"]
mod answers;
#[path = "compute/bad_input.rs"]
mod bad_input;
#[path = "compute/controls.rs"]
mod controls;
