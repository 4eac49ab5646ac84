//! The count of limits in PostgreSQL, which all processes share: each leases slices of it and spends them by itself.
//!
//! Start at [`Counting`], the count behind `steward_llm::budget::Budget`. A lease is one statement over all scopes of a call
//! (`ai_lease`), so that it holds under each of them or under none; a crash leaves what was leased as spent, never as free.
//! When the database cannot be asked nothing is granted.

use chrono::{DateTime, TimeDelta, Utc};
use futures::FutureExt;
use futures::future::BoxFuture;
use sqlx::AssertSqlSafe;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use steward_kernel::bus::Kernel;
use steward_kernel::error::During;
use steward_kernel::{Result, ids};
use steward_llm::budget::slice::{Slice, SliceId, Slices, Unreachable, Unused, Want};
use steward_llm::limit::{Clock, Refused, Scope};
use uuid::Uuid;

/// Keeps the count in the placements of the tenants.
pub struct Counting {
    kernel: Arc<Kernel>,
    lease: Duration,
}

/// The clock of the kernel, as budgets read it: milliseconds since 1970.
pub fn clock(kernel: &Kernel) -> Clock {
    let clock = kernel.clock.clone();
    Arc::new(move || clock.now().timestamp_millis())
}

impl Counting {
    /// Slices expire `lease` after they were leased: longer than a call may take, or what it did not use stays spent.
    pub fn new(kernel: Arc<Kernel>, lease: Duration) -> Self {
        Self { kernel, lease }
    }

    async fn lease_now(&self, wants: &[Want]) -> Result<Vec<Slice>, Refused> {
        let Some(tenant) = wants.first().map(|want| want.counter.tenant) else { return Ok(Vec::new()) };
        // A call belongs to one tenant, whose counters lie in one placement.
        if wants.iter().any(|want| want.counter.tenant != tenant) {
            return Err(Refused::Unavailable);
        }
        let granted = self.ask(tenant, wants).await.map_err(|error| {
            tracing::warn!(tenant.id = %tenant, %error, code = error.code.as_str(), "the limits of a tenant could not be counted; its calls are refused");
            Refused::Unavailable
        })?;
        match granted {
            Granted::All(slices) => Ok(slices),
            Granted::Full(at) => Err(wants.get(at).map_or(Refused::Unavailable, |want| Refused::Exceeded { counter: want.counter })),
        }
    }

    async fn ask(&self, tenant: Uuid, wants: &[Want]) -> Result<Granted> {
        let placement = self.kernel.placement(tenant).await?;
        let until = self.kernel.clock.now() + TimeDelta::from_std(self.lease).unwrap_or(TimeDelta::MAX);
        let mut columns = Columns::default();
        for want in wants {
            columns.add(want);
        }
        // The schema's name was checked when the placement was read; the function carries its own search path.
        let sql = format!("SELECT place, granted FROM {}.ai_lease($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)", placement.schema);
        let rows: Vec<(i32, Option<i64>)> = sqlx::query_as(AssertSqlSafe(sql))
            .bind(tenant)
            .bind(until)
            .bind(&columns.slices)
            .bind(&columns.scopes)
            .bind(&columns.scope_ids)
            .bind(&columns.metrics)
            .bind(&columns.periods)
            .bind(&columns.starts)
            .bind(&columns.ends)
            .bind(&columns.needs)
            .bind(&columns.likes)
            .bind(&columns.caps)
            .fetch_all(&self.kernel.database.app)
            .await
            .during("lease of the limits")?;
        if let Some((place, _)) = rows.iter().find(|(_, granted)| granted.is_none()) {
            return Ok(Granted::Full(usize::try_from(*place - 1).unwrap_or(usize::MAX)));
        }
        let expires_at = until.timestamp_millis();
        let slices = rows.into_iter().zip(columns.slices).map(|((_, granted), id)| Slice { id: SliceId(id), granted: granted.unwrap_or_default(), expires_at });
        Ok(Granted::All(slices.collect()))
    }

    async fn take_back(&self, tenant: Uuid, slices: Vec<Uuid>, amounts: Vec<i64>) -> Result<()> {
        let placement = self.kernel.placement(tenant).await?;
        sqlx::query(AssertSqlSafe(format!("SELECT {}.ai_give_back($1, $2, $3, $4)", placement.schema)))
            .bind(tenant)
            .bind(self.kernel.clock.now())
            .bind(slices)
            .bind(amounts)
            .execute(&self.kernel.database.app)
            .await
            .during("give back of the limits")?;
        Ok(())
    }
}

enum Granted {
    All(Vec<Slice>),
    /// The place of the want that does not fit.
    Full(usize),
}

#[derive(Default)]
struct Columns {
    slices: Vec<Uuid>,
    scopes: Vec<&'static str>,
    scope_ids: Vec<Uuid>,
    metrics: Vec<&'static str>,
    periods: Vec<&'static str>,
    starts: Vec<DateTime<Utc>>,
    ends: Vec<DateTime<Utc>>,
    needs: Vec<i64>,
    likes: Vec<i64>,
    caps: Vec<i64>,
}

impl Columns {
    fn add(&mut self, want: &Want) {
        let counter = &want.counter;
        let at = |ms: i64| DateTime::from_timestamp_millis(ms).unwrap_or_default();
        self.slices.push(ids::fresh());
        self.scopes.push(counter.scope.code());
        self.scope_ids.push(match counter.scope {
            Scope::Tenant => Uuid::nil(),
            Scope::User(id) | Scope::Key(id) => id,
        });
        self.metrics.push(counter.metric.code());
        self.periods.push(counter.window.code());
        self.starts.push(at(counter.starts_at));
        self.ends.push(at(counter.ends_at));
        self.needs.push(want.need);
        self.likes.push(want.like);
        self.caps.push(want.cap);
    }
}

impl Slices for Counting {
    fn lease<'a>(&'a self, wants: &'a [Want]) -> BoxFuture<'a, Result<Vec<Slice>, Refused>> {
        self.lease_now(wants).boxed()
    }

    fn give_back<'a>(&'a self, unused: &'a [Unused]) -> BoxFuture<'a, Result<(), Unreachable>> {
        async move {
            let mut tenants: HashMap<Uuid, (Vec<Uuid>, Vec<i64>)> = HashMap::new();
            for part in unused {
                let (slices, amounts) = tenants.entry(part.counter.tenant).or_default();
                slices.push(part.slice.0);
                amounts.push(part.amount);
            }
            let mut result = Ok(());
            for (tenant, (slices, amounts)) in tenants {
                // What does not come back stays spent; the other tenants' shall.
                if let Err(error) = self.take_back(tenant, slices, amounts).await {
                    tracing::debug!(tenant.id = %tenant, %error, "unspent parts of limits could not be given back and stay spent");
                    result = Err(Unreachable);
                }
            }
            result
        }
        .boxed()
    }
}
