//! Everything that cannot work, found in one go.

use std::collections::HashSet;

use super::alias::{Alias, Target};
use super::problem::{Problem, Problems};
use super::provider::{Capability, Credential, Model, Provider, ProviderKind};
use super::{ATTEMPTS_MAX, Config, RETRIES_PERCENT_MAX};
use crate::provider::Timeouts;

const NAME_BYTES_MAX: usize = 64;
const PATH_BYTES_MAX: usize = 4096;

/// Collects mistakes, so that one does not hide the others.
#[derive(Default)]
struct Check {
    problems: Vec<Problem>,
}

pub(super) fn all(config: &Config) -> Result<(), Problems> {
    let mut check = Check::default();
    check.routing(config);
    for (name, provider) in &config.providers {
        let path = format!("providers.{name}");
        check.name(&path, name, "_-.");
        check.provider(&path, provider);
    }
    for (name, alias) in &config.aliases {
        let path = format!("aliases.{name}");
        check.name(&path, name, "_-./:");
        check.alias(&path, alias, config);
    }
    if check.problems.is_empty() { Ok(()) } else { Err(Problems(check.problems)) }
}

impl Check {
    fn say(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.problems.push(Problem::new(path, message));
    }

    fn unless(&mut self, is_good: bool, path: &str, field: &str, message: &str) {
        if !is_good {
            self.say(format!("{path}.{field}"), message);
        }
    }

    fn name(&mut self, path: &str, name: &str, also: &str) {
        if !is_name(name, also) {
            self.say(path, format!("a name has 1 to {NAME_BYTES_MAX} letters, digits and any of {also}"));
        }
    }

    fn routing(&mut self, config: &Config) {
        let (path, routing) = ("routing", &config.routing);
        self.unless((1..=ATTEMPTS_MAX).contains(&routing.attempts_max), path, "attempts_max", "it must be from 1 to 3");
        self.unless(routing.retries_percent <= RETRIES_PERCENT_MAX, path, "retries_percent", "it must be at most 10");
        self.unless(routing.backoff_ms <= routing.backoff_max_ms, path, "backoff_ms", "it must not be longer than backoff_max_ms");
    }

    fn provider(&mut self, path: &str, provider: &Provider) {
        match provider.base_url() {
            None => self.say(format!("{path}.base_url"), "it is needed for this kind"),
            Some(url) => self.url(format!("{path}.base_url"), url, &["http", "https"]),
        }
        if let Some(url) = &provider.proxy_url {
            self.url(format!("{path}.proxy_url"), url, &["http", "https", "socks5", "socks5h"]);
        }
        if provider.credentials.is_empty() && provider.kind.needs_a_key() {
            self.say(format!("{path}.credentials"), "at least one is needed for this kind");
        }
        let mut names = HashSet::new();
        for (at, credential) in provider.credentials.iter().enumerate() {
            let path = format!("{path}.credentials[{at}]");
            self.credential(&path, credential);
            self.unless(names.insert(credential.name.as_str()), &path, "name", "another one has this name");
        }
        self.timeouts(&format!("{path}.timeouts"), &provider.timeouts);
        if provider.quirks.token_limit.is_some() && provider.kind == ProviderKind::Anthropic {
            self.say(format!("{path}.quirks.token_limit"), "this kind has only one such field");
        }
        for (name, model) in &provider.models {
            self.model(&format!("{path}.models.{name:?}"), name, model);
        }
    }

    fn url(&mut self, path: String, url: &str, schemes: &[&str]) {
        // Whatever is wrong with it, it is not quoted: there may be a password in it.
        match reqwest::Url::parse(url) {
            Ok(url) if !schemes.contains(&url.scheme()) => self.say(path, format!("it must begin with one of {}", schemes.join(", "))),
            Ok(url) if !url.username().is_empty() || url.password().is_some() => self.say(path, "it must not hold a user or a password"),
            Ok(url) if url.query().is_some() || url.fragment().is_some() => self.say(path, "it must end with its path"),
            Ok(_) => {}
            Err(error) => self.say(path, format!("it is no address: {error}")),
        }
    }

    fn credential(&mut self, path: &str, credential: &Credential) {
        self.name(&format!("{path}.name"), &credential.name, "_-.");
        self.unless(credential.weight > 0, path, "weight", "it must be greater than 0");
        let places = [credential.key_env.is_some(), credential.key_file.is_some(), credential.key.is_some()];
        if places.iter().filter(|is_given| **is_given).count() != 1 {
            self.say(path, "exactly one of key_env and key_file is needed");
        }
        // Not quoted: whoever mistakes this field for the key has written the key here.
        let is_variable =
            |name: &str| is_name(name, "_") && !name.starts_with(|first: char| first.is_ascii_digit()) && !name.bytes().any(|byte| byte.is_ascii_lowercase());
        if credential.key_env.as_deref().is_some_and(|name| !is_variable(name)) {
            self.say(format!("{path}.key_env"), "this is no name of an environment variable in capital letters");
        }
        if credential.key_file.as_ref().is_some_and(|file| file.as_os_str().is_empty() || file.as_os_str().len() > PATH_BYTES_MAX) {
            self.say(format!("{path}.key_file"), "this is no path of a file");
        }
    }

