//! What limits are: how much of what, for whom, within which time.
//!
//! Start at [`Limit`]. Windows are calendar minutes, days and months in UTC; all times are milliseconds since 1970, taken from a
//! [`Clock`] that is passed in. Who counts is in `budget`.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Milliseconds since 1970.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Calls.
    Requests,
    /// Tokens read and written.
    Tokens,
    /// Money.
    NanoDollars,
}

/// The time within which it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    /// A minute of the clock.
    Minute,
    /// A day, in UTC.
    Day,
    /// A month, in UTC.
    Month,
}

/// Whom it is counted for, within a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Everybody.
    Tenant,
    /// One user, whatever the key.
    User(Uuid),
    /// One virtual key.
    Key(Uuid),
}

/// An upper bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// For whom.
    pub scope: Scope,
    /// Of what.
    pub metric: Metric,
    /// Within which time.
    pub window: Window,
    /// How much.
    pub cap: i64,
}

/// What one bound counts in one window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Counter {
    /// Whose.
    pub tenant: Uuid,
    /// For whom.
    pub scope: Scope,
    /// Of what.
    pub metric: Metric,
    /// Within which time.
    pub window: Window,
    /// When the window began.
    pub starts_at: i64,
}

/// An amount of each metric.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amounts {
    /// Calls.
    pub requests: i64,
    /// Tokens read and written.
    pub tokens: i64,
    /// Money.
    pub nano_dollars: i64,
}

impl Amounts {
    /// That of one metric.
    pub fn of(&self, metric: Metric) -> i64 {
        match metric {
            Metric::Requests => self.requests,
            Metric::Tokens => self.tokens,
            Metric::NanoDollars => self.nano_dollars,
        }
    }
}

/// Why something may not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It would not fit into what is left of the window.
    #[error("the limit of {} for {} is reached", .counter.metric.code(), .counter.scope.code())]
    Exceeded {
        /// Which bound.
        counter: Counter,
    },
    /// It would not fit into a whole window.
    #[error("the request needs more {} than the limit for {} allows at all", .counter.metric.code(), .counter.scope.code())]
    TooLarge {
        /// Which bound.
        counter: Counter,
    },
    /// Who keeps the count cannot be asked; nothing is used unless it is counted.
    #[error("the limits cannot be checked at the moment")]
    Unavailable,
}

impl Refused {
    /// Which bound, if one is known.
    pub fn counter(&self) -> Option<&Counter> {
        match self {
            Self::Exceeded { counter } | Self::TooLarge { counter } => Some(counter),
            Self::Unavailable => None,
        }
    }

    /// How long until the window ends; `None` if waiting does not help.
    pub fn retry_after(&self, now: i64) -> Option<Duration> {
        match self {
            Self::Exceeded { counter } => Some(Duration::from_millis(u64::try_from(counter.ends_at() - now).unwrap_or(0))),
            Self::TooLarge { .. } | Self::Unavailable => None,
        }
    }
}

impl Metric {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Tokens => "tokens",
            Self::NanoDollars => "cost",
        }
    }
}

impl Scope {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::User(_) => "user",
            Self::Key(_) => "key",
        }
    }
}

impl Window {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    /// When the window began that holds this moment.
    pub fn starts_at(self, now: i64) -> i64 {
        match self {
            Self::Minute => now - now.rem_euclid(MINUTE),
            Self::Day => now - now.rem_euclid(DAY),
            Self::Month => month(now).map_or(now - now.rem_euclid(DAY), midnight),
        }
    }

    /// When the window ends that began then.
    pub fn ends_at(self, starts_at: i64) -> i64 {
        match self {
            Self::Minute => starts_at + MINUTE,
            Self::Day => starts_at + DAY,
            Self::Month => month(starts_at).and_then(|first| first.checked_add_months(chrono::Months::new(1))).map_or(starts_at + DAY, midnight),
        }
    }
}

const MINUTE: i64 = 60_000;
const DAY: i64 = 86_400_000;

/// The first day of the month that holds this moment.
fn month(now: i64) -> Option<NaiveDate> {
    DateTime::from_timestamp_millis(now)?.date_naive().with_day(1)
}

fn midnight(day: NaiveDate) -> i64 {
    day.signed_duration_since(NaiveDate::default()).num_milliseconds()
}

impl Limit {
    /// What it counts at this moment.
    pub fn counter(&self, tenant: Uuid, now: i64) -> Counter {
        Counter { tenant, scope: self.scope, metric: self.metric, window: self.window, starts_at: self.window.starts_at(now) }
    }
}

impl Counter {
    /// When its window ends.
    pub fn ends_at(&self) -> i64 {
        self.window.ends_at(self.starts_at)
    }
}

#[cfg(test)]
mod tests;
