//! Values by the kind of their input.

use super::Draft;
use crate::dates;
use crate::lexicon::{Field, alike, fold, stem, words as split};
use crate::names;
use crate::reading::{Reading, number};
use crate::select;
use crate::turn::{Planned, Stop, items};
use serde_json::{Value, json};

/// What a number may be followed by: it counts single things.
const PIECES: [&str; 9] = ["piece", "pieces", "pcs", "unit", "units", "stuck", "einheiten", "x", "mal"];

impl Draft<'_> {
    /// The value that begins at `start`, and how many words it takes, of which there are no more than up to `end`. `None`
    /// where none of that kind stands there.
    pub(super) fn value(&self, input: &Field, start: usize, end: usize) -> Planned<Option<(Value, usize)>> {
        if start >= end || !self.reading.is_free(start) {
            return Ok(None);
        }
        Ok(match input.kind.as_str() {
            "integer" | "decimal" | "quantity" => self.number(input, start, end),
            "money" => return self.money(input, start, end),
            "reference" => {
                let Some(resource) = self.resource_of(input) else { return Ok(None) };
                select::at(self.turn, self.words, resource, &self.reading, start)?
                    .filter(|found| start + found.len <= end)
                    .map(|found| (json!(found.id), found.len))
            }
            "choice" => (1..=end - start).rev().find_map(|len| {
                let said = fold(self.reading.written(start, len));
                let choice = input.choices.iter().find(|choice| fold(&choice.label) == said || fold(&choice.value) == said)?;
                Some((json!(choice.value), len))
            }),
            "date" => {
                let mut reading = self.reading.part(start, end);
                let days = dates::take(&mut reading, self.turn.today());
                match days.as_slice() {
                    [(0, day)] if day.from.is_some() && day.from == day.to => {
                        let len = reading.tokens.iter().take_while(|token| token.used).count();
                        day.from.map(|day| (json!(day.to_string()), len))
                    }
                    _ => None,
                }
            }
            "text" | "long_text" => {
                let len = if self.reading.is_quoted(start) { 1 } else { end - start };
                Some((json!(self.reading.written(start, len)), len))
            }
            _ => None,
        })
    }

    fn number(&self, input: &Field, start: usize, end: usize) -> Option<(Value, usize)> {
        let digits = number(self.reading.fold_at(start))?;
        let value = match input.kind.as_str() {
            "integer" => json!(i64::try_from(digits).ok().filter(|whole| rust_decimal::Decimal::from(*whole) == digits)?),
            "quantity" => json!({ "value": digits.to_string(), "unit": "" }),
            _ => json!(digits.to_string()),
        };
        // "30 days" is 30 where the input counts days, as its label says; it is never 30 of something else.
        let counts = |word: &str| PIECES.contains(&word) || split(&input.label).any(|of| alike(&stem(&fold(of)), &stem(word)));
        let has_unit = start + 1 < end && self.reading.is_free(start + 1) && counts(self.reading.fold_at(start + 1));
        Some((value, 1 + usize::from(has_unit)))
    }

    /// "12.50 EUR", "EUR 12.50", "12,50 €". The currency is never guessed.
    fn money(&self, input: &Field, start: usize, end: usize) -> Planned<Option<(Value, usize)>> {
        let said = |at: usize| (at < end && self.reading.is_free(at)).then(|| currency(&self.reading, at)).flatten();
        let before = said(start);
        let at = start + usize::from(before.is_some());
        let Some(amount) = (at < end).then(|| number(self.reading.fold_at(at))).flatten() else { return Ok(None) };
        let behind = said(at + 1);
        let sign = self.reading.gap(at + 1).trim_start();
        let rest = self.reading.written_behind(at).trim_start();
        let sign = [sign, rest].into_iter().find_map(|text| text.starts_with('€').then_some("EUR").or(text.starts_with('£').then_some("GBP")));
        let len = at + 1 - start + usize::from(before.is_none() && behind.is_some());
        match before.or(behind).or(sign.map(str::to_owned)) {
            Some(currency) => Ok(Some((json!({ "amount": amount.to_string(), "currency": currency }), len))),
            None => Err(self.words.missing(self.turn, &input.label, &[&self.words.currency()])),
        }
    }

    /// Like [`Self::value`], for an input that is named: it is an error where there is no such value.
    pub(super) fn value_of(&self, input: &Field, start: usize, end: usize) -> Planned<(Value, usize)> {
        if let Some(found) = self.value(input, start, end)? {
            return Ok(found);
        }
        let text = self.reading.written(start, end.saturating_sub(start));
        Err(Stop::Say(if input.kind == "reference" { self.words.not_found(text) } else { self.words.unknown(text) }))
    }

    /// The currency in which a record's own amount is kept, for a price that names none.
    pub(super) fn currency_of(&self, resource: &str, id: &str) -> Planned<Option<String>> {
        let Some(resource) = self.lexicon.resource(resource) else { return Ok(None) };
        let Some(amount) = resource.fields.iter().find(|field| field.kind == "money") else { return Ok(None) };
        let mut query = names::query(resource, amount, "eq", &[id]);
        query["filters"][0]["path"] = json!("id");
        let found = self.turn.look_up(&[query])?;
        Ok(found.into_iter().flat_map(items).find_map(|item| item.get(&amount.name)?.get("currency")?.as_str()).map(str::to_owned))
    }
}

/// A code of three capitals, or what everybody calls it.
pub(super) fn currency(reading: &Reading, at: usize) -> Option<String> {
    let token = reading.tokens.get(at)?;
    match token.fold.as_str() {
        "euro" | "euros" => Some("EUR".to_owned()),
        _ => (token.text.len() == 3 && token.text.chars().all(|c| c.is_ascii_uppercase())).then(|| token.text.clone()),
    }
}
