//! Values on their way into a statement (parsed by the kind of the field, then bound) and out of it (in wire form).

use crate::catalogue::Kind;
use crate::error::{Error, Result};
use crate::money::Currency;
use chrono::{DateTime, Datelike, Days, NaiveDate, SecondsFormat, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use sqlx::Arguments;
use sqlx::postgres::PgArguments;
use uuid::Uuid;

/// Characters of a text in a filter.
const TEXT_MAX: usize = 1_000;

/// A bound value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Arg {
    Uuid(Uuid),
    Uuids(Vec<Uuid>),
    Text(String),
    Texts(Vec<String>),
    Boolean(bool),
    Booleans(Vec<bool>),
    Integer(i64),
    Integers(Vec<i64>),
    Decimal(Decimal),
    Decimals(Vec<Decimal>),
    Date(NaiveDate),
    Dates(Vec<NaiveDate>),
    Timestamp(DateTime<Utc>),
}

/// What the scope predicates of several tables share: bound once.
#[derive(Clone, Copy)]
pub(crate) enum Shared {
    Tenant,
    User,
    Team,
    Departments,
    Companies,
}

/// The values of a statement in the order of their placeholders.
#[derive(Clone, Debug, Default)]
pub(crate) struct Args {
    values: Vec<Arg>,
    shared: [Option<usize>; 5],
}

impl Args {
    /// Binds a value and gives its placeholder.
    pub(crate) fn push(&mut self, value: Arg) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }
    /// The placeholder of a shared value, bound on first use.
    pub(crate) fn shared(&mut self, which: Shared, value: impl FnOnce() -> Arg) -> String {
        let at = match self.shared[which as usize] {
            Some(at) => at,
            None => {
                self.values.push(value());
                let at = self.values.len();
                self.shared[which as usize] = Some(at);
                at
            }
        };
        format!("${at}")
    }
    #[cfg(test)]
    pub(crate) fn values(&self) -> &[Arg] {
        &self.values
    }

    pub(crate) fn bound(&self) -> Result<PgArguments> {
        let mut bound = PgArguments::default();
        for value in &self.values {
            match value {
                Arg::Uuid(value) => bound.add(*value),
                Arg::Uuids(value) => bound.add(value),
                Arg::Text(value) => bound.add(value),
                Arg::Texts(value) => bound.add(value),
                Arg::Boolean(value) => bound.add(*value),
                Arg::Booleans(value) => bound.add(value),
                Arg::Integer(value) => bound.add(*value),
                Arg::Integers(value) => bound.add(value),
                Arg::Decimal(value) => bound.add(*value),
                Arg::Decimals(value) => bound.add(value),
                Arg::Date(value) => bound.add(*value),
                Arg::Dates(value) => bound.add(value),
                Arg::Timestamp(value) => bound.add(*value),
            }
            .map_err(|source| Error::internal("could not bind a value").with_source(source))?;
        }
        Ok(bound)
    }
}

/// Reads one value of a filter by the kind of its field. The error is a text for the person who asked.
pub(crate) fn parse(kind: &Kind, text: &str) -> Result<Arg, String> {
    match kind {
        Kind::Text { .. } | Kind::Texts | Kind::Lines(_) => plain_text(text).map(Arg::Text),
        Kind::Boolean => boolean(text).map(Arg::Boolean),
        Kind::Integer => text.trim().parse().map(Arg::Integer).map_err(|_| "a whole number is expected".to_owned()),
        Kind::Decimal | Kind::Money { .. } | Kind::Quantity { .. } => decimal(text).map(Arg::Decimal),
        Kind::Date => date(text).map(Arg::Date).ok_or_else(|| "a date such as 2026-03-31 is expected".to_owned()),
        Kind::Timestamp => instant(text).map(Arg::Timestamp).ok_or_else(|| "a time such as 2026-03-31T10:00:00Z or a date is expected".to_owned()),
        Kind::Choice(choices) => match choices.iter().any(|choice| choice == text) {
            true => Ok(Arg::Text(text.to_owned())),
            false => Err(format!("one of {} is expected", choices.join(", "))),
        },
        Kind::Reference(_) => Uuid::try_parse(text.trim()).map(Arg::Uuid).map_err(|_| "an id is expected".to_owned()),
    }
}

