//! Proposals under `kill -9`: executed once wherever the program was cut off, never half, and never stuck.
//!
//! The program has no test hooks. It is stopped at a known step by a lock that the test holds on what that step needs,
//! killed while it waits there, and started again ([`Gap`]); and it is killed at moments that nobody chose
//! ([`people_propose_and_confirm_until_the_connection_breaks`]).

use super::{PATIENCE, Place, Process, Things, Writer, things};
use crate::model::{Model, calls, says};
use crate::talk::events;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Postgres, Transaction};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use steward_migrations::POOLED;
use tokio::task::JoinSet;
use uuid::Uuid;

/// Where the program is stopped: the test takes `lock`, and waits until a statement like `waits` waits for it.
#[derive(Clone, Copy)]
struct Gap {
    name: &'static str,
    lock: &'static str,
    waits: &'static str,
}

const fn gap(name: &'static str, lock: &'static str, waits: &'static str) -> Gap {
    Gap { name, lock, waits }
}

const OPENING: &str = "SELECT pg_advisory_xact_lock(hashtextextended('grants:{tenant}', 0))";
const CLAIM: &str =
    "INSERT INTO kernel_idempotency (tenant_id, actor_id, key, command, digest) VALUES ('{tenant}', '{user}', 'proposal:{proposal}', 'test', '\\x')";
const PARTY: &str = "SELECT FROM crm_party WHERE id = '{party}' FOR UPDATE";
const ORDER: &str = "SELECT FROM sales_order WHERE id = '{order}' FOR UPDATE";

/// Between any two steps of a confirmation: from the token's check to the stored decision.
const CONFIRMING: &[Gap] = &[
    gap("before the unit of work opens", OPENING, "%begin_work%"),
    gap("before the key is claimed", CLAIM, "INSERT INTO kernel_idempotency%"),
    gap("before the first step", PARTY, "%crm_party%"),
    gap("within the first step, its row written", "LOCK TABLE kernel_change IN SHARE MODE", "%crm_party%"),
    gap("between the two steps", ORDER, "%sales_order%"),
    gap("behind the steps, before the audit", "LOCK TABLE kernel_audit IN SHARE MODE", "INSERT INTO kernel_audit%"),
    gap("behind the audit, before the commit", "LOCK TABLE kernel_execution IN SHARE MODE", "INSERT INTO kernel_execution%"),
    gap("behind the commit, before the decision", "SELECT FROM assistant_proposal WHERE id = '{proposal}' FOR UPDATE", "UPDATE assistant_proposal%"),
];

/// The same of taking a plan back, which goes from its end.
const UNDOING: &[Gap] = &[
    gap("before the undo opens", OPENING, "%begin_work%"),
    gap("before the last step is taken back", ORDER, "%sales_order%"),
    gap("with the last step taken back, before the first", PARTY, "%crm_party%"),
    gap("with both taken back, before the commit", "LOCK TABLE kernel_audit IN SHARE MODE", "INSERT INTO kernel_audit%"),
];

/// A plan of two steps that was proposed.
#[derive(Clone, Debug)]
struct Plan {
    party: Uuid,
    order: Uuid,
    note: String,
    proposal: Uuid,
    token: String,
}

/// Holds what the program will wait for, until it is dropped.
struct Held {
    tx: Transaction<'static, Postgres>,
    pid: i32,
}

