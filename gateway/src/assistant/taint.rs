//! Provenance: what of a proposal comes from text that somebody else wrote.
//!
//! Start at [`Provenance::examine`]. Whatever the tools returned as text is tainted, and so are earlier answers; the
//! person's own words are not. A value of a proposal that stands in tainted text and not in the person's words is marked
//! with its source, or refused where the catalogue does not let such text in ([`Field::takes_read_text`]): amounts of
//! money, addresses, and records that the text names. The model is taken to do whatever the text says; nothing here
//! depends on its good will.
//!
//! **Invariant:** the same words, results and steps give the same marks.

mod argument;
mod question;
pub(super) mod words;

pub(super) use question::is_question;

use super::memory::field_at;
use super::search::Passage;
use crate::assistant::check::dates_of;
use argument::Judge;
use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use steward_kernel::bus::{Change, Step};
use steward_kernel::labels::Labels;
use steward_kernel::{Catalogue, Code, Error, Field, Kind, Result};
use uuid::Uuid;
use words::{Text, numbers};

/// Texts of others were read before.
const READ_TEXTS: &str = "read_texts";
/// The resource of what an earlier answer said.
const EARLIER: &str = "assistant.message";

/// How far from today a day may be whose year nobody said.
const DAYS_OF_A_YEAR: i64 = 366;

/// Where a tainted text stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Origin {
    pub(super) resource: String,
    pub(super) id: Option<Uuid>,
    pub(super) field: String,
    pub(super) title: String,
}

/// Why a value is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Why {
    /// It stands in a text that somebody else wrote.
    Text,
    /// The assistant chose the record, the day or the choice: the person did not name it.
    Chosen,
}

/// A value of a proposal that is not the person's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// The position of the step.
    pub(super) step: usize,
    /// `note`, `lines[0].item`.
    pub(super) path: String,
    pub(super) value: String,
    pub(super) why: Why,
    pub(super) source: Option<Origin>,
}

#[derive(Clone, Debug)]
struct Tainted {
    origin: Origin,
    text: Text,
    numbers: HashSet<Decimal>,
    dates: Dates,
}

/// The days that a text says, however it writes them.
#[derive(Clone, Debug, Default)]
struct Dates {
    whole: HashSet<NaiveDate>,
    /// Whose year stands elsewhere or nowhere.
    days: HashSet<(u32, u32)>,
}

impl Dates {
    fn of(text: &str) -> Self {
        let (whole, days) = dates_of(&text.to_lowercase());
        Self { whole: whole.into_iter().collect(), days: days.into_iter().collect() }
    }

    fn says(&self, date: NaiveDate) -> bool {
        self.whole.contains(&date) || self.days.contains(&(date.day(), date.month()))
    }
}

/// A record that a result told of.
#[derive(Clone, Debug, Default)]
struct Record {
    titles: Vec<Text>,
    /// It was found by a filter whose words are the person's, or a record that was refers to it.
    is_own: bool,
}

/// What is known of where words and values come from, in this conversation.
#[derive(Default)]
pub(super) struct Provenance {
    own: Text,
    own_numbers: HashSet<Decimal>,
    own_dates: Dates,
    today: NaiveDate,
    /// What choices are called.
    labels: Option<Arc<Labels>>,
    is_question: bool,
    tainted: Vec<Tainted>,
    /// Figures of structured fields.
    figures: HashSet<Decimal>,
    dates: HashSet<NaiveDate>,
    records: HashMap<Uuid, Record>,
    has_passages: bool,
}

