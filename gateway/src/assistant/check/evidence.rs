//! What the tools of a turn returned, in the form in which an answer is held against it.

mod rows;

use super::figures::{self, Found};
use super::passages::Told;
use super::{sentences, words};
use crate::assistant::query::plain_number;
use crate::assistant::search::Passage;
use chrono::{Datelike, NaiveDate};
use rows::Rows;
use rust_decimal::Decimal;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

pub(super) use rows::Named;

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
    /// The row of a result that says it; `None` where it belongs to no record.
    pub(super) row: Option<usize>,
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
    pub(super) rows_shown: HashSet<Decimal>,
    pub(in crate::assistant) used: Vec<Used>,
    /// What was found in texts, and can still be read where it was found.
    pub(super) passages: Vec<Told>,
    /// Texts were looked through, whatever was found.
    pub(super) has_searched: bool,
    /// The text is of the house's own making, put together from the results row by row: its words are not held against them.
    pub(super) is_trusted: bool,
    /// Whose figures the known ones are.
    pub(super) rows: Rows,
    /// What the records are called that results told of, by their ids.
    titles: HashMap<String, String>,
    /// Stems of the words that the results say: a sentence that rests on them uses them.
    pub(super) told: HashSet<String>,
    /// Stems of the words of the question.
    pub(super) asked_words: HashSet<String>,
    /// Stems of what the catalogue calls things. A question back may use them.
    pub(super) vocabulary: HashSet<String>,
    /// Sentences that the house says of itself, as their words.
    pub(super) house: HashSet<String>,
}

impl Evidence {
    pub(in crate::assistant) fn new(question: &str, today: NaiveDate) -> Self {
        let mut evidence = Self::default();
        evidence.date(today);
        evidence.asked_words = words::stems(question);
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

    /// What may be said without a source: texts that the house speaks of itself with.
    pub(in crate::assistant) fn house(&mut self, text: &str) {
        self.house.extend(sentences(text).into_iter().map(|sentence| words::plain(sentence).collect::<Vec<_>>().join(" ")));
    }

    /// What the catalogue calls things.
    pub(in crate::assistant) fn vocabulary<'a>(&mut self, labels: impl Iterator<Item = &'a str>) {
        self.vocabulary.extend(labels.flat_map(words::stems));
    }

