//! Every fault that a gateway must survive, through the doors of the whole program: which target answers, what the client sees, what the
//! screen says of breakers and rests, and what the ledger says.
//!
//! Start at [`Bench`]. Faults before the first word are in [`passed_over`], those after it in [`broken`] for streams and in [`anew`] for
//! whole answers, what is a fault and yet a good answer in [`survived`], clients that leave in [`leaving`]. The upstreams are scripted as for the tests of the dispatcher alone, which
//! look closer at each attempt.

mod anew;
mod asking;
mod broken;
mod leaving;
mod passed_over;
mod survived;

use self::asking::By;
use super::upstream::{Step, done, event, finish, status, stream, text, within};
use super::{Doors, route_all};
use crate::app::{Answer, TestApp};
use serde_json::{Value, json};
use steward_llm::Timeouts;
use steward_llm::config::{Alias, Config, Credential, Target, Tier};

/// Far beyond what any test takes; tests of time-outs shorten the one that they are about.
const PATIENT: Timeouts = Timeouts { connect_ms: 60_000, headers_ms: 60_000, first_token_ms: 60_000, idle_ms: 60_000, total_ms: 60_000 };

/// What [`spoken`] and [`written`] tell of what they took, in nano-dollars: 12 tokens in and 3 out.
const EXACTLY: i64 = 12 * 2_000 + 3 * 8_000;

/// A provider under test.
struct Place {
    name: &'static str,
    base_url: String,
    timeouts: Timeouts,
    keys: &'static [&'static str],
}

fn place(name: &'static str, base_url: String) -> Place {
    Place { name, base_url, timeouts: PATIENT, keys: &["main"] }
}

/// What failures leave behind at a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaves {
    /// The way to the endpoint is left alone.
    Endpoint,
    /// The model there is left alone.
    Model,
    /// This rests, and nothing is left alone.
    Rest(&'static str),
    Nothing,
}

/// The program with providers under the alias `fast`, the first one preferred, and each under an alias of its own name.
struct Bench {
    doors: Doors,
}

/// A line of the screen.
#[derive(Debug)]
struct Line {
    about: &'static str,
    is_open: bool,
    is_resting: bool,
    last: String,
}

impl Bench {
    async fn open(places: &[Place]) -> Self {
        Self { doors: Doors::of(TestApp::configured(Vec::new(), |config| configure(places, config)).await).await }
    }

    /// Asks as this client, and reads the whole answer.
    async fn ask(&self, by: By, alias: &str) -> Answer {
        within(self.doors.app.send(self.doors.asks(by.path(), &by.body(alias)))).await
    }

    /// What the screen for administrators says of a provider.
    async fn lines(&self, provider: &str) -> Vec<Line> {
        let page = self.doors.app.page(&self.doors.admin, "/app/models").await;
        let (_, health) = page.text.split_once("data-models=\"health\"").unwrap();
        let rows = health.split("<tr>").skip(1).map(|row| row.split("<td>").skip(1).collect::<Vec<_>>());
        rows.filter_map(|cells| line(&cells, provider)).collect()
    }

    async fn left_behind(&self, provider: &str) -> Leaves {
        let lines = self.lines(provider).await;
        let open: Vec<&str> = lines.iter().filter(|line| line.is_open).map(|line| line.about).collect();
        let resting: Vec<&str> = lines.iter().filter(|line| line.is_resting).map(|line| line.about).collect();
        match (&open[..], &resting[..]) {
            ([], []) => Leaves::Nothing,
            (["endpoint"], []) => Leaves::Endpoint,
            (["model"], []) => Leaves::Model,
            ([], [about]) => Leaves::Rest(about),
            _ => panic!("{lines:?}"),
        }
    }

    /// The code of the last failure of a provider's model, as the screen says it.
    async fn last_failure(&self, provider: &str) -> String {
        self.lines(provider).await.into_iter().find(|line| line.about == "model").unwrap().last
    }

    async fn close(self) {
        self.doors.app.close().await;
    }
}

fn configure(places: &[Place], config: &mut steward_gateway::config::Config) {
    let all: Vec<(&str, &str)> = places.iter().map(|place| (place.name, place.base_url.as_str())).collect();
    route_all(&all, config);
    for place in places {
        one(place, &mut config.llm);
    }
}

fn one(place: &Place, llm: &mut Config) {
    let provider = llm.providers.get_mut(place.name).unwrap();
    provider.timeouts = place.timeouts;
    let key = |name: &&str| Credential { name: (*name).into(), weight: 1, key_env: None, key_file: None, key: Some(secret(name).into()) };
    provider.credentials = place.keys.iter().map(key).collect();
    let target = Target { provider: place.name.into(), model: "scripted".into(), weight: 1 };
    llm.aliases.insert(place.name.into(), Alias { tiers: vec![Tier { targets: vec![target] }], ..Alias::default() });
}

/// The key of this name.
fn secret(name: &str) -> String {
    format!("secret-{name}")
}

fn line(cells: &[&str], provider: &str) -> Option<Line> {
    let [name, about, state, last] = cells else { return None };
    if name.split('<').next()? != provider {
        return None;
    }
    let about = match about.split('<').next()? {
        about if about.starts_with("http") => "endpoint",
        "scripted" => "model",
        about if about.starts_with("scripted") => "model and key",
        _ => "key",
    };
    let last = last.split_once("<code>").map_or("", |(_, code)| code.split(['<', ' ']).next().unwrap_or_default()).to_owned();
    Some(Line { about, is_open: state.contains("bg-red-lt"), is_resting: state.contains("<code>"), last })
}

fn usage() -> Value {
    json!({ "prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15 })
}

/// A good answer as a stream.
fn spoken(words: &str) -> Vec<Step> {
    let usage = json!({ "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "scripted", "choices": [], "usage": usage() });
    vec![stream(), text(words), finish("stop"), event(&usage), done(), Step::End]
}

/// A good answer as a whole.
fn written(words: &str) -> Vec<Step> {
    let message = json!({ "role": "assistant", "content": words });
    let body = json!({ "id": "c", "object": "chat.completion", "created": 1, "model": "scripted", "usage": usage(),
        "choices": [{ "index": 0, "message": message, "finish_reason": "stop" }] });
    json_of(&body)
}

fn json_of(body: &Value) -> Vec<Step> {
    status(200, &[("content-type", "application/json")], &body.to_string())
}

/// A row of the ledger without its sums.
fn entry(by: By, alias: &str, outcome: &str, code: Option<&str>, served_by: Option<&str>, attempts: u32) -> Value {
    let model = served_by.map(|_| "scripted");
    json!({ "door": by.door(), "alias": alias, "outcome": outcome, "code": code, "provider": served_by, "model": model, "attempts": attempts })
}

/// The same of a row that was read, and what it cost.
fn split(row: &Value) -> (Value, i64) {
    let mut row = row.clone();
    let nano = row["nano"].as_i64().unwrap();
    assert_eq!(row["priced"], true, "{row}");
    for sum in ["nano", "priced", "user", "input", "output"] {
        row.as_object_mut().unwrap().remove(sum).unwrap();
    }
    (row, nano)
}
