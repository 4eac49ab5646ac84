//! The place in a record that an answer cited, held against what stands there now before it is marked.

use super::view::View;
use crate::assistant::digest;
use maud::{Markup, html};
use std::ops::Range;
use steward_kernel::{Field, Kind, Read, Resource, Result};
use uuid::Uuid;

/// What the parameter `mark` of a record's page asks for, as far as it is true.
pub(super) enum Mark {
    Stands(Place),
    /// The record is there and says something else by now.
    Changed,
}

pub(super) struct Place {
    field: String,
    text: String,
    span: Range<usize>,
}

/// `body:120-180:0123456789abcdef`: the field, its bytes, and the digest of what stood there.
fn parse(asked: &str) -> Option<(&str, Range<usize>, &str)> {
    let mut parts = asked.rsplitn(3, ':');
    let (digest, span, field) = (parts.next()?, parts.next()?, parts.next()?);
    let (start, end) = span.split_once('-')?;
    let is_digest = digest.len() == 16 && digest.bytes().all(|b| b.is_ascii_hexdigit());
    is_digest.then_some((field, start.parse().ok()?..end.parse().ok()?, digest))
}

impl Mark {
    /// Read under the reader's rights, in the read of the page: a field out of sight marks nothing, and neither does what is
    /// no mark.
    pub(super) async fn find(read: &mut Read, resource: &Resource, id: Uuid, asked: Option<&str>) -> Result<Option<Self>> {
        let Some((field, span, expected)) = asked.and_then(parse) else { return Ok(None) };
        if !read.fields_of(resource).iter().any(|seen| seen.name == field && seen.searchable) {
            return Ok(None);
        }
        let rows = read.texts(&resource.name, &[id]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let text = row.fields.iter().find(|(name, _)| *name == field).map(|(_, text)| text.clone()).unwrap_or_default();
        Ok(Some(match text.get(span.clone()) {
            Some(there) if digest(there) == expected => Self::Stands(Place { field: field.to_owned(), text, span }),
            _ => Self::Changed,
        }))
    }

    /// The field with its place marked, where this is the field.
    pub(super) fn shown(&self, field: &Field) -> Option<Markup> {
        let Self::Stands(Place { field: name, text, span }) = self else { return None };
        if field.name != *name || !matches!(field.kind, Kind::Text { .. }) {
            return None;
        }
        let (before, rest) = text.split_at_checked(span.start)?;
        let (there, after) = rest.split_at_checked(span.end - span.start)?;
        Some(html! { span class="steward-lines-kept" { (before) mark id="cited" { (there) } (after) } })
    }

    /// What is said above the record.
    pub(super) fn told(&self, view: &View) -> Markup {
        match self {
            Self::Stands(_) => html! { div class="alert alert-info" role="status" data-cited="stands" { (view.t("cited")) } },
            Self::Changed => html! { div class="alert alert-warning" role="status" data-cited="changed" { (view.t("cited-changed")) } },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_a_field_its_bytes_and_a_digest() {
        assert_eq!(parse("body:12-40:0123456789abcdef"), Some(("body", 12..40, "0123456789abcdef")));
        for wrong in ["", "body", "body:1-2", "body:1-2:xyz", "body:1:0123456789abcdef", "body:a-b:0123456789abcdef", "body:1-2:0123456789abcdefg"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