    /// What a person calls the things of a result.
    pub(in crate::assistant) fn called<'a>(&mut self, labels: impl Iterator<Item = &'a str>) {
        self.told.extend(labels.flat_map(words::stems));
    }

    /// A tool returned something.
    pub(super) fn has_results(&self) -> bool {
        !self.told.is_empty()
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
        let (about, group) = (self.about(arguments), names_in(arguments.get("group")));
        self.rows.begin();
        let whole = self.rows.add(Vec::new(), about.clone());
        let rows = Decimal::from(items.len());
        self.rows_shown.insert(rows);
        self.filtered.extend(arguments.get("limit").and_then(Value::as_i64).map(Decimal::from));
        if is_complete {
            self.known.push(Known { value: rows, plain: rows.to_string(), query: Some(Arc::clone(&query)), is_scope: false, row: Some(whole) });
        }
        self.called(text("resource").split('.'));
        self.called(result.pointer("/scope/label").and_then(Value::as_str).into_iter());
        let columns = names_in(result.get("columns"));
        for item in items {
            self.called(item.as_object().into_iter().flat_map(|fields| fields.keys()).map(String::as_str));
            let (titles, refers) = names_of(item, &group, &columns);
            let row = self.rows.add(titles, [refers, about.clone()].concat());
            self.values(item, Some(&query), Some(row));
            self.learn(item);
        }
        if let Some(count) = result.get("count").and_then(|count| count.get("value")) {
            self.values(count, Some(&query), Some(whole));
        }
        if let Some(rows) = result.pointer("/scope/rows").and_then(Value::as_i64) {
            let query = result.pointer("/scope/query").and_then(Value::as_str).map(Arc::from);
            self.known.push(Known { value: rows.into(), plain: rows.to_string(), query, is_scope: true, row: None });
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
                self.values(told, query.as_ref(), None);
            }
        }
        if let Some(used) = self.used.last_mut() {
            used.resource = result.get("report").and_then(Value::as_str).unwrap_or_default().to_owned();
        }
    }

    /// What the filters of a query narrow it to: the names of the records, and the texts that were looked for.
    fn about(&self, arguments: &Value) -> Vec<String> {
        let filters = arguments.get("filters").and_then(Value::as_array).into_iter().flatten();
        let values = filters.filter_map(|filter| filter.get("values")?.as_array()).flatten().filter_map(Value::as_str);
        values
            .map(|value| self.titles.get(value).cloned().unwrap_or_else(|| value.to_owned()))
            .filter(|name| !matches!(name.as_str(), "true" | "false"))
            .collect()
    }

    fn learn(&mut self, item: &Value) {
        let mut known = |of: &Value| {
            if let (Some(id), Some(title)) = (of.get("id").and_then(Value::as_str), of.get("title").and_then(Value::as_str)) {
                self.titles.insert(id.to_owned(), title.to_owned());
            }
        };
        known(item);
        item.as_object().into_iter().flat_map(|fields| fields.values()).for_each(known);
    }

    /// Passages that stand now; what stood before is forgotten.
    pub(in crate::assistant) fn passages(&mut self, passages: &[Passage]) {
        self.has_searched = true;
        self.passages.clear();
        for passage in passages {
            self.text(&passage.record);
            self.passages.push(Told::of(passage));
        }
    }

    pub(in crate::assistant) fn is_trusted(&self) -> bool {
        self.is_trusted
    }

    /// The text is not a model's.
    pub(in crate::assistant) fn trust(&mut self) {
        self.is_trusted = true;
    }

    /// What another tool returned: a preview.
    pub(in crate::assistant) fn other(&mut self, result: &Value) {
        match result {
            Value::String(text) => self.said(text),
            Value::Number(_) => self.values(result, None, None),
            Value::Array(items) => items.iter().for_each(|item| self.other(item)),
            Value::Object(fields) => fields.iter().filter(|(name, _)| *name != "id").for_each(|(_, value)| self.other(value)),
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// An error of a tool. What it only repeats of the call is the model's own and proves nothing.
    pub(in crate::assistant) fn error(&mut self, error: &Value, call: &str) {
        let repeated: HashSet<String> = words::plain(call).collect();
        for text in ["code", "message"].iter().filter_map(|name| error.get(*name)?.as_str()) {
            let own = text.split_whitespace().filter(|run| words::plain(run).all(|word| !repeated.contains(&word)));
            self.said(&own.collect::<Vec<_>>().join(" "));
        }
    }

    /// A text that is nobody's but the house's.
    fn said(&mut self, text: &str) {
        self.text(text);
        self.called(std::iter::once(text));
        for found in figures::find(&text.to_lowercase()) {
            match found {
                Found::Date(dates) => dates.into_iter().for_each(|date| self.date(date)),
                Found::DayOfMonth(..) => {}
                Found::Number(token) => {
                    let known = |value: Decimal| Known { value, plain: value.to_string(), query: None, is_scope: false, row: None };
                    self.known.extend(token.readings.into_iter().map(known));
                }
            }
        }
    }

    /// A question back may repeat any number of the person's own question: it claims nothing with it.
    pub(in crate::assistant) fn allow_what_was_asked(&mut self) {
        self.filtered.extend(self.asked.iter().copied());
    }

    fn values(&mut self, value: &Value, query: Option<&Arc<str>>, row: Option<usize>) {
        let plain = match value {
            Value::Number(number) => number.to_string(),
            Value::String(text) => {
                self.text(text);
                self.called(std::iter::once(text.as_str()));
                text.clone()
            }
            Value::Array(items) => return items.iter().for_each(|item| self.values(item, query, row)),
            // Ids and versions are no figures.
            Value::Object(fields) => {
                return fields.iter().filter(|(name, _)| !matches!(name.as_str(), "id" | "version")).for_each(|(_, value)| self.values(value, query, row));
            }
            Value::Null | Value::Bool(_) => return,
        };
        if let Some(value) = plain_number(&plain) {
            self.known.push(Known { value, plain, query: query.cloned(), is_scope: false, row });
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

fn names_in(list: Option<&Value>) -> Vec<&str> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

/// What a row is called, and the records that it refers to. A row without a title is called by what it groups by, that of
/// a report by its first column.
fn names_of(item: &Value, group: &[&str], columns: &[&str]) -> (Vec<String>, Vec<String>) {
    let called = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Object(fields) => fields.get("title").and_then(Value::as_str).map(str::to_owned),
        _ => None,
    };
    let refers = |except: &[&str]| -> Vec<String> {
        let fields = item.as_object().into_iter().flatten().filter(|(name, value)| value.is_object() && !except.contains(&name.as_str()));
        fields.filter_map(|(_, value)| called(value)).collect()
    };
    let of = |names: &[&str]| -> Vec<String> { names.iter().filter_map(|name| item.get(*name).and_then(called)).collect() };
    match item.get("title").and_then(Value::as_str) {
        Some(title) => (vec![title.to_owned()], refers(&[])),
        None if !group.is_empty() => (of(group), refers(group)),
        None => {
            let first = &columns[..columns.len().min(1)];
            (of(first), refers(first))
        }
    }
}
