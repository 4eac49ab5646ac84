//! The wall: which rows of a table and which of its fields an asker may see.
//!
//! Row-level security says the same beneath. Here it is said as a plain predicate that an index serves, because a policy
//! that reads its width from a setting cannot choose an index by it.

use super::value::{Arg, Args, Shared};
use super::{Asker, select};
use crate::catalogue::{Catalogue, Field, Kind, Resource};
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
pub(crate) fn predicate(resource: &Resource, rights: &Rights, principal: &Principal, alias: &str, args: &mut Args) -> Option<String> {
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
    Some(match narrowed {
        Some(narrowed) => format!("{tenant} AND {narrowed}"),
        None => format!("{tenant} AND false"),
    })
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
    let Some(predicate) = predicate(resource, rights, principal, "t", &mut args) else { return Ok(HashSet::new()) };
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
    let Some(predicate) = predicate(resource, rights, principal, "t", &mut args) else { return Ok(HashMap::new()) };
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
