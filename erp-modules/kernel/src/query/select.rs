//! What a statement selects, and how a row becomes JSON in wire form: by index and kind, only what was asked for.

use super::plan::{Plan, Sight};
use super::value::{self, Args};
use super::{Asker, scope, unknown_field};
use crate::catalogue::{Field, Kind, Resource};
use crate::error::{During, Result};
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Map, Value, json};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, Row};
use std::collections::HashSet;
use uuid::Uuid;

/// A longer text of a line is read with the line itself.
const LINE_TEXT_MAX: u32 = 10_000;

/// Which fields are wanted. The id and the version are always there.
#[derive(Clone, Copy)]
pub(crate) enum Wanted<'q> {
    /// All but long texts.
    List,
    /// All but texts of the length of a document: of the rows of a child, which may be many.
    Lines,
    All,
    Named(&'q [String]),
}

enum Decode {
    Text(usize),
    Boolean(usize),
    Integer(usize),
    Decimal(usize),
    Money {
        amount: usize,
        currency: Option<usize>,
    },
    Quantity {
        value: usize,
        unit: Option<usize>,
    },
    Date(usize),
    Timestamp(usize),
    Reference {
        id: usize,
        title: Option<usize>,
    },
    Texts(usize),
    /// A value as the bus stored it in `custom`.
    Custom {
        key: String,
    },
}

/// The select list with its way back.
pub(crate) struct Projection {
    columns: Vec<String>,
    outputs: Vec<(String, Decode)>,
    custom: Option<usize>,
    /// Custom fields that are references, with their resources.
    references: Vec<(String, String)>,
}

impl Projection {
    /// Adds to the plan the joins that titles need. `without` is a column that is not wanted (the parent of a line).
    pub(crate) fn of<'a>(plan: &mut Plan<'a>, wanted: Wanted<'_>, without: Option<&str>) -> Result<Self> {
        let asker: Asker<'a> = plan.asker;
        let resource: &'a Resource = plan.resource;
        let mut this = Self { columns: vec!["t.id".into(), "t.version".into()], outputs: Vec::new(), custom: None, references: Vec::new() };
        let fields: Vec<&'a Field> = match wanted {
            Wanted::All => asker.fields(resource).collect(),
            Wanted::List => asker.fields(resource).filter(|field| !matches!(field.kind, Kind::Text { multiline: true, .. })).collect(),
            Wanted::Lines => asker.fields(resource).filter(|field| !matches!(field.kind, Kind::Text { max, multiline: true } if max > LINE_TEXT_MAX)).collect(),
            Wanted::Named(names) => named(asker, resource, names)?,
        };
        for field in fields.into_iter().filter(|field| without.is_none_or(|column| field.column != column)) {
            this.field(plan, field);
        }
        Ok(this)
    }

    /// Adds a column; its index.
    pub(crate) fn column(&mut self, sql: impl Into<String>) -> usize {
        self.columns.push(sql.into());
        self.columns.len() - 1
    }

    pub(crate) fn sql(&self) -> String {
        self.columns.join(", ")
    }

    fn field<'a>(&mut self, plan: &mut Plan<'a>, field: &'a Field) {
        let decode = if field.custom {
            let column = match self.custom {
                Some(column) => column,
                None => self.column("t.custom"),
            };
            self.custom = Some(column);
            if let Kind::Reference(referred) = &field.kind {
                self.references.push((field.name.to_string(), referred.to_string()));
            }
            Decode::Custom { key: field.column.to_string() }
        } else {
            let column = scope::column("t", &field.column);
            match &field.kind {
                Kind::Text { .. } | Kind::Choice(_) => Decode::Text(self.column(column)),
                Kind::Boolean => Decode::Boolean(self.column(column)),
                Kind::Integer => Decode::Integer(self.column(format!("{column}::bigint"))),
                Kind::Decimal => Decode::Decimal(self.column(format!("{column}::text"))),
                Kind::Money { currency } => {
                    let currency = plan.authored(currency).map(|currency| self.column(currency));
                    Decode::Money { amount: self.column(format!("{column}::text")), currency }
                }
                Kind::Quantity { unit } => {
                    let unit = unit_of(plan, unit).map(|unit| self.column(unit));
                    Decode::Quantity { value: self.column(format!("{column}::text")), unit }
                }
                Kind::Date => Decode::Date(self.column(column)),
                Kind::Timestamp => Decode::Timestamp(self.column(column)),
                Kind::Reference(_) => Decode::Reference { id: self.column(column), title: self.title(plan, field) },
                Kind::Texts => Decode::Texts(self.column(column)),
                Kind::Lines(_) => return,
            }
        };
        self.outputs.push((field.name.to_string(), decode));
    }

    fn title<'a>(&mut self, plan: &mut Plan<'a>, field: &'a Field) -> Option<usize> {
        let Kind::Reference(referred) = &field.kind else { return None };
        // Looked up before the join, so that a table without a visible title is not joined.
        let title = plan.asker.title(plan.asker.resource(referred).ok()?)?;
        let (alias, _) = plan.join("t", &field.name, field)?;
        Some(self.column(format!("{}::text", scope::column(&alias, &title.column))))
    }

    pub(crate) fn decode(&self, rows: &[PgRow]) -> Result<Vec<Value>> {
        rows.iter().map(|row| self.object(row).map(Value::Object)).collect::<sqlx::Result<_>>().during("read the records")
    }

    /// Puts titles to custom references. A join over `custom` could use no index under the policies (reading jsonb is not
    /// leakproof), so their titles are looked up by id, once for each referenced resource of the page.
    pub(crate) async fn complete(&self, db: &mut PgConnection, asker: Asker<'_>, items: &mut [Value]) -> Result<()> {
        let id = |value: &Value| value.as_str().and_then(|id| Uuid::try_parse(id).ok());
        for (name, resource) in &self.references {
            let ids: Vec<Uuid> = items.iter().filter_map(|item| item.get(name).and_then(id)).collect();
            let titles = scope::titles(db, asker.catalogue, asker.rights, asker.principal, resource, &ids).await?;
            for value in items.iter_mut().filter_map(|item| item.get_mut(name)) {
                if let Some(id) = id(value) {
                    *value = value::reference(id, titles.get(&id).cloned());
                }
            }
        }
        Ok(())
    }

    fn object(&self, row: &PgRow) -> sqlx::Result<Map<String, Value>> {
        let mut object = Map::with_capacity(self.outputs.len() + 2);
        object.insert("id".into(), json!(row.try_get::<Uuid, _>(0)?));
        object.insert("version".into(), json!(row.try_get::<i64, _>(1)?));
        let custom: Option<Value> = self.custom.map(|column| row.try_get(column)).transpose()?;
        for (name, decode) in &self.outputs {
            object.insert(name.clone(), decode.value(row, custom.as_ref())?);
        }
        Ok(object)
    }
}