impl Place {
    async fn hold(&self, lock: &str) -> Held {
        let mut tx = self.owner.begin(POOLED, self.tenant.tenant, "test.hold").await.unwrap();
        sqlx::query(AssertSqlSafe(lock.to_owned())).execute(&mut *tx).await.unwrap_or_else(|error| panic!("{lock}: {error}"));
        let pid = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut *tx).await.unwrap();
        Held { tx, pid }
    }

    /// Until a statement of the program waits for what is held.
    async fn waits_for(&self, held: &Held, statement: &str) {
        let started = Instant::now();
        let sql = format!("SELECT count(*) FROM pg_stat_activity WHERE {} = ANY (pg_blocking_pids(pid)) AND query LIKE '{statement}'", held.pid);
        while self.peek::<i64>(&sql).await == 0 {
            assert!(started.elapsed() < PATIENCE, "nothing waits: {statement}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    async fn get(&self, path: &str) -> Option<Value> {
        let answer = self.client.get(self.url(&format!("/api/v1/{path}"))).bearer_auth(&self.token).send().await.ok()?;
        let status = answer.status();
        let body: Value = answer.json().await.ok()?;
        assert!(status.is_success(), "{path}: {status} {body}");
        Some(body)
    }

    /// `None` where the connection broke.
    async fn post(&self, path: &str, body: &Value) -> Option<(u16, Value)> {
        let answer = self.client.post(self.url(&format!("/api/v1/{path}"))).bearer_auth(&self.token).json(body).send().await.ok()?;
        let status = answer.status().as_u16();
        Some((status, answer.json().await.ok()?))
    }

    async fn audits(&self, condition: &str) -> i64 {
        self.peek(&format!("SELECT count(*) FROM kernel_audit WHERE outcome = 'done' AND nested_in IS NULL AND {condition}")).await
    }
}

impl Plan {
    fn path(&self) -> String {
        format!("assistant/proposals/{}", self.proposal)
    }
    fn fill(&self, sql: &str, place: &Place) -> String {
        sql.replace("{tenant}", &place.tenant.tenant.to_string())
            .replace("{user}", &place.tenant.administrator.to_string())
            .replace("{proposal}", &self.proposal.to_string())
            .replace("{party}", &self.party.to_string())
            .replace("{order}", &self.order.to_string())
    }
}

/// Asks, and returns the id of the one proposal that came.
async fn ask(place: &Place, text: &str) -> Option<Uuid> {
    let answer = place.client.post(place.url("/api/v1/assistant/messages")).bearer_auth(&place.token).json(&json!({ "text": text })).send().await.ok()?;
    proposal_in(&answer.text().await.ok()?)
}

fn proposal_in(stream: &str) -> Option<Uuid> {
    let card = events(stream).into_iter().find(|event| event.name == "proposal")?;
    Uuid::try_parse(card.data["id"].as_str()?).ok()
}

/// A customer and a quotation of its own, so that plans do not touch each other.
async fn customer(writer: &Writer, things: Things, name: &str) -> (Uuid, Uuid) {
    let made = async |key: &str, path: &str, body: Value| writer.write(&format!("{name}-{key}"), path, body).await.acknowledged.unwrap();
    let party = made("party", "crm/parties", json!({ "name": format!("Customer {name}"), "is_customer": true, "currency": "EUR" })).await;
    let lines = json!([{ "item": things.item, "quantity": { "value": "2", "unit": "pcs" } }]);
    let order = made("order", "sales/orders", json!({ "customer": party, "reference": name, "lines": lines })).await;
    made("quote", &format!("sales/orders/{order}/quote"), json!({})).await;
    (party, order)
}

/// What the model proposes next.
fn rewrite(model: &Model, party: Uuid, order: Uuid, note: &str) {
    let steps = json!([{ "command": "crm.party.update", "arguments": { "party": party, "note": note } }, { "command": "sales.order.confirm", "arguments": { "order": order } }]);
    model.rewrite(vec![calls("propose", &json!({ "steps": steps })), says("Please confirm.")]);
}

async fn plan(place: &Place, model: &Model, things: Things, name: &str) -> Plan {
    let (party, order) = customer(&place.writer(), things, name).await;
    let note = format!("note of {name}");
    rewrite(model, party, order, &note);
    let proposal = ask(place, &format!("Put {note} to the customer {name} and confirm the order")).await.unwrap();
    let mut plan = Plan { party, order, note, proposal, token: String::new() };
    plan.token = place.get(&plan.path()).await.unwrap()["token"].as_str().unwrap().to_owned();
    plan
}

/// The program stopped at the gap while it does `what`, killed there, and started again.
async fn killed_at(place: &Place, server: Process, gap: Gap, plan: &Plan, what: &str, body: &Value) -> Process {
    let held = place.hold(&plan.fill(gap.lock, place)).await;
    let path = format!("{}/{what}", plan.path());
    let kill = async {
        place.waits_for(&held, gap.waits).await;
        drop(server);
    };
    let (answer, ()) = tokio::join!(place.post(&path, body), kill);
    assert_eq!(answer, None, "{}: it was killed before it could answer", gap.name);
    held.tx.rollback().await.unwrap();
    place.serve().await
}

/// Executed once and whole: one entry for each step, the records as the steps make them, the proposal decided.
async fn is_done_once(place: &Place, plan: &Plan, at: &str) {
    let of = format!("detail ->> 'proposal' = '{}' AND NOT detail ? 'undoes'", plan.proposal);
    for command in ["crm.party.update", "sales.order.confirm"] {
        assert_eq!(place.audits(&format!("{of} AND command = '{command}'")).await, 1, "{at}: {command}");
    }
    let (order, party) = (plan.order, plan.party);
    for sql in [
        format!("SELECT count(*) FROM crm_party WHERE id = '{party}' AND note = '{}'", plan.note),
        format!("SELECT count(*) FROM sales_order WHERE id = '{order}' AND status = 'confirmed'"),
        format!("SELECT count(*) FROM sales_line WHERE order_id = '{order}' AND reserved = quantity"),
        format!("SELECT count(*) FROM assistant_proposal WHERE id = '{}' AND state = 'executed' AND jsonb_array_length(results) = 2", plan.proposal),
        format!("SELECT count(*) FROM kernel_idempotency WHERE key = 'proposal:{}' AND result IS NOT NULL", plan.proposal),
    ] {
        assert_eq!(place.peek::<i64>(&sql).await, 1, "{at}: {sql}");
    }
}

/// Taken back once and whole.
async fn is_undone_once(place: &Place, plan: &Plan, at: &str) {
    assert_eq!(place.audits(&format!("detail ->> 'proposal' = '{}' AND detail ? 'undoes'", plan.proposal)).await, 2, "{at}");
    for sql in [
        format!("SELECT count(*) FROM crm_party WHERE id = '{}' AND note IS NULL", plan.party),
        format!("SELECT count(*) FROM sales_order WHERE id = '{}' AND status = 'quotation'", plan.order),
        format!("SELECT count(*) FROM sales_line WHERE order_id = '{}' AND reserved = 0", plan.order),
    ] {
        assert_eq!(place.peek::<i64>(&sql).await, 1, "{at}: {sql}");
    }
}

async fn planned() -> (Place, Model, Process, Things) {
    let model = Model::start("planning", vec![says("Hello.")]).await;
    let mut place = Place::open().await;
    std::fs::write(place.home.join("steward.toml"), model.section()).unwrap();
    let server = place.serve().await;
    place.log_in().await;
    let things = things(&place).await;
    let stock = json!({ "item": things.item, "warehouse": things.warehouse, "quantity": "100000" });
    assert!(place.writer().write("stock", "inventory/stock/receive", stock).await.acknowledged.is_some());
    (place, model, server, things)
}

async fn ended(place: Place) {
    assert_eq!(place.peek::<i64>("SELECT count(*) FROM inventory_check()").await, 0, "the stock adds up");
    std::fs::remove_dir_all(&place.home).unwrap();
    place.owner.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a minute; the tier `full` runs it"]
async fn killed_between_any_two_steps_and_confirmed_again_a_plan_is_executed_once() {
    let (place, model, mut server, things) = planned().await;
    for (at, gap) in CONFIRMING.iter().enumerate() {
        let plan = plan(&place, &model, things, &format!("C{at}")).await;
        let body = json!({ "token": plan.token });
        server = killed_at(&place, server, *gap, &plan, "confirm", &body).await;
        let state = place.get(&plan.path()).await.unwrap()["state"].clone();
        let is_committed = gap.waits.starts_with("UPDATE assistant_proposal");
        assert_eq!(state, if is_committed { "executed" } else { "open" }, "{}", gap.name);
        assert_eq!(place.audits(&format!("detail ->> 'proposal' = '{}'", plan.proposal)).await, if is_committed { 2 } else { 0 }, "{}", gap.name);
        let confirm = format!("{}/confirm", plan.path());
        let (status, first) = place.post(&confirm, &body).await.unwrap();
        assert_eq!(status, 200, "{}: {first}", gap.name);
        assert_eq!(place.post(&confirm, &body).await, Some((200, first)), "{}: and once more", gap.name);
        is_done_once(&place, &plan, gap.name).await;
    }
    drop(server);
    ended(place).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a minute; the tier `full` runs it"]
async fn killed_while_it_takes_a_plan_back_the_plan_is_taken_back_once_and_whole() {
    let (place, model, mut server, things) = planned().await;
    for (at, gap) in UNDOING.iter().enumerate() {
        let plan = plan(&place, &model, things, &format!("U{at}")).await;
        let (status, done) = place.post(&format!("{}/confirm", plan.path()), &json!({ "token": plan.token })).await.unwrap();
        assert_eq!(status, 200, "{done}");
        server = killed_at(&place, server, *gap, &plan, "undo", &json!({})).await;
        is_done_once(&place, &plan, gap.name).await;
        for _ in 0..2 {
            let (status, undone) = place.post(&format!("{}/undo", plan.path()), &json!({})).await.unwrap();
            assert_eq!((status, &undone["undo"]), (200, &Value::Null), "{}: {undone}", gap.name);
            is_undone_once(&place, &plan, gap.name).await;
        }
        assert_eq!(place.get(&plan.path()).await.unwrap()["state"], "undone");
    }
    drop(server);
    ended(place).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a minute; the tier `full` runs it"]
async fn killed_while_it_proposes_there_is_a_whole_proposal_or_none() {
    let (place, model, server, things) = planned().await;
    let proposals = async || place.peek::<i64>("SELECT count(*) FROM assistant_proposal").await;
    let (party, order) = customer(&place.writer(), things, "P").await;

    // Previewed and not stored: as if nothing had been.
    rewrite(&model, party, order, "note of P");
    let held = place.hold("LOCK TABLE assistant_proposal IN SHARE MODE").await;
    let kill = async {
        place.waits_for(&held, "INSERT INTO assistant_proposal%").await;
        drop(server);
    };
    let (answer, ()) = tokio::join!(ask(&place, "Put note of P to the customer P and confirm the order"), kill);
    assert_eq!(answer, None);
    held.tx.rollback().await.unwrap();
    let server = place.serve().await;
    assert_eq!(proposals().await, 0);

    // Stored and not shown: it waits for the person like any other.
    rewrite(&model, party, order, "note of P");
    let first = place.hold("LOCK TABLE assistant_proposal IN SHARE MODE").await;
    let kill = async {
        place.waits_for(&first, "INSERT INTO assistant_proposal%").await;
        let second = place.hold("LOCK TABLE assistant_event IN SHARE MODE").await;
        first.tx.rollback().await.unwrap();
        place.waits_for(&second, "INSERT INTO assistant_event%").await;
        drop(server);
        second.tx.rollback().await.unwrap();
    };
    let (answer, ()) = tokio::join!(ask(&place, "Put note of P to the customer P and confirm the order"), kill);
    assert_eq!(answer, None);
    let server = place.serve().await;
    assert_eq!(proposals().await, 1);
    let proposal: Uuid = place.peek("SELECT id FROM assistant_proposal").await;
    let mut plan = Plan { party, order, note: "note of P".into(), proposal, token: String::new() };
    plan.token = place.get(&plan.path()).await.unwrap()["token"].as_str().unwrap().to_owned();
    let (status, done) = place.post(&format!("{}/confirm", plan.path()), &json!({ "token": plan.token })).await.unwrap();
    assert_eq!(status, 200, "{done}");
    is_done_once(&place, &plan, "stored and not shown").await;
    drop(server);
    ended(place).await;
}

const ROUNDS: u64 = 8;
const PEOPLE: usize = 3;

/// Quotes, asks, looks at the card and confirms, again and again, until the connection breaks. Returns the proposals whose
/// execution was acknowledged.
async fn people_propose_and_confirm_until_the_connection_breaks(place: Arc<Place>, things: Things, name: String, answers: Arc<AtomicUsize>) -> Vec<Uuid> {
    let writer = place.writer();
    let mut acknowledged = Vec::new();
    for n in 0.. {
        let key = format!("{name}-{n}");
        let once = async {
            let lines = json!([{ "item": things.item, "quantity": { "value": "2", "unit": "pcs" } }]);
            let order = writer
                .write(&format!("{key}-o"), "sales/orders", json!({ "customer": things.customer, "reference": key, "lines": lines, "allow_duplicate": true }))
                .await
                .acknowledged?;
            writer.write(&format!("{key}-q"), &format!("sales/orders/{order}/quote"), json!({})).await.acknowledged?;
            let number = place.get(&format!("sales/orders/{order}")).await?["number"].as_str()?.to_owned();
            answers.fetch_add(1, Ordering::Relaxed);
            let proposal = ask(&place, &format!("Confirm quotation {number}")).await?;
            answers.fetch_add(1, Ordering::Relaxed);
            let path = format!("assistant/proposals/{proposal}");
            let token = place.get(&path).await?["token"].clone();
            answers.fetch_add(1, Ordering::Relaxed);
            let (status, done) = place.post(&format!("{path}/confirm"), &json!({ "token": token })).await?;
            assert_eq!(status, 200, "{done}");
            answers.fetch_add(1, Ordering::Relaxed);
            Some(proposal)
        };
        match once.await {
            Some(proposal) => acknowledged.push(proposal),
            None => break,
        }
    }
    acknowledged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes; the tier `full` runs it"]
async fn killed_at_any_moment_every_proposal_is_executed_once_when_it_is_confirmed_again() {
    let mut place = Place::open().await;
    let first = place.serve().await;
    place.log_in().await;
    let things = things(&place).await;
    let stock = json!({ "item": things.item, "warehouse": things.warehouse, "quantity": "100000" });
    assert!(place.writer().write("stock", "inventory/stock/receive", stock).await.acknowledged.is_some());
    drop(first);
    let place = Arc::new(place);

    let (mut random, mut acknowledged) = (0xca11_u64, Vec::new());
    for round in 0..ROUNDS {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let goal = 4 + (random >> 33) as usize % 30;
        let server = place.serve().await;
        let answers = Arc::new(AtomicUsize::new(0));
        let mut people = JoinSet::new();
        for person in 0..PEOPLE {
            people.spawn(people_propose_and_confirm_until_the_connection_breaks(
                Arc::clone(&place),
                things,
                format!("r{round}-p{person}"),
                Arc::clone(&answers),
            ));
        }
        let started = Instant::now();
        while answers.load(Ordering::Relaxed) < goal {
            assert!(started.elapsed() < PATIENCE, "the people do not get on");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        drop(server);
        while let Some(known) = people.join_next().await {
            acknowledged.extend(known.unwrap());
        }
    }

    let server = place.serve().await;
    let mut tx = place.owner.begin(POOLED, place.tenant.tenant, "test.peek").await.unwrap();
    let proposals: Vec<Uuid> = sqlx::query_scalar("SELECT id FROM assistant_proposal ORDER BY id").fetch_all(&mut *tx).await.unwrap();
    drop(tx);
    assert!(proposals.len() > ROUNDS as usize && acknowledged.iter().all(|id| proposals.contains(id)), "{} proposals", proposals.len());
    for proposal in &proposals {
        let path = format!("assistant/proposals/{proposal}");
        let shown = place.get(&path).await.unwrap();
        assert!(shown["state"] == "executed" || !acknowledged.contains(proposal), "what was acknowledged is lost: {shown}");
        if shown["state"] == "open" {
            let (status, done) = place.post(&format!("{path}/confirm"), &json!({ "token": shown["token"] })).await.unwrap();
            assert_eq!(status, 200, "no proposal is stuck: {done}");
        }
        assert_eq!(place.get(&path).await.unwrap()["state"], "executed");
        let order = shown["steps"][0]["arguments"]["order"].as_str().unwrap();
        assert_eq!(place.peek::<String>(&format!("SELECT status FROM sales_order WHERE id = '{order}'")).await, "confirmed");
        assert_eq!(place.audits(&format!("command = 'sales.order.confirm' AND detail ->> 'proposal' = '{proposal}'")).await, 1, "executed once");
    }
    let executed = place.audits("command = 'sales.order.confirm'").await;
    assert_eq!(executed, proposals.len() as i64, "nothing was executed that nobody proposed");
    let half: i64 = place.peek("SELECT count(*) FROM sales_order o WHERE o.status = 'confirmed' AND EXISTS (SELECT FROM sales_line l WHERE l.order_id = o.id AND l.reserved <> l.quantity)").await;
    assert_eq!(half, 0, "no order is half reserved");
    drop(server);
    ended(Arc::into_inner(place).unwrap()).await;
}
