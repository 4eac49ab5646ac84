//! What must be true of what is stored, whatever was sent: in SQL over a tenant's tables, one snapshot each.

use crate::site::{PATIENCE, Site, Tenant};
use std::time::{Duration, Instant};

/// Orders of which only a part is done: what a state says of an order, its lines, its reservations and its moves agrees.
const HALF_DONE: &str = "SELECT count(*) FROM sales_order o,
  LATERAL (SELECT coalesce(sum(l.reserved), 0) AS reserved, coalesce(sum(l.backordered), 0) AS short, sum(l.quantity) AS quantity,
                  coalesce(sum(l.amount), 0) AS total, count(*) AS lines, bool_and(l.reserved + l.backordered = l.quantity) AS whole
             FROM sales_line l WHERE l.tenant_id = o.tenant_id AND l.order_id = o.id) l,
  LATERAL (SELECT coalesce(sum(r.quantity), 0) AS held FROM inventory_reservation r
            WHERE r.tenant_id = o.tenant_id AND r.document_id = o.id::text AND r.status = 'active') r,
  LATERAL (SELECT -coalesce(sum(m.quantity), 0) AS issued FROM inventory_move m WHERE m.tenant_id = o.tenant_id AND m.document_id = o.id::text) m
 WHERE o.tenant_id = app.tenant() AND NOT (o.net_total = l.total AND o.line_count = l.lines AND CASE
    WHEN o.status IN ('confirmed', 'processing') THEN o.confirmed_at IS NOT NULL AND l.whole AND r.held = l.reserved AND o.backordered = (l.short > 0) AND m.issued = 0
    WHEN o.status = 'done' THEN r.held = 0 AND l.reserved = 0 AND l.short = 0 AND m.issued = l.quantity
    ELSE r.held = 0 AND l.reserved = 0 AND l.short = 0 AND m.issued = 0 END)";

/// Stock that does not add up, and stock that is promised and not there.
const WRONG_STOCK: &str = "SELECT (SELECT count(*) FROM inventory_check())
  + (SELECT count(*) FROM inventory_stock s WHERE s.tenant_id = app.tenant() AND (s.reserved > s.on_hand OR s.on_hand < 0))";

const WANTED: &str = "('sales.order.brought_in', 'sales.order.cancelled', 'sales.order.completed', 'sales.order.confirmed', 'sales.order.reopened')";

/// What the subscription should have made of the orders, and has not, or the other way round.
const DIFFERENCE: &str = "SELECT count(*) FROM
  (SELECT customer_id, currency, count(*) AS orders, count(*) FILTER (WHERE status <> 'done') AS open_orders, sum(net_total) AS revenue
     FROM sales_order WHERE tenant_id = app.tenant() AND status IN ('confirmed', 'processing', 'done') GROUP BY 1, 2) o
  FULL JOIN (SELECT * FROM sales_customer_summary WHERE tenant_id = app.tenant()) s USING (customer_id, currency)
  WHERE (coalesce(o.orders, 0), coalesce(o.open_orders, 0), coalesce(o.revenue, 0)) IS DISTINCT FROM (coalesce(s.orders, 0), coalesce(s.open_orders, 0), coalesce(s.revenue, 0))";

/// Holds stock and orders; can be asked at any moment, as every answer is one snapshot.
pub(super) async fn stock_and_orders_agree(site: &Site, tenant: &Tenant) {
    assert_eq!(site.peek::<i64>(tenant, WRONG_STOCK).await, 0, "the stock is not the sum of its moves, or is promised twice");
    assert_eq!(site.peek::<i64>(tenant, HALF_DONE).await, 0, "orders are half done");
}

/// Waits until the relay has read the whole outbox, then holds that each event was applied once and its effect is there.
pub(super) async fn every_event_is_applied_once(site: &Site, tenant: &Tenant) {
    let started = Instant::now();
    while unread(site, tenant).await > 0 {
        assert!(started.elapsed() < PATIENCE, "{} rows of the outbox are not read", unread(site, tenant).await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let events: i64 =
        site.peek(tenant, &format!("SELECT count(*) FROM kernel.outbox WHERE tenant_id = app.tenant() AND kind = 'event' AND name IN {WANTED}")).await;
    let applied: i64 =
        site.peek(tenant, "SELECT count(*) FROM kernel_delivery WHERE tenant_id = app.tenant() AND consumer = 'sales.keep_customer_summary'").await;
    assert_eq!(applied, events, "each event is applied once");
    assert_eq!(site.peek::<i64>(tenant, "SELECT count(*) FROM kernel.delivery_failure").await, 0, "deliveries have failed");
    assert_eq!(site.peek::<i64>(tenant, DIFFERENCE).await, 0, "the customers' summaries are not those of their orders");
}

/// Rows of the outbox that the furthest behind of the consumers has before it.
async fn unread(site: &Site, tenant: &Tenant) -> i64 {
    site.peek(
        tenant,
        "SELECT count(*) FROM kernel.outbox o WHERE (o.xid, o.ordinal) > (SELECT c.xid, c.ordinal FROM kernel.outbox_cursor c ORDER BY c.xid, c.ordinal LIMIT 1)",
    )
    .await
}

/// How often a command was done on its own; each time tells its event once.
pub(super) async fn done(site: &Site, tenant: &Tenant, command: &str) -> i64 {
    site.peek(
        tenant,
        &format!("SELECT count(*) FROM kernel_audit WHERE tenant_id = app.tenant() AND command = '{command}' AND outcome = 'done' AND nested_in IS NULL"),
    )
    .await
}

pub(super) async fn told(site: &Site, tenant: &Tenant, event: &str) -> i64 {
    site.peek(tenant, &format!("SELECT count(*) FROM kernel.outbox WHERE tenant_id = app.tenant() AND kind = 'event' AND name = '{event}'")).await
}

/// Seals what the last minute brought and recomputes the whole chain; returns its length.
pub(super) async fn the_audit_chain_holds(site: &Site, tenant: &Tenant) -> i64 {
    let id = tenant.created.tenant;
    let verify = format!("SELECT kernel_verify_audit('{id}')");
    assert_eq!(site.peek::<Option<i64>>(tenant, &verify).await, None, "the chain is broken at this sequence");
    let mut tx = site.owner.begin(&tenant.schema, id, "test.seal").await.unwrap();
    while sqlx::query_scalar::<_, i32>("SELECT kernel_seal_audit($1, 10000)").bind(id).fetch_one(&mut *tx).await.unwrap() > 0 {}
    tx.commit().await.unwrap();
    assert_eq!(site.peek::<Option<i64>>(tenant, &verify).await, None, "the chain is broken at this sequence");
    let rows = "SELECT count(*) FROM kernel_audit WHERE tenant_id = app.tenant()";
    let sealed: i64 = site.peek(tenant, "SELECT max(sequence) FROM kernel_audit WHERE tenant_id = app.tenant()").await;
    assert_eq!(sealed, site.peek::<i64>(tenant, rows).await, "every row of the audit is in its chain");
    sealed
}
