//! The models that a visitor keeps: which are known, which are on this computer, and how they get there.
//!
//! A kept model is a folder of the origin's private file system, with the file and a [`Record`] of it. A file is whole once its
//! record says so, which is the last that is written, and in one piece: what a closed tab or a lost network leaves is a part
//! that is gone on with.

mod catalog;
#[cfg(target_arch = "wasm32")]
mod download;
mod folder;
mod lock;
mod record;
mod shelf;

pub use catalog::{KNOWN, Known};
#[cfg(target_arch = "wasm32")]
pub use download::download;
pub use folder::{Folder, Space};
pub use lock::Lock;
pub use record::{PIECE, Record, Target};
pub use shelf::{Download, Shelf};
