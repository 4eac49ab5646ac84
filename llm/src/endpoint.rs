//! A server that answers over HTTP: OpenAI, Azure, Anthropic, and the many that speak like one of them.
//!
//! Start at [`Endpoint`]; where a server is and how it departs from its dialect is an [`EndpointConfig`]. An answer that comes as a
//! stream is followed in `follow.rs`, a whole one read in `whole.rs`.
//!
//! One attempt is one request. Nothing is tried again here, no redirect is followed and no proxy is taken from the environment.

mod clock;
mod config;
mod follow;
mod retry_after;
mod whole;

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures::future::BoxFuture;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Url, redirect};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout_at;

use self::clock::Clock;
use crate::chat::{ChatRequest, Delivery, Dialect, Wire};
use crate::dialect::{Raw, anthropic, classify, openai};
use crate::embed::{EmbedRequest, Embeddings};
use crate::error::{Error, Kind, Phase};
use crate::provider::{Answer, Attempt, Provider, Timeouts};

pub use config::{Api, AzurePath, EndpointConfig};

/// How much of an error's body is read.
const ERROR_BYTES_MAX: usize = 64 * 1024;
/// How long an error's body is waited for.
const ERROR_BODY_TIMEOUT: Duration = Duration::from_secs(2);
/// Clients that differ in how long they wait for a connection.
const CLIENTS_MAX: usize = 8;

/// A server that answers like a model.
pub struct Endpoint {
    name: String,
    base_url: Url,
    /// Where it is asked for answers, unless that depends on the model.
    chat_url: Option<Url>,
    api: Api,
    headers: HeaderMap,
    proxy: Option<reqwest::Proxy>,
    /// By how many milliseconds they wait for a connection.
    clients: Mutex<Vec<(u64, reqwest::Client)>>,
}

