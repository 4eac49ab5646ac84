//! What the modules declared, put together and checked once at start.

use crate::catalogue::{Aggregate, Catalogue, CommandSpec, Field, Kind, Resource, last_of, module_of};
use crate::command::{ErasedCommand, ErasedQuery};
use crate::error::{Error, Result};
use crate::events::ErasedSubscription;
use crate::labels::Labels;
use crate::module::{Module, RoleSeed};
use crate::query;
use crate::report::ErasedReport;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Everything that has a name.
pub struct Registry {
    /// The catalogue without any tenant's own fields.
    pub catalogue: Arc<Catalogue>,
    commands: HashMap<String, Arc<dyn ErasedCommand>>,
    queries: HashMap<String, Arc<dyn ErasedQuery>>,
    reports: HashMap<String, Arc<dyn ErasedReport>>,
    subscriptions: Vec<Arc<dyn ErasedSubscription>>,
    pub roles: Vec<RoleSeed>,
    /// SQL of the modules, for the placements' migrations.
    pub migrations: Vec<&'static sqlx::migrate::Migrator>,
    /// Stands in a unit of work while no command runs.
    pub(crate) idle: Arc<CommandSpec>,
}

impl Registry {
    pub fn command(&self, name: &str) -> Result<Arc<dyn ErasedCommand>> {
        self.commands.get(name).cloned().ok_or_else(|| Error::unknown("command", name))
    }
    pub fn query(&self, name: &str) -> Result<Arc<dyn ErasedQuery>> {
        self.queries.get(name).cloned().ok_or_else(|| Error::unknown("query", name))
    }
    pub fn report(&self, name: &str) -> Result<Arc<dyn ErasedReport>> {
        self.reports.get(name).cloned().ok_or_else(|| Error::unknown("report", name))
    }
    pub fn commands(&self) -> impl Iterator<Item = &Arc<dyn ErasedCommand>> {
        self.commands.values()
    }
    pub fn subscriptions(&self) -> &[Arc<dyn ErasedSubscription>] {
        &self.subscriptions
    }
}

/// A declaration that contradicts another; the process does not start with it.
fn refuse(what: impl Into<String>) -> Error {
    Error::internal(format!("the catalogue is not consistent: {}", what.into()))
}

pub(super) fn assemble(modules: Vec<Module>) -> Result<(Registry, Labels)> {
    let mut catalogue = Catalogue::default();
    let mut registry = Registry {
        catalogue: Arc::default(),
        commands: HashMap::new(),
        queries: HashMap::new(),
        reports: HashMap::new(),
        subscriptions: Vec::new(),
        roles: Vec::new(),
        migrations: Vec::new(),
        idle: Arc::new(CommandSpec::new("kernel.idle").internal()),
    };
    let mut labels: Vec<(&'static str, &'static str)> = Vec::new();
    for module in modules {
        let own = |name: &str| if module_of(name) == module.name { Ok(()) } else { Err(refuse(format!("{name} is declared by the module {}", module.name))) };
        if catalogue.modules.iter().any(|name| name == module.name) {
            return Err(refuse(format!("the module {} is registered twice", module.name)));
        }
        catalogue.modules.push(module.name.to_owned());
        for resource in module.resources {
            own(&resource.name)?;
            once(&mut catalogue.resources, resource.name.to_string(), Arc::new(resource))?;
        }
        for command in module.commands {
            let spec = command.spec().clone();
            own(&spec.name)?;
            let name = spec.name.to_string();
            once(&mut catalogue.commands, name.clone(), Arc::new(spec))?;
            registry.commands.insert(name, command);
        }
        for report in module.reports {
            let spec = report.spec().clone();
            own(&spec.name)?;
            let name = spec.name.to_string();
            once(&mut catalogue.reports, name.clone(), Arc::new(spec))?;
            registry.reports.insert(name, report);
        }
        for query in module.queries {
            own(query.name())?;
            if registry.queries.insert(query.name().to_owned(), Arc::clone(&query)).is_some() {
                return Err(refuse(format!("{} is declared twice", query.name())));
            }
        }
        for subscription in &module.subscriptions {
            own(subscription.name())?;
        }
        registry.subscriptions.extend(module.subscriptions);
        registry.roles.extend(module.roles);
        registry.migrations.extend(module.migrations);
        labels.extend(module.labels);
    }
    check(&catalogue, &registry)?;
    registry.catalogue = Arc::new(catalogue);
    Ok((registry, Labels::new(&labels)?))
}

fn once<T>(into: &mut BTreeMap<String, T>, name: String, value: T) -> Result<()> {
    match into.insert(name.clone(), value) {
        None => Ok(()),
        Some(_) => Err(refuse(format!("{name} is declared twice"))),
    }
}

