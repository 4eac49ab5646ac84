//! Requests and providers for the tests.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream;
use serde_json::Value;
use steward_llm::{
    BreakerConfig, Chain, ChainConfig, ChatRequest, ChatStream, Delta, Error, FinishReason, Kind, Link, Message, OpenAi, OpenAiConfig, Provider, Reply, Served,
    Timeouts, collect,
};

/// Far beyond what any test takes; tests of time-outs shorten the one they are about.
pub(crate) const PATIENT: Timeouts = Timeouts { connect_ms: 60_000, headers_ms: 60_000, first_token_ms: 60_000, idle_ms: 60_000, total_ms: 60_000 };

pub(crate) fn request() -> ChatRequest {
    ChatRequest {
        messages: vec![Message::user("How many orders?")],
        tools: Vec::new(),
        model: None,
        max_tokens: 100,
        temperature: None,
        deadline: Instant::now() + Duration::from_secs(60),
        context: Value::Null,
    }
}

pub(crate) fn config(base_url: String) -> OpenAiConfig {
    OpenAiConfig { name: "first".to_owned(), base_url, api_key: None, model: "scripted".to_owned(), timeouts: PATIENT, token_limit: None, proxy_url: None }
}

pub(crate) fn provider(base_url: String, timeouts: Timeouts) -> OpenAi {
    OpenAi::new(&OpenAiConfig { timeouts, ..config(base_url) }).unwrap()
}

/// Asks a provider and reads its whole answer.
pub(crate) async fn ask(provider: &OpenAi, request: &ChatRequest) -> Result<Reply, Error> {
    collect(provider.chat(request).await?).await
}

/// Reads a stream to its end, the error included.
pub(crate) async fn read(stream: ChatStream) -> Vec<Result<Delta, Error>> {
    stream.collect().await
}

pub(crate) fn link(name: &str, base_url: String, timeouts: Timeouts) -> Link {
    let provider = OpenAi::new(&OpenAiConfig { name: name.to_owned(), timeouts, ..config(base_url) }).unwrap();
    Link::new(Arc::new(provider), &BreakerConfig::default())
}

/// Retries at once, so that no test waits for a backoff.
pub(crate) fn eager() -> ChainConfig {
    ChainConfig { backoff: Duration::ZERO, ..ChainConfig::default() }
}

pub(crate) fn chain(links: Vec<Link>) -> Chain {
    Chain::new(links, eager())
}

/// The words of an answer, who gave it, and whether it is degraded.
pub(crate) async fn words(served: Served) -> (String, String, bool) {
    (collect(served.stream).await.unwrap().text, served.served_by, served.degraded)
}

/// A provider in this process that says the same each time and then fails or just ends.
pub(crate) struct Says {
    name: &'static str,
    deltas: fn() -> Vec<Result<Delta, Error>>,
    then: Option<Kind>,
}

impl Says {
    pub(crate) fn new(deltas: fn() -> Vec<Result<Delta, Error>>, then: Option<Kind>) -> Self {
        Self { name: "says", deltas, then }
    }

    /// A provider of last resort.
    pub(crate) fn planner() -> Arc<Self> {
        let deltas = || vec![Ok(Delta::Text("from the planner".to_owned())), Ok(Delta::Finish(FinishReason::Stop))];
        Arc::new(Self { name: "planner", deltas, then: None })
    }
}

impl Provider for Says {
    fn name(&self) -> &str {
        self.name
    }

    fn chat<'a>(&'a self, _: &'a ChatRequest) -> BoxFuture<'a, Result<ChatStream, Error>> {
        let then = self.then.map(|kind| Err(kind.into()));
        let deltas = (self.deltas)().into_iter().chain(then);
        Box::pin(async move { Ok(stream::iter(deltas).boxed() as ChatStream) })
    }
}
