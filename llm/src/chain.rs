//! From a question to the first provider that answers it.
//!
//! Start at [`Chain::chat`]: the one dispatch loop. Links are tried in their order within one budget of attempts and one deadline.
//! Nothing reaches the caller before the first word or tool call, so that a failure until then can go to the next link; a failure
//! after it reaches the caller as what it is. The link of last resort (the built-in planner) is tried whatever else happened.
//!
//! What is absent: choosing links by model, weight or price. A chain is the result of that choice.

mod attempt;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tower::retry::budget::{Budget, TpsBudget};

use crate::chat::{ChatRequest, ChatStream};
use crate::cooldown::Cooldown;
use crate::error::{Error, Fallback, Kind};
use crate::health::{Breaker, BreakerConfig, BreakerState, Permit, Protected};
use crate::provider::{Provider, Target};

/// A provider with what protects it. Clones share breaker and cooldown, so that one provider can stand in several chains.
#[derive(Clone)]
pub struct Link {
    provider: Arc<dyn Provider>,
    target: Target,
    breaker: Breaker,
    cooldown: Cooldown,
}

impl Link {
    /// A link with a breaker of its own.
    pub fn new(provider: Arc<dyn Provider>, target: Target, breaker: &BreakerConfig) -> Self {
        let breaker = Breaker::new(Protected { provider: provider.name().into(), model: None }, breaker);
        Self { provider, target, breaker, cooldown: Cooldown::default() }
    }

    /// The provider.
    pub fn provider(&self) -> &dyn Provider {
        &*self.provider
    }

    /// Its breaker, for reading where it stands.
    pub fn breaker(&self) -> &Breaker {
        &self.breaker
    }

    fn is_ready(&self, now: Instant) -> bool {
        self.breaker.state() != BreakerState::Open && self.cooldown.left(now).is_none()
    }
}

/// How much a request may try.
#[derive(Clone, Debug)]
pub struct ChainConfig {
    /// Attempts of a request over all links, without the last resort.
    pub attempts_max: u32,
    /// The first wait before the same link is tried again is taken at random up to this, the following ones up to its doubles.
    pub backoff: Duration,
    /// The longest such wait.
    pub backoff_max: Duration,
    /// The longest `Retry-After` that is waited for within a request.
    pub retry_after_max: Duration,
    /// The time kept for the last resort before the deadline; at most a quarter of what there is.
    pub reserve: Duration,
    /// Retries of the same link for every hundred requests; one in each second is always allowed.
    pub retries_percent: u8,
}

impl Default for ChainConfig {
    fn default() -> Self {
        Self {
            attempts_max: 3,
            backoff: Duration::from_millis(250),
            backoff_max: Duration::from_secs(5),
            retry_after_max: Duration::from_secs(10),
            reserve: Duration::from_secs(2),
            retries_percent: 10,
        }
    }
}

/// Providers in the order in which they are tried.
pub struct Chain {
    links: Vec<Link>,
    last_resort: Option<Arc<dyn Provider>>,
    config: ChainConfig,
    retries: TpsBudget,
}

/// An answer that has begun.
pub struct Served {
    /// The answer. An error in it comes after the first delta and is final.
    pub stream: ChatStream,
    /// The name of the provider that answers.
    pub served_by: String,
    /// Whether another than the first configured provider answers.
    pub degraded: bool,
    /// Why the first configured provider does not answer.
    pub reason: Option<Kind>,
    /// Attempts that were made, the answering one included.
    pub attempts: u32,
}

impl fmt::Debug for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Served")
            .field("served_by", &self.served_by)
            .field("degraded", &self.degraded)
            .field("reason", &self.reason)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

impl Chain {
    /// A chain of these links, the preferred one first.
    pub fn new(links: Vec<Link>, config: ChainConfig) -> Self {
        let retries = TpsBudget::new(Duration::from_secs(10), 1, f32::from(config.retries_percent) / 100.0);
        Self { links, last_resort: None, config, retries }
    }

    /// Adds a provider that needs no network and is tried when no link answers, whatever the budget and the deadline say.
    #[must_use]
    pub fn with_last_resort(mut self, provider: Arc<dyn Provider>) -> Self {
        self.last_resort = Some(provider);
        self
    }

    /// The links, for showing their states.
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// Finds a provider that answers.
    ///
    /// # Errors
    /// What the last attempt failed with, if no other provider may be tried; [`Kind::Unavailable`], or the kind and the
    /// smallest remaining wait of a cooldown, if none could be.
    pub async fn chat(&self, request: &ChatRequest) -> Result<Served, Error> {
        let mut run = Run::new(self, request);
        for (position, link) in self.links.iter().enumerate() {
            match run.link(position, link).await {
                Next::Served(stream) => return Ok(run.served(stream, link.provider.name(), position > 0)),
                Next::Link => {}
                Next::LastResort => break,
                Next::Caller(error) => return Err(error),
            }
        }
        match &self.last_resort {
            Some(provider) => {
                run.attempts += 1;
                let stream = attempt::begin(provider, &Target::default(), None, request, None).await?;
                Ok(run.served(stream, provider.name(), !self.links.is_empty()))
            }
            None => run.without_last_resort().await,
        }
    }
}

