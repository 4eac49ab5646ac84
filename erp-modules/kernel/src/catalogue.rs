//! The catalogue: what a tenant's Steward holds and what can be done with it. Every door follows from it.
//!
//! It is an owned, versioned value for each tenant, put together from the modules' Rust declarations and the tenant's
//! custom fields ([`crate::custom`]); manifests of external modules will be one more source. Names are dotted:
//! resource `sales.order`, command `sales.order.confirm`, report `sales.backlog`, permission `sales:order:read`.
//!
//! Texts are not here: labels, synonyms, descriptions and examples are Fluent messages, see [`crate::labels`].

mod declare;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

pub type Name = Cow<'static, str>;

/// The closed vocabulary of values that every door can render.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Up to `max` characters; `multiline` asks for a text area.
    Text {
        max: u32,
        multiline: bool,
    },
    Boolean,
    /// A whole number (bigint).
    Integer,
    /// A bare decimal such as a discount or a rate.
    Decimal,
    /// An amount; its currency stands in the column `currency` of the same row (or the sibling input of that name).
    Money {
        currency: Name,
    },
    /// A quantity; its unit stands in the column `unit` of the same row, where there is one.
    Quantity {
        unit: Name,
    },
    Date,
    Timestamp,
    /// One of a closed list; states are choices. Stored as text.
    Choice(Vec<Name>),
    /// The id of a record of another resource.
    Reference(Name),
    /// Input only: rows of these fields. The rows of a stored document are a resource of their own, with a parent.
    Lines(Vec<Field>),
    /// A list of short texts (text[]), such as synonyms.
    Texts,
}

/// How careful one has to be with a value: read by doors, logs and models.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sensitivity {
    #[default]
    Normal,
    /// Of a natural person: masked in logs, kept out of model prompts unless asked for.
    Personal,
    /// Never leaves the house in a prompt.
    Secret,
}

/// A field of a resource, or an input of a command or a report. Declared with the constructors [`Field::text`] … and
/// the builder methods in `catalogue/declare.rs`.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    pub name: Name,
    pub kind: Kind,
    /// The column; the name unless said otherwise. For a custom field the key within `custom`.
    pub column: Name,
    /// As an input it must be given; as a column it is NOT NULL.
    pub required: bool,
    /// Has an index `(tenant_id, column, id)` and is NOT NULL.
    pub sortable: bool,
    pub filterable: bool,
    /// A stored folded column for `starts`, with an index `(tenant_id, column COLLATE "C" …)`.
    pub prefix_column: Option<Name>,
    /// What the text index will hold of it, and where pickers look.
    pub searchable: bool,
    /// The permission that the field needs beyond the resource's own; without it the field is absent.
    pub permission: Option<Name>,
    pub sensitivity: Sensitivity,
    /// Shown in lists unless the reader picks other columns.
    pub in_list: bool,
    /// Stored in the column `custom` (jsonb).
    pub custom: bool,
    /// Labels of a custom field by language; others are Fluent messages.
    pub label: Option<BTreeMap<String, String>>,
    /// Set by generic create and update commands. States and totals are not: those move by commands.
    pub writable: bool,
    /// As an input of a form: the value that is offered, such as `today`.
    pub default: Option<Name>,
    /// For `Money` columns a stored generated bigint in minor units × 100 that sorts; the sort uses it.
    pub sort_column: Option<Name>,
    /// As an input: an assistant never fills it from what it read, only from the person's own words; see
    /// [`Field::takes_read_text`].
    pub own_words: bool,
}

/// The columns by which grants narrow the rows. A width without its column shows nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScopeColumns {
    pub owner: Option<Name>,
    pub department: Option<Name>,
    pub company: Option<Name>,
    /// A row that names none of these is for everybody who holds the permission, at whatever width, and a row is for its owner
    /// likewise; without this such rows are seen at the width of the tenant, and of the owner, only. It is about reading: acting on
    /// a row takes a width that reaches it.
    pub open: bool,
}

/// The columns by which a row hangs on a record of any other resource: both null, or both set.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    /// The column with the name of the other resource: `crm.party`.
    pub resource: Name,
    /// The column with the record's id.
    pub id: Name,
}

/// An aggregate with a definition of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    pub name: Name,
    pub aggregate: Aggregate,
    /// Rows that count, as a condition on a field path: `("status", ["confirmed", …])`; several are joined with AND.
    pub only: Vec<(Name, Vec<Name>)>,
    /// The date that periods of this measure mean ("revenue in 1997").
    pub date: Option<Name>,
    /// The permission that the measure needs beyond the resource's own.
    pub permission: Option<Name>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Aggregate {
    Count,
    /// Sum of a numeric column. Money is summed by currency, unrounded, and rounded once; `currency` is its column.
    Sum {
        column: Name,
        currency: Option<Name>,
    },
    Average {
        column: Name,
        currency: Option<Name>,
    },
    /// The latest or earliest date, or the largest or smallest number.
    Max {
        column: Name,
    },
    Min {
        column: Name,
    },
}

