//! The benchmarks of a company of a million orders.

use super::client::{Call, Client};
use super::load::{self, Make, milliseconds};
use super::process::Process;
use super::seed::{self, ADMINISTRATOR, CUSTOMERS, Kind, LONE, ORDERS, PASSWORD, QUOTATIONS, SELLER, Seeded, TENANT};
use super::server::Serving;
use super::table::Table;
use anyhow::{Context, Result};
use serde_json::json;
use sqlx::PgConnection;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};
use steward_migrations::POOLED;
use uuid::Uuid;

const CLIENTS: [usize; 3] = [1, 4, 16];
const TIME: Duration = Duration::from_secs(4);
const SHORT: Duration = Duration::from_secs(3);
const DEPTH: u64 = 100_000;
/// Rows of a page in the deep descent; the largest that a list allows.
const STRIDE: u64 = 200;
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(30);
const ORDERS_PATH: &str = "/api/v1/sales/orders";

struct Bench<'a> {
    serving: &'a Serving,
    company: &'a Seeded,
    /// Of the administrator, who sees all.
    token: String,
    /// Of a seller, who sees his own.
    own: String,
    /// Numbers of requests; each benchmark that needs distinct records has its own.
    any: Arc<AtomicU64>,
    quotation: Arc<AtomicU64>,
    table: Table,
}

pub(super) async fn all(wanted: &(dyn Fn(&str) -> bool + Sync), serving: &Serving, company: &Seeded, table: Table) -> Result<Table> {
    let (token, own) = (log_in(serving, ADMINISTRATOR).await?, log_in(serving, SELLER).await?);
    let (any, quotation) = (Arc::default(), Arc::new(AtomicU64::new(LONE + 1)));
    let mut bench = Bench { serving, company, token, own, any, quotation, table };
    if wanted("list") {
        let list: Make = Arc::new(|_| Some(Call::get(format!("{ORDERS_PATH}?limit=25"))));
        bench.at_all_widths("list of 25 orders", &list).await?;
    }
    if wanted("detail") {
        let detail: Make = Arc::new(|n| Some(Call::get(format!("{ORDERS_PATH}/{}", order(1 + n * 7919 % ORDERS)))));
        bench.at_all_widths("detail of an order", &detail).await?;
    }
    if wanted("create") {
        let create: Make = Arc::new(|n| Some(create_party(n)));
        bench.at_all_widths("create a party", &create).await?;
    }
    if wanted("confirm") {
        bench.confirm().await?;
    }
    if wanted("depth") {
        bench.depth().await?;
    }
    if wanted("scope") {
        bench.scope().await?;
    }
    if wanted("outbox") {
        bench.outbox().await?;
    }
    if wanted("memory") {
        bench.memory().await?;
    }
    Ok(bench.table)
}

pub(super) async fn log_in(serving: &Serving, email: &str) -> Result<String> {
    let mut client = Client::connect(serving.address, "").await?;
    let told = client.json(&Call::post("/api/v1/auth/login", json!({ "tenant": TENANT, "email": email, "password": PASSWORD }))).await?;
    Ok(told["access_token"].as_str().context("a log-in without a token")?.to_owned())
}

fn order(n: u64) -> Uuid {
    seed::id(Kind::Order, n)
}

