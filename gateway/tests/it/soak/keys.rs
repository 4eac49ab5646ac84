//! The same idempotency key from many clients at once, over and over, while the server dies and is started again.
//!
//! When it dies is decided by how much was acknowledged, not by the clock: mostly in the middle of a key that all send.

use super::callers::{Call, Caller, Reply, Tally};
use super::{Dice, Shift, all};
use crate::site::{PATIENCE, Process, Site, Tenant};
use serde_json::{Value, json};
use steward_migrations::Placement;
use tokio::sync::watch;
use tokio::task::JoinSet;
use uuid::Uuid;

/// Clients that send each key.
const CLIENTS: usize = 8;
/// Keys that are on their way at the same time.
const GROUPS: usize = 3;
/// Answers between two deaths, at least and at most.
const BETWEEN: std::ops::Range<usize> = 20..260;

/// What the writes are about.
#[derive(Clone, Copy)]
struct Things {
    customer: Uuid,
    item: Uuid,
    warehouse: Uuid,
}

impl Things {
    async fn make(admin: &Caller, tenant: &Tenant) -> Self {
        let price = json!({ "amount": "18.00", "currency": "EUR" });
        let warehouse = json!({ "code": "M", "name": "Main", "company": tenant.created.company });
        Self {
            customer: admin.post("crm/parties", json!({ "name": "Customer", "is_customer": true, "currency": "EUR" })).await.id(),
            item: admin.post("inventory/items", json!({ "name": "Item", "sales_price": price })).await.id(),
            warehouse: admin.post("inventory/warehouses", warehouse).await.id(),
        }
    }

    /// Writes that would all show if they were done twice.
    fn write(self, key: &str, number: usize) -> Call {
        let call = match number % 3 {
            0 => Call::post("inventory/stock/receive", json!({ "item": self.item, "warehouse": self.warehouse, "quantity": "1", "reference": key })),
            1 => Call::post("crm/parties", json!({ "name": key, "is_customer": true, "allow_duplicate": true })),
            _ => {
                let lines = json!([{ "item": self.item, "quantity": { "value": "2", "unit": "pcs" } }]);
                Call::post("sales/orders", json!({ "customer": self.customer, "reference": key, "lines": lines, "allow_duplicate": true }))
            }
        };
        call.keyed(key)
    }
}

/// A client of a server that may be away.
#[derive(Clone)]
struct Stubborn {
    caller: Caller,
    answers: watch::Sender<usize>,
    /// How often a server became ready.
    starts: watch::Receiver<usize>,
}

impl Stubborn {
    /// Sends until there is an answer that decides.
    async fn send(&mut self, call: &Call) -> Reply {
        loop {
            match self.caller.try_send(call).await {
                Some(reply) if reply.status != 503 => {
                    self.answers.send_modify(|answers| *answers += 1);
                    return reply;
                }
                Some(_) => {}
                None => self.wait_for_a_server().await,
            }
        }
    }

    /// Nothing to wait for where only an old connection broke and the next server listens already.
    async fn wait_for_a_server(&mut self) {
        self.starts.mark_unchanged();
        if !self.caller.is_served().await {
            let started = tokio::time::timeout(PATIENCE, self.starts.changed()).await;
            assert!(matches!(started, Ok(Ok(()))), "no server was started");
        }
    }
}

/// What all clients were told of a key: the same, and only one of them that it was done for him.
#[track_caller]
fn all_agree(key: &str, replies: &[Value]) {
    let first = &replies[0];
    for reply in replies {
        assert_eq!((&reply["id"], &reply["execution"]), (&first["id"], &first["execution"]), "{key} was done twice");
    }
    // None at all where the answer to the one who did it was lost with the server.
    let done = replies.iter().filter(|reply| reply["replayed"] != true).count();
    assert!(done <= 1, "{key} was done {done} times");
}

