//! Configuration: a TOML file, then environment variables `STEWARD_…` over it, parsed and checked once at start.
//!
//! `STEWARD_SERVER__PORT=8081` sets `port` in the section `[server]`. A key that does not exist is refused, so that a
//! typing error does not go unnoticed. `DATABASE_URL` is the one variable without the prefix. `STEWARD_TEST_…` and
//! `STEWARD_DATA` are for the tests and no keys: a shell in which tests were run also starts the program.

mod telemetry;

pub use telemetry::Telemetry;

use crate::compose;
use anyhow::{Context, Result, bail};
use figment::Figment;
use figment::error::Kind;
use figment::providers::{Env, Format, Serialized, Toml};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub server: Server,
    pub database: Database,
    pub auth: Auth,
    pub logging: Logging,
    pub telemetry: Telemetry,
    pub limits: Limits,
    pub assistant: Assistant,
    pub models: Models,
    /// Models: who serves them, and under which names they are reached. All keys are shown in `llm/src/config/sample.toml`.
    pub llm: steward_llm::config::Config,
    pub embedder: Embedder,
    pub search: Search,
    /// The file that it was read from, if there was one.
    #[serde(skip)]
    pub file: Option<PathBuf>,
}

/// Where and how the program listens.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// Where Steward keeps its own files: signing keys, and the private PostgreSQL unless a server is configured. `var/` in
    /// the working directory unless set.
    pub home: Option<PathBuf>,
    pub host: IpAddr,
    pub port: u16,
    /// The address that browsers use, such as `https://erp.example.com`; from host and port unless set. With `https` the
    /// session's cookie is marked `Secure`.
    pub public_url: Option<String>,
    /// Origins whose pages may call the API from a browser; none unless listed.
    pub cors_origins: Vec<String>,
    /// Take the client's address from `X-Forwarded-For`, because a proxy that sets it stands in front.
    pub behind_proxy: bool,
    /// How long the program goes on serving after SIGTERM while `/readyz` says that it is stopping, so that whoever spreads
    /// the requests sends them elsewhere. Set it to a few of a load balancer's probes; a second signal cuts it short.
    pub drain_seconds: u64,
    /// How long requests may take to end when the program stops.
    pub stop_grace_seconds: u64,
    /// Deliver events in this process. Off where `steward worker` does it.
    pub relay: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Database {
    /// The server to use, as its owner; `DATABASE_URL` counts as well. Without one a private PostgreSQL is started.
    pub url: Option<SecretString>,
    /// The private PostgreSQL's cluster.
    pub cluster: String,
    /// The database within the private PostgreSQL.
    pub name: String,
    pub connections_max: u32,
    /// Off for PgBouncer before 1.21 in transaction mode.
    pub named_statements: bool,
    pub statement_timeout_seconds: u64,
    pub lock_timeout_seconds: u64,
    pub transaction_timeout_seconds: u64,
    /// Apply pending migrations when `serve` starts.
    pub migrate_at_start: bool,
}

/// Log-ins.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Auth {
    pub token_lifetime_seconds: u64,
    /// Failed log-ins for an address and e-mail within a quarter of an hour before further ones are refused.
    pub failures_max: u32,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Logging {
    pub format: LogFormat,
    /// In the syntax of `tracing`'s `EnvFilter`, such as `info,steward_kernel=debug`.
    pub filter: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Json,
    Pretty,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    pub body_bytes: usize,
    /// For batches and imports.
    pub bulk_body_bytes: usize,
    pub batch_rows: usize,
    /// Imports over REST that a process runs at a time; further ones are refused. Each holds a file of up to 32 MiB with its
    /// parsed rows in memory, and one or two of `database.connections_max`.
    pub imports_at_once: u32,
    /// How long a repeated call with the same idempotency key is answered with what the first one did.
    pub idempotency_keep_days: u32,
    /// How long single calls of models are kept; their sums by day stay.
    pub model_requests_keep_days: u32,
    pub request_timeout_seconds: u64,
}

/// The assistant. The built-in planner answers when none of its models does.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Assistant {
    /// How long an answer may take, with all that it asks for.
    pub deadline_seconds: u64,
    /// How often a stream without news says that it is alive, for proxies that cut silent connections.
    pub heartbeat_seconds: u64,
    /// The alias in `llm` whose models answer.
    pub alias: String,
    /// The short form of that alias: servers that speak OpenAI's protocol, in the order in which they are tried.
    pub models: Vec<steward_llm::OpenAiConfig>,
}

/// What models cost.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Models {
    /// A TOML file with prices that go before the built-in ones.
    pub prices: Option<PathBuf>,
}

