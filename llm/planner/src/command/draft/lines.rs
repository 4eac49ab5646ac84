//! Numbers with what they count: the lines of a document, the quantity of a record, and what one costs.

use super::Draft;
use super::value::currency;
use crate::lexicon::Field;
use crate::reading::number;
use crate::select;
use crate::turn::{Planned, Stop};
use serde_json::{Value, json};

/// Between a number and what it counts.
const COUNTED: [&str; 9] = ["of", "x", "units", "pieces", "pcs", "stuck", "mal", "von", "einheiten"];
/// Before what one costs.
const AT: [&str; 5] = ["at", "zu", "je", "for", "fur"];
/// Words that end the name of what is counted, where no record is called so.
const ENDS: [&str; 9] = ["and", "und", "for", "fur", "to", "at", "zu", "je", "from"];

impl Draft<'_> {
    /// "10 Chai and 5 Chang": a number, then the name of a record, for each line.
    pub(super) fn lines(&mut self) -> Planned<()> {
        let grids = self.command.inputs.iter().filter(|input| !input.lines.is_empty());
        for input in grids.filter(|input| !self.arguments.contains_key(&input.name)).collect::<Vec<_>>() {
            let lines = self.lines_of(input)?;
            if !lines.is_empty() {
                self.arguments.insert(input.name.clone(), Value::Array(lines));
            }
        }
        Ok(())
    }

    fn lines_of(&mut self, input: &Field) -> Planned<Vec<Value>> {
        let item = input.lines.iter().find_map(|line| Some((line, self.resource_of(line)?)));
        let quantity = input.lines.iter().find(|line| line.is_number() && line.required).or_else(|| input.lines.iter().find(|line| line.kind == "quantity"));
        let (Some((item, resource)), Some(quantity)) = (item, quantity) else { return Ok(Vec::new()) };
        let mut lines = Vec::new();
        let mut at = self.from;
        while at < self.reading.tokens.len() {
            let Some((value, start)) = self.counted(at) else {
                at += 1;
                continue;
            };
            let Some(found) = select::at(self.turn, self.words, resource, &self.reading, start)? else {
                let ends = |at: &usize| !self.reading.is_free(*at) || ENDS.contains(&self.reading.fold_at(*at)) || self.reading.gap(*at).contains(',');
                let end = (start + 1..self.reading.tokens.len()).find(ends).unwrap_or(self.reading.tokens.len());
                return Err(Stop::Say(self.words.not_found(self.reading.written(start, end - start))));
            };
            let amount = if quantity.kind == "quantity" { json!({ "value": value.to_string(), "unit": "" }) } else { json!(value.to_string()) };
            let mut line = json!({ item.name.clone(): found.id, quantity.name.clone(): amount });
            let mut end = start + found.len;
            // "At 12.50" is the price of one, in the currency that is said or in the item's own.
            let price = matches!(self.reading.fold_at(end), "at" | "zu" | "je").then(|| number(self.reading.fold_at(end + 1))).flatten();
            if let (Some(price), Some(field)) = (price, input.lines.iter().find(|line| line.kind == "money")) {
                let said = currency(&self.reading, end + 2);
                let taken = 2 + usize::from(said.is_some());
                let currency = if said.is_some() { said } else { self.currency_of(&resource.name, &found.id)? };
                let Some(currency) = currency else { return Err(self.words.missing(self.turn, &field.label, &[&self.words.currency()])) };
                line[field.name.as_str()] = json!({ "amount": price.to_string(), "currency": currency });
                self.reading.take(end, taken);
                end += taken;
            }
            lines.push(line);
            self.reading.take(at, end - at);
            at = end;
        }
        Ok(lines)
    }

    /// A number, and where the name of what it counts begins.
    fn counted(&self, at: usize) -> Option<(rust_decimal::Decimal, usize)> {
        let value = self.reading.is_free(at).then(|| number(self.reading.fold_at(at))).flatten()?;
        let start = at + 1 + usize::from(COUNTED.contains(&self.reading.fold_at(at + 1)));
        let start = start + usize::from(start > at + 1 && self.reading.fold_at(start) == "of");
        self.reading.is_free(start).then_some((value, start))
    }

    /// "Receive 20 Chai": the one number that the command needs, and the record that it counts.
    pub(super) fn amount(&mut self) -> Planned<()> {
        let mut needed = self.command.inputs.iter().filter(|input| input.required && input.is_number() && input.kind != "money" && self.is_open(input));
        let (Some(quantity), None) = (needed.next(), needed.next()) else { return Ok(()) };
        for at in self.from..self.reading.tokens.len() {
            let Some((_, start)) = self.counted(at) else { continue };
            for input in self.open_references() {
                let Some(resource) = self.resource_of(input) else { continue };
                let Some(found) = select::at(self.turn, self.words, resource, &self.reading, start)? else { continue };
                let (value, _) = self.value_of(quantity, at, at + 1)?;
                self.arguments.insert(quantity.name.clone(), value);
                self.arguments.insert(input.name.clone(), json!(found.id));
                self.reading.take(at, start + found.len - at);
                return Ok(());
            }
        }
        Ok(())
    }

    /// "At 12 EUR": the amount that the command needs, or the one that is called so.
    pub(super) fn price(&mut self) -> Planned<()> {
        let open: Vec<&Field> = self.command.inputs.iter().filter(|input| input.kind == "money" && self.is_open(input)).collect();
        let count = self.reading.tokens.len();
        let before = (self.from..count).find(|at| self.reading.is_free(*at) && AT.contains(&self.reading.fold_at(*at)) && self.is_amount(at + 1));
        let Some(at) = before else { return Ok(()) };
        let word = self.reading.fold_at(at);
        let mut required = open.iter().filter(|input| input.required);
        let only = required.next().filter(|_| required.next().is_none());
        let Some(input) = open.iter().find(|input| input.is_called(word)).or(only) else { return Ok(()) };
        let (value, taken) = self.value_of(input, at + 1, count)?;
        self.arguments.insert(input.name.clone(), value);
        self.reading.take(at, 1 + taken);
        Ok(())
    }

    fn is_amount(&self, at: usize) -> bool {
        self.reading.is_free(at)
            && (number(self.reading.fold_at(at)).is_some() || currency(&self.reading, at).is_some() && number(self.reading.fold_at(at + 1)).is_some())
    }
}