/// One key after the other, each from all clients of the group at once.
async fn race(group: usize, clients: Stubborn, things: Things, shift: Shift) -> usize {
    let mut keys = 0;
    while !shift.is_over() {
        let key = format!("g{group}-{keys}");
        let call = things.write(&key, keys);
        let sends = (0..CLIENTS).map(|_| {
            let (mut client, call) = (clients.clone(), call.clone());
            async move { client.send(&call).await.json() }
        });
        let replies: Vec<Value> = futures::future::join_all(sends).await;
        all_agree(&key, &replies);
        // What is another write under the same key is refused, whatever happened meanwhile.
        let other = clients.clone().send(&things.write(&key, keys + 1)).await;
        assert_eq!((other.status, other.why().as_str()), (409, "idempotency_mismatch"), "{}", other.text);
        keys += 1;
    }
    keys
}

/// Ends the server as soon as it has answered often enough, and starts the next; returns the last and how many died.
async fn die_on(site: &Site, mut server: Process, answers: watch::Sender<usize>, starts: watch::Sender<usize>, shift: Shift) -> (Process, usize) {
    let (mut dice, mut told, mut deaths) = (Dice::new(0), answers.subscribe(), 0);
    loop {
        let goal = *told.borrow() + BETWEEN.start + dice.below(BETWEEN.len());
        if shift.or_end(told.wait_for(|answers| *answers >= goal)).await.is_none() {
            return (server, deaths);
        }
        drop(server);
        deaths += 1;
        server = site.serve().await;
        starts.send_modify(|starts| *starts += 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "lasts as long as it is told; `cargo xtask soak` runs it"]
async fn a_key_is_executed_once_however_many_send_it_and_however_often_the_server_dies() {
    let site = Site::open().await;
    let tenant = site.tenant("keys", Placement::Pooled).await;
    let server = site.serve().await;
    let tally = Tally::default();
    let caller = Caller::administrator(&site, &tenant, &tally).await;
    let things = Things::make(&caller, &tenant).await;

    let shift = Shift::begin();
    let (answers, starts) = (watch::Sender::new(0), watch::Sender::new(0));
    let clients = Stubborn { caller, answers: answers.clone(), starts: starts.subscribe() };
    let mut groups = JoinSet::new();
    for group in 0..GROUPS {
        groups.spawn(race(group, clients.clone(), things, shift));
    }
    let (_server, deaths) = die_on(&site, server, answers, starts, shift).await;
    let (mut keys, mut by_kind) = (0, [0_i64; 3]);
    for done in all(groups).await {
        keys += done;
        (0..done).for_each(|number| by_kind[number % 3] += 1);
    }

    println!("soak keys: {keys} keys from {CLIENTS} clients each, the server died {deaths} times");
    tally.close("keys", shift, &site, &[(409, "idempotency_mismatch"), (503, "busy")]);
    assert!(keys > 0 && deaths > 0, "too short to show anything: {keys} keys, {deaths} deaths");
    for (what, expected) in [
        ("inventory_move WHERE kind = 'receipt' AND tenant_id = app.tenant()", by_kind[0]),
        ("crm_party WHERE name LIKE 'g%-%' AND tenant_id = app.tenant()", by_kind[1]),
        ("sales_order WHERE reference LIKE 'g%-%' AND tenant_id = app.tenant()", by_kind[2]),
        ("kernel_idempotency WHERE tenant_id = app.tenant()", keys as i64),
        ("kernel_idempotency WHERE tenant_id = app.tenant() AND result IS NULL", 0),
        ("inventory_check()", 0),
    ] {
        assert_eq!(site.peek::<i64>(&tenant, &format!("SELECT count(*) FROM {what}")).await, expected, "{what}");
    }
    let twice = "SELECT count(*) FROM (SELECT reference FROM inventory_move WHERE tenant_id = app.tenant() GROUP BY 1 HAVING count(*) > 1) t";
    assert_eq!(site.peek::<i64>(&tenant, twice).await, 0, "goods of one key came in twice");
    site.owner.close().await;
}
