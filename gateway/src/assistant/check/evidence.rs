//! What the tools of a turn returned, in the form in which an answer is held against it.

use super::figures::{self, Found};
use super::passages::Told;
use crate::assistant::query::plain_number;
use crate::assistant::search::Passage;
use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;
use serde_json::Value;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

/// A number that a result says.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) value: Decimal,
    /// As the result writes it.
    pub(super) plain: String,
    /// `None` for what no query said: a preview, an error.
    pub(super) query: Option<Arc<str>>,
    /// It says over how many records the answer is.
    pub(super) is_scope: bool,
}

/// A query whose result the answer may rest on.
#[derive(Clone, Debug)]
pub(in crate::assistant) struct Used {
    pub(in crate::assistant) resource: String,
    pub(in crate::assistant) query: String,
    /// Records of a list: id, version, title.
    pub(in crate::assistant) records: Vec<(String, Value, String)>,
}

#[derive(Debug, Default)]
pub(in crate::assistant) struct Evidence {
    pub(super) known: Vec<Known>,
    /// Texts of results and of the question that hold digits, in lower case: names, numbers of records. Longest first.
    names: BTreeSet<(std::cmp::Reverse<usize>, String)>,
    pub(super) dates: HashSet<NaiveDate>,
    pub(super) years: HashSet<i32>,
    /// Numbers of the question.
    pub(super) asked: HashSet<Decimal>,
    /// Numbers of the filters and limits of queries that ran.
    pub(super) filtered: HashSet<Decimal>,
    /// How many rows results have.
    pub(super) rows: HashSet<Decimal>,
    pub(in crate::assistant) used: Vec<Used>,
    /// What was found in texts, and can still be read where it was found.
    pub(super) passages: Vec<Told>,
    /// Texts were looked through, whatever was found.
    pub(super) has_searched: bool,
    /// A preview or an error was told: the answer may be about that.
    pub(super) has_other: bool,
    /// The text is of the house's own making: it need not cite to say that it does not know.
    pub(super) is_trusted: bool,
}

impl Evidence {
    pub(in crate::assistant) fn new(question: &str, today: NaiveDate) -> Self {
        let mut evidence = Self::default();
        evidence.date(today);
        let question = question.to_lowercase();
        for found in figures::find(&question) {
            match found {
                Found::Date(dates) => dates.into_iter().for_each(|date| evidence.date(date)),
                Found::DayOfMonth(..) => {}
                Found::Number(token) => {
                    evidence.years.extend(token.year);
                    evidence.asked.extend(token.readings);
                }
            }
        }
        // Names that the person used may be said again, where they are more than a number.
        for word in question.split_whitespace().map(|word| word.trim_matches(|c: char| !c.is_alphanumeric())) {
            if word.contains(char::is_alphabetic) {
                evidence.name(word);
            }
        }
        evidence
    }

