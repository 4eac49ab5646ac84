//! Adds a department to a company.

use super::RESOURCE;
use crate::{CompanyId, DepartmentId};
use serde::Deserialize;
use steward_kernel::command::{Command, Outcome, RowScope};
use steward_kernel::error::{Code, During, Error, Result};
use steward_kernel::work::Work;
use steward_kernel::{CommandSpec, Field};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateDepartment {
    name: String,
    #[serde(default)]
    company: Option<CompanyId>,
    #[serde(default)]
    parent: Option<DepartmentId>,
}

impl Command for CreateDepartment {
    fn spec() -> CommandSpec {
        CommandSpec::new("identity.department.create").inputs([
            Field::text("name").required(),
            Field::reference("company", "identity.company"),
            Field::reference("parent", RESOURCE),
        ])
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let company = crate::company::chosen(work, self.company.map(Into::into)).await?;
        work.check_new(RowScope { department: self.parent.map(Into::into), company: Some(company), owner: None })?;
        if let Some(parent) = self.parent {
            super::belongs_to(work, parent.0, company, "parent").await?;
        }
        let (tenant, id) = (work.tenant(), DepartmentId::fresh());
        let stored = sqlx::query!(
            "INSERT INTO identity_department (tenant_id, id, name, company_id, parent_id) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant_id, company_id, name) DO NOTHING",
            tenant,
            id.0,
            self.name,
            company,
            self.parent.map(|parent| parent.0)
        )
        .execute(work.db())
        .await
        .during("store the department")?;
        if stored.rows_affected() == 0 {
            return Err(Error::new(Code::Duplicate, "the company has a department of this name already").because("identity.name_taken").variant("department"));
        }
        Ok(Outcome::of(RESOURCE, id))
    }
}
