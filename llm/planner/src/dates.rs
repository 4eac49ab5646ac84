//! Periods in a question: years, halves, quarters, months, weeks, days, and what is counted from today.

use crate::reading::{Reading, number};
use chrono::{Datelike, Days, Months, NaiveDate};

/// Both ends included; an open end is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Period {
    pub(crate) from: Option<NaiveDate>,
    pub(crate) to: Option<NaiveDate>,
}

impl Period {
    /// As an answer says it: a year by its number, else by its days, which a result can be held against.
    pub(crate) fn said(&self) -> String {
        match (self.from, self.to) {
            (Some(from), Some(to)) if from == to => from.to_string(),
            (Some(from), Some(to)) if (from.ordinal(), to.month(), to.day()) == (1, 12, 31) && from.year() == to.year() => from.year().to_string(),
            (Some(from), Some(to)) => format!("{from} – {to}"),
            (Some(from), None) => format!("≥ {from}"),
            (None, Some(to)) => format!("≤ {to}"),
            (None, None) => String::new(),
        }
    }
}

/// The first and the last day.
type Ends = (NaiveDate, NaiveDate);

const MONTHS: [&[&str]; 12] = [
    &["january", "januar", "janner", "jan"],
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

const ORDINALS: [&[&str]; 4] = [
    &["first", "1st", "erste", "ersten", "erstes", "1"],
    &["second", "2nd", "zweite", "zweiten", "zweites", "2"],
    &["third", "3rd", "dritte", "dritten", "drittes", "3"],
    &["fourth", "4th", "vierte", "vierten", "viertes", "4"],
];

fn year_of(fold: &str) -> Option<i32> {
    let digits = fold.strip_prefix('\'').unwrap_or(fold);
    (digits.len() == 4).then(|| digits.parse::<i32>().ok()).flatten().filter(|year| (1900..2100).contains(year))
}

fn month_of(fold: &str) -> Option<u32> {
    MONTHS.iter().position(|names| names.contains(&fold)).and_then(|i| u32::try_from(i + 1).ok())
}

fn day_of(fold: &str) -> Option<u32> {
    let digits = ["st", "nd", "rd", "th"].iter().find_map(|ending| fold.strip_suffix(ending)).unwrap_or(fold);
    (digits.len() <= 2).then(|| digits.parse::<u32>().ok()).flatten().filter(|day| (1..=31).contains(day))
}

/// `Q2`.
fn quarter_of(fold: &str) -> Option<u32> {
    let digits = fold.strip_prefix('q').or_else(|| fold.strip_suffix(".quartal"))?;
    digits.parse::<u32>().ok().filter(|n| (1..=4).contains(n))
}

/// `months` months from the first of a month.
fn span(year: i32, month: u32, months: u32) -> Option<Ends> {
    let from = NaiveDate::from_ymd_opt(year, month, 1)?;
    Some((from, from.checked_add_months(Months::new(months))?.pred_opt()?))
}

/// Words of a reading from a position on.
struct At<'a> {
    reading: &'a Reading,
    start: usize,
}

