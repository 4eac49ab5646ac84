//! Imports over REST: with a key or an id a file is brought in once and goes on where it was cut off, whoever leaves; how far
//! it is can be read; few run at a time.

use crate::app::{Answer, TestApp, User, id_of};
use crate::shop::{Shop, T};
use serde_json::{Value, json};
use std::fmt::Write as _;
use steward_gateway::config::Config;
use uuid::Uuid;

/// More than a chunk, so that there is something in between.
const ROWS: usize = 450;

fn file(rows: usize) -> String {
    let mut file = String::from("name,is_customer,allow_duplicate\n");
    for row in 1..=rows {
        writeln!(file, "Party {row},true,true").unwrap();
    }
    file
}

impl Shop {
    async fn send_file(&self, user: &User, query: &str, headers: &[(&str, &str)], file: &str) -> Answer {
        let mut request =
            self.app.request("POST", user, &format!("/api/v1/crm/parties/import{query}")).header("Content-Type", "text/csv").body(file.to_owned());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.app.send(request).await
    }
    async fn parties(&self) -> i64 {
        self.app.peek(&self.tenant, "SELECT count(*) FROM crm_party WHERE tenant_id = app.tenant() AND name LIKE 'Party %'").await
    }
    async fn import(&self, path: &str) -> Value {
        self.app.get(&self.admin, path.strip_prefix("/api/v1/").unwrap()).await.ok()
    }
    /// The import, once nobody works on it any more.
    async fn ended(&self, path: &str) -> Value {
        loop {
            let import = self.import(path).await;
            if import["state"] != "running" {
                return import;
            }
            tokio::task::yield_now().await;
        }
    }
    /// As a process that was killed leaves it: what came after the first so many rows is not there, and the lease has lapsed.
    async fn cut_off(&self, import: Uuid, rows: usize) {
        for sql in [
            format!(
                "DELETE FROM crm_party p USING kernel_external_id e WHERE e.entity_id = p.id AND e.source = 'import:{import}' AND e.external_id::int > {rows} + 1"
            ),
            format!("DELETE FROM kernel_external_id WHERE source = 'import:{import}' AND external_id::int > {rows} + 1"),
            format!(
                "UPDATE kernel_import SET state = 'running', lease_until = now() - interval '1 second', finished_at = NULL, rows_done = 200,
                        report = jsonb_set(report, '{{steps,0}}', report #> '{{steps,0}}' || '{{\"created\": 200, \"failed\": 0}}') WHERE id = '{import}'"
            ),
        ] {
            self.app.poke(&self.tenant, &sql).await;
        }
    }
}

const KEY: [(&str, &str); 1] = [("Idempotency-Key", "file-1")];

#[tokio::test]
async fn the_same_file_with_the_same_key_is_brought_in_once_and_another_is_refused() {
    let shop = Shop::open().await;
    let file = file(3);
    let first = shop.send_file(&shop.admin, "", &KEY, &file).await;
    assert_eq!((&first.ok()["steps"][0]["created"], shop.parties().await), (&json!(3), 3));
    let again = shop.send_file(&shop.admin, "", &KEY, &file).await;
    assert_eq!((again.ok(), again.header("idempotent-replayed"), first.header("idempotent-replayed")), (first.ok(), "true", ""));
    assert_eq!(again.header("content-location"), first.header("content-location"));
    for (query, other) in [("", format!("{file}Party 4,true,true\n")), ("?dry_run=true", file.clone()), ("?source=other", file.clone())] {
        shop.send_file(&shop.admin, query, &KEY, &other).await.problem(409, "idempotency_mismatch");
    }
    assert_eq!(shop.parties().await, 3);
    // A key is its sender's own, and without one the file is another import.
    let other = shop.seller("Importer", &["crm:party:create", "crm:party:update"], T).await;
    shop.send_file(&other, "", &KEY, &file).await.ok();
    shop.send_file(&shop.admin, "", &[], &file).await.ok();
    assert_eq!(shop.parties().await, 9);
    shop.send_file(&shop.admin, "", &[("Idempotency-Key", "not visible")], &file).await.problem(400, "bad_request");
    shop.send_file(&shop.admin, "?source=import:1", &[], &file).await.problem(422, "invalid_input");
    shop.app.close().await;
}

#[tokio::test]
async fn an_import_that_was_cut_off_goes_on_where_it_was() {
    let shop = Shop::open().await;
    let file = file(ROWS);
    let first = shop.send_file(&shop.admin, "", &KEY, &file).await;
    assert_eq!(first.ok()["steps"][0]["created"], json!(ROWS));
    let path = first.header("content-location").to_owned();
    let import = id_of(&shop.import(&path).await["id"]);

    // One chunk was noted, and of the next one all was done when the process was killed.
    shop.cut_off(import, 400).await;
    assert_eq!((shop.parties().await, &shop.import(&path).await["state"]), (400, &json!("interrupted")));
    let again = shop.send_file(&shop.admin, "", &KEY, &file).await;
    assert_eq!((again.header("idempotent-replayed"), again.header("content-location")), ("", path.as_str()));
    let step = &again.ok()["steps"][0];
    assert_eq!((&step["created"], &step["unchanged"], &step["failed"]), (&json!(ROWS), &json!(0), &json!(0)), "{step}");
    assert_eq!(shop.parties().await, ROWS as i64);
    let distinct: i64 = shop.app.peek(&shop.tenant, "SELECT count(DISTINCT name) FROM crm_party WHERE tenant_id = app.tenant() AND name LIKE 'Party %'").await;
    assert_eq!(distinct, ROWS as i64);
    assert_eq!(shop.import(&path).await["rows_done"], json!(ROWS));
    shop.app.close().await;
}

#[tokio::test]
async fn an_import_can_be_left_alone_and_tells_how_far_it_is() {
    let shop = Shop::open().await;
    let mut file = file(ROWS);
    file.push_str(",true,true\n");
    let headers = [("Idempotency-Key", "file-2"), ("Prefer", "return=minimal, respond-async")];
    let accepted = shop.send_file(&shop.admin, "", &headers, &file).await;
    assert_eq!((accepted.status, accepted.header("preference-applied")), (202, "respond-async"), "{}", accepted.text);
    let path = accepted.header("location").to_owned();
    assert_eq!(accepted.json()["rows"], json!(ROWS + 1));
    // Whoever sends it again joins it, or learns where to look.
    assert_eq!(shop.send_file(&shop.admin, "", &headers, &file).await.status / 100, 2);
    let import = shop.ended(&path).await;
    assert_eq!((&import["state"], &import["rows_done"], &import["resource"]), (&json!("done"), &json!(ROWS + 1), &json!("crm.party")));
    let step = &import["report"]["steps"][0];
    assert_eq!((&step["created"], &step["failed"]), (&json!(ROWS), &json!(1)));
    assert_eq!(import["report"]["errors"][0]["row"], json!(ROWS + 2), "{import}");
    let waited = shop.send_file(&shop.admin, "", &headers[..1], &file).await;
    assert_eq!((waited.ok(), waited.header("idempotent-replayed")), (import["report"].clone(), "true"));
    assert_eq!(shop.parties().await, ROWS as i64);

    // It is nobody else's.
    let other = shop.seller("Other", &["crm:party:create"], T).await;
    let below = path.strip_prefix("/api/v1/").unwrap();
    shop.app.get(&other, below).await.problem(404, "not_found");
    shop.app.get(&shop.admin, &format!("imports/{}", Uuid::nil())).await.problem(404, "not_found");
    shop.app.get(&shop.admin, "imports/nonsense").await.problem(404, "not_found");
    let elsewhere = shop.app.tenant("elsewhere", steward_migrations::Placement::Schema).await;
    let foreign = shop.app.admin(&elsewhere).await;
    shop.app.get(&foreign, below).await.problem(404, "not_found");
    shop.app.close().await;
}

#[tokio::test]
async fn an_import_goes_on_when_its_client_leaves() {
    let shop = Shop::open().await;
    let file = file(ROWS);
    let imports = async || -> i64 { shop.app.peek(&shop.tenant, "SELECT count(*) FROM kernel_import WHERE tenant_id = app.tenant()").await };
    {
        let sent = std::pin::pin!(shop.send_file(&shop.admin, "", &KEY, &file));
        let begun = async {
            while imports().await == 0 {
                tokio::task::yield_now().await;
            }
        };
        // The connection is closed as soon as the import is there.
        futures::future::select(sent, std::pin::pin!(begun)).await;
    }
    let import: Uuid = shop.app.peek(&shop.tenant, "SELECT id FROM kernel_import WHERE tenant_id = app.tenant()").await;
    let import = shop.ended(&format!("/api/v1/imports/{import}")).await;
    assert_eq!((&import["state"], shop.parties().await), (&json!("done"), ROWS as i64), "{import}");
    shop.app.close().await;
}

#[tokio::test]
async fn an_import_goes_on_when_its_client_leaves_while_it_is_taken_in() {
    let shop = Shop::open().await;
    let file = file(3);
    // Files of one person are taken in one after the other; this stands where another one would.
    let mut other = shop.app.owner.begin(&shop.tenant.schema, shop.tenant.id, "test.hold").await.unwrap();
    let lock = format!("SELECT pg_advisory_xact_lock(hashtextextended('import:{}:{}', 0))", shop.tenant.id, shop.admin.id);
    sqlx::query(sqlx::AssertSqlSafe(lock)).execute(&mut *other).await.unwrap();
    {
        let sent = std::pin::pin!(shop.send_file(&shop.admin, "", &KEY, &file));
        let waits = async {
            let waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
                              AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
            while shop.app.peek::<i64>(&shop.tenant, waiting).await == 0 {
                tokio::task::yield_now().await;
            }
        };
        futures::future::select(sent, std::pin::pin!(waits)).await;
    }
    // The server hears of the closed connection before the import can be noted.
    shop.app.get(&shop.admin, "crm/parties").await.ok();
    other.rollback().await.unwrap();
    let import: Uuid = loop {
        let begun: Option<Uuid> = shop.app.peek(&shop.tenant, "SELECT max(id::text)::uuid FROM kernel_import").await;
        if let Some(import) = begun {
            break import;
        }
        tokio::task::yield_now().await;
    };
    let import = shop.ended(&format!("/api/v1/imports/{import}")).await;
    assert_eq!((&import["state"], shop.parties().await), (&json!("done"), 3), "{import}");
    shop.app.close().await;
}

#[tokio::test]
async fn who_may_not_bring_in_is_refused_and_leaves_no_import() {
    let shop = Shop::open().await;
    let reader = shop.seller("Reader", &[], T).await;
    for headers in [&[][..], &[("Prefer", "respond-async")][..]] {
        shop.send_file(&reader, "", headers, &file(2)).await.problem(403, "forbidden");
    }
    assert_eq!(shop.audits("crm.party.create", "refused").await, 2);
    assert_eq!(shop.app.peek::<i64>(&shop.tenant, "SELECT count(*) FROM kernel_import WHERE tenant_id = app.tenant()").await, 0);
    shop.app.close().await;
}

/// A program whose writes wait for the test: nothing is inserted while it holds the table.
async fn held_shop(configure: impl FnOnce(&mut Config)) -> Shop {
    let long = |config: &mut Config| {
        config.database.lock_timeout_seconds = 120;
        config.database.statement_timeout_seconds = 120;
        config.database.transaction_timeout_seconds = 120;
        configure(config);
    };
    Shop::of(TestApp::configured(Vec::new(), long).await).await
}

impl Shop {
    async fn hold(&self) -> sqlx::Transaction<'static, sqlx::Postgres> {
        let mut held = self.app.owner.begin(&self.tenant.schema, self.tenant.id, "test.hold").await.unwrap();
        sqlx::query("LOCK TABLE crm_party IN SHARE MODE").execute(&mut *held).await.unwrap();
        held
    }
    /// The state of the import, once nobody works on it any more, also when the program does not serve any longer.
    async fn state_of(&self, path: &str) -> String {
        let id = path.rsplit('/').next().unwrap();
        loop {
            let state: String = self.app.peek(&self.tenant, &format!("SELECT state FROM kernel_import WHERE id = '{id}'")).await;
            if state != "running" {
                return state;
            }
            tokio::task::yield_now().await;
        }
    }
}

