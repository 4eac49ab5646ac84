//! Errors of the kernel and of every module: a closed set of stable codes, each with one HTTP status.
//!
//! Modules keep their own small enums and turn them into this one at their border. The gateway turns it into
//! `application/problem+json` in one place, which is also the only place that logs it. The text is for the person who
//! asked; the cause stands in `source` and is never shown.

use crate::labels::Labels;
use crate::message::{self, Arg, Args};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Stable codes. A client may rely on the name and on the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The input is not what the schema of the command, query or report says. 422.
    InvalidInput,
    /// The request cannot be parsed: malformed JSON, an unknown parameter, a forged cursor. 400.
    BadRequest,
    /// No valid credentials. 401.
    Unauthenticated,
    /// The asker lacks the permission. 403.
    Forbidden,
    /// The module or feature is not part of the tenant's plan, or is switched off. 403.
    NotEntitled,
    /// The record does not exist, or the asker may not see it: the two read alike. 404.
    NotFound,
    /// No such resource, command, report or route. 404.
    UnknownName,
    /// The state of the record does not allow this. 409.
    Conflict,
    /// A record like this exists already. 409.
    Duplicate,
    /// The idempotency key was used with another body. 409.
    IdempotencyMismatch,
    /// The version in `If-Match` is not the current one. 412.
    VersionMismatch,
    /// The command needs a confirmation by a person in an interactive session. 403.
    ConfirmationRequired,
    /// Only a person who is logged in may run the command, not a program with an API key. 403.
    InteractiveSessionRequired,
    /// The body, the batch or the page is too large. 413.
    TooLarge,
    /// Too many requests. 429.
    RateLimited,
    /// Locked by somebody else for too long, or the statement ran too long: try again. 503.
    Busy,
    /// The tenant is being moved: try again. 503.
    Moved,
    /// Our fault. 500.
    Internal,
}

impl Code {
    /// The name that clients see.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidInput => "invalid_input",
            Self::BadRequest => "bad_request",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::NotEntitled => "not_entitled",
            Self::NotFound => "not_found",
            Self::UnknownName => "unknown_name",
            Self::Conflict => "conflict",
            Self::Duplicate => "duplicate",
            Self::IdempotencyMismatch => "idempotency_mismatch",
            Self::VersionMismatch => "version_mismatch",
            Self::ConfirmationRequired => "confirmation_required",
            Self::InteractiveSessionRequired => "interactive_session_required",
            Self::TooLarge => "too_large",
            Self::RateLimited => "rate_limited",
            Self::Busy => "busy",
            Self::Moved => "moved",
            Self::Internal => "internal",
        }
    }

    /// The HTTP status that belongs to the code.
    pub fn status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Unauthenticated => 401,
            Self::Forbidden | Self::NotEntitled | Self::ConfirmationRequired | Self::InteractiveSessionRequired => 403,
            Self::NotFound | Self::UnknownName => 404,
            Self::Conflict | Self::Duplicate | Self::IdempotencyMismatch => 409,
            Self::VersionMismatch => 412,
            Self::TooLarge => 413,
            Self::InvalidInput => 422,
            Self::RateLimited => 429,
            Self::Busy | Self::Moved => 503,
            Self::Internal => 500,
        }
    }
}

/// What is wrong with one field of the input. `field` is a path such as `lines[2].quantity`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    pub field: String,
    pub message: String,
}

#[derive(Debug, Default)]
struct Told {
    variant: Option<&'static str>,
    args: Args,
}

