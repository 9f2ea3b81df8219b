//! What the tests share.

pub mod browser;
pub mod golden;
pub mod page;
pub mod server;
