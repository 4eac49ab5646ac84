//! Rows for any table, made from PostgreSQL's catalogue and ours: what is required gets a value of its type, references
//! point at rows that the same generator made, titles carry a mark that can be found again in any answer.

use crate::app::Tenant;
use sqlx::{AssertSqlSafe, PgConnection};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use steward_kernel::catalogue::Catalogue;
use steward_kernel::{Field, Kind, Resource};
use uuid::Uuid;

#[derive(Debug, sqlx::FromRow)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) not_null: bool,
    pub(crate) has_default: bool,
    pub(crate) generated: bool,
}

/// The columns of a table that the search path finds.
pub(crate) async fn columns(db: &mut PgConnection, table: &str) -> Vec<Column> {
    sqlx::query_as(
        "SELECT a.attname::text AS name, format_type(a.atttypid, NULL) AS kind, a.attnotnull AS not_null, a.atthasdef AND a.attgenerated = '' AS has_default, a.attgenerated <> '' AS generated
           FROM pg_attribute a WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
    )
    .bind(table)
    .fetch_all(db)
    .await
    .unwrap()
}

/// What the rows have in common.
#[derive(Clone, Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) tenant: &'a Tenant,
    pub(crate) catalogue: &'a Catalogue,
    /// Stands in every mark of this tenant: one letter.
    pub(crate) letter: char,
    pub(crate) rows: u32,
    /// Row `i` has the owner of the place `(i - 1) % places`, and the department and company beside it.
    pub(crate) places: Vec<Place>,
    /// Departments and companies do not go with the owners: each pair of an owner and one of them comes once before any
    /// comes again.
    pub(crate) loose: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) owner: Uuid,
    pub(crate) department: Uuid,
    pub(crate) company: Uuid,
}

/// Values that the type alone does not give: rules between columns, and texts with a form.
const SPECIAL: &[(&str, &str, &str)] = &[
    ("ai_alert", "threshold", "50"),
    // Several rows of one user, of which one at most may be current.
    ("hr_employee", "status", "'ended'"),
    ("hr_employee", "end_date", "date '2030-01-01'"),
    ("identity_role_grant", "permission", "'p:' || {mark}"),
    ("identity_session", "expires_at", "now() + interval '1 day'"),
    ("kernel_custom_field", "kind", "'text'"),
    ("sales_order", "line_count", "1"),
    ("sales_order", "net_total", "1"),
];

/// The resources in the order of their marks.
pub(crate) fn position(catalogue: &Catalogue, resource: &str) -> usize {
    catalogue.resources.keys().position(|name| name == resource).unwrap()
}

/// The mark of a row: `walla07x3`.
pub(crate) fn mark(catalogue: &Catalogue, letter: char, resource: &str, row: u32) -> String {
    format!("wall{letter}{:02}x{row}", position(catalogue, resource))
}

/// All marks in a text.
pub(crate) fn marks(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices("wall") {
        let rest = &text[at..];
        let end = rest.char_indices().find(|(i, c)| *i > 5 && !(c.is_ascii_digit() || *c == 'x')).map_or(rest.len(), |(i, _)| i);
        let one = &rest[..end];
        if one.len() > 7 && one.contains('x') {
            found.insert(one.to_owned());
        }
    }
    found
}

