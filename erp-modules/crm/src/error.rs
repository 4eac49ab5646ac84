//! What this module refuses, with its stable reasons.

use steward_kernel::Code;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("another party has this code")]
    CodeTaken,
    #[error("a party with this tax id exists already; set allow_duplicate to create another one")]
    SameTaxId,
    #[error("a party with this name exists already, with the same city or without one; set allow_duplicate to create another one")]
    SameName,
    #[error("the party is archived already")]
    Archived,
    #[error("the record is not archived")]
    NotArchived,
    #[error("the activity is done already")]
    Done,
    #[error("the activity is still open")]
    Open,
    #[error("this is the main address already")]
    MainAlready,
}

impl From<Error> for steward_kernel::Error {
    fn from(error: Error) -> Self {
        let (code, reason) = match error {
            Error::CodeTaken => (Code::Duplicate, "crm.code_taken"),
            Error::SameTaxId => (Code::Duplicate, "crm.same_tax_id"),
            Error::SameName => (Code::Duplicate, "crm.same_name"),
            Error::Archived => (Code::Conflict, "crm.archived"),
            Error::NotArchived => (Code::Conflict, "crm.not_archived"),
            Error::Done => (Code::Conflict, "crm.activity_done"),
            Error::Open => (Code::Conflict, "crm.activity_open"),
            Error::MainAlready => (Code::Conflict, "crm.main_already"),
        };
        Self::new(code, error.to_string()).because(reason)
    }
}
