//! Commands that the tenant holds to be more dangerous than their modules say: a class can be tightened, never loosened.
//!
//! Both commands are for persons only and wait for the tenant's running writes: whoever has tightened a command knows that
//! nothing of the looser class is still on its way.

pub mod relax;
pub mod tighten;

use sqlx::PgConnection;
use steward_kernel::command::{Entity, RowScope};
use steward_kernel::error::{During, Result};
use steward_kernel::work::Work;
use steward_kernel::{Field, Resource, Risk};
use uuid::Uuid;

pub const RESOURCE: &str = "platform.command_risk";
/// What a command can be tightened to.
const CLASSES: &[&str] = &["high", "human_only"];

pub(crate) fn resource() -> Resource {
    Resource::new(RESOURCE, "command_risks", "platform_command_risk")
        .title("command")
        .field(Field::text("command").required().max(120).sortable().in_list())
        .field(Field::choice("risk", CLASSES).required().in_list())
        .sort("command")
        .create("platform.command_risk.tighten")
}

fn class(name: &str) -> Option<Risk> {
    [Risk::High, Risk::HumanOnly].into_iter().find(|risk| risk.as_str() == name)
}

pub struct CommandRisk {
    pub id: Uuid,
    pub version: i64,
    pub command: String,
    pub risk: String,
}

impl Entity for CommandRisk {
    const RESOURCE: &'static str = RESOURCE;
    fn id(&self) -> Uuid {
        self.id
    }
    fn version(&self) -> i64 {
        self.version
    }
    fn scope(&self) -> RowScope {
        RowScope::default()
    }
    async fn lock(db: &mut PgConnection, tenant: Uuid, id: Uuid) -> Result<Option<Self>> {
        sqlx::query_as!(Self, "SELECT id, version, command, risk FROM platform_command_risk WHERE tenant_id = $1 AND id = $2 FOR UPDATE", tenant, id)
            .fetch_optional(db)
            .await
            .during("read the class of the command")
    }
}

/// Copies the classes to where the tenant's catalogue is made from, and counts it up, so that the next request has them.
async fn settle(work: &mut Work) -> Result<()> {
    let tenant = work.tenant();
    sqlx::query!(
        "UPDATE kernel_placement SET catalogue_version = catalogue_version + 1,
                risks = (SELECT coalesce(jsonb_object_agg(r.command, r.risk), '{}') FROM platform_command_risk r WHERE r.tenant_id = $1)
          WHERE tenant_id = $1",
        tenant
    )
    .execute(work.db())
    .await
    .during("settle the classes of the commands")?;
    Ok(())
}
