//! The records that a command acts on.

use super::Draft;
use crate::select;
use crate::turn::{Planned, Stop};
use serde_json::{Value, json};

impl Draft<'_> {
    /// The input that names the command's record, and the records: those that "it" is, or those that are named.
    pub(super) fn targets(&mut self, about: &[Value]) -> Planned<Option<(String, Vec<Value>)>> {
        let command = self.command;
        if !about.is_empty() && command.target.as_ref().is_none_or(|_| self.refers != Some(command.resource.as_str())) {
            // "And add a contact to it": another record of the command than its own.
            let of = |input: &&&crate::lexicon::Field| input.resource.as_deref() == self.refers;
            let (open, [record]) = (self.open_references(), about) else { return Err(Stop::Say(self.words.too_much())) };
            let Some(input) = open.iter().find(of) else { return Err(Stop::Say(self.words.too_much())) };
            self.arguments.insert(input.name.clone(), record.clone());
        }
        let Some(target) = &command.target else { return Ok(None) };
        if self.arguments.contains_key(target) {
            return Ok(None);
        }
        let records = match self.lexicon.resource(&command.resource) {
            _ if !about.is_empty() && self.refers == Some(command.resource.as_str()) => about.to_vec(),
            Some(_) => self.named()?,
            None => Vec::new(),
        };
        Ok(Some((target.clone(), records)).filter(|(_, records)| !records.is_empty()))
    }

    /// The first record, and those that are named beside it.
    fn named(&mut self) -> Planned<Vec<Value>> {
        let (first, mut end) = self.first()?;
        let mut records = vec![json!(first)];
        let Some(resource) = self.lexicon.resource(&self.command.resource) else { return Ok(records) };
        // "10248, 10249 and 10250"
        while let Some((start, _)) = self.reading.runs().into_iter().find(|(start, _)| *start >= end) {
            let joins = |at: usize| matches!(self.reading.fold_at(at), "and" | "und" | "sowie");
            if !(end..start).all(joins) {
                break;
            }
            let Some(found) = select::at(self.turn, self.words, resource, &self.reading, start)? else { break };
            self.reading.take(end, start + found.len - end);
            end = start + found.len;
            if !records.contains(&json!(found.id)) {
                records.push(json!(found.id));
            }
        }
        Ok(records)
    }

    /// The record by its name, else the only one of a named partner in a fitting state; and the word behind it.
    fn first(&mut self) -> Planned<(String, usize)> {
        let command = self.command;
        let runs = self.reading.runs();
        let resource = self.lexicon.resource(&command.resource);
        let (Some((start, len)), Some(resource)) = (runs.first().copied(), resource) else {
            let label = resource.map_or(command.label.as_str(), |resource| resource.label.as_str());
            return Err(self.words.missing(self.turn, &command.label, &[label]));
        };
        if let Some(found) = select::at(self.turn, self.words, resource, &self.reading, start)? {
            self.reading.take(start, found.len);
            return Ok((found.id, start + found.len));
        }
        // "The quotation of Ernst Handel" is a quotation; "Ernst Handel" alone is not.
        for field in resource.fields.iter().filter(|field| field.filterable && self.names_kind) {
            let Some(partner) = field.resource.as_deref().and_then(|name| self.lexicon.resource(name)) else { continue };
            if !partner.fields.iter().any(|title| title.name == partner.title && title.starts) {
                continue;
            }
            let Some(found) = select::at(self.turn, self.words, partner, &self.reading, start)? else { continue };
            let mut filters = vec![json!({ "path": field.name, "op": "eq", "values": [found.id] })];
            if !command.when.is_empty() {
                filters.push(json!({ "path": "status", "op": "in", "values": command.when }));
            }
            let result = self.turn.call("query", json!({ "resource": resource.name, "filters": filters, "fields": [resource.title], "limit": 5 }))?;
            let items: Vec<&Value> = result.get("items").and_then(Value::as_array).into_iter().flatten().collect();
            let title = |item: &&Value| item.get("title").and_then(Value::as_str).unwrap_or_default().to_owned();
            let text = self.reading.written(start, found.len).to_owned();
            return match items.as_slice() {
                [only] => {
                    self.reading.take(start, found.len);
                    Ok((only.get("id").and_then(Value::as_str).unwrap_or_default().to_owned(), start + found.len))
                }
                [] => Err(Stop::Say(self.words.none(&format!("{} {text}", resource.label)))),
                several => {
                    let titles: Vec<String> = several.iter().map(title).collect();
                    Err(self.words.which(self.turn, &text, &titles.iter().map(String::as_str).collect::<Vec<_>>()))
                }
            };
        }
        Err(Stop::Say(self.words.not_found(self.reading.written(start, len))))
    }
}