impl At<'_> {
    fn word(&self, offset: usize) -> &str {
        self.reading.fold_at(self.start + offset)
    }
    /// How many of these words stand at `offset`.
    fn skip(&self, offset: usize, words: &[&str]) -> usize {
        (offset..).take_while(|at| words.contains(&self.word(*at))).count()
    }

    /// A year after words such as "of" and "the year": it, and how many words both take.
    fn year(&self, offset: usize) -> Option<(i32, usize)> {
        let filled = self.skip(offset, &["of", "in", "the", "year", "des", "im", "jahr", "jahres", "von"]);
        year_of(self.word(offset + filled)).map(|year| (year, filled + 1))
    }

    /// A day, month or year that stands in one word.
    fn in_digits(&self) -> Option<(Ends, usize)> {
        let word = self.word(0);
        let day = ["%Y-%m-%d", "%d.%m.%Y", "%Y/%m/%d"].iter().find_map(|format| NaiveDate::parse_from_str(word, format).ok());
        if let Some(day) = day.filter(|day| year_of(&day.year().to_string()).is_some()) {
            return Some(((day, day), 1));
        }
        let (left, right) = word.split_once(['-', '/', '.'])?;
        let ends = match (year_of(left), year_of(right)) {
            (Some(year), None) => match quarter_of(right) {
                Some(quarter) => span(year, quarter * 3 - 2, 3),
                None => span(year, right.parse().ok()?, 1),
            },
            (None, Some(year)) => match quarter_of(left) {
                Some(quarter) => span(year, quarter * 3 - 2, 3),
                None => span(year, left.parse().ok()?, 1),
            },
            _ => None,
        };
        ends.map(|ends| (ends, 1))
    }

    /// "10 May 1997", "May 10, 1997", "10. Mai 1997", "the 10th of May 1997".
    fn written_day(&self) -> Option<(Ends, usize)> {
        let on = |year: i32, month: u32, day: u32| NaiveDate::from_ymd_opt(year, month, day).map(|day| (day, day));
        if let Some(day) = day_of(self.word(0)) {
            let filled = self.skip(1, &["of"]);
            let month = month_of(self.word(1 + filled))?;
            let (year, more) = self.year(2 + filled)?;
            return on(year, month, day).map(|ends| (ends, 2 + filled + more));
        }
        let (month, day) = (month_of(self.word(0))?, day_of(self.word(1))?);
        on(year_of(self.word(2))?, month, day).map(|ends| (ends, 3))
    }

    /// "second quarter of 1997", "first half of 1997", "1997 Q2", "Q2 1997", "2. Quartal 1997", "March 1998".
    fn part_of_year(&self) -> Option<(Ends, usize)> {
        if let Some(ordinal) = ORDINALS.iter().position(|names| names.contains(&self.word(0))) {
            let months = match self.word(1) {
                "quarter" | "quartal" | "quartals" => 3,
                "half" | "halbjahr" | "halfte" if ordinal < 2 => 6,
                _ => return None,
            };
            let (year, more) = self.year(2)?;
            return span(year, u32::try_from(ordinal).ok()? * months + 1, months).map(|ends| (ends, 2 + more));
        }
        if let (Some(year), Some(quarter)) = (year_of(self.word(0)), quarter_of(self.word(1))) {
            return span(year, quarter * 3 - 2, 3).map(|ends| (ends, 2));
        }
        if let Some(quarter) = quarter_of(self.word(0)) {
            let (year, more) = self.year(1)?;
            return span(year, quarter * 3 - 2, 3).map(|ends| (ends, 1 + more));
        }
        if matches!(self.word(0), "quarter" | "quartal") {
            let quarter = self.word(1).parse::<u32>().ok().filter(|n| (1..=4).contains(n))?;
            let (year, more) = self.year(2)?;
            return span(year, quarter * 3 - 2, 3).map(|ends| (ends, 2 + more));
        }
        let month = month_of(self.word(0))?;
        let (year, more) = self.year(1)?;
        span(year, month, 1).map(|ends| (ends, 1 + more))
    }

    /// "the year 1997", "1997".
    fn whole_year(&self) -> Option<(Ends, usize)> {
        let filled = self.skip(0, &["year", "jahr", "jahre", "jahres"]).min(1);
        let year = year_of(self.word(filled))?;
        span(year, 1, 12).map(|ends| (ends, filled + 1))
    }

    /// "last month", "this quarter", "yesterday", "the last 30 days".
    fn counted_from(&self, today: NaiveDate) -> Option<(Ends, usize)> {
        let first = today.with_day(1)?;
        match self.word(0) {
            "today" | "heute" => return Some(((today, today), 1)),
            "tomorrow" | "morgen" => return today.succ_opt().map(|day| ((day, day), 1)),
            "yesterday" | "gestern" => return today.pred_opt().map(|day| ((day, day), 1)),
            _ => {}
        }
        let back = match self.word(0) {
            "this" | "current" | "diese" | "dieses" | "diesen" | "diesem" | "dieser" => 0_u32,
            "last" | "previous" | "past" | "letzte" | "letztes" | "letzten" | "letztem" | "letzter" | "vorige" | "voriges" | "vorigen" | "vorigem"
            | "voriger" => 1,
            _ => return None,
        };
        let ends = match self.word(1) {
            "year" | "jahr" | "jahre" | "jahres" => span(today.year() - i32::try_from(back).ok()?, 1, 12),
            "month" | "monat" | "monats" => first.checked_sub_months(Months::new(back)).and_then(|day| span(day.year(), day.month(), 1)),
            "quarter" | "quartal" | "quartals" => {
                let day = first.checked_sub_months(Months::new(first.month0() % 3 + 3 * back))?;
                span(day.year(), day.month(), 3)
            }
            "week" | "woche" => {
                let monday = today.checked_sub_days(Days::new(u64::from(today.weekday().num_days_from_monday()) + 7 * u64::from(back)))?;
                Some((monday, monday.checked_add_days(Days::new(6))?))
            }
            several if back == 1 => {
                let count = number(several).and_then(|n| u32::try_from(n).ok()).filter(|n| (1..=1000).contains(n))?;
                let from = match self.word(2) {
                    "days" | "tage" | "tagen" => today.checked_sub_days(Days::new(u64::from(count)))?,
                    "weeks" | "wochen" => today.checked_sub_days(Days::new(7 * u64::from(count)))?,
                    "months" | "monate" | "monaten" => today.checked_sub_months(Months::new(count))?,
                    "years" | "jahre" | "jahren" => today.checked_sub_months(Months::new(12 * count))?,
                    _ => return None,
                };
                return Some(((from, today), 3));
            }
            _ => None,
        };
        ends.map(|ends| (ends, 2))
    }
}

