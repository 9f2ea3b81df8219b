//! Text of a stream of ids.

use super::Tokenizer;

/// Decodes a stream of ids into whole characters: bytes of a character whose rest is still to come are held back.
#[derive(Debug, Clone, Default)]
pub struct TextStream {
    held: Vec<u8>,
}

impl TextStream {
    /// A stream with nothing held back.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next id and gives the text that is complete now; may be empty. Control tokens give no text.
    pub fn push(&mut self, tokenizer: &Tokenizer, id: u32) -> String {
        if !tokenizer.is_control(id) {
            self.held.extend(tokenizer.bytes_of(id));
        }
        let mut text = String::new();
        loop {
            match std::str::from_utf8(&self.held) {
                Ok(valid) => {
                    text.push_str(valid);
                    self.held.clear();
                    return text;
                }
                Err(error) => {
                    let rest = self.held.split_off(error.valid_up_to());
                    text.push_str(&String::from_utf8_lossy(&self.held));
                    self.held = rest;
                    let Some(broken) = error.error_len() else { return text };
                    text.push(char::REPLACEMENT_CHARACTER);
                    self.held.drain(..broken);
                }
            }
        }
    }

    /// Ends the stream: a character that never became whole comes out as U+FFFD.
    pub fn finish(&mut self) -> String {
        let text = String::from_utf8_lossy(&self.held).into_owned();
        self.held.clear();
        text
    }
}
