//! The models that are configured, as the dispatcher routes by them.
//!
//! `[llm]` says everything; `[[assistant.models]]` is the short form for an assistant with a list of servers: each becomes a provider
//! of its own, and all of them, in their order, become the tiers of the assistant's alias.

use crate::config::{self, Assistant, Config};
use anyhow::{Result, bail};
use std::collections::BTreeMap;
use std::sync::Arc;
use steward_kernel::Clock;
use steward_llm::config::{Alias, Config as Models, Credential, Model, Provider, ProviderKind, Quirks, Target, Tier};
use steward_llm::snapshot::{Http, Live};
use steward_llm::{BreakerConfig, Dispatcher, Health, OpenAiConfig};

/// Nothing is called yet.
pub(super) fn dispatcher(config: &Config, clock: &Clock) -> Result<Dispatcher> {
    let clock = clock.clone();
    let now: steward_llm::limit::Clock = Arc::new(move || clock.now().timestamp_millis());
    let health = Health::new(BreakerConfig::default(), Arc::clone(&now));
    match Live::new(&of(&config.llm, &config.assistant), &config::variable, Http, health, now) {
        Ok(live) => Ok(Dispatcher::new(live)),
        Err(problems) => bail!("the configuration is not valid, section `llm` (or `assistant.models`):\n{problems}"),
    }
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
        price: None,
    };
    let key = said.api_key.clone().map(|key| Credential { name: "main".into(), weight: 1, key_env: None, key_file: None, key: Some(key) });
    let is_openai = key.is_some() && said.base_url.starts_with("https://api.openai.com/");
    Provider {
        kind: if is_openai { ProviderKind::OpenAi } else { ProviderKind::Compatible },
        base_url: Some(said.base_url.clone()),
        credentials: key.into_iter().collect(),
        quirks: Quirks { token_limit: said.token_limit },
        timeouts: said.timeouts,
        proxy_url: said.proxy_url.clone(),
        models: BTreeMap::from([(said.model.clone(), can)]),
    }
}
