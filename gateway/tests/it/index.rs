//! The index as the program composes it: it follows what the doors write, administrators see how it fares, and the command
//! line builds it anew.

use crate::app::TestApp;
use crate::shop::T;
use secrecy::ExposeSecret;
use serde_json::json;
use std::process::{Command, Output};
use steward_gateway::config::{Config, EmbedderEngine};
use steward_migrations::Placement;
use steward_rag::engine::Index;

fn with_vectors(config: &mut Config) {
    config.embedder.engine = EmbedderEngine::Hashed;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_door_writes_is_in_the_index_and_administrators_see_how_it_fares() {
    let app = TestApp::configured(Vec::new(), with_vectors).await;
    let tenant = app.tenant("one", Placement::Pooled).await;
    let admin = app.admin(&tenant).await;
    app.state.indexer.settle().await.unwrap();
    app.post(&admin, "crm/parties", &json!({ "name": "Alfreds Futterkiste", "is_customer": true })).await.ok();
    app.state.indexer.settle().await.unwrap();
    let status = app.state.indexer.status(Some(tenant.id)).await.unwrap();
    assert_eq!(status.parts.len(), 2);
    for part in &status.parts {
        assert!(part.live && part.ready && part.lag_rows == 0 && part.drift.total() == 0, "{part:?}");
        let generation = steward_rag::engine::Generation(part.generation);
        let index: &dyn Index =
            if part.part == steward_indexer::Part::Text { &*app.state.engines.text } else { &*app.state.engines.vectors.as_ref().unwrap().index };
        assert_eq!(index.known(generation, tenant.id, "crm.party", None, 10).await.unwrap().len(), 1, "{part:?}");
    }

    let page = app.page(&admin, "/app/index").await;
    assert_eq!(page.status, 200, "{}", page.text);
    for part in ["data-index=\"text\"", "data-index=\"vectors\"", "data-figure=\"index-drift\"", "up to date"] {
        assert!(page.text.contains(part), "{part}: {}", page.text);
    }
    let clerk = app.user(&tenant, "Clerk", &[("crm:party:read", T)]).await;
    assert_eq!(app.page(&clerk, "/app/index").await.status, 403);
    assert!(!app.page(&clerk, "/").await.text.contains("/app/index"));
    assert!(app.page(&admin, "/").await.text.contains("/app/index"));
    app.close().await;
}

/// What a page says of a figure of a part.
fn figure<'a>(page: &'a str, part: &str, name: &str) -> &'a str {
    let (_, card) = page.split_once(&format!("data-index=\"{part}\"")).unwrap_or_else(|| panic!("no {part}: {page}"));
    let (_, value) = card.split_once(&format!("data-figure=\"{name}\">")).unwrap_or_else(|| panic!("no {name}: {card}"));
    value.split('<').next().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_screen_tells_what_waits_and_what_failed_and_a_dead_letter_is_retried_from_it() {
    let app = TestApp::configured(Vec::new(), with_vectors).await;
    let tenant = app.tenant("one", Placement::Pooled).await;
    let admin = app.admin(&tenant).await;
    app.state.indexer.settle().await.unwrap();
    let page = async || {
        let page = app.page(&admin, "/app/index").await;
        assert_eq!(page.status, 200, "{}", page.text);
        page.text
    };
    let figures = |page: &str, name: &str| ["text", "vectors"].map(|part| figure(page, part, name).to_owned());
    let quiet = page().await;
    assert_eq!(figures(&quiet, "index-lag"), ["0 · 0 s", "0 · 0 s"]);
    for name in ["index-waiting", "index-dead", "index-drift"] {
        assert_eq!(figures(&quiet, name), ["0", "0"], "{name}");
    }
    assert!(!quiet.contains("data-index=\"dead\""));

    // What was written and not read yet.
    app.post(&admin, "crm/parties", &json!({ "name": "Alfreds Futterkiste", "is_customer": true })).await.ok();
    assert!(figures(&page().await, "index-lag").iter().all(|lag| !lag.starts_with("0 ·")), "the changes are still to be read");
    app.state.indexer.settle().await.unwrap();
    assert_eq!(figures(&page().await, "index-lag"), ["0 · 0 s", "0 · 0 s"]);

    // A record that could not be indexed waits for its next attempt, and in the end for a person.
    let put_aside = "INSERT INTO kernel.delivery_failure (consumer, xid, ordinal, tenant_id, name, event, code, next_attempt_at)
                     SELECT consumer, '7'::xid8, 1, $1, 'crm.party', '{}', 'index_refused', now() + interval '1 day' FROM kernel.outbox_cursor WHERE consumer LIKE 'indexer:text%'";
    assert_eq!(sqlx::query(put_aside).bind(tenant.id).execute(app.owner.pool()).await.unwrap().rows_affected(), 1);
    let waiting = page().await;
    assert_eq!((figures(&waiting, "index-waiting"), figures(&waiting, "index-dead")), (["1", "0"].map(str::to_owned), ["0", "0"].map(str::to_owned)));
    sqlx::query("UPDATE kernel.delivery_failure SET dead_at = now()").execute(app.owner.pool()).await.unwrap();
    let dead = page().await;
    assert_eq!((figures(&dead, "index-waiting"), figures(&dead, "index-dead")), (["0", "0"].map(str::to_owned), ["1", "0"].map(str::to_owned)));

    // Its row leads to the command, with the delivery filled in.
    let (_, row) = dead.split_once("data-dead=\"").unwrap();
    let delivery = row.split('"').next().unwrap().to_owned();
    let (_, link) = row.split_once("href=\"").unwrap();
    let form = app.page(&admin, &link.split('"').next().unwrap().replace("&amp;", "&")).await;
    assert!(form.status == 200 && form.text.contains(&format!("value=\"{delivery}\"")), "{}", form.text);
    app.post(&admin, "platform/settings/retry", &json!({ "delivery": delivery })).await.ok();
    let again = page().await;
    assert_eq!((figures(&again, "index-waiting")[0].as_str(), figures(&again, "index-dead")[0].as_str()), ("1", "0"));
    assert!(!again.contains("data-index=\"dead\""));

    // Another tenant's administrator sees nothing of it.
    let other = app.tenant("two", Placement::Pooled).await;
    let elsewhere = app.page(&app.admin(&other).await, "/app/index").await.text;
    assert_eq!(figures(&elsewhere, "index-waiting"), ["0", "0"]);
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_builds_the_index_anew_and_goes_back() {
    let app = TestApp::configured(Vec::new(), with_vectors).await;
    let tenant = app.tenant("one", Placement::Pooled).await;
    app.post(&app.admin(&tenant).await, "crm/parties", &json!({ "name": "Alfreds Futterkiste", "is_customer": true })).await.ok();
    app.state.indexer.settle().await.unwrap();
    let live = async || app.state.indexer.status(None).await.unwrap().parts[0].generation;
    let first = live().await;
    let url = app.state.config.database.url.as_ref().unwrap().expose_secret().to_owned();
    let home = app.state.config.server.home.clone().unwrap();
    let reindex = async |arguments: &'static [&'static str]| -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_steward"));
        command.arg("reindex").args(arguments).env_clear().current_dir(&home);
        command.env("STEWARD_DATABASE__URL", &url).env("STEWARD_SERVER__HOME", &home).env("STEWARD_EMBEDDER__ENGINE", "hashed");
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    };
    let done = |output: &Output| assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    done(&reindex(&["--wait"]).await);
    let second = live().await;
    assert!(second > first);
    done(&reindex(&["--tenant", "one", "--wait"]).await);
    assert_eq!(live().await, second);
    done(&reindex(&["--roll-back", "--wait"]).await);
    assert_eq!(live().await, first);
    let nobody = reindex(&["--tenant", "nobody"]).await;
    assert!(!nobody.status.success() && String::from_utf8_lossy(&nobody.stderr).contains("nobody"));
    app.close().await;
}
