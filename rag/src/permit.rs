//! The asker's grants as a filter. An engine cannot be asked without a [`Permit`], and a permit cannot be made without
//! a tenant and the rights that a unit of work read from the database.

use steward_kernel::catalogue::{Catalogue, Kind, module_of};
use steward_kernel::principal::{Principal, Rights, Scope};
use uuid::Uuid;

/// Owners up to this many are listed in the filter. A larger team is filtered by the tenant alone, and the rows that are
/// not the team's fall out when they are read again.
pub const OWNERS_MAX: usize = 1_000;

/// What an asker may find. Made from rights, never by hand; the tenant is always part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permit {
    tenant: Uuid,
    clauses: Vec<Clause>,
}

/// Passages of one resource that may be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    pub resource: String,
    /// Of these families; the empty one, of fields without a permission of their own, is always among them.
    pub families: Vec<String>,
    pub width: Width,
}

/// Which rows, by their attributes. A row that lacks the attribute is not found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Width {
    Tenant,
    Companies(Vec<Uuid>),
    Departments(Vec<Uuid>),
    Owners(Vec<Uuid>),
}

impl Permit {
    /// Everything of `catalogue` that the asker may read, or only the named resources of it. `rights` must come from a unit
    /// of work of `principal`.
    pub fn of(catalogue: &Catalogue, rights: &Rights, principal: &Principal, only: Option<&[String]>) -> Self {
        let mut clauses = Vec::new();
        for resource in catalogue.resources.values() {
            if only.is_some_and(|names| !names.iter().any(|name| *name == resource.name)) || !rights.entitled(module_of(&resource.name), None) {
                continue;
            }
            let scope = if principal.is_system() { Some(Scope::Tenant) } else { rights.scope(&resource.permission) };
            let Some(scope) = scope else { continue };
            let columns = &resource.scope;
            let width = match scope {
                Scope::Tenant => Width::Tenant,
                // Rows without a place are for everybody, and no attribute says which those are: reading again decides.
                _ if columns.open => Width::Tenant,
                Scope::Company if columns.company.is_some() => Width::Companies(rights.companies.clone()),
                Scope::Department if columns.department.is_some() => Width::Departments(rights.departments.clone()),
                Scope::Team if columns.owner.is_some() && rights.team.len() > OWNERS_MAX => Width::Tenant,
                Scope::Team if columns.owner.is_some() => Width::Owners(rights.team.clone()),
                Scope::Own if columns.owner.is_some() => Width::Owners(vec![principal.user]),
                // A width without its column shows nothing.
                Scope::Company | Scope::Department | Scope::Team | Scope::Own => continue,
            };
            let mut families = vec![String::new()];
            for field in resource.fields.iter().filter(|field| field.searchable && !matches!(field.kind, Kind::Lines(_))) {
                let Some(permission) = field.permission.as_deref() else { continue };
                if (principal.is_system() || rights.may(permission)) && !families.iter().any(|family| family == permission) {
                    families.push(permission.to_owned());
                }
            }
            clauses.push(Clause { resource: resource.name.to_string(), families, width });
        }
        Self { tenant: principal.tenant, clauses }
    }

    pub fn tenant(&self) -> Uuid {
        self.tenant
    }
    /// Without a clause nothing may be found.
    pub fn clauses(&self) -> &[Clause] {
        &self.clauses
    }
}
