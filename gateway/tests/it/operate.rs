//! What operators and the programs of other origins rely on: `/readyz`, figures, CORS, the environment.

use crate::app::TestApp;
use crate::house::House;
use crate::site::PATIENCE;
use reqwest::Method;
use serde_json::{Value, json};
use std::process::Command;
use std::time::{Duration, Instant};
use steward_kernel::relay::{Relay, Settings};
use steward_migrations::Placement;
use tokio_util::sync::CancellationToken;

const ORIGIN: &str = "https://shop.example";

#[tokio::test]
async fn pages_of_a_listed_origin_may_send_and_read_every_header_of_ours() {
    let app = TestApp::configured(Vec::new(), |config| config.server.cors_origins = vec![ORIGIN.into()]).await;
    let preflight = async |origin: &str, method: &str, header: &str| {
        let request = app.client.request(Method::OPTIONS, format!("{}/api/v1/assistant/messages", app.base));
        let request = request.header("origin", origin).header("access-control-request-method", method);
        app.send(request.header("access-control-request-headers", header)).await
    };
    let lists = |told: &str, wanted: &str| told.split(',').any(|one| one.trim().eq_ignore_ascii_case(wanted));
    for header in [
        "authorization",
        "content-type",
        "idempotency-key",
        "if-match",
        "if-none-match",
        "last-event-id",
        "steward-position",
        "x-confirmation-token",
        "x-correlation-id",
        "x-tenant-id",
    ] {
        let answer = preflight(ORIGIN, "POST", header).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, ORIGIN), "{header}");
        assert!(lists(answer.header("access-control-allow-headers"), header), "{header}: {}", answer.header("access-control-allow-headers"));
    }
    for method in ["GET", "POST", "PATCH", "DELETE"] {
        let answer = preflight(ORIGIN, method, "authorization").await;
        assert!(lists(answer.header("access-control-allow-methods"), method), "{method}");
    }
    let asked = async |origin: &str| app.send(app.client.get(format!("{}/healthz", app.base)).header("origin", origin)).await;
    let answer = asked(ORIGIN).await;
    for header in ["etag", "location", "retry-after", "steward-position", "x-correlation-id", "content-disposition", "idempotent-replayed"] {
        assert!(lists(answer.header("access-control-expose-headers"), header), "{header}: {}", answer.header("access-control-expose-headers"));
    }
    assert_eq!(answer.header("access-control-allow-credentials"), "", "the cookie of a session is for our own pages");
    for other in ["https://evil.example", "http://shop.example", "null"] {
        assert_eq!(asked(other).await.header("access-control-allow-origin"), "", "{other}");
        assert_eq!(preflight(other, "POST", "authorization").await.header("access-control-allow-origin"), "", "{other}");
    }
    app.close().await;
}

