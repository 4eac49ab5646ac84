//! A whole list as CSV: read page by page, each page a short snapshot of its own, and streamed as it is read.
//!
//! A reference takes two columns (title and id), an amount and a quantity too (number, and currency or unit). Cells that a
//! spreadsheet would take for a formula are marked as text.

use crate::error::{Answer, Problem};
use crate::http::auth::Authenticated;
use crate::http::extract::{Parameters, Path};
use crate::state::AppState;
use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use bytes::Bytes;
use futures::stream;
use rust_decimal::Decimal;
use serde_json::Value;
use std::borrow::Cow;
use std::str::FromStr;
use std::sync::Arc;
use steward_kernel::query::{LIMIT_MAX, ListQuery};
use steward_kernel::{Error, Field, Kind, Principal, Resource, Result};

pub(super) async fn export(
    State(state): State<AppState>,
    Authenticated(asker): Authenticated,
    Path((module, plural)): Path<(String, String)>,
    mut parameters: Parameters,
) -> Answer {
    match parameters.take("format")?.as_deref() {
        None | Some("csv") => {}
        Some(_) => return Err(Problem::bad_request("the parameter `format` is csv")),
    }
    if let Some((name, _)) = parameters.0.iter().find(|(name, _)| matches!(name.as_str(), "limit" | "cursor" | "count")) {
        return Err(Problem::bad_request(format!("the parameter `{name}` is not possible here: an export holds the whole list")));
    }
    let read = state.kernel.read(&asker).await?;
    let resource = Arc::clone(read.catalogue().resource_at(&module, &plural)?);
    let rights = read.rights().clone();
    let mut query = ListQuery::parse(read.catalogue(), &resource.name, &parameters.0)?;
    read.finish().await?;
    let visible = |field: &&Field| !matches!(field.kind, Kind::Lines(_)) && field.permission.as_deref().is_none_or(|permission| rights.may(permission));
    let fields: Vec<Field> = match &query.fields {
        None => resource.fields.iter().filter(visible).cloned().collect(),
        Some(wanted) => wanted.iter().filter_map(|name| resource.find_field(name)).filter(visible).cloned().collect(),
    };
    if query.fields.is_none() {
        query.fields = Some(fields.iter().map(|field| field.name.to_string()).collect());
    }
    query.limit = LIMIT_MAX;
    let name = format!("{}-{}.csv", module, resource.plural);
    let export = Export { state, asker, resource, fields, query };
    let first = export.page(None, true).await?;
    let pages = stream::try_unfold((export, Some(first)), async |(export, ready)| {
        let Some((text, next)) = ready else { return Ok(None) };
        let following = match next {
            Some(cursor) => Some(export.page(Some(cursor), false).await.inspect_err(|error| {
                // The answer has begun: all that is left is to break it off, so that nobody takes a part for the whole.
                tracing::error!(code = error.code.as_str(), "an export broke off");
            })?),
            None => None,
        };
        Ok::<_, Error>(Some((Bytes::from(text), (export, following))))
    });
    let headers = [(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\""))];
    Ok((headers, Body::from_stream(pages)).into_response())
}

struct Export {
    state: AppState,
    asker: Principal,
    resource: Arc<Resource>,
    fields: Vec<Field>,
    query: ListQuery,
}

impl Export {
    /// One page as CSV, and the cursor of the next.
    async fn page(&self, cursor: Option<String>, with_header: bool) -> Result<(Vec<u8>, Option<String>)> {
        let mut read = self.state.kernel.read(&self.asker).await?;
        let page = read.list(&ListQuery { cursor, ..self.query.clone() }).await?;
        read.finish().await?;
        let mut writer = csv::Writer::from_writer(Vec::new());
        let failed = |error: csv::Error| Error::internal(format!("could not write the export of {}", self.resource.name)).with_source(error);
        if with_header {
            writer.write_record(header_row(&self.fields)).map_err(failed)?;
        }
        for item in &page.items {
            let row = row(&self.fields, item);
            writer.write_record(row.iter().map(|cell| cell.as_ref())).map_err(failed)?;
        }
        let text = writer.into_inner().map_err(|error| Error::internal("could not write an export").with_source(error.into_error()))?;
        Ok((text, page.next))
    }
}

fn header_row(fields: &[Field]) -> Vec<String> {
    let mut names = vec!["id".to_owned()];
    for field in fields {
        names.push(field.name.to_string());
        match field.kind {
            Kind::Reference(_) => names.push(format!("{}_id", field.name)),
            Kind::Money { .. } => names.push(format!("{}_currency", field.name)),
            Kind::Quantity { .. } => names.push(format!("{}_unit", field.name)),
            _ => {}
        }
    }
    names
}

fn row<'a>(fields: &[Field], item: &'a Value) -> Vec<Cow<'a, str>> {
    let text = |value: Option<&'a Value>| -> Cow<'a, str> { value.map_or(Cow::Borrowed(""), plain) };
    let mut cells = vec![text(item.get("id"))];
    for field in fields {
        let value = item.get(field.name.as_ref());
        let part = |name: &str| text(value.and_then(|value| value.get(name)));
        match field.kind {
            Kind::Reference(_) => cells.extend([part("title"), part("id")]),
            Kind::Money { .. } => cells.extend([part("amount"), part("currency")]),
            Kind::Quantity { .. } => cells.extend([part("value"), part("unit")]),
            _ => cells.push(text(value)),
        }
    }
    cells.into_iter().map(harmless).collect()
}

fn plain(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => Cow::Borrowed(""),
        Value::String(text) => Cow::Borrowed(text),
        Value::Array(items) => Cow::Owned(items.iter().map(plain).collect::<Vec<_>>().join("; ")),
        other => Cow::Owned(other.to_string()),
    }
}

/// A spreadsheet runs a cell that begins like a formula: an apostrophe before it says that it is text. Numbers stay.
pub(crate) fn harmless(cell: Cow<'_, str>) -> Cow<'_, str> {
    let risky = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}']);
    if risky && Decimal::from_str(&cell).is_err() { Cow::Owned(format!("'{cell}")) } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn formulas_become_text_and_numbers_stay() {
        for (cell, expected) in [("=1+1", "'=1+1"), ("-2.50", "-2.50"), ("-cmd", "'-cmd"), ("@x", "'@x"), ("plain", "plain"), ("", "")] {
            assert_eq!(harmless(Cow::Borrowed(cell)), expected);
        }
    }

    #[test]
    fn a_row_has_two_columns_for_references_and_amounts() {
        let fields = [Field::reference("customer", "crm.party"), Field::money("total"), Field::texts("tags")];
        let item = json!({ "id": "1", "customer": { "id": "2", "title": "Ernst" }, "total": { "amount": "1.00", "currency": "EUR" }, "tags": ["a", "b"] });
        assert_eq!(header_row(&fields), ["id", "customer", "customer_id", "total", "total_currency", "tags"]);
        assert_eq!(row(&fields, &item), ["1", "Ernst", "2", "1.00", "EUR", "a; b"]);
        assert_eq!(row(&fields, &json!({ "id": "1" })), ["1", "", "", "", "", ""]);
    }
}
