//! Somebody who sends requests over HTTP, and the count of what was answered.

use super::Shift;
use crate::app::{PASSWORD, id_of};
use crate::site::{Site, Tenant};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use uuid::Uuid;

/// What was answered, by status and code.
#[derive(Clone, Default)]
pub(super) struct Tally(Arc<Mutex<BTreeMap<(u16, String), u64>>>);

impl Tally {
    fn note(&self, reply: &Reply) {
        *self.0.lock().unwrap().entry((reply.status, reply.why())).or_default() += 1;
    }

    /// How often a row of a batch was refused for this reason; its answer as a whole is a good one.
    pub(super) fn note_row(&self, why: &str) {
        *self.0.lock().unwrap().entry((0, format!("row {why}"))).or_default() += 1;
    }

    pub(super) fn total(&self) -> u64 {
        self.0.lock().unwrap().iter().filter(|((status, _), _)| *status > 0).map(|(_, count)| count).sum()
    }

    /// Prints the figures; every answer must be a good one or among `allowed`, given as status and the beginning of the
    /// code or reason.
    #[track_caller]
    pub(super) fn close(&self, name: &str, shift: Shift, site: &Site, allowed: &[(u16, &str)]) {
        let (total, took) = (self.total(), shift.took().as_secs_f64());
        println!("soak {name}: {total} requests in {took:.1} s, {:.0}/s", total as f64 / took);
        let all = self.0.lock().unwrap();
        for ((status, why), count) in all.iter() {
            println!("soak {name}:   {count:>8} × {} {why}", if *status > 0 { status.to_string() } else { "---".to_owned() });
        }
        let strange: Vec<_> = all
            .iter()
            .filter(|((status, why), _)| {
                !(200..300).contains(status) && *status > 0 && !allowed.iter().any(|(code, begin)| code == status && why.starts_with(begin))
            })
            .collect();
        assert!(strange.is_empty(), "{strange:?} were answered; the processes logged:\n{}", site.failures());
        assert!(total > 0, "nothing was asked");
    }
}

/// An answer, read whole.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) text: String,
}

impl Reply {
    pub(super) fn is_good(&self) -> bool {
        (200..300).contains(&self.status)
    }
    /// A problem's code with its reason; nothing for a good answer.
    pub(super) fn why(&self) -> String {
        if self.is_good() {
            return String::new();
        }
        let Ok(problem) = serde_json::from_str::<Value>(&self.text) else { return String::new() };
        reason(&problem)
    }
    #[track_caller]
    pub(super) fn json(&self) -> Value {
        assert!(self.is_good(), "{} {}", self.status, self.text);
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
    #[track_caller]
    pub(super) fn id(&self) -> Uuid {
        id_of(&self.json()["id"])
    }
}

/// `conflict sales.not_a_quotation`.
pub(super) fn reason(problem: &Value) -> String {
    let part = |name: &str| problem[name].as_str().unwrap_or_default();
    format!("{} {}", part("code"), part("reason")).trim_end().to_owned()
}

/// A request that can be sent many times.
#[derive(Clone, Debug)]
pub(super) struct Call {
    method: Method,
    pub(super) path: String,
    body: Option<Value>,
    key: Option<String>,
    /// The version that a change is made to; any if there is none.
    version: Option<i64>,
}

impl Call {
    /// `path` as it stands in the address.
    pub(super) fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), body: None, key: None, version: None }
    }
    /// `path` below `/api/v1/`, as in the next two.
    pub(super) fn read(path: &str) -> Self {
        Self::get(format!("/api/v1/{path}"))
    }
    pub(super) fn post(path: &str, body: Value) -> Self {
        Self { method: Method::POST, body: Some(body), ..Self::read(path) }
    }
    /// Overwrites whatever version there is, unless one is said.
    pub(super) fn patch(path: &str, body: Value) -> Self {
        Self { method: Method::PATCH, body: Some(body), ..Self::read(path) }
    }
    pub(super) fn delete(path: &str) -> Self {
        Self { method: Method::DELETE, ..Self::read(path) }
    }
    /// Refused where the record is at another version by now.
    pub(super) fn seen(self, version: i64) -> Self {
        Self { version: Some(version), ..self }
    }
    pub(super) fn keyed(self, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..self }
    }
}

#[derive(Clone)]
pub(super) struct Caller {
    client: reqwest::Client,
    base: String,
    token: String,
    tally: Tally,
}

impl Caller {
    pub(super) async fn log_in(site: &Site, tenant: &Tenant, email: &str, tally: &Tally) -> Self {
        let nobody = Self { client: site.client.clone(), base: site.base(), token: String::new(), tally: tally.clone() };
        let told = nobody.try_log_in(tenant, email).await.json();
        Self { token: told["access_token"].as_str().unwrap().to_owned(), ..nobody }
    }

    pub(super) async fn administrator(site: &Site, tenant: &Tenant, tally: &Tally) -> Self {
        Self::log_in(site, tenant, &format!("ada@{}.example", tenant.slug), tally).await
    }

    pub(super) async fn try_log_in(&self, tenant: &Tenant, email: &str) -> Reply {
        self.send(&Call::post("auth/login", json!({ "tenant": tenant.slug, "email": email, "password": PASSWORD }))).await
    }

    /// Whether a server answers at all.
    pub(super) async fn is_served(&self) -> bool {
        self.client.get(format!("{}/healthz", self.base)).send().await.is_ok()
    }

    /// `None` where the connection broke.
    pub(super) async fn try_send(&self, call: &Call) -> Option<Reply> {
        let mut request = self.client.request(call.method.clone(), format!("{}{}", self.base, call.path));
        // Pages know a session by its cookie, the API by its bearer.
        request = match (self.token.is_empty(), call.path.starts_with("/api/")) {
            (true, _) => request,
            (false, true) => request.bearer_auth(&self.token),
            (false, false) => request.header("Cookie", format!("steward_session={}", self.token)),
        };
        if call.method == Method::PATCH {
            request = request.header("If-Match", call.version.map_or_else(|| "*".to_owned(), |version| format!("\"{version}\"")));
        }
        if let Some(key) = &call.key {
            request = request.header("Idempotency-Key", key);
        }
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        let response = request.send().await.ok()?;
        let status = response.status().as_u16();
        let reply = Reply { status, text: response.text().await.ok()? };
        self.tally.note(&reply);
        Some(reply)
    }

    pub(super) async fn send(&self, call: &Call) -> Reply {
        self.try_send(call).await.unwrap_or_else(|| panic!("{call:?} was not answered"))
    }

    pub(super) async fn read(&self, path: &str) -> Reply {
        self.send(&Call::read(path)).await
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(&Call::post(path, body)).await
    }

    /// Until it is done: a server that says that it is busy has done nothing.
    pub(super) async fn insist(&self, call: &Call) -> Reply {
        loop {
            let reply = self.send(call).await;
            if reply.status != 503 {
                assert!(reply.is_good(), "{call:?} was answered with {} {}", reply.status, reply.text);
                return reply;
            }
        }
    }
}
