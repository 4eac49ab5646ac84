//! What this module refuses, with its stable reasons.

use steward_kernel::Code;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the key has ended")]
    Ended,
    #[error("there is a budget for the same already; change that one")]
    SameBudget,
    #[error("there is a rule for this alias and this user already; change that one")]
    SameAliasRule,
    #[error("another rule has this name")]
    RuleNameTaken,
    #[error("another prompt has this name")]
    PromptNameTaken,
    #[error("the prompt has no such version")]
    NoSuchVersion,
    #[error("this version holds already")]
    ActiveAlready,
    #[error("this is the text of the latest version already")]
    SameText,
    #[error("only the latest version can be taken back, and only while another one holds")]
    NotTakenBack,
    #[error("the record is archived")]
    Archived,
    #[error("the record is not archived")]
    NotArchived,
}

impl From<Error> for steward_kernel::Error {
    fn from(error: Error) -> Self {
        let (code, reason) = match error {
            Error::Ended => (Code::Conflict, "ai.key_ended"),
            Error::SameBudget => (Code::Duplicate, "ai.same_budget"),
            Error::SameAliasRule => (Code::Duplicate, "ai.same_alias_rule"),
            Error::RuleNameTaken => (Code::Duplicate, "ai.rule_name_taken"),
            Error::PromptNameTaken => (Code::Duplicate, "ai.prompt_name_taken"),
            Error::NoSuchVersion => (Code::Conflict, "ai.no_such_version"),
            Error::ActiveAlready => (Code::Conflict, "ai.active_already"),
            Error::SameText => (Code::Conflict, "ai.same_text"),
            Error::NotTakenBack => (Code::Conflict, "ai.not_taken_back"),
            Error::Archived => (Code::Conflict, "ai.archived"),
            Error::NotArchived => (Code::Conflict, "ai.not_archived"),
        };
        Self::new(code, error.to_string()).because(reason)
    }
}