/// Everything that is named must exist, and doors must be able to tell routes apart.
fn check(catalogue: &Catalogue, registry: &Registry) -> Result<()> {
    let mut paths = BTreeSet::new();
    for resource in catalogue.resources.values() {
        if !paths.insert(resource.path()) {
            return Err(refuse(format!("two resources have the path {}", resource.path())));
        }
        check_resource(catalogue, resource)?;
    }
    for spec in catalogue.commands.values() {
        // An internal command may be about a document of another module.
        if !spec.internal && !catalogue.resources.contains_key(spec.resource.as_ref()) {
            return Err(refuse(format!("{} is about {}, which does not exist", spec.name, spec.resource)));
        }
        check_fields(catalogue, &spec.name, &spec.inputs)?;
        for name in &spec.calls {
            if !registry.commands.contains_key(name.as_ref()) {
                return Err(refuse(format!("{} calls {name}, which does not exist", spec.name)));
            }
        }
        for name in &spec.asks {
            if !registry.queries.contains_key(name.as_ref()) {
                return Err(refuse(format!("{} asks {name}, which does not exist", spec.name)));
            }
        }
        if let Some(company) = &spec.company
            && !spec.inputs.iter().any(|field| field.name == *company && matches!(field.kind, Kind::Reference(_)))
        {
            return Err(refuse(format!("{} works for the company in {company}, which is no reference among its inputs", spec.name)));
        }
        if let Some(undo) = &spec.undo
            && !catalogue.commands.contains_key(undo.as_ref())
        {
            return Err(refuse(format!("{} is undone by {undo}, which does not exist", spec.name)));
        }
        if matches!(last_of(&spec.name), "aggregate" | "export" | "import" | "history" | "batch" | "undo") {
            return Err(refuse(format!("{} has the name of a route", spec.name)));
        }
    }
    for report in catalogue.reports.values() {
        check_fields(catalogue, &report.name, &report.parameters)?;
    }
    Ok(())
}

fn check_resource(catalogue: &Catalogue, resource: &Resource) -> Result<()> {
    check_fields(catalogue, &resource.name, &resource.fields)?;
    if resource.find_field(&resource.title).is_none() {
        return Err(refuse(format!("{} has no field {}, its title", resource.name, resource.title)));
    }
    if resource.find_field(query::TRUNCATED).is_some() {
        return Err(refuse(format!("{} declares {}, which tells what is missing of a record", resource.name, query::TRUNCATED)));
    }
    for command in [&resource.create, &resource.update, &resource.archive].into_iter().flatten() {
        if !catalogue.commands.contains_key(command.as_ref()) {
            return Err(refuse(format!("{} names {command}, which does not exist", resource.name)));
        }
    }
    if let Some(parent) = &resource.parent
        && !catalogue.resources.contains_key(parent.resource.as_ref())
    {
        return Err(refuse(format!("{} belongs to {}, which does not exist", resource.name, parent.resource)));
    }
    let sort = resource.sort.trim_start_matches('-');
    if !resource.find_field(sort).is_some_and(|field| field.sortable) {
        return Err(refuse(format!("{} is sorted by {sort}, which is not sortable", resource.name)));
    }
    for measure in &resource.measures {
        let number = matches!(measure.aggregate, Aggregate::Count);
        for path in measure.only.iter().map(|(path, _)| path).chain(measure.date.iter()) {
            if resource.find_field(path.split('.').next().unwrap_or_default()).is_none() {
                return Err(refuse(format!("the measure {} of {} names {path}, which does not exist", measure.name, resource.name)));
            }
        }
        if number && measure.name.is_empty() {
            return Err(refuse(format!("a measure of {} has no name", resource.name)));
        }
    }
    for name in ["title", "aggregate", "export", "import", "reports"] {
        if resource.plural == name {
            return Err(refuse(format!("{} has the path of a route", resource.name)));
        }
    }
    Ok(())
}

fn check_fields(catalogue: &Catalogue, owner: &str, fields: &[Field]) -> Result<()> {
    let mut names = BTreeSet::new();
    for field in fields {
        if !names.insert(field.name.as_ref()) {
            return Err(refuse(format!("{owner} has the field {} twice", field.name)));
        }
        if matches!(field.name.as_ref(), "id" | "version" | "tenant_id") {
            return Err(refuse(format!("{owner} declares {}, which every record has", field.name)));
        }
        match &field.kind {
            Kind::Reference(resource) if !catalogue.resources.contains_key(resource.as_ref()) => {
                return Err(refuse(format!("{owner} refers to {resource}, which does not exist")));
            }
            Kind::Lines(fields) => check_fields(catalogue, owner, fields)?,
            _ => {}
        }
    }
    Ok(())
}
