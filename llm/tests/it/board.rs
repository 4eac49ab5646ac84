//! A dispatcher over scripted upstreams, and all that a request leaves behind there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use steward_llm::config::{self, Config, Credential, ProviderKind, Quirks, Routing};
use steward_llm::dispatch::{Call, Dispatcher, Meter, Planned, Refusal, Served, Settlement, Ticket, Used};
use steward_llm::embed::{EmbedRequest, Embeddings};
use steward_llm::health::Line;
use steward_llm::limit::Clock;
use steward_llm::snapshot::{Factory, Http, Live};
use steward_llm::{Answer, BreakerConfig, BreakerState, ChatRequest, Error, Health, Provider, Timeouts, collect};
use tokio::sync::Notify;

use crate::scripted::{PATIENT, Says};

/// A provider of a test, with one model and a tier of its own.
#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) name: &'static str,
    pub(crate) base_url: String,
    pub(crate) timeouts: Timeouts,
    /// Names of keys; see [`secret`] for what they are.
    pub(crate) keys: Vec<&'static str>,
    pub(crate) window: u64,
    /// In this process instead of at an address.
    pub(crate) provider: Option<Arc<dyn Provider>>,
}

pub(crate) fn site(name: &'static str, base_url: String) -> Site {
    Site { name, base_url, timeouts: PATIENT, keys: Vec::new(), window: 100_000, provider: None }
}

/// A provider in this process.
pub(crate) fn house(name: &'static str, provider: impl Provider + 'static) -> Site {
    Site { provider: Some(Arc::new(provider)), ..site(name, "http://localhost/v1".to_owned()) }
}

/// Everything that a test may want to set.
pub(crate) struct Plan {
    pub(crate) sites: Vec<Site>,
    pub(crate) routing: Routing,
    pub(crate) alias: config::Alias,
    pub(crate) breaker: BreakerConfig,
    pub(crate) last_resort: Option<Arc<dyn Provider>>,
    pub(crate) ledger: Ledger,
}

impl Plan {
    /// One tier for each, retries at once, so that no test waits for a backoff.
    pub(crate) fn of(sites: Vec<Site>) -> Self {
        Self {
            sites,
            routing: Routing { backoff_ms: 0, ..Routing::default() },
            alias: config::Alias::default(),
            breaker: BreakerConfig::default(),
            last_resort: None,
            ledger: Ledger::default(),
        }
    }

    pub(crate) fn config(&self) -> Config {
        let tier = |site: &Site| config::Tier { targets: vec![config::Target { provider: site.name.to_owned(), model: "scripted".to_owned(), weight: 1 }] };
        let alias = config::Alias { tiers: self.sites.iter().map(tier).collect(), ..self.alias.clone() };
        let providers = self.sites.iter().map(|site| (site.name.to_owned(), provider(site)));
        let aliases = if self.sites.is_empty() { BTreeMap::new() } else { BTreeMap::from([("asked".to_owned(), alias)]) };
        Config { routing: self.routing.clone(), providers: providers.collect(), aliases }
    }

    pub(crate) fn build(self) -> Board {
        let config = self.config();
        let here: BTreeMap<&str, Arc<dyn Provider>> = self.sites.iter().filter_map(|site| Some((site.name, site.provider.clone()?))).collect();
        let factory = move |name: &str, config: &config::Provider| match here.get(name) {
            Some(provider) => Ok(Arc::clone(provider)),
            None => Http.provider(name, config),
        };
        let clock: Clock = Arc::new(|| 0);
        let health = Health::new(self.breaker, Arc::clone(&clock));
        let live = Live::new(&config, &|_| None, factory, health, clock).unwrap();
        Board { dispatcher: Dispatcher::new(live), last_resort: self.last_resort, ledger: self.ledger }
    }
}

fn provider(site: &Site) -> config::Provider {
    let key = |name: &&str| Credential { name: (*name).to_owned(), weight: 1, key_env: None, key_file: None, key: Some(secret(name).into()) };
    let can = config::Model {
        context_window: site.window,
        max_output: 10_000,
        chat: true,
        tools: true,
        vision: false,
        structured_output: false,
        embeddings: true,
        vectors: None,
        price: Some("house/scripted".to_owned()),
    };
    config::Provider {
        kind: ProviderKind::Compatible,
        base_url: Some(site.base_url.clone()),
        credentials: site.keys.iter().map(key).collect(),
        quirks: Quirks::default(),
        timeouts: site.timeouts,
        proxy_url: None,
        models: BTreeMap::from([("scripted".to_owned(), can)]),
    }
}

/// The key of this name.
pub(crate) fn secret(name: &str) -> String {
    format!("SECRET-{name}")
}

/// A dispatcher with its ledger.
pub(crate) struct Board {
    pub(crate) dispatcher: Dispatcher,
    pub(crate) ledger: Ledger,
    last_resort: Option<Arc<dyn Provider>>,
}

pub(crate) fn board(sites: Vec<Site>) -> Board {
    Plan::of(sites).build()
}

/// With the planner as last resort.
pub(crate) fn assisted(sites: Vec<Site>) -> Board {
    Plan { last_resort: Some(Says::planner()), ..Plan::of(sites) }.build()
}

