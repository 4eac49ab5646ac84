//! What can go wrong, for callers ([`Error`]) and between the client and its worker ([`Failure`]).

use std::io;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use crate::frame;
use crate::protocol::VERSION;

/// Why there are no vectors. Callers go on without them.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    #[error("embeddings are switched off: {0}")]
    Off(Arc<str>),
    /// The worker has just failed to start, or failed twice in a row; it is tried again later.
    #[error("the embedder is down")]
    Down(#[source] Arc<Failure>),
    #[error("the embedder did not answer within {0:?}")]
    TimedOut(Duration),
    /// Ask again later, with less at once.
    #[error("more than {0} batches of texts wait to be embedded")]
    Busy(usize),
    #[error("the texts could not be embedded")]
    Refused(#[source] Arc<Refusal>),
    #[error("the embedder is stopping")]
    Stopping,
}

/// What the worker said about texts that it could not embed. It never holds the texts.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub(crate) String);

impl Error {
    /// Stable, for logs, metrics and callers that tell cases apart.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Off(_) => "embedder.off",
            Self::Down(_) => "embedder.down",
            Self::TimedOut(_) => "embedder.timed_out",
            Self::Busy(_) => "embedder.busy",
            Self::Refused(_) => "embedder.refused",
            Self::Stopping => "embedder.stopping",
        }
    }
}

/// Why a worker process is no longer used.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("the worker could not be started")]
    Start(#[source] io::Error),
    /// In the worker's own words.
    #[error("the worker could not load the model: {0}")]
    Load(String),
    #[error("the worker was not ready within {0:?}")]
    NotReady(Duration),
    #[error("the worker speaks version {0} of the protocol, this program speaks {VERSION}: start this program again")]
    Version(u32),
    #[error("the worker computes {0}, which is not what this program expects: start this program again")]
    Model(String),
    #[error("the worker ended ({0})")]
    Ended(ExitStatus),
    #[error("the worker computed nothing for {0:?}")]
    Stalled(Duration),
    #[error("nothing can be sent to the worker")]
    Send(#[source] frame::Error),
    #[error("what the worker sends cannot be read")]
    Receive(#[source] frame::Error),
    #[error("the worker closed its output")]
    Closed,
    #[error("the worker sent a message out of turn")]
    OutOfTurn,
    #[error("the worker answered {found} vectors for {expected} texts, or vectors of other dimensions")]
    Shape { expected: usize, found: usize },
}
