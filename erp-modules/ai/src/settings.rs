//! What a tenant wants of the way to models: cache, masking, filtering of answers, injection, keeping of prompts. One record for
//! each tenant, whose id is the tenant's.

use serde::Deserialize;
use sqlx::PgConnection;
use std::collections::BTreeMap;
use steward_kernel::changes::{Changes, given, update_inputs};
use steward_kernel::command::Command;
use steward_kernel::error::During;
use steward_kernel::{CommandSpec, Entity, Error, Field, Outcome, Resource, Result, Risk, RowScope, Work};
use steward_llm::guard::output::{OutputConfig, Targets};
use steward_llm::guard::{self, Action, Class, GuardConfig};
use uuid::Uuid;

use crate::rule::action;

pub(crate) const RESOURCE: &str = "ai.settings";
const ACTIONS: &[&str] = &["mask", "refuse", "flag", "ignore"];
const TARGETS: &[&str] = &["keep", "strip"];

pub(crate) fn resource() -> Resource {
    Resource::new(RESOURCE, "settings", "ai_settings")
        .field(Field::text("name").required().in_list())
        .field(Field::boolean("cache").required().in_list().writable())
        .field(Field::integer("cache_seconds").required().writable())
        .field(Field::boolean("masking").required().in_list().writable())
        .field(Field::texts("masked_kinds").writable())
        .field(Field::choice("output_secrets", ACTIONS).required().writable())
        .field(Field::choice("output_personal", ACTIONS).required().writable())
        .field(Field::choice("output_links", TARGETS).required().writable())
        .field(Field::choice("output_images", TARGETS).required().writable())
        .field(Field::integer("injection_threshold").writable())
        .field(Field::boolean("prompt_log").required().in_list().writable())
        .field(Field::integer("prompt_log_days").required().writable())
        .update("ai.settings.update")
}

/// A tenant's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub(crate) id: Uuid,
    version: i64,
    /// Whether exactly the same question of the same principal is answered from the cache.
    pub cache: bool,
    /// For how long, in seconds.
    pub cache_seconds: i64,
    /// Whether personal data and secrets are masked on the way to a model. A tenant's own rules hold in any case.
    pub masking: bool,
    /// Which kinds are, by the codes of [`Class`].
    pub masked_kinds: Vec<String>,
    output_secrets: String,
    output_personal: String,
    output_links: String,
    output_images: String,
    /// The score of [`guard::injection::assess`] from which a request is refused; `None` refuses none.
    pub injection_threshold: Option<i64>,
    /// Whether prompts and answers are kept, masked.
    pub prompt_log: bool,
    /// For how many days.
    pub prompt_log_days: i64,
}

impl Entity for Settings {
    const RESOURCE: &'static str = RESOURCE;
    fn id(&self) -> Uuid {
        self.id
    }
    fn version(&self) -> i64 {
        self.version
    }
    fn scope(&self) -> RowScope {
        RowScope::default()
    }
    async fn lock(db: &mut PgConnection, tenant: Uuid, id: Uuid) -> Result<Option<Self>> {
        sqlx::query_as!(
            Self,
            "SELECT id, version, cache, cache_seconds, masking, masked_kinds, output_secrets, output_personal, output_links, output_images,
                    injection_threshold, prompt_log, prompt_log_days
               FROM ai_settings WHERE tenant_id = $1 AND id = $2 FOR UPDATE",
            tenant,
            id
        )
        .fetch_optional(db)
        .await
        .during("lock the settings")
    }
}

/// A tenant's settings, for readers.
pub(crate) async fn read(db: &mut PgConnection, tenant: Uuid) -> Result<Option<Settings>> {
    sqlx::query_as!(
        Settings,
        "SELECT id, version, cache, cache_seconds, masking, masked_kinds, output_secrets, output_personal, output_links, output_images,
                injection_threshold, prompt_log, prompt_log_days
           FROM ai_settings WHERE tenant_id = $1",
        tenant
    )
    .fetch_optional(db)
    .await
    .during("read the settings")
}

impl Settings {
    /// What the guard does for a tenant with these settings and these rules of its own.
    pub(crate) fn guard(&self, rules: Vec<guard::Rule>) -> GuardConfig {
        let masked = |class: &Class| self.masking && self.masked_kinds.iter().any(|kind| kind == class.code());
        let classes: BTreeMap<Class, Action> = kinds().map(|class| (class, if masked(&class) { Action::Mask } else { Action::Ignore })).collect();
        let targets = |name: &str| if name == "keep" { Targets::Keep } else { Targets::Strip };
        let output = OutputConfig {
            secrets: action(&self.output_secrets),
            personal: action(&self.output_personal),
            links: targets(&self.output_links),
            images: targets(&self.output_images),
            ..OutputConfig::default()
        };
        GuardConfig { classes, rules, output, ..GuardConfig::default() }
    }

