//! Server-sent events, cut out of a byte stream.
//!
//! Only what a model's stream needs: the `data` of each event, and the event's own bytes for those who pass it on. Neither is
//! copied. Lines end with LF or CRLF; an event has a bound, so that an upstream which never ends one cannot fill the memory; text
//! that is not UTF-8 spoils its own event only.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

/// The longest event that is accepted.
const EVENT_BYTES_MAX: usize = 1024 * 1024;

/// An event is longer than [`EVENT_BYTES_MAX`].
#[derive(Debug, thiserror::Error)]
#[error("an event of the stream is longer than {EVENT_BYTES_MAX} bytes")]
pub(crate) struct TooLong;

/// One event that has data.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// Its data; several lines of it are joined by line feeds.
    pub(crate) data: Bytes,
    /// All of it, with the empty line that ends it.
    pub(crate) raw: Bytes,
}

/// Collects bytes and gives events.
#[derive(Default)]
pub(crate) struct Events {
    /// Begins with the event that is being read.
    buffer: BytesMut,
    /// Where its next line begins.
    line: usize,
    /// Up to where that line is known not to end.
    scanned: usize,
    /// Where its data stands.
    data: Vec<Range<usize>>,
}

impl Events {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next complete event. One without data, such as a comment, is none.
    pub(crate) fn next(&mut self) -> Result<Option<Event>, TooLong> {
        while let Some(found) = self.buffer[self.scanned..].iter().position(|&byte| byte == b'\n') {
            let ends = self.scanned + found;
            let is_empty = self.add_line(ends);
            (self.line, self.scanned) = (ends + 1, ends + 1);
            if is_empty && let Some(event) = self.take(ends + 1) {
                return Ok(Some(event));
            }
            if self.line > EVENT_BYTES_MAX {
                return Err(TooLong);
            }
        }
        self.scanned = self.buffer.len();
        if self.scanned > EVENT_BYTES_MAX { Err(TooLong) } else { Ok(None) }
    }

    /// What an upstream left that closed the connection without the final empty line.
    pub(crate) fn rest(&mut self) -> Option<Event> {
        let ends = self.buffer.len();
        self.add_line(ends);
        self.take(ends).map(|event| Event { raw: [event.raw.trim_ascii_end(), b"\n\n"].concat().into(), ..event })
    }

    /// Notes the data of the line that ends here; true if the line is empty.
    fn add_line(&mut self, ends: usize) -> bool {
        let line = &self.buffer[self.line..ends];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if let Some(data) = line.strip_prefix(b"data:") {
            let data = data.strip_prefix(b" ").unwrap_or(data);
            let from = self.line + line.len() - data.len();
            self.data.push(from..from + data.len());
        }
        line.is_empty()
    }

    /// Takes the event that ends here out of the buffer.
    fn take(&mut self, ends: usize) -> Option<Event> {
        let raw = self.buffer.split_to(ends).freeze();
        (self.line, self.scanned) = (0, 0);
        let data = match &self.data[..] {
            [] => None,
            [one] => Some(raw.slice(one.clone())),
            lines => Some(lines.iter().map(|line| &raw[line.clone()]).collect::<Vec<_>>().join(&b'\n').into()),
        };
        self.data.clear();
        data.map(|data| Event { data, raw })
    }
}

#[cfg(test)]
mod tests;