/// What turns texts into vectors, so that they are found by meaning as well as by words.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Embedder {
    pub engine: EmbedderEngine,
    /// Fetch the model into `server.home` when it is not there. Unless set: where the private PostgreSQL is used, which is
    /// fetched as well.
    pub fetch_when_missing: Option<bool>,
    /// Threads that compute; half of the processors unless set.
    pub threads: Option<usize>,
    /// How long a question waits for its vector before it is answered by words alone.
    pub request_timeout_seconds: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EmbedderEngine {
    /// A local model, in a process of its own.
    Local,
    /// Vectors of shared words, which need no model: for tests and benchmarks.
    Hashed,
    /// None: what is found is found by words.
    Off,
}

/// The index behind search: what holds it, and who keeps it up to date.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Search {
    /// Keep the index up to date in this process. Off where `steward worker` does it.
    pub indexer: bool,
    pub text: TextEngine,
    pub vectors: VectorEngine,
    /// Where the embedded index of words lies, for all processes that search; `index/` under `server.home` unless set.
    pub folder: Option<PathBuf>,
    /// The server, where `vectors` is `qdrant`.
    pub qdrant: Option<steward_rag::engine::qdrant::Settings>,
    /// How often every record is compared with the index.
    pub compare_every_seconds: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TextEngine {
    Tantivy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum VectorEngine {
    /// In the same PostgreSQL.
    Pgvector,
    Qdrant,
    Off,
}

impl Default for Search {
    fn default() -> Self {
        Self { indexer: true, text: TextEngine::Tantivy, vectors: VectorEngine::Pgvector, folder: None, qdrant: None, compare_every_seconds: 3_600 }
    }
}

impl Default for Embedder {
    fn default() -> Self {
        Self { engine: EmbedderEngine::Local, fetch_when_missing: None, threads: None, request_timeout_seconds: 10 }
    }
}

impl Default for Assistant {
    fn default() -> Self {
        Self { deadline_seconds: 60, heartbeat_seconds: 15, alias: "assistant".into(), models: Vec::new() }
    }
}

impl Default for Server {
    fn default() -> Self {
        Self {
            home: None,
            host: IpAddr::from([127, 0, 0, 1]),
            port: 8080,
            public_url: None,
            cors_origins: Vec::new(),
            behind_proxy: false,
            drain_seconds: 0,
            stop_grace_seconds: 20,
            relay: true,
        }
    }
}

impl Default for Database {
    fn default() -> Self {
        Self {
            url: None,
            cluster: "steward".into(),
            name: "steward".into(),
            connections_max: 16,
            named_statements: true,
            statement_timeout_seconds: 15,
            lock_timeout_seconds: 5,
            transaction_timeout_seconds: 60,
            migrate_at_start: true,
        }
    }
}

impl Default for Auth {
    fn default() -> Self {
        Self { token_lifetime_seconds: 12 * 3600, failures_max: 10 }
    }
}

impl Default for Logging {
    fn default() -> Self {
        Self { format: LogFormat::Pretty, filter: "info,sqlx=warn".into() }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 1 << 20,
            bulk_body_bytes: 32 << 20,
            batch_rows: 5_000,
            imports_at_once: 2,
            idempotency_keep_days: 7,
            model_requests_keep_days: 90,
            request_timeout_seconds: 30,
        }
    }
}

impl Config {
    /// Reads `file`, or `steward.toml` in the working directory if it is there, and the environment over it.
    pub fn load(file: Option<&Path>) -> Result<Self> {
        let mut figment = Figment::new();
        let usual = Path::new("steward.toml");
        let read = file.or_else(|| usual.is_file().then_some(usual)).map(Path::to_path_buf);
        match file {
            Some(file) if !file.is_file() => bail!("there is no configuration file {}", file.display()),
            Some(file) => figment = figment.merge(Toml::file_exact(file)),
            None if usual.is_file() => figment = figment.merge(Toml::file_exact(usual)),
            None => {}
        }
        // DATABASE_URL goes below STEWARD_DATABASE__URL, which is the more specific of the two.
        if let Some(url) = Env::raw().only(&["DATABASE_URL"]).iter().next().map(|(_, url)| url)
            && !url.is_empty()
        {
            figment = figment.merge(Serialized::default("database.url", url));
        }
        let config = Self::from(figment.merge(environment()))?;
        Ok(Self { file: read, ..config })
    }