async fn ready(base: &str, client: &reqwest::Client) -> (u16, Value) {
    let answer = client.get(format!("{base}/readyz")).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn a_database_without_all_migrations_is_not_ready() {
    let app = TestApp::start().await;
    let tenant = app.tenant("own", Placement::Schema).await;
    assert_eq!(
        ready(&app.base, &app.client).await,
        (200, json!({ "status": "ok", "database": "ok", "migrations": "ok", "relay": "ok", "embedder": "off", "stopping": false }))
    );
    for bookkeeping in ["public", "pooled", tenant.schema.as_str()] {
        let set = |success: bool| {
            format!("UPDATE {bookkeeping}._sqlx_migrations SET success = {success} WHERE version = (SELECT max(version) FROM {bookkeeping}._sqlx_migrations)")
        };
        app.poke(&tenant, &set(false)).await;
        let (status, told) = ready(&app.base, &app.client).await;
        assert_eq!(
            (status, &told["status"], &told["database"], &told["migrations"]),
            (503, &json!("failing"), &json!("ok"), &json!("failing")),
            "{bookkeeping}"
        );
        app.poke(&tenant, &set(true)).await;
        assert_eq!(ready(&app.base, &app.client).await.0, 200, "{bookkeeping}");
    }
    // As after a restored backup of an older version.
    app.poke(&tenant, "DROP TABLE pooled._sqlx_migrations").await;
    assert_eq!(ready(&app.base, &app.client).await.1["migrations"], "failing");
    app.close().await;
}

#[tokio::test]
async fn without_its_database_a_server_is_not_ready_and_alive_all_the_same() {
    let app = TestApp::start().await;
    assert_eq!(ready(&app.base, &app.client).await.0, 200);
    app.lose_database().await;
    let (status, told) = ready(&app.base, &app.client).await;
    assert_eq!((status, &told["status"], &told["database"], &told["migrations"]), (503, &json!("failing"), &json!("failing"), &json!("unknown")));
    assert_eq!(app.send(app.client.get(format!("{}/healthz", app.base))).await.status, 200);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_age_of_the_horizon_grows_with_a_transaction_that_holds_the_outbox_back() {
    let house = House::open_with(Vec::new(), |config| config.server.relay = false).await;
    let relay = Relay::with(house.state.kernel.clone(), Settings { poll: Duration::from_millis(20), metrics_every: Duration::ZERO, ..Settings::default() });
    let stopping = CancellationToken::new();
    house.state.tasks.spawn(relay.run(stopping.clone()));
    let age = async || -> Option<f64> {
        let metrics = house.nobody().client.get(format!("{}/metrics", house.base)).send().await.unwrap().text().await.unwrap();
        let line = metrics.lines().find(|line| line.starts_with("steward_outbox_horizon_age_seconds"))?.to_owned();
        Some(line.split_whitespace().last()?.parse().unwrap())
    };
    let until = async |what: &str, holds: &dyn Fn(f64) -> bool| {
        let started = Instant::now();
        loop {
            if let Some(age) = age().await.filter(|age| holds(*age)) {
                return age;
            }
            assert!(started.elapsed() < PATIENCE, "in vain: {what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    until("it is told", &|_| true).await;
    let owner = house.database.owner().await.unwrap();
    let mut held = owner.pool().begin().await.unwrap();
    // A read alone holds nothing back: it needs an id.
    sqlx::query("SELECT pg_current_xact_id()").execute(&mut *held).await.unwrap();
    let (mut ours, mut told): (f64, f64) = (0.0, 0.0);
    // Old enough that the short transactions of other tests do not hide its end.
    while ours < 1.0 {
        ours = sqlx::query_scalar("SELECT extract(epoch FROM clock_timestamp() - now())::float8").fetch_one(&mut *held).await.unwrap();
        // Whatever else runs on the server, the oldest transaction is as old as ours or older.
        told = until("it grows with the transaction", &|age| age >= ours).await;
    }
    held.rollback().await.unwrap();
    until("it falls when the transaction ends", &|age| age < told).await;
    owner.close().await;
    stopping.cancel();
    house.stop().await;
}

#[test]
fn what_is_set_for_tests_is_no_key_and_anything_else_is() {
    let openapi = |name: &str, value: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_steward"));
        command.arg("openapi").env_clear().env(name, value).current_dir(std::env::temp_dir()).output().unwrap()
    };
    for (name, value) in [("STEWARD_TEST_DATABASE_URL", "postgres://nowhere"), ("STEWARD_TEST_SOAK_SECONDS", "5"), ("STEWARD_DATA", "/data")] {
        let told = openapi(name, value);
        assert!(told.status.success(), "{name}: {}", String::from_utf8_lossy(&told.stderr));
    }
    for (name, value) in [("STEWARD_SERVER__PROT", "8081"), ("STEWARD_SERVER_PORT", "8081"), ("STEWARD_TESTS", "1")] {
        let told = openapi(name, value);
        assert!(!told.status.success() && String::from_utf8_lossy(&told.stderr).contains("configuration is not valid"), "{name}");
    }
}