/// Lines that belong to a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Parent {
    pub resource: Name,
    /// The column with the parent's id; also a `Reference` field of this resource.
    pub column: Name,
}

/// A condition with a name that one can ask for ("below reorder level"): a fixed SQL predicate over columns of `t`.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedFilter {
    pub name: Name,
    /// A predicate over the row, whose columns are qualified with `t`. Written by a module's author, never from input.
    pub predicate: Name,
}

/// Something that can be listed, read, filtered, aggregated.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// `sales.order`.
    pub name: Name,
    /// The path in URLs: `orders`.
    pub plural: Name,
    pub table: Name,
    /// `sales:order:read`.
    pub permission: Name,
    pub fields: Vec<Field>,
    /// The field shown for a record wherever it is referred to.
    pub title: Name,
    pub scope: ScopeColumns,
    /// A row that hangs on a record is readable only by who may read that record as well.
    pub subject: Option<Subject>,
    pub measures: Vec<Measure>,
    pub filters: Vec<NamedFilter>,
    pub parent: Option<Parent>,
    /// Default order, such as `-created_at`.
    pub sort: Name,
    /// Commands behind `POST`, `PATCH` and `DELETE` (archive).
    pub create: Option<Name>,
    pub update: Option<Name>,
    pub archive: Option<Name>,
    /// Has the columns `archived_at timestamptz`: lists leave archived rows out unless `filter[archived]` says otherwise.
    pub archivable: bool,
    /// Has the column `custom jsonb`, so that tenants may add fields.
    pub customizable: bool,
    /// Shown in the menu.
    pub menu: bool,
}

/// What can go wrong when a command runs without being asked twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    Low,
    High,
    /// Can never be proposed by an assistant.
    HumanOnly,
}

impl Risk {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::High => "high",
            Self::HumanOnly => "human_only",
        }
    }
}

/// What a module says of a command.
#[derive(Clone, Debug, PartialEq)]
pub struct CommandSpec {
    /// `sales.order.confirm`.
    pub name: Name,
    /// The resource it is about: `sales.order`.
    pub resource: Name,
    /// The input that names the record it acts on (`POST …/{id}/{command}`); `None` for creating commands.
    pub target: Option<Name>,
    pub permission: Name,
    /// Off where the flag is off.
    pub flag: Option<Name>,
    pub risk: Risk,
    pub inputs: Vec<Field>,
    /// The command that usually takes this one back, for display; what counts is [`crate::Outcome::undo`].
    pub undo: Option<Name>,
    /// Commands of other modules that it calls in its transaction.
    pub calls: Vec<Name>,
    /// Queries of other modules that it asks.
    pub asks: Vec<Name>,
    /// The input that names the company for which it works when another command calls it: the company of the caller's document.
    pub company: Option<Name>,
    /// Inputs that make a likely duplicate; shown in the catalogue, checked by the handler, which refuses with
    /// [`crate::Code::Duplicate`] unless the input `allow_duplicate` is true.
    pub duplicate_guard: Vec<Name>,
    /// States of the target (field `status`) in which the command makes sense: doors offer it only there.
    pub when: Vec<Name>,
    /// A command of the house itself: on the bus, but no door offers it (nested calls, and undo).
    pub internal: bool,
    /// Values of the tenant's custom fields are taken (input `custom`).
    pub customizable: bool,
    /// Whose rights it changes, and so which writes it waits for.
    pub changes_rights: RightsChange,
}

/// Whose rights a command changes. Of several in one unit of work the widest counts; each opens it under its locks at once,
/// because two that held them shared and both wanted more would wait for each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum RightsChange {
    #[default]
    None,
    /// One user's (his roles, his sessions): it waits for the writes of that user only, and such commands of a tenant run one
    /// after the other.
    OfUser,
    /// Those of many (a role, lines of report): it waits for the tenant's running writes and runs alone.
    OfMany,
}

/// A named question with typed parameters and a table as its answer.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportSpec {
    /// `sales.backlog`.
    pub name: Name,
    pub permission: Name,
    pub parameters: Vec<Field>,
    pub columns: Vec<Field>,
}

