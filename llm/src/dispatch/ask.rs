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
use crate::reply::Reply;
use crate::route::Needs;

/// A request of either sort, as far as the loop has to know it.
pub(super) trait Ask: Sync {
    /// An answer that can no longer go to another target.
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
        // A whole answer has no first token: it may take all the time there is.
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
