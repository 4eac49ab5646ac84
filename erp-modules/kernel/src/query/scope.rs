//! The wall: which rows of a table and which of its fields an asker may see.
//!
//! Row-level security says the same beneath. Here it is said as a plain predicate that an index serves, because a policy
//! that reads its width from a setting cannot choose an index by it.

use super::value::{Arg, Args, Shared};
use super::{Asker, select};
use crate::catalogue::{Catalogue, Field, Kind, Resource, Subject};
use crate::error::{During, Result};
use crate::principal::{Principal, Rights, Scope};
use sqlx::{PgConnection, Row};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// `alias.column`. Names come from the catalogue; one that is not plain is quoted all the same.
pub(crate) fn column(alias: &str, column: &str) -> String {
    if is_plain(column) { format!("{alias}.{column}") } else { format!("{alias}.\"{}\"", column.replace('"', "\"\"")) }
}

pub(crate) fn table(name: &str) -> String {
    if is_plain(name) { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// A name that needs no quotes.
pub(crate) fn is_plain(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_') && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// The rows of `resource` that the asker may read, as a predicate over `alias`; `None` without the right to any. A width
/// whose column the table lacks shows nothing. The system sees its tenant.
///
/// Every way to read a table passes through here, so what a row hangs on is part of it too.
pub(crate) fn predicate(asker: Asker<'_>, resource: &Resource, alias: &str, args: &mut Args) -> Option<String> {
    let own = width(asker, resource, alias, args)?;
    match &resource.subject {
        Some(subject) if !asker.principal.is_system() => Some(format!("{own} AND {}", hanging(asker, subject, alias, args))),
        _ => Some(own),
    }
}

/// The rows that lie within the asker's width.
fn width(asker: Asker<'_>, resource: &Resource, alias: &str, args: &mut Args) -> Option<String> {
    let Asker { rights, principal, .. } = asker;
    let scope = if principal.is_system() { Scope::Tenant } else { rights.scope(&resource.permission)? };
    let tenant = format!("{alias}.tenant_id = {}", args.shared(Shared::Tenant, || Arg::Uuid(principal.tenant)));
    let columns = &resource.scope;
    let narrowed = match scope {
        Scope::Tenant => return Some(tenant),
        Scope::Company => columns
            .company
            .as_deref()
            .map(|name| format!("{} = ANY({})", column(alias, name), args.shared(Shared::Companies, || Arg::Uuids(rights.companies.clone())))),
        Scope::Department => columns
            .department
            .as_deref()
            .map(|name| format!("{} = ANY({})", column(alias, name), args.shared(Shared::Departments, || Arg::Uuids(rights.departments.clone())))),
        Scope::Team => {
            columns.owner.as_deref().map(|name| format!("{} = ANY({})", column(alias, name), args.shared(Shared::Team, || Arg::Uuids(rights.team.clone()))))
        }
        Scope::Own => columns.owner.as_deref().map(|name| format!("{} = {}", column(alias, name), args.shared(Shared::User, || Arg::Uuid(principal.user)))),
    };
    let narrowed = narrowed.unwrap_or_else(|| "false".to_owned());
    if !columns.open {
        return Some(format!("{tenant} AND {narrowed}"));
    }
    // The widths of places do not hold what is one's own.
    let own = columns.owner.as_deref().filter(|_| matches!(scope, Scope::Company | Scope::Department));
    let own = own.map(|name| format!(" OR {} = {}", column(alias, name), args.shared(Shared::User, || Arg::Uuid(principal.user)))).unwrap_or_default();
    let unplaced: Vec<String> =
        [&columns.owner, &columns.department, &columns.company].into_iter().flatten().map(|name| format!("{} IS NULL", column(alias, name))).collect();
    Some(format!("{tenant} AND ({narrowed}{own} OR ({}))", unplaced.join(" AND ")))
}

/// A row that hangs on nothing, or on a record that the asker may read. What it hangs on is looked up in one table, that of
/// the resource it names; a resource that the asker may not read, or that nothing may hang on, hides the row.
fn hanging(asker: Asker<'_>, subject: &Subject, alias: &str, args: &mut Args) -> String {
    let (named, id) = (column(alias, &subject.resource), column(alias, &subject.id));
    let inner = format!("{alias}s");
    let mut arms = String::new();
    for resource in asker.catalogue.resources.values().filter(|resource| resource.takes_attachments()) {
        let Ok(resource) = asker.resource(&resource.name) else { continue };
        let Some(readable) = width(asker, resource, &inner, args) else { continue };
        let name = resource.name.replace('\'', "''");
        arms.push_str(&format!(" WHEN '{name}' THEN EXISTS (SELECT FROM {} {inner} WHERE {inner}.id = {id} AND {readable})", table(&resource.table)));
    }
    match arms.is_empty() {
        true => format!("{id} IS NULL"),
        false => format!("({id} IS NULL OR CASE {named}{arms} ELSE false END)"),
    }
}

/// Which of these records the asker may read. Without the right to any, or without the module, none: out of sight reads
/// like absent.
pub(crate) async fn visible_ids(
    db: &mut PgConnection,
    catalogue: &Catalogue,
    rights: &Rights,
    principal: &Principal,
    resource: &str,
    ids: &[Uuid],
) -> Result<HashSet<Uuid>> {
    let resource: &Resource = catalogue.resource(resource)?;
    let asker = Asker { catalogue, rights, principal };
    let mut args = Args::default();
    if ids.is_empty() || asker.resource(&resource.name).is_err() {
        return Ok(HashSet::new());
    }
    let Some(predicate) = predicate(asker, resource, "t", &mut args) else { return Ok(HashSet::new()) };
    let ids = args.push(Arg::Uuids(ids.to_vec()));
    let sql = format!("SELECT t.id FROM {} t WHERE {predicate} AND t.id = ANY({ids})", table(&resource.table));
    let rows = select::fetch(db, sql, &args, "look up the records").await?;
    rows.iter().map(|row| row.try_get(0)).collect::<sqlx::Result<_>>().during("read the records")
}

/// The titles of those of these records that the asker may read; none where the title itself cannot be seen.
pub(crate) async fn titles(
    db: &mut PgConnection,
    catalogue: &Catalogue,
    rights: &Rights,
    principal: &Principal,
    resource: &str,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, String>> {
    let asker = Asker { catalogue, rights, principal };
    let mut args = Args::default();
    let Some(resource) = asker.resource(resource).ok().filter(|_| !ids.is_empty()) else { return Ok(HashMap::new()) };
    let Some(title) = asker.title(resource) else { return Ok(HashMap::new()) };
    let Some(predicate) = predicate(asker, resource, "t", &mut args) else { return Ok(HashMap::new()) };
    let ids = args.push(Arg::Uuids(ids.to_vec()));
    let title = column("t", &title.column);
    let sql = format!("SELECT t.id, {title}::text FROM {} t WHERE {predicate} AND t.id = ANY({ids}) AND {title} IS NOT NULL", table(&resource.table));
    let rows = select::fetch(db, sql, &args, "look up the titles").await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<sqlx::Result<_>>().during("read the titles")
}

/// The stored fields of a resource that the asker may see.
pub(crate) fn permitted_fields<'a>(resource: &'a Resource, rights: &Rights, principal: &Principal) -> Vec<&'a Field> {
    let may = |permission: &str| principal.is_system() || rights.may(permission);
    let sees = |field: &&Field| !matches!(field.kind, Kind::Lines(_)) && field.permission.as_deref().is_none_or(may);
    resource.fields.iter().filter(sees).collect()
}
