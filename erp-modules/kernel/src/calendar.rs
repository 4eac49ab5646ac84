//! The tenant's calendar: which day it is, when a day begins, and what "last quarter" means.
//!
//! Start at [`Calendar::period`], which knows the named periods. Weeks begin on Monday (ISO 8601). Quarters and years
//! that are named from today follow the fiscal year; a year, quarter or month with its number ("1997", "1997-Q2") is
//! one of the civil calendar, as people mean it and as groupings by year show it. Nothing here reads a clock.

#[cfg(test)]
mod tests;

use crate::principal::Rights;
use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// A time zone and the month in which the fiscal year begins (1 to 12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calendar {
    pub time_zone: Tz,
    pub fiscal_year_month: u32,
}

impl Default for Calendar {
    fn default() -> Self {
        Self { time_zone: Tz::UTC, fiscal_year_month: 1 }
    }
}

/// Days from `from` to `to`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    pub from: NaiveDate,
    pub to: NaiveDate,
}

impl Period {
    pub fn day(date: NaiveDate) -> Self {
        Self { from: date, to: date }
    }
    /// The first day after the period.
    pub fn end(&self) -> NaiveDate {
        plus_days(self.to, 1)
    }
    pub fn contains(&self, date: NaiveDate) -> bool {
        self.from <= date && date <= self.to
    }
    /// How many days it has.
    pub fn days(&self) -> i64 {
        (self.end() - self.from).num_days()
    }
}

/// The names that [`Calendar::period`] knows, besides `last_{n}_days`, `next_{n}_days` and the numbered ones.
pub const NAMED: [&str; 17] = [
    "today",
    "yesterday",
    "tomorrow",
    "this_week",
    "last_week",
    "next_week",
    "this_month",
    "last_month",
    "next_month",
    "this_quarter",
    "last_quarter",
    "next_quarter",
    "this_year",
    "last_year",
    "next_year",
    "month_to_date",
    "year_to_date",
];

impl Calendar {
    /// The calendar of the tenant whose rights these are. An unknown zone reads as UTC.
    pub fn of(rights: &Rights) -> Self {
        Self::new(&rights.time_zone, rights.fiscal_year_month)
    }

    pub fn new(time_zone: &str, fiscal_year_month: u32) -> Self {
        Self { time_zone: time_zone.parse().unwrap_or(Tz::UTC), fiscal_year_month: fiscal_year_month.clamp(1, 12) }
    }

    /// The day in the tenant's time zone.
    pub fn date_of(&self, at: DateTime<Utc>) -> NaiveDate {
        at.with_timezone(&self.time_zone).date_naive()
    }

    /// The time on the tenant's wall.
    pub fn local(&self, at: DateTime<Utc>) -> NaiveDateTime {
        at.with_timezone(&self.time_zone).naive_local()
    }

    /// The first moment of a day. Where the clocks skip midnight it is the moment after the gap; where midnight comes
    /// twice it is the first one.
    pub fn start_of_day(&self, date: NaiveDate) -> DateTime<Utc> {
        let midnight = date.and_time(chrono::NaiveTime::MIN);
        match self.time_zone.from_local_datetime(&midnight).earliest() {
            Some(start) => start.with_timezone(&Utc),
            None => self.after_gap(midnight),
        }
    }

    /// The first second whose local time is not before `wanted`, which itself does not exist.
    fn after_gap(&self, wanted: NaiveDateTime) -> DateTime<Utc> {
        // No zone is further than a day from UTC, so the moment lies between these.
        let (mut before, mut after) = (wanted.and_utc() - TimeDelta::days(2), wanted.and_utc() + TimeDelta::days(2));
        while after - before > TimeDelta::seconds(1) {
            let middle = before + TimeDelta::seconds((after - before).num_seconds() / 2);
            if self.local(middle) < wanted { before = middle } else { after = middle }
        }
        after
    }

    /// The moments of a period: from the first included to the first after it.
    pub fn moments(&self, period: Period) -> (DateTime<Utc>, DateTime<Utc>) {
        (self.start_of_day(period.from), self.start_of_day(period.end()))
    }

    /// A period by its name, seen from `today`: one of [`NAMED`], `last_30_days` (today is the last of them),
    /// `next_7_days` (today is the first), `1997`, `1997-Q2`, `1997-05` or `1997-05-17`.
    pub fn period(&self, name: &str, today: NaiveDate) -> Option<Period> {
        if let Some((which, unit)) = name.split_once('_')
            && let Some(offset) = match which {
                "last" => Some(-1),
                "this" => Some(0),
                "next" => Some(1),
                _ => None,
            }
        {
            return match unit {
                "week" => Some(self.week(today, offset)),
                "month" => Some(self.month_from(today, offset)),
                "quarter" => Some(self.quarter_from(today, offset)),
                "year" => Some(self.year_from(today, offset)),
                _ => {
                    let days: u32 = unit.strip_suffix("_days")?.parse().ok().filter(|days| (1..=36_600).contains(days))?;
                    match which {
                        "last" => Some(self.last_days(today, days)),
                        "next" => Some(Period { from: today, to: plus_days(today, i64::from(days) - 1) }),
                        _ => None,
                    }
                }
            };
        }
        match name {
            "today" => Some(Period::day(today)),
            "yesterday" => Some(Period::day(plus_days(today, -1))),
            "tomorrow" => Some(Period::day(plus_days(today, 1))),
            "month_to_date" => Some(Period { to: today, ..self.month_from(today, 0) }),
            "year_to_date" => Some(Period { to: today, ..self.year_from(today, 0) }),
            _ => self.numbered(name),
        }
    }

