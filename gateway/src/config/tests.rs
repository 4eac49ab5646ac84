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
        ("[limits]\nimports_at_once = 0", "limits.imports_at_once"),
        ("[database]\nurl = 'mysql://x'", "database.url"),
        ("[logging]\nfilter = 'a=b=c'", "logging.filter"),
        ("[logging]\nformat = 'xml'", "logging.format"),
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
fn the_database_url_is_not_shown() {
    let config = parse("[database]\nurl = 'postgres://user:hunter2@host/db'").unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
}
