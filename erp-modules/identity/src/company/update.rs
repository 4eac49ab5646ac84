//! Changes a company's name, code or country. The currency stays.

use super::{Company, RESOURCE};
use crate::CompanyId;
use serde::Deserialize;
use serde_json::json;
use steward_kernel::command::{Command, Outcome};
use steward_kernel::error::{During, Result};
use steward_kernel::work::Work;
use steward_kernel::{CommandSpec, Field};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateCompany {
    company: CompanyId,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    country: Option<String>,
}

impl Command for UpdateCompany {
    fn spec() -> CommandSpec {
        CommandSpec::new("identity.company.update")
            .target("company")
            .inputs([Field::text("code").max(20), Field::text("name"), Field::text("country").max(2)])
            .undo("identity.company.update")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let company = work.lock::<Company>(self.company).await?;
        let code = self.code.filter(|code| !code.is_empty()).unwrap_or_else(|| company.code.clone());
        let name = self.name.filter(|name| !name.is_empty()).unwrap_or_else(|| company.name.clone());
        let country = super::country(self.country.as_deref().unwrap_or(&company.country))?;
        let tenant = work.tenant();
        sqlx::query!(
            "UPDATE identity_company SET code = $3, name = $4, country = $5 WHERE tenant_id = $1 AND id = $2",
            tenant,
            company.id,
            code,
            name,
            country
        )
        .execute(work.db())
        .await
        .during("store the company")?;
        let before = json!({ "company": company.id, "code": company.code, "name": company.name, "country": company.country });
        Ok(Outcome::of(RESOURCE, company.id).undo("identity.company.update", before))
    }
}
