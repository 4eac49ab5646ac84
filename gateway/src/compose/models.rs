//! The models that are configured, as the dispatcher routes by them.
//!
//! `[llm]` says everything; `[[assistant.models]]` is the short form for an assistant with a list of servers: each becomes a provider
//! of its own, and all of them, in their order, become the tiers of the assistant's alias.

use crate::config::{self, Assistant, Config};
use crate::models::Doors;
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use steward_kernel::Clock;
use steward_llm::config::{Alias, Config as Models, Credential, Model, Problem, Problems, Provider, ProviderKind, Quirks, Target, Tier};
use steward_llm::snapshot::{Http, Live};
use steward_llm::{BreakerConfig, Dispatcher, Health, OpenAiConfig};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Nothing is called yet.
pub(super) fn dispatcher(config: &Config, clock: &Clock) -> Result<Dispatcher> {
    let now = milliseconds(clock);
    let health = Health::new(BreakerConfig::default(), Arc::clone(&now));
    match Live::new(&of(&config.llm, &config.assistant), &config::variable, Http, health, now) {
        Ok(live) => Ok(Dispatcher::new(live)),
        Err(problems) => bail!("the configuration is not valid, section `llm` (or `assistant.models`):\n{problems}"),
    }
}

/// The program's clock as `steward_llm` reads it.
fn milliseconds(clock: &Clock) -> steward_llm::limit::Clock {
    let clock = clock.clone();
    Arc::new(move || clock.now().timestamp_millis())
}

/// How often the file is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Puts the models of the configuration file into effect whenever it has changed, and at once on SIGHUP. What has a mistake takes no
/// effect: it is logged, and a screen tells it. Everything else in the file takes effect with the next start.
pub(super) async fn follow(file: PathBuf, models: Arc<Dispatcher>, stopping: CancellationToken) {
    let mut asked = match signal(SignalKind::hangup()) {
        Ok(asked) => asked,
        Err(error) => return tracing::error!(%error, "SIGHUP cannot be received: models are not configured anew while the program runs"),
    };
    let mut known = looked_at(&file).await;
    loop {
        let is_asked = tokio::select! {
            () = stopping.cancelled() => return,
            _ = asked.recv() => true,
            () = tokio::time::sleep(LOOK_EVERY) => false,
        };
        let now = looked_at(&file).await;
        if !is_asked && now == known {
            continue;
        }
        known = now;
        let from = file.clone();
        let read = tokio::task::spawn_blocking(move || Config::load(Some(&from)).map(|config| of(&config.llm, &config.assistant)));
        let read = match read.await {
            Ok(Ok(read)) => Ok(read),
            Ok(Err(error)) => Err(Problems(vec![Problem { path: file.display().to_string(), message: error.to_string() }])),
            Err(error) => return tracing::error!(%error, "the configuration could not be read anew"),
        };
        match models.live().reload(read, &config::variable) {
            Ok(version) => tracing::info!(version, "the models of the configuration took effect"),
            Err(problems) => tracing::error!(%problems, "the changed configuration of models took no effect"),
        }
    }
}

/// What tells one state of a file from the next. A file that is written in two steps may have the same time after both.
async fn looked_at(file: &Path) -> Option<(SystemTime, u64)> {
    let told = tokio::fs::metadata(file).await.ok()?;
    Some((told.modified().ok()?, told.len()))
}

/// What the doors to models keep, with the prices that go before the built-in ones.
pub(super) fn doors(config: &Config, clock: &Clock) -> Result<Doors> {
    let table = match &config.models.prices {
        Some(file) => Some(std::fs::read_to_string(file).with_context(|| format!("the price table {} cannot be read", file.display()))?),
        None => None,
    };
    Doors::new(table.as_deref(), milliseconds(clock)).context("the configuration is not valid, key `models.prices`")
}

/// What is configured in full, and the short form on top of it.
pub(crate) fn of(full: &Models, assistant: &Assistant) -> Models {
    let mut models = full.clone();
    if !assistant.models.is_empty() {
        let tiers = assistant.models.iter().map(|model| Tier { targets: vec![Target { provider: model.name.clone(), model: model.model.clone(), weight: 1 }] });
        models.aliases.insert(assistant.alias.clone(), Alias { tiers: tiers.collect(), ..Alias::default() });
        models.providers.extend(assistant.models.iter().map(|model| (model.name.clone(), provider(model))));
    }
    models
}

fn provider(said: &OpenAiConfig) -> Provider {
    // The short form does not say what a model can do: it is asked for everything, and says no itself.
    let can = Model {
        context_window: u64::MAX,
        max_output: u64::MAX,
        chat: true,
        tools: true,
        vision: true,
        structured_output: true,
        embeddings: false,
        vectors: None,
        price: said.price.clone(),
    };
    let key = said.api_key.clone().map(|key| Credential { name: "main".into(), weight: 1, key_env: None, key_file: None, key: Some(key) });
    let is_openai = key.is_some() && said.base_url.starts_with("https://api.openai.com/");
    Provider {
        kind: if is_openai { ProviderKind::OpenAi } else { ProviderKind::Compatible },
        base_url: Some(said.base_url.clone()),
        credentials: key.into_iter().collect(),
        quirks: Quirks { token_limit: said.token_limit, ..Quirks::default() },
        timeouts: said.timeouts,
        proxy_url: said.proxy_url.clone(),
        models: BTreeMap::from([(said.model.clone(), can)]),
    }
}
