//! What a module is: a value that holds its declarations. A new built-in module is one crate with
//! `pub fn module() -> Module` and one line in the gateway's composition root.

use crate::catalogue::{CommandSpec, Resource};
use crate::command::{Command, ErasedCommand, ErasedQuery, Query, Typed, TypedQuery};
use crate::events::{ErasedSubscription, Subscription, TypedSubscription};
use crate::principal::Scope;
use crate::report::{ErasedReport, Report, TypedReport};
use std::marker::PhantomData;
use std::sync::Arc;

/// A role that a tenant starts with. Later changes of the tenant's administrator are kept.
#[derive(Clone, Debug)]
pub struct RoleSeed {
    pub name: &'static str,
    /// Permissions with their widths.
    pub grants: Vec<(&'static str, Scope)>,
}

/// A module's declarations.
pub struct Module {
    pub name: &'static str,
    /// Modules whose commands, queries or resources it names.
    pub depends: Vec<&'static str>,
    pub resources: Vec<Resource>,
    pub commands: Vec<Arc<dyn ErasedCommand>>,
    pub queries: Vec<Arc<dyn ErasedQuery>>,
    pub reports: Vec<Arc<dyn ErasedReport>>,
    pub subscriptions: Vec<Arc<dyn ErasedSubscription>>,
    /// SQL of the module's own tables, run in each placement's schema.
    pub migrations: Option<&'static sqlx::migrate::Migrator>,
    /// Fluent texts by language: `("en", include_str!("../labels/en.ftl"))`.
    pub labels: Vec<(&'static str, &'static str)>,
    pub roles: Vec<RoleSeed>,
}

impl Module {
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            depends: Vec::new(),
            resources: Vec::new(),
            commands: Vec::new(),
            queries: Vec::new(),
            reports: Vec::new(),
            subscriptions: Vec::new(),
            migrations: None,
            labels: Vec::new(),
            roles: Vec::new(),
        }
    }
    #[must_use]
    pub fn depends(mut self, modules: &[&'static str]) -> Self {
        self.depends.extend_from_slice(modules);
        self
    }
    #[must_use]
    pub fn resource(mut self, resource: Resource) -> Self {
        self.resources.push(resource);
        self
    }
    #[must_use]
    pub fn command<C: Command>(mut self) -> Self {
        let spec: CommandSpec = C::spec();
        self.commands.push(Arc::new(Typed::<C> { spec, of: PhantomData }));
        self
    }
    #[must_use]
    pub fn query<Q: Query>(mut self) -> Self {
        self.queries.push(Arc::new(TypedQuery::<Q>(PhantomData)));
        self
    }
    #[must_use]
    pub fn report<R: Report>(mut self) -> Self {
        self.reports.push(Arc::new(TypedReport::<R> { spec: R::spec(), of: PhantomData }));
        self
    }
    #[must_use]
    pub fn subscribe<S: Subscription>(mut self) -> Self {
        self.subscriptions.push(Arc::new(TypedSubscription::<S>(PhantomData)));
        self
    }
    #[must_use]
    pub fn migrations(mut self, migrator: &'static sqlx::migrate::Migrator) -> Self {
        self.migrations = Some(migrator);
        self
    }
    #[must_use]
    pub fn labels(mut self, language: &'static str, messages: &'static str) -> Self {
        self.labels.push((language, messages));
        self
    }
    #[must_use]
    pub fn role(mut self, name: &'static str, grants: &[(&'static str, Scope)]) -> Self {
        self.roles.push(RoleSeed { name, grants: grants.to_vec() });
        self
    }
}