/// A period that begins at word `i`: its ends and how many words it takes.
fn one(reading: &Reading, i: usize, today: NaiveDate) -> Option<(Ends, usize)> {
    let at = At { reading, start: i };
    let named = at.in_digits().or_else(|| at.written_day()).or_else(|| at.part_of_year()).or_else(|| at.whole_year());
    // Without a date in the request nothing is counted from today.
    named.or_else(|| if today == NaiveDate::MIN { None } else { at.counted_from(today) })
}

/// The end of a range whose beginning leaves out what both share: "from March to May 1997", "between 10 and 20 May 1997".
fn shared(reading: &Reading, i: usize, today: NaiveDate) -> Option<(Ends, usize)> {
    let first = reading.fold_at(i);
    let after = i + 1 + usize::from(reading.fold_at(i + 1) == "of");
    let link = after + usize::from(month_of(reading.fold_at(after)).is_some() && day_of(first).is_some());
    if !LINKS.contains(&reading.fold_at(link)) {
        return None;
    }
    let ((_, end), more) = one(reading, link + 1, today)?;
    let from = match (month_of(first), day_of(first)) {
        (Some(month), _) => NaiveDate::from_ymd_opt(end.year(), month, 1)?,
        (None, Some(day)) => NaiveDate::from_ymd_opt(end.year(), if link > after { month_of(reading.fold_at(after))? } else { end.month() }, day)?,
        (None, None) => return None,
    };
    (from <= end).then_some(((from, end), link + 1 + more - i))
}

const LINKS: [&str; 8] = ["and", "und", "to", "bis", "until", "till", "through", "–"];

/// Takes the periods out of a reading, each with the word where it stands. Several are several: the caller asks which is
/// meant.
pub(crate) fn take(reading: &mut Reading, today: NaiveDate) -> Vec<(usize, Period)> {
    let mut found = Vec::new();
    let mut i = 0;
    while i < reading.tokens.len() {
        // "Between the 3rd and the 5th", "since the beginning of 1997".
        let before = (0..i).rev().map(|at| reading.fold_at(at)).find(|word| !matches!(*word, "the" | "dem" | "der" | "den")).unwrap_or_default().to_owned();
        let ranges = matches!(before.as_str(), "between" | "zwischen" | "from" | "von" | "vom");
        if ranges && let Some(((from, to), taken)) = shared(reading, i, today).filter(|_| one(reading, i, today).is_none()) {
            claim(reading, i, taken, &before);
            found.push((i, Period { from: Some(from), to: Some(to) }));
            i += taken;
            continue;
        }
        let Some(((from, to), len)) = one(reading, i, today).filter(|_| !reading.tokens[i].used) else {
            i += 1;
            continue;
        };
        let mut taken = len;
        let period = match before.as_str() {
            "since" | "seit" => Period { from: Some(from), to: None },
            "after" | "nach" => Period { from: to.succ_opt(), to: None },
            "before" | "vor" => Period { from: None, to: from.pred_opt() },
            "until" | "till" | "bis" => Period { from: None, to: Some(to) },
            _ => {
                let link = i + len;
                let fill = link + 1 + usize::from(matches!(reading.fold_at(link + 1), "the" | "zum" | "dem"));
                let end = LINKS.contains(&reading.fold_at(link)).then(|| one(reading, fill, today)).flatten();
                // "1996 and 1997" are two years unless a range is announced or they follow each other.
                let joins = ranges || !matches!(reading.fold_at(link), "and" | "und");
                match end {
                    Some(((_, end), more)) if joins && end > to => {
                        taken = fill + more - i;
                        Period { from: Some(from), to: Some(end) }
                    }
                    _ => Period { from: Some(from), to: Some(to) },
                }
            }
        };
        claim(reading, i, taken, &before);
        i += taken;
        found.push((i - taken, period));
    }
    found
}

/// Marks the words of a period, with the one before it that says how it bounds.
fn claim(reading: &mut Reading, start: usize, len: usize, before: &str) {
    reading.take(start, len);
    if matches!(before, "since" | "seit" | "after" | "nach" | "before" | "vor" | "until" | "till" | "bis" | "between" | "zwischen") {
        let word = (0..start).rev().find(|at| reading.fold_at(*at) == before).unwrap_or(start);
        reading.take(word, 1);
    }
}
