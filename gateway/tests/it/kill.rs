//! `kill -9` in a loop: the program as it is started by people, killed in the middle of imports and of mixed writes, and
//! started again. Run with the tier `full` (`cargo xtask full`).
//!
//! When it is killed is decided by how many writes were acknowledged, not by the clock, so that no machine is too slow.

mod proposals;

use crate::app::PASSWORD;
use crate::company::Files;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use steward_gateway::compose::modules;
use steward_kernel::ids;
use steward_migrations::test_database::TestDatabase;
use steward_migrations::{Administrator, Contents, Created, NewTenant, Owner, POOLED, create_tenant};
use tokio::task::JoinSet;
use uuid::Uuid;

const ROUNDS: u64 = 12;
const CLIENTS: usize = 4;
const ORDERS: usize = 1_200;
const PARTIES: usize = 3_000;
const PATIENCE: Duration = Duration::from_secs(120);

/// A process that ends with its value, by `kill -9`.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A write that was sent, with what was acknowledged of it.
#[derive(Clone, Debug)]
struct Sent {
    key: String,
    path: String,
    body: Value,
    /// The id in the answer; `None` where no answer came.
    acknowledged: Option<Uuid>,
}

struct Place {
    database: TestDatabase,
    owner: Owner,
    tenant: Created,
    home: PathBuf,
    port: u16,
    client: reqwest::Client,
    token: String,
}

impl Place {
    async fn open() -> Self {
        let contents = Contents::of(&modules());
        let database = TestDatabase::create(&contents).await.unwrap();
        let owner = database.owner().await.unwrap();
        let administrator = Administrator { name: "Ada".into(), email: "ada@kill.example".into(), password: Some(PASSWORD.into()) };
        let tenant = create_tenant(&owner, &contents, NewTenant { administrator, ..NewTenant::new("kill", "Kill") }).await.unwrap();
        let home = std::env::temp_dir().join(format!("steward-kill-{}", ids::fresh().simple()));
        std::fs::create_dir_all(&home).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let client = reqwest::Client::builder().timeout(PATIENCE).build().unwrap();
        Self { database, owner, tenant, home, port, client, token: String::new() }
    }

    fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_steward"));
        // What is meant for the tests is no key of the configuration.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("STEWARD_")) {
            command.env_remove(name);
        }
        command.args(arguments).env("DATABASE_URL", self.database.url()).env("STEWARD_SERVER__HOME", &self.home);
        command.env("STEWARD_LOGGING__FILTER", "error").current_dir(&self.home).stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// `steward serve`, ready.
    async fn serve(&self) -> Process {
        // The one before was killed, which is not waited for: its lease on an import has lapsed.
        let mut tx = self.owner.begin(POOLED, self.tenant.tenant, "test.lapse").await.unwrap();
        sqlx::query("UPDATE kernel_import SET lease_until = now() - interval '1 second' WHERE state = 'running'").execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        let mut server = Process(self.program(&["serve", "--port", &self.port.to_string()]).spawn().unwrap());
        let started = Instant::now();
        loop {
            assert!(server.0.try_wait().unwrap().is_none(), "the server ended by itself");
            if self.client.get(self.url("/readyz")).send().await.is_ok_and(|answer| answer.status().is_success()) {
                return server;
            }
            assert!(started.elapsed() < PATIENCE, "the server did not become ready");
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    fn import(&self, folder: &Path) -> Process {
        let mapping = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/northwind.toml");
        let mut command = self.program(&["import", "--tenant", "kill", "--mapping"]);
        Process(command.arg(mapping).arg(folder).stderr(Stdio::null()).spawn().unwrap())
    }

    async fn log_in(&mut self) {
        let body = json!({ "tenant": "kill", "email": "ada@kill.example", "password": PASSWORD });
        let told: Value = self.client.post(self.url("/api/v1/auth/login")).json(&body).send().await.unwrap().json().await.unwrap();
        self.token = told["access_token"].as_str().unwrap_or_else(|| panic!("{told}")).to_owned();
    }

    async fn peek<V>(&self, sql: &str) -> V
    where
        V: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        let mut tx = self.owner.begin(POOLED, self.tenant.tenant, "test.peek").await.unwrap();
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(&mut *tx).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Records that the imports have brought in so far.
    async fn imported(&self) -> i64 {
        self.peek("SELECT (SELECT count(*) FROM sales_order WHERE number LIKE 'K-%') + (SELECT count(*) FROM crm_party WHERE code LIKE 'P-%')").await
    }

    fn writer(&self) -> Writer {
        Writer { base: self.url(""), client: self.client.clone(), token: self.token.clone() }
    }
}

#[derive(Clone)]
struct Writer {
    base: String,
    client: reqwest::Client,
    token: String,
}

impl Writer {
    /// The answer's status and body; `None` where the connection broke.
    async fn send(&self, sent: &Sent) -> Option<(u16, Value)> {
        let request = self.client.post(format!("{}/api/v1/{}", self.base, sent.path)).bearer_auth(&self.token);
        let response = request.header("Idempotency-Key", &sent.key).json(&sent.body).send().await.ok()?;
        let status = response.status().as_u16();
        Some((status, response.json().await.ok()?))
    }

    async fn write(&self, key: &str, path: &str, body: Value) -> Sent {
        let mut sent = Sent { key: key.to_owned(), path: path.to_owned(), body, acknowledged: None };
        if let Some((status, body)) = self.send(&sent).await {
            assert!((200..300).contains(&status) || status == 503, "{path} was answered with {status}: {body}");
            sent.acknowledged = (status != 503).then(|| Uuid::try_parse(body["id"].as_str().unwrap_or_else(|| panic!("{body}"))).unwrap());
        }
        sent
    }
}

/// What the clients write about.
#[derive(Clone, Copy)]
struct Things {
    customer: Uuid,
    item: Uuid,
    warehouse: Uuid,
}

/// Writes until the connection breaks: parties, goods received, orders that become quotations and are confirmed.
async fn write_on(writer: Writer, name: String, things: Things, acknowledged: Arc<AtomicUsize>) -> Vec<Sent> {
    let mut all: Vec<Sent> = Vec::new();
    for n in 0.. {
        let key = format!("{name}-{n}");
        let confirmable = || all.iter().rev().find(|sent| sent.path == "sales/orders").and_then(|sent| sent.acknowledged);
        let (path, body) = match n % 4 {
            0 => ("crm/parties".to_owned(), json!({ "name": format!("Party {key}"), "is_customer": true, "allow_duplicate": true })),
            1 => ("inventory/stock/receive".to_owned(), json!({ "item": things.item, "warehouse": things.warehouse, "quantity": "3" })),
            2 => {
                let lines: Vec<Value> =
                    (1..4).map(|quantity| json!({ "item": things.item, "quantity": { "value": quantity.to_string(), "unit": "pcs" } })).collect();
                ("sales/orders".to_owned(), json!({ "customer": things.customer, "reference": key, "lines": lines, "allow_duplicate": true }))
            }
            _ => match confirmable() {
                Some(order) => (format!("sales/orders/{order}/confirm"), json!({})),
                None => continue,
            },
        };
        let sent = writer.write(&key, &path, body).await;
        let broke = sent.acknowledged.is_none();
        all.push(sent);
        if broke {
            break;
        }
        acknowledged.fetch_add(1, Ordering::Relaxed);
    }
    all
}

/// Sends a file again and again until the connection breaks or all of it is in.
async fn import_parties(writer: Writer) {
    let mut file = "code,name,is_customer\n".to_owned();
    for n in 0..PARTIES {
        file.push_str(&format!("P-{n},Imported {n},true\n"));
    }
    let request = writer.client.post(format!("{}/api/v1/crm/parties/import?key=code", writer.base)).bearer_auth(&writer.token);
    if let Ok(answer) = request.header("Content-Type", "text/csv").body(file).send().await {
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap_or_default());
    }
}

