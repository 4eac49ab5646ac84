//! What each customer ordered: a read model that a subscription keeps.
//!
//! It is computed anew from the customer's orders at every event, so that applying an event twice, or two events in
//! another order, leads to the same rows. It belongs to nobody, so only grants at the width of the tenant show it.

use crate::order::date_of_count;
use serde::Deserialize;
use steward_kernel::error::During;
use steward_kernel::events::Delivery;
use steward_kernel::{Error, Event, Field, Measure, Resource, Result, Subscription, Work, ids};
use uuid::Uuid;

/// The catalogue entry.
pub fn resource() -> Resource {
    let mut resource = Resource::new("sales.customer_summary", "customer_summaries", "sales_customer_summary")
        .title("customer")
        .sort("-revenue")
        .field(Field::reference("customer", "crm.party").required().in_list())
        .field(Field::integer("orders").required().sortable().in_list())
        .field(Field::integer("open_orders").required().sortable().in_list())
        .field(Field::money("revenue").required().sort_by("revenue_sort").in_list())
        .field(Field::text("currency").required().max(3))
        .field(Field::date("first_order_date"))
        .field(Field::date("last_order_date").in_list())
        .measure(Measure::sum("total_orders", "orders"))
        .measure(Measure::max("latest_order", "last_order_date"))
        .hidden();
    resource.permission = "sales:order:read".into();
    date_of_count(&mut resource, "last_order_date");
    resource
}

/// Keeps the summaries.
pub struct KeepSummary;

#[derive(Deserialize)]
struct Facts {
    customer: Uuid,
}

impl Subscription for KeepSummary {
    const NAME: &'static str = "sales.keep_customer_summary";
    const EVENTS: &'static [&'static str] =
        &["sales.order.brought_in", "sales.order.cancelled", "sales.order.completed", "sales.order.confirmed", "sales.order.reopened"];
    const DELIVERY: Delivery = Delivery::Transactional;

    async fn handle(event: Event, work: &mut Work) -> Result<()> {
        let facts: Facts =
            serde_json::from_value(event.payload).map_err(|error| Error::internal("an event of an order has another shape").with_source(error))?;
        recompute(work, facts.customer).await
    }
}

async fn recompute(work: &mut Work, customer: Uuid) -> Result<()> {
    let tenant = work.tenant();
    // Two computations for one customer would otherwise overwrite each other with what each saw at its start.
    let key = format!("sales:summary:{tenant}:{customer}");
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", key).execute(work.db()).await.during("wait for the customer's summary")?;
    // A currency that no order is in any more keeps its row, at zero.
    let currencies = sqlx::query_scalar!(
        r#"SELECT currency AS "currency!" FROM sales_order WHERE tenant_id = $1 AND customer_id = $2
           UNION SELECT currency FROM sales_customer_summary WHERE tenant_id = $1 AND customer_id = $2 ORDER BY 1"#,
        tenant,
        customer
    )
    .fetch_all(work.db())
    .await
    .during("read the customer's orders")?;
    let ids: Vec<Uuid> = currencies.iter().map(|_| ids::fresh()).collect();
    sqlx::query!(
        "INSERT INTO sales_customer_summary AS s (tenant_id, id, customer_id, currency, orders, open_orders, first_order_date, last_order_date, revenue)
         SELECT $1, c.id, $2, c.currency, count(o.id), count(o.id) FILTER (WHERE o.status <> 'done'), min(o.order_date), max(o.order_date), coalesce(sum(o.net_total), 0)
           FROM unnest($3::uuid[], $4::text[]) AS c (id, currency)
           LEFT JOIN sales_order o ON o.tenant_id = $1 AND o.customer_id = $2 AND o.currency = c.currency AND o.status IN ('confirmed', 'processing', 'done')
          GROUP BY c.id, c.currency
         ON CONFLICT (tenant_id, customer_id, currency) DO UPDATE
            SET orders = excluded.orders, open_orders = excluded.open_orders, first_order_date = excluded.first_order_date, last_order_date = excluded.last_order_date, revenue = excluded.revenue
          WHERE (s.orders, s.open_orders, s.first_order_date, s.last_order_date, s.revenue)
                IS DISTINCT FROM (excluded.orders, excluded.open_orders, excluded.first_order_date, excluded.last_order_date, excluded.revenue)",
        tenant,
        customer,
        &ids,
        &currencies
    )
    .execute(work.db())
    .await
    .during("store the customer's summary")
    .map(drop)
}