    fn timeouts(&mut self, path: &str, timeouts: &Timeouts) {
        let all = [
            ("connect_ms", timeouts.connect_ms),
            ("headers_ms", timeouts.headers_ms),
            ("first_token_ms", timeouts.first_token_ms),
            ("idle_ms", timeouts.idle_ms),
            ("total_ms", timeouts.total_ms),
        ];
        for (field, ms) in all {
            self.unless(ms > 0, path, field, "it must be greater than 0");
        }
    }

    fn model(&mut self, path: &str, name: &str, model: &Model) {
        if name.is_empty() || name.len() > 256 || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            self.say(path, "a model's name is one word of ASCII");
        }
        self.unless(model.context_window > 0, path, "context_window", "it must be greater than 0");
        if !model.chat && !model.embeddings {
            self.say(path, "it must serve chat or embeddings");
        }
        if model.chat {
            self.unless(
                model.max_output > 0 && model.max_output <= model.context_window,
                path,
                "max_output",
                "it must be greater than 0 and at most the window",
            );
        } else {
            for (field, can) in [("tools", model.tools), ("vision", model.vision), ("structured_output", model.structured_output)] {
                self.unless(!can, path, field, "only a model for chat can do that");
            }
        }
        self.unless(model.vectors.is_none() || model.embeddings, path, "vectors", "the model makes none");
        let is_price = |price: &String| price.split_once('/').is_some_and(|(provider, model)| !provider.is_empty() && !model.is_empty());
        self.unless(model.price.as_ref().is_none_or(is_price), path, "price", "it must be a provider and a model of the price table, as openai/gpt-4.1");
    }

    fn alias(&mut self, path: &str, alias: &Alias, config: &Config) {
        self.unless(!alias.tiers.is_empty(), path, "tiers", "at least one is needed");
        self.unless(alias.attempts_max.is_none_or(|attempts| (1..=ATTEMPTS_MAX).contains(&attempts)), path, "attempts_max", "it must be from 1 to 3");
        let timeouts = alias.timeouts.over(Timeouts::default());
        self.timeouts(&format!("{path}.timeouts"), &timeouts);
        let mut known: Vec<(String, &Target, &Model)> = Vec::new();
        for (tier_at, tier) in alias.tiers.iter().enumerate() {
            let path = format!("{path}.tiers[{tier_at}]");
            self.unless(!tier.targets.is_empty(), &path, "targets", "at least one is needed");
            for (at, target) in tier.targets.iter().enumerate() {
                let path = format!("{path}.targets[{at}]");
                self.unless(target.weight > 0, &path, "weight", "it must be greater than 0");
                if let Some(model) = self.target(&path, target, config) {
                    if known.iter().any(|(_, other, _)| (&other.provider, &other.model) == (&target.provider, &target.model)) {
                        self.say(&path, "this target is there already; weights say how often it is chosen");
                    }
                    known.push((path, target, model));
                }
            }
        }
        for (path, _, model) in &known {
            for capability in alias.requires.iter().filter(|capability| !model.can(**capability)) {
                self.say(format!("{path}.model"), format!("the alias requires {}, which this model cannot do", capability.as_str()));
            }
        }
        self.purpose(path, &known);
        if let Some(after) = alias.hedge_after_ms {
            self.unless(after > 0, path, "hedge_after_ms", "it must be greater than 0");
            self.unless(known.len() != 1, path, "hedge_after_ms", "there is no second target to ask");
        }
    }

    fn target<'a>(&mut self, path: &str, target: &Target, config: &'a Config) -> Option<&'a Model> {
        let Some(provider) = config.providers.get(&target.provider) else {
            self.say(format!("{path}.provider"), "there is no provider of this name");
            return None;
        };
        let model = provider.models.get(&target.model);
        self.unless(model.is_some(), path, "model", "the provider has no model of this name");
        model
    }

    /// All targets of an alias serve the same purpose, and vectors of one alias can be compared: another model's vectors would
    /// spoil an index without anybody noticing.
    fn purpose(&mut self, path: &str, known: &[(String, &Target, &Model)]) {
        let is_for_chat = |(_, _, model): &(String, &Target, &Model)| model.can(Capability::Chat);
        if known.iter().any(is_for_chat) && !known.iter().all(is_for_chat) {
            self.say(format!("{path}.tiers"), "models for chat and models only for embeddings cannot answer to the same name");
        }
        let mut spaces = known.iter().filter(|(_, _, model)| model.embeddings).map(|(_, target, model)| model.vectors.as_deref().unwrap_or(&target.model));
        if let Some(first) = spaces.next()
            && spaces.any(|other| other != first)
        {
            self.say(format!("{path}.tiers"), "the vectors of its models cannot be compared; where they can, say so with `vectors`");
        }
    }
}

fn is_name(name: &str, also: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&name.len()) && name.chars().all(|char| char.is_ascii_alphanumeric() || also.contains(char))
}
