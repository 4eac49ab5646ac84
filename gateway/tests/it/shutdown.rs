//! The orderly stop of the program as people start it: told by SIGTERM, it says so, finishes what runs and ends well.

use crate::app::PASSWORD;
use crate::site::{PATIENCE, Process, Site, Tenant};
use crate::talk::events;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::process::ExitStatus;
use std::time::{Duration, Instant};
use steward_migrations::Placement;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

fn tell_to_stop(server: &Process) {
    kill_process(Pid::from_child(&server.0), Signal::TERM).unwrap();
}

/// Looks again and again until it holds.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !holds().await {
        assert!(started.elapsed() < PATIENCE, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn ended(server: &mut Process) -> ExitStatus {
    let mut status = None;
    until("the process ends", async || {
        status = server.0.try_wait().unwrap();
        status.is_some()
    })
    .await;
    status.unwrap()
}

async fn log_in(site: &Site, tenant: &Tenant) -> String {
    let body = json!({ "tenant": tenant.slug, "email": format!("ada@{}.example", tenant.slug), "password": PASSWORD });
    let told: Value = site.client.post(format!("{}/api/v1/auth/login", site.base())).json(&body).send().await.unwrap().json().await.unwrap();
    told["access_token"].as_str().unwrap_or_else(|| panic!("{told}")).to_owned()
}

/// A model that takes every question and answers none.
async fn silent_model(tasks: &mut JoinSet<()>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    tasks.spawn(async move {
        let mut held = Vec::new();
        while let Ok((socket, _)) = listener.accept().await {
            held.push(socket);
        }
    });
    base
}

/// Long enough that the test ends every wait itself.
const LONG: &str = "600";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn told_to_stop_it_says_so_serves_on_finishes_what_runs_and_ends_well() {
    let (site, mut tasks) = (Site::open().await, JoinSet::new());
    let tenant = site.tenant("stop", Placement::Pooled).await;
    let model = silent_model(&mut tasks).await;
    site.write(
        "steward.toml",
        &format!("[[assistant.models]]\nname = 'silent'\nmodel = 'silent'\nbase_url = '{model}'\ntimeouts = {{ headers_ms = 600000, first_token_ms = 600000, total_ms = 600000 }}\n"),
    );
    let mut server = site
        .serve_with(&[
            ("STEWARD_SERVER__DRAIN_SECONDS", LONG),
            ("STEWARD_SERVER__STOP_GRACE_SECONDS", LONG),
            ("STEWARD_ASSISTANT__DEADLINE_SECONDS", LONG),
            ("STEWARD_LIMITS__REQUEST_TIMEOUT_SECONDS", LONG),
            ("STEWARD_DATABASE__LOCK_TIMEOUT_SECONDS", LONG),
            ("STEWARD_DATABASE__STATEMENT_TIMEOUT_SECONDS", LONG),
            ("STEWARD_DATABASE__TRANSACTION_TIMEOUT_SECONDS", LONG),
        ])
        .await;
    let token = log_in(&site, &tenant).await;
    let url = |path: &str| format!("{}/api/v1/{path}", site.base());
    let post = |path: &str, body: &Value| site.client.post(url(path)).bearer_auth(&token).json(body);
    let made: Value = post("crm/parties", &json!({ "name": "Ernst Handel" })).send().await.unwrap().json().await.unwrap();
    let party = made["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();

    // Two requests in flight: a write that waits for a row that we hold, and a stream whose answer never comes.
    let mut held = site.owner.begin(&tenant.schema, tenant.created.tenant, "test.hold").await.unwrap();
    sqlx::query("SELECT FROM crm_party WHERE id = $1::uuid FOR UPDATE").bind(&party).execute(&mut *held).await.unwrap();
    let mut slow = JoinSet::new();
    slow.spawn(site.client.patch(url(&format!("crm/parties/{party}"))).bearer_auth(&token).header("If-Match", "*").json(&json!({ "name": "Ernst" })).send());
    until("the write waits", async || {
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'steward' AND wait_event_type = 'Lock'";
        sqlx::query_scalar::<_, i64>(waiting).fetch_one(site.owner.pool()).await.unwrap() > 0
    })
    .await;
    let mut stream = post("assistant/messages", &json!({ "text": "How many parties are there?" })).send().await.unwrap();
    let mut told = String::new();
    while !told.contains("event: start") {
        told.push_str(&String::from_utf8_lossy(&stream.chunk().await.unwrap().unwrap()));
    }

    tell_to_stop(&server);
    let mut ready = Value::Null;
    until("/readyz says that it stops", async || {
        let answer = site.client.get(format!("{}/readyz", site.base())).send().await.unwrap();
        let status = answer.status().as_u16();
        ready = answer.json().await.unwrap();
        status == 503
    })
    .await;
    assert_eq!((&ready["status"], &ready["stopping"], &ready["database"]), (&json!("stopping"), &json!(true), &json!("ok")));
    let served = site.client.get(url("me")).bearer_auth(&token).send().await.unwrap();
    assert_eq!(served.status().as_u16(), 200, "while it drains it serves");

    // A second signal cuts the drain short: nothing new is let in, what runs goes on.
    tell_to_stop(&server);
    let address = site.base().trim_start_matches("http://").to_owned();
    until("nothing new is let in", async || TcpStream::connect(&address).await.is_err()).await;
    assert!(server.0.try_wait().unwrap().is_none(), "requests are still running");
    held.rollback().await.unwrap();
    let changed = slow.join_next().await.unwrap().unwrap().unwrap();
    assert_eq!(changed.status().as_u16(), 200);
    let changed: Value = changed.json().await.unwrap();
    assert_eq!(changed["version"], 2, "{changed}");
    while let Some(bytes) = stream.chunk().await.unwrap() {
        told.push_str(&String::from_utf8_lossy(&bytes));
    }
    let ends: Vec<Value> = events(&told).into_iter().filter(|event| event.name == "done" || event.name == "error").map(|event| event.data).collect();
    assert_eq!((ends.len(), &ends[0]["code"]), (1, &json!("interrupted")), "{told}");
    let status = ended(&mut server).await;
    assert_eq!(status.code(), Some(0), "{}", site.failures());
    let name: String = site.peek(&tenant, &format!("SELECT name FROM crm_party WHERE id = '{party}'")).await;
    assert_eq!(name, "Ernst");
    site.owner.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_ends_by_itself() {
    let site = Site::open().await;
    for drain in ["0", "1"] {
        let mut server = site.serve_with(&[("STEWARD_SERVER__DRAIN_SECONDS", drain)]).await;
        tell_to_stop(&server);
        assert_eq!(ended(&mut server).await.code(), Some(0), "{}", site.failures());
    }
    site.owner.close().await;
}