impl Endpoint {
    /// Checks the configuration and builds the client; connects to nothing yet.
    ///
    /// # Errors
    /// [`Kind::Misconfigured`] if an address is none, a header cannot stand, or no TLS can be set up.
    pub fn new(config: &EndpointConfig) -> Result<Self, Error> {
        let base_url = Url::parse(config.base_url.trim_end_matches('/')).map_err(misconfigured)?;
        if !matches!(base_url.scheme(), "http" | "https") || base_url.cannot_be_a_base() {
            return Err(Kind::Misconfigured.into());
        }
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in &config.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(misconfigured)?;
            headers.insert(name, sensitive(value.expose_secret())?);
        }
        if let Api::Anthropic { .. } = config.api {
            headers.entry(ANTHROPIC_VERSION).or_insert(HeaderValue::from_static(anthropic::VERSION));
        }
        let proxy = config.proxy_url.as_deref().map(reqwest::Proxy::all).transpose().map_err(misconfigured)?;
        let api = config.api.clone();
        let chat_url = (!api.names_models_in_paths()).then(|| api.chat_url(&base_url, ""));
        let endpoint = Self { name: config.name.clone(), base_url, chat_url, api, headers, proxy, clients: Mutex::default() };
        endpoint.client(Timeouts::default().connect_ms)?;
        Ok(endpoint)
    }

    /// Checks that a key can be shown to this server.
    ///
    /// # Errors
    /// [`Kind::Misconfigured`] if it cannot stand in a header.
    pub fn check(&self, credential: &SecretString) -> Result<(), Error> {
        self.credential(credential).map(drop)
    }

    /// The client that waits so long for a connection. The library knows that only as a property of a client.
    fn client(&self, connect_ms: u64) -> Result<reqwest::Client, Error> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, client)) = clients.iter().find(|(ms, _)| *ms == connect_ms) {
            return Ok(client.clone());
        }
        // A redirect could carry the prompt to another host, and small requests must not wait for more to send.
        let builder = reqwest::Client::builder().connect_timeout(clock::wait(connect_ms)).redirect(redirect::Policy::none()).tcp_nodelay(true).no_proxy();
        let builder = match &self.proxy {
            Some(proxy) => builder.proxy(proxy.clone()),
            None => builder,
        };
        let client = builder.build().map_err(misconfigured)?;
        if clients.len() == CLIENTS_MAX {
            clients.remove(0);
        }
        clients.push((connect_ms, client.clone()));
        Ok(client)
    }

    fn credential(&self, key: &SecretString) -> Result<(HeaderName, HeaderValue), Error> {
        Ok(match self.api {
            Api::OpenAi { .. } => (AUTHORIZATION, sensitive(&format!("Bearer {}", key.expose_secret()))?),
            Api::Azure { .. } => (API_KEY, sensitive(key.expose_secret())?),
            Api::Anthropic { .. } => (X_API_KEY, sensitive(key.expose_secret())?),
        })
    }

    fn headers<R>(&self, attempt: &Attempt<'_, R>, accept: &'static str, wire: Option<&Wire>) -> Result<HeaderMap, Error> {
        let mut headers = self.headers.clone();
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        headers.extend(attempt.credential.map(|key| self.credential(key)).transpose()?);
        if let (Api::Anthropic { .. }, Some(wire)) = (&self.api, wire)
            && !wire.betas.is_empty()
        {
            headers.append(ANTHROPIC_BETA, HeaderValue::from_str(&wire.betas.join(",")).map_err(|_| Kind::BadRequest)?);
        }
        Ok(headers)
    }

    async fn start(&self, attempt: Attempt<'_>) -> Result<Answer, Error> {
        let request: &ChatRequest = attempt.request;
        let dialect = self.api.dialect();
        let wire = request.wire.as_deref().filter(|wire| wire.dialect == dialect);
        // Only an answer that goes on as it is may come as a whole: a stream can be given up sooner.
        let is_whole = request.delivery == Delivery::Whole && wire.is_some();
        let mut streamed;
        let request = if is_whole || request.delivery == Delivery::Stream {
            request
        } else {
            streamed = request.clone();
            streamed.delivery = Delivery::Stream;
            &streamed
        };
        let body = match &self.api {
            Api::OpenAi { quirks } | Api::Azure { quirks, .. } => openai::request::encode(request, attempt.model, quirks),
            Api::Anthropic { quirks } => anthropic::request::encode(request, attempt.model, quirks),
        }?;
        let url = self.chat_url.clone().unwrap_or_else(|| self.api.chat_url(&self.base_url, attempt.model));
        let clock = Clock::start(&attempt.timeouts, request.deadline, attempt.request.delivery);
        let headers = self.headers(&attempt, if is_whole { JSON } else { EVENTS }, wire)?;
        let (until, late) = if is_whole { clock.whole() } else { clock.until(clock.headers, Kind::HeaderTimeout) };
        let phase = if is_whole { Phase::Whole } else { Phase::Headers };
        let response = self.send(url, headers, body, attempt.timeouts.connect_ms, until, late).await.map_err(|error| error.in_phase(phase))?;
        if is_whole || is_json(&response) {
            // Some servers answer as a whole whatever they were asked for, and others tell their errors so.
            let (until, late) = clock.whole();
            let read = whole::body(response, until, late).await.and_then(|body| Ok((whole::reply(dialect, &body)?, body)));
            let (reply, body) = read.map_err(|error| error.in_phase(Phase::Whole))?;
            return Ok(Answer::Whole { reply, raw: is_whole.then_some(body) });
        }
        let raw = if wire.is_some() { Raw::Keep } else { Raw::Drop };
        follow::stream(self.name.clone(), response, dialect, raw, clock).map(Answer::Stream)
    }

    async fn embeddings(&self, attempt: Attempt<'_, EmbedRequest>) -> Result<Embeddings, Error> {
        let request = attempt.request;
        let url = self.api.embed_url(&self.base_url, attempt.model).ok_or(Kind::Unsupported)?;
        let body = openai::embed::encode(request, attempt.model)?;
        let headers = self.headers(&attempt, JSON, None)?;
        let (until, late) = Clock::start(&attempt.timeouts, request.deadline, Delivery::Whole).whole();
        let read = async {
            let response = self.send(url, headers, body, attempt.timeouts.connect_ms, until, late).await?;
            let body = whole::body(response, until, late).await?;
            let embeddings = openai::embed::read(&body, request.inputs.len())?;
            Ok(Embeddings { raw: request.wire.is_some().then_some(body), ..embeddings })
        };
        read.await.map_err(|error: Error| error.in_phase(Phase::Whole))
    }

    /// Sends a request and waits for the headers of a good answer.
    async fn send(
        &self,
        url: Url,
        headers: HeaderMap,
        body: Vec<u8>,
        connect_ms: u64,
        until: std::time::Instant,
        late: Kind,
    ) -> Result<reqwest::Response, Error> {
        let sent = self.client(connect_ms)?.post(url).headers(headers).body(body).send();
        let response = timeout_at(until.into(), sent).await.map_err(|_| late)?.map_err(not_sent)?;
        if response.status().is_success() { Ok(response) } else { Err(failed(response).await) }
    }
}

impl Provider for Endpoint {
    fn name(&self) -> &str {
        &self.name
    }

    fn dialect(&self) -> Option<Dialect> {
        Some(self.api.dialect())
    }

    fn chat<'a>(&'a self, attempt: Attempt<'a>) -> BoxFuture<'a, Result<Answer, Error>> {
        Box::pin(self.start(attempt))
    }

    fn embed<'a>(&'a self, attempt: Attempt<'a, EmbedRequest>) -> BoxFuture<'a, Result<Embeddings, Error>> {
        Box::pin(self.embeddings(attempt))
    }
}

fn is_json(response: &reqwest::Response) -> bool {
    response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(JSON.as_bytes()))
}

const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";
const ANTHROPIC_VERSION: HeaderName = HeaderName::from_static("anthropic-version");
const ANTHROPIC_BETA: HeaderName = HeaderName::from_static("anthropic-beta");
const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const API_KEY: HeaderName = HeaderName::from_static("api-key");

fn sensitive(value: &str) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(value).map_err(misconfigured)?;
    value.set_sensitive(true);
    Ok(value)
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
    let retry_after = retry_after::retry_after(response.headers(), SystemTime::now());
    let mut body = Vec::new();
    let until = tokio::time::Instant::now() + ERROR_BODY_TIMEOUT;
    while let Ok(Ok(Some(chunk))) = timeout_at(until, response.chunk()).await {
        let chunk: Bytes = chunk;
        body.extend_from_slice(&chunk[..chunk.len().min(ERROR_BYTES_MAX - body.len())]);
        if body.len() == ERROR_BYTES_MAX {
            break;
        }
    }
    classify::response(response.status().as_u16(), retry_after, &body)
}