    fn check(&self) -> Result<()> {
        if let Some(at) = self.masked_kinds.iter().position(|kind| !kinds().any(|class| class.code() == kind)) {
            let known: Vec<&str> = kinds().map(Class::code).collect();
            return Err(Error::field(format!("masked_kinds[{at}]"), format!("one of {} is expected", known.join(", "))));
        }
        for (name, value, bounds) in [
            ("cache_seconds", Some(self.cache_seconds), 1..=86_400),
            ("injection_threshold", self.injection_threshold, 1..=1_000),
            ("prompt_log_days", Some(self.prompt_log_days), 1..=365),
        ] {
            if value.is_some_and(|value| !bounds.contains(&value)) {
                return Err(Error::field(name, format!("{} to {} are expected", bounds.start(), bounds.end())));
            }
        }
        Ok(())
    }
}

/// The kinds that a tenant may choose from: its own words have rules instead.
fn kinds() -> impl Iterator<Item = Class> {
    Class::ALL.into_iter().filter(|class| *class != Class::Term)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateSettings {
    settings: Uuid,
    #[serde(default)]
    cache: Option<bool>,
    #[serde(default)]
    cache_seconds: Option<i64>,
    #[serde(default)]
    masking: Option<bool>,
    #[serde(default)]
    masked_kinds: Option<Vec<String>>,
    #[serde(default)]
    output_secrets: Option<String>,
    #[serde(default)]
    output_personal: Option<String>,
    #[serde(default)]
    output_links: Option<String>,
    #[serde(default)]
    output_images: Option<String>,
    #[serde(default, deserialize_with = "given")]
    injection_threshold: Option<Option<i64>>,
    #[serde(default)]
    prompt_log: Option<bool>,
    #[serde(default)]
    prompt_log_days: Option<i64>,
}

impl Command for UpdateSettings {
    fn spec() -> CommandSpec {
        // What people write is kept or goes out unmasked by this: no assistant proposes it.
        CommandSpec::new("ai.settings.update").target("settings").inputs(update_inputs(resource())).risk(Risk::HumanOnly).undo("ai.settings.update")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let mut settings = work.lock::<Settings>(self.settings).await?;
        let mut changes = Changes::default();
        changes.set("cache", &mut settings.cache, self.cache)?;
        changes.set("cache_seconds", &mut settings.cache_seconds, self.cache_seconds)?;
        changes.set("masking", &mut settings.masking, self.masking)?;
        changes.set("masked_kinds", &mut settings.masked_kinds, self.masked_kinds)?;
        changes.set("output_secrets", &mut settings.output_secrets, self.output_secrets)?;
        changes.set("output_personal", &mut settings.output_personal, self.output_personal)?;
        changes.set("output_links", &mut settings.output_links, self.output_links)?;
        changes.set("output_images", &mut settings.output_images, self.output_images)?;
        changes.set("injection_threshold", &mut settings.injection_threshold, self.injection_threshold)?;
        changes.set("prompt_log", &mut settings.prompt_log, self.prompt_log)?;
        changes.set("prompt_log_days", &mut settings.prompt_log_days, self.prompt_log_days)?;
        if changes.is_empty() {
            return Ok(Outcome::of(RESOURCE, settings.id));
        }
        settings.check()?;
        let tenant = work.tenant();
        sqlx::query!(
            "UPDATE ai_settings SET cache = $3, cache_seconds = $4, masking = $5, masked_kinds = $6, output_secrets = $7, output_personal = $8, output_links = $9,
                    output_images = $10, injection_threshold = $11, prompt_log = $12, prompt_log_days = $13
              WHERE tenant_id = $1 AND id = $2",
            tenant,
            settings.id,
            settings.cache,
            settings.cache_seconds,
            settings.masking,
            &settings.masked_kinds,
            settings.output_secrets,
            settings.output_personal,
            settings.output_links,
            settings.output_images,
            settings.injection_threshold,
            settings.prompt_log,
            settings.prompt_log_days
        )
        .execute(work.db())
        .await
        .during("store the settings")?;
        Ok(Outcome::of(RESOURCE, settings.id).undo("ai.settings.update", changes.undo("settings", settings.id)))
    }
}
