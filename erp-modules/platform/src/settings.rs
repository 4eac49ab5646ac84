//! The tenant's settings: time zone, language and fiscal year. One record for each tenant, whose id is the tenant's.

use serde::Deserialize;
use serde_json::json;
use sqlx::PgConnection;
use steward_kernel::command::{Command, Entity, Outcome, RowScope};
use steward_kernel::error::{During, Error, Result};
use steward_kernel::work::Work;
use steward_kernel::{CommandSpec, Field, Resource, Risk};
use uuid::Uuid;

pub const RESOURCE: &str = "platform.settings";
const LANGUAGES: &[&str] = &["en", "de"];

pub(crate) fn resource() -> Resource {
    Resource::new(RESOURCE, "settings", "platform_settings")
        .field(Field::text("name").required().in_list())
        .field(Field::text("plan").required().in_list())
        .field(Field::text("time_zone").required().in_list().writable())
        .field(Field::choice("language", LANGUAGES).required().in_list().writable())
        .field(Field::integer("fiscal_year_month").required().in_list().writable())
        .update("platform.settings.update")
}

struct Settings {
    id: Uuid,
    version: i64,
    time_zone: String,
    language: String,
    fiscal_year_month: i32,
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
            "SELECT id, version, time_zone, language, fiscal_year_month FROM platform_settings WHERE tenant_id = $1 AND id = $2 FOR UPDATE",
            tenant,
            id
        )
        .fetch_optional(db)
        .await
        .during("read the settings")
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateSettings {
    settings: Uuid,
    #[serde(default)]
    time_zone: Option<String>,
    #[serde(default)]
    language: Option<String>,
    #[serde(default)]
    fiscal_year_month: Option<i32>,
}

impl Command for UpdateSettings {
    fn spec() -> CommandSpec {
        CommandSpec::new("platform.settings.update").target("settings").risk(Risk::High).undo("platform.settings.update").inputs([
            Field::text("time_zone").max(60),
            Field::choice("language", LANGUAGES),
            Field::integer("fiscal_year_month"),
        ])
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let settings = work.lock::<Settings>(self.settings).await?;
        let time_zone = self.time_zone.filter(|zone| !zone.is_empty()).unwrap_or_else(|| settings.time_zone.clone());
        if time_zone.parse::<chrono_tz::Tz>().is_err() {
            return Err(Error::field("time_zone", "a time zone such as Europe/Berlin is expected"));
        }
        if time_zone != settings.time_zone {
            check_zone(work, &time_zone).await?;
        }
        let month = self.fiscal_year_month.unwrap_or(settings.fiscal_year_month);
        if !(1..=12).contains(&month) {
            return Err(Error::field("fiscal_year_month", "a month from 1 to 12 is expected"));
        }
        let language = self.language.unwrap_or_else(|| settings.language.clone());
        let tenant = work.tenant();
        sqlx::query!(
            "UPDATE kernel_placement SET time_zone = $2, language = $3, fiscal_year_month = $4 WHERE tenant_id = $1",
            tenant,
            time_zone,
            language,
            month
        )
        .execute(work.db())
        .await
        .during("store the settings")?;
        let before = json!({
            "settings": settings.id, "time_zone": settings.time_zone, "language": settings.language, "fiscal_year_month": settings.fiscal_year_month,
        });
        Ok(Outcome::of(RESOURCE, settings.id).undo("platform.settings.update", before))
    }
}

/// The database has a list of zones of its own, from which `app.today()` is made: a zone must stand in both.
async fn check_zone(work: &mut Work, zone: &str) -> Result<()> {
    match sqlx::query_scalar!(r#"SELECT timezone($1, now()) AS "local!""#, zone).fetch_one(work.db()).await {
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("22023") => {
            Err(Error::field("time_zone", "the database does not know this time zone").with_source(sqlx::Error::Database(error)))
        }
        asked => asked.during("look up the time zone").map(drop),
    }
}
