//! What can be asked of a target: a conversation or vectors.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use futures::StreamExt;
use tokio::time::timeout_at;

use super::follow::Held;
use super::pace::Pace;
use super::tracker::Tracker;
use crate::chat::{ChatRequest, Delivery, Delta};
use crate::embed::{EmbedRequest, Embeddings};
use crate::error::{Error, Kind, Phase};
use crate::price;
use crate::provider::{Answer, Provider, Target};
use crate::reply::{Collector, Reply};
use crate::route::Needs;

/// A request of either sort, as far as the loop has to know it.
pub(super) trait Ask: Sync {
    /// An answer that has begun.
    type Begun: Send;

    /// The name in OpenTelemetry's conventions.
    const OPERATION: &'static str;

    fn deadline(&self) -> Instant;
    fn needs(&self) -> Needs;
    fn size(&self) -> price::Request;

    /// Asks, and reads up to the first part that shows something. The pace says until when.
    fn begin(
        &self,
        provider: &Arc<dyn Provider>,
        target: &Target,
        pace: Pace,
        tracker: &mut Tracker,
    ) -> impl Future<Output = Result<Self::Begun, Error>> + Send;

    /// Reads on as far as the caller waits before he sees anything: whoever wants a whole answer has seen nothing of it before it is
    /// complete, so that another target can still begin anew. If it fails, the account of the attempt is closed.
    fn complete(&self, begun: Self::Begun, tracker: Tracker) -> impl Future<Output = Result<(Self::Begun, Tracker), Error>> + Send {
        async { Ok((begun, tracker)) }
    }
}

/// A conversation's answer.
pub(super) enum Begun {
    Whole { reply: Reply, raw: Option<Bytes> },
    Stream(Held),
}

impl Ask for ChatRequest {
    type Begun = Begun;

    const OPERATION: &'static str = "chat";

    fn deadline(&self) -> Instant {
        self.deadline
    }

    fn needs(&self) -> Needs {
        Needs::of_chat(self)
    }

    fn size(&self) -> price::Request {
        price::Request::of_chat(self)
    }

    async fn begin(&self, provider: &Arc<dyn Provider>, target: &Target, mut pace: Pace, tracker: &mut Tracker) -> Result<Begun, Error> {
        pace.is_for(self.delivery);
        // Whether a whole answer comes as a stream is for the provider to say, and only a stream has a first token.
        let (phase, (due, late)) = match self.delivery {
            Delivery::Stream => (Phase::Headers, pace.due(Instant::now())),
            Delivery::Whole => (Phase::Whole, pace.whole()),
        };
        tracker.reached(phase);
        let answer = timeout_at(due.into(), provider.chat(target.attempt(self))).await.map_err(|_| Error::new(late).in_phase(phase))??;
        let mut rest = match answer {
            Answer::Whole { reply, raw } => return Ok(Begun::Whole { reply, raw }),
            Answer::Stream(rest) => rest,
        };
        let mut held = VecDeque::new();
        let mut phase = Phase::FirstToken;
        loop {
            tracker.reached(phase);
            let (due, late) = pace.due(Instant::now());
            let next = timeout_at(due.into(), rest.next()).await.map_err(|_| Error::new(late).in_phase(phase))?;
            let chunk = next.ok_or_else(|| Error::new(Kind::Cut).in_phase(phase))??;
            pace.saw(&chunk);
            tracker.saw(&chunk);
            let begins = chunk.deltas.iter().any(Delta::is_shown);
            held.push_back(chunk);
            if begins {
                pace.shown();
                return Ok(Begun::Stream(Held { held, rest, pace }));
            }
            if tracker.has_thought() {
                phase = Phase::Stream;
            }
        }
    }

    async fn complete(&self, begun: Begun, tracker: Tracker) -> Result<(Begun, Tracker), Error> {
        let held = match (self.delivery, begun) {
            (Delivery::Whole, Begun::Stream(held)) => held,
            (_, begun) => return Ok((begun, tracker)),
        };
        let mut answer = held.follow(tracker);
        let mut collector = Collector::default();
        while let Some(chunk) = answer.next().await {
            collector.add_all(&chunk?);
        }
        Ok((Begun::Whole { reply: collector.finish()?, raw: None }, answer.into_tracker()))
    }
}

impl Ask for EmbedRequest {
    type Begun = Embeddings;

    const OPERATION: &'static str = "embeddings";

    fn deadline(&self) -> Instant {
        self.deadline
    }

    fn needs(&self) -> Needs {
        Needs::of_embeddings(self)
    }

    fn size(&self) -> price::Request {
        price::Request::of_embeddings(self)
    }

    async fn begin(&self, provider: &Arc<dyn Provider>, target: &Target, pace: Pace, tracker: &mut Tracker) -> Result<Embeddings, Error> {
        tracker.reached(Phase::Whole);
        let (due, late) = pace.whole();
        timeout_at(due.into(), provider.embed(target.attempt(self))).await.map_err(|_| Error::new(late).in_phase(Phase::Whole))?
    }
}
