//! Periods in a question: years, quarters, months, days, and what is counted from today.

use crate::reading::Reading;
use chrono::{Datelike, Days, Months, NaiveDate};

/// Both ends included; an open end is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Period {
    pub(crate) from: Option<NaiveDate>,
    pub(crate) to: Option<NaiveDate>,
}

const MONTHS: [&[&str]; 12] = [
    &["january", "januar", "jan"],
    &["february", "februar", "feb"],
    &["march", "marz", "mar"],
    &["april", "apr"],
    &["may", "mai"],
    &["june", "juni", "jun"],
    &["july", "juli", "jul"],
    &["august", "aug"],
    &["september", "sep", "sept"],
    &["october", "oktober", "oct", "okt"],
    &["november", "nov"],
    &["december", "dezember", "dec", "dez"],
];

fn year_of(fold: &str) -> Option<i32> {
    (fold.len() == 4).then(|| fold.parse::<i32>().ok()).flatten().filter(|year| (1900..2100).contains(year))
}

fn month_of(fold: &str) -> Option<u32> {
    MONTHS.iter().position(|names| names.contains(&fold)).and_then(|i| u32::try_from(i + 1).ok())
}

/// `months` months from the first of a month.
fn span(year: i32, month: u32, months: u32) -> Option<(NaiveDate, NaiveDate)> {
    let from = NaiveDate::from_ymd_opt(year, month, 1)?;
    Some((from, from.checked_add_months(Months::new(months))?.pred_opt()?))
}

/// A period that begins at word `i`: its ends and how many words it takes.
fn one(reading: &Reading, i: usize, today: NaiveDate) -> Option<((NaiveDate, NaiveDate), usize)> {
    let word = reading.fold_at(i);
    let next = reading.fold_at(i + 1);
    if let Ok(day) = NaiveDate::parse_from_str(word, "%Y-%m-%d") {
        return Some(((day, day), 1));
    }
    if let Ok(day) = NaiveDate::parse_from_str(word, "%d.%m.%Y") {
        return Some(((day, day), 1));
    }
    if let Some((year, month)) = word.split_once('-').and_then(|(y, m)| Some((year_of(y)?, m.parse::<u32>().ok()?))) {
        return span(year, month, 1).map(|ends| (ends, 1));
    }
    if let Some(year) = year_of(word) {
        return span(year, 1, 12).map(|ends| (ends, 1));
    }
    let quarter = word.strip_prefix('q').and_then(|n| n.parse::<u32>().ok()).filter(|n| (1..=4).contains(n));
    if let (Some(quarter), Some(year)) = (quarter, year_of(next)) {
        return span(year, quarter * 3 - 2, 3).map(|ends| (ends, 2));
    }
    if let (Some(month), Some(year)) = (month_of(word), year_of(next)) {
        return span(year, month, 1).map(|ends| (ends, 2));
    }
    if today == NaiveDate::MIN {
        return None;
    }
    let first = today.with_day(1)?;
    match word {
        "today" | "heute" => return Some(((today, today), 1)),
        "yesterday" | "gestern" => return today.pred_opt().map(|day| ((day, day), 1)),
        _ => {}
    }
    let shift = match word {
        "this" | "current" | "diese" | "dieses" | "diesen" | "diesem" | "dieser" => 0_i32,
        "last" | "previous" | "letzte" | "letztes" | "letzten" | "letztem" | "letzter" | "vorige" | "voriges" | "vorigen" => -1,
        _ => return None,
    };
    let back = u32::from(shift < 0);
    match next {
        "year" | "jahr" | "jahre" | "jahres" => span(today.year() + shift, 1, 12),
        "month" | "monat" | "monats" => first.checked_sub_months(Months::new(back)).and_then(|day| span(day.year(), day.month(), 1)),
        "quarter" | "quartal" | "quartals" => {
            let day = first.checked_sub_months(Months::new(first.month0() % 3 + 3 * back))?;
            span(day.year(), day.month(), 3)
        }
        "week" | "woche" => {
            let monday = today.checked_sub_days(Days::new(u64::from(today.weekday().num_days_from_monday()) + 7 * u64::from(back)))?;
            Some((monday, monday.checked_add_days(Days::new(6))?))
        }
        _ => None,
    }
    .map(|ends| (ends, 2))
}

/// Takes the periods out of a reading. Several are several: the caller asks which is meant.
pub(crate) fn take(reading: &mut Reading, today: NaiveDate) -> Vec<Period> {
    let mut found = Vec::new();
    let mut i = 0;
    while i < reading.tokens.len() {
        let Some(((from, to), len)) = one(reading, i, today) else {
            i += 1;
            continue;
        };
        let before = if i > 0 { reading.fold_at(i - 1).to_owned() } else { String::new() };
        let mut taken = len;
        let period = match before.as_str() {
            "since" | "seit" => Period { from: Some(from), to: None },
            "after" => Period { from: to.succ_opt(), to: None },
            "before" | "vor" => Period { from: None, to: from.pred_opt() },
            "until" | "till" | "bis" => Period { from: None, to: Some(to) },
            "between" | "zwischen" | "from" | "von" if matches!(reading.fold_at(i + len), "and" | "und" | "to" | "bis" | "until") => {
                match one(reading, i + len + 1, today) {
                    Some(((_, end), more)) => {
                        taken += 1 + more;
                        Period { from: Some(from), to: Some(end) }
                    }
                    None => Period { from: Some(from), to: Some(to) },
                }
            }
            _ => Period { from: Some(from), to: Some(to) },
        };
        reading.take(i, taken);
        if matches!(before.as_str(), "since" | "seit" | "after" | "before" | "vor" | "until" | "till" | "bis" | "between" | "zwischen") {
            reading.take(i - 1, 1);
        }
        i += taken;
        found.push(period);
    }
    found
}