const ASYNC: (&str, &str) = ("Prefer", "respond-async");

#[tokio::test(flavor = "multi_thread")]
async fn a_person_has_one_running_import_and_a_process_as_many_as_it_may() {
    let shop = held_shop(|config| config.limits.imports_at_once = 2).await;
    let importer = async |name: &str| shop.seller(name, &["crm:party:create", "crm:party:update"], T).await;
    let (first, second, third) = (importer("First").await, importer("Second").await, importer("Third").await);
    let held = shop.hold().await;
    let keyed = [KEY[0], ASYNC];
    let running = shop.send_file(&first, "", &keyed, &file(3)).await;
    assert_eq!(running.status, 202, "{}", running.text);
    // Another file waits for its end, whatever stands in it; the same one learns where to look.
    for other in [file(2), "nonsense,,\n".to_owned()] {
        let refused = shop.send_file(&first, "", &[ASYNC], &other).await;
        assert_eq!(refused.header("location"), running.header("location"));
        assert_eq!(refused.problem(409, "conflict")["reason"], "import.running");
    }
    let again = shop.send_file(&first, "", &keyed, &file(3)).await;
    assert_eq!((again.status, again.header("location")), (202, running.header("location")));
    let beside = shop.send_file(&second, "", &[ASYNC], &file(2)).await;
    assert_eq!(beside.status, 202, "{}", beside.text);
    shop.app.poke(&shop.tenant, &format!("UPDATE identity_user SET language = 'de' WHERE id = '{}'", third.id)).await;
    let refused = shop.send_file(&third, "", &[ASYNC], "nonsense,,\n").await;
    assert!(refused.text.contains("Es laufen so viele Importe"), "{}", refused.text);
    assert!(!refused.header("retry-after").is_empty());
    assert_eq!(refused.problem(429, "rate_limited")["reason"], "import.too_many");

    held.rollback().await.unwrap();
    for path in [running.header("location"), beside.header("location")] {
        assert_eq!(shop.state_of(path).await, "done");
    }
    // The places are given back.
    let mut answers = Vec::new();
    for user in [&first, &second, &third] {
        answers.push(shop.send_file(user, "", &[], &file(1)).await.status);
    }
    assert_eq!((answers, shop.parties().await), (vec![200, 200, 200], 8));
    shop.app.close().await;
}