async fn things(place: &Place) -> Things {
    let writer = place.writer();
    let made = |sent: Sent| sent.acknowledged.unwrap();
    let price = json!({ "amount": "18.00", "currency": "EUR" });
    let warehouse = json!({ "code": "OURS", "name": "Ours", "company": place.tenant.company });
    Things {
        customer: made(writer.write("customer", "crm/parties", json!({ "name": "Customer", "is_customer": true, "currency": "EUR" })).await),
        item: made(writer.write("item", "inventory/items", json!({ "name": "Item", "sales_price": price })).await),
        warehouse: made(writer.write("warehouse", "inventory/warehouses", warehouse).await),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes; the tier `full` runs it"]
async fn kill_nine_loses_nothing_that_was_acknowledged_and_leaves_nothing_half_done() {
    let mut place = Place::open().await;
    let files = Files::many(ORDERS);
    let first = place.serve().await;
    place.log_in().await;
    let things = things(&place).await;
    drop(first);

    let mut all: Vec<Sent> = Vec::new();
    let (mut random, mut cut_short) = (0x5eed_u64, 0);
    for round in 0..ROUNDS {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let goal = 5 + (random >> 33) as usize % 250;
        let server = place.serve().await;
        let importing = place.import(&files.folder);
        let acknowledged = Arc::new(AtomicUsize::new(0));
        let mut clients = JoinSet::new();
        for client in 0..CLIENTS {
            clients.spawn(write_on(place.writer(), format!("r{round}-c{client}"), things, Arc::clone(&acknowledged)));
        }
        let parties = import_parties(place.writer());
        let imported = place.imported().await;
        let wait = async {
            let started = Instant::now();
            // By turns: in the middle of the writes, and as soon as the imports have got on.
            let by_import = round % 2 == 1 && imported < ORDERS as i64 + PARTIES as i64;
            while acknowledged.load(Ordering::Relaxed) < if by_import { 5 } else { goal } || (by_import && place.imported().await == imported) {
                assert!(started.elapsed() < PATIENCE, "the writes do not get on");
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            drop(server);
            drop(importing);
        };
        tokio::join!(wait, parties);
        while let Some(sent) = clients.join_next().await {
            all.extend(sent.unwrap());
        }
        let now = place.imported().await;
        cut_short += usize::from(now > imported && now < ORDERS as i64 + PARTIES as i64);
    }

    assert!(cut_short > 0, "no import was cut short: the files are too small for this machine");
    let _server = place.serve().await;
    nothing_was_lost(&place, &all).await;
    everything_sent_again_is_there_once(&place, &mut all).await;
    let mut importing = place.import(&files.folder);
    import_parties(place.writer()).await;
    assert!(importing.0.wait().unwrap().success(), "what is left of the import comes in");
    nothing_is_half_done(&place).await;
    every_event_was_delivered_once(&place).await;
    std::fs::remove_dir_all(&place.home).unwrap();
    place.owner.close().await;
}

/// Before anything is sent again: every acknowledged write is there, under the id that was told.
async fn nothing_was_lost(place: &Place, all: &[Sent]) {
    assert!(all.iter().filter(|sent| sent.acknowledged.is_some()).count() > 100, "too little was acknowledged for the test to mean anything");
    for sent in all {
        let Some(id) = sent.acknowledged else { continue };
        let found = match sent.path.as_str() {
            "crm/parties" => format!("crm_party WHERE id = '{id}' AND name = 'Party {}'", sent.key),
            "sales/orders" => format!("sales_order WHERE id = '{id}' AND reference = '{}' AND line_count = 3", sent.key),
            "inventory/stock/receive" => format!("kernel_idempotency WHERE key = '{}' AND result IS NOT NULL", sent.key),
            _ => format!("sales_order WHERE id = '{id}' AND status = 'confirmed'"),
        };
        let count: i64 = place.peek(&format!("SELECT count(*) FROM {found}")).await;
        assert_eq!(count, 1, "{} was acknowledged and is lost: {found}", sent.path);
    }
}

/// With the same keys: what was done answers with the same record, what was not is done now; nothing is there twice.
async fn everything_sent_again_is_there_once(place: &Place, all: &mut [Sent]) {
    let writer = place.writer();
    for sent in all.iter_mut() {
        let (status, body) = writer.send(sent).await.unwrap();
        assert!((200..300).contains(&status), "{} again: {status} {body}", sent.path);
        let id = Uuid::try_parse(body["id"].as_str().unwrap()).unwrap();
        match sent.acknowledged {
            Some(acknowledged) => assert_eq!((id, body["replayed"].as_bool()), (acknowledged, Some(true)), "{} was done twice", sent.path),
            None => sent.acknowledged = Some(id),
        }
    }
    let count = |path: &str| all.iter().filter(|sent| sent.path == path).count() as i64;
    let confirmed = all.iter().filter(|sent| sent.path.ends_with("/confirm")).count() as i64;
    for (what, expected) in [
        ("crm_party WHERE name LIKE 'Party r%'", count("crm/parties")),
        ("sales_order WHERE reference LIKE 'r%'", count("sales/orders")),
        ("inventory_move WHERE kind = 'receipt'", count("inventory/stock/receive")),
        ("sales_order WHERE reference LIKE 'r%' AND status = 'confirmed'", confirmed),
        ("kernel_audit WHERE command = 'sales.order.confirm' AND outcome = 'done' AND nested_in IS NULL", confirmed),
        ("kernel_audit WHERE command = 'inventory.stock.receive' AND outcome = 'done' AND nested_in IS NULL", count("inventory/stock/receive")),
    ] {
        assert_eq!(place.peek::<i64>(&format!("SELECT count(*) FROM {what}")).await, expected, "{what}");
    }
}

async fn nothing_is_half_done(place: &Place) {
    for (what, expected) in [
        (
            "sales_order o, LATERAL (SELECT coalesce(sum(l.amount), 0) AS total, count(*) AS lines FROM sales_line l WHERE l.tenant_id = o.tenant_id AND l.order_id = o.id) s
              WHERE o.net_total <> s.total OR o.line_count <> s.lines",
            0,
        ),
        ("inventory_check()", 0),
        ("sales_order WHERE number LIKE 'K-%'", ORDERS as i64),
        ("sales_order WHERE number LIKE 'K-%' AND line_count <> 2", 0),
        ("crm_party WHERE code LIKE 'P-%'", PARTIES as i64),
        (
            "sales_order o WHERE o.status = 'confirmed' AND o.number NOT LIKE 'K-%' AND NOT EXISTS (SELECT FROM kernel.outbox e WHERE e.entity_id = o.id AND e.name = 'sales.order.confirmed')",
            0,
        ),
        ("sales_order o WHERE NOT EXISTS (SELECT FROM kernel_change c WHERE c.tenant_id = o.tenant_id AND c.entity_id = o.id AND c.version = o.version)", 0),
        ("kernel_idempotency WHERE result IS NULL", 0),
    ] {
        assert_eq!(place.peek::<i64>(&format!("SELECT count(*) FROM {what}")).await, expected, "{what}");
    }
}

/// What the subscription should have made of the orders, and has not, or the other way round.
const DIFFERENCE: &str = "SELECT count(*) FROM
  (SELECT customer_id, currency, count(*) AS orders, count(*) FILTER (WHERE status <> 'done') AS open_orders, sum(net_total) AS revenue
     FROM sales_order WHERE status IN ('confirmed', 'processing', 'done') GROUP BY 1, 2) o
  FULL JOIN sales_customer_summary s USING (customer_id, currency)
  WHERE (o.orders, o.open_orders, o.revenue) IS DISTINCT FROM (s.orders, s.open_orders, s.revenue)";

/// Events that the subscription asked for and that are not noted as applied.
const UNDELIVERED: &str = "SELECT count(*) FROM kernel.outbox e
  WHERE e.kind = 'event' AND e.name IN ('sales.order.brought_in', 'sales.order.cancelled', 'sales.order.completed', 'sales.order.confirmed', 'sales.order.reopened')
    AND NOT EXISTS (SELECT FROM kernel_delivery d WHERE d.tenant_id = e.tenant_id AND d.consumer = 'sales.keep_customer_summary' AND d.xid = e.xid AND d.ordinal = e.ordinal)";

async fn every_event_was_delivered_once(place: &Place) {
    let started = Instant::now();
    while place.peek::<i64>(UNDELIVERED).await > 0 {
        assert!(started.elapsed() < PATIENCE, "events were not delivered");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(place.peek::<i64>(DIFFERENCE).await, 0, "the customers' summaries are not those of their orders");
    let deliveries: i64 = place.peek("SELECT count(*) FROM kernel_delivery WHERE consumer = 'sales.keep_customer_summary'").await;
    let events: i64 = place
        .peek("SELECT count(*) FROM kernel.outbox WHERE kind = 'event' AND name IN ('sales.order.brought_in', 'sales.order.cancelled', 'sales.order.completed', 'sales.order.confirmed', 'sales.order.reopened')")
        .await;
    assert_eq!(deliveries, events, "each event is applied once");
    assert_eq!(place.peek::<i64>("SELECT count(*) FROM kernel.delivery_failure").await, 0, "no delivery has failed");
}
