//! Adds a user, with a first password if one is given. Rights come by roles, see [`super::roles`].

use super::{LANGUAGES, RESOURCE};
use crate::{CompanyId, DepartmentId, UserId, guard};
use serde::Deserialize;
use serde_json::{Value, json};
use steward_kernel::catalogue::Sensitivity;
use steward_kernel::command::{Boxed, Command, Outcome, RowScope};
use steward_kernel::error::{During, Result};
use steward_kernel::work::Work;
use steward_kernel::{CommandSpec, Field};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateUser {
    #[serde(default)]
    number: Option<String>,
    name: String,
    email: String,
    #[serde(default)]
    password: Option<String>,
    #[serde(default)]
    position: Option<String>,
    #[serde(default)]
    language: Option<String>,
    #[serde(default)]
    company: Option<CompanyId>,
    #[serde(default)]
    department: Option<DepartmentId>,
    #[serde(default)]
    manager: Option<UserId>,
}

impl Command for CreateUser {
    fn spec() -> CommandSpec {
        CommandSpec::new("identity.user.create").undo("identity.user.deactivate").inputs([
            Field::text("number").max(20),
            Field::text("name").required().personal(),
            Field::text("email").required().personal().own_words(),
            Field { sensitivity: Sensitivity::Secret, ..Field::text("password") },
            Field::text("position").personal(),
            Field::choice("language", LANGUAGES),
            Field::reference("company", "identity.company"),
            Field::reference("department", "identity.department"),
            Field::reference("manager", RESOURCE),
        ])
    }

    fn prepare(input: &Value) -> Option<Boxed<'_, Result<Value>>> {
        super::set_password::hashed(input)
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let company = crate::company::chosen(work, self.company.map(Into::into)).await?;
        let department = self.department.map(|department| department.0);
        work.check_new(RowScope { owner: self.manager.map(Into::into), department, company: Some(company) })?;
        guard::manages_place(work, company, department)?;
        if let Some(manager) = self.manager {
            let place = super::place(work, manager.0).await?;
            guard::manages(work, place)?;
        }
        if let Some(department) = department {
            crate::department::belongs_to(work, department, company, "department").await?;
        }
        let (tenant, id) = (work.tenant(), UserId::fresh());
        let (email, number) = (super::email(&self.email)?, self.number.unwrap_or_default());
        super::unique(work, id.0, &email, &number).await?;
        sqlx::query!(
            "INSERT INTO identity_user (tenant_id, id, number, name, email, position, language, company_id, department_id, manager_id)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            tenant,
            id.0,
            number,
            self.name,
            email,
            self.position.unwrap_or_default(),
            self.language,
            company,
            department,
            self.manager.map(|manager| manager.0)
        )
        .execute(work.db())
        .await
        .during("store the user")?;
        if let Some(given) = &self.password {
            super::set_password::store(work, id.0, given).await?;
        }
        work.emit("identity.user.created", id, json!({ "user": id, "company": company, "department": department }));
        Ok(Outcome::of(RESOURCE, id).undo("identity.user.deactivate", json!({ "user": id })))
    }
}
