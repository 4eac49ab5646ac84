//! A working day in a minute: many people read, search, write, look at pages and log in, all at once.

use super::books::{every_event_is_applied_once, stock_and_orders_agree, the_audit_chain_holds};
use super::callers::{Call, Caller, Tally};
use super::{Dice, Shift, all};
use crate::site::{Site, Tenant};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use steward_migrations::Placement;
use tokio::task::JoinSet;
use uuid::Uuid;

const CLIENTS: usize = 16;
const PARTIES: usize = 300;
const ITEMS: usize = 60;
const ORDERS: usize = 200;
/// What the design allows a server; the memory is that of a build without optimisations.
const CONNECTIONS_MAX: i64 = 50;
const MEMORY_MB: u64 = 256;
/// Requests of one client between two looks at the memory.
const SAMPLE_EVERY: usize = 50;

struct Day {
    tenant: Tenant,
    admin: Caller,
    parties: Vec<Uuid>,
    items: Vec<Uuid>,
    warehouse: Uuid,
    orders: Mutex<Vec<Uuid>>,
    email: String,
}

impl Day {
    async fn prepare(site: &Site, tenant: Tenant, tally: &Tally) -> Self {
        let admin = Caller::administrator(site, &tenant, tally).await;
        let parties = many(
            &admin,
            "crm/parties/create",
            (0..PARTIES).map(|n| json!({ "name": format!("{} {n}", NAMES[n % NAMES.len()]), "is_customer": true, "currency": "EUR" })),
        )
        .await;
        let price = json!({ "amount": "18.00", "currency": "EUR" });
        let items = many(&admin, "inventory/items/create", (0..ITEMS).map(|n| json!({ "name": format!("Item {n}"), "sales_price": price }))).await;
        let warehouse = admin.post("inventory/warehouses", json!({ "code": "M", "name": "Main", "company": tenant.created.company })).await.id();
        many(&admin, "inventory/stock/receive", items.iter().map(|item| json!({ "item": item, "quantity": "5000" }))).await;
        let email = format!("ada@{}.example", tenant.slug);
        let day = Self { tenant, admin, parties, items, warehouse, orders: Mutex::default(), email };
        let mut dice = Dice::new(usize::MAX);
        let orders: Vec<Value> = (0..ORDERS).map(|_| day.order(&mut dice)).collect();
        *day.orders.lock().unwrap() = many(&day.admin, "sales/orders/create", orders.into_iter()).await;
        day
    }

    fn order(&self, dice: &mut Dice) -> Value {
        let line = |dice: &mut Dice| json!({ "item": dice.of(&self.items), "quantity": { "value": (1 + dice.below(5)).to_string(), "unit": "pcs" } });
        let lines: Vec<Value> = (0..1 + dice.below(3)).map(|_| line(dice)).collect();
        json!({ "customer": dice.of(&self.parties), "lines": lines, "allow_duplicate": true })
    }

    fn some_order(&self, dice: &mut Dice) -> Uuid {
        dice.of(&self.orders.lock().unwrap())
    }

    /// What somebody does next. Of a hundred: 62 questions to the API, 18 pages, 19 writes, one log-in.
    async fn act(&self, dice: &mut Dice) {
        let admin = &self.admin;
        match dice.below(100) {
            0..14 => drop(admin.read(dice.of(LISTS)).await),
            14..26 => {
                let order = format!("sales/orders/{}", self.some_order(dice));
                let party = format!("crm/parties/{}", dice.of(&self.parties));
                drop(admin.read(if dice.below(2) == 0 { &order } else { &party }).await);
            }
            26..42 => {
                let prefix: String = dice.of(NAMES).chars().take(1 + dice.below(4)).collect();
                drop(admin.read(&format!("crm/parties?filter[name][starts]={prefix}&limit=20")).await);
            }
            42..50 => drop(admin.read(dice.of(AGGREGATES)).await),
            50..58 => drop(admin.read(dice.of(REPORTS)).await),
            58..60 => drop(admin.read("sales/orders/export").await),
            60..62 => drop(admin.read("me").await),
            62..76 => drop(admin.send(&Call::get(dice.of(PAGES))).await),
            76..80 => drop(admin.send(&Call::get(format!("/app/sales/orders/{}", self.some_order(dice)))).await),
            80..85 => drop(admin.post("crm/parties", json!({ "name": format!("{} new", dice.of(NAMES)), "is_customer": true, "allow_duplicate": true })).await),
            85..91 => {
                let reply = admin.post("sales/orders", self.order(dice)).await;
                if reply.is_good() {
                    self.orders.lock().unwrap().push(reply.id());
                }
            }
            91..96 => drop(admin.post(&format!("sales/orders/{}/confirm", self.some_order(dice)), json!({})).await),
            96..98 => drop(admin.post(&format!("sales/orders/{}/complete", self.some_order(dice)), json!({})).await),
            98 => drop(admin.post("inventory/stock/receive", json!({ "item": dice.of(&self.items), "warehouse": self.warehouse, "quantity": "20" })).await),
            _ => drop(admin.try_log_in(&self.tenant, &self.email).await),
        }
    }
}