impl Provenance {
    /// `said` is all that the person said in the conversation, the question last.
    pub(super) fn new<'a>(said: impl Iterator<Item = &'a str> + Clone, labels: Option<Arc<Labels>>, today: NaiveDate) -> Self {
        let own = said.clone().collect::<Vec<_>>().join("\n");
        let is_question = said.last().is_some_and(is_question);
        let (own_numbers, own_dates) = (numbers(&own), Dates::of(&own));
        Self { own_numbers, own_dates, today, dates: HashSet::from([today]), own: Text::of(&own), is_question, labels, ..Self::default() }
    }

    /// Whether the day is one that the person said. One without a year is the nearest of its kind, not that of any year, unless
    /// the year was said elsewhere.
    fn is_own_day(&self, date: NaiveDate) -> bool {
        let is_near = (date - self.today).num_days().abs() <= DAYS_OF_A_YEAR;
        self.own_dates.whole.contains(&date) || self.own_dates.says(date) && (is_near || self.own_numbers.contains(&Decimal::from(date.year())))
    }

    /// The person asked, and did not ask for anything to be done.
    pub(super) fn is_question(&self) -> bool {
        self.is_question
    }

    fn taint(&mut self, origin: Origin, text: &str) {
        self.tainted.push(Tainted { origin, text: Text::of(text), numbers: numbers(text), dates: Dates::of(text) });
    }

    /// An answer of before is made of texts.
    pub(super) fn earlier_answer(&mut self, text: &str) {
        self.taint(Origin { resource: EARLIER.into(), id: None, field: "text".into(), title: String::new() }, text);
    }

    pub(super) fn passages(&mut self, passages: &[Passage]) {
        for passage in passages {
            let citation = &passage.citation;
            let origin = Origin { resource: citation.resource.clone(), id: Some(citation.id), field: citation.field.clone(), title: passage.record.clone() };
            self.taint(origin, &format!("{}\n{}", passage.title, passage.text));
            self.records.entry(citation.id).or_default().titles.push(Text::of(&passage.record));
            self.has_passages = true;
        }
    }

    /// The result of a query: its texts are tainted, its figures and choices are not.
    pub(super) fn query(&mut self, catalogue: &Catalogue, arguments: &Value, result: &Value) {
        let Some(resource) = arguments.get("resource").and_then(Value::as_str).and_then(|name| catalogue.resources.get(name)) else { return };
        let mut texts = 0_usize;
        let is_own_filter = |filter: &Value| {
            let path = filter.get("path").and_then(Value::as_str).unwrap_or_default();
            let is_text = matches!(field_at(catalogue, resource, path).map(|field| &field.kind), Some(Kind::Text { .. } | Kind::Texts));
            let is_reference = path == "id" || matches!(field_at(catalogue, resource, path).map(|field| &field.kind), Some(Kind::Reference(_)));
            (is_text, is_reference, filter.get("values").and_then(Value::as_array).cloned().unwrap_or_default())
        };
        let mut is_own = true;
        for filter in arguments.get("filters").and_then(Value::as_array).into_iter().flatten() {
            let (is_text, is_reference, values) = is_own_filter(filter);
            for value in values.iter().filter_map(Value::as_str) {
                if is_text {
                    texts += 1;
                    is_own &= self.own.holds(&Text::of(value));
                } else if is_reference && let Ok(id) = Uuid::try_parse(value) {
                    texts += 1;
                    is_own &= self.records.get(&id).is_some_and(|record| record.is_own);
                }
            }
        }
        let found_by_own_words = is_own && texts > 0;
        for item in result.get("items").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object) {
            let id = item.get("id").and_then(uuid);
            let title = item.get("title").and_then(Value::as_str).unwrap_or_default().to_owned();
            let mut is_named = found_by_own_words || self.own.holds(&Text::of(&title));
            for (path, value) in item.iter().filter(|(path, _)| !matches!(path.as_str(), "id" | "version")) {
                let field = field_at(catalogue, resource, path);
                let kind = field.map(|field| &field.kind);
                let text = value.as_str();
                if let (None | Some(Kind::Text { .. } | Kind::Texts), Some(text)) = (kind, text) {
                    is_named |= field.is_some_and(|field| field.sortable) && self.own.holds(&Text::of(text));
                    let origin = Origin { resource: resource.name.to_string(), id, field: path.clone(), title: title.clone() };
                    self.taint(origin, text);
                }
                self.structured(value);
                if matches!(kind, Some(Kind::Date | Kind::Timestamp)) {
                    self.dates.extend(date_of(value));
                }
            }
            if let Some(id) = id {
                let record = self.records.entry(id).or_default();
                record.is_own |= is_named;
                record.titles.push(Text::of(&title));
            }
            for (path, value) in item {
                if let Some(Kind::Reference(target)) = field_at(catalogue, resource, path).map(|field| &field.kind) {
                    self.referred(target, value, is_named && id.is_some());
                }
            }
        }
    }

    /// A record that another one refers to.
    fn referred(&mut self, target: &str, value: &Value, by_own: bool) {
        let (Some(id), Some(title)) = (value.get("id").and_then(uuid), value.get("title").and_then(Value::as_str)) else { return };
        let is_named = self.own.holds(&Text::of(title));
        self.taint(Origin { resource: target.to_owned(), id: Some(id), field: "title".into(), title: title.to_owned() }, title);
        let record = self.records.entry(id).or_default();
        record.is_own |= by_own || is_named;
        record.titles.push(Text::of(title));
    }

    /// The result of a report: like that of a query over its columns.
    pub(super) fn report(&mut self, columns: &[Field], report: &str, result: &Value) {
        for item in result.get("items").and_then(Value::as_array).into_iter().flatten() {
            for column in columns {
                let Some(value) = item.get(column.name.as_ref()) else { continue };
                match &column.kind {
                    Kind::Text { .. } | Kind::Texts => {
                        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                        self.taint(Origin { resource: report.to_owned(), id: None, field: column.name.to_string(), title: String::new() }, &text);
                    }
                    Kind::Reference(target) => self.referred(target, value, false),
                    Kind::Date | Kind::Timestamp => self.dates.extend(date_of(value)),
                    _ => self.structured(value),
                }
            }
        }
    }

    fn structured(&mut self, value: &Value) {
        match value {
            Value::Number(number) => self.figures.extend(number.to_string().parse::<Decimal>().ok()),
            Value::String(text) => self.figures.extend(super::query::plain_number(text)),
            Value::Object(fields) => {
                fields.iter().filter(|(name, _)| matches!(name.as_str(), "amount" | "value")).for_each(|(_, value)| self.structured(value))
            }
            _ => {}
        }
    }

    /// What a preview shows of texts as they are now.
    pub(super) fn preview(&mut self, catalogue: &Catalogue, changes: &[Change]) {
        for change in changes {
            let field = catalogue.resources.get(&change.resource).and_then(|resource| resource.find_field(&change.field));
            if let (Some(Kind::Text { .. }), Some(text)) = (field.map(|field| &field.kind), change.old.as_str()) {
                self.taint(Origin { resource: change.resource.clone(), id: Some(change.id), field: change.field.clone(), title: String::new() }, text);
            }
        }
    }

    /// What whoever gets these marks is warned of: the texts of others that were read may have led to what they cannot be
    /// seen in.
    pub(super) fn notices(&self, marks: &[Mark]) -> Vec<String> {
        if self.has_passages || !marks.is_empty() { vec![READ_TEXTS.to_owned()] } else { Vec::new() }
    }

    /// Marks what is not the person's, and refuses what must be.
    pub(super) fn examine(&self, catalogue: &Catalogue, steps: &[Step]) -> Result<Vec<Mark>, Refused> {
        let mut marks = Vec::new();
        for (at, step) in steps.iter().enumerate() {
            let Some(spec) = catalogue.commands.get(&step.command) else { continue };
            let Some(given) = step.input.as_object() else { continue };
            let customs = catalogue.resources.get(spec.resource.as_ref()).filter(|_| spec.customizable);
            let mut judge = Judge { known: self, step: at, command: &spec.name, resource: &spec.resource, marks: &mut marks };
            judge.object(&spec.inputs, given, "")?;
            if let (Some(resource), Some(custom)) = (customs, given.get("custom").and_then(Value::as_object)) {
                let fields: Vec<Field> = resource.fields.iter().filter(|field| field.custom).cloned().collect();
                judge.object(&fields, custom, "custom.")?;
            }
        }
        Ok(marks)
    }
}

/// The day of a date or of a moment.
fn date_of(value: &Value) -> Option<NaiveDate> {
    value.as_str()?.get(..10)?.parse().ok()
}

fn uuid(value: &Value) -> Option<Uuid> {
    value.as_str().and_then(|text| Uuid::try_parse(text).ok())
}

/// A value that read text must not lead to.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) command: String,
    pub(super) path: String,
    pub(super) source: Option<Box<Origin>>,
}

impl Refused {
    /// The stable code is `assistant.tainted_argument`.
    pub(super) fn error(&self) -> Error {
        let text = format!("{} would come from a text that somebody else wrote; fill it in on the page of the command, or say it yourself", self.path);
        Error::new(Code::Forbidden, text).because("assistant.tainted_argument").arg("path", self.path.clone())
    }
}

#[cfg(test)]
mod tests;
