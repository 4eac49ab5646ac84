//! Changes what is known of a user. Who he reports to and whether he is active have commands of their own.

use super::{LANGUAGES, RESOURCE, User};
use crate::{CompanyId, DepartmentId, UserId, guard};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use steward_kernel::changes::given;
use steward_kernel::command::{Command, Outcome, RowScope};
use steward_kernel::error::{Code, During, Error, Result};
use steward_kernel::work::Work;
use steward_kernel::{CommandSpec, Field};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateUser {
    user: UserId,
    #[serde(default, deserialize_with = "given")]
    number: Option<Option<String>>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    email: Option<String>,
    #[serde(default, deserialize_with = "given")]
    position: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    language: Option<Option<String>>,
    #[serde(default)]
    company: Option<CompanyId>,
    #[serde(default, deserialize_with = "given")]
    department: Option<Option<DepartmentId>>,
}

impl Command for UpdateUser {
    fn spec() -> CommandSpec {
        CommandSpec::new("identity.user.update")
            .changes_rights_of_user()
            .target("user")
            .inputs([
                Field::text("number").max(20),
                Field::text("name").personal(),
                Field::text("email").personal().own_words(),
                Field::text("position").personal(),
                Field::choice("language", LANGUAGES),
                Field::reference("company", "identity.company"),
                Field::reference("department", "identity.department"),
            ])
            .undo("identity.user.update")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let placed_anew = self.company.is_some() || self.department.is_some();
        if placed_anew {
            guard::lock_grants_of(work, self.user.0).await?;
        }
        let user = work.lock::<User>(self.user).await?;
        let number = self.number.map_or_else(|| user.number.clone(), Option::unwrap_or_default);
        let name = self.name.filter(|name| !name.is_empty()).unwrap_or_else(|| user.name.clone());
        let email = self.email.as_deref().map_or_else(|| Ok(user.email.clone()), super::email)?;
        let position = self.position.map_or_else(|| user.position.clone(), Option::unwrap_or_default);
        let language = self.language.unwrap_or_else(|| user.language.clone());
        let company = self.company.map_or(user.company_id, Into::into);
        let department = self.department.map_or(user.department_id, |department| department.map(Into::into));
        if let Some(department) = department.filter(|_| placed_anew) {
            crate::department::belongs_to(work, department, company, "department").await?;
        }
        let moved = company != user.company_id || department != user.department_id;
        if moved && user.id == work.user() && !guard::unrestricted(work) {
            return Err(Error::new(Code::Forbidden, "you cannot place yourself elsewhere").because("identity.escalation").variant("own_place"));
        }
        // The new place must lie within the asker's own width, and a company is given only by who works for it, as in `add_company`.
        if moved {
            work.check_new(RowScope { owner: Some(user.id), department, company: Some(company) })?;
            guard::manages_place(work, company, department)?;
            if company != user.company_id && !guard::unrestricted(work) && !work.rights().companies.contains(&company) {
                return Err(Error::new(Code::Forbidden, "you do not work for this company yourself").because("identity.escalation").variant("company"));
            }
        }
        // Whoever has the address may one day have the account.
        if email != user.email {
            guard::may_act_as(work, user.id).await?;
        }
        super::unique(work, user.id, &email, &number).await?;
        let tenant = work.tenant();
        sqlx::query!(
            "UPDATE identity_user SET number = $3, name = $4, email = $5, position = $6, language = $7, company_id = $8, department_id = $9 WHERE tenant_id = $1 AND id = $2",
            tenant,
            user.id,
            number,
            name,
            email,
            position,
            language,
            company,
            department
        )
        .execute(work.db())
        .await
        .during("store the user")?;

        let mut before = Map::from_iter([("user".to_owned(), json!(user.id))]);
        let mut note = |field: &str, changed: bool, old: Value| changed.then(|| before.insert(field.to_owned(), old));
        note("number", number != user.number, json!(user.number));
        note("name", name != user.name, json!(user.name));
        note("email", email != user.email, json!(user.email));
        note("position", position != user.position, json!(user.position));
        note("language", language != user.language, json!(user.language));
        note("company", company != user.company_id, json!(user.company_id));
        note("department", moved, json!(user.department_id));
        let outcome = Outcome::of(RESOURCE, user.id);
        Ok(if before.len() > 1 { outcome.undo("identity.user.update", Value::Object(before)) } else { outcome })
    }
}
