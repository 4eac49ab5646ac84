//! What a record can be found by: its title and its searchable texts, read behind the same wall as every list.
//!
//! The index is filled from [`texts`] as the system of a tenant, and what the index proposes is read again by [`texts`] as
//! whoever asked, so that both see the same texts at the same places. [`live`] walks a whole resource for a filling or a
//! comparison.
//!
//! The system reads what modules of the tenant hold whether or not they are switched on now: entitlement is asked for when
//! somebody searches, so that switching a module on again needs no new filling.

use super::value::{Arg, Args};
use super::{Asker, scope, select};
use crate::catalogue::{Field, Kind, Name, Resource, Sensitivity};
use crate::command::RowScope;
use crate::error::{During, Result};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

/// A record with the texts that the reader may see of it.
#[derive(Clone, Debug)]
pub struct TextRow {
    pub id: Uuid,
    pub version: i64,
    /// Put away: it can still be opened, but is found no more.
    pub archived: bool,
    /// What places the row in a width, as the wall reads it: lines carry copies of their document's columns.
    pub scope: RowScope,
    /// What the record is called; `None` where it has no name, or none that the reader may see.
    pub title: Option<String>,
    /// Name and text of each searchable field that is not empty, in the catalogue's order, the title's own field included.
    pub fields: Vec<(Name, String)>,
}

/// Whether the text of this field is part of what a record is found by. References are not followed: what they lead to
/// has a right of its own.
pub fn is_text(field: &Field) -> bool {
    field.searchable && field.sensitivity != Sensitivity::Secret && matches!(field.kind, Kind::Text { .. } | Kind::Choice(_) | Kind::Texts)
}

/// Whether records of this resource can be found at all.
pub fn has_texts(resource: &Resource) -> bool {
    resource.fields.iter().any(is_text)
}

/// The resource and the wall before its rows; `None` where nothing of it can be seen.
fn wall<'a>(asker: Asker<'a>, resource: &str, args: &mut Args) -> Result<Option<(&'a Resource, String)>> {
    let known: &'a Resource = asker.catalogue.resource(resource)?;
    if !asker.principal.is_system() && asker.resource(resource).is_err() {
        return Ok(None);
    }
    Ok(scope::predicate(asker, known, "t", args).map(|predicate| (known, predicate)))
}

/// Those of these records that the reader may read, in the order of their ids. Out of sight reads like absent.
pub(crate) async fn texts(db: &mut PgConnection, asker: Asker<'_>, resource: &str, ids: &[Uuid]) -> Result<Vec<TextRow>> {
    let mut args = Args::default();
    let Some((resource, predicate)) = wall(asker, resource, &mut args)? else { return Ok(Vec::new()) };
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let ids = args.push(Arg::Uuids(ids.to_vec()));
    let archived = if resource.archivable { "t.archived_at IS NOT NULL" } else { "false" };
    let place = |name: &Option<Name>| name.as_deref().map_or_else(|| "NULL::uuid".to_owned(), |name| scope::column("t", name));
    let columns = &resource.scope;
    let mut selected = vec!["t.id".to_owned(), "t.version".into(), archived.into(), place(&columns.owner), place(&columns.department), place(&columns.company)];
    let fields: Vec<&Field> = asker.fields(resource).filter(|field| is_text(field)).collect();
    let first = selected.len();
    selected.extend(fields.iter().map(|field| text_of(field)));
    let title = asker.title(resource).map(|field| {
        selected.push(text_of(field));
        selected.len() - 1
    });
    let sql = format!("SELECT {} FROM {} t WHERE {predicate} AND t.id = ANY({ids}) ORDER BY t.id", selected.join(", "), scope::table(&resource.table));
    let rows = select::fetch(db, sql, &args, "read the texts").await?;
    rows.iter().map(|row| decode(row, &fields, first, title)).collect::<sqlx::Result<_>>().during("read the texts")
}

/// Id and version of the records that are not archived, in the order of their ids, after `after`, at most `limit`.
pub(crate) async fn live(db: &mut PgConnection, asker: Asker<'_>, resource: &str, after: Option<Uuid>, limit: u32) -> Result<Vec<(Uuid, i64)>> {
    let mut args = Args::default();
    let Some((resource, mut predicate)) = wall(asker, resource, &mut args)? else { return Ok(Vec::new()) };
    if resource.archivable {
        predicate.push_str(" AND t.archived_at IS NULL");
    }
    if let Some(after) = after {
        predicate.push_str(&format!(" AND t.id > {}", args.push(Arg::Uuid(after))));
    }
    let sql = format!("SELECT t.id, t.version FROM {} t WHERE {predicate} ORDER BY t.id LIMIT {limit}", scope::table(&resource.table));
    let rows = select::fetch(db, sql, &args, "walk the records").await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<sqlx::Result<_>>().during("walk the records")
}

fn text_of(field: &Field) -> String {
    match (field.custom, &field.kind) {
        (true, _) => format!("t.custom ->> '{}'", field.column.replace('\'', "''")),
        (false, Kind::Texts) => format!("array_to_string({}, ', ')", scope::column("t", &field.column)),
        (false, _) => format!("{}::text", scope::column("t", &field.column)),
    }
}

fn decode(row: &PgRow, fields: &[&Field], first: usize, title: Option<usize>) -> sqlx::Result<TextRow> {
    let text = |at: usize| row.try_get::<Option<String>, _>(at).map(|text| text.filter(|text| !text.trim().is_empty()));
    let mut texts = Vec::with_capacity(fields.len());
    for (at, field) in fields.iter().enumerate() {
        if let Some(text) = text(first + at)? {
            texts.push((field.name.clone(), text));
        }
    }
    Ok(TextRow {
        id: row.try_get(0)?,
        version: row.try_get(1)?,
        archived: row.try_get(2)?,
        scope: RowScope { owner: row.try_get(3)?, department: row.try_get(4)?, company: row.try_get(5)? },
        title: title.map(text).transpose()?.flatten(),
        fields: texts,
    })
}
