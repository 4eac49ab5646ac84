//! What can go wrong with a record, and what goes wrong with everything at once. The two must be told apart: a record
//! that cannot be indexed is put aside, while an engine that is away is waited for.

use steward_kernel::error::{Code, Error};
use steward_rag::engine;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("the database refused")]
    Kernel(#[from] Error),
    #[error("the engine refused")]
    Engine(#[from] engine::Error),
    #[error("the embedder refused")]
    Embedder(#[from] steward_embedder::Error),
    #[error("rendering the record panicked")]
    Panicked,
}

pub(crate) type Result<T, E = Fault> = std::result::Result<T, E>;

impl Fault {
    /// Nothing is wrong with the record: wait and try again.
    pub(crate) fn is_outage(&self) -> bool {
        match self {
            Self::Kernel(error) => matches!(error.code, Code::Busy | Code::Moved) || !concerns_rows(error),
            Self::Engine(error) => !matches!(error, engine::Error::Dimensions { .. } | engine::Error::NoDirection),
            Self::Embedder(error) => !matches!(error, steward_embedder::Error::Refused(_)),
            Self::Panicked => false,
        }
    }
    /// What the engine holds is lost: it is to be filled anew.
    pub(crate) fn is_loss(&self) -> bool {
        matches!(self, Self::Engine(engine::Error::NoGeneration { .. } | engine::Error::Damaged { .. }))
    }
    /// Stable, for the table of failed deliveries and for logs.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Kernel(error) => error.code.as_str(),
            Self::Engine(engine::Error::Unavailable { .. }) => "index_unavailable",
            Self::Engine(engine::Error::NoGeneration { .. } | engine::Error::Damaged { .. }) => "index_lost",
            Self::Engine(engine::Error::Setup { .. }) => "index_setup",
            Self::Engine(engine::Error::Dimensions { .. } | engine::Error::NoDirection) => "index_refused",
            Self::Embedder(error) => error.code(),
            Self::Panicked => Code::Internal.as_str(),
        }
    }
}

/// Whether PostgreSQL answered, and what it said is about what was asked.
fn concerns_rows(error: &Error) -> bool {
    let Some(source) = error.source.as_ref() else { return true };
    match source.downcast_ref::<sqlx::Error>() {
        Some(sqlx::Error::Database(_) | sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::ColumnIndexOutOfBounds { .. }) => true,
        Some(_) => false,
        None => true,
    }
}
