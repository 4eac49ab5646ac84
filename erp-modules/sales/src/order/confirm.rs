//! Confirms an order: its prices are frozen, what is in stock is reserved and the rest waits for stock.
//!
//! **Invariant:** the open orders of a customer, in the currency of his credit limit, never exceed the limit; two
//! confirmations for one customer wait for each other.

use super::store;
use super::{Order, OrderId, RESOURCE, Status, put_back, reserve};
use crate::neighbours;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::json;
use steward_kernel::error::During;
use steward_kernel::{Command, CommandSpec, Error, Message, Outcome, Result, Work};

/// The input of `sales.order.confirm`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfirmOrder {
    pub order: OrderId,
}

impl Command for ConfirmOrder {
    fn spec() -> CommandSpec {
        CommandSpec::new("sales.order.confirm")
            .target("order")
            .when(&["draft", "quotation"])
            .undo(put_back::NAME)
            .asks(neighbours::PARTIES)
            .calls(neighbours::RESERVE)
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let order = work.lock::<Order>(self.order).await?;
        order.require(&[Status::Draft, Status::Quotation], "sales.not_a_quotation", "confirmed")?;
        if order.line_count == 0 {
            return Err(Error::rule("sales.no_lines", format!("order {} has no lines", order.number)).arg("order", &order.number));
        }
        check_credit(work, &order).await?;
        let held = reserve::hold(work, &order).await?;
        let (tenant, now) = (work.tenant(), work.now());
        store::confirm(work.db(), tenant, order.id, now, held.short > 0).await?;
        work.emit("sales.order.confirmed", order.id, order.facts());
        let data = json!({ "lines": held.lines, "backordered_lines": held.short });
        Ok(Outcome::of(RESOURCE, order.id).data(data).undo(put_back::NAME, put_back::of_confirm(&order, now)))
    }
}

/// The text names the customer only: what his other orders are worth is not for everybody's eyes.
pub(super) async fn check_credit(work: &mut Work, order: &Order) -> Result<()> {
    let customer = neighbours::customer(work, order.customer).await?;
    let Some(limit) = customer.credit_limit.as_ref().map(neighbours::Told::amount) else { return Ok(()) };
    if customer.currency.as_ref().is_some_and(|currency| *currency != order.currency) {
        work.warn(Message::new("sales-warning-credit_limit_not_checked").arg("customer", customer.name));
        return Ok(());
    }
    let tenant = work.tenant();
    let key = format!("sales:credit:{tenant}:{}", order.customer);
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", key).execute(work.db()).await.during("wait for the customer's other orders")?;
    let exposure: Decimal = sqlx::query_scalar!(
        r#"SELECT round(coalesce(sum(net_total), 0), 4) AS "exposure!" FROM sales_order
            WHERE tenant_id = $1 AND customer_id = $2 AND currency = $3 AND (status IN ('confirmed', 'processing') OR id = $4)"#,
        tenant,
        order.customer,
        order.currency.as_str(),
        order.id.0
    )
    .fetch_one(work.db())
    .await
    .during("sum the customer's open orders")?;
    if exposure > limit {
        let text = format!("order {} would exceed the credit limit of {}", order.number, customer.name);
        return Err(Error::rule("sales.credit_limit", text).arg("order", &order.number).arg("customer", customer.name));
    }
    Ok(())
}
