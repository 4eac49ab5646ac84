//! Lists and details. A page is one statement: the scope's predicate, the filters, the keyset bound, the titles.

use super::plan::{Plan, Sight};
use super::select::{self, Projection, Wanted};
use super::value::{self, Arg};
use super::{Asker, COUNT_MAX, Count, LIMIT_MAX, ListQuery, Page, SortKey, cursor, filter, scope, shown};
use crate::catalogue::{Kind, Resource};
use crate::error::{During, Error, Result};
use crate::input::LINES_MAX;
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

const SORT_KEYS_MAX: usize = 4;
/// Rows of a child that come with their record: all lines that a document can have, so that whoever sends them back loses none.
const CHILDREN_MAX: usize = LINES_MAX;
/// Under this name a record says which of its children have more rows than come with it. No field may be called so.
pub const TRUNCATED: &str = "truncated";

/// The statement of a page, before it runs.
pub(crate) struct Built {
    pub(crate) sql: String,
    pub(crate) args: value::Args,
    pub(crate) count: Option<(String, value::Args)>,
    projection: Projection,
    order: Vec<Ordering>,
    /// Where the sort values of a row stand.
    keys: Vec<usize>,
    pub(crate) bound_to: Vec<u8>,
}

/// One column of the order. Never null, by the catalogue's contract.
struct Ordering {
    column: String,
    kind: Kind,
    descending: bool,
}

impl Ordering {
    /// As the cursor reads it.
    fn selected(&self) -> String {
        let cast = match &self.kind {
            Kind::Integer => "::bigint",
            Kind::Decimal | Kind::Money { .. } | Kind::Quantity { .. } => "::text",
            _ => "",
        };
        format!("{}{cast}", self.column)
    }
}

pub(crate) fn build(asker: Asker<'_>, key: &[u8; 32], query: &ListQuery) -> Result<Built> {
    if query.limit == 0 || query.limit > LIMIT_MAX {
        return Err(Error::field("limit", format!("a number from 1 to {LIMIT_MAX} is expected")));
    }
    let mut plan = Plan::open(asker, &query.resource)?;
    filter::apply(&mut plan, &query.filters)?;
    let count = query
        .count
        .then(|| (format!("SELECT count(*) FROM (SELECT 1 FROM {} WHERE {} LIMIT {}) c", plan.from(), plan.conditions(), COUNT_MAX + 1), plan.args.clone()));

    let order = order(&mut plan, &query.sort)?;
    let named: Vec<_> = order.iter().map(|by| (&by.column, by.descending)).collect();
    let bound_to = serde_json::to_vec(&(asker.principal.tenant, &query.resource, named, &query.filters))
        .map_err(|error| Error::internal("could not bind a cursor").with_source(error))?;
    if let Some(token) = &query.cursor {
        let values = cursor::open(key, &bound_to, token)?;
        let after = after(&mut plan, &order, &values)?;
        plan.add(after);
    }

    let mut projection = Projection::of(&mut plan, query.fields.as_deref().map_or(Wanted::List, Wanted::Named), None)?;
    let keys = order.iter().map(|by| projection.column(by.selected())).collect();
    let by: Vec<_> = order.iter().map(|by| format!("{}{}", by.column, if by.descending { " DESC" } else { "" })).collect();
    // The limit is a number of ours and part of the text: as a parameter it would hide from a cached plan that a page is short.
    let sql = format!("SELECT {} FROM {} WHERE {} ORDER BY {} LIMIT {}", projection.sql(), plan.from(), plan.conditions(), by.join(", "), query.limit + 1);
    Ok(Built { sql, args: plan.args, count, projection, order, keys, bound_to })
}

pub(crate) async fn list(db: &mut PgConnection, asker: Asker<'_>, key: &[u8; 32], query: &ListQuery) -> Result<Page> {
    let built = build(asker, key, query)?;
    let mut rows = select::fetch(db, built.sql, &built.args, "read the list").await?;
    let more = rows.len() > query.limit as usize;
    rows.truncate(query.limit as usize);
    let next = match rows.last() {
        Some(last) if more => {
            let values = built.order.iter().zip(&built.keys).map(|(by, at)| key_text(last, *at, &by.kind)).collect::<Result<Vec<_>>>()?;
            Some(cursor::seal(key, &built.bound_to, &values)?)
        }
        _ => None,
    };
    let mut items = built.projection.decode(&rows)?;
    built.projection.complete(db, asker, &mut items).await?;
    let count = match built.count {
        Some((sql, args)) => {
            let rows = select::fetch(db, sql, &args, "count the list").await?;
            let value: i64 = rows.first().map_or(Ok(0), |row| row.try_get(0)).during("count the list")?;
            Some(Count { value: value.min(COUNT_MAX), capped: value > COUNT_MAX })
        }
        None => None,
    };
    Ok(Page { items, next, count })
}

