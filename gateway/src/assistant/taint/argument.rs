//! One argument of a proposal held against what is known of where its value comes from.

use super::words::{Text, is_address};
use super::{Mark, Origin, Provenance, Refused, Why};
use rust_decimal::Decimal;
use serde_json::{Map, Value};
use steward_kernel::{Field, Kind};
use uuid::Uuid;

/// Characters of a value that a mark tells.
const VALUE_CHARS: usize = 200;

pub(super) struct Judge<'a> {
    pub(super) known: &'a Provenance,
    pub(super) step: usize,
    pub(super) command: &'a str,
    pub(super) resource: &'a str,
    pub(super) marks: &'a mut Vec<Mark>,
}

impl Judge<'_> {
    pub(super) fn object(&mut self, fields: &[Field], given: &Map<String, Value>, path: &str) -> Result<(), Refused> {
        for field in fields {
            let Some(value) = given.get(field.name.as_ref()).filter(|value| !value.is_null()) else { continue };
            self.one(field, value, &format!("{path}{}", field.name))?;
        }
        Ok(())
    }

    fn one(&mut self, field: &Field, value: &Value, path: &str) -> Result<(), Refused> {
        match &field.kind {
            Kind::Lines(fields) => {
                for (at, row) in value.as_array().into_iter().flatten().enumerate() {
                    if let Some(row) = row.as_object() {
                        self.object(fields, row, &format!("{path}[{at}]."))?;
                    }
                }
                Ok(())
            }
            Kind::Boolean => Ok(()),
            Kind::Choice(_) => {
                self.choice(field, value, path);
                Ok(())
            }
            Kind::Reference(_) => value.as_str().and_then(|text| Uuid::try_parse(text).ok()).map_or(Ok(()), |id| self.reference(id, path)),
            Kind::Money { .. } => self.figure(field, value.get("amount").unwrap_or(value), path),
            Kind::Quantity { .. } => self.figure(field, value.get("value").unwrap_or(value), path),
            Kind::Integer | Kind::Decimal => self.figure(field, value, path),
            Kind::Date | Kind::Timestamp => self.date(field, value, path),
            Kind::Text { .. } => value.as_str().map_or(Ok(()), |text| self.text(field, text, path)),
            Kind::Texts => value.as_array().into_iter().flatten().filter_map(Value::as_str).try_for_each(|text| self.text(field, text, path)),
        }
    }

    fn refused(&self, path: &str, source: Option<Origin>) -> Refused {
        Refused { command: self.command.to_owned(), path: path.to_owned(), source: source.map(Box::new) }
    }

    fn mark(&mut self, path: &str, value: &str, why: Why, source: Option<Origin>) {
        let value = value.chars().take(VALUE_CHARS).collect();
        self.marks.push(Mark { step: self.step, path: path.to_owned(), value, why, source });
    }

    fn text(&mut self, field: &Field, value: &str, path: &str) -> Result<(), Refused> {
        let (known, text) = (self.known, Text::of(value));
        if text.is_empty() || known.own.holds(&text) {
            return Ok(());
        }
        let source = known.tainted.iter().find(|one| one.text.holds(&text) || one.text.lends(&text, &known.own)).map(|one| one.origin.clone());
        let is_line = !matches!(field.kind, Kind::Text { multiline: true, .. });
        if !field.takes_read_text() || is_line && is_address(value) {
            // Where passages were read, a text can say an address in words: then only the person's own is good enough.
            return if source.is_some() || known.has_passages { Err(self.refused(path, source)) } else { Ok(()) };
        }
        if let Some(source) = source {
            self.mark(path, value, Why::Text, Some(source));
        }
        Ok(())
    }

    /// A day is the same however it is written.
    fn date(&mut self, field: &Field, value: &Value, path: &str) -> Result<(), Refused> {
        let known = self.known;
        let Some(text) = value.as_str() else { return Ok(()) };
        // What is no date is for the command to refuse, but a text all the same.
        let Some(date) = super::date_of(value) else { return self.text(field, text, path) };
        if known.is_own_day(date) || known.own.holds(&Text::of(text)) {
            return Ok(());
        }
        let source = known.tainted.iter().find(|one| one.dates.says(date) || one.text.holds(&Text::of(text))).map(|one| one.origin.clone());
        if !field.takes_read_text() && (source.is_some() || known.has_passages) {
            return Err(self.refused(path, source));
        }
        match source {
            Some(source) => self.mark(path, text, Why::Text, Some(source)),
            // A text can say a day in words.
            None if known.has_passages && !known.dates.contains(&date) => self.mark(path, text, Why::Chosen, None),
            None => {}
        }
        Ok(())
    }

    /// A choice is one of the house's own words, but who makes it may be a text.
    fn choice(&mut self, field: &Field, value: &Value, path: &str) {
        let known = self.known;
        let Some(text) = value.as_str().filter(|text| field.default.as_deref() != Some(*text)) else { return };
        let mut forms = vec![Text::of(text)];
        if let Some(labels) = &known.labels {
            let label = |language: &str| Text::of(&labels.command_choice(language, self.command, self.resource, &field.name, text));
            forms.extend(labels.languages().into_iter().map(label));
        }
        if forms.iter().any(|form| known.own.holds(form)) {
            return;
        }
        let source = known.tainted.iter().find(|one| forms.iter().any(|form| one.text.holds(form))).map(|one| one.origin.clone());
        match source {
            Some(source) => self.mark(path, text, Why::Text, Some(source)),
            None if known.has_passages => self.mark(path, text, Why::Chosen, None),
            None => {}
        }
    }

    fn figure(&mut self, field: &Field, value: &Value, path: &str) -> Result<(), Refused> {
        let known = self.known;
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let Ok(number) = text.trim().parse::<Decimal>() else { return Ok(()) };
        if known.own_numbers.contains(&number) || known.figures.contains(&number) {
            return Ok(());
        }
        let source = known.tainted.iter().find(|one| one.numbers.contains(&number)).map(|one| one.origin.clone());
        if !field.takes_read_text() {
            return if source.is_some() || known.has_passages { Err(self.refused(path, source)) } else { Ok(()) };
        }
        if let Some(source) = source {
            self.mark(path, &text, Why::Text, Some(source));
        }
        Ok(())
    }

    fn reference(&mut self, id: Uuid, path: &str) -> Result<(), Refused> {
        let known = self.known;
        let itself = Text::of(&id.to_string());
        let record = known.records.get(&id);
        let titles = record.map(|record| record.titles.as_slice()).unwrap_or_default();
        let is_own = record.is_some_and(|record| record.is_own) || known.own.holds(&itself) || titles.iter().any(|title| known.own.holds(title));
        if is_own {
            return Ok(());
        }
        // A text of another record that names it: its own title says nothing.
        let names = |one: &&super::Tainted| {
            one.origin.id != Some(id) && (one.text.holds(&itself) || titles.iter().any(|title| one.text.holds(title) && one.text != *title))
        };
        let (said, read): (Vec<_>, Vec<_>) = known.tainted.iter().filter(names).partition(|one| one.origin.resource == super::EARLIER);
        if let Some(source) = read.first() {
            return Err(self.refused(path, Some(source.origin.clone())));
        }
        // "Do it for them": the person read the answer that names them, and is told.
        if known.has_passages || !said.is_empty() {
            self.mark(path, &id.to_string(), Why::Chosen, said.first().map(|one| one.origin.clone()));
        }
        Ok(())
    }
}