/// Several values of one kind as one array.
pub(crate) fn parse_all<'t>(kind: &Kind, texts: impl IntoIterator<Item = &'t str>) -> Result<Arg, String> {
    macro_rules! gather {
        ($values:expr, $one:path, $many:path) => {
            $many($values.into_iter().filter_map(|value| if let $one(value) = value { Some(value) } else { None }).collect())
        };
    }
    let values = texts.into_iter().map(|text| parse(kind, text)).collect::<Result<Vec<_>, _>>()?;
    Ok(match values.first() {
        None => return Err("at least one value is expected".into()),
        Some(Arg::Uuid(_)) => gather!(values, Arg::Uuid, Arg::Uuids),
        Some(Arg::Boolean(_)) => gather!(values, Arg::Boolean, Arg::Booleans),
        Some(Arg::Integer(_)) => gather!(values, Arg::Integer, Arg::Integers),
        Some(Arg::Decimal(_)) => gather!(values, Arg::Decimal, Arg::Decimals),
        Some(Arg::Date(_)) => gather!(values, Arg::Date, Arg::Dates),
        _ => gather!(values, Arg::Text, Arg::Texts),
    })
}

pub(crate) fn boolean(text: &str) -> Result<bool, String> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("true or false is expected".into()),
    }
}

pub(crate) fn plain_text(text: &str) -> Result<String, String> {
    if text.contains('\0') {
        return Err("the character NUL is not possible".into());
    }
    if text.chars().count() > TEXT_MAX {
        return Err(format!("at most {TEXT_MAX} characters are possible"));
    }
    Ok(text.to_owned())
}

fn decimal(text: &str) -> Result<Decimal, String> {
    let text = text.trim();
    let plain = text.strip_prefix('-').unwrap_or(text);
    let well_formed = plain.starts_with(|c: char| c.is_ascii_digit()) && !plain.ends_with('.') && plain.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    match Decimal::from_str_exact(text) {
        Ok(number) if well_formed => Ok(number),
        _ => Err("a decimal number such as 12.50 is expected".into()),
    }
}

/// `YYYY-MM-DD`, years 1 to 9999.
pub(crate) fn date(text: &str) -> Option<NaiveDate> {
    let text = text.trim();
    let shape = text.len() == 10 && text.bytes().enumerate().all(|(at, b)| if at == 4 || at == 7 { b == b'-' } else { b.is_ascii_digit() });
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|date| shape && date.year() >= 1)
}

/// RFC 3339, years 1 to 9999.
pub(crate) fn instant(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text.trim()).ok().map(|at| at.with_timezone(&Utc)).filter(|at| (1..=9999).contains(&at.year()))
}

/// The first moment of a day in a time zone. A day whose midnight was skipped begins when the clock goes on.
pub(crate) fn start_of(date: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let midnight = date.and_time(chrono::NaiveTime::MIN);
    (0..=4)
        .find_map(|half_hours| zone.from_local_datetime(&(midnight + TimeDelta::minutes(30 * half_hours))).earliest())
        .map_or_else(|| midnight.and_utc(), |at| at.with_timezone(&Utc))
}

/// The moments at which a day begins and ends.
pub(crate) fn day(date: NaiveDate, zone: Tz) -> (DateTime<Utc>, DateTime<Utc>) {
    let next = date.checked_add_days(Days::new(1)).unwrap_or(date);
    (start_of(date, zone), start_of(next, zone))
}

/// A decimal as PostgreSQL writes it, without trailing zeros. Kept as a text on its way, because an exact product of
/// prices and discounts may have more digits than [`Decimal`] holds.
pub(crate) fn decimal_text(mut text: String) -> String {
    if text.contains('.') {
        text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
    }
    text
}

/// As stored, without trailing zeros beyond the currency's minor units.
pub(crate) fn money(amount: Option<String>, currency: Option<String>) -> Value {
    let Some(amount) = amount else { return Value::Null };
    let digits = currency.as_deref().map_or(0, |code| Currency::new(code).map_or(2, |currency| currency.digits())) as usize;
    let mut amount = decimal_text(amount);
    let given = amount.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    if given < digits {
        if given == 0 {
            amount.push('.');
        }
        amount.extend(std::iter::repeat_n('0', digits - given));
    }
    json!({ "amount": amount, "currency": currency })
}

pub(crate) fn timestamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// `{"id", "title"}`; the title is absent where it cannot be seen.
pub(crate) fn reference(id: Uuid, title: Option<String>) -> Value {
    match title {
        Some(title) => json!({ "id": id, "title": title }),
        None => json!({ "id": id }),
    }
}