/// How the planner would read the page: `EXPLAIN` of the very statement, with its values.
pub(crate) async fn explain(db: &mut PgConnection, asker: Asker<'_>, key: &[u8; 32], query: &ListQuery) -> Result<Value> {
    let built = build(asker, key, query)?;
    let rows = select::fetch(db, format!("EXPLAIN (FORMAT JSON) {}", built.sql), &built.args, "explain the list").await?;
    rows.first().map_or(Ok(Value::Null), |row| row.try_get(0)).during("explain the list")
}

/// The order that was asked for, else the resource's own, with the id as its last key.
fn order(plan: &mut Plan<'_>, asked: &[SortKey]) -> Result<Vec<Ordering>> {
    if asked.len() > SORT_KEYS_MAX {
        return Err(Error::bad_request(format!("at most {SORT_KEYS_MAX} sort keys are possible")));
    }
    let own: Vec<SortKey>;
    let keys = if asked.is_empty() {
        // A default that the asker may not see falls back to the id.
        own = SortKey::parse_list(&plan.resource.sort).into_iter().filter(|key| ordering(plan, key).is_some()).collect();
        &own
    } else {
        asked
    };
    let mut order: Vec<Ordering> = Vec::with_capacity(keys.len() + 1);
    for key in keys {
        let by = ordering(plan, key).ok_or_else(|| not_sortable(plan.resource, &key.field))?;
        if order.iter().any(|earlier| earlier.column == by.column) {
            return Err(Error::bad_request(format!("sort names {:?} twice", shown(&key.field))));
        }
        order.push(by);
    }
    if !order.iter().any(|by| by.column == "t.id") {
        let descending = order.last().is_some_and(|by| by.descending);
        order.push(Ordering { column: "t.id".into(), kind: Kind::Reference("".into()), descending });
    }
    Ok(order)
}

fn not_sortable(resource: &Resource, name: &str) -> Error {
    Error::bad_request(format!("{} cannot be sorted by {:?}", resource.name, shown(name)))
}

fn ordering(plan: &mut Plan<'_>, key: &SortKey) -> Option<Ordering> {
    let target = plan.resolve(&key.field, Sight::Asker).filter(|target| target.hops == 0 && !target.field.custom)?;
    let field = target.field;
    if field.column != "id" && !field.sortable {
        return None;
    }
    Some(match &field.sort_column {
        Some(stored) => Ordering { column: scope::column("t", stored), kind: Kind::Integer, descending: key.descending },
        None => Ordering { column: scope::column("t", &field.column), kind: field.kind.clone(), descending: key.descending },
    })
}

/// The rows after the given values in the order. One direction is a row comparison, which an index serves whole; mixed
/// directions are spelled out behind a bound on the first column, which the index serves.
fn after(plan: &mut Plan<'_>, order: &[Ordering], values: &[String]) -> Result<String> {
    if order.len() != values.len() {
        return Err(Error::bad_request("the cursor does not belong to this list"));
    }
    let mut bound = Vec::with_capacity(order.len());
    for (by, text) in order.iter().zip(values) {
        // A text that was stored may be longer than one in a filter.
        let value = match &by.kind {
            Kind::Text { .. } | Kind::Choice(_) => Ok(Arg::Text(text.clone())),
            kind => value::parse(kind, text),
        };
        bound.push(plan.arg(value.map_err(|_| Error::bad_request("the cursor does not belong to this list"))?));
    }
    let sign = |by: &Ordering| if by.descending { "<" } else { ">" };
    let mixed = order.iter().any(|by| by.descending != order[0].descending);
    if !mixed {
        let columns: Vec<_> = order.iter().map(|by| by.column.as_str()).collect();
        return Ok(format!("({}) {} ({})", columns.join(", "), sign(&order[0]), bound.join(", ")));
    }
    let mut condition = String::new();
    for (by, value) in order.iter().zip(&bound).rev() {
        let Ordering { column, .. } = by;
        condition = match condition.is_empty() {
            true => format!("{column} {} {value}", sign(by)),
            false => format!("({column} {} {value} OR ({column} = {value} AND {condition}))", sign(by)),
        };
    }
    Ok(format!("({} {}= {} AND {condition})", order[0].column, sign(&order[0]), bound[0]))
}

