//! A user at the doors: REST, and the conversation as a stream of events.

use crate::target::Login;
use anyhow::{Context, Result, bail, ensure};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Questions take their time on a machine that does other things as well.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Where a browser keeps its log-in.
const COOKIE: &str = "steward_session";

#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: String,
    pub email: String,
}

/// What the assistant came to.
#[derive(Clone, Debug, Default)]
pub struct Told {
    pub conversation: Option<String>,
    pub answer: String,
    /// It asked back instead of answering.
    pub asked: bool,
    pub citations: Vec<Value>,
    pub proposals: Vec<Value>,
    /// Figures with the query that each comes from.
    pub figures: Vec<Value>,
    pub degraded: bool,
    /// An `error` event ended the turn.
    pub error: Option<String>,
    pub took: Duration,
}

impl Client {
    pub async fn log_in(base: &str, tenant: &str, login: &Login) -> Result<Self> {
        let http = reqwest::Client::builder().timeout(TIMEOUT).redirect(reqwest::redirect::Policy::none()).build().context("no HTTP client")?;
        let body = json!({ "tenant": tenant, "email": login.email, "password": login.password });
        let answer = http.post(format!("{base}/api/v1/auth/login")).json(&body).send().await.with_context(|| format!("{base} cannot be reached"))?;
        ensure!(answer.status().is_success(), "{} cannot log in to {tenant}: {}", login.email, answer.status());
        let answer: Value = answer.json().await.context("the log-in's answer is no JSON")?;
        let token = answer["access_token"].as_str().context("the log-in gave no token")?.to_owned();
        Ok(Self { http, base: base.to_owned(), token, email: login.email.clone() })
    }

    /// The same doors with another bearer, such as an API key.
    pub fn with_bearer(&self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self.clone() }
    }

    /// `path` below `/api/v1/`.
    pub async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<(StatusCode, Value)> {
        let mut request = self.http.request(method, format!("{}/api/v1/{path}", self.base)).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.with_context(|| format!("{path} was not answered"))?;
        let status = answer.status();
        let text = answer.text().await.with_context(|| format!("the answer of {path} broke off"))?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }
    pub async fn get(&self, path: &str) -> Result<Value> {
        self.good(Method::GET, path, None).await
    }
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.good(Method::POST, path, Some(body)).await
    }
    async fn good(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let (status, answer) = self.send(method, path, body).await?;
        ensure!(status.is_success(), "{path} answered {status}: {answer}");
        Ok(answer)
    }

    /// The items of a list, encoded parameters and all.
    pub async fn items(&self, path: &str) -> Result<Vec<Value>> {
        let answer = self.get(path).await?;
        answer["items"].as_array().cloned().with_context(|| format!("{path} has no items"))
    }

    pub async fn ask(&self, text: &str) -> Result<Told> {
        let started = Instant::now();
        let request = self.http.post(format!("{}/api/v1/assistant/messages", self.base)).bearer_auth(&self.token).json(&json!({ "text": text }));
        let answer = request.send().await.context("the question was not answered")?;
        let status = answer.status();
        let stream = answer.text().await.context("the answer broke off")?;
        ensure!(status.is_success(), "the question was refused with {status}: {stream}");
        let mut told = Told::default();
        for block in stream.split("\n\n") {
            let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
            let (Some(name), Some(data)) = (field("event:"), field("data:")) else { continue };
            let data: Value = serde_json::from_str(data).context("an event is no JSON")?;
            match name {
                "start" => told.conversation = data["conversation_id"].as_str().map(str::to_owned),
                "ask" => told.asked = true,
                "citation" => told.citations.push(data),
                "proposal" => told.proposals.push(data),
                "error" => told.error = Some(data["code"].as_str().unwrap_or("unknown").to_owned()),
                "done" => {
                    told.answer = data["answer"].as_str().unwrap_or_default().to_owned();
                    told.figures = data["figures"].as_array().cloned().unwrap_or_default();
                    told.degraded = data["degraded"].as_bool().unwrap_or(false);
                }
                _ => {}
            }
        }
        if told.answer.is_empty() && told.error.is_none() {
            bail!("the stream ended without an end");
        }
        told.took = started.elapsed();
        Ok(told)
    }

    /// A page of the screens, as a browser of this log-in gets it.
    pub async fn page(&self, path: &str) -> Result<String> {
        let request = self.http.get(format!("{}/{path}", self.base)).header(reqwest::header::COOKIE, format!("{COOKIE}={}", self.token));
        let answer = request.send().await.with_context(|| format!("{path} was not answered"))?;
        ensure!(answer.status().is_success(), "{path} answered {}", answer.status());
        answer.text().await.with_context(|| format!("{path} broke off"))
    }
}
