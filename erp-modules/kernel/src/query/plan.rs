//! A statement under construction: one table, the tables it is joined with along declared references, conditions, values.
//!
//! Every table, joined ones included, enters with its scope predicate. Joins are outer joins, so that a reference that the
//! asker cannot see hides its title and not the row; a filter on a path demands the joined row.

use super::value::{Arg, Args};
use super::{Asker, scope};
use crate::catalogue::{Field, Kind, Name, Resource};
use crate::error::{Error, Result};
use chrono_tz::Tz;
use std::sync::LazyLock;

/// References that one path may follow.
const HOPS_MAX: usize = 3;

static ID: LazyLock<Field> = LazyLock::new(|| Field { kind: Kind::Reference(Name::Borrowed("")), ..Field::text("id").required() });
static VERSION: LazyLock<Field> = LazyLock::new(|| Field::integer("version").required());

/// By whose leave a path names a field.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sight {
    /// The asker wrote the path: masked fields do not exist.
    Asker,
    /// A module's author wrote it (the definition of a measure): masks do not change a definition.
    Author,
}

#[derive(Clone)]
struct Join<'a> {
    path: String,
    resource: &'a Resource,
    sql: String,
}

#[derive(Clone)]
pub(crate) struct Plan<'a> {
    pub(crate) asker: Asker<'a>,
    pub(crate) resource: &'a Resource,
    pub(crate) args: Args,
    joins: Vec<Join<'a>>,
    conditions: Vec<String>,
}

/// A field found by its path.
pub(crate) struct Target<'a> {
    pub(crate) alias: String,
    pub(crate) field: &'a Field,
    /// References that were followed.
    pub(crate) hops: usize,
}

impl Target<'_> {
    /// The value as SQL. A custom field is cast by its kind.
    pub(crate) fn expression(&self) -> String {
        if self.field.custom { custom(&self.alias, self.field) } else { scope::column(&self.alias, &self.field.column) }
    }
}

fn custom(alias: &str, field: &Field) -> String {
    let key = format!("'{}'", field.column.replace('\'', "''"));
    let text = format!("({alias}.custom ->> {key})");
    match &field.kind {
        Kind::Text { .. } | Kind::Choice(_) | Kind::Texts | Kind::Lines(_) => text,
        Kind::Boolean => format!("{text}::boolean"),
        Kind::Integer => format!("{text}::bigint"),
        Kind::Decimal => format!("{text}::numeric"),
        Kind::Money { .. } => format!("({alias}.custom -> {key} ->> 'amount')::numeric"),
        Kind::Quantity { .. } => format!("({alias}.custom -> {key} ->> 'value')::numeric"),
        Kind::Date => format!("{text}::date"),
        Kind::Timestamp => format!("{text}::timestamptz"),
        Kind::Reference(_) => format!("{text}::uuid"),
    }
}

impl<'a> Plan<'a> {
    /// Over the rows of a resource that the asker may read; refused without the module or the right.
    pub(crate) fn open(asker: Asker<'a>, resource: &str) -> Result<Self> {
        let resource = asker.resource(resource)?;
        let mut args = Args::default();
        let predicate = scope::predicate(asker, resource, "t", &mut args).ok_or_else(|| Error::forbidden(&resource.permission))?;
        Ok(Self { asker, resource, args, joins: Vec::new(), conditions: vec![predicate] })
    }
    pub(crate) fn arg(&mut self, value: Arg) -> String {
        self.args.push(value)
    }
    pub(crate) fn add(&mut self, condition: impl Into<String>) {
        self.conditions.push(condition.into());
    }
    /// `sales_order t LEFT JOIN …`.
    pub(crate) fn from(&self) -> String {
        let mut from = format!("{} t", scope::table(&self.resource.table));
        for join in &self.joins {
            from.push(' ');
            from.push_str(&join.sql);
        }
        from
    }
    pub(crate) fn conditions(&self) -> String {
        self.conditions.join(" AND ")
    }
    /// The tenant's time zone.
    pub(crate) fn zone(&self) -> Tz {
        self.asker.rights.time_zone.parse().unwrap_or(Tz::UTC)
    }

    /// Joins the table that `field` of the table `alias` refers to, once for each path; `None` if the asker may not read it.
    pub(crate) fn join(&mut self, alias: &str, path: &str, field: &Field) -> Option<(String, &'a Resource)> {
        let Kind::Reference(referred) = &field.kind else { return None };
        if let Some(at) = self.joins.iter().position(|join| join.path == path) {
            return Some((format!("r{}", at + 1), self.joins[at].resource));
        }
        let resource = self.asker.resource(referred).ok()?;
        let joined = format!("r{}", self.joins.len() + 1);
        let predicate = scope::predicate(self.asker, resource, &joined, &mut self.args)?;
        let from = Target { alias: alias.to_owned(), field, hops: 0 }.expression();
        let sql = format!("LEFT JOIN {} {joined} ON {joined}.id = {from} AND {predicate}", scope::table(&resource.table));
        self.joins.push(Join { path: path.to_owned(), resource, sql });
        Some((joined, resource))
    }

    /// Follows a path such as `status`, `customer.name`, `custom.color` to its field. What the asker may not see is not there.
    pub(crate) fn resolve(&mut self, path: &str, sight: Sight) -> Option<Target<'a>> {
        let (mut alias, mut resource) = ("t".to_owned(), self.resource);
        let mut parts = path.split('.').peekable();
        let mut walked = String::new();
        for hops in 0..=HOPS_MAX {
            let part = parts.next()?;
            let field = if part == "custom" && resource.customizable && parts.peek().is_some() {
                let name = parts.next()?;
                self.field(resource, name, sight).filter(|field| field.custom)?
            } else {
                self.field(resource, part, sight)?
            };
            if parts.peek().is_none() {
                return Some(Target { alias, field, hops });
            }
            if !walked.is_empty() {
                walked.push('.');
            }
            walked.push_str(&field.name);
            (alias, resource) = self.join(&alias, &walked, field)?;
        }
        None
    }

    fn field(&self, resource: &'a Resource, name: &str, sight: Sight) -> Option<&'a Field> {
        match name {
            "id" => Some(&ID),
            "version" => Some(&VERSION),
            _ => resource
                .fields
                .iter()
                .find(|field| field.name == name && !matches!(field.kind, Kind::Lines(_)) && (sight == Sight::Author || self.asker.sees(field))),
        }
    }

    /// A column that a module's author named: of this table, or at the end of a path of references.
    pub(crate) fn authored(&mut self, name: &str) -> Option<String> {
        if scope::is_plain(name) {
            return Some(scope::column("t", name));
        }
        self.resolve(name, Sight::Author).map(|target| target.expression())
    }
}
