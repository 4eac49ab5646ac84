//! Reading again what something was said about: one snapshot for each tenant, as the tenant's own system.

use crate::fault::{Fault, Result};
use crate::outbox::Told;
use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use steward_kernel::bus::Kernel;
use steward_kernel::catalogue::{Catalogue, Field, Resource};
use steward_kernel::error::Code;
use steward_kernel::query::{TextRow, has_texts, is_text};
use steward_kernel::{Door, Principal, Read};
use steward_rag::engine::{State, Write};
use steward_rag::passage::{Passage, Record};
use steward_rag::render;
use uuid::Uuid;

/// Changes with the rules by which records become passages: everything is then rendered anew.
const RENDERING: &str = "1";

/// Records as they are now.
#[derive(Default)]
pub(crate) struct Reading {
    pub(crate) writes: Vec<Write<Passage>>,
    /// Tenants that are not there, or not now.
    pub(crate) absent: Vec<Uuid>,
}

/// Opens a read as the system of a tenant; `None` where the tenant is not there, or is suspended.
pub(crate) async fn open(kernel: &Arc<Kernel>, tenant: Uuid) -> Result<Option<Read>> {
    let principal = Principal::system(tenant, Door::Job, "indexer");
    match kernel.read(&principal).await {
        Ok(read) => Ok(Some(read)),
        Err(error) if error.code == Code::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

pub(crate) async fn read(kernel: &Arc<Kernel>, told: &[Told]) -> Result<Reading> {
    let mut tenants: BTreeMap<Uuid, BTreeMap<&str, HashMap<Uuid, i64>>> = BTreeMap::new();
    for one in told {
        tenants.entry(one.tenant).or_default().entry(&one.resource).or_default().insert(one.id, one.version);
    }
    let mut reading = Reading::default();
    for (tenant, resources) in tenants {
        let Some(mut read) = open(kernel, tenant).await? else {
            reading.absent.push(tenant);
            continue;
        };
        let catalogue = Arc::clone(read.catalogue());
        for (name, versions) in resources {
            let Some(resource) = catalogue.resources.get(name).filter(|resource| has_texts(resource)) else { continue };
            let ids: Vec<Uuid> = versions.keys().copied().collect();
            let rows = read.texts(name, &ids).await?;
            reading.writes.extend(rendered(tenant, resource, &versions, rows)?);
        }
        read.finish().await?;
    }
    Ok(reading)
}

/// Each record that was asked for, in the order of their ids: live as it was read, or gone.
fn rendered(tenant: Uuid, resource: &Resource, versions: &HashMap<Uuid, i64>, rows: Vec<TextRow>) -> Result<Vec<Write<Passage>>> {
    let mut rows: HashMap<Uuid, TextRow> = rows.into_iter().map(|row| (row.id, row)).collect();
    let mut ids: Vec<(&Uuid, &i64)> = versions.iter().collect();
    ids.sort();
    let mut writes = Vec::with_capacity(ids.len());
    for (id, told) in ids {
        let record = Record { resource: resource.name.to_string(), id: *id };
        let (version, state) = match rows.remove(id) {
            None => (*told, State::Gone),
            Some(row) if row.archived => (row.version.max(*told), State::Gone),
            Some(row) => {
                let passages = catch_unwind(AssertUnwindSafe(|| render::render(resource, &row))).map_err(|_| Fault::Panicked)?;
                (row.version, State::Live { attributes: render::attributes(&row), passages })
            }
        };
        writes.push(Write { tenant, record, version, state });
    }
    Ok(writes)
}

/// Digest of what the passages of the modules' resources are made of, so that a release with another catalogue is noticed:
/// another field, another permission, another title.
pub(crate) fn shape_of_all(catalogue: &Catalogue) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(RENDERING.as_bytes());
    for resource in catalogue.resources.values().filter(|resource| has_texts(resource)) {
        hasher.update(&shape(resource, |_| true));
    }
    *hasher.finalize().as_bytes()
}

/// The same of what a tenant's own fields add to a resource.
pub(crate) fn shape_of_own(resource: &Resource) -> [u8; 32] {
    shape(resource, |field| field.custom)
}

fn shape(resource: &Resource, counts: impl Fn(&Field) -> bool) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    let mut part = |text: &str| {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    part(&resource.name);
    part(&resource.title);
    for field in resource.fields.iter().filter(|field| (is_text(field) || field.name == resource.title) && counts(field)) {
        part(&field.name);
        part(&field.column);
        part(field.kind.name());
        part(field.permission.as_deref().unwrap_or_default());
    }
    for column in [&resource.scope.owner, &resource.scope.department, &resource.scope.company] {
        part(column.as_deref().unwrap_or_default());
    }
    *hasher.finalize().as_bytes()
}
