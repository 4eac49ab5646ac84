//! The query builder: lists, details, aggregates and histories over the catalogue, one SQL statement each.
//!
//! Start at [`plan::Plan`], a statement under construction, and at [`scope::predicate`], the wall that each table of it
//! stands behind. This is the only code that joins tables of different modules: along declared references, applying each
//! table's width and mask. Row-level security lies beneath as the net; the plain predicate here is what an index serves.
//!
//! **Invariants:** values are bound, never spliced; names come from the catalogue, never from the request; the text of a
//! statement depends on its shape only, so that prepared statements are used again; a field whose permission the asker
//! lacks behaves exactly like one that does not exist.

mod aggregate;
mod cursor;
mod filter;
mod history;
mod list;
mod parse;
mod plan;
pub(crate) mod scope;
mod select;
mod texts;
mod value;

#[cfg(test)]
mod tests;

pub use filter::ops_of;
pub use history::{Actor, FieldChange, History, HistoryEntry};
pub use list::TRUNCATED;
pub use texts::{TextRow, has_texts, is_text};
pub(crate) use {aggregate::run as aggregate, history::run as history, list::detail, list::explain, list::list, texts::live, texts::texts};

use crate::catalogue::{Catalogue, Field, Kind, Resource, module_of};
use crate::error::{Code, Error, Result};
use crate::principal::{Principal, Rights};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The largest page of a list.
pub const LIMIT_MAX: u32 = 200;
/// Counts are exact up to here, then "1,000+".
pub const COUNT_MAX: i64 = 1_000;
/// The largest answer of an aggregate.
pub const GROUPS_MAX: u32 = 1_000;

/// How a filter compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Op {
    Eq,
    Ne,
    Lt,
    Lte,
    Gt,
    Gte,
    /// One of several values.
    In,
    /// Begins with, without regard to case and diacritics.
    Starts,
    /// `true`: has no value; `false`: has one.
    Null,
}

impl Op {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::Lt => "lt",
            Self::Lte => "lte",
            Self::Gt => "gt",
            Self::Gte => "gte",
            Self::In => "in",
            Self::Starts => "starts",
            Self::Null => "null",
        }
    }
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Eq, Self::Ne, Self::Lt, Self::Lte, Self::Gt, Self::Gte, Self::In, Self::Starts, Self::Null].into_iter().find(|op| op.as_str() == name)
    }
}

/// A condition on a field, on a field of a reference (`customer.name`, up to three steps), on a custom field
/// (`custom.color`), a named filter of the resource, or `archived` (`true`, `false`, `any`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    pub path: String,
    pub op: Op,
    /// One value, several for [`Op::In`].
    pub values: Vec<String>,
}

impl Filter {
    pub fn new(path: impl Into<String>, op: Op, value: impl Into<String>) -> Self {
        Self { path: path.into(), op, values: vec![value.into()] }
    }
    /// The name of the parameter that says this, for error texts. The path comes from outside: bounded.
    pub fn parameter(&self) -> String {
        format!("filter[{}][{}]", shown(&self.path), self.op.as_str())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SortKey {
    pub field: String,
    pub descending: bool,
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListQuery {
    pub resource: String,
    pub filters: Vec<Filter>,
    /// Empty: the resource's own order. The id is added as the last key.
    pub sort: Vec<SortKey>,
    pub limit: u32,
    pub cursor: Option<String>,
    /// Only these fields; id and version are always there. `None`: all permitted ones but long texts.
    pub fields: Option<Vec<String>>,
    /// Also count, exactly up to [`COUNT_MAX`].
    pub count: bool,
}

impl ListQuery {
    pub fn new(resource: impl Into<String>) -> Self {
        Self { resource: resource.into(), filters: Vec::new(), sort: Vec::new(), limit: 50, cursor: None, fields: None, count: false }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Count {
    pub value: i64,
    /// There are more than `value`.
    pub capped: bool,
}

#[derive(Clone, Debug, Serialize)]
pub struct Page {
    pub items: Vec<Value>,
    /// The cursor of the next page.
    pub next: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<Count>,
}

/// Measures of a resource by groups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AggregateQuery {
    pub resource: String,
    /// Empty: `count`.
    pub measures: Vec<String>,
    /// Fields (`customer`, `status`), fields of references (`order.customer`), parts of dates (`order_date.year`,
    /// `.quarter`, `.month`, `.day`).
    pub group: Vec<String>,
    pub filters: Vec<Filter>,
    /// A measure or a group, and whether descending.
    pub sort: Option<(String, bool)>,
    pub limit: u32,
}

impl AggregateQuery {
    pub fn new(resource: impl Into<String>) -> Self {
        Self { resource: resource.into(), measures: Vec::new(), group: Vec::new(), filters: Vec::new(), sort: None, limit: 100 }
    }
}

/// Who reads: the one place that answers what they may see.
#[derive(Clone, Copy)]
pub(crate) struct Asker<'a> {
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) rights: &'a Rights,
    pub(crate) principal: &'a Principal,
}

impl<'a> Asker<'a> {
    pub(crate) fn may(self, permission: &str) -> bool {
        self.principal.is_system() || self.rights.may(permission)
    }
    /// The resource, if it is part of the plan and readable at some width.
    pub(crate) fn resource(self, name: &str) -> Result<&'a Resource> {
        let resource = self.catalogue.resource(name)?;
        if !self.rights.entitled(module_of(name), None) {
            return Err(Error::new(Code::NotEntitled, format!("{name} is not available to this tenant")));
        }
        if !self.may(&resource.permission) {
            return Err(Error::forbidden(&resource.permission));
        }
        Ok(resource)
    }
    pub(crate) fn sees(self, field: &Field) -> bool {
        field.permission.as_ref().is_none_or(|permission| self.may(permission))
    }
    /// The stored fields of a resource that the asker may see.
    pub(crate) fn fields(self, resource: &'a Resource) -> impl Iterator<Item = &'a Field> {
        resource.fields.iter().filter(move |field| !matches!(field.kind, Kind::Lines(_)) && self.sees(field))
    }
    /// The field that stands for a record wherever it is referred to, where it can be shown as a text.
    pub(crate) fn title(self, resource: &'a Resource) -> Option<&'a Field> {
        self.fields(resource).find(|field| field.name == resource.title && !field.custom && !matches!(field.kind, Kind::Reference(_) | Kind::Texts))
    }
}

/// A name from outside, bounded, so that the answer cannot be made large.
pub(crate) fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(80).collect()
}

pub(crate) fn unknown_field(resource: &Resource, name: &str) -> Error {
    Error::bad_request(format!("{} has no field {:?}", resource.name, shown(name)))
}
