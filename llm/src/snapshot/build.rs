//! From what an operator says to what calls are routed by, or to everything that is wrong with it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tower::retry::budget::TpsBudget;

use super::{Alias, Choice, Factory, Keyed, Site, Snapshot};
use crate::config::{self, Config, Environment, Problem, Problems};
use crate::health::{Health, Subject};
use crate::provider::{Provider, Target};

/// A provider and its keys.
struct Made<'a> {
    name: Arc<str>,
    address: Arc<str>,
    config: &'a config::Provider,
    provider: Arc<dyn Provider>,
    keys: Vec<Key>,
}

struct Key {
    name: Arc<str>,
    weight: u32,
    secret: Option<SecretString>,
}

pub(super) fn snapshot(config: &Config, version: u64, environment: Environment<'_>, factory: &dyn Factory, health: &Health) -> Result<Snapshot, Problems> {
    config.check()?;
    let mut problems = Vec::new();
    let mut made = BTreeMap::new();
    for (name, provider) in &config.providers {
        let keys = keys(name, provider, environment, &mut problems);
        match factory.provider(name, provider) {
            Ok(maker) => {
                let address = provider.base_url().unwrap_or_default().trim_end_matches('/');
                made.insert(name.as_str(), Made { name: name.as_str().into(), address: address.into(), config: provider, provider: maker, keys });
            }
            Err(message) => problems.push(Problem { path: format!("providers.{name}"), message }),
        }
    }
    if !problems.is_empty() {
        return Err(Problems(problems));
    }
    let aliases = config.aliases.iter().map(|(name, said)| {
        let name: Arc<str> = name.as_str().into();
        let tiers = said.tiers.iter().map(|tier| tier.targets.iter().filter_map(|target| choice(target, said, &made, health)).collect()).collect();
        let alias = Alias {
            name: Arc::clone(&name),
            tiers,
            attempts_max: said.attempts_max.unwrap_or(config.routing.attempts_max).min(config.routing.attempts_max),
            hedge_after: said.hedge_after(),
            content_policy_fallback: said.content_policy_fallback,
        };
        (name, Arc::new(alias))
    });
    let retries = TpsBudget::new(Duration::from_secs(10), 1, f32::from(config.routing.retries_percent) / 100.0);
    Ok(Snapshot { version, routing: config.routing.clone(), retries, aliases: aliases.collect() })
}

/// Reads all keys of a provider.
fn keys(name: &str, provider: &config::Provider, environment: Environment<'_>, problems: &mut Vec<Problem>) -> Vec<Key> {
    if provider.credentials.is_empty() {
        return vec![Key { name: "".into(), weight: 1, secret: None }];
    }
    let mut keys = Vec::new();
    for (at, credential) in provider.credentials.iter().enumerate() {
        match credential.secret(environment) {
            Ok(secret) => keys.push(Key { name: credential.name.as_str().into(), weight: credential.weight, secret: Some(secret) }),
            Err(no) => problems.push(Problem { path: format!("providers.{name}.credentials[{at}].{}", no.field), message: no.message }),
        }
    }
    keys
}

/// A target with all that is known of it; none only if the check was not made.
fn choice(target: &config::Target, alias: &config::Alias, made: &BTreeMap<&str, Made<'_>>, health: &Health) -> Option<Choice> {
    let at = made.get(target.provider.as_str())?;
    let can = at.config.models.get(&target.model)?.clone();
    let model: Arc<str> = target.model.as_str().into();
    let (vendor, priced) = at.config.price(&at.name, &target.model);
    let site = Site {
        provider: Arc::clone(&at.provider),
        name: Arc::clone(&at.name),
        vendor: at.config.vendor(&at.name).into(),
        address: Arc::clone(&at.address),
        model: Arc::clone(&model),
        can,
        price: (vendor.into(), priced.into()),
    };
    let timeouts = alias.timeouts.over(at.config.timeouts);
    let keys = at.keys.iter().map(|key| Keyed {
        weight: key.weight,
        name: Arc::clone(&key.name),
        target: Target { model: Arc::clone(&model), credential: key.secret.clone(), timeouts },
        vitals: health.vitals(&Subject { provider: &at.name, address: &at.address, model: &model, credential: &key.name, secret: key.secret.as_ref() }),
    });
    Some(Choice { weight: target.weight, site: Arc::new(site), keys: keys.collect() })
}
