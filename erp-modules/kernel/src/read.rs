//! The unit of work of a reader: one REPEATABLE READ READ ONLY transaction, so that rights and rows come from one snapshot.
//!
//! Lists, details, aggregates, reports and histories are its methods; all of them go through the query builder in
//! [`crate::query`], which puts each table behind the asker's width and leaves masked fields out.
//!
//! Deliberately absent: any way to write.

use crate::bus::Kernel;
use crate::calendar::Calendar;
use crate::catalogue::{Catalogue, Field, Kind, ReportSpec, Resource, module_of};
use crate::error::{Code, During, Error, FieldError, Result};
use crate::principal::{Principal, Rights, Scope};
use crate::query::{self, AggregateQuery, Asker, History, ListQuery, Page, TextRow};
use crate::report::Table;
use crate::{input, work};
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;
use sqlx::{PgConnection, Postgres, Transaction};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use uuid::Uuid;

pub struct Read {
    tx: Transaction<'static, Postgres>,
    kernel: Arc<Kernel>,
    principal: Principal,
    rights: Arc<Rights>,
    catalogue: Arc<Catalogue>,
    now: DateTime<Utc>,
}

impl Kernel {
    /// Opens a read. A tenant that was moved since its placement was looked up is looked up once more.
    pub async fn read(self: &Arc<Self>, principal: &Principal) -> Result<Read> {
        match self.open_read(principal).await {
            Err(error) if error.code == Code::Moved => self.open_read(principal).await,
            opened => opened,
        }
    }

    async fn open_read(self: &Arc<Self>, principal: &Principal) -> Result<Read> {
        let placement = self.placement(principal.tenant).await?;
        let now = self.clock.now();
        let (mut tx, rights) = work::open(self, principal, &placement, "read", "", now).await?;
        let catalogue = self.catalogue_at(rights.catalogue_version, principal.tenant, &mut tx).await?;
        Ok(Read { tx, kernel: Arc::clone(self), principal: principal.clone(), rights: Arc::new(rights), catalogue, now })
    }
}

