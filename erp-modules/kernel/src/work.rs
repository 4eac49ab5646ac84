//! The unit of work of a command: it owns its transaction, so that handlers carry no lifetime.
//!
//! A handler locks rows ([`Work::lock`], which checks the user's scope), writes through [`Work::db`], tells what
//! happened ([`Work::emit`]) and reaches other modules by name ([`Work::call`], [`Work::ask`]). It never commits.
//!
//! **Invariant:** a write reads at the width of the tenant; the user's scope is enforced by `lock` and by the
//! references that the bus checked before the handler ran.

mod companies;
mod sight;

pub(crate) use companies::Companies;

use crate::audit::{Entry, OutOfReach};
use crate::bus::{Kernel, Way};
use crate::calendar::Calendar;
use crate::catalogue::{Catalogue, CommandSpec, module_of};
use crate::command::{Entity, ErasedCommand, Outcome, RowScope};
use crate::database;
use crate::error::{Code, During, Error, Result};
use crate::message::Message;
use crate::principal::{Principal, Rights, Scope};
use crate::tenant::Placement;
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::{PgConnection, Postgres, Transaction};
use std::collections::VecDeque;
use std::sync::Arc;
use uuid::Uuid;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    Execute,
    /// The same code, rolled back.
    Preview,
}

/// A domain event that waits for the end of the handler.
#[derive(Clone, Debug)]
pub(crate) struct Emitted {
    pub(crate) name: String,
    pub(crate) entity: Option<Uuid>,
    pub(crate) payload: Value,
}

pub struct Work {
    pub(crate) tx: Transaction<'static, Postgres>,
    pub(crate) kernel: Arc<Kernel>,
    pub(crate) principal: Principal,
    pub(crate) rights: Arc<Rights>,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) mode: Mode,
    pub(crate) way: Way,
    pub(crate) now: DateTime<Utc>,
    /// The command that runs now; nested ones replace it for their time.
    pub(crate) spec: Arc<CommandSpec>,
    /// Above zero in nested calls and in subscriptions: there the authority is the command's, not the user's.
    pub(crate) depth: u32,
    /// For which companies the command that runs now works.
    pub(crate) companies: Companies,
    /// The version that the caller saw of the target row (`If-Match`).
    pub(crate) expected: Option<(Uuid, i64)>,
    pub(crate) events: Vec<Emitted>,
    pub(crate) audits: Vec<Entry>,
    pub(crate) effects: Vec<Message>,
    pub(crate) warnings: Vec<Message>,
    /// Numbers that this unit of work allotted or would allot: not part of what a confirmation binds.
    pub(crate) allotted: Vec<String>,
    /// What the steps prepared before the unit of work opened; the first one is of the step that runs now.
    pub(crate) prepared: VecDeque<Option<Value>>,
}

/// Opens a transaction and reads the rights of the asker in it. `mode` is `read`, `write`, `user_rights` for a write that
/// changes the rights of one user, or `rights` for one that changes those of many and runs alone. `moment` is the one that
/// SQL takes for now in `app.today()`.
pub(crate) async fn open(
    kernel: &Kernel,
    principal: &Principal,
    placement: &Placement,
    mode: &'static str,
    command: &str,
    moment: DateTime<Utc>,
) -> Result<(Transaction<'static, Postgres>, Rights)> {
    let begin = match mode {
        "read" => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        _ => "BEGIN ISOLATION LEVEL READ COMMITTED",
    };
    // The schema's name was checked when the placement was read; it cannot be bound in SET.
    let begin = format!("{begin}; SET LOCAL search_path TO {}, app", placement.schema);
    let mut tx = database::begin(&kernel.database.app, begin).await.during("begin a unit of work")?;
    let rights: sqlx::Result<sqlx::types::Json<Rights>> = sqlx::query_scalar("SELECT begin_work($1, $2, $3, $4, $5, $6, $7, $8)")
        .bind(principal.tenant)
        .bind(principal.user)
        .bind(principal.session)
        .bind(mode)
        .bind(placement.epoch)
        .bind(&*principal.correlation)
        .bind(command)
        .bind(moment)
        .fetch_one(&mut *tx)
        .await;
    let rights = rights.during("open the unit of work");
    if let Err(error) = &rights
        && error.code == Code::Moved
    {
        kernel.tenants.forget(placement).await;
    }
    Ok((tx, rights?.0))
}

