//! `crm.party.describe`: what other modules need to know of parties, with the authority of the asking command.

use super::PartyId;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use steward_kernel::command::Query;
use steward_kernel::error::During;
use steward_kernel::{Result, Work};
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Describe {
    parties: Vec<Uuid>,
}

/// Ids that are not there are left out of the answer.
#[derive(Serialize)]
pub(crate) struct Description {
    id: PartyId,
    name: String,
    is_customer: bool,
    is_supplier: bool,
    currency: Option<String>,
    /// In the party's currency; `None` is without limit.
    credit_limit: Option<Decimal>,
    payment_term_days: Option<i64>,
    archived: bool,
}

impl Query for Describe {
    const NAME: &'static str = "crm.party.describe";
    type Answer = Vec<Description>;
    async fn answer(self, work: &mut Work) -> Result<Self::Answer> {
        let tenant = work.tenant();
        sqlx::query_as!(
            Description,
            r#"SELECT id AS "id: PartyId", name, is_customer, is_supplier, currency, credit_limit, payment_term_days, archived_at IS NOT NULL AS "archived!"
               FROM crm_party WHERE tenant_id = $1 AND id = ANY($2) ORDER BY id"#,
            tenant,
            &self.parties
        )
        .fetch_all(work.db())
        .await
        .during("describe parties")
    }
}