/// A sort value as the cursor keeps it: exact, with the microseconds of a moment.
fn key_text(row: &PgRow, at: usize, kind: &Kind) -> Result<String> {
    let text = match kind {
        Kind::Text { .. } | Kind::Choice(_) | Kind::Texts | Kind::Lines(_) | Kind::Decimal | Kind::Money { .. } | Kind::Quantity { .. } => {
            row.try_get::<String, _>(at)
        }
        Kind::Boolean => row.try_get::<bool, _>(at).map(|value| value.to_string()),
        Kind::Integer => row.try_get::<i64, _>(at).map(|value| value.to_string()),
        Kind::Date => row.try_get::<NaiveDate, _>(at).map(|value| value.to_string()),
        Kind::Timestamp => row.try_get::<DateTime<Utc>, _>(at).map(value::timestamp),
        Kind::Reference(_) => row.try_get::<Uuid, _>(at).map(|value| value.to_string()),
    };
    text.during("read a sort value")
}

/// The name under which the rows of a child stand in their document: the last word of its plural (`order-lines` → `lines`).
fn child_name(child: &Resource) -> &str {
    child.plural.rsplit(['/', '-', '_']).next().unwrap_or(&child.plural)
}

/// One record with the rows of its children, archived or not. Out of sight reads like absent.
pub(crate) async fn detail(db: &mut PgConnection, asker: Asker<'_>, resource: &str, id: Uuid, fields: Option<&[String]>) -> Result<Value> {
    let mut plan = Plan::open(asker, resource)?;
    let resource = plan.resource;
    let children: Vec<&Resource> =
        asker.catalogue.children_of(&resource.name).map(AsRef::as_ref).filter(|child: &&Resource| asker.resource(&child.name).is_ok()).collect();
    let is_child = |name: &String| resource.find_field(name).is_none() && children.iter().any(|child| child_name(child) == name);
    let own: Option<Vec<String>> = fields.map(|names| names.iter().filter(|name| !is_child(name)).cloned().collect());

    let bound = plan.arg(Arg::Uuid(id));
    plan.add(format!("t.id = {bound}"));
    let projection = Projection::of(&mut plan, own.as_deref().map_or(Wanted::All, Wanted::Named), None)?;
    let sql = format!("SELECT {} FROM {} WHERE {}", projection.sql(), plan.from(), plan.conditions());
    let rows = select::fetch(db, sql, &plan.args, "read the record").await?;
    let mut records = projection.decode(&rows)?;
    projection.complete(db, asker, &mut records).await?;
    let mut record = records.pop().ok_or_else(|| Error::not_found(&resource.name))?;

    let mut truncated = Vec::new();
    for child in children {
        let name = child_name(child);
        if fields.is_some_and(|names| !names.iter().any(|wanted| wanted == name)) {
            continue;
        }
        let mut rows = rows_of(db, asker, child, id).await?;
        if let Some(object) = record.as_object_mut() {
            let name = if object.contains_key(name) { child.plural.as_ref() } else { name };
            if rows.len() > CHILDREN_MAX {
                rows.truncate(CHILDREN_MAX);
                truncated.push(Value::from(name));
            }
            object.insert(name.to_owned(), Value::Array(rows));
        }
    }
    if !truncated.is_empty()
        && let Some(object) = record.as_object_mut()
    {
        object.insert(TRUNCATED.to_owned(), Value::Array(truncated));
    }
    Ok(record)
}

/// One row more than come with the record tells that there are more.
async fn rows_of(db: &mut PgConnection, asker: Asker<'_>, child: &Resource, parent: Uuid) -> Result<Vec<Value>> {
    let Some(column) = child.parent.as_ref().map(|parent| parent.column.as_ref()) else { return Ok(Vec::new()) };
    let mut plan = Plan::open(asker, &child.name)?;
    let bound = plan.arg(Arg::Uuid(parent));
    plan.add(format!("{} = {bound}", scope::column("t", column)));
    if child.archivable {
        plan.add("t.archived_at IS NULL");
    }
    let projection = Projection::of(&mut plan, Wanted::Lines, Some(column))?;
    let positioned = child.fields.iter().any(|field| field.column == "position" && field.kind == Kind::Integer && !field.custom);
    let by = if positioned { "t.position, t.id" } else { "t.id" };
    let sql = format!("SELECT {} FROM {} WHERE {} ORDER BY {by} LIMIT {}", projection.sql(), plan.from(), plan.conditions(), CHILDREN_MAX + 1);
    let rows = select::fetch(db, sql, &plan.args, "read the lines").await?;
    let mut items = projection.decode(&rows)?;
    projection.complete(db, asker, &mut items).await?;
    Ok(items)
}
