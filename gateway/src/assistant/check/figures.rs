//! Figures in a text: numbers as English and German write them, dates, and what only looks like a number.

use chrono::NaiveDate;
use rust_decimal::Decimal;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Every date that the text may mean.
    Date(Vec<NaiveDate>),
    /// "5 May": the year stands elsewhere or nowhere.
    DayOfMonth(u32, u32),
    Number(Token),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// What the digits may mean: `1.234` is two numbers, by language.
    pub(super) readings: Vec<Decimal>,
    pub(super) is_percentage: bool,
    /// Set if it may be a year.
    pub(super) year: Option<i32>,
    /// It says how many rows follow ("top 3", "the first 20").
    pub(super) counts_rows: bool,
}

const MONTHS: [&[&str]; 12] = [
    &["january", "januar", "jan"],
    &["february", "februar", "feb"],
    &["march", "märz", "mar"],
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

/// Words before a number that make it the number of rows shown.
const ROW_WORDS: [&str; 12] = ["top", "first", "last", "largest", "biggest", "best", "ersten", "letzten", "größten", "besten", "erste", "oberste"];

/// The length of a number that counts a line ("1. ", "2) ", "- "), else 0.
pub(super) fn ordinal(line: &str) -> usize {
    let indent = line.len() - line.trim_start().len();
    let rest = &line[indent..];
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let counts = (1..=3).contains(&digits) && rest[digits..].starts_with(['.', ')']) && rest[digits + 1..].starts_with(' ');
    if counts { indent + digits + 2 } else { 0 }
}

fn month_of(word: &str) -> Option<u32> {
    let word = word.trim_matches(|c: char| !c.is_alphabetic());
    (1..).zip(MONTHS).find(|(_, names)| names.contains(&word)).map(|(month, _)| month)
}

/// Whether a month's name follows the point that the text begins with.
pub(super) fn is_before_month(text: &str) -> bool {
    text.strip_prefix(". ").and_then(|rest| rest.split_whitespace().next()).is_some_and(|word| month_of(&word.to_lowercase()).is_some())
}

/// `text` is in lower case.
pub(super) fn find(text: &str) -> Vec<Found> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find(|c: char| c.is_ascii_digit()).map(|offset| at + offset) {
        if let Some((dates, end)) = date(text, start) {
            found.push(Found::Date(dates));
            at = end;
            continue;
        }
        let end = end_of_number(text, start);
        at = end;
        let (before, after) = (&text[..start], &text[end..]);
        if is_quarter(before, &text[start..end], after) || is_ordinal(&text[start..end], after) {
            continue;
        }
        if let Some(month) = day_of(before, &text[start..end], after) {
            found.push(Found::DayOfMonth(month.0, month.1));
            continue;
        }
        found.extend(numbers(before, &text[start..end], after).into_iter().map(Found::Number));
    }
    found
}

/// A date that stands in digits: 1997-12-31, 31.12.1997, 12/31/1997.
fn date(text: &str, start: usize) -> Option<(Vec<NaiveDate>, usize)> {
    let run = text[start..].bytes().take_while(|b| b.is_ascii_digit() || matches!(b, b'-' | b'.' | b'/')).count();
    let candidate = text[start..start + run].trim_end_matches(['-', '.', '/']);
    let mut readings: Vec<NaiveDate> = ["%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y"]
        .iter()
        .filter_map(|format| NaiveDate::parse_from_str(candidate, format).ok())
        .filter(|date| date.format("%Y").to_string().len() == 4)
        .collect();
    readings.dedup();
    if readings.is_empty() { None } else { Some((readings, start + candidate.len())) }
}

/// Digits with separators between them.
fn end_of_number(text: &str, start: usize) -> usize {
    let mut end = start;
    let mut chars = text[start..].char_indices().peekable();
    while let Some((offset, c)) = chars.next() {
        let is_digit = c.is_ascii_digit();
        let separates = matches!(c, '.' | ',' | '\'' | '’' | '\u{a0}' | '\u{202f}' | '\u{2009}') && chars.peek().is_some_and(|(_, next)| next.is_ascii_digit());
        if !is_digit && !separates {
            break;
        }
        end = start + offset + c.len_utf8();
    }
    end
}

