//! Events are delivered and applied once: through the relay, across its restart, and after failures.

use crate::app::TestApp;
use crate::shop::Shop;
use chrono::TimeDelta;
use serde_json::json;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use steward_kernel::events::Delivery;
use steward_kernel::relay::{Relay, Settings};
use steward_kernel::work::Work;
use steward_kernel::{Error, Event, Module, Result, Subscription};
use tokio_util::sync::CancellationToken;

/// Customers whose summary is not what SQL says of their orders.
const DIFFERING: &str =
    "WITH wanted AS (SELECT customer_id, currency, count(*) AS orders, count(*) FILTER (WHERE status <> 'done') AS open_orders, sum(net_total) AS revenue
    FROM sales_order WHERE tenant_id = app.tenant() AND status IN ('confirmed', 'processing', 'done') GROUP BY 1, 2)
  SELECT count(*) FROM wanted w FULL JOIN (SELECT * FROM sales_customer_summary WHERE tenant_id = app.tenant()) s USING (customer_id, currency)
   WHERE (coalesce(w.orders, 0), coalesce(w.open_orders, 0), coalesce(w.revenue, 0)) IS DISTINCT FROM (s.orders, s.open_orders, s.revenue)";
const DELIVERED: &str = "SELECT count(*) FROM kernel_delivery WHERE tenant_id = app.tenant() AND consumer = 'sales.keep_customer_summary'";
const TOLD: &str = "SELECT count(*) FROM kernel.outbox WHERE tenant_id = app.tenant() AND kind = 'event' AND name IN
    ('sales.order.brought_in', 'sales.order.cancelled', 'sales.order.completed', 'sales.order.confirmed', 'sales.order.reopened')";

#[tokio::test]
async fn the_read_model_equals_what_sql_says_after_every_event_was_applied_once() {
    let shop = Shop::open().await;
    shop.receive("100").await;
    for round in 0..6 {
        let order = shop.quotation(&shop.admin, "2").await;
        let confirmed = shop.app.run(&shop.admin, "sales.order.confirm", json!({ "order": order })).await;
        match round {
            1 => drop(shop.app.kernel.undo(&shop.admin.principal, confirmed.execution).await.unwrap()),
            2 => drop(shop.app.run(&shop.admin, "sales.order.cancel", json!({ "order": order })).await),
            _ => {}
        }
    }
    assert!(shop.app.drain().await >= 8);
    let (differing, delivered, told): (i64, i64, i64) =
        (shop.app.peek(&shop.tenant, DIFFERING).await, shop.app.peek(&shop.tenant, DELIVERED).await, shop.app.peek(&shop.tenant, TOLD).await);
    assert_eq!((differing, delivered), (0, told));
    assert_eq!(told, 8);
    assert_eq!(shop.app.drain().await, 0, "what was applied is not applied again");
    let summary = shop.app.get(&shop.admin, "sales/customer_summaries").await.items();
    assert_eq!((summary.len(), &summary[0]["orders"]), (1, &json!(4)), "{summary:?}");
    shop.app.close().await;
}

#[tokio::test]
async fn a_relay_that_ends_in_the_middle_is_taken_over_without_loss_or_repetition() {
    let shop = Shop::open().await;
    for _ in 0..15 {
        let order = shop.quotation(&shop.admin, "1").await;
        shop.app.run(&shop.admin, "sales.order.confirm", json!({ "order": order })).await;
    }
    for least in [1_i64, 4, 9] {
        let (relay, end) = (Relay::new(shop.app.kernel.clone()), CancellationToken::new());
        let running = shop.app.tasks.spawn(relay.run(end.clone()));
        while shop.app.peek::<i64>(&shop.tenant, DELIVERED).await < least {
            tokio::task::yield_now().await;
        }
        if least == 4 {
            // Not even asked: as a killed process ends.
            running.abort();
        }
        end.cancel();
        let _ = running.await;
    }
    shop.app.drain().await;
    let (differing, delivered): (i64, i64) = (shop.app.peek(&shop.tenant, DIFFERING).await, shop.app.peek(&shop.tenant, DELIVERED).await);
    assert_eq!((differing, delivered), (0, 15));
    shop.app.close().await;
}