impl Plan<'_> {
    /// The id of a generated row, in SQL.
    fn id(&self, table: &str) -> String {
        format!("md5('{}/{table}/' || i)::uuid", self.tenant.id)
    }

    fn department(&self) -> String {
        self.place(|place| place.department, self.loose)
    }
    fn company(&self) -> String {
        self.place(|place| place.company, self.loose)
    }

    fn place(&self, of: impl Fn(&Place) -> Uuid, apart: bool) -> String {
        let ids: Vec<String> = self.places.iter().map(|place| format!("'{}'::uuid", of(place))).collect();
        let step = if apart { ids.len() } else { 1 };
        format!("(ARRAY[{}])[1 + (i - 1) / {step} % {}]", ids.join(", "), ids.len())
    }

    /// The referred row: somebody of the organisation, else the row of the same number.
    fn reference(&self, resource: &str) -> Option<String> {
        Some(match resource {
            "identity.user" => self.place(|place| place.owner, false),
            "identity.department" => self.department(),
            "identity.company" => self.company(),
            other => self.id(&self.catalogue.resources.get(other)?.table),
        })
    }

    fn value(&self, resource: &Resource, column: &Column, mark: &str) -> Option<String> {
        let name = column.name.as_str();
        if column.generated {
            return None;
        }
        if let Some((.., value)) = SPECIAL.iter().find(|(table, special, _)| *table == resource.table && *special == name) {
            return Some(value.replace("{mark}", mark));
        }
        let scoped = |named: &Option<steward_kernel::catalogue::Name>| named.as_deref() == Some(name);
        let field: Option<&Field> = resource.fields.iter().find(|field| field.column == name && !field.custom);
        match name {
            "tenant_id" => return Some(format!("'{}'::uuid", self.tenant.id)),
            "id" => return Some(self.id(&resource.table)),
            "created_at" => return Some("now() - make_interval(secs => i)".into()),
            _ if scoped(&resource.scope.owner) => return Some(self.place(|place| place.owner, false)),
            _ if scoped(&resource.scope.department) => return Some(self.department()),
            _ if scoped(&resource.scope.company) => return Some(self.company()),
            _ => {}
        }
        if let Some(field) = field
            && let Kind::Reference(target) = &field.kind
        {
            return if *target == resource.name { None } else { self.reference(target) };
        }
        let shown = field.is_some_and(|field| field.name == resource.title || field.sortable);
        if !shown && (!column.not_null || column.has_default) {
            return None;
        }
        if let Some(Field { kind: Kind::Choice(choices), .. }) = field {
            return choices.first().map(|choice| format!("'{choice}'"));
        }
        Some(match (column.kind.as_str(), name) {
            ("text", "currency") => "'EUR'".into(),
            ("text", "unit") => "'pcs'".into(),
            ("text", _) => mark.to_owned(),
            ("uuid", _) => self.id(name),
            ("bigint" | "integer" | "smallint", _) => "i".into(),
            ("numeric", _) => "1".into(),
            ("boolean", _) => "false".into(),
            ("date", _) => "date '2020-01-01' + i % 3000".into(),
            ("timestamp with time zone", _) => "timestamptz '2020-01-01' + make_interval(hours => i)".into(),
            ("jsonb", _) => "'{}'::jsonb".into(),
            ("text[]", _) => "'{}'::text[]".into(),
            (other, name) => panic!("no value for {}.{name} of type {other}", resource.table),
        })
    }

    /// Makes the rows of a resource's table, with every trigger that fires.
    pub(crate) async fn fill(&self, db: &mut PgConnection, resource: &Resource) {
        let columns = columns(db, &resource.table).await;
        assert!(!columns.is_empty(), "{} has no table {}", resource.name, resource.table);
        let mark = format!("'wall{}{:02}x' || i", self.letter, position(self.catalogue, &resource.name));
        let (mut names, mut values) = (String::new(), String::new());
        for column in &columns {
            if let Some(value) = self.value(resource, column, &format!("({mark})")) {
                let comma = if names.is_empty() { "" } else { ", " };
                write!(names, "{comma}{}", column.name).unwrap();
                write!(values, "{comma}{value}").unwrap();
            }
        }
        let sql = format!("INSERT INTO {} ({names}) SELECT {values} FROM generate_series(1, {}) AS g(i)", resource.table, self.rows);
        sqlx::query(AssertSqlSafe(sql.clone())).execute(db).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

/// The resources so that what is referred to stands before what refers to it.
pub(crate) fn in_order(catalogue: &Catalogue) -> Vec<&Resource> {
    let mut done: Vec<&Resource> = Vec::new();
    let mut left: Vec<&Resource> = catalogue.resources.values().map(AsRef::as_ref).collect();
    while !left.is_empty() {
        let free = |resource: &&Resource| {
            resource.fields.iter().all(|field| match &field.kind {
                Kind::Reference(target) => {
                    *target == resource.name || done.iter().any(|known| known.name == *target) || !left.iter().any(|open| open.name == *target)
                }
                _ => true,
            })
        };
        let at = left.iter().position(free).unwrap_or(0);
        done.push(left.remove(at));
    }
    done
}
