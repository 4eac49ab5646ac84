//! The doors to models, over real sockets: a scripted provider behind them, a client with a key in front.

mod answers;
mod assistant;
mod clients;
mod faults;
mod house;
mod money;
mod privacy;
mod processes;
mod refusals;
#[path = "../../../llm/tests/it/upstream.rs"]
#[expect(dead_code, clippy::expect_used, reason = "it is that of the dispatcher's tests, which need more of it")]
mod upstream;
mod usage;

use crate::app::{Answer, Tenant, TestApp, User};
use crate::model::{Model, Script};
use serde_json::{Value, json};
use std::time::Duration;
use steward_gateway::config::{Config, EmbedderEngine};
use steward_migrations::Placement;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A whole answer of a provider that speaks OpenAI's chat completions.
pub(crate) fn whole(text: &str) -> Script {
    let usage = json!({ "prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15 });
    body(&json!({ "id": "c1", "object": "chat.completion", "created": 1, "model": "scripted",
        "choices": [{ "index": 0, "message": { "role": "assistant", "content": text }, "finish_reason": "stop" }], "usage": usage, "kept": [1, 2] }))
}

pub(crate) fn body(json: &Value) -> Script {
    let json = json.to_string();
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{json}", json.len()).into_bytes()
}

/// A program with providers under the alias `fast`, and the table with their prices.
pub(crate) struct Doors {
    pub(crate) app: TestApp,
    pub(crate) tenant: Tenant,
    pub(crate) admin: User,
    pub(crate) key: String,
}

fn route(config: &mut Config, models: &[&Model]) {
    let all: Vec<(&str, &str)> = models.iter().map(|model| (model.name(), model.base_url())).collect();
    route_all(&all, config);
}

pub(crate) fn route_to(name: &str, url: &str, config: &mut Config) {
    route_all(&[(name, url)], config);
}

fn route_all(models: &[(&str, &str)], config: &mut Config) {
    config.llm = steward_llm::config::Config::parse(&configuration("", models)).unwrap();
    // A test of a failure does not wait for another attempt longer than it has to.
    config.llm.routing.backoff_ms = 1;
    config.llm.routing.backoff_max_ms = 2;
    config.embedder.engine = EmbedderEngine::Hashed;
}

/// Providers, each in a tier of its own of the alias `fast`, below this table of a configuration: `llm.` in a file of the program.
pub(crate) fn configuration(below: &str, models: &[(&str, &str)]) -> String {
    const CAN: &str = "context_window = 100000\nmax_output = 10000\ntools = true\nstructured_output = true\nembeddings = true\nprice = \"openai/gpt-4.1\"\n";
    let mut text = String::new();
    for (name, url) in models {
        text += &format!("[{below}providers.{name}]\nkind = \"compatible\"\nbase_url = \"{url}\"\n[{below}providers.{name}.models.scripted]\n{CAN}");
    }
    if !models.is_empty() {
        text += &format!("[{below}aliases.fast]\n");
    }
    for (name, _) in models {
        text += &format!("[[{below}aliases.fast.tiers]]\ntargets = [{{ provider = \"{name}\", model = \"scripted\" }}]\n");
    }
    text
}

impl Doors {
    pub(crate) async fn open(models: &[&Model]) -> Self {
        Self::of(TestApp::configured(Vec::new(), |config| route(config, models)).await).await
    }

    pub(crate) async fn of(app: TestApp) -> Self {
        let tenant = app.tenant("doors", Placement::Pooled).await;
        let admin = app.admin(&tenant).await;
        let mut doors = Self { app, tenant, admin, key: String::new() };
        doors.key = doors.make_key(json!({ "name": "Program" })).await;
        doors
    }

    pub(crate) async fn make_key(&self, input: Value) -> String {
        let made = self.app.post(&self.admin, "ai/keys", &input).await.ok();
        made["secret"]["api_key"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn settings(&self, changes: Value) {
        let settings = self.app.get(&self.admin, "ai/settings").await.items();
        let id = settings[0]["id"].as_str().unwrap().to_owned();
        let changed = self.app.request("PATCH", &self.admin, &format!("/api/v1/ai/settings/{id}")).header("If-Match", "*").json(&changes);
        self.app.send(changed).await.ok();
    }

    pub(crate) fn asks(&self, path: &str, body: &Value) -> reqwest::RequestBuilder {
        self.asks_with(&self.key, path, body)
    }

    pub(crate) fn asks_with(&self, key: &str, path: &str, body: &Value) -> reqwest::RequestBuilder {
        self.app.client.post(format!("{}/v1/{path}", self.app.base)).bearer_auth(key).json(body)
    }

    pub(crate) async fn chat(&self, body: &Value) -> Answer {
        self.app.send(self.asks("chat/completions", body)).await
    }

    /// What the ledger says of the calls so far, in their order, when so many are written.
    pub(crate) async fn ledger(&self, calls: usize) -> Vec<Value> {
        const COLUMNS: &str = "jsonb_build_object('door', door, 'alias', alias, 'outcome', outcome, 'code', code, 'provider', provider, 'model', model, 'attempts', attempts, 'input', input_tokens, 'output', output_tokens, 'nano', cost_nano, 'priced', priced, 'user', user_id)";
        let sql = format!("SELECT {COLUMNS} FROM ai_request ORDER BY created_at, id");
        // A call is noted beside its answer: it may be a moment behind it.
        let written = tokio::time::timeout(PATIENCE, async {
            loop {
                self.app.state.ai.ledger.flush().await.unwrap();
                let rows: Vec<Value> = self.app.column(&self.tenant, &sql).await;
                if rows.len() >= calls {
                    return rows;
                }
                tokio::task::yield_now().await;
            }
        });
        written.await.unwrap()
    }
}

pub(crate) fn asking(text: &str) -> Value {
    json!({ "model": "fast", "messages": [{ "role": "user", "content": text }] })
}

/// The data of the events of a stream.
pub(crate) fn data(text: &str) -> Vec<String> {
    text.split("\n\n").filter_map(|event| event.lines().find_map(|line| line.strip_prefix("data: "))).map(str::to_owned).collect()
}

pub(crate) fn words(text: &str) -> String {
    let deltas = data(text).into_iter().filter_map(|data| serde_json::from_str::<Value>(&data).ok());
    deltas.filter_map(|event| Some(event["choices"][0]["delta"]["content"].as_str()?.to_owned())).collect()
}