static FAILING: AtomicBool = AtomicBool::new(true);
static APPLIED: AtomicU32 = AtomicU32::new(0);

struct Unlucky;

impl Subscription for Unlucky {
    const NAME: &'static str = "probe.unlucky";
    const EVENTS: &'static [&'static str] = &["sales.order.confirmed"];
    const DELIVERY: Delivery = Delivery::Transactional;
    async fn handle(event: Event, _: &mut Work) -> Result<()> {
        if FAILING.load(Ordering::SeqCst) {
            return Err(Error::internal(format!("cannot take {}", event.name)));
        }
        APPLIED.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

#[tokio::test]
async fn a_delivery_that_keeps_failing_holds_nobody_up_is_dead_in_the_end_and_can_be_retried() {
    let probe = Module::new("probe").depends(&["sales"]).subscribe::<Unlucky>();
    let shop = Shop::of(TestApp::with(vec![probe]).await).await;
    let relay = Relay::with(shop.app.kernel.clone(), Settings { attempts_max: 3, ..Settings::default() });
    let order = shop.quotation(&shop.admin, "1").await;
    // The preview says what would fail.
    let preview = shop.app.post(&shop.admin, &format!("sales/orders/{order}/confirm?preview=true"), &json!({})).await.ok();
    assert!(preview["warnings"].to_string().contains("probe.unlucky"), "{preview}");
    shop.app.run(&shop.admin, "sales.order.confirm", json!({ "order": order })).await;

    relay.drain().await.unwrap();
    let differing: i64 = shop.app.peek(&shop.tenant, DIFFERING).await;
    assert_eq!(differing, 0, "the other subscription goes on");
    let failure = async || -> (i32, bool) {
        sqlx::query_as("SELECT attempts, dead_at IS NOT NULL FROM kernel.delivery_failure").fetch_one(shop.app.owner.pool()).await.unwrap()
    };
    assert!(!failure().await.1);
    relay.drain().await.unwrap();
    assert!(!failure().await.1, "not before it is due");
    // A round that could not take the lead, because the last one's connection is still ending, tries nothing.
    while !failure().await.1 {
        assert!(failure().await.0 < 3);
        shop.app.clock.set(shop.app.clock.now() + TimeDelta::minutes(10));
        relay.drain().await.unwrap();
    }

    let report = shop.app.get(&shop.admin, "platform/reports/deliveries").await.ok();
    assert!(report["rows"].to_string().contains("probe.unlucky"), "{report}");
    FAILING.store(false, Ordering::SeqCst);
    shop.app.clock.set(shop.app.clock.now() + TimeDelta::minutes(10));
    relay.drain().await.unwrap();
    assert_eq!(APPLIED.load(Ordering::SeqCst), 0, "a dead one waits for a person");

    let named: String =
        sqlx::query_scalar("SELECT consumer || '/' || xid || '/' || ordinal FROM kernel.delivery_failure").fetch_one(shop.app.owner.pool()).await.unwrap();
    // Another tenant cannot reach it.
    let elsewhere = shop.app.tenant("elsewhere", steward_migrations::Placement::Pooled).await;
    let foreign = shop.app.admin(&elsewhere).await;
    shop.app.post(&foreign, "platform/settings/retry", &json!({ "delivery": named })).await.problem(404, "not_found");
    shop.app.post(&shop.admin, "platform/settings/retry", &json!({ "delivery": named })).await.ok();
    let waiting = async || -> i64 { sqlx::query_scalar("SELECT count(*) FROM kernel.delivery_failure").fetch_one(shop.app.owner.pool()).await.unwrap() };
    while waiting().await > 0 && APPLIED.load(Ordering::SeqCst) < 2 {
        relay.drain().await.unwrap();
    }
    let left = waiting().await;
    assert_eq!((APPLIED.load(Ordering::SeqCst), left), (1, 0));
    relay.drain().await.unwrap();
    assert_eq!(APPLIED.load(Ordering::SeqCst), 1);
    shop.app.close().await;
}
