//! A record as passages: what the engines hold of it, and what is quoted of it.
//!
//! The indexer renders what it read as the system, retrieval what the asker may read; both through [`render`], so that the
//! same text has the same key and the same wording for both. Who sees fewer fields gets fewer passages, never others.
//!
//! **Invariant:** the text of a passage is made of fields of its own family alone, and of the title where that needs no
//! permission that the family does not stand for. Nothing here depends on who reads but which fields are there.

#[cfg(test)]
mod tests;

use crate::passage::{Attributes, Key, Passage, Record};
use std::collections::BTreeMap;
use steward_kernel::catalogue::{Field, Kind, Resource};
use steward_kernel::query::TextRow;
use steward_kernel::text::chunk;

/// Characters of a title.
const TITLE_MAX: usize = 200;
/// Between the title and the headings above a chunk.
const UNDER: &str = " › ";

/// The passages of a record, archived or not: cards first, then the chunks of each long text. Empty for a record without
/// texts.
pub fn render(resource: &Resource, row: &TextRow) -> Vec<Passage> {
    let record = Record { resource: resource.name.to_string(), id: row.id };
    let key = |family: &str, field: &str, ordinal| Key { record: record.clone(), family: family.to_owned(), field: field.to_owned(), ordinal };
    let title = Title::of(resource, row);

    let mut cards: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut chunks = Vec::new();
    for (name, text) in &row.fields {
        let Some(field) = resource.find_field(name) else { continue };
        let family = family_of(field);
        if matches!(field.kind, Kind::Text { multiline: true, .. }) {
            for piece in chunk(text) {
                let above: Vec<&str> = title.within(family).into_iter().chain(piece.heading_path).collect();
                let key = key(family, name, piece.ordinal);
                chunks.push(Passage { key, title: above.join(UNDER), text: piece.text.to_owned(), span: Some(piece.span) });
            }
            continue;
        }
        let card = cards.entry(family).or_default();
        // The title says it already.
        if *name != resource.title {
            card.push(text.trim());
        }
    }
    let card = |(family, texts): (&str, Vec<&str>)| Passage {
        key: key(family, "", 0),
        title: title.within(family).unwrap_or_default().to_owned(),
        text: texts.join("\n"),
        span: None,
    };
    cards.into_iter().map(card).chain(chunks).collect()
}

/// What a filter can ask of the row.
pub fn attributes(row: &TextRow) -> Attributes {
    Attributes { owner: row.scope.owner, department: row.scope.department, company: row.scope.company }
}

/// The permission of a field beyond the resource's own; empty for none.
fn family_of(field: &Field) -> &str {
    field.permission.as_deref().unwrap_or_default()
}

struct Title<'a> {
    family: &'a str,
    text: Option<&'a str>,
}

impl<'a> Title<'a> {
    fn of(resource: &'a Resource, row: &'a TextRow) -> Self {
        let family = resource.find_field(&resource.title).map(family_of).unwrap_or_default();
        let line = row.title.as_deref().and_then(|title| title.trim().lines().next());
        let text = line.map(|line| line.char_indices().nth(TITLE_MAX).map_or(line, |(end, _)| &line[..end]));
        Self { family, text }
    }
    /// The title, where whoever may see this family may see it.
    fn within(&self, family: &str) -> Option<&'a str> {
        self.text.filter(|_| self.family.is_empty() || self.family == family)
    }
}
