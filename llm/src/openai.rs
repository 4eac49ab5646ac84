//! Any server that speaks OpenAI's chat completions: OpenAI itself, llama.cpp, Ollama, vLLM and the many others.
//!
//! Start at [`OpenAi`]; an answer is followed in `answer.rs`, failures are named in `classify.rs`.
//!
//! The types of what is sent come from `async-openai`; its client is deliberately not used. It retries by itself, hides
//! `Retry-After` and the cause of a broken stream, writes bodies and frames that it cannot read to the log, and lets a stream run
//! ahead of its reader without bound. One attempt here is one request; whether there is another is for the chain to say.

mod answer;
mod classify;
mod sse;
mod wire;

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::future::BoxFuture;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::redirect;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::time::timeout_at;

use crate::chat::{ChatRequest, ChatStream, Dialect};
use crate::error::{Error, Kind, Phase};
use crate::provider::{Answer, Attempt, Provider, Target, Timeouts};

/// How much of an error's body is read.
const ERROR_BYTES_MAX: usize = 64 * 1024;
/// How long an error's body is waited for.
const ERROR_BODY_TIMEOUT: Duration = Duration::from_secs(2);

/// Where an OpenAI-compatible server is and how it is called.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenAiConfig {
    /// The name in metrics and in "answered by".
    pub name: String,
    /// The address up to and with the version, such as `https://api.openai.com/v1`.
    pub base_url: String,
    /// The key; servers at home often need none.
    #[serde(default)]
    pub api_key: Option<SecretString>,
    /// The model that is asked for when a request names none.
    pub model: String,
    /// How long to wait for what.
    #[serde(default)]
    pub timeouts: Timeouts,
    /// The field for the length of the answer; if absent, chosen by the address.
    #[serde(default)]
    pub token_limit: Option<TokenLimit>,
    /// A proxy; the environment's proxy variables are not read.
    #[serde(default)]
    pub proxy_url: Option<String>,
}

/// The name of the field that bounds the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenLimit {
    /// `max_tokens`, which compatible servers know.
    MaxTokens,
    /// `max_completion_tokens`, which OpenAI's newer models insist on.
    MaxCompletionTokens,
}

impl OpenAiConfig {
    /// The model that it names, with the key and the time-outs.
    pub fn target(&self) -> Target {
        Target { model: self.model.as_str().into(), credential: self.api_key.clone(), timeouts: self.timeouts }
    }
}

/// A provider that speaks OpenAI's chat completions.
pub struct OpenAi {
    name: String,
    url: reqwest::Url,
    headers: HeaderMap,
    token_limit: TokenLimit,
    http: reqwest::Client,
}

impl OpenAi {
    /// Checks the configuration and builds the client; connects to nothing yet.
    ///
    /// # Errors
    /// [`Kind::Misconfigured`] if an address is none, the key cannot stand in a header, or no TLS can be set up.
    pub fn new(config: &OpenAiConfig) -> Result<Self, Error> {
        let url = format!("{}/chat/completions", config.base_url.trim_end_matches('/'));
        let url = reqwest::Url::parse(&url).map_err(misconfigured)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Kind::Misconfigured.into());
        }
        let by_address = match url.host_str() {
            Some("api.openai.com") => TokenLimit::MaxCompletionTokens,
            _ => TokenLimit::MaxTokens,
        };
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        config.api_key.as_ref().map(bearer).transpose()?;
        // A redirect could carry the prompt to another host.
        let mut http = reqwest::Client::builder()
            .connect_timeout(Duration::from_millis(config.timeouts.connect_ms))
            .redirect(redirect::Policy::none())
            .tcp_nodelay(true)
            .no_proxy();
        if let Some(proxy) = &config.proxy_url {
            http = http.proxy(reqwest::Proxy::all(proxy).map_err(misconfigured)?);
        }
        Ok(Self { name: config.name.clone(), url, headers, token_limit: config.token_limit.unwrap_or(by_address), http: http.build().map_err(misconfigured)? })
    }

    async fn start(&self, attempt: Attempt<'_>) -> Result<ChatStream, Error> {
        let request: &ChatRequest = attempt.request;
        let clock = Clock::start(&attempt.timeouts, request.deadline);
        let body = serde_json::to_vec(&wire::request(request, attempt.model, self.token_limit)).map_err(misconfigured)?;
        let mut headers = self.headers.clone();
        headers.extend(attempt.credential.map(bearer).transpose()?.map(|key| (AUTHORIZATION, key)));
        let sent = self.http.post(self.url.clone()).headers(headers).body(body).send();
        let (until, late) = clock.until(clock.headers, Kind::HeaderTimeout);
        let response = timeout_at(until.into(), sent).await.map_err(|_| Error::new(late).in_phase(Phase::Headers))?.map_err(not_sent)?;
        if !response.status().is_success() {
            return Err(failed(response).await.in_phase(Phase::Headers));
        }
        Ok(answer::stream(self.name.clone(), response, clock))
    }
}

impl Provider for OpenAi {
    fn name(&self) -> &str {
        &self.name
    }

    fn dialect(&self) -> Option<Dialect> {
        Some(Dialect::OpenAiChat)
    }

    fn chat<'a>(&'a self, attempt: Attempt<'a>) -> BoxFuture<'a, Result<Answer, Error>> {
        Box::pin(async move { self.start(attempt).await.map(Answer::Stream) })
    }
}

/// The header that shows a key.
fn bearer(key: &SecretString) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", key.expose_secret())).map_err(misconfigured)?;
    value.set_sensitive(true);
    Ok(value)
}

/// The points in time by which one attempt has to have come so far.
#[derive(Clone, Copy)]
struct Clock {
    headers: Instant,
    first_token: Instant,
    idle: Duration,
    deadline: Instant,
}

impl Clock {
    fn start(timeouts: &Timeouts, deadline: Instant) -> Self {
        let now = Instant::now();
        // A day is as good as for ever, and cannot overflow.
        let after = |ms: u64| now + Duration::from_millis(ms.min(24 * 60 * 60 * 1_000));
        Self {
            headers: after(timeouts.headers_ms),
            first_token: after(timeouts.first_token_ms),
            idle: Duration::from_millis(timeouts.idle_ms),
            deadline: after(timeouts.total_ms).min(deadline),
        }
    }

    /// Until when to wait for something, and what it is called if it does not come: the deadline bounds every wait.
    fn until(&self, at: Instant, late: Kind) -> (Instant, Kind) {
        if self.deadline < at { (self.deadline, Kind::Deadline) } else { (at, late) }
    }
}

fn misconfigured(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::caused_by(Kind::Misconfigured, error)
}

/// No connection, or one that was reset before the headers.
fn not_sent(error: reqwest::Error) -> Error {
    let kind = if error.is_builder() { Kind::Misconfigured } else { Kind::Connect };
    Error::caused_by(kind, error.without_url()).in_phase(Phase::Connect)
}

/// The error of an answer that is none. Its status is known, so that a body that does not come changes nothing.
async fn failed(mut response: reqwest::Response) -> Error {
    let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
    let mut body = Vec::new();
    let until = tokio::time::Instant::now() + ERROR_BODY_TIMEOUT;
    while let Ok(Ok(Some(chunk))) = timeout_at(until, response.chunk()).await {
        let chunk: Bytes = chunk;
        body.extend_from_slice(&chunk[..chunk.len().min(ERROR_BYTES_MAX - body.len())]);
        if body.len() == ERROR_BYTES_MAX {
            break;
        }
    }
    classify::response(status, &headers, &body)
}
