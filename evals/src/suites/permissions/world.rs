//! Who may see what, by SQL: the rows of each table that a person's grants reach through the organisation's tree.
//!
//! Nothing here asks Steward: neither its catalogue nor the function that opens its units of work.

use crate::target::Truth;
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

const TABLES: &str = include_str!("../../../data/permissions/tables.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct World {
    #[serde(rename = "table")]
    pub(super) tables: Vec<Table>,
    #[serde(rename = "report")]
    pub(super) reports: Vec<Report>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    pub(super) resource: String,
    pub(super) path: String,
    pub(super) name: String,
    /// The column that names a row.
    #[serde(default)]
    pub(super) title: Option<String>,
    pub(super) permission: String,
    #[serde(default)]
    owner: Option<String>,
    #[serde(default)]
    department: Option<String>,
    #[serde(default)]
    company: Option<String>,
    #[serde(default)]
    open: bool,
    #[serde(default)]
    hangs: bool,
    #[serde(default)]
    archived: bool,
    #[serde(default)]
    pub(super) masked: Vec<Masked>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Masked {
    pub(super) field: String,
    pub(super) permission: String,
    #[serde(default)]
    pub(super) measures: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Report {
    pub(super) path: String,
    pub(super) permission: String,
}

/// Permissions with the widest width over the person's roles.
pub(super) type Grants = BTreeMap<String, String>;

/// What a person may see of a table.
#[derive(Clone, Debug, Default)]
pub(super) struct Visible {
    pub(super) ids: BTreeSet<String>,
    /// Of them, those that are not archived.
    pub(super) active: usize,
}

impl World {
    pub(super) fn read() -> Result<Self> {
        toml::from_str(TABLES).context("the tables of the permissions cannot be read")
    }

    pub(super) fn table(&self, resource: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.resource == resource)
    }

    pub(super) async fn grants(&self, truth: &Truth<'_>, email: &str) -> Result<Grants> {
        let sql = format!(
            "SELECT g.permission, (ARRAY['own', 'team', 'department', 'company', 'tenant'])[max(array_position(ARRAY['own', 'team', 'department', 'company', 'tenant'], g.scope))]
             FROM identity_user u JOIN identity_user_role r ON r.tenant_id = u.tenant_id AND r.user_id = u.id JOIN identity_role_grant g ON g.tenant_id = u.tenant_id AND g.role_id = r.role_id
             WHERE u.tenant_id = $1 AND u.email = {} GROUP BY 1",
            quoted(email)
        );
        let rows = truth.rows(&sql).await?;
        ensure!(!rows.is_empty(), "{email} has no grants");
        Ok(rows.into_iter().filter_map(|row| <[String; 2]>::try_from(row).ok()).map(|[permission, scope]| (permission, scope)).collect())
    }

    pub(super) async fn visible(&self, truth: &Truth<'_>, table: &Table, email: &str, grants: &Grants) -> Result<Visible> {
        let Some(predicate) = self.predicate(table, "t", email, grants) else { return Ok(Visible::default()) };
        let active = if table.archived { "t.archived_at IS NULL" } else { "true" };
        let rows = truth.rows(&format!("SELECT t.id, {active} FROM {} t WHERE t.tenant_id = $1 AND ({predicate}) ORDER BY t.id", table.name)).await?;
        let active = rows.iter().filter(|row| row.get(1).is_some_and(|active| active == "true")).count();
        Ok(Visible { ids: rows.into_iter().filter_map(|row| row.into_iter().next()).collect(), active })
    }

    /// All rows of a table, with their titles where it has any.
    pub(super) async fn rows(&self, truth: &Truth<'_>, table: &Table) -> Result<Vec<(String, String)>> {
        let title = table.title.as_deref().unwrap_or("''");
        let rows = truth.rows(&format!("SELECT t.id, {title}::text FROM {} t WHERE t.tenant_id = $1 ORDER BY t.id", table.name)).await?;
        Ok(rows.into_iter().filter_map(|row| <[String; 2]>::try_from(row).ok()).map(|[id, title]| (id, title)).collect())
    }

    /// `None`: not a row.
    fn predicate(&self, table: &Table, alias: &str, email: &str, grants: &Grants) -> Option<String> {
        let width = width(table, alias, email, grants.get(&table.permission)?);
        if !table.hangs {
            return Some(width);
        }
        let inner = format!("{alias}s");
        let arms = self.tables.iter().filter(|other| !other.hangs).filter_map(|other| {
            let readable = self.predicate(other, &inner, email, grants)?;
            let (resource, name) = (quoted(&other.resource), &other.name);
            Some(format!(
                " WHEN {resource} THEN EXISTS (SELECT FROM {name} {inner} WHERE {inner}.tenant_id = $1 AND {inner}.id = {alias}.subject_id AND ({readable}))"
            ))
        });
        let arms: String = arms.collect();
        Some(format!("({width}) AND ({alias}.subject_id IS NULL OR CASE {alias}.subject_resource{arms} ELSE false END)"))
    }
}

fn width(table: &Table, alias: &str, email: &str, scope: &str) -> String {
    let me = |column: &str| format!("(SELECT u.{column} FROM identity_user u WHERE u.tenant_id = $1 AND u.email = {})", quoted(email));
    let reached = match scope {
        "tenant" => return "true".to_owned(),
        "own" => table.owner.as_ref().map(|owner| format!("{alias}.{owner} = {}", me("id"))),
        "team" => table.owner.as_ref().map(|owner| {
            let below = format!(
                "WITH RECURSIVE below(id) AS (SELECT {} UNION SELECT u.id FROM identity_user u JOIN below b ON u.manager_id = b.id WHERE u.tenant_id = $1) SELECT id FROM below",
                me("id")
            );
            format!("{alias}.{owner} IN ({below})")
        }),
        "department" => table.department.as_ref().map(|department| {
            let below = format!(
                "WITH RECURSIVE below(id) AS (SELECT {} UNION SELECT d.id FROM identity_department d JOIN below b ON d.parent_id = b.id WHERE d.tenant_id = $1) SELECT id FROM below",
                me("department_id")
            );
            format!("{alias}.{department} IN ({below})")
        }),
        "company" => table.company.as_ref().map(|company| {
            let further = format!("SELECT c.company_id FROM identity_user_company c WHERE c.tenant_id = $1 AND c.user_id = {}", me("id"));
            format!("({alias}.{company} = {} OR {alias}.{company} IN ({further}))", me("company_id"))
        }),
        _ => None,
    };
    let reached = reached.unwrap_or_else(|| "false".to_owned());
    if !table.open {
        return reached;
    }
    let nobodys: Vec<String> =
        [&table.owner, &table.department, &table.company].into_iter().flatten().map(|column| format!("{alias}.{column} IS NULL")).collect();
    let mine = table.owner.as_ref().map(|owner| format!(" OR {alias}.{owner} = {}", me("id"))).unwrap_or_default();
    format!("{reached}{mine} OR ({})", nobodys.join(" AND "))
}

pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(of: &[(&str, &str)]) -> Grants {
        of.iter().map(|(permission, scope)| ((*permission).to_owned(), (*scope).to_owned())).collect()
    }

    #[test]
    fn the_tables_can_be_read_and_name_each_resource_once() {
        let world = World::read().unwrap();
        let names: BTreeSet<&str> = world.tables.iter().map(|table| table.resource.as_str()).collect();
        assert_eq!(names.len(), world.tables.len());
    }

    #[test]
    fn without_the_permission_no_row_is_seen_and_a_width_without_its_column_reaches_none() {
        let world = World::read().unwrap();
        let orders = world.table("sales.order").unwrap();
        assert_eq!(world.predicate(orders, "t", "a@b.example", &grants(&[])), None);
        let summary = world.table("sales.customer_summary").unwrap();
        assert_eq!(world.predicate(summary, "t", "a@b.example", &grants(&[("sales:order:read", "own")])).unwrap(), "false");
        assert_eq!(world.predicate(orders, "t", "a@b.example", &grants(&[("sales:order:read", "tenant")])).unwrap(), "true");
        assert!(world.predicate(orders, "t", "o'hara@b.example", &grants(&[("sales:order:read", "own")])).unwrap().contains("'o''hara@b.example'"));
    }

    #[test]
    fn what_hangs_on_a_record_is_seen_only_with_it() {
        let world = World::read().unwrap();
        let documents = world.table("documents.document").unwrap();
        let predicate = world.predicate(documents, "t", "a@b.example", &grants(&[("documents:document:read", "tenant"), ("crm:party:read", "own")])).unwrap();
        assert!(predicate.contains("WHEN 'crm.party' THEN EXISTS") && predicate.contains("ts.owner_id ="), "{predicate}");
        assert!(!predicate.contains("sales.order"), "what one may not read at all reads like absent: {predicate}");
    }
}