    /// Parses and checks.
    pub fn from(figment: Figment) -> Result<Self> {
        let config: Self = figment.extract().map_err(|error| {
            let key = error.path.join(".");
            // What stands there is not quoted: it may be a key in the wrong place.
            let message = match &error.kind {
                Kind::InvalidType(_, expected) | Kind::InvalidValue(_, expected) => format!("it must be {expected}"),
                _ => error.to_string(),
            };
            anyhow::anyhow!("the configuration is not valid{}: {message}", if key.is_empty() { String::new() } else { format!(", key `{key}`") })
        })?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<()> {
        let positive = [
            ("database.connections_max", u64::from(self.database.connections_max)),
            ("database.statement_timeout_seconds", self.database.statement_timeout_seconds),
            ("database.lock_timeout_seconds", self.database.lock_timeout_seconds),
            ("database.transaction_timeout_seconds", self.database.transaction_timeout_seconds),
            ("auth.token_lifetime_seconds", self.auth.token_lifetime_seconds),
            ("auth.failures_max", u64::from(self.auth.failures_max)),
            ("assistant.deadline_seconds", self.assistant.deadline_seconds),
            ("assistant.heartbeat_seconds", self.assistant.heartbeat_seconds),
            ("embedder.threads", self.embedder.threads.unwrap_or(1) as u64),
            ("embedder.request_timeout_seconds", self.embedder.request_timeout_seconds),
            ("search.compare_every_seconds", self.search.compare_every_seconds),
            ("limits.body_bytes", self.limits.body_bytes as u64),
            ("limits.bulk_body_bytes", self.limits.bulk_body_bytes as u64),
            ("limits.batch_rows", self.limits.batch_rows as u64),
            ("limits.imports_at_once", u64::from(self.limits.imports_at_once)),
            ("limits.idempotency_keep_days", u64::from(self.limits.idempotency_keep_days)),
            ("limits.model_requests_keep_days", u64::from(self.limits.model_requests_keep_days)),
            ("limits.request_timeout_seconds", self.limits.request_timeout_seconds),
        ];
        for (key, value) in positive {
            if value == 0 {
                bail!("the configuration is not valid, key `{key}`: it must be greater than 0");
            }
        }
        if let Some(url) = &self.server.public_url
            && !(url.starts_with("http://") || url.starts_with("https://"))
        {
            bail!("the configuration is not valid, key `server.public_url`: it must begin with http:// or https://");
        }
        for origin in &self.server.cors_origins {
            if !(origin.starts_with("http://") || origin.starts_with("https://")) || origin.ends_with('/') {
                bail!("the configuration is not valid, key `server.cors_origins`: {origin:?} is no origin such as https://example.com");
            }
        }
        if let Some(url) = &self.database.url
            && !(url.expose_secret().starts_with("postgres://") || url.expose_secret().starts_with("postgresql://"))
        {
            bail!("the configuration is not valid, key `database.url` (or DATABASE_URL): it must begin with postgres://");
        }
        self.telemetry.check()?;
        tracing_subscriber::EnvFilter::try_new(&self.logging.filter).context("the configuration is not valid, key `logging.filter`")?;
        if self.search.vectors == VectorEngine::Qdrant && self.search.qdrant.is_none() {
            bail!("the configuration is not valid, key `search.qdrant`: `search.vectors` is \"qdrant\", so its `url` is needed");
        }
        self.check_models()
    }

    /// The full form and the short one together, so that neither shadows the other.
    fn check_models(&self) -> Result<()> {
        let (llm, assistant) = (&self.llm, &self.assistant);
        for (at, model) in assistant.models.iter().enumerate() {
            let is_there = llm.providers.contains_key(&model.name) || assistant.models[..at].iter().any(|other| other.name == model.name);
            if is_there {
                bail!("the configuration is not valid, key `assistant.models[{at}].name`: there is another provider of this name");
            }
        }
        if !assistant.models.is_empty() && llm.aliases.contains_key(&assistant.alias) {
            bail!("the configuration is not valid, key `assistant.models`: `llm.aliases.{}` says already which models answer", assistant.alias);
        }
        if let Err(problems) = compose::models::of(llm, assistant).check() {
            bail!("the configuration is not valid, section `llm` (or `assistant.models`):\n{problems}");
        }
        Ok(())
    }

    /// Without a slash at its end.
    pub fn public_url(&self) -> String {
        match &self.server.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("http://{}:{}", if self.server.host.is_unspecified() { IpAddr::from([127, 0, 0, 1]) } else { self.server.host }, self.server.port),
        }
    }
    /// Whether browsers come over TLS, so that cookies may be marked `Secure`.
    pub fn is_https(&self) -> bool {
        self.public_url().starts_with("https://")
    }
}

/// A variable that a key of the configuration names.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The variables that set keys.
fn environment() -> Env {
    Env::prefixed("STEWARD_").filter(|name| !(name.starts_with("TEST_") || name == "DATA")).split("__")
}

impl Database {
    /// The kernel's view of it.
    pub fn settings(&self, url: &str) -> steward_kernel::database::Settings {
        steward_kernel::database::Settings {
            connections_max: self.connections_max,
            named_statements: self.named_statements,
            statement_timeout: Duration::from_secs(self.statement_timeout_seconds),
            lock_timeout: Duration::from_secs(self.lock_timeout_seconds),
            transaction_timeout: Duration::from_secs(self.transaction_timeout_seconds),
            ..steward_kernel::database::Settings::new(url)
        }
    }
}

#[cfg(test)]
#[path = "config/tests.rs"]
mod tests;
