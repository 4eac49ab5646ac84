//! Looks up the records that references name: by external id, by a field, by code, number or title.
//!
//! Everything is read with the importer's rights: a record out of his sight reads like one that is not there.

use super::record::{Batch, By, Record, put, show_path};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use steward_kernel::error::FieldError;
use steward_kernel::query::{Filter, LIMIT_MAX, ListQuery, Op};
use steward_kernel::{Catalogue, Error, Kind, Read, Result, ids};
use uuid::Uuid;

#[derive(Clone, Copy, Debug)]
enum Found {
    One(Uuid),
    Several,
    /// Not yet there, but this import brings it in: the id stands for it in a dry run.
    Planned(Uuid),
}

type Key = (String, By, String);

#[derive(Default)]
pub(super) struct Resolver {
    found: HashMap<Key, Found>,
    /// In a dry run: what this import would bring in, by resource.
    planned: HashMap<String, HashSet<String>>,
}

/// A record whose references are ids.
pub(super) struct Resolved {
    pub(super) input: Value,
    /// Whether it refers to a record that is only planned.
    pub(super) planned: bool,
}

impl Resolver {
    pub(super) fn plan(&mut self, batches: &[Batch]) {
        for batch in batches {
            self.planned.entry(batch.recorded_for.clone()).or_default().extend(batch.records.iter().filter_map(|record| record.key.clone()));
        }
    }

    /// Looks up what the records refer to. What was found before is not asked for again.
    pub(super) async fn prepare(&mut self, read: &mut Read, source: &str, records: &[Record]) -> Result<()> {
        let mut wanted: HashMap<(String, By), HashSet<String>> = HashMap::new();
        for reference in records.iter().flat_map(|record| &record.references) {
            let key = (reference.resource.clone(), reference.by.clone(), reference.wanted.clone());
            if !matches!(self.found.get(&key), Some(Found::One(_) | Found::Several)) {
                wanted.entry((key.0, key.1)).or_default().insert(key.2);
            }
        }
        for ((resource, by), names) in wanted {
            let names: Vec<String> = names.into_iter().collect();
            match &by {
                By::ExternalId => {
                    let brought = read.external_ids(&resource, source, &names).await?;
                    for name in names {
                        let planned = || self.planned.get(&resource).is_some_and(|keys| keys.contains(&name)).then(|| Found::Planned(ids::fresh()));
                        let found = brought.get(&name).map(|brought| Found::One(brought.id)).or_else(planned);
                        if let Some(found) = found {
                            self.found.insert((resource.clone(), by.clone(), name), found);
                        }
                    }
                }
                By::Field(field) => self.by_field(read, &resource, &by, field, names).await?,
                By::Name => {
                    for field in naming_fields(read.catalogue(), &resource)? {
                        let left: Vec<String> =
                            names.iter().filter(|name| !self.found.contains_key(&(resource.clone(), By::Name, (*name).clone()))).cloned().collect();
                        self.by_field(read, &resource, &by, &field, left).await?;
                    }
                }
            }
        }
        Ok(())
    }

    async fn by_field(&mut self, read: &mut Read, resource: &str, by: &By, field: &str, names: Vec<String>) -> Result<()> {
        for names in names.chunks(LIMIT_MAX as usize / 2) {
            if names.is_empty() || !read.may_read(resource) {
                continue;
            }
            let mut query = ListQuery::new(resource);
            query.filters = vec![Filter { path: field.to_owned(), op: Op::In, values: names.to_vec() }];
            query.fields = Some(vec![field.to_owned()]);
            query.limit = LIMIT_MAX;
            for item in read.list(&query).await?.items {
                let (Some(id), Some(name)) = (item["id"].as_str().and_then(|id| Uuid::try_parse(id).ok()), item[field].as_str()) else { continue };
                let key = (resource.to_owned(), by.clone(), name.to_owned());
                let found = if self.found.contains_key(&key) { Found::Several } else { Found::One(id) };
                self.found.insert(key, found);
            }
        }
        Ok(())
    }

    /// Puts the ids in. Every reference that names nothing is told, by the path of its input.
    pub(super) fn resolve(&self, record: &Record) -> Result<Resolved> {
        let mut input = record.input.clone();
        let (mut wrong, mut planned) = (Vec::new(), false);
        for reference in &record.references {
            let key = (reference.resource.clone(), reference.by.clone(), reference.wanted.clone());
            let id = match self.found.get(&key) {
                Some(Found::One(id)) => *id,
                Some(Found::Planned(id)) => {
                    planned = true;
                    *id
                }
                unclear => {
                    let name: String = reference.wanted.chars().take(60).collect();
                    let by = match &reference.by {
                        By::ExternalId => "external id",
                        By::Field(field) => field.as_str(),
                        By::Name => "code or name",
                    };
                    let there = if unclear.is_some() { "there are several records" } else { "there is no record" };
                    wrong.push(FieldError { field: show_path(&reference.path), message: format!("{there} of {} with the {by} {name:?}", reference.resource) });
                    continue;
                }
            };
            put(&mut input, &reference.path, Value::String(id.to_string()));
        }
        if wrong.is_empty() { Ok(Resolved { input: Value::Object(input), planned }) } else { Err(Error::fields(wrong)) }
    }
}

/// The fields by which a person names a record of a resource.
fn naming_fields(catalogue: &Catalogue, resource: &str) -> Result<Vec<String>> {
    let resource = catalogue.resource(resource)?;
    let mut names: Vec<String> = Vec::new();
    for name in ["code", "number", resource.title.as_ref()] {
        let text = resource.find_field(name).is_some_and(|field| field.filterable && field.permission.is_none() && matches!(field.kind, Kind::Text { .. }));
        if text && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}
