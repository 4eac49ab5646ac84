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
