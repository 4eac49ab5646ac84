//! What goes over the wire in each dialect, in both directions, without any socket.
//!
//! The fixtures are what the public references of the APIs say that servers and callers send.

mod callers;
mod conform;
mod requests;
mod responses;
mod roundtrip;
mod streams;

use std::time::{Duration, Instant};

use steward_llm::chat::{Dialect, Usage};
use steward_llm::dialect::{Defaults, Head, Raw, Reader};
use steward_llm::{Chunk, Collector, Delta, Error, Reply};

pub(crate) fn defaults() -> Defaults {
    Defaults { max_tokens: 500, deadline: Instant::now() + Duration::from_secs(60) }
}

fn head() -> Head {
    Head { id: "abc".to_owned(), model: "alias".to_owned(), created: 1_760_000_000, shows_usage: true }
}

fn usage(input: u64, output: u64) -> Usage {
    Usage { input_tokens: input, output_tokens: output, ..Usage::default() }
}

/// Reads a stream that arrives in these pieces.
fn read_pieces<'a>(dialect: Dialect, raw: Raw, pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Chunk>, Option<Error>, u64) {
    let mut reader = Reader::new(dialect, raw).unwrap();
    let mut chunks = Vec::new();
    let mut pieces = pieces.into_iter();
    let mut is_closed = false;
    let error = loop {
        let next = if is_closed { reader.close(None) } else { reader.next_chunk() };
        match next {
            Ok(Some(chunk)) => chunks.push(chunk),
            Ok(None) if reader.has_ended() => break None,
            Ok(None) => match pieces.next() {
                Some(piece) => reader.push(piece),
                None => is_closed = true,
            },
            Err(error) => break Some(error),
        }
    };
    (chunks, error, reader.skipped())
}

fn read(dialect: Dialect, stream: &[u8]) -> (Vec<Delta>, Option<Error>) {
    let (chunks, error, _) = read_pieces(dialect, Raw::Drop, [stream]);
    (chunks.into_iter().flat_map(|chunk| chunk.deltas).collect(), error)
}

fn collected(deltas: &[Delta]) -> Reply {
    let mut collector = Collector::default();
    deltas.iter().for_each(|delta| collector.add(delta));
    collector.finish().unwrap()
}