    fn numbered(&self, name: &str) -> Option<Period> {
        let (year, rest) = name.split_at_checked(4)?;
        // `parse` would take a sign.
        let year: i32 = year.bytes().all(|b| b.is_ascii_digit()).then(|| year.parse().ok())??;
        match rest.strip_prefix('-') {
            None => rest.is_empty().then(|| self.year(year))?,
            Some(rest) => match rest.strip_prefix(['Q', 'q']) {
                Some(quarter) => self.quarter(year, quarter.parse().ok()?),
                None if rest.len() == 2 => self.month(year, rest.parse().ok()?),
                None => name.parse().ok().map(Period::day),
            },
        }
    }

    /// The week of `today`, or `offset` weeks from it.
    pub fn week(&self, today: NaiveDate, offset: i32) -> Period {
        let monday = plus_days(today, i64::from(offset) * 7 - i64::from(today.weekday().num_days_from_monday()));
        Period { from: monday, to: plus_days(monday, 6) }
    }

    /// The month of `today`, or `offset` months from it.
    pub fn month_from(&self, today: NaiveDate, offset: i32) -> Period {
        months(plus_months(first_of_month(today), offset), 1)
    }

    /// The fiscal quarter of `today`, or `offset` quarters from it.
    pub fn quarter_from(&self, today: NaiveDate, offset: i32) -> Period {
        let into = self.months_into_year(today) % 3;
        months(plus_months(first_of_month(today), offset * 3 - into), 3)
    }

    /// The fiscal year of `today`, or `offset` years from it.
    pub fn year_from(&self, today: NaiveDate, offset: i32) -> Period {
        months(plus_months(first_of_month(today), offset * 12 - self.months_into_year(today)), 12)
    }

    /// The last `days` days, of which today is the last.
    pub fn last_days(&self, today: NaiveDate, days: u32) -> Period {
        Period { from: plus_days(today, 1 - i64::from(days.max(1))), to: today }
    }

    /// A civil year. `None` beyond the years 1 to 9999.
    pub fn year(&self, year: i32) -> Option<Period> {
        Some(months(first(year, 1)?, 12))
    }

    /// A civil quarter, 1 to 4.
    pub fn quarter(&self, year: i32, quarter: u32) -> Option<Period> {
        let quarter = (1..=4).contains(&quarter).then_some(quarter)?;
        Some(months(first(year, quarter * 3 - 2)?, 3))
    }

    /// A month, 1 to 12.
    pub fn month(&self, year: i32, month: u32) -> Option<Period> {
        Some(months(first(year, month)?, 1))
    }

    /// The fiscal year that begins in the civil year `year`.
    pub fn fiscal_year(&self, year: i32) -> Option<Period> {
        Some(months(first(year, self.fiscal_year_month)?, 12))
    }

    /// A quarter, 1 to 4, of the fiscal year that begins in the civil year `year`.
    pub fn fiscal_quarter(&self, year: i32, quarter: i32) -> Option<Period> {
        let quarter = (1..=4).contains(&quarter).then_some(quarter)?;
        Some(months(plus_months(first(year, self.fiscal_year_month)?, (quarter - 1) * 3), 3))
    }

    /// Whole months since the fiscal year began.
    fn months_into_year(&self, date: NaiveDate) -> i32 {
        let months = (date.month() + 12 - self.fiscal_year_month) % 12;
        i32::try_from(months).unwrap_or_default()
    }
}

fn first(year: i32, month: u32) -> Option<NaiveDate> {
    (1..=9999).contains(&year).then(|| NaiveDate::from_ymd_opt(year, month, 1))?
}

fn first_of_month(date: NaiveDate) -> NaiveDate {
    date.with_day(1).unwrap_or(date)
}

fn months(from: NaiveDate, count: i32) -> Period {
    Period { from, to: plus_days(plus_months(from, count), -1) }
}

// Dates at the far ends of time stay where they are instead of panicking.
fn plus_months(date: NaiveDate, months: i32) -> NaiveDate {
    let count = Months::new(months.unsigned_abs());
    if months < 0 { date.checked_sub_months(count) } else { date.checked_add_months(count) }.unwrap_or(date)
}

fn plus_days(date: NaiveDate, days: i64) -> NaiveDate {
    let count = Days::new(days.unsigned_abs());
    if days < 0 { date.checked_sub_days(count) } else { date.checked_add_days(count) }.unwrap_or(date)
}
