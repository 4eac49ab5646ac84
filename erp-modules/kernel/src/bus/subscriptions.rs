//! Delivery of one event to one subscription: in the relay as a unit of work of its own, in a preview under a savepoint.

use super::Kernel;
use crate::audit;
use crate::catalogue::CommandSpec;
use crate::error::{During, Error, Result};
use crate::events::{Delivery, ErasedSubscription, Event};
use crate::message::Message;
use crate::principal::{Door, Principal};
use crate::work::{Companies, Mode, Work};
use std::sync::Arc;
use uuid::Uuid;

/// Events that a preview follows; more means that subscriptions answer each other without end.
const PREVIEW_EVENTS_MAX: usize = 200;

/// A subscription has its own authority: what it declared to call.
fn authority(subscription: &Arc<dyn ErasedSubscription>) -> Arc<CommandSpec> {
    let mut spec = CommandSpec::new(subscription.name()).internal();
    spec.calls = subscription.calls().iter().map(|name| (*name).into()).collect();
    spec.asks = spec.calls.clone();
    Arc::new(spec)
}

impl Kernel {
    /// Applies an event once: the delivery is recorded in the transaction that the handler writes in. `false` when it was
    /// applied before.
    pub(crate) async fn deliver(self: &Arc<Self>, subscription: &Arc<dyn ErasedSubscription>, event: Event) -> Result<bool> {
        let correlation: Arc<str> = event.correlation.clone().unwrap_or_default().into();
        let principal = Principal::system(event.tenant, Door::Job, correlation);
        let placement = self.placement(event.tenant).await?;
        let mut work = self.open(&principal, &placement, Mode::Execute, &[]).await?;
        if subscription.delivery() == Delivery::Transactional {
            let fresh =
                sqlx::query("INSERT INTO kernel_delivery (tenant_id, consumer, xid, ordinal) VALUES ($1, $2, ($3::text)::xid8, $4) ON CONFLICT DO NOTHING")
                    .bind(event.tenant)
                    .bind(subscription.name())
                    .bind(event.xid.to_string())
                    .bind(event.ordinal)
                    .execute(&mut *work.tx)
                    .await
                    .during("record the delivery")?;
            if fresh.rows_affected() == 0 {
                work.abandon().await;
                return Ok(false);
            }
        }
        sqlx::query("SELECT set_config('app.command', $1, true)").bind(subscription.name()).execute(&mut *work.tx).await.during("name the subscription")?;
        work.spec = authority(subscription);
        work.depth = 1;
        work.companies = Companies::of_tenant();
        subscription.run(event, &mut work).await?;
        work.flush_events().await?;
        let audits = std::mem::take(&mut work.audits);
        audit::write(&mut work.tx, &principal, &audits).await?;
        work.tx.commit().await.during("commit the delivery")?;
        self.committed.tell();
        Ok(true)
    }
}

impl Work {
    /// Runs what would follow an execution: transactional subscriptions inside this transaction, each under a savepoint;
    /// external ones are named only.
    pub(super) async fn follow(&mut self) -> Result<Vec<String>> {
        let kernel = Arc::clone(&self.kernel);
        let mut follows = Vec::new();
        let mut seen = 0;
        while !self.events.is_empty() {
            for emitted in std::mem::take(&mut self.events) {
                seen += 1;
                if seen > PREVIEW_EVENTS_MAX {
                    return Err(Error::internal("events follow each other without end"));
                }
                for subscription in kernel.registry.subscriptions().iter().filter(|subscription| subscription.events().contains(&emitted.name.as_str())) {
                    if subscription.delivery() == Delivery::External {
                        follows.push(subscription.name().to_owned());
                        continue;
                    }
                    let event = Event {
                        tenant: self.principal.tenant,
                        xid: 0,
                        ordinal: i32::try_from(seen).unwrap_or(i32::MAX),
                        change: false,
                        name: emitted.name.clone(),
                        entity: emitted.entity,
                        version: None,
                        payload: emitted.payload.clone(),
                        actor: (self.principal.user != Uuid::nil()).then_some(self.principal.user),
                        correlation: Some(self.principal.correlation.to_string()),
                    };
                    self.follow_one(subscription, event).await?;
                }
            }
        }
        follows.sort();
        follows.dedup();
        Ok(follows)
    }

    async fn follow_one(&mut self, subscription: &Arc<dyn ErasedSubscription>, event: Event) -> Result<()> {
        sqlx::query("SAVEPOINT follow").execute(&mut *self.tx).await.during("set a savepoint")?;
        let outer = std::mem::replace(&mut self.spec, authority(subscription));
        let companies = std::mem::replace(&mut self.companies, Companies::of_tenant());
        self.depth += 1;
        let result = subscription.run(event, self).await;
        self.depth -= 1;
        self.companies = companies;
        self.spec = outer;
        match result {
            Ok(()) => sqlx::query("RELEASE SAVEPOINT follow").execute(&mut *self.tx).await.during("release a savepoint").map(drop),
            Err(error) => {
                // Its text may tell of records that the user may not read: it runs with an authority of its own.
                let why = error.reason.unwrap_or(error.code.as_str());
                self.warn(Message::new("kernel-warning-would_fail").arg("name", subscription.name()).arg("reason", why));
                sqlx::query("ROLLBACK TO SAVEPOINT follow").execute(&mut *self.tx).await.during("return to a savepoint").map(drop)
            }
        }
    }
}
