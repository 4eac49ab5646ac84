//! The doors as processes of their own: limits that hold across them, and a configuration that changes while they run.

use super::{PATIENCE, asking, body, configuration, whole};
use crate::app::PASSWORD;
use crate::model::Model;
use crate::site::{Process, Site, Tenant};
use futures::future::join_all;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::time::Instant;
use steward_migrations::Placement;

/// A served program with a tenant and a key for models.
struct Served {
    site: Site,
    tenant: Tenant,
    token: String,
    key: String,
    server: Process,
}

impl Served {
    async fn open(models: &[(&str, &str)]) -> Self {
        let site = Site::open().await;
        let tenant = site.tenant("doors", Placement::Pooled).await;
        site.write("steward.toml", &file(models));
        let server = site.serve().await;
        let login = json!({ "tenant": tenant.slug, "email": format!("ada@{}.example", tenant.slug), "password": PASSWORD });
        let told: Value = site.client.post(format!("{}/api/v1/auth/login", site.base())).json(&login).send().await.unwrap().json().await.unwrap();
        let token = told["access_token"].as_str().unwrap_or_else(|| panic!("{told}")).to_owned();
        let mut served = Self { site, tenant, token, key: String::new(), server };
        served.key = served.post("ai/keys", &json!({ "name": "Program" })).await["secret"]["api_key"].as_str().unwrap().to_owned();
        served
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let request = self.site.client.post(format!("{}/api/v1/{path}", self.site.base())).bearer_auth(&self.token).json(body);
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
        answer.json().await.unwrap()
    }

    /// Status and body of a call at this server.
    async fn chat(&self, base: &str, asked: &Value) -> (u16, Value) {
        let answer = self.site.client.post(format!("{base}/v1/chat/completions")).bearer_auth(&self.key).json(asked).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// What the model says that answers now.
    async fn says(&self) -> String {
        let (status, told) = self.chat(&self.site.base(), &asking("Hi")).await;
        assert_eq!(status, 200, "{told}");
        told["choices"][0]["message"]["content"].as_str().unwrap().to_owned()
    }

    /// The screen of models.
    async fn screen(&self) -> String {
        let request = self.site.client.get(format!("{}/app/models", self.site.base())).header("Cookie", format!("steward_session={}", self.token));
        request.send().await.unwrap().text().await.unwrap()
    }

    fn hang_up(&self) {
        kill_process(Pid::from_child(&self.server.0), Signal::HUP).unwrap();
    }
}

/// A configuration file with these models.
fn file(models: &[(&str, &str)]) -> String {
    format!("[embedder]\nengine = \"hashed\"\n{}", configuration("llm.", models))
}

/// Asks again and again until it holds.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !holds().await {
        assert!(started.elapsed() < PATIENCE, "in vain: {what}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_calls_at_two_processes_never_exceed_a_budget() {
    const CAP: i64 = 60_000_000;
    // It does not say what it used, so that each call costs what was reserved for it and nothing comes back.
    let silent = json!({ "id": "c1", "object": "chat.completion", "created": 1, "model": "scripted",
        "choices": [{ "index": 0, "message": { "role": "assistant", "content": "Hello." }, "finish_reason": "stop" }] });
    let model = Model::start("first", vec![body(&silent)]).await;
    let served = Served::open(&[(model.name(), model.base_url())]).await;
    let (_beside, other) = served.site.serve_beside().await;
    served.post("ai/budgets", &json!({ "name": "Little", "scope": "tenant", "metric": "cost", "period": "month", "cap": "0.06" })).await;
    let (bases, mut asked) = ([served.site.base(), other], asking("Hi"));
    asked["max_tokens"] = json!(500);
    let told = join_all((0..64).map(|at: usize| served.chat(&bases[at % 2], &asked))).await;

    let good = told.iter().filter(|(status, _)| *status == 200).count();
    for (status, told) in told.iter().filter(|(status, _)| *status != 200) {
        assert_eq!((*status, &told["error"]["code"]), (429, &json!("insufficient_quota")), "{told}");
    }
    assert_eq!(model.requests().len(), good, "what was refused was not asked for");
    let peek = async |sql: &str| served.site.peek::<i64>(&served.tenant, sql).await;
    until("all calls are in the ledger", async || peek("SELECT count(*) FROM ai_request").await == 64).await;
    let counted = peek("SELECT count(*) FROM ai_request WHERE outcome = 'answered' AND cost_nano > 0").await;
    let spent = peek("SELECT sum(cost_nano)::bigint FROM ai_request").await;
    assert_eq!(usize::try_from(counted).unwrap(), good);
    assert!(spent <= CAP && peek("SELECT sum(leased)::bigint FROM ai_counter WHERE metric = 'cost'").await <= CAP, "{spent} of {CAP} by {good}");
    // The last slices may be too small for a call, of either process.
    assert!(good < 64 && spent > CAP / 2, "the cap was put to the test: {spent} of {CAP} by {good}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_configuration_is_taken_up_while_it_runs_and_a_broken_one_is_not() {
    let (first, second) = (Model::start("first", vec![whole("First.")]).await, Model::start("second", vec![whole("Second.")]).await);
    let (first, second) = ((first.name(), first.base_url()), (second.name(), second.base_url()));
    let served = Served::open(&[first]).await;
    assert_eq!(served.says().await, "First.");
    served.site.write("steward.toml", &file(&[second]));
    until("the file is looked at", async || served.says().await == "Second.").await;

    let unknown = file(&[second]).replace("provider = \"second\"", "provider = \"nobody\"");
    for broken in [unknown, "[llm".to_owned()] {
        served.site.write("steward.toml", &broken);
        served.hang_up();
        until("the mistake is told", async || served.screen().await.contains("data-models=\"problems\"")).await;
        assert_eq!(served.says().await, "Second.", "what held before goes on to hold");
        served.site.write("steward.toml", &file(&[second]));
        served.hang_up();
        until("the mistake is put right", async || !served.screen().await.contains("data-models=\"problems\"")).await;
    }

    served.site.write("steward.toml", &file(&[first, second]));
    served.hang_up();
    until("it takes effect at once when asked", async || served.says().await == "First.").await;
}
