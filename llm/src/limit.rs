//! What limits are: how much of what, for whom, within which time.
//!
//! Start at [`Limit`]. Windows are calendar minutes, days and months in the limit's time zone; all times are milliseconds since
//! 1970, taken from a [`Clock`] that is passed in. Who counts is in `budget`.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, TimeZone};
use chrono_tz::Tz;
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
    /// A day.
    Day,
    /// A month.
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
    /// Whose minutes, days and months they are.
    #[serde(skip, default = "utc")]
    pub zone: Tz,
}

fn utc() -> Tz {
    Tz::UTC
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
    /// When the window ends: the first moment of the next one.
    pub ends_at: i64,
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
            Self::Exceeded { counter } => Some(Duration::from_millis(u64::try_from(counter.ends_at - now).unwrap_or(0))),
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

    /// The window that holds this moment: when it began and when the next one begins.
    pub fn around(self, now: i64, zone: Tz) -> (i64, i64) {
        let minute = now - now.rem_euclid(MINUTE);
        let day = zone.timestamp_millis_opt(now).single().map(|local| local.date_naive());
        let days = match self {
            // Every time zone of today is a whole number of minutes from UTC.
            Self::Minute => None,
            Self::Day => day.and_then(|day| Some((day, day.checked_add_days(Days::new(1))?))),
            Self::Month => day.and_then(|day| day.with_day(1)).and_then(|first| Some((first, first.checked_add_months(Months::new(1))?))),
        };
        days.map_or((minute, minute + MINUTE), |(first, next)| (midnight(first, zone), midnight(next, zone)))
    }
}

const MINUTE: i64 = 60_000;

/// The first moment of a day, in milliseconds since 1970. Where the clocks skip midnight it is the moment after the gap; where
/// midnight comes twice it is the first one.
fn midnight(day: NaiveDate, zone: Tz) -> i64 {
    let wanted = day.and_time(NaiveTime::MIN);
    if let Some(start) = zone.from_local_datetime(&wanted).earliest() {
        return start.timestamp_millis();
    }
    // No zone is further than a day from UTC, so the moment lies between these.
    let (mut before, mut after) = (wanted.and_utc().timestamp() - 2 * 86_400, wanted.and_utc().timestamp() + 2 * 86_400);
    while after - before > 1 {
        let middle = before + (after - before) / 2;
        let is_before = DateTime::from_timestamp(middle, 0).is_some_and(|at| at.with_timezone(&zone).naive_local() < wanted);
        if is_before { before = middle } else { after = middle }
    }
    after * 1_000
}

impl Limit {
    /// What it counts at this moment.
    pub fn counter(&self, tenant: Uuid, now: i64) -> Counter {
        let (starts_at, ends_at) = self.window.around(now, self.zone);
        Counter { tenant, scope: self.scope, metric: self.metric, window: self.window, starts_at, ends_at }
    }
}

#[cfg(test)]
mod tests;