fn create_party(n: u64) -> Call {
    // Names that share no beginning, so that the search for duplicates finds nothing to compare.
    let name = format!("{:016x} Ltd", n.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    Call::post("/api/v1/crm/parties", json!({ "name": name, "is_customer": true, "currency": "EUR" }))
}

fn confirm(n: u64) -> Call {
    Call::post(format!("{ORDERS_PATH}/{}/confirm", order(n)), json!({}))
}

impl Bench<'_> {
    async fn at_all_widths(&mut self, name: &str, make: &Make) -> Result<()> {
        for clients in CLIENTS {
            let found = load::run(self.serving, &self.token, clients, TIME, &self.any, Arc::clone(make)).await?;
            self.table.add(name, clients, &found);
        }
        Ok(())
    }

    async fn confirm(&mut self) -> Result<()> {
        let make: Make = Arc::new(|n| (n <= QUOTATIONS).then(|| confirm(n)));
        for clients in CLIENTS {
            let found = load::run(self.serving, &self.token, clients, TIME, &self.quotation, Arc::clone(&make)).await?;
            self.table.add("confirm an order", clients, &found);
        }
        Ok(())
    }

    /// A page at the start and behind many rows, in two orders.
    async fn depth(&mut self) -> Result<()> {
        for sort in ["-order_date", "-net_total"] {
            let path = format!("{ORDERS_PATH}?limit=25&sort={sort}");
            let first: Make = {
                let path = path.clone();
                Arc::new(move |_| Some(Call::get(path.clone())))
            };
            let found = load::run(self.serving, &self.token, 1, SHORT, &self.any, first).await?;
            self.table.add(&format!("list by {sort}, first page"), 1, &found);
            let cursor = self.descend(sort).await?;
            let deep: Make = Arc::new(move |_| Some(Call::get(format!("{path}&cursor={cursor}"))));
            let found = load::run(self.serving, &self.token, 1, SHORT, &self.any, deep).await?;
            self.table.add(&format!("list by {sort}, {DEPTH} rows deep"), 1, &found);
        }
        Ok(())
    }

    async fn descend(&self, sort: &str) -> Result<String> {
        let mut client = Client::connect(self.serving.address, &self.token).await?;
        let mut cursor = String::new();
        for _ in 0..DEPTH / STRIDE {
            let page = client.json(&Call::get(format!("{ORDERS_PATH}?limit={STRIDE}&sort={sort}&fields=number&cursor={cursor}"))).await?;
            cursor = page["next"].as_str().context("the list is too short")?.to_owned();
        }
        Ok(cursor)
    }

    /// The same questions of somebody who sees his own orders and of somebody who sees all.
    async fn scope(&mut self) -> Result<()> {
        let questions = [
            ("page", format!("{ORDERS_PATH}?limit=25")),
            ("page with count", format!("{ORDERS_PATH}?limit=25&count=true")),
            ("count of all by aggregate", format!("{ORDERS_PATH}/aggregate?measure=count")),
        ];
        for (what, path) in questions {
            for (scope, token) in [("own", self.own.clone()), ("tenant", self.token.clone())] {
                let path = path.clone();
                let make: Make = Arc::new(move |_| Some(Call::get(path.clone())));
                let found = load::run(self.serving, &token, 1, SHORT, &self.any, make).await?;
                self.table.add(&format!("{what}, scope {scope} of {ORDERS}"), 1, &found);
            }
        }
        Ok(())
    }

    /// From the answer to a confirmation, which is its commit, to what its subscription wrote.
    async fn outbox(&mut self) -> Result<()> {
        let half = LONE / 2;
        let idle = self.lags(1..=half).await?;
        self.table.times("outbox lag, commit to delivered", &idle);
        let create: Make = Arc::new(|n| Some(create_party(n)));
        let load = load::run(self.serving, &self.token, 4, TIME, &self.any, create);
        let (busy, loaded) = futures::join!(self.lags(half + 1..=LONE), load);
        loaded?;
        self.table.times("outbox lag, while 4 clients write", &busy?);
        Ok(())
    }

    async fn lags(&self, orders: std::ops::RangeInclusive<u64>) -> Result<Vec<f64>> {
        let mut client = Client::connect(self.serving.address, &self.token).await?;
        let mut db = self.company.owner.begin(POOLED, self.company.tenant.tenant, "bench.look").await?;
        let mut lags = Vec::new();
        let began = Instant::now();
        for n in orders {
            client.call(&confirm(n)).await?;
            let committed = Instant::now();
            while !delivered(&mut db, self.company.tenant.tenant, n).await? {
                anyhow::ensure!(committed.elapsed() < DELIVERY_TIMEOUT, "an event was not delivered");
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            lags.push(milliseconds(committed.elapsed()));
            if began.elapsed() > TIME {
                break;
            }
        }
        lags.sort_by(f64::total_cmp);
        Ok(lags)
    }

    async fn memory(&mut self) -> Result<()> {
        // Something must have been asked for the figure to mean anything, also where this is the only benchmark.
        let list: Make = Arc::new(|_| Some(Call::get(format!("{ORDERS_PATH}?limit=200"))));
        load::run(self.serving, &self.token, 16, SHORT, &self.any, list).await?;
        processes(self.serving, self.company, "idle", &mut self.table).await
    }
}

/// Memory of each process behind a server, and its connections.
pub(super) async fn processes(serving: &Serving, company: &Seeded, when: &str, table: &mut Table) -> Result<()> {
    let both = |(now, highest): (f64, f64)| format!("{now:.0} MiB, {highest:.0} at its highest");
    table.figure(&format!("memory of serve, {when}"), both(serving.process.memory()?));
    for child in serving.process.children() {
        table.figure(&format!("memory of the embedder, {when}"), both(child.memory()?));
    }
    let backends = backends(company).await?;
    let own: Vec<f64> = backends.iter().filter_map(|backend| backend.own_memory().ok()).collect();
    table.figure("connections of serve", backends.len().to_string());
    if !own.is_empty() {
        let most = own.iter().copied().fold(0.0, f64::max);
        table.figure(
            &format!("memory of PostgreSQL's backends, shared buffers apart, {when}"),
            format!("{:.0} MiB in all, {most:.0} the largest", own.iter().sum::<f64>()),
        );
    }
    Ok(())
}

/// Those of the server's connections.
pub(super) async fn backends(company: &Seeded) -> Result<Vec<Process>> {
    let ids: Vec<i32> = sqlx::query_scalar("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'steward'")
        .fetch_all(company.owner.pool())
        .await
        .context("list the connections")?;
    Ok(ids.into_iter().filter_map(|id| u32::try_from(id).ok()).map(Process).collect())
}

/// Whether the summary of the order's customer, who has no other order, is there. Each look is a snapshot of its own.
async fn delivered(db: &mut PgConnection, tenant: Uuid, n: u64) -> Result<bool> {
    let customer = seed::id(Kind::Party, CUSTOMERS - LONE + n);
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM sales_customer_summary WHERE tenant_id = $1 AND customer_id = $2)")
        .bind(tenant)
        .bind(customer)
        .fetch_one(db)
        .await
        .context("look for the delivery")
}
