//! Many clients confirm, cancel, reopen and complete the same few orders over the same few items, while goods come and go.

use super::books::{self, every_event_is_applied_once, stock_and_orders_agree};
use super::callers::{Call, Caller, Tally, reason};
use super::{Dice, Shift, all};
use crate::site::{Site, Tenant};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use steward_migrations::Placement;
use tokio::sync::watch;
use tokio::task::JoinSet;
use uuid::Uuid;

const CLIENTS: usize = 12;
const ITEMS: usize = 4;
/// Orders that are argued about at the same time.
const ORDERS: usize = 24;
/// The books are looked at each time that so many commands more were done.
const LOOK_EVERY: u64 = 40;

/// Commands on an order with the event that each tells; a word stands here as often as it is to be sent.
const ON_ORDER: &[(&str, &str)] = &[
    ("confirm", "confirmed"),
    ("confirm", "confirmed"),
    ("confirm", "confirmed"),
    ("quote", "quoted"),
    ("cancel", "cancelled"),
    ("reopen", "reopened"),
    ("reopen", "reopened"),
    ("reserve", "reserved"),
    ("start", "started"),
    ("hold", "held"),
    ("complete", "completed"),
];

struct Shop {
    customers: Vec<Uuid>,
    items: Vec<Uuid>,
    warehouses: Vec<Uuid>,
    orders: Mutex<Vec<Uuid>>,
    /// How often each command was acknowledged, and all of them together.
    done: Mutex<BTreeMap<&'static str, i64>>,
    all: watch::Sender<u64>,
}

impl Shop {
    async fn open(admin: &Caller, tenant: &Tenant) -> Self {
        let mut shop =
            Self { customers: vec![], items: vec![], warehouses: vec![], orders: Mutex::default(), done: Mutex::default(), all: watch::Sender::new(0) };
        for n in 0..3 {
            shop.customers.push(admin.post("crm/parties", json!({ "name": format!("Customer {n}"), "is_customer": true, "currency": "EUR" })).await.id());
        }
        for n in 0..ITEMS {
            let price = json!({ "amount": "18.00", "currency": "EUR" });
            shop.items.push(admin.post("inventory/items", json!({ "name": format!("Item {n}"), "sales_price": price })).await.id());
        }
        for code in ["A", "B"] {
            let warehouse = json!({ "code": code, "name": code, "company": tenant.created.company });
            shop.warehouses.push(admin.post("inventory/warehouses", warehouse).await.id());
        }
        let mut dice = Dice::new(usize::MAX);
        for _ in 0..ORDERS {
            shop.create(admin, &mut dice).await;
        }
        for item in &shop.items {
            shop.goods(admin, "receive", "30", *item, shop.warehouses[0]).await;
        }
        shop
    }

    fn note(&self, command: &'static str) {
        *self.done.lock().unwrap().entry(command).or_default() += 1;
        self.all.send_modify(|all| *all += 1);
    }

    /// Each command, and enough for a look at the books meanwhile.
    fn has_done_everything(&self) -> bool {
        let done = self.done.lock().unwrap();
        *self.all.borrow() > 2 * LOOK_EVERY && ON_ORDER.iter().all(|(word, _)| done.contains_key(command(word)))
    }

    async fn create(&self, admin: &Caller, dice: &mut Dice) {
        // In any order and twice: whoever locks the items must bring them into an order of his own.
        let line = |dice: &mut Dice| json!({ "item": dice.of(&self.items), "quantity": { "value": (1 + dice.below(4)).to_string(), "unit": "pcs" } });
        let lines: Vec<Value> = (0..1 + dice.below(4)).map(|_| line(dice)).collect();
        let order = json!({ "customer": dice.of(&self.customers), "lines": lines, "allow_duplicate": true });
        let reply = admin.post("sales/orders", order).await;
        if reply.is_good() {
            self.note("sales.order.create");
            let (id, mut orders) = (reply.id(), self.orders.lock().unwrap());
            if orders.len() < ORDERS { orders.push(id) } else { orders[dice.below(ORDERS)] = id }
        }
    }

    async fn goods(&self, admin: &Caller, word: &'static str, quantity: &str, item: Uuid, warehouse: Uuid) {
        let path = format!("inventory/stock/{word}");
        if admin.post(&path, json!({ "item": item, "warehouse": warehouse, "quantity": quantity })).await.is_good() {
            self.note(if word == "receive" { "inventory.stock.receive" } else { "inventory.stock.issue" });
        }
    }

