//! The duplicate guard of new orders: the same customer with the same reference of his, or the same order once more
//! within a day.

use super::store::Amounts;
use chrono::{DateTime, Duration, NaiveDate, Utc};
use steward_kernel::error::During;
use steward_kernel::{Code, Error, Result, RowScope, Work};
use uuid::Uuid;

pub(super) struct Candidate<'a> {
    pub(super) customer: Uuid,
    pub(super) reference: Option<&'a str>,
    pub(super) order_date: NaiveDate,
    pub(super) lines: usize,
    pub(super) amounts: &'a Amounts,
}

/// Refuses a likely duplicate. The other order's number is told only to those who may read it.
pub(super) async fn check(work: &mut Work, candidate: Candidate<'_>) -> Result<()> {
    let tenant = work.tenant();
    let since: DateTime<Utc> = work.now() - Duration::days(1);
    let lines = i32::try_from(candidate.lines).map_err(|error| Error::internal("too many lines").with_source(error))?;
    let twin = sqlx::query!(
        r#"SELECT number AS "number!", owner_id AS "owner!", department_id AS department, company_id AS "company!", same_reference AS "same_reference!"
             FROM (SELECT number, owner_id, department_id, company_id, true AS same_reference FROM sales_order
                    WHERE tenant_id = $1 AND customer_id = $2 AND reference = $3 AND status <> 'cancelled'
                   UNION ALL
                   SELECT number, owner_id, department_id, company_id, false FROM sales_order
                    WHERE tenant_id = $1 AND customer_id = $2 AND order_date = $4 AND line_count = $5 AND status <> 'cancelled' AND created_at > $6
                      AND net_total = (SELECT sum(l.price * l.quantity * (1 - l.discount)) FROM unnest($7::numeric[], $8::numeric[], $9::numeric[]) AS l (price, quantity, discount))
                      AND reference IS NOT DISTINCT FROM $3) AS twins
            ORDER BY same_reference DESC LIMIT 1"#,
        tenant,
        candidate.customer,
        candidate.reference,
        candidate.order_date,
        lines,
        since,
        &candidate.amounts.prices,
        &candidate.amounts.quantities,
        &candidate.amounts.discounts,
    )
    .fetch_optional(work.db())
    .await
    .during("look for duplicates")?;
    let Some(twin) = twin else { return Ok(()) };
    let scope = RowScope { owner: Some(twin.owner), department: twin.department, company: Some(twin.company) };
    let readable = work.principal().is_system() || work.within(work.rights().scope("sales:order:read"), scope);
    let which = if readable { format!("order {}", twin.number) } else { "another order".to_owned() };
    let alike = if twin.same_reference { "has the same customer and reference" } else { "of the last day is the same in customer, date, lines and total" };
    let error = Error::new(Code::Duplicate, format!("{which} {alike}; pass allow_duplicate to create it all the same")).because("sales.duplicate_order");
    let variant = if twin.same_reference { "same_reference" } else { "alike" };
    Err(error.variant(variant).arg("order", if readable { twin.number } else { "none".to_owned() }))
}