/// One request on its way through the chain.
struct Run<'a> {
    chain: &'a Chain,
    request: &'a ChatRequest,
    /// When an attempt has to have begun its answer.
    until: Instant,
    attempts: u32,
    /// Why the first link did not answer.
    reason: Option<Kind>,
    last_error: Option<Error>,
    /// The shortest pause that stood in the way.
    cooling: Option<(Kind, Duration)>,
}

/// Where to go after a link.
enum Next {
    Served(ChatStream),
    Link,
    LastResort,
    Caller(Error),
}

impl<'a> Run<'a> {
    fn new(chain: &'a Chain, request: &'a ChatRequest) -> Self {
        chain.retries.deposit();
        let left = request.deadline.saturating_duration_since(Instant::now());
        let reserve = match chain.last_resort {
            Some(_) => chain.config.reserve.min(left / 4),
            None => Duration::ZERO,
        };
        let until = request.deadline.checked_sub(reserve).unwrap_or(request.deadline);
        Self { chain, request, until, attempts: 0, reason: None, last_error: None, cooling: None }
    }

    fn served(self, stream: ChatStream, by: &str, degraded: bool) -> Served {
        let reason = self.reason.filter(|_| degraded);
        Served { stream, served_by: by.to_owned(), degraded, reason, attempts: self.attempts }
    }

    /// Tries one link, again if that may help and nothing else is at hand.
    async fn link(&mut self, position: usize, link: &Link) -> Next {
        let mut retries = 0;
        loop {
            if self.attempts >= self.chain.config.attempts_max || Instant::now() >= self.until {
                self.reason.get_or_insert(Kind::Deadline);
                return Next::LastResort;
            }
            if let Some((kind, left)) = link.cooldown.left(Instant::now()) {
                self.refused(link, kind);
                self.cooling = self.cooling.filter(|(_, shortest)| *shortest <= left).or(Some((kind, left)));
                return Next::Link;
            }
            let Some(permit) = link.breaker.permit() else {
                self.refused(link, Kind::Unavailable);
                return Next::Link;
            };
            let error = match self.attempt(link, permit).await {
                Ok(stream) => return Next::Served(stream),
                Err(error) => error,
            };
            match error.kind().fallback() {
                Fallback::None => return Next::Caller(error),
                Fallback::LastResort => {
                    self.last_error = Some(error);
                    return Next::LastResort;
                }
                Fallback::Next => {}
            }
            let wait = self.wait_before_retry(&error, retries, position);
            self.last_error = Some(error);
            let Some(wait) = wait else { return Next::Link };
            retries += 1;
            tokio::time::sleep(wait).await;
        }
    }

    async fn attempt(&mut self, link: &Link, permit: Permit) -> Result<ChatStream, Error> {
        // Whoever had all the time there was and did not begin has failed; whoever came late has not.
        let had_all_the_time = self.attempts == 0;
        self.attempts += 1;
        let limit = attempt::Limit { until: self.until, counts: had_all_the_time };
        let begun = attempt::begin(&link.provider, &link.target, Some(permit), self.request, Some(limit)).await;
        if let Err(error) = &begun {
            self.reason.get_or_insert(error.kind());
            link.cooldown.after(error, Instant::now());
        }
        begun
    }

    fn refused(&mut self, link: &Link, kind: Kind) {
        self.reason.get_or_insert(kind);
        attempt::count(link.provider.name(), "refused");
    }

    /// How long to wait before the same link is tried again; `None` if it is not.
    fn wait_before_retry(&self, error: &Error, retries: u32, position: usize) -> Option<Duration> {
        let config = &self.chain.config;
        let now = Instant::now();
        let has_sibling = self.chain.links[position + 1..].iter().any(|link| link.is_ready(now));
        if has_sibling || retries >= error.kind().policy().retries.max() || self.attempts >= config.attempts_max {
            return None;
        }
        let wait = match (error.kind(), error.retry_after()) {
            (_, Some(wait)) if wait <= config.retry_after_max => wait,
            (_, Some(_)) | (Kind::RateLimited, None) => return None,
            (Kind::Connect, None) if retries == 0 => Duration::ZERO,
            (_, None) => {
                let ceiling = config.backoff.saturating_mul(1 << retries.min(16)).min(config.backoff_max);
                ceiling.mul_f64(rand::random())
            }
        };
        (now + wait < self.until && self.chain.retries.withdraw()).then_some(wait)
    }

    /// When every breaker is open and none is merely waiting for its credential, the one that failed least recently is tried
    /// rather than nothing.
    async fn without_last_resort(mut self) -> Result<Served, Error> {
        if let Some(error) = self.last_error {
            return Err(error);
        }
        if let Some((kind, left)) = self.cooling {
            return Err(Error::new(kind).with_retry_after(Some(left)));
        }
        let links = self.chain.links.iter().enumerate();
        match links.min_by_key(|(_, link)| link.breaker.failed_at()) {
            Some((position, link)) if Instant::now() < self.until => {
                let stream = self.attempt(link, link.breaker.force()).await?;
                Ok(self.served(stream, link.provider.name(), position > 0))
            }
            Some(_) => Err(Kind::Deadline.into()),
            None => Err(Kind::Unavailable.into()),
        }
    }
}