/// What the doors read. Cheap to share; a change makes a new one.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    /// Grows with the tenant's custom fields.
    pub version: i64,
    pub resources: BTreeMap<String, Arc<Resource>>,
    pub commands: BTreeMap<String, Arc<CommandSpec>>,
    pub reports: BTreeMap<String, Arc<ReportSpec>>,
    /// Names of the modules, in the order of their registration.
    pub modules: Vec<String>,
}

/// The part before the first dot: `sales.order.confirm` → `sales`.
pub fn module_of(name: &str) -> &str {
    name.split_once('.').map_or(name, |(module, _)| module)
}

/// The part after the last dot: `sales.order.confirm` → `confirm`.
pub fn last_of(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(_, last)| last)
}

impl Catalogue {
    pub fn resource(&self, name: &str) -> crate::Result<&Arc<Resource>> {
        self.resources.get(name).ok_or_else(|| crate::Error::unknown("resource", name))
    }
    /// By module and plural, as URLs name it: `("sales", "orders")`.
    pub fn resource_at(&self, module: &str, plural: &str) -> crate::Result<&Arc<Resource>> {
        self.resources
            .values()
            .find(|resource| resource.plural == plural && module_of(&resource.name) == module)
            .ok_or_else(|| crate::Error::unknown("resource", &format!("{module}/{plural}")))
    }
    pub fn command(&self, name: &str) -> crate::Result<&Arc<CommandSpec>> {
        self.commands.get(name).ok_or_else(|| crate::Error::unknown("command", name))
    }
    pub fn report(&self, name: &str) -> crate::Result<&Arc<ReportSpec>> {
        self.reports.get(name).ok_or_else(|| crate::Error::unknown("report", name))
    }
    /// Commands whose resource this is, in alphabetical order, without internal ones.
    pub fn commands_of<'a>(&'a self, resource: &'a str) -> impl Iterator<Item = &'a Arc<CommandSpec>> {
        self.commands.values().filter(move |spec| spec.resource == resource && !spec.internal)
    }
    /// Lines of a document.
    pub fn children_of<'a>(&'a self, resource: &'a str) -> impl Iterator<Item = &'a Arc<Resource>> {
        self.resources.values().filter(move |child| child.parent.as_ref().is_some_and(|parent| parent.resource == resource))
    }
    /// Every permission that anything in the catalogue asks for: the seeds of roles.
    pub fn permissions(&self) -> std::collections::BTreeSet<String> {
        let mut all = std::collections::BTreeSet::new();
        for resource in self.resources.values() {
            all.insert(resource.permission.to_string());
            all.extend(resource.fields.iter().filter_map(|field| field.permission.as_ref()).map(ToString::to_string));
            all.extend(resource.measures.iter().filter_map(|measure| measure.permission.as_ref()).map(ToString::to_string));
        }
        all.extend(self.commands.values().filter(|spec| !spec.internal).map(|spec| spec.permission.to_string()));
        for report in self.reports.values() {
            all.insert(report.permission.to_string());
            all.extend(report.columns.iter().filter_map(|field| field.permission.as_ref()).map(ToString::to_string));
        }
        all
    }
}

impl Kind {
    /// The name on the wire, as doors tell it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Text { multiline: false, .. } => "text",
            Self::Text { multiline: true, .. } => "long_text",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Decimal => "decimal",
            Self::Money { .. } => "money",
            Self::Quantity { .. } => "quantity",
            Self::Date => "date",
            Self::Timestamp => "timestamp",
            Self::Choice(_) => "choice",
            Self::Reference(_) => "reference",
            Self::Lines(_) => "lines",
            Self::Texts => "texts",
        }
    }
}

impl Field {
    /// Whether an assistant that proposes a command may fill this input from text that it read: a passage, a note, a name
    /// that somebody else wrote. Texts, numbers and dates it may, and the card says so; never what names a record or an
    /// amount of money, and never an address ([`Field::own_words`]): those lead values and messages elsewhere.
    pub fn takes_read_text(&self) -> bool {
        !self.own_words && !matches!(self.kind, Kind::Money { .. } | Kind::Reference(_))
    }
}

impl Resource {
    /// Whether rows of other resources may hang on a record of this one. Lines have their document for that; what hangs on
    /// something itself would make chains. The policy finds the table by the resource's name, so the two must agree.
    pub fn takes_attachments(&self) -> bool {
        self.parent.is_none() && self.subject.is_none() && self.table == self.name.replace('.', "_")
    }
    pub fn find_field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }
    pub fn find_measure(&self, name: &str) -> Option<&Measure> {
        self.measures.iter().find(|measure| measure.name == name)
    }
    /// `sales/orders`.
    pub fn path(&self) -> String {
        format!("{}/{}", module_of(&self.name), self.plural)
    }
}