    /// The result of a query that ran, with what it was asked.
    pub(in crate::assistant) fn query(&mut self, arguments: &Value, result: &Value) {
        let text = |name: &str| result.get(name).and_then(Value::as_str).unwrap_or_default();
        let query: Arc<str> = text("query").into();
        let filters = arguments.get("filters").and_then(Value::as_array).into_iter().flatten();
        for value in filters.filter_map(|filter| filter.get("values")?.as_array()).flatten() {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_lowercase);
            for found in figures::find(&value) {
                match found {
                    Found::Date(dates) => dates.into_iter().for_each(|date| self.date(date)),
                    Found::DayOfMonth(..) => {}
                    Found::Number(token) => {
                        self.years.extend(token.year);
                        self.filtered.extend(token.readings);
                    }
                }
            }
        }
        let items = result.get("items").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let is_complete = result.get("more").and_then(Value::as_bool) != Some(true);
        let rows = Decimal::from(items.len());
        self.rows.insert(rows);
        self.filtered.extend(arguments.get("limit").and_then(Value::as_i64).map(Decimal::from));
        if is_complete {
            self.known.push(Known { value: rows, plain: rows.to_string(), query: Some(Arc::clone(&query)), is_scope: false });
        }
        for item in items {
            self.values(item, Some(&query));
        }
        if let Some(count) = result.get("count").and_then(|count| count.get("value")) {
            self.values(count, Some(&query));
        }
        if let Some(rows) = result.pointer("/scope/rows").and_then(Value::as_i64) {
            let query = result.pointer("/scope/query").and_then(Value::as_str).map(Arc::from);
            self.known.push(Known { value: rows.into(), plain: rows.to_string(), query, is_scope: true });
        }
        let record = |item: &Value| {
            let title = item.get("title")?.as_str()?.to_owned();
            Some((item.get("id")?.as_str()?.to_owned(), item.get("version").cloned().unwrap_or(Value::Null), title))
        };
        let records = items.iter().filter_map(record).collect();
        self.used.push(Used { resource: text("resource").to_owned(), query: query.to_string(), records });
    }

    /// The totals of a report, whose rows are those of a query.
    pub(in crate::assistant) fn report(&mut self, arguments: &Value, result: &Value) {
        self.query(arguments, result);
        let query = result.get("query").and_then(Value::as_str).map(Arc::from);
        for name in ["totals", "rows"] {
            if let Some(told) = result.get(name) {
                self.values(told, query.as_ref());
            }
        }
        if let Some(used) = self.used.last_mut() {
            used.resource = result.get("report").and_then(Value::as_str).unwrap_or_default().to_owned();
        }
    }

    /// Passages that stand.
    pub(in crate::assistant) fn passages(&mut self, passages: &[Passage]) {
        self.has_searched = true;
        for passage in passages {
            self.text(&passage.record);
            self.passages.push(Told::of(passage));
        }
    }

    /// The text is not a model's.
    pub(in crate::assistant) fn trust(&mut self) {
        self.is_trusted = true;
    }

    /// What another tool returned: a preview, an error.
    pub(in crate::assistant) fn other(&mut self, result: &Value) {
        self.has_other = true;
        match result {
            Value::String(text) => {
                self.text(text);
                for found in figures::find(&text.to_lowercase()) {
                    match found {
                        Found::Date(dates) => dates.into_iter().for_each(|date| self.date(date)),
                        Found::DayOfMonth(..) => {}
                        Found::Number(token) => {
                            self.known.extend(token.readings.into_iter().map(|value| Known { value, plain: value.to_string(), query: None, is_scope: false }));
                        }
                    }
                }
            }
            Value::Number(_) => self.values(result, None),
            Value::Array(items) => items.iter().for_each(|item| self.other(item)),
            Value::Object(fields) => fields.iter().filter(|(name, _)| *name != "id").for_each(|(_, value)| self.other(value)),
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// A question back may repeat any number of the person's own question: it claims nothing with it.
    pub(in crate::assistant) fn allow_what_was_asked(&mut self) {
        self.filtered.extend(self.asked.iter().copied());
    }

    fn values(&mut self, value: &Value, query: Option<&Arc<str>>) {
        let plain = match value {
            Value::Number(number) => number.to_string(),
            Value::String(text) => {
                self.text(text);
                text.clone()
            }
            Value::Array(items) => return items.iter().for_each(|item| self.values(item, query)),
            // Ids and versions are no figures.
            Value::Object(fields) => {
                return fields.iter().filter(|(name, _)| !matches!(name.as_str(), "id" | "version")).for_each(|(_, value)| self.values(value, query));
            }
            Value::Null | Value::Bool(_) => return,
        };
        if let Some(value) = plain_number(&plain) {
            self.known.push(Known { value, plain, query: query.cloned(), is_scope: false });
        }
    }

    /// A text of a result: a date, a name, the number of a record.
    fn text(&mut self, text: &str) {
        if let Some(date) = text.get(..10).and_then(|start| start.parse().ok()) {
            self.date(date);
        }
        if plain_number(text).is_some() {
            return;
        }
        self.name(&text.to_lowercase());
        for word in text.to_lowercase().split_whitespace().map(|word| word.trim_matches(|c: char| !c.is_alphanumeric())) {
            if word.len() >= 4 {
                self.name(word);
            }
        }
    }

    fn name(&mut self, name: &str) {
        if name.len() >= 2 && name.contains(|c: char| c.is_ascii_digit()) {
            self.names.insert((std::cmp::Reverse(name.len()), name.to_owned()));
        }
    }

    fn date(&mut self, date: NaiveDate) {
        self.dates.insert(date);
        self.years.insert(date.year());
    }

    pub(super) fn has_day(&self, day: u32, month: u32) -> bool {
        self.dates.iter().any(|date| date.day() == day && date.month() == month)
    }

    /// The sentence in lower case without the names that results say.
    pub(super) fn without_names(&self, sentence: &str) -> String {
        let mut bare = sentence.to_lowercase();
        for (_, name) in &self.names {
            let mut from = 0;
            while let Some(start) = bare[from..].find(name.as_str()).map(|offset| from + offset) {
                let end = start + name.len();
                let alone = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
                let after = &bare[end..];
                let goes_on = after.starts_with(['.', ',']) && after[1..].starts_with(|c: char| c.is_ascii_digit());
                if alone(bare[..start].chars().next_back()) && alone(after.chars().next()) && !goes_on {
                    bare.replace_range(start..end, "·");
                    from = start + "·".len();
                } else {
                    from = start + bare[start..].chars().next().map_or(1, char::len_utf8);
                }
            }
        }
        bare
    }
}