/// "Q3", "H1".
fn is_quarter(before: &str, digits: &str, after: &str) -> bool {
    let mut letters = before.chars().rev();
    let letter = letters.next();
    let alone = letters.next().is_none_or(|c| !c.is_alphanumeric());
    let bare = !after.starts_with(char::is_alphanumeric);
    alone && bare && (letter == Some('q') && matches!(digits, "1" | "2" | "3" | "4") || letter == Some('h') && matches!(digits, "1" | "2"))
}

/// "1st", "2nd".
fn is_ordinal(digits: &str, after: &str) -> bool {
    let word: String = after.chars().take_while(|c| c.is_alphabetic()).collect();
    digits.len() <= 2 && matches!(word.as_str(), "st" | "nd" | "rd" | "th")
}

/// Day and month of "5 May", "5. Mai", "May 5".
fn day_of(before: &str, digits: &str, after: &str) -> Option<(u32, u32)> {
    let day: u32 = digits.parse().ok().filter(|day| (1..=31).contains(day))?;
    let next = after.trim_start_matches('.').strip_prefix(' ').and_then(|rest| rest.split(' ').next()).and_then(month_of);
    let previous = || before.strip_suffix(' ').and_then(|rest| rest.rsplit(' ').next()).and_then(month_of);
    next.or_else(previous).map(|month| (day, month))
}

fn numbers(before: &str, digits: &str, after: &str) -> Vec<Token> {
    let readings = readings(digits);
    if readings.is_empty() {
        // Several numbers without a space between them.
        return digits.split(|c: char| !c.is_ascii_digit()).flat_map(|part| numbers("", part, "")).collect();
    }
    let is_negative =
        before.ends_with(['-', '−']) && !before[..before.len() - before.chars().next_back().map_or(0, char::len_utf8)].ends_with(|c: char| c.is_alphanumeric());
    let readings: Vec<Decimal> = readings.into_iter().map(|value| if is_negative { -value } else { value }).collect();
    let after = after.trim_start_matches([' ', '\u{a0}', '\u{202f}']);
    let year = Some(digits).filter(|digits| digits.len() == 4).and_then(|digits| digits.parse().ok()).filter(|year| (1900..=2100).contains(year));
    let word = before.trim_end().rsplit(|c: char| !c.is_alphabetic()).next().unwrap_or_default();
    let counts_rows = before.ends_with(' ') && ROW_WORDS.contains(&word);
    vec![Token { readings, is_percentage: after.starts_with('%') || after.starts_with("percent") || after.starts_with("prozent"), year, counts_rows }]
}

/// What a number with separators may mean, in English and in German.
pub(super) fn readings(digits: &str) -> Vec<Decimal> {
    let mut readings: Vec<Decimal> = [(',', '.'), ('.', ',')].into_iter().filter_map(|(group, point)| read(digits, group, point)).collect();
    readings.dedup();
    readings
}

fn read(digits: &str, group: char, point: char) -> Option<Decimal> {
    let (whole, fraction) = digits.split_once(point).map_or((digits, None), |(whole, fraction)| (whole, Some(fraction)));
    let groups: Vec<&str> = whole.split([group, '\'', '’', '\u{a0}', '\u{202f}', '\u{2009}']).collect();
    let grouped = groups.len() == 1 || (groups[0].len() <= 3 && groups[1..].iter().all(|group| group.len() == 3));
    let plain = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !grouped || !groups.iter().all(plain) || fraction.is_some_and(|fraction| !plain(&fraction)) {
        return None;
    }
    let text = format!("{}{}{}", groups.concat(), if fraction.is_some() { "." } else { "" }, fraction.unwrap_or_default());
    text.parse().ok()
}
