//! Records by the beginnings of their names, by SQL alone: what answers where the text index cannot.

use super::words::Words;
use crate::passage::Record;
use std::collections::HashSet;
use std::sync::Arc;
use steward_kernel::catalogue::Resource;
use steward_kernel::error::{Code, Result};
use steward_kernel::query::{Filter, ListQuery, Op, has_texts, is_text, ops_of};
use steward_kernel::{Field, Read};
use uuid::Uuid;

/// Words of a question that are looked for one by one, the longest first; shorter ones begin too much.
const WORDS_MAX: usize = 3;
const LETTERS_MIN: usize = 3;
/// Characters that are looked for at once.
const TEXT_MAX: usize = 100;

/// Records that the reader may read and that begin with the text, or else with one of its words; at most `limit`. The order
/// is the catalogue's, and within a resource its own.
pub(super) async fn by_names(read: &mut Read, text: &str, only: Option<&[String]>, words: &Words, limit: usize) -> Result<Vec<Record>> {
    let catalogue = Arc::clone(read.catalogue());
    let readable = |resource: &&Arc<Resource>| {
        only.is_none_or(|names| names.iter().any(|name| *name == resource.name)) && has_texts(resource) && read.may_read(&resource.name)
    };
    let resources: Vec<Arc<Resource>> = catalogue.resources.values().filter(readable).cloned().collect();
    let text = text.trim();
    let mut found = Found { records: Vec::new(), seen: HashSet::new(), limit };
    if words.is_empty() {
        return Ok(found.records);
    }
    let whole: String = text.chars().take(TEXT_MAX).collect();
    for resource in &resources {
        found.look(read, resource, &whole, |_| true).await?;
    }
    let mut single: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().count() >= LETTERS_MIN && *word != whole).collect();
    single.sort_by_key(|word| std::cmp::Reverse(word.len()));
    single.truncate(WORDS_MAX);
    if found.records.is_empty() {
        for word in single {
            for resource in &resources {
                found.look(read, resource, word, |field| field.name == resource.title).await?;
            }
        }
    }
    Ok(found.records)
}

struct Found {
    records: Vec<Record>,
    seen: HashSet<Record>,
    limit: usize,
}

impl Found {
    /// Adds the records of which one of these fields begins with the text.
    async fn look(&mut self, read: &mut Read, resource: &Resource, text: &str, wanted: impl Fn(&Field) -> bool) -> Result<()> {
        let catalogue = Arc::clone(read.catalogue());
        let served = |field: &&&Field| is_text(field) && wanted(field) && ops_of(&catalogue, field).contains(&Op::Starts);
        let fields: Vec<String> = read.fields_of(resource).iter().filter(served).map(|field| field.name.to_string()).collect();
        for field in fields {
            let missing = self.limit.saturating_sub(self.records.len());
            let Ok(limit @ 1..) = u32::try_from(missing) else { return Ok(()) };
            let filters = vec![Filter::new(field, Op::Starts, text)];
            let query =
                ListQuery { filters, limit: limit.min(steward_kernel::query::LIMIT_MAX), fields: Some(Vec::new()), ..ListQuery::new(resource.name.as_ref()) };
            let page = match read.list(&query).await {
                Ok(page) => page,
                // What was asked is no beginning that this field could have.
                Err(error) if error.code == Code::InvalidInput => continue,
                Err(error) => return Err(error),
            };
            for id in page.items.iter().filter_map(|item| item.get("id")?.as_str()).filter_map(|id| Uuid::try_parse(id).ok()) {
                let record = Record { resource: resource.name.to_string(), id };
                if self.seen.insert(record.clone()) {
                    self.records.push(record);
                }
            }
        }
        Ok(())
    }
}
