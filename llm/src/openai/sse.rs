//! Server-sent events, cut out of a byte stream.
//!
//! Only what a model's stream needs: the `data` of each event, as bytes. Lines end with LF or CRLF; a buffer has a bound, so that
//! an upstream which never ends a line cannot fill the memory; text that is not UTF-8 spoils its own event only.

use bytes::{Buf, Bytes, BytesMut};

/// The longest event that is accepted.
const EVENT_BYTES_MAX: usize = 1024 * 1024;

/// An event is longer than [`EVENT_BYTES_MAX`].
#[derive(Debug, thiserror::Error)]
#[error("an event of the stream is longer than {EVENT_BYTES_MAX} bytes")]
pub(super) struct TooLong;

/// Collects bytes and gives events.
#[derive(Default)]
pub(super) struct Events {
    buffer: BytesMut,
    /// How much of the buffer is known to hold no line end.
    scanned: usize,
    /// The `data` of the event that is being read.
    data: Option<BytesMut>,
}

impl Events {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The data of the next complete event.
    pub(super) fn next(&mut self) -> Result<Option<Bytes>, TooLong> {
        while let Some(found) = self.buffer[self.scanned..].iter().position(|&byte| byte == b'\n') {
            let mut line = self.buffer.split_to(self.scanned + found + 1);
            self.scanned = 0;
            line.truncate(line.len() - 1);
            if line.last() == Some(&b'\r') {
                line.truncate(line.len() - 1);
            }
            if line.is_empty() {
                if let Some(data) = self.data.take() {
                    return Ok(Some(data.freeze()));
                }
            } else {
                self.line(line)?;
            }
        }
        self.scanned = self.buffer.len();
        if self.scanned > EVENT_BYTES_MAX { Err(TooLong) } else { Ok(None) }
    }

    /// What an upstream left that closed the connection without the final empty line.
    pub(super) fn rest(&mut self) -> Result<Option<Bytes>, TooLong> {
        let line = std::mem::take(&mut self.buffer);
        self.scanned = 0;
        self.line(line)?;
        Ok(self.data.take().map(BytesMut::freeze))
    }

    fn line(&mut self, mut line: BytesMut) -> Result<(), TooLong> {
        if !line.starts_with(b"data:") {
            return Ok(());
        }
        line.advance(b"data:".len());
        if line.first() == Some(&b' ') {
            line.advance(1);
        }
        match &mut self.data {
            Some(data) if data.len() + line.len() > EVENT_BYTES_MAX => return Err(TooLong),
            Some(data) => {
                data.extend_from_slice(b"\n");
                data.extend_from_slice(&line);
            }
            None => self.data = Some(line),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
