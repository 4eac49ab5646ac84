//! Values come back into a text that arrives in pieces.
//!
//! Only what may still become a placeholder is held back: a bracket with the beginning of one that was issued. Everything before it
//! is passed on at once.

use std::sync::Arc;

use super::{Placeholders, Refused};

/// Restores one text of a stream. Each text (each choice, each tool call) needs its own.
#[derive(Debug)]
pub struct Restoring {
    placeholders: Arc<Placeholders>,
    held: String,
    /// The first bytes of a character whose others have not come yet.
    cut: Vec<u8>,
}

impl Restoring {
    /// Nothing has arrived yet.
    pub fn new(placeholders: Arc<Placeholders>) -> Self {
        Self { placeholders, held: String::new(), cut: Vec::new() }
    }

    /// Takes the next piece and gives what may be shown of it and of what was held.
    pub fn push(&mut self, piece: &str) -> String {
        self.held.push_str(piece);
        let ready = match self.held.rfind('[') {
            // Placeholders have their only opening bracket in front, so only the last one can begin an unfinished one.
            Some(open) if self.placeholders.begins(&self.held[open..]) => open,
            _ => self.held.len(),
        };
        let restored = self.placeholders.restore(&self.held[..ready]).into_owned();
        self.held.drain(..ready);
        restored
    }

    /// As [`Self::push`], for pieces that may end within a character. Bytes that are no text are refused.
    pub fn push_bytes(&mut self, piece: &[u8]) -> Result<String, Refused> {
        self.cut.extend_from_slice(piece);
        let bytes = std::mem::take(&mut self.cut);
        match std::str::from_utf8(&bytes) {
            Ok(text) => Ok(self.push(text)),
            Err(error) if error.error_len().is_none() => {
                let (text, cut) = bytes.split_at(error.valid_up_to());
                self.cut = cut.to_vec();
                let text = std::str::from_utf8(text).map_err(|_| Refused::Unreadable)?;
                Ok(self.push(text))
            }
            Err(_) => Err(Refused::Unreadable),
        }
    }

    /// The end: what was held, which has not become a placeholder. A text that ends within a character is refused.
    pub fn finish(self) -> Result<String, Refused> {
        if self.cut.is_empty() { Ok(self.held) } else { Err(Refused::Unreadable) }
    }
}

#[cfg(test)]
pub(super) mod tests;
