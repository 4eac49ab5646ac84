//! A provider's stream, from bytes to chunks, without any clock or socket.
//!
//! Start at [`Reader`]; what the events of a dialect say is told by its [`Decode`].
//!
//! **Invariant:** an answer is complete only if the upstream said why it ended. What follows that (usage, the last event, a cut) can
//! no longer spoil it; whatever else ends the stream before is an error.

use bytes::Bytes;

use super::sse::{Event, Events};
use super::{anthropic, openai};
use crate::chat::{Chunk, Dialect};
use crate::error::{Error, Kind};

/// Whether the events go on to the caller as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Raw {
    /// They do: every chunk holds its event.
    Keep,
    /// They do not: no chunk does.
    Drop,
}

/// What an event came to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// It cannot be read; nothing is lost but itself.
    Malformed,
    /// It shows that the model works, be it only on its reasoning.
    Progress,
    /// It shows nothing of the model.
    Idle,
    /// It ends the stream.
    Ends,
}

impl Step {
    /// Whether the model shows that it works.
    pub(crate) fn of(is_progress: bool) -> Self {
        if is_progress { Self::Progress } else { Self::Idle }
    }
}

/// The meaning of a dialect's events.
pub(crate) trait Decode: Send {
    /// Takes an event in and adds what it says to the chunk.
    fn event(&mut self, event: &Event, chunk: &mut Chunk) -> Result<Step, Error>;

    /// Whether the upstream has said why it ended.
    fn is_finished(&self) -> bool;

    /// The last deltas, once the upstream has said why it ended.
    fn finish(&mut self) -> Option<Chunk>;

    /// The event that ends a stream of this dialect, for a stream that ended without.
    fn last_event(&self) -> &'static [u8];
}

/// Takes the bytes of an answer in and gives its chunks.
pub struct Reader {
    events: Events,
    decode: Box<dyn Decode>,
    raw: Raw,
    last: Option<Chunk>,
    broken: Option<Error>,
    read: u64,
    skipped: u64,
    progress: u64,
    has_ended: bool,
}

impl Reader {
    /// For a stream in this dialect.
    ///
    /// # Errors
    /// [`Kind::Misconfigured`] for a dialect that no provider speaks.
    pub fn new(dialect: Dialect, raw: Raw) -> Result<Self, Error> {
        let decode: Box<dyn Decode> = match dialect {
            Dialect::OpenAiChat => Box::new(openai::stream::Decoder::default()),
            Dialect::Anthropic => Box::new(anthropic::stream::Decoder::default()),
            Dialect::OpenAiResponses => return Err(Kind::Misconfigured.into()),
        };
        Ok(Self { events: Events::default(), decode, raw, last: None, broken: None, read: 0, skipped: 0, progress: 0, has_ended: false })
    }

    /// Adds what has come.
    pub fn push(&mut self, bytes: &[u8]) {
        self.events.push(bytes);
    }

    /// The next chunk of what has come so far; `None` if there is none yet, or if [`Reader::has_ended`].
    ///
    /// # Errors
    /// What the upstream says went wrong; [`Kind::Cut`] if it ends without a reason; [`Kind::Malformed`] if an event is too long.
    pub fn next_chunk(&mut self) -> Result<Option<Chunk>, Error> {
        loop {
            if self.has_ended {
                return Ok(self.last.take());
            }
            let Some(event) = self.events.next().map_err(|error| Error::caused_by(Kind::Malformed, error))? else { return Ok(None) };
            if let Some(chunk) = self.event(&event)? {
                return Ok(Some(chunk));
            }
        }
    }

    /// Says that nothing more comes, and why if it is no proper end. What was left without an end is read first.
    ///
    /// To be called again, with nothing, until [`Reader::has_ended`] or an error.
    ///
    /// # Errors
    /// Unless the upstream had said why it ended: the given one, or [`Kind::Cut`], or [`Kind::Malformed`] if nothing could be read.
    pub fn close(&mut self, broken: Option<Error>) -> Result<Option<Chunk>, Error> {
        self.broken = self.broken.take().or(broken);
        if let Some(event) = self.events.rest().filter(|_| !self.has_ended)
            && let Some(chunk) = self.event(&event)?
        {
            return Ok(Some(chunk));
        }
        if !self.has_ended {
            let cut = if self.read == 0 { Kind::Malformed } else { Kind::Cut };
            let broken = self.broken.take().unwrap_or_else(|| cut.into());
            self.end(None, broken)?;
        }
        Ok(self.last.take())
    }

    fn event(&mut self, event: &Event) -> Result<Option<Chunk>, Error> {
        let mut chunk = Chunk::default();
        let step = self.decode.event(event, &mut chunk)?;
        match step {
            Step::Malformed => {
                self.skipped += 1;
                Ok(None)
            }
            Step::Progress | Step::Idle => {
                self.read += 1;
                self.progress += u64::from(step == Step::Progress);
                chunk.raw = (self.raw == Raw::Keep).then(|| event.raw.clone());
                Ok((chunk.raw.is_some() || !chunk.deltas.is_empty()).then_some(chunk))
            }
            Step::Ends => {
                self.end(Some(event.raw.clone()), Kind::Cut.into())?;
                Ok(self.last.take())
            }
        }
    }

    fn end(&mut self, raw: Option<Bytes>, otherwise: Error) -> Result<(), Error> {
        let mut chunk = self.decode.finish().ok_or(otherwise)?;
        self.has_ended = true;
        chunk.raw = (self.raw == Raw::Keep).then(|| raw.unwrap_or_else(|| Bytes::from_static(self.decode.last_event())));
        self.last = Some(chunk);
        Ok(())
    }

    /// Whether the last chunk was given, or only waits to be taken.
    pub fn has_ended(&self) -> bool {
        self.has_ended && self.last.is_none()
    }

    /// Whether the upstream has said why it ended; only usage can follow.
    pub fn is_finished(&self) -> bool {
        self.has_ended || self.decode.is_finished()
    }

    /// How often the model showed that it works.
    pub fn progress(&self) -> u64 {
        self.progress
    }

    /// Events that could not be read.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }
}