impl Read {
    /// The connection, inside the transaction, under the reader's row-level security. For a module's own tables only.
    pub fn db(&mut self) -> &mut PgConnection {
        &mut self.tx
    }
    pub fn kernel(&self) -> &Arc<Kernel> {
        &self.kernel
    }
    pub fn tenant(&self) -> Uuid {
        self.principal.tenant
    }
    /// The reader; nil for the system.
    pub fn user(&self) -> Uuid {
        self.principal.user
    }
    pub fn principal(&self) -> &Principal {
        &self.principal
    }
    pub fn rights(&self) -> &Rights {
        &self.rights
    }
    /// The tenant's catalogue, custom fields included.
    pub fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
    }
    /// The same moment throughout the read.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }
    pub fn calendar(&self) -> Calendar {
        Calendar::of(&self.rights)
    }
    /// Today in the tenant's time zone.
    pub fn today(&self) -> NaiveDate {
        self.calendar().date_of(self.now)
    }
    /// Ends the transaction. A read that is dropped instead is rolled back when its connection is next used.
    pub async fn finish(self) -> Result<()> {
        self.tx.commit().await.during("end the read")
    }

    fn parts(&mut self) -> (&mut PgConnection, Asker<'_>) {
        (&mut self.tx, Asker { catalogue: &self.catalogue, rights: &self.rights, principal: &self.principal })
    }
    fn asker(&self) -> Asker<'_> {
        Asker { catalogue: &self.catalogue, rights: &self.rights, principal: &self.principal }
    }

    /// Whether the reader may read any record of a resource: the module is there and the permission is held.
    pub fn may_read(&self, resource: &str) -> bool {
        self.asker().resource(resource).is_ok()
    }
    /// The stored fields of a resource that the reader may see.
    pub fn fields_of<'a>(&'a self, resource: &'a Resource) -> Vec<&'a Field> {
        self.asker().fields(resource).collect()
    }
    /// The width of the reader's answers about a resource where it is narrower than the tenant, so that an answer can say
    /// over what it counts.
    pub fn scope_note(&self, resource: &str) -> Option<Scope> {
        let resource = self.catalogue.resources.get(resource)?;
        if self.principal.is_system() {
            return None;
        }
        self.rights.scope(&resource.permission).filter(|scope| *scope != Scope::Tenant)
    }

    /// Which of these records the reader may read.
    pub async fn visible(&mut self, resource: &str, ids: &[Uuid]) -> Result<HashSet<Uuid>> {
        query::scope::visible_ids(&mut self.tx, &self.catalogue, &self.rights, &self.principal, resource, ids).await
    }

    /// The titles of those of these records that the reader may read.
    pub async fn titles(&mut self, resource: &str, ids: &[Uuid]) -> Result<HashMap<Uuid, String>> {
        query::scope::titles(&mut self.tx, &self.catalogue, &self.rights, &self.principal, resource, ids).await
    }

    /// A page of a list.
    pub async fn list(&mut self, query: &ListQuery) -> Result<Page> {
        let key = self.kernel.cursor_key;
        let (db, asker) = self.parts();
        query::list(db, asker, &key, query).await
    }
    /// How the planner would read a page of a list, under the reader's rights: for whoever wonders why one is slow.
    pub async fn explain(&mut self, query: &ListQuery) -> Result<Value> {
        let key = self.kernel.cursor_key;
        let (db, asker) = self.parts();
        query::explain(db, asker, &key, query).await
    }
    /// One record with id, version, its permitted fields and the rows of its children.
    pub async fn detail(&mut self, resource: &str, id: Uuid, fields: Option<&[String]>) -> Result<Value> {
        let (db, asker) = self.parts();
        query::detail(db, asker, resource, id, fields).await
    }
    /// Measures by groups.
    pub async fn aggregate(&mut self, query: &AggregateQuery) -> Result<Vec<Value>> {
        let (db, asker) = self.parts();
        query::aggregate(db, asker, query).await
    }
    /// A page of the changes of a record and of the rows of its children, the newest first, from where a cursor leads.
    pub async fn history(&mut self, resource: &str, id: Uuid, limit: u32, cursor: Option<&str>) -> Result<History> {
        let key = self.kernel.cursor_key;
        let (db, asker) = self.parts();
        query::history(db, asker, &key, resource, id, limit, cursor).await
    }

    /// Title and searchable texts of those of these records that the reader may read.
    pub async fn texts(&mut self, resource: &str, ids: &[Uuid]) -> Result<Vec<TextRow>> {
        let (db, asker) = self.parts();
        query::texts(db, asker, resource, ids).await
    }
    /// Id and version of the records that are not archived, in the order of their ids: for walking a resource in chunks.
    pub async fn live(&mut self, resource: &str, after: Option<Uuid>, limit: u32) -> Result<Vec<(Uuid, i64)>> {
        let (db, asker) = self.parts();
        query::live(db, asker, resource, after, limit).await
    }

    /// Runs a report. Columns whose permission the reader lacks are taken out of the spec and of the table.
    pub async fn report(&mut self, name: &str, parameters: Value) -> Result<(Arc<ReportSpec>, Table)> {
        let spec = Arc::clone(self.catalogue.report(name)?);
        if !self.rights.entitled(module_of(name), None) {
            return Err(Error::new(Code::NotEntitled, format!("{name} is not available to this tenant")));
        }
        if !self.asker().may(&spec.permission) {
            return Err(Error::forbidden(&spec.permission));
        }
        let parameters = input::decode(&self.catalogue, &spec.parameters, parameters)?;
        self.check_references(&spec.parameters, &parameters).await?;
        let kernel = Arc::clone(&self.kernel);
        let mut table = kernel.registry.report(name)?.run(self, parameters).await?;

        let kept: Vec<bool> = spec.columns.iter().map(|column| self.asker().sees(column)).collect();
        if kept.iter().all(|kept| *kept) {
            return Ok((spec, table));
        }
        for row in table.rows.iter_mut().chain([&mut table.totals]) {
            let mut kept = kept.iter();
            row.retain(|_| kept.next().copied().unwrap_or(false));
        }
        let columns = spec.columns.iter().zip(&kept).filter(|(_, kept)| **kept).map(|(column, _)| column.clone()).collect();
        Ok((Arc::new(ReportSpec { columns, ..ReportSpec::clone(&spec) }), table))
    }

    /// A record that a parameter names must be one that the reader may read; out of sight reads like absent.
    async fn check_references(&mut self, fields: &[Field], parameters: &Value) -> Result<()> {
        let mut missing = Vec::new();
        for field in fields {
            let Kind::Reference(resource) = &field.kind else { continue };
            let Some(id) = parameters.get(field.name.as_ref()).and_then(Value::as_str).and_then(|id| Uuid::try_parse(id).ok()) else { continue };
            let visible = query::scope::visible_ids(&mut self.tx, &self.catalogue, &self.rights, &self.principal, resource, &[id]).await?;
            if !visible.contains(&id) {
                missing.push(FieldError { field: field.name.to_string(), message: "no such record".into() });
            }
        }
        if missing.is_empty() { Ok(()) } else { Err(Error::fields(missing)) }
    }
}