const NAMES: &[&str] = &["Alfreds", "Berglunds", "Blauer See", "Ernst", "Frankenversand", "Königlich", "Lehmanns", "Ottilies", "QUICK", "Toms", "Wartian"];
const LISTS: &[&str] = &[
    "sales/orders?limit=50",
    "sales/orders?sort=-net_total&limit=50",
    "sales/orders?filter[status]=confirmed&limit=50&count=true",
    "crm/parties?limit=50&sort=name",
    "inventory/items?limit=50&sort=name",
    "inventory/stock?limit=50",
    "inventory/moves?limit=50",
    "sales/lines?limit=50",
];
const AGGREGATES: &[&str] = &[
    "sales/orders/aggregate?measure=count&group=status",
    "sales/orders/aggregate?measure=revenue&group=customer&limit=20",
    "inventory/moves/aggregate?measure=quantity_moved&group=item&limit=20",
];
const REPORTS: &[&str] = &["sales/reports/backlog", "inventory/reports/reorder", "inventory/reports/on_hand"];
const PAGES: &[&str] =
    &["/", "/app/sales/orders", "/app/crm/parties", "/app/inventory/items", "/app/sales/orders/new", "/app/reports/sales.backlog", "/app/chat"];

/// Makes many records in one request.
async fn many(admin: &Caller, path: &str, rows: impl Iterator<Item = Value>) -> Vec<Uuid> {
    let told = admin.post(&format!("{path}/batch"), json!({ "rows": rows.collect::<Vec<_>>() })).await.json();
    let made = |result: &Value| Uuid::try_parse(result["ok"]["id"].as_str().unwrap_or_else(|| panic!("{result}"))).unwrap();
    told["results"].as_array().unwrap().iter().map(made).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "lasts as long as it is told; `cargo xtask soak` runs it"]
async fn a_working_day_of_many_ends_without_a_failure_and_with_everything_in_its_place() {
    let site = Site::open().await;
    let tenant = site.tenant("day", Placement::Pooled).await;
    let server = site.serve().await;
    let prepared = Day::prepare(&site, tenant.clone(), &Tally::default()).await;
    let tally = Tally::default();
    let day = Arc::new(Day { admin: Caller::administrator(&site, &tenant, &tally).await, ..prepared });
    // The first and then one for each so many requests of the first client, so that growth that does not end can be told from growth that does.
    let memory = Arc::new(Mutex::new(vec![server.memory()]));
    let server = Arc::new(server);

    let shift = Shift::begin();
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let (day, mut dice, mut sent) = (Arc::clone(&day), Dice::new(client), 0);
        let (server, memory) = (Arc::clone(&server), Arc::clone(&memory));
        clients.spawn(async move {
            while !shift.is_over() {
                day.act(&mut dice).await;
                sent += 1;
                if client == 0 && sent % SAMPLE_EVERY == 0 {
                    memory.lock().unwrap().push(server.memory());
                }
            }
        });
    }
    all(clients).await;
    let (after, connections) = (server.memory(), site.connections().await);

    // Where the system tells no memory there is nothing to print or to hold.
    let samples: Vec<u64> = memory.lock().unwrap().iter().copied().chain([after]).flatten().collect();
    println!("soak load: memory in MB from the beginning to the end: {samples:?}");
    let most = samples.iter().max().copied().unwrap_or_default();
    assert!(most < 4 * MEMORY_MB, "the server had {most} MB: far beyond the {MEMORY_MB} MB that it is made for");
    println!("soak load: {connections} connections, {} deadlocks resolved", site.deadlocks().await);
    // What the state of an order does not allow any more is no failure; a wait or a failure of the server is.
    tally.close("load", shift, &site, &[(409, "conflict sales.")]);
    assert!((1..CONNECTIONS_MAX).contains(&connections), "{connections} connections");
    every_event_is_applied_once(&site, &tenant).await;
    stock_and_orders_agree(&site, &tenant).await;
    println!("soak load: {} rows in the chain of the audit", the_audit_chain_holds(&site, &tenant).await);
    assert_eq!(site.failures(), "", "the server logged failures");
    site.owner.close().await;
}