impl Work {
    /// The connection, inside the transaction. For the module's own tables only.
    pub fn db(&mut self) -> &mut PgConnection {
        &mut self.tx
    }
    pub fn tenant(&self) -> Uuid {
        self.principal.tenant
    }
    /// The acting user; nil for the system.
    pub fn user(&self) -> Uuid {
        self.principal.user
    }
    pub fn principal(&self) -> &Principal {
        &self.principal
    }
    pub fn rights(&self) -> &Rights {
        &self.rights
    }
    pub fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
    }
    pub fn mode(&self) -> Mode {
        self.mode
    }
    /// What [`crate::command::Command::prepare`] made of this command's input, once. `None` in a preview and in a nested call.
    pub fn take_prepared(&mut self) -> Option<Value> {
        if self.depth > 0 {
            return None;
        }
        self.prepared.front_mut().and_then(Option::take)
    }
    pub fn kernel(&self) -> &Arc<Kernel> {
        &self.kernel
    }
    /// The same moment throughout the unit of work.
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
    /// The company that a new document belongs to unless one is named: the user's, and in a nested call the document's.
    pub fn usual_company(&self) -> Option<Uuid> {
        self.companies.only().or(self.rights.company)
    }
    /// The same, where there must be one.
    pub fn company(&self) -> Result<Uuid> {
        self.usual_company().ok_or_else(|| Error::field("company", "your user has no default company, name one"))
    }

    /// Locks a row until the end of the transaction and checks that the user may act on it with the running command's
    /// permission; in a nested call, that it belongs to the document's company. Out of scope reads like absent.
    pub async fn lock<E: Entity>(&mut self, id: impl Into<Uuid>) -> Result<E> {
        let id = id.into();
        let tenant = self.principal.tenant;
        let found = E::lock(&mut self.tx, tenant, id).await?;
        let row = if self.depth == 0 && !self.principal.is_system() {
            let scope = self.rights.scope(&self.spec.permission);
            found.filter(|row| self.within(scope, row.scope())).ok_or_else(|| Error::not_found(E::RESOURCE).with_source(OutOfReach))?
        } else {
            found.ok_or_else(|| Error::not_found(E::RESOURCE))?
        };
        self.check_sight(E::RESOURCE, id).await?;
        self.companies.meet(row.scope().company)?;
        if let Some((target, expected)) = self.expected
            && target == id
            && expected != row.version()
        {
            return Err(Error::new(Code::VersionMismatch, format!("the record has changed: it is now at version {}", row.version())));
        }
        Ok(row)
    }

    /// The width at which the running command may act: that of the user's permission. Nested calls and the system are not
    /// narrowed.
    pub fn reach(&self) -> Option<Scope> {
        if self.depth > 0 || self.principal.is_system() { Some(Scope::Tenant) } else { self.rights.scope(&self.spec.permission) }
    }

    /// Whether a row lies within a width; a width without its column shows nothing.
    pub fn within(&self, scope: Option<Scope>, row: RowScope) -> bool {
        match scope {
            Some(Scope::Tenant) => true,
            Some(Scope::Company) => row.company.is_some_and(|company| self.rights.companies.contains(&company)),
            Some(Scope::Department) => row.department.is_some_and(|department| self.rights.departments.contains(&department)),
            Some(Scope::Team) => row.owner.is_some_and(|owner| self.rights.team.contains(&owner)),
            Some(Scope::Own) => row.owner == Some(self.principal.user),
            None => false,
        }
    }

    /// A row that is being created must lie within the user's width too: who holds a permission at `own` creates for
    /// himself. The system is not narrowed; a nested call creates for the document's company only.
    pub fn check_new(&mut self, row: RowScope) -> Result<()> {
        if self.depth > 0 || self.principal.is_system() || self.within(self.rights.scope(&self.spec.permission), row) {
            return self.companies.meet(row.company);
        }
        Err(Error::new(Code::Forbidden, "you may not create this record for somebody else's area").because("kernel.out_of_scope").variant("create"))
    }

    /// For rows that a handler locks or writes without [`Work::lock`] and [`Work::check_new`]: in a nested call they must
    /// belong to the document's company.
    pub fn check_company(&self, company: Option<Uuid>) -> Result<()> {
        self.companies.admit(company)
    }

    /// Tells what happened. Delivered after the commit, at least once.
    pub fn emit(&mut self, name: impl Into<String>, entity: impl Into<Uuid>, payload: Value) {
        self.events.push(Emitted { name: name.into(), entity: Some(entity.into()), payload });
    }
    /// A line for the preview about rows that the user may not read: "reserves 10 × Chai".
    pub fn effect(&mut self, summary: Message) {
        self.effects.push(summary);
    }
    /// Something the user should know before confirming.
    pub fn warn(&mut self, warning: Message) {
        self.warnings.push(warning);
    }

    /// The next number of a gapless series, such as `SO-2026-00042`, for a company and the year of `date`. Holds the
    /// series until the commit: call it last. A preview allots none and says which would be next.
    pub async fn number(&mut self, series: &str, prefix: &str, company: Uuid, date: NaiveDate) -> Result<String> {
        self.check_company(Some(company))?;
        let year = date.year();
        let number: i64 = match self.mode {
            Mode::Execute => sqlx::query_scalar(
                "INSERT INTO kernel_series AS s (tenant_id, company_id, name, year, next) VALUES ($1, $2, $3, $4, 2)
                 ON CONFLICT (tenant_id, company_id, name, year) DO UPDATE SET next = s.next + 1 RETURNING next - 1",
            )
            .bind(self.principal.tenant)
            .bind(company)
            .bind(series)
            .bind(year)
            .fetch_one(&mut *self.tx)
            .await
            .during("allot a number")?,
            Mode::Preview => {
                sqlx::query_scalar("SELECT coalesce((SELECT next FROM kernel_series WHERE tenant_id = $1 AND company_id = $2 AND name = $3 AND year = $4), 1)")
                    .bind(self.principal.tenant)
                    .bind(company)
                    .bind(series)
                    .bind(year)
                    .fetch_one(&mut *self.tx)
                    .await
                    .during("look up the next number")?
            }
        };
        let number = format!("{prefix}-{year}-{number:05}");
        self.allotted.push(number.clone());
        Ok(number)
    }

    /// A nested command of another module, by name, in this transaction. The coupling stands in the caller's `calls`.
    /// The callee's entitlement, tenant and companies are checked, not the user's permission on it.
    pub async fn call(&mut self, name: &'static str, input: Value) -> Result<Outcome> {
        if !self.spec.calls.iter().any(|declared| declared == name) {
            return Err(Error::internal(format!("{} does not declare that it calls {name}", self.spec.name)));
        }
        let kernel = Arc::clone(&self.kernel);
        let command = kernel.registry.command(name)?;
        let spec = Arc::clone(kernel.registry.catalogue.command(name)?);
        if !self.rights.entitled(module_of(name), spec.flag.as_deref()) {
            return Err(Error::new(Code::NotEntitled, format!("{name} is not available to this tenant")));
        }
        let outer = std::mem::replace(&mut self.spec, Arc::clone(&spec));
        // From here on, the references of the input included, the authority is the command's and not the user's.
        self.depth += 1;
        let expected = self.expected.take();
        let outcome = match self.decode(&spec, input).await {
            Ok(input) => self.run_nested(command.as_ref(), &spec, input).await,
            Err(error) => Err(error),
        };
        self.expected = expected;
        self.depth -= 1;
        let inner = std::mem::replace(&mut self.spec, outer);
        let outcome = outcome?;
        self.audits.push(Entry::nested(&inner, &self.spec, &outcome));
        Ok(outcome)
    }

    async fn run_nested(&mut self, command: &dyn ErasedCommand, spec: &CommandSpec, input: Value) -> Result<Outcome> {
        let companies = self.companies.handed_on(spec, &input)?;
        let outer = std::mem::replace(&mut self.companies, companies);
        let outcome = command.run(self, input).await;
        self.companies = outer;
        outcome
    }

    /// Commits a unit of work that [`Kernel::record`] opened, with the events that it emitted.
    pub async fn finish_record(mut self) -> Result<()> {
        if self.depth > 0 || self.spec.name != "kernel.idle" {
            return Err(Error::internal("a command never commits"));
        }
        let tells = !self.events.is_empty();
        self.flush_events().await?;
        self.tx.commit().await.during("commit a record")?;
        if tells {
            self.kernel.committed.tell();
        }
        Ok(())
    }

    /// Ends the unit of work without a trace.
    pub(crate) async fn abandon(self) {
        // A connection that cannot roll back is closed by the pool, which has the same effect.
        if let Err(error) = self.tx.rollback().await {
            tracing::debug!(%error, "a rollback failed");
        }
    }

    /// Writes the events of the handlers into the outbox.
    pub(crate) async fn flush_events(&mut self) -> Result<()> {
        if self.events.is_empty() {
            return Ok(());
        }
        let events = std::mem::take(&mut self.events);
        let rows: Vec<Value> =
            events.into_iter().map(|event| serde_json::json!({ "name": event.name, "entity_id": event.entity, "payload": event.payload })).collect();
        sqlx::query(
            "INSERT INTO kernel.outbox (tenant_id, ordinal, kind, name, entity_id, payload, actor_id, command, correlation_id)
             SELECT $1, app.next_ordinal(), 'event', r.name, r.entity_id, r.payload, app.actor(), current_setting('app.command', true), current_setting('app.correlation', true)
             FROM jsonb_to_recordset($2) AS r(name text, entity_id uuid, payload jsonb)",
        )
        .bind(self.principal.tenant)
        .bind(Value::Array(rows))
        .execute(&mut *self.tx)
        .await
        .during("write the events")?;
        Ok(())
    }

    /// A query of another module by name, with this command's authority. Declared in the caller's `asks`.
    pub async fn ask<T: DeserializeOwned>(&mut self, name: &'static str, input: Value) -> Result<T> {
        if !self.spec.asks.iter().any(|declared| declared == name) {
            return Err(Error::internal(format!("{} does not declare that it asks {name}", self.spec.name)));
        }
        let kernel = Arc::clone(&self.kernel);
        let answer = kernel.registry.query(name)?.run(self, input).await?;
        serde_json::from_value(answer).map_err(|error| Error::internal(format!("the answer of {name} has another shape")).with_source(error))
    }
}
