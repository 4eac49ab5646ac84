use super::Config;
use figment::Figment;
use figment::providers::{Format, Toml};

fn parse(toml: &str) -> anyhow::Result<Config> {
    Config::from(Figment::new().merge(Toml::string(toml)))
}

#[test]
fn an_empty_configuration_is_complete() {
    let config = parse("").unwrap();
    assert_eq!(config.public_url(), "http://127.0.0.1:8080");
    assert!(!config.is_https());
}

#[test]
fn an_error_names_its_key() {
    for (toml, key) in [
        ("[server]\nport = 70000", "server.port"),
        ("[server]\nprot = 1", "prot"),
        ("[limits]\nbody_bytes = 0", "limits.body_bytes"),
        ("[limits]\nidempotency_keep_days = 0", "limits.idempotency_keep_days"),
        ("[limits]\nmodel_requests_keep_days = 0", "limits.model_requests_keep_days"),
        ("[limits]\nimports_at_once = 0", "limits.imports_at_once"),
        ("[database]\nurl = 'mysql://x'", "database.url"),
        ("[logging]\nfilter = 'a=b=c'", "logging.filter"),
        ("[logging]\nformat = 'xml'", "logging.format"),
        ("[telemetry]\notlp_endpoint = 'collector:4318'", "telemetry.otlp_endpoint"),
        ("[telemetry]\nheaders = { 'a b' = 'x' }", "telemetry.headers"),
        ("[telemetry]\nsample_ratio = 1.5", "telemetry.sample_ratio"),
        ("[telemetry]\nexport_seconds = 0", "telemetry.export_seconds"),
        ("[embedder]\nengine = 'remote'", "embedder.engine"),
        ("[embedder]\nthreads = 0", "embedder.threads"),
        ("[search]\nvectors = 'qdrant'", "search.qdrant"),
        ("[search]\ntext = 'grep'", "search.text"),
    ] {
        let error = format!("{:#}", parse(toml).unwrap_err());
        assert!(error.contains(key), "{error}");
    }
}

#[test]
fn models_are_checked_as_a_whole_and_every_mistake_is_told() {
    let toml = "[llm.providers.house]\nkind = 'compatible'\nmodels.m = { context_window = 0, max_output = 5 }\n[llm.aliases.assistant]\ntiers = []";
    let error = format!("{:#}", parse(toml).unwrap_err());
    for path in ["providers.house.base_url", "providers.house.models.\"m\".context_window", "aliases.assistant.tiers"] {
        assert!(error.contains(path), "{error}");
    }
}

#[test]
fn the_sample_of_the_models_is_valid_under_its_section() {
    let toml = steward_llm::config::SAMPLE.lines().map(|line| {
        match line.strip_prefix("[[").map(|rest| ("[[", rest)).or(line.strip_prefix('[').map(|rest| ("[", rest))) {
            Some((open, rest)) => format!("{open}llm.{rest}\n"),
            None => format!("{line}\n"),
        }
    });
    let config = parse(&toml.collect::<String>()).unwrap();
    assert_eq!(config.llm.aliases.keys().collect::<Vec<_>>(), ["assistant", "embeddings"]);
}

#[test]
fn the_short_form_of_the_assistants_models_becomes_tiers_in_their_order() {
    let short = |name: &str| format!("[[assistant.models]]\nname = '{name}'\nbase_url = 'http://localhost:1/v1'\nmodel = 'm'\napi_key = 'hunter2'\n");
    let config = parse(&(short("one") + &short("two"))).unwrap();
    let models = crate::compose::models::of(&config.llm, &config.assistant);
    let tiers = &models.aliases["assistant"].tiers;
    assert_eq!(tiers.iter().map(|tier| tier.targets[0].provider.as_str()).collect::<Vec<_>>(), ["one", "two"]);
    assert!(!format!("{models:?}{config:?}").contains("hunter2"));

    let priced = parse(&(short("one") + "price = 'openai/gpt-4.1'\n")).unwrap();
    let models = crate::compose::models::of(&priced.llm, &priced.assistant);
    assert_eq!(models.providers["one"].price("one", "m"), ("openai", "gpt-4.1"));

    let twice = parse(&(short("one") + &short("one"))).unwrap_err();
    assert!(format!("{twice:#}").contains("assistant.models[1].name"), "{twice:#}");
    let both = "[llm.providers.house]\nkind = 'compatible'\nbase_url = 'http://localhost:1/v1'\nmodels.m = { context_window = 9, max_output = 5 }\n\
        [[llm.aliases.assistant.tiers]]\ntargets = [{ provider = 'house', model = 'm' }]\n";
    let both = parse(&(both.to_owned() + &short("one"))).unwrap_err();
    assert!(format!("{both:#}").contains("llm.aliases.assistant"), "{both:#}");
}

#[test]
fn a_key_in_the_wrong_place_is_not_quoted() {
    for toml in [
        "[telemetry]\nheaders = 'hunter2'",
        "[llm.routing]\nattempts_max = 'hunter2'",
        "[[assistant.models]]\nname = 'x'\nbase_url = 'http://x'\nmodel = 'm'\ntimeouts = 'hunter2'",
    ] {
        let error = format!("{:#}", parse(toml).unwrap_err());
        assert!(!error.contains("hunter2") && error.contains("must be"), "{error}");
    }
}

#[test]
fn the_database_url_is_not_shown() {
    let config = parse("[database]\nurl = 'postgres://user:hunter2@host/db'").unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
}
