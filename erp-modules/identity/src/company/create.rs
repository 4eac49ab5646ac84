//! Adds a company. Its currency is decided here once: documents and books stand in it.

use super::RESOURCE;
use crate::CompanyId;
use serde::Deserialize;
use steward_kernel::command::{Command, Outcome, RowScope};
use steward_kernel::error::{Code, During, Error, Result};
use steward_kernel::work::Work;
use steward_kernel::{CommandSpec, Field, Risk};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateCompany {
    code: String,
    name: String,
    currency: String,
    #[serde(default)]
    country: Option<String>,
}

impl Command for CreateCompany {
    fn spec() -> CommandSpec {
        CommandSpec::new("identity.company.create").risk(Risk::High).inputs([
            Field::text("code").required().max(20),
            Field::text("name").required(),
            Field::text("currency").required().max(3),
            Field::text("country").max(2),
        ])
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        work.check_new(RowScope::default())?;
        let (currency, country) = (super::currency(&self.currency)?, super::country(self.country.as_deref().unwrap_or_default())?);
        let (tenant, id) = (work.tenant(), CompanyId::fresh());
        let stored = sqlx::query!(
            "INSERT INTO identity_company (tenant_id, id, code, name, currency, country) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant_id, code) DO NOTHING",
            tenant,
            id.0,
            self.code,
            self.name,
            currency,
            country
        )
        .execute(work.db())
        .await
        .during("store the company")?;
        if stored.rows_affected() == 0 {
            return Err(Error::new(Code::Duplicate, "a company with this code exists already").because("identity.code_taken"));
        }
        Ok(Outcome::of(RESOURCE, id))
    }
}
