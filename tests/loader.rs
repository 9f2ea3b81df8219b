//! The loader: real shapes of files are read, and everything else is refused with an error that says what.

// Everything here is test code, which may stop at the first surprise.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "loader/chat.rs"]
mod chat;
#[path = "loader/dequant.rs"]
mod dequant;
#[path = "loader/gguf.rs"]
mod gguf;
#[path = "loader/hf.rs"]
mod hf;
#[path = "loader/hostile.rs"]
mod hostile;
#[path = "loader/tokenizer.rs"]
mod tokenizer;

use wattage_engine::{Error, ModelFile, Source};

/// Opens bytes as a file of that name.
fn open(name: &str, bytes: Vec<u8>) -> Result<ModelFile, Error> {
    pollster::block_on(ModelFile::open(vec![Source::bytes(name, bytes)]))
}

/// Opens bytes that must be refused, and gives the message.
fn refused(bytes: Vec<u8>) -> String {
    match open("model.gguf", bytes) {
        Ok(_) => panic!("a broken file was opened"),
        Err(error) => error.to_string(),
    }
}
