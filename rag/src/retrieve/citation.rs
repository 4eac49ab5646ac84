//! What an answer rests on: a place in a field of a version of a record; and whether it still stands there.

use crate::passage::{Passage, Record};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use steward_kernel::Read;
use steward_kernel::catalogue::Resource;
use steward_kernel::error::Result;
use steward_kernel::query::TextRow;
use uuid::Uuid;

use super::words::Words;

/// `quote` stands at `span` of `field` in `version` of the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Citation {
    pub resource: String,
    pub id: Uuid,
    pub version: i64,
    pub field: String,
    /// In bytes of the field's text.
    pub span: Range<usize>,
    pub quote: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub enum Verdict {
    /// The quote stands there, in the version that the record has now.
    Stands { version: i64 },
    /// The record is a later version, and the quote does not stand there any more.
    Changed { version: i64 },
    /// The quote did not stand there.
    Unsupported,
    /// The record, or the field, is not there for this reader: it may never have been.
    Gone,
}

impl Citation {
    /// Of a passage that was read in `row`: of a chunk the chunk, of short fields the one that says most of what was asked.
    pub(super) fn of(resource: &Resource, row: &TextRow, passage: &Passage, words: &Words) -> Self {
        let Record { resource: name, id } = passage.key.record.clone();
        let cite = |field: &str, span: Range<usize>, quote: &str| Self {
            resource: name,
            id,
            version: row.version,
            field: field.to_owned(),
            span,
            quote: quote.to_owned(),
        };
        if let Some(span) = &passage.span {
            return cite(&passage.key.field, span.clone(), &passage.text);
        }
        let in_family = |name: &str| resource.find_field(name).is_some_and(|field| field.permission.as_deref().unwrap_or_default() == passage.key.family);
        let short = row.fields.iter().filter(|(name, text)| in_family(name) && passage.text.contains(text.trim()));
        let title = row.title.iter().map(|text| (resource.title.as_ref(), text.as_str())).filter(|_| !passage.title.is_empty());
        let mut best: Option<(usize, &str, &str)> = None;
        for (name, text) in short.map(|(name, text)| (name.as_ref(), text.as_str())).chain(title) {
            let said = words.spans(text).len();
            if best.is_none_or(|(most, _, _)| said > most) {
                best = Some((said, name, text));
            }
        }
        let (_, field, text) = best.unwrap_or((0, resource.title.as_ref(), ""));
        cite(field, 0..text.len(), text)
    }
}

/// Reads the record again and looks. Out of sight reads like absent.
pub async fn verify(read: &mut Read, citation: &Citation) -> Result<Verdict> {
    let Some(resource) = read.catalogue().resources.get(&citation.resource).cloned() else { return Ok(Verdict::Gone) };
    let rows = read.texts(&citation.resource, &[citation.id]).await?;
    let Some(row) = rows.first() else { return Ok(Verdict::Gone) };
    let sees = |field: &&steward_kernel::Field| read.fields_of(&resource).iter().any(|seen| seen.name == field.name);
    if resource.find_field(&citation.field).filter(sees).is_none() {
        return Ok(Verdict::Gone);
    }
    let text = row.fields.iter().find(|(name, _)| *name == citation.field).map(|(_, text)| text.as_str());
    let text = text.or_else(|| row.title.as_deref().filter(|_| resource.title == citation.field)).unwrap_or_default();
    let version = row.version;
    Ok(match text.get(citation.span.clone()) {
        Some(there) if there == citation.quote && !there.is_empty() && citation.version <= version => Verdict::Stands { version },
        _ if citation.version < version => Verdict::Changed { version },
        _ => Verdict::Unsupported,
    })
}
