//! The history of a record: who changed which field from what to what, the rows of its children included.
//!
//! It is read only where the record itself can be read, in the same snapshot. Columns that no field declares (stored sort
//! keys, folded texts) and fields that the asker may not see are left out.

use super::value::{self, Arg, Args};
use super::{Asker, cursor, scope, select};
use crate::catalogue::{Field, Kind, Resource};
use crate::error::{During, Error, Result};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value, json};
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

/// Changes of one page.
const CHANGES_MAX: u32 = 500;
/// Characters of one value.
const TEXT_MAX: u32 = 10_000;

/// A page of a history, the newest change first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct History {
    pub items: Vec<HistoryEntry>,
    /// Leads to the changes before these; `None` where there are none.
    pub next: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HistoryEntry {
    pub at: DateTime<Utc>,
    /// The record itself, or a row of one of its children.
    pub resource: String,
    pub id: Uuid,
    pub version: i64,
    /// `created`, `changed` or `deleted`.
    pub operation: &'static str,
    /// The command that did it.
    pub command: Option<String>,
    /// `None`: the system.
    pub actor: Option<Actor>,
    pub changes: Vec<FieldChange>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Actor {
    pub id: Uuid,
    /// Absent where the asker may not read the user.
    pub name: Option<String>,
}

/// Values in wire form, references as ids, money as its bare amount.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldChange {
    pub field: String,
    pub old: Value,
    pub new: Value,
}

pub(crate) async fn run(db: &mut PgConnection, asker: Asker<'_>, key: &[u8; 32], resource: &str, id: Uuid, limit: u32, from: Option<&str>) -> Result<History> {
    let limit = limit.clamp(1, CHANGES_MAX);
    let bound_to = serde_json::to_vec(&(asker.principal.tenant, "history", resource, id))
        .map_err(|error| Error::internal("could not bind a cursor").with_source(error))?;
    let before = from.map(|token| cursor::open(key, &bound_to, token)).transpose()?;
    // One more than the page tells whether there is another.
    let (sql, args) = build(asker, resource, id, limit + 1, before.as_deref())?;
    let visible = scope::visible_ids(db, asker.catalogue, asker.rights, asker.principal, resource, &[id]).await?;
    if !visible.contains(&id) {
        return Err(Error::not_found(resource));
    }
    let mut rows = select::fetch(db, sql, &args, "read the history").await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = match rows.last() {
        Some(last) if more => {
            let place = (9..12).map(|at| last.try_get(at)).collect::<sqlx::Result<Vec<String>>>().during("read the history")?;
            Some(cursor::seal(key, &bound_to, &place)?)
        }
        _ => None,
    };
    let entries = rows.iter().map(|row| entry(asker, row)).collect::<sqlx::Result<Vec<_>>>().during("read the history")?;
    // What changed may all be out of the asker's sight.
    Ok(History { items: entries.into_iter().filter(|entry| entry.operation != "changed" || !entry.changes.is_empty()).collect(), next })
}

/// `before` is the place of a change in the order: its time, transaction and ordinal, as the cursor holds them.
pub(crate) fn build(asker: Asker<'_>, resource: &str, id: Uuid, limit: u32, before: Option<&[String]>) -> Result<(String, Args)> {
    // Its own arguments: those of a plan would hold values of the scope that this statement never names.
    let resource = asker.resource(resource)?;
    let mut args = Args::default();
    let tenant = args.push(Arg::Uuid(asker.principal.tenant));
    let id = args.push(Arg::Uuid(id));
    let order = "ORDER BY c.at DESC, c.xid DESC, c.ordinal DESC";
    let older = match before {
        None => String::new(),
        Some(place) => {
            let [at, xid, ordinal] = place else { return Err(Error::bad_request("the cursor does not belong to this list")) };
            let [at, xid, ordinal] = [at, xid, ordinal].map(|part| args.push(Arg::Text(part.clone())));
            format!(" AND (c.at, c.xid, c.ordinal) < ({at}::text::timestamptz, {xid}::text::xid8, {ordinal}::text::int)")
        }
    };
    let arm = |column: &str, of: &Resource, args: &mut Args, more: &str| {
        let name = args.push(Arg::Text(of.name.to_string()));
        format!(
            "(SELECT c.* FROM kernel_change c WHERE c.tenant_id = {tenant} AND c.{column} = {id} AND c.resource = {name}{older}{more} {order} LIMIT {limit})"
        )
    };
    let mut arms = vec![arm("entity_id", resource, &mut args, "")];
    for child in asker.catalogue.children_of(&resource.name) {
        let child: &Resource = child;
        if asker.resource(&child.name).is_err() {
            continue;
        }
        // Lines lie where their document lies, deleted ones too; a child with a width of its own must be in sight itself.
        let mut more = String::new();
        if child.permission != resource.permission || child.scope != resource.scope || child.subject != resource.subject {
            let Some(predicate) = scope::predicate(asker, child, "x", &mut args) else { continue };
            more = format!(" AND EXISTS (SELECT FROM {} x WHERE x.id = c.entity_id AND {predicate})", scope::table(&child.table));
        }
        arms.push(arm("parent_id", child, &mut args, &more));
    }
    let (name, join) = actor(asker, &mut args);
    // `->>` gives every value as the exact text that was stored: a JSON number would lose digits on its way. Of a text of the
    // length of a document only the beginning is told: a page of a history may hold many of them.
    let side = |at: u8| format!("CASE WHEN d.key = 'custom' THEN d.value ->> {at} ELSE left(d.value ->> {at}, {TEXT_MAX}) END");
    let sql = format!(
        "SELECT c.at, c.resource, c.entity_id, c.version, c.operation, c.actor_id, c.command, {name},
                (SELECT coalesce(jsonb_object_agg(d.key, jsonb_build_array({}, {})), '{{}}') FROM jsonb_each(c.diff) d),
                c.at::text, c.xid::text, c.ordinal::text
         FROM ({}) c{join} {order} LIMIT {limit}",
        side(0),
        side(1),
        arms.join(" UNION ALL ")
    );
    Ok((sql, args))
}

