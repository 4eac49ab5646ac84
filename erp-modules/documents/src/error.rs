//! What this module refuses, with its stable reasons.

use steward_kernel::Code;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("a document with this title and language exists already in the same place; set allow_duplicate to create another one")]
    SameTitle,
    #[error("this is the document's text already")]
    SameBody,
    #[error("the document is published already")]
    Published,
    #[error("the document is not published")]
    NotPublished,
    #[error("the document is archived")]
    Archived,
    #[error("the document is not archived")]
    NotArchived,
    #[error("the document hangs on this record already")]
    AttachedAlready,
    #[error("the document hangs on no record")]
    NotAttached,
}

impl From<Error> for steward_kernel::Error {
    fn from(error: Error) -> Self {
        let (code, reason) = match error {
            Error::SameTitle => (Code::Duplicate, "documents.same_title"),
            Error::SameBody => (Code::Conflict, "documents.same_body"),
            Error::Published => (Code::Conflict, "documents.published"),
            Error::NotPublished => (Code::Conflict, "documents.not_published"),
            Error::Archived => (Code::Conflict, "documents.archived"),
            Error::NotArchived => (Code::Conflict, "documents.not_archived"),
            Error::AttachedAlready => (Code::Conflict, "documents.attached_already"),
            Error::NotAttached => (Code::Conflict, "documents.not_attached"),
        };
        Self::new(code, error.to_string()).because(reason)
    }
}
