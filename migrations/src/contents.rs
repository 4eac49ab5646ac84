//! What the modules bring to a database: their migrations, their permissions, the roles that a tenant starts with.

use sqlx::migrate::{Migration, Migrator};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use steward_identity::ADMINISTRATOR;
use steward_kernel::bus::Registry;
use steward_kernel::module::RoleSeed;
use steward_kernel::principal::Scope;
use steward_kernel::{Catalogue, Module};

pub(crate) static FIXED: Migrator = sqlx::migrate!("./fixed");
static KERNEL: Migrator = sqlx::migrate!("./kernel");

/// Read from the modules before the kernel takes them.
#[derive(Clone, Debug)]
pub struct Contents {
    pub(crate) migrators: Vec<&'static Migrator>,
    pub(crate) permissions: BTreeSet<String>,
    /// Grants by role. Modules that name the same role add to it.
    pub(crate) roles: BTreeMap<String, BTreeMap<String, Scope>>,
}

impl Contents {
    pub fn of(modules: &[Module]) -> Self {
        let mut catalogue = Catalogue::default();
        for module in modules {
            catalogue.resources.extend(module.resources.iter().map(|resource| (resource.name.to_string(), Arc::new(resource.clone()))));
            catalogue.commands.extend(module.commands.iter().map(|command| (command.spec().name.to_string(), Arc::new(command.spec().clone()))));
            catalogue.reports.extend(module.reports.iter().map(|report| (report.spec().name.to_string(), Arc::new(report.spec().clone()))));
        }
        Self::new(modules.iter().filter_map(|module| module.migrations).collect(), &catalogue, modules.iter().flat_map(|module| &module.roles))
    }

    /// The same from a kernel that has been put together.
    pub fn of_registry(registry: &Registry) -> Self {
        Self::new(registry.migrations.clone(), &registry.catalogue, &registry.roles)
    }

    fn new<'a>(migrators: Vec<&'static Migrator>, catalogue: &Catalogue, seeds: impl IntoIterator<Item = &'a RoleSeed>) -> Self {
        let permissions = catalogue.permissions();
        let mut roles: BTreeMap<String, BTreeMap<String, Scope>> = BTreeMap::new();
        for seed in seeds.into_iter().filter(|seed| seed.name != ADMINISTRATOR) {
            let role = roles.entry(seed.name.to_owned()).or_default();
            // A role may name permissions of a module that is not installed.
            for (permission, scope) in seed.grants.iter().filter(|(permission, _)| permissions.contains(*permission)) {
                let held = role.entry((*permission).to_owned()).or_insert(*scope);
                *held = (*held).max(*scope);
            }
        }
        Self { migrators, permissions, roles }
    }

    /// The kernel's migrations and the modules', in the order of their timestamps.
    pub(crate) fn placement(&self) -> Migrator {
        merged(&self.migrators)
    }

    /// Names the state of a database that has all of them: the template of test databases.
    pub(crate) fn digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for migration in FIXED.iter().chain(self.placement().iter()) {
            hasher.update(&migration.version.to_be_bytes());
            hasher.update(&migration.checksum);
        }
        hasher.finalize().to_hex().chars().take(16).collect()
    }
}

pub(crate) fn merged(migrators: &[&'static Migrator]) -> Migrator {
    let all: Vec<Migration> = KERNEL.iter().chain(migrators.iter().flat_map(|migrator| migrator.iter())).cloned().collect();
    ours(Migrator::with_migrations(all))
}

/// An older server may look at a newer database, and locking is done by the caller once for the whole run.
pub(crate) fn ours(mut migrator: Migrator) -> Migrator {
    migrator.set_ignore_missing(true).set_locking(false);
    migrator
}