/// The actor's name, where the catalogue has users and the asker may read them.
fn actor(asker: Asker<'_>, args: &mut Args) -> (String, String) {
    let found = asker.resource("identity.user").ok().and_then(|user| {
        let title = asker.title(user)?;
        let predicate = scope::predicate(asker, user, "u", args)?;
        Some((
            format!("{}::text", scope::column("u", &title.column)),
            format!(" LEFT JOIN {} u ON u.id = c.actor_id AND {predicate}", scope::table(&user.table)),
        ))
    });
    found.unwrap_or_else(|| ("NULL::text".to_owned(), String::new()))
}

fn entry(asker: Asker<'_>, row: &PgRow) -> sqlx::Result<HistoryEntry> {
    let resource: String = row.try_get(1)?;
    let operation: String = row.try_get(4)?;
    let actor: Option<Uuid> = row.try_get(5)?;
    let name: Option<String> = row.try_get(7)?;
    let Json(diff): Json<Map<String, Value>> = row.try_get(8)?;
    let changes = asker.catalogue.resources.get(&resource).map(|resource| changes(asker, resource, &diff)).unwrap_or_default();
    Ok(HistoryEntry {
        at: row.try_get(0)?,
        resource,
        id: row.try_get(2)?,
        version: row.try_get(3)?,
        operation: match operation.as_str() {
            "i" => "created",
            "d" => "deleted",
            _ => "changed",
        },
        command: row.try_get::<Option<String>, _>(6)?.filter(|command| !command.is_empty()),
        actor: actor.filter(|id| !id.is_nil()).map(|id| Actor { id, name }),
        changes,
    })
}

/// The differences of columns as changes of fields, in the catalogue's order.
pub(crate) fn changes<'a>(asker: Asker<'a>, resource: &'a Resource, diff: &Map<String, Value>) -> Vec<FieldChange> {
    let side = |value: Option<&Value>, at: usize| value.and_then(|pair| pair.get(at)).and_then(Value::as_str).map(str::to_owned);
    let custom = |at: usize| side(diff.get("custom"), at).and_then(|text| serde_json::from_str::<Map<String, Value>>(&text).ok()).unwrap_or_default();
    let (custom_old, custom_new) = (custom(0), custom(1));
    let change = |field: &'a Field| {
        let (old, new) = if field.custom {
            let of = |values: &Map<String, Value>| values.get(field.column.as_ref()).cloned().unwrap_or(Value::Null);
            (of(&custom_old), of(&custom_new))
        } else {
            let pair = diff.get(field.column.as_ref())?;
            (wire(&field.kind, side(Some(pair), 0)), wire(&field.kind, side(Some(pair), 1)))
        };
        (old != new).then(|| FieldChange { field: field.name.to_string(), old, new })
    };
    let mut changes: Vec<_> = asker.fields(resource).filter_map(change).collect();
    if let Some(pair) = diff.get("archived_at").filter(|_| resource.archivable && resource.find_field("archived").is_none()) {
        changes.push(FieldChange { field: "archived".into(), old: json!(side(Some(pair), 0).is_some()), new: json!(side(Some(pair), 1).is_some()) });
    }
    changes
}

fn wire(kind: &Kind, text: Option<String>) -> Value {
    let Some(text) = text else { return Value::Null };
    match kind {
        Kind::Boolean => json!(text == "true"),
        Kind::Integer => text.parse::<i64>().map_or_else(|_| json!(text), |number| json!(number)),
        Kind::Decimal | Kind::Money { .. } | Kind::Quantity { .. } => json!(value::decimal_text(text)),
        Kind::Timestamp => json!(DateTime::parse_from_rfc3339(&text).map_or_else(|_| text.clone(), |at| value::timestamp(at.with_timezone(&Utc)))),
        Kind::Texts => serde_json::from_str(&text).unwrap_or(json!(text)),
        _ => json!(text),
    }
}