    fn order(&self, dice: &mut Dice) -> Uuid {
        dice.of(&self.orders.lock().unwrap())
    }

    /// Several in one transaction, each with an answer of its own.
    async fn confirm_several(&self, admin: &Caller, tally: &Tally, dice: &mut Dice) {
        let rows: Vec<Value> = (0..4).map(|_| json!({ "order": self.order(dice) })).collect();
        let reply = admin.post("sales/orders/confirm/batch", json!({ "rows": rows })).await;
        for result in reply.json()["results"].as_array().unwrap() {
            match result.get("error") {
                None => self.note("sales.order.confirm"),
                Some(problem) => {
                    assert!(matches!(problem["status"].as_u64(), Some(409 | 503)), "{problem}");
                    tally.note_row(&reason(problem));
                }
            }
        }
    }

    async fn act(&self, admin: &Caller, tally: &Tally, dice: &mut Dice) {
        match dice.below(20) {
            0 => self.create(admin, dice).await,
            1 => self.confirm_several(admin, tally, dice).await,
            2..=4 => self.goods(admin, "receive", "3", dice.of(&self.items), dice.of(&self.warehouses)).await,
            5 => self.goods(admin, "issue", "2", dice.of(&self.items), dice.of(&self.warehouses)).await,
            _ => {
                let (word, _) = dice.of(ON_ORDER);
                if admin.send(&Call::post(&format!("sales/orders/{}/{word}", self.order(dice)), json!({}))).await.is_good() {
                    self.note(command(word));
                }
            }
        }
    }
}

fn command(word: &str) -> &'static str {
    match word {
        "confirm" => "sales.order.confirm",
        "quote" => "sales.order.quote",
        "cancel" => "sales.order.cancel",
        "reopen" => "sales.order.reopen",
        "reserve" => "sales.order.reserve",
        "start" => "sales.order.start",
        "hold" => "sales.order.hold",
        "complete" => "sales.order.complete",
        other => panic!("{other} is not sent"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "lasts as long as it is told; `cargo xtask soak` runs it"]
async fn stock_is_neither_promised_twice_nor_lost_under_many_hands() {
    let site = Site::open().await;
    let tenant = site.tenant("stock", Placement::Pooled).await;
    let _server = site.serve().await;
    let tally = Tally::default();
    let admin = Caller::administrator(&site, &tenant, &tally).await;
    let shop = Arc::new(Shop::open(&admin, &tenant).await);

    let shift = Shift::begin();
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let (shop, admin, tally, mut dice) = (Arc::clone(&shop), admin.clone(), tally.clone(), Dice::new(client));
        clients.spawn(async move {
            // On a slow machine longer than it is told: what was never done shows nothing.
            while !shift.is_over() || !shop.has_done_everything() {
                shop.act(&admin, &tally, &mut dice).await;
            }
        });
    }
    // Meanwhile, too: whoever looks sees nothing half done.
    let (mut done, mut looks) = (shop.all.subscribe(), 0);
    loop {
        let next = *done.borrow() + LOOK_EVERY;
        let wait = done.wait_for(|done| *done >= next);
        if looks == 0 {
            wait.await.unwrap();
        } else if shift.or_end(wait).await.is_none() {
            break;
        }
        stock_and_orders_agree(&site, &tenant).await;
        looks += 1;
    }
    all(clients).await;

    println!("soak stock: {looks} looks at the books, {} deadlocks resolved", site.deadlocks().await);
    // Refused is what the state of the orders and the stock does not allow; a deadlock or a wait is 503, nothing is 500.
    tally.close("stock", shift, &site, &[(409, "conflict"), (503, "busy")]);
    stock_and_orders_agree(&site, &tenant).await;
    every_event_is_applied_once(&site, &tenant).await;
    let done = shop.done.lock().unwrap().clone();
    for (command, acknowledged) in done {
        assert_eq!(books::done(&site, &tenant, command).await, acknowledged, "{command} was done as often as it was acknowledged");
    }
    for (word, event) in ON_ORDER {
        let (done, told) = (books::done(&site, &tenant, command(word)).await, books::told(&site, &tenant, &format!("sales.order.{event}")).await);
        assert!(done > 0, "{word} was never done, so nothing is shown of it");
        assert_eq!(told, done, "sales.order.{event} is told once for each {word}");
    }
    assert!(looks > 0, "nobody looked at the books meanwhile");
    site.owner.close().await;
}
