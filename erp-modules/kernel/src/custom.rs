//! What a tenant adds to its catalogue, read from its placement: fields of its own, and classes of commands that it has
//! tightened.
//!
//! Start at [`load`]. Values stand in the column `custom` (jsonb) of the resource's table; commands that are
//! `customizable` take them as the input `custom`, an object that the bus checks against [`custom_fields`]. They can be
//! filtered within a bound, not sorted. [`check`] is what the command that adds a field asks first.

#[cfg(test)]
mod tests;

use crate::catalogue::{Catalogue, Field, Kind, Name, Resource, Risk};
use crate::error::{During, Error, Result};
use sqlx::PgConnection;
use sqlx::types::Json;
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;

/// The kinds that a custom field can have.
pub const KINDS: [&str; 7] = ["text", "long_text", "boolean", "integer", "decimal", "date", "choice"];

/// Names that mean something else wherever fields are named.
const RESERVED: [&str; 9] = ["id", "version", "tenant_id", "custom", "archived", "created_at", "updated_at", "count", crate::query::TRUNCATED];

/// A row of `kernel_custom_field`.
#[derive(Clone, Debug, sqlx::FromRow)]
struct Row {
    resource: String,
    name: String,
    kind: String,
    choices: Vec<String>,
    required: bool,
    label: String,
    label_de: Option<String>,
}

/// The base catalogue with the tenant's fields and classes. The fields are read through a function of the owner's, since whoever reads need not
/// hold the permission to see the list of custom fields itself.
pub(crate) async fn load(db: &mut PgConnection, tenant: Uuid, base: &Catalogue, version: i64) -> Result<Catalogue> {
    let rows: Vec<Row> = sqlx::query_as("SELECT resource, name, kind, choices, required, label, label_de FROM kernel_custom_fields() WHERE tenant_id = $1")
        .bind(tenant)
        .fetch_all(&mut *db)
        .await
        .during("read the custom fields")?;
    let risks: Option<Json<BTreeMap<String, Risk>>> = sqlx::query_scalar("SELECT risks FROM kernel_placement WHERE tenant_id = $1")
        .bind(tenant)
        .fetch_optional(db)
        .await
        .during("read the classes of the commands")?;
    let mut catalogue = merge(base, rows, tenant, version);
    tighten(&mut catalogue, risks.map(|risks| risks.0).unwrap_or_default());
    Ok(catalogue)
}

/// A class is tightened, never loosened: what a later release holds to be more dangerous still is so.
fn tighten(catalogue: &mut Catalogue, risks: BTreeMap<String, Risk>) {
    for (command, risk) in risks {
        if let Some(spec) = catalogue.commands.get_mut(&command).filter(|spec| spec.risk < risk) {
            Arc::make_mut(spec).risk = risk;
        }
    }
}

fn merge(base: &Catalogue, rows: Vec<Row>, tenant: Uuid, version: i64) -> Catalogue {
    let mut catalogue = Catalogue { version, ..base.clone() };
    for row in rows {
        let Some(resource) = catalogue.resources.get_mut(&row.resource) else { continue };
        // What was valid when the tenant added it may collide with a field that a later release brought. The built-in
        // field wins: a tenant that cannot be opened at all would be worse, and the value stays stored.
        if let Err(error) = check_against(resource, &row.name, &row.kind, &row.choices) {
            tracing::error!(tenant.id = %tenant, resource = %row.resource, field = %row.name, %error, "a custom field is left out of the catalogue");
            continue;
        }
        if let Some(field) = field(row) {
            Arc::make_mut(resource).fields.push(field);
        }
    }
    catalogue
}

fn field(row: Row) -> Option<Field> {
    let name: Name = row.name.into();
    let mut field = match row.kind.as_str() {
        "text" => Field::text(name),
        "long_text" => Field::long_text(name),
        "boolean" => Field::boolean(name),
        "integer" => Field::integer(name),
        "decimal" => Field::decimal(name),
        "date" => Field::date(name),
        "choice" => Field { kind: Kind::Choice(row.choices.into_iter().map(Name::from).collect()), ..Field::text(name) },
        _ => return None,
    };
    field.custom = true;
    field.required = row.required;
    field.writable = true;
    // What somebody wrote into a field of his own he expects to find again.
    field.searchable = matches!(field.kind, Kind::Text { .. });
    let german = row.label_de.unwrap_or_else(|| row.label.clone());
    field.label = Some([("en".to_owned(), row.label), ("de".to_owned(), german)].into());
    Some(field)
}

/// The tenant's own fields of a resource: the schema of the input `custom`.
pub fn custom_fields(resource: &Resource) -> Vec<Field> {
    resource.fields.iter().filter(|field| field.custom).cloned().collect()
}

/// Whether a tenant may add this field: the resource takes custom fields, the name is free and well formed, the kind is
/// known, and a choice has choices. `catalogue` is the tenant's, so that its own fields count too.
pub fn check(catalogue: &Catalogue, resource: &str, name: &str, kind: &str, choices: &[String]) -> Result<()> {
    let resource = catalogue.resources.get(resource).ok_or_else(|| Error::field("resource", "there is no such resource"))?;
    check_against(resource, name, kind, choices)
}

fn check_against(resource: &Resource, name: &str, kind: &str, choices: &[String]) -> Result<()> {
    if !resource.customizable {
        return Err(Error::field("resource", "this resource takes no fields of your own"));
    }
    let well_formed = name.len() <= 40
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if !well_formed {
        return Err(Error::field("name", "a name is a letter and then letters, digits and underscores, all lower case, 40 at most"));
    }
    let taken = RESERVED.contains(&name)
        || resource.fields.iter().any(|field| field.name == name || (!field.custom && field.column == name))
        || resource.filters.iter().any(|filter| filter.name == name)
        || resource.measures.iter().any(|measure| measure.name == name);
    if taken {
        return Err(Error::field("name", format!("{} has something called {name:?} already", resource.name)));
    }
    if !KINDS.contains(&kind) {
        return Err(Error::field("kind", format!("a kind is one of {}", KINDS.join(", "))));
    }
    let plain = |choice: &String| !choice.trim().is_empty() && choice.chars().count() <= 100;
    match kind {
        "choice" if choices.is_empty() || !choices.iter().all(plain) => Err(Error::field("choices", "name at least one choice, each of 1 to 100 characters")),
        "choice" if (1..choices.len()).any(|at| choices[..at].contains(&choices[at])) => Err(Error::field("choices", "a choice stands twice")),
        "choice" => Ok(()),
        _ if !choices.is_empty() => Err(Error::field("choices", "only the kind choice has choices")),
        _ => Ok(()),
    }
}
