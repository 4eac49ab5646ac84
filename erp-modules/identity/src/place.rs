//! What other modules may ask of identity: where a user stands, and which currency a company has.

use serde::{Deserialize, Serialize};
use steward_kernel::command::Query;
use steward_kernel::error::{During, Error, Result};
use steward_kernel::work::Work;
use uuid::Uuid;

/// `identity.user.place`: the area of a user, to hand a document over to him.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserPlace {
    user: Uuid,
}

#[derive(Serialize, Deserialize)]
pub struct Place {
    pub name: String,
    pub company: Uuid,
    pub department: Option<Uuid>,
    pub active: bool,
}

impl Query for UserPlace {
    const NAME: &'static str = "identity.user.place";
    type Answer = Place;

    async fn answer(self, work: &mut Work) -> Result<Place> {
        let tenant = work.tenant();
        sqlx::query_as!(
            Place,
            "SELECT name, company_id AS company, department_id AS department, active FROM identity_user WHERE tenant_id = $1 AND id = $2",
            tenant,
            self.user
        )
        .fetch_optional(work.db())
        .await
        .during("look up the user")?
        .ok_or_else(|| Error::not_found(crate::user::RESOURCE))
    }
}

/// `identity.company.facts`: what documents of a company need of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompanyFacts {
    company: Uuid,
}

#[derive(Serialize, Deserialize)]
pub struct Facts {
    pub code: String,
    pub name: String,
    pub currency: String,
    pub country: String,
}

impl Query for CompanyFacts {
    const NAME: &'static str = "identity.company.facts";
    type Answer = Facts;

    async fn answer(self, work: &mut Work) -> Result<Facts> {
        let tenant = work.tenant();
        sqlx::query_as!(Facts, "SELECT code, name, currency, country FROM identity_company WHERE tenant_id = $1 AND id = $2", tenant, self.company)
            .fetch_optional(work.db())
            .await
            .during("look up the company")?
            .ok_or_else(|| Error::not_found(crate::company::RESOURCE))
    }
}