#[tokio::test]
async fn an_import_without_a_key_goes_on_by_its_own_id() {
    let shop = Shop::open().await;
    let whole = file(ROWS);
    let path = shop.send_file(&shop.admin, "", &[], &whole).await.header("content-location").to_owned();
    let import = id_of(&shop.import(&path).await["id"]);
    shop.cut_off(import, 400).await;
    assert_eq!((shop.parties().await, &shop.import(&path).await["state"]), (400, &json!("interrupted")));
    let resume = format!("?resume={import}");
    shop.send_file(&shop.admin, &resume, &[], &file(ROWS - 1)).await.problem(409, "idempotency_mismatch");
    shop.send_file(&shop.admin, &resume, &KEY, &whole).await.problem(400, "bad_request");
    for unknown in ["?resume=nonsense".to_owned(), format!("?resume={}", Uuid::nil())] {
        shop.send_file(&shop.admin, &unknown, &[], &whole).await.problem(404, "not_found");
    }
    let other = shop.seller("Other", &["crm:party:create"], T).await;
    shop.send_file(&other, &resume, &[], &whole).await.problem(404, "not_found");
    assert_eq!(shop.parties().await, 400);

    let resumed = shop.send_file(&shop.admin, &resume, &[], &whole).await;
    let step = &resumed.ok()["steps"][0];
    assert_eq!((&step["created"], &step["failed"], resumed.header("content-location")), (&json!(ROWS), &json!(0), path.as_str()), "{step}");
    assert_eq!(shop.parties().await, ROWS as i64, "each row once");
    let again = shop.send_file(&shop.admin, &resume, &[], &whole).await;
    assert_eq!((again.header("idempotent-replayed"), shop.parties().await), ("true", ROWS as i64));
    // Without its id the file is another import.
    shop.send_file(&shop.admin, "", &[], &file(1)).await.ok();
    assert_eq!(shop.parties().await, ROWS as i64 + 1);
    shop.app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_runs_when_the_program_is_told_to_stop_has_the_grace_to_end() {
    let shop = held_shop(|config| config.server.stop_grace_seconds = 600).await;
    let held = shop.hold().await;
    let running = shop.send_file(&shop.admin, "", &[ASYNC], &file(3)).await;
    let path = running.header("location").to_owned();
    assert_eq!(running.status, 202, "{}", running.text);
    shop.app.state.stopping.cancel();
    held.rollback().await.unwrap();
    assert_eq!((shop.state_of(&path).await.as_str(), shop.parties().await), ("done", 3));
    shop.app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_outlasts_the_grace_says_how_it_goes_on() {
    let shop = held_shop(|config| config.server.stop_grace_seconds = 0).await;
    let held = shop.hold().await;
    let whole = file(3);
    let begun = async {
        loop {
            let begun: Option<Uuid> = shop.app.peek(&shop.tenant, "SELECT max(id::text)::uuid FROM kernel_import").await;
            if let Some(import) = begun {
                return import;
            }
            tokio::task::yield_now().await;
        }
    };
    let stopped = async {
        let import = begun.await;
        shop.app.state.stopping.cancel();
        import
    };
    let (answer, import) = tokio::join!(shop.send_file(&shop.admin, "", &[], &whole), stopped);
    assert_eq!(answer.header("location"), format!("/api/v1/imports/{import}"));
    assert!(answer.text.contains(&format!("?resume={import}")), "{}", answer.text);
    assert_eq!(answer.problem(503, "busy")["reason"], "import.interrupted");
    assert_eq!(shop.state_of(&import.to_string()).await, "interrupted");
    held.rollback().await.unwrap();
    shop.app.close().await;
}

#[tokio::test]
async fn an_old_import_is_forgotten_in_bounded_steps_and_goes_on_no_more() {
    let shop = Shop::open().await;
    let whole = file(ROWS);
    let path = shop.send_file(&shop.admin, "", &KEY, &whole).await.header("content-location").to_owned();
    let import = id_of(&shop.import(&path).await["id"]);
    shop.send_file(&shop.admin, "", &[], &file(2)).await.ok();
    let rows = async || -> i64 { shop.app.peek(&shop.tenant, &format!("SELECT count(*) FROM kernel_external_id WHERE source = 'import:{import}'")).await };
    let imports = async || -> i64 { shop.app.peek(&shop.tenant, "SELECT count(*) FROM kernel_import").await };
    let prune = async || shop.app.poke(&shop.tenant, &format!("SELECT kernel_prune_idempotency('{}', '2999-01-01', 200)", shop.tenant.id)).await;
    // What commands left of keys goes first.
    shop.app.poke(&shop.tenant, "DELETE FROM kernel_idempotency").await;
    prune().await;
    assert_eq!((rows().await, imports().await), (ROWS as i64 - 200, 2));
    // Which rows it brought in is no longer known: it is not taken up, and its key begins anew.
    shop.send_file(&shop.admin, &format!("?resume={import}"), &[], &whole).await.problem(409, "idempotency_mismatch");
    prune().await;
    prune().await;
    assert_eq!((rows().await, imports().await), (0, 0));
    shop.app.get(&shop.admin, path.strip_prefix("/api/v1/").unwrap()).await.problem(404, "not_found");
    assert_eq!(shop.send_file(&shop.admin, "", &KEY, &file(1)).await.ok()["steps"][0]["created"], json!(1));
    shop.app.close().await;
}