impl Board {
    pub(crate) fn call(&self) -> Call<'_> {
        Call { alias: "asked", meter: &self.ledger, last_resort: self.last_resort.as_ref() }
    }

    pub(crate) async fn chat(&self, request: &ChatRequest) -> Result<Served<Answer>, Error> {
        self.dispatcher.chat(&self.call(), request).await
    }

    pub(crate) async fn embed(&self, request: &EmbedRequest) -> Result<Served<Embeddings>, Error> {
        self.dispatcher.embed(&self.call(), request).await
    }

    /// Where the breakers of a provider's endpoint and of its model stand.
    pub(crate) fn breakers(&self, provider: &str) -> [BreakerState; 2] {
        let lines = self.lines(provider);
        let state = |is_endpoint: bool| {
            lines.iter().find(|line| line.endpoint.is_some() == is_endpoint && line.breaker.is_some()).and_then(|line| line.breaker).unwrap()
        };
        [state(true), state(false)]
    }

    /// What of a provider rests: `model`, `key` or `model and key`, with the code.
    pub(crate) fn resting(&self, provider: &str) -> Option<(&'static str, &'static str)> {
        let mut lines = self.lines(provider).into_iter().filter_map(|line| {
            let scope = match (&line.model, line.breaker) {
                (Some(_), Some(_)) => "model",
                (Some(_), None) => "model and key",
                _ => "key",
            };
            Some((scope, line.resting?.code))
        });
        let first = lines.next();
        assert_eq!(lines.next(), None, "one thing rests");
        first
    }

    /// The code of the last failure of a provider's model.
    pub(crate) fn last_failure(&self, provider: &str) -> Option<&'static str> {
        self.lines(provider)
            .into_iter()
            .find(|line| line.model.is_some() && line.breaker.is_some())
            .and_then(|line| line.last_failure)
            .map(|failure| failure.code)
    }

    pub(crate) fn lines(&self, provider: &str) -> Vec<Line> {
        self.dispatcher.live().state().health.into_iter().filter(|line| line.provider == provider).collect()
    }
}

/// Who was asked for what, and how it was settled.
#[derive(Clone, Default)]
pub(crate) struct Ledger {
    pub(crate) refuses_from: Option<u32>,
    /// Never says whether it may be paid for.
    pub(crate) hangs: Option<Arc<Notify>>,
    pub(crate) books: Arc<Mutex<Books>>,
}

#[derive(Default)]
pub(crate) struct Books {
    reserved: Vec<String>,
    settled: Vec<Settlement>,
}

/// How much was billed: nothing, exactly what was told, or all that was reserved.
pub(crate) fn billed(settlement: &Settlement) -> &'static str {
    match settlement.used {
        Used::Nothing => "nothing",
        Used::Exactly(_) => "exactly",
        Used::Uncertain(_) => "all",
    }
}

impl Ledger {
    pub(crate) fn settled(&self) -> Vec<Settlement> {
        self.books.lock().unwrap().settled.clone()
    }

    /// Provider, outcome and bill of each attempt, in the order in which they ended; every reservation must be settled once.
    pub(crate) fn entries(&self) -> Vec<(String, &'static str, &'static str)> {
        let books = self.books.lock().unwrap();
        assert_eq!(books.reserved.len(), books.settled.len(), "every reservation is settled exactly once");
        let entry = |settlement: &Settlement| (settlement.attempt.provider.to_string(), settlement.attempt.outcome.code(), billed(settlement));
        books.settled.iter().map(entry).collect()
    }

    /// How far the only attempt had come.
    pub(crate) fn phase(&self) -> &'static str {
        let [settlement] = &self.settled()[..] else { panic!("one attempt") };
        settlement.attempt.phase.as_str()
    }
}

impl Meter for Ledger {
    fn reserve<'a>(&'a self, planned: Planned<'a>) -> BoxFuture<'a, Result<Box<dyn Ticket>, Refusal>> {
        async move {
            if let Some(asked) = &self.hangs {
                asked.notify_one();
                std::future::pending::<()>().await;
            }
            if self.refuses_from.is_some_and(|from| planned.number >= from) {
                return Err(Refusal { code: "budget_exceeded", retry_after: Some(Duration::from_secs(30)), source: None });
            }
            assert_eq!((planned.alias, planned.model, planned.price), ("asked", "scripted", ("house", "scripted")));
            assert!(planned.size.bytes > 0);
            self.books.lock().unwrap().reserved.push(planned.provider.to_owned());
            Ok(Box::new(self.clone()) as Box<dyn Ticket>)
        }
        .boxed()
    }
}

impl Ticket for Ledger {
    fn settle(self: Box<Self>, settlement: Settlement) {
        self.books.lock().unwrap().settled.push(settlement);
    }
}

/// The words of an answer, who gave it, and whether it is degraded.
pub(crate) async fn words(served: Served<Answer>) -> (String, String, bool) {
    let text = collect(served.answer.into_stream()).await.unwrap().text().into_owned();
    (text, served.provider.to_string(), served.degraded)
}

pub(crate) fn entry(provider: &str, outcome: &'static str, billed: &'static str) -> (String, &'static str, &'static str) {
    (provider.to_owned(), outcome, billed)
}
