//! `inventory.item.describe`: what other modules need to know of items, with the authority of the asking command.

use super::ItemId;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use steward_kernel::command::Query;
use steward_kernel::error::During;
use steward_kernel::{Result, Work};
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Describe {
    items: Vec<Uuid>,
}

/// Ids that are not there are left out of the answer.
#[derive(Serialize)]
pub(crate) struct Description {
    id: ItemId,
    name: String,
    code: Option<String>,
    unit: String,
    /// In `currency`.
    sales_price: Decimal,
    currency: String,
    discontinued: bool,
    archived: bool,
}

impl Query for Describe {
    const NAME: &'static str = "inventory.item.describe";
    type Answer = Vec<Description>;
    async fn answer(self, work: &mut Work) -> Result<Self::Answer> {
        let tenant = work.tenant();
        sqlx::query_as!(
            Description,
            r#"SELECT id AS "id: ItemId", name, code, unit, sales_price, currency, discontinued, archived_at IS NOT NULL AS "archived!"
               FROM inventory_item WHERE tenant_id = $1 AND id = ANY($2) ORDER BY id"#,
            tenant,
            &self.items
        )
        .fetch_all(work.db())
        .await
        .during("describe items")
    }
}
