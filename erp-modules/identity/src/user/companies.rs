//! Further companies that a user works for. The width `company` reaches all of them.

use super::{RESOURCE, User};
use crate::{CompanyId, UserId, guard};
use serde::Deserialize;
use serde_json::json;
use steward_kernel::command::{Command, Outcome};
use steward_kernel::error::{During, Error, Result};
use steward_kernel::work::Work;
use steward_kernel::{CommandSpec, Field, Risk, ids};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddCompany {
    user: UserId,
    company: CompanyId,
}

impl Command for AddCompany {
    fn spec() -> CommandSpec {
        CommandSpec::new("identity.user.add_company")
            .changes_rights_of_user()
            .target("user")
            .input(Field::reference("company", "identity.company").required())
            .risk(Risk::HumanOnly)
            .undo("identity.user.remove_company")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        guard::lock_grants_of(work, self.user.0).await?;
        let user = work.lock::<User>(self.user).await?;
        guard::may_give_company(work, user.id, self.company.0).await?;
        let tenant = work.tenant();
        let stored = sqlx::query!(
            "INSERT INTO identity_user_company (tenant_id, id, user_id, company_id) VALUES ($1, $2, $3, $4) ON CONFLICT (tenant_id, user_id, company_id) DO NOTHING",
            tenant,
            ids::fresh(),
            user.id,
            self.company.0
        )
        .execute(work.db())
        .await
        .during("store the company of the user")?;
        let outcome = Outcome::of(RESOURCE, user.id);
        Ok(match stored.rows_affected() {
            0 => outcome,
            _ => outcome.undo("identity.user.remove_company", json!({ "user": user.id, "company": self.company })),
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoveCompany {
    user: UserId,
    company: CompanyId,
}

impl Command for RemoveCompany {
    fn spec() -> CommandSpec {
        CommandSpec::new("identity.user.remove_company")
            .changes_rights_of_user()
            .target("user")
            .input(Field::reference("company", "identity.company").required())
            .risk(Risk::HumanOnly)
            .undo("identity.user.add_company")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        guard::lock_grants_of(work, self.user.0).await?;
        let user = work.lock::<User>(self.user).await?;
        guard::manages_place(work, self.company.0, None)?;
        let tenant = work.tenant();
        let removed =
            sqlx::query!("DELETE FROM identity_user_company WHERE tenant_id = $1 AND user_id = $2 AND company_id = $3", tenant, user.id, self.company.0)
                .execute(work.db())
                .await
                .during("remove the company of the user")?;
        if removed.rows_affected() == 0 {
            return Err(Error::rule("identity.not_assigned", "this is not one of the user's further companies").variant("company"));
        }
        Ok(Outcome::of(RESOURCE, user.id).undo("identity.user.add_company", json!({ "user": user.id, "company": self.company })))
    }
}