impl Decode {
    fn value(&self, row: &PgRow, custom: Option<&Value>) -> sqlx::Result<Value> {
        let text = |at: Option<usize>| at.map(|at| row.try_get::<Option<String>, _>(at)).transpose().map(Option::flatten);
        Ok(match self {
            Self::Text(at) => json!(row.try_get::<Option<String>, _>(*at)?),
            Self::Boolean(at) => json!(row.try_get::<Option<bool>, _>(*at)?),
            Self::Integer(at) => json!(row.try_get::<Option<i64>, _>(*at)?),
            Self::Decimal(at) => json!(row.try_get::<Option<String>, _>(*at)?.map(value::decimal_text)),
            Self::Money { amount, currency } => value::money(row.try_get(*amount)?, text(*currency)?),
            Self::Quantity { value, unit } => match row.try_get::<Option<String>, _>(*value)? {
                Some(value) => json!({ "value": value::decimal_text(value), "unit": text(*unit)?.unwrap_or_default() }),
                None => Value::Null,
            },
            Self::Date(at) => json!(row.try_get::<Option<NaiveDate>, _>(*at)?),
            Self::Timestamp(at) => json!(row.try_get::<Option<DateTime<Utc>>, _>(*at)?.map(value::timestamp)),
            Self::Reference { id, title } => match row.try_get::<Option<Uuid>, _>(*id)? {
                Some(id) => value::reference(id, text(*title)?),
                None => Value::Null,
            },
            Self::Texts(at) => json!(row.try_get::<Option<Vec<String>>, _>(*at)?.unwrap_or_default()),
            Self::Custom { key } => custom.and_then(|custom| custom.get(key)).cloned().unwrap_or(Value::Null),
        })
    }
}

/// The fields that were asked for by name, each once, in the catalogue's order.
fn named<'a>(asker: Asker<'a>, resource: &'a Resource, names: &[String]) -> Result<Vec<&'a Field>> {
    let mut wanted = HashSet::new();
    for name in names {
        if name == "custom" && resource.customizable {
            wanted.extend(asker.fields(resource).filter(|field| field.custom).map(|field| field.name.as_ref()));
            continue;
        }
        let (plain, custom) = match name.strip_prefix("custom.") {
            Some(plain) => (plain, true),
            None => (name.as_str(), false),
        };
        match asker.fields(resource).find(|field| field.name == plain && (field.custom || !custom)) {
            Some(field) => drop(wanted.insert(field.name.as_ref())),
            None if matches!(plain, "id" | "version") && !custom => {}
            None => return Err(unknown_field(resource, name)),
        }
    }
    Ok(asker.fields(resource).filter(|field| wanted.contains(field.name.as_ref())).collect())
}

/// A quantity's unit, where the resource declares the column or the path; not every table has one.
fn unit_of(plan: &mut Plan<'_>, unit: &str) -> Option<String> {
    if scope::is_plain(unit) {
        return plan.resource.fields.iter().any(|field| field.column == unit && !field.custom).then(|| scope::column("t", unit));
    }
    plan.resolve(unit, Sight::Author).map(|target| target.expression())
}

/// Runs a statement whose text was built from the catalogue and whose values are bound.
pub(crate) async fn fetch(db: &mut PgConnection, sql: String, args: &Args, action: &'static str) -> Result<Vec<PgRow>> {
    sqlx::query_with(AssertSqlSafe(sql), args.bound()?).fetch_all(db).await.during(action)
}