/// An error with its stable code and a text for the person who asked.
///
/// An error with a reason has the Fluent message `<module>-refused--<reason>`, with `--<variant>` behind it where one reason
/// has several texts. The bus tells it in the asker's language; until then the text is the English one given here.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    pub code: Code,
    /// A narrower, stable reason of a module, such as `sales.not_a_quotation`; `None` when the code says it all.
    pub reason: Option<&'static str>,
    pub message: Cow<'static, str>,
    pub fields: Vec<FieldError>,
    /// What the message of the reason needs to be told in the asker's language.
    told: Option<Box<Told>>,
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, reason: None, message: message.into(), fields: Vec::new(), told: None, source: None }
    }
    /// A rule of a module that the state of the records does not allow: 409 with the module's own reason.
    pub fn rule(reason: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { reason: Some(reason), ..Self::new(Code::Conflict, message) }
    }
    /// One field of the input is wrong: 422.
    pub fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::fields(vec![FieldError { field: field.into(), message: message.into() }])
    }
    /// Several fields of the input are wrong: 422.
    pub fn fields(fields: Vec<FieldError>) -> Self {
        let message = match fields.as_slice() {
            [one] => format!("{}: {}", one.field, one.message),
            many => format!("{} fields are not valid", many.len()),
        };
        Self { fields, ..Self::new(Code::InvalidInput, message) }
    }
    pub fn bad_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::BadRequest, message)
    }
    /// The record is absent or out of the asker's sight. `kind` is the resource's name.
    pub fn not_found(kind: &str) -> Self {
        Self::new(Code::NotFound, format!("{kind} not found"))
    }
    pub fn forbidden(permission: &str) -> Self {
        Self::new(Code::Forbidden, format!("the permission {permission} is needed"))
    }
    pub fn unknown(what: &str, name: &str) -> Self {
        // The name comes from the caller: bounded, so that the answer cannot be made large.
        let name: String = name.chars().take(80).collect();
        Self::new(Code::UnknownName, format!("there is no {what} {name:?}"))
    }
    pub fn internal(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::Internal, message)
    }
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
    #[must_use]
    pub fn because(mut self, reason: &'static str) -> Self {
        self.reason = Some(reason);
        self
    }

    /// An argument of the reason's message.
    #[must_use]
    pub fn arg(mut self, name: &'static str, value: impl Into<Arg>) -> Self {
        self.told.get_or_insert_default().args.push((name, value.into()));
        self
    }

    /// Which of several texts of the reason it is.
    #[must_use]
    pub fn variant(mut self, variant: &'static str) -> Self {
        self.told.get_or_insert_default().variant = Some(variant);
        self
    }

    /// In the language of whoever asked, where the reason has a message. The bus does it for all that passes through it.
    #[must_use]
    pub fn told_in(mut self, labels: &Labels, language: &str) -> Self {
        let Some((module, reason)) = self.reason.and_then(|reason| reason.split_once('.')) else { return self };
        let told = self.told.as_deref();
        let variant = told.and_then(|told| told.variant).map(|variant| format!("--{variant}")).unwrap_or_default();
        let none = Args::new();
        let args = told.map_or(&none, |told| &told.args);
        if let Some(text) = message::told(labels, language, &format!("{module}-refused--{reason}{variant}"), args) {
            self.message = text.into();
        }
        self
    }

    /// Whether PostgreSQL chose this transaction as the one that ends so that the others of a deadlock can go on.
    pub fn is_deadlock(&self) -> bool {
        let source = self.source.as_ref().and_then(|source| source.downcast_ref::<sqlx::Error>());
        source.and_then(sqlx::Error::as_database_error).is_some_and(|db| db.code().as_deref() == Some("40P01"))
    }

    /// An error of the database while doing `action` ("store the order"). What PostgreSQL says by its codes becomes a
    /// clear 4xx: a violated constraint by its name, a lock or statement time-out as [`Code::Busy`]; the rest is ours.
    pub fn database(action: &'static str, source: sqlx::Error) -> Self {
        let error = match source.as_database_error() {
            Some(db) => match db.code().as_deref() {
                Some("23505") => Self::new(Code::Duplicate, format!("could not {action}: such a record exists already")),
                Some("23514") => Self::new(Code::InvalidInput, format!("could not {action}: a value is out of its bounds")),
                Some("23502" | "22001" | "22003" | "22021" | "22P05") => Self::new(Code::InvalidInput, format!("could not {action}: a value cannot be stored")),
                Some("40001" | "40P01" | "55P03" | "57014" | "25P03" | "25P04") => Self::new(Code::Busy, format!("could not {action} in time, try again")),
                Some("42501") => Self::new(Code::Forbidden, format!("could not {action}")),
                Some("ST001") => Self::new(Code::Moved, "the tenant is being moved, try again"),
                Some("ST002") => Self::new(Code::Unauthenticated, "the session has ended"),
                _ => Self::new(Code::Internal, format!("could not {action}")),
            },
            None => match source {
                sqlx::Error::PoolTimedOut => Self::new(Code::Busy, "the database is busy, try again"),
                _ => Self::new(Code::Internal, format!("could not {action}")),
            },
        };
        error.with_source(source)
    }
}

/// `.during("store the order")` on a result of sqlx.
pub trait During<T> {
    fn during(self, action: &'static str) -> Result<T>;
}
impl<T> During<T> for std::result::Result<T, sqlx::Error> {
    fn during(self, action: &'static str) -> Result<T> {
        self.map_err(|source| Error::database(action, source))
    }
}
