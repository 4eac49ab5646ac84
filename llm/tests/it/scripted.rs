//! Requests and providers for the tests.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream;
use steward_llm::{
    Answer, Attempt, ChatRequest, ChatStream, Chunk, Delta, Endpoint, Error, FinishReason, Kind, Message, OpenAiConfig, Provider, Reply, Target, Timeouts,
    collect,
};

/// Far beyond what any test takes; tests of time-outs shorten the one they are about.
pub(crate) const PATIENT: Timeouts = Timeouts { connect_ms: 60_000, headers_ms: 60_000, first_token_ms: 60_000, idle_ms: 60_000, total_ms: 60_000 };

pub(crate) fn request() -> ChatRequest {
    ChatRequest::new(vec![Message::user("How many orders?")], 100, Instant::now() + Duration::from_secs(60))
}

pub(crate) fn config(base_url: String) -> OpenAiConfig {
    OpenAiConfig {
        name: "first".to_owned(),
        base_url,
        api_key: None,
        model: "scripted".to_owned(),
        timeouts: PATIENT,
        token_limit: None,
        price: None,
        proxy_url: None,
    }
}

/// A provider with the target that its configuration names.
pub(crate) struct Configured {
    provider: Endpoint,
    target: Target,
}

impl Configured {
    pub(crate) fn new(config: &OpenAiConfig) -> Self {
        Self { provider: config.endpoint().unwrap(), target: config.target() }
    }

    /// Starts an answer.
    pub(crate) async fn chat(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        Ok(self.provider.chat(self.target.attempt(request)).await?.into_stream())
    }
}

pub(crate) fn provider(base_url: String, timeouts: Timeouts) -> Configured {
    Configured::new(&OpenAiConfig { timeouts, ..config(base_url) })
}

/// Asks a provider and reads its whole answer.
pub(crate) async fn ask(provider: &Configured, request: &ChatRequest) -> Result<Reply, Error> {
    collect(provider.chat(request).await?).await
}

/// Reads a stream to its end, the error included.
pub(crate) async fn read(stream: ChatStream) -> Vec<Result<Delta, Error>> {
    let chunks: Vec<Result<Chunk, Error>> = stream.collect().await;
    let deltas = |chunk: Result<Chunk, Error>| match chunk {
        Ok(chunk) => chunk.deltas.into_iter().map(Ok).collect(),
        Err(error) => vec![Err(error)],
    };
    chunks.into_iter().flat_map(deltas).collect()
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
    pub(crate) fn planner() -> Arc<dyn Provider> {
        let deltas = || vec![Ok(Delta::Text("from the planner".to_owned())), Ok(Delta::Finish(FinishReason::Stop))];
        Arc::new(Self { name: "planner", deltas, then: None })
    }
}

impl Provider for Says {
    fn name(&self) -> &str {
        self.name
    }

    fn chat<'a>(&'a self, _: Attempt<'a>) -> BoxFuture<'a, Result<Answer, Error>> {
        let then = self.then.map(|kind| Err(kind.into()));
        let chunks = (self.deltas)().into_iter().chain(then).map(|delta| delta.map(Chunk::from));
        Box::pin(async move { Ok(Answer::Stream(stream::iter(chunks).boxed())) })
    }
}
