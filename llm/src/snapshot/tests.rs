use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use futures::future::BoxFuture;

use super::*;
use crate::config::{self, SAMPLE};
use crate::error::{Error, Kind};
use crate::health::BreakerConfig;
use crate::provider::{Answer, Attempt};

struct Silent;

impl Provider for Silent {
    fn name(&self) -> &str {
        "silent"
    }

    fn chat<'a>(&'a self, _: Attempt<'a>) -> BoxFuture<'a, Result<Answer, Error>> {
        Box::pin(async { Err(Kind::Unavailable.into()) })
    }
}

/// The sample with its file exchanged for a variable.
fn sample() -> Config {
    Config::parse(&SAMPLE.replace("key_file = \"/run/secrets/openai-second\"", "key_env = \"SECOND\"")).unwrap()
}

fn live(config: &Config, factory: impl Factory + 'static) -> Result<Live, Problems> {
    let time = Arc::new(AtomicI64::new(0));
    let clock: Clock = Arc::new(move || time.fetch_add(1_000, Ordering::Relaxed) + 1_000);
    let health = Health::new(BreakerConfig::default(), Arc::clone(&clock));
    Live::new(config, &|name| Some(format!("key-of-{name}")), factory, health, clock)
}

fn silent(_: &str, _: &config::Provider) -> Result<Arc<dyn Provider>, String> {
    Ok(Arc::new(Silent))
}

#[test]
fn names_are_resolved() {
    let snapshot = live(&sample(), silent).unwrap().snapshot();
    assert_eq!(snapshot.aliases().map(|alias| alias.name().to_owned()).collect::<Vec<_>>(), ["assistant", "embeddings"]);
    let assistant = snapshot.alias("assistant").unwrap();
    let targets = [("openai", "gpt-4.1"), ("azure-eu", "gpt-41-eu"), ("anthropic", "claude-sonnet-4-5"), ("house", "qwen3-8b")];
    assert_eq!(assistant.targets().collect::<Vec<_>>(), targets);
    assert_eq!((assistant.context_window(), assistant.max_output()), (1_047_576, 64_000));
    assert!(assistant.can(Capability::Tools) && !assistant.can(Capability::Embeddings));
    let site = |at: usize| &assistant.tiers[at][0].site;
    assert_eq!((&*site(0).price.0, &*site(0).price.1), ("openai", "gpt-4.1"));
    assert_eq!((&*site(2).price.0, &*site(2).price.1), ("house", "qwen3-8b"));
    assert_eq!(assistant.tiers[0].iter().map(|choice| (choice.keys.len(), choice.weight)).collect::<Vec<_>>(), [(2, 2), (1, 1)]);
    assert!(snapshot.alias("gpt-4.1").is_none());
}

#[test]
fn everything_that_cannot_be_made_is_told_before_anything_takes_effect() {
    let mut config = sample();
    config.providers.get_mut("openai").unwrap().credentials[1].key_env = Some("ABSENT".to_owned());
    let factory = |name: &str, _: &config::Provider| if name == "house" { Err("no".to_owned()) } else { Ok(Arc::new(Silent) as Arc<dyn Provider>) };
    let clock: Clock = Arc::new(|| 0);
    let health = Health::new(BreakerConfig::default(), Arc::clone(&clock));
    let environment = |name: &str| (name != "ABSENT").then(|| "key".to_owned());
    let problems = Live::new(&config, &environment, factory, health, clock).err().unwrap();
    let told: Vec<String> = problems.0.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["providers.house: no", "providers.openai.credentials[1].key_env: the environment variable ABSENT is not set"]);
}

#[test]
fn a_reload_with_a_mistake_changes_nothing_and_is_remembered() {
    let live = live(&sample(), silent).unwrap();
    let environment = |name: &str| Some(format!("key-of-{name}"));
    let before = live.snapshot();
    let mut config = sample();
    config.routing.attempts_max = 9;
    assert!(live.reload(Ok(config), &environment).is_err());
    assert!(Arc::ptr_eq(&before, &live.snapshot()));
    let failed = live.state().loaded.failed.unwrap();
    assert_eq!((failed.at, failed.problems.to_string()), (2_000, "routing.attempts_max: it must be from 1 to 3".to_owned()));
    assert!(live.reload(Config::parse("aliases = 5"), &environment).is_err());
    assert_eq!(live.state().loaded.failed.unwrap().problems.0[0].path, "line 1");

    let mut config = sample();
    config.aliases.remove("embeddings");
    assert_eq!(live.reload(Ok(config), &environment), Ok(2));
    let loaded = live.state().loaded;
    assert_eq!((loaded.version, loaded.at, loaded.failed.is_none()), (2, 4_000, true));
    assert!(live.snapshot().alias("embeddings").is_none());
    assert!(before.alias("embeddings").is_some(), "who began with the old one keeps it");
}

#[test]
fn what_is_known_of_health_outlives_a_reload() {
    let live = live(&sample(), silent).unwrap();
    let environment = |name: &str| Some(format!("key-of-{name}"));
    let rests = |live: &Live| {
        let snapshot = live.snapshot();
        let choice = &snapshot.alias("assistant").unwrap().tiers[0][0];
        choice.keys.iter().map(|key| key.vitals.standing() != crate::health::Standing::Ready).collect::<Vec<_>>()
    };
    let snapshot = live.snapshot();
    let pass = snapshot.alias("assistant").unwrap().tiers[0][0].keys[0].vitals.enter().ok().unwrap();
    pass.failed(&Error::new(Kind::QuotaExhausted).with_status(429), crate::health::Late::Nobody);
    assert_eq!(rests(&live), [true, false]);

    live.reload(Ok(sample()), &environment).unwrap();
    assert_eq!(rests(&live), [true, false]);
    live.reload(Ok(sample()), &|name| Some(format!("new-key-of-{name}"))).unwrap();
    assert_eq!(rests(&live), [false, false], "another key");
}
