//! Deliveries of events that failed for the last time are given a new set of attempts by a person.

use serde::Deserialize;
use serde_json::json;
use steward_kernel::command::{Command, Outcome, RowScope};
use steward_kernel::error::{During, Error, Result};
use steward_kernel::work::Work;
use steward_kernel::{CommandSpec, Field, Risk};

/// How a delivery is named: consumer, transaction and position, as the report `platform.deliveries` shows it.
pub(crate) fn name(consumer: &str, xid: &str, ordinal: i32) -> String {
    format!("{consumer}/{xid}/{ordinal}")
}

fn parse(name: &str) -> Option<(&str, i64, i32)> {
    let (rest, ordinal) = name.rsplit_once('/')?;
    let (consumer, xid) = rest.rsplit_once('/')?;
    Some((consumer, xid.parse().ok()?, ordinal.parse().ok()?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetryDelivery {
    delivery: String,
}

impl Command for RetryDelivery {
    fn spec() -> CommandSpec {
        // Failed deliveries have no list of their own beside the report: the command hangs at the settings.
        CommandSpec { resource: crate::settings::RESOURCE.into(), ..CommandSpec::new("platform.delivery.retry") }
            .input(Field::text("delivery").required())
            .risk(Risk::High)
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        work.check_new(RowScope::default())?;
        let (consumer, xid, ordinal) = parse(&self.delivery).ok_or_else(|| Error::field("delivery", "a delivery reads consumer/transaction/position"))?;
        let (tenant, now) = (work.tenant(), work.now());
        let changed = sqlx::query!(
            "UPDATE kernel.delivery_failure SET attempts = 0, dead_at = NULL, next_attempt_at = $5 WHERE tenant_id = $1 AND consumer = $2 AND xid = ($3::text)::xid8 AND ordinal = $4",
            tenant,
            consumer,
            xid.to_string(),
            ordinal,
            now
        )
        .execute(work.db())
        .await
        .during("retry the delivery")?;
        if changed.rows_affected() == 0 {
            return Err(Error::not_found("failed delivery"));
        }
        Ok(Outcome::nothing().data(json!({ "delivery": self.delivery })))
    }
}
