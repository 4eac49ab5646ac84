//! What follows from a failure: the failure table, row by row.

use super::Kind;

/// What is done about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Whether the same target is tried again.
    pub retries: Retries,
    /// Which other target may be tried.
    pub next: Next,
    /// Whose breaker counts it.
    pub breaker: Breaks,
    /// Who rests for a while, apart from breakers.
    pub pause: Pause,
}

/// How the same target is tried again, within the one retry budget of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Retries {
    /// Not at all.
    Never,
    /// Once at once, then after a backoff.
    AtOnceThenBackoff,
    /// After a backoff with full jitter.
    Backoff,
    /// Once, if the wait that the provider asks for fits the deadline and there is no sibling.
    IfTheWaitFits,
}

impl Retries {
    /// How often at most.
    pub fn max(self) -> u32 {
        match self {
            Self::Never => 0,
            Self::IfTheWaitFits => 1,
            Self::AtOnceThenBackoff | Self::Backoff => 2,
        }
    }
}

/// Which other target may be tried after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Next {
    /// Every following one.
    Any,
    /// One with another credential of the same provider first, then every following one.
    SiblingFirst,
    /// Only a model with a larger window.
    LargerWindow,
    /// Only where the operator allowed it.
    OptIn,
    /// None: the failure goes to the caller.
    Never,
}

/// Whose breaker counts a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Breaks {
    /// The one of the provider's endpoint.
    Endpoint,
    /// The one of the model at this provider.
    Model,
    /// None.
    Nothing,
}

/// Who rests for a while after a failure. A pause is only ever extended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pause {
    /// This model with this credential, until the time that the provider named.
    CredentialAndModel,
    /// This credential, for long.
    CredentialLong,
    /// This credential.
    Credential,
    /// This model at this provider.
    Model,
    /// Nobody.
    Nothing,
}

impl Kind {
    /// What is done about it. Whatever this says, nothing is tried again once the caller has seen a part of the answer, or when the
    /// deadline has passed.
    pub fn policy(self) -> Policy {
        let policy = |retries, next, breaker, pause| Policy { retries, next, breaker, pause };
        match self {
            Self::Connect => policy(Retries::AtOnceThenBackoff, Next::Any, Breaks::Endpoint, Pause::Nothing),
            Self::Upstream => policy(Retries::Backoff, Next::Any, Breaks::Model, Pause::Nothing),
            Self::HeaderTimeout | Self::FirstTokenTimeout | Self::IdleTimeout | Self::Cut | Self::Malformed => {
                policy(Retries::Never, Next::Any, Breaks::Model, Pause::Nothing)
            }
            Self::RateLimited => policy(Retries::IfTheWaitFits, Next::SiblingFirst, Breaks::Nothing, Pause::CredentialAndModel),
            Self::QuotaExhausted => policy(Retries::Never, Next::Any, Breaks::Nothing, Pause::CredentialLong),
            Self::Unauthorized => policy(Retries::Never, Next::SiblingFirst, Breaks::Nothing, Pause::Credential),
            Self::ModelUnavailable => policy(Retries::Never, Next::Any, Breaks::Nothing, Pause::Model),
            Self::ContextLength => policy(Retries::Never, Next::LargerWindow, Breaks::Nothing, Pause::Nothing),
            Self::ContentPolicy => policy(Retries::Never, Next::OptIn, Breaks::Nothing, Pause::Nothing),
            Self::Unsupported | Self::Unavailable | Self::Misconfigured => policy(Retries::Never, Next::Any, Breaks::Nothing, Pause::Nothing),
            Self::BadRequest | Self::InvalidToolCall | Self::Cancelled | Self::Refused | Self::Deadline => {
                policy(Retries::Never, Next::Never, Breaks::Nothing, Pause::Nothing)
            }
        }
    }
}

#[cfg(test)]
mod tests;
