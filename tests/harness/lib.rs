//! What the tests share.

pub mod browser;
pub mod page;
pub mod server;
