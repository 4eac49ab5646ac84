//! Users: the people of a tenant, where they stand in the organisation and what they may do.

pub mod activity;
pub mod companies;
pub mod create;
pub mod roles;
pub mod set_manager;
pub mod set_password;
pub mod update;

use sqlx::PgConnection;
use steward_kernel::command::{Entity, RowScope};
use steward_kernel::error::{Code, During, Error, Result};
use steward_kernel::work::Work;
use steward_kernel::{Field, Resource};
use uuid::Uuid;

pub const RESOURCE: &str = "identity.user";
pub(crate) const LANGUAGES: &[&str] = &["en", "de"];

pub(crate) fn resource() -> Resource {
    Resource::new(RESOURCE, "users", "identity_user")
        .owner("id")
        .department("department_id")
        .company("company_id")
        .field(Field::text("number").required().max(20).sortable().in_list().writable())
        .field(Field::text("name").required().sortable().prefix("name_fold").searchable().personal().in_list().writable())
        .field(Field::text("email").required().sortable().personal().in_list().writable().own_words())
        .field(Field::text("position").required().personal().in_list().writable())
        .field(Field::choice("language", LANGUAGES).writable())
        .field(Field::reference("company", "identity.company").required().writable())
        .field(Field::reference("department", "identity.department").in_list().writable())
        .field(Field::reference("manager", RESOURCE).in_list())
        .field(Field::boolean("active").required().in_list())
        .named_filter("has_reports", "EXISTS (SELECT FROM identity_user below WHERE below.tenant_id = t.tenant_id AND below.manager_id = t.id)")
        .sort("name")
        .create("identity.user.create")
        .update("identity.user.update")
}

/// Further companies of a user.
pub(crate) fn companies_resource() -> Resource {
    Resource::new("identity.user_company", "user_companies", "identity_user_company")
        .child_of(RESOURCE, "user_id")
        .owner("user_id")
        .company("company_id")
        .title("created_at")
        .field(Field::reference("user", RESOURCE).required().in_list())
        .field(Field::reference("company", "identity.company").required().in_list())
}

/// Who has which role. Readable with the permission on roles, not to everyone who may see a colleague's name.
pub(crate) fn roles_resource() -> Resource {
    let resource = Resource::new("identity.user_role", "user_roles", "identity_user_role")
        .child_of(RESOURCE, "user_id")
        .owner("user_id")
        .title("created_at")
        .field(Field::reference("user", RESOURCE).required().in_list())
        .field(Field::reference("role", "identity.role").required().in_list());
    Resource { permission: "identity:role:read".into(), ..resource }
}

pub struct User {
    pub id: Uuid,
    pub version: i64,
    pub number: String,
    pub name: String,
    pub email: String,
    pub position: String,
    pub language: Option<String>,
    pub company_id: Uuid,
    pub department_id: Option<Uuid>,
    pub manager_id: Option<Uuid>,
    pub active: bool,
}

impl Entity for User {
    const RESOURCE: &'static str = RESOURCE;
    fn id(&self) -> Uuid {
        self.id
    }
    fn version(&self) -> i64 {
        self.version
    }
    /// A user is his own owner: the width `own` is himself, `team` are those below him.
    fn scope(&self) -> RowScope {
        RowScope { owner: Some(self.id), department: self.department_id, company: Some(self.company_id) }
    }
    async fn lock(db: &mut PgConnection, tenant: Uuid, id: Uuid) -> Result<Option<Self>> {
        sqlx::query_as!(
            Self,
            "SELECT id, version, number, name, email, position, language, company_id, department_id, manager_id, active
             FROM identity_user WHERE tenant_id = $1 AND id = $2 FOR UPDATE",
            tenant,
            id
        )
        .fetch_optional(db)
        .await
        .during("read the user")
    }
}

impl User {
    /// Holds the row against a deactivation until the commit, which would otherwise miss what is made meanwhile.
    pub(crate) async fn is_active(work: &mut Work, id: Uuid) -> Result<bool> {
        let tenant = work.tenant();
        let active = sqlx::query_scalar!("SELECT active FROM identity_user WHERE tenant_id = $1 AND id = $2 FOR SHARE", tenant, id)
            .fetch_optional(work.db())
            .await
            .during("look up the user")?;
        Ok(active.unwrap_or_default())
    }
}

/// Where a user stands, for [`crate::guard::manages`].
async fn place(work: &mut Work, user: Uuid) -> Result<RowScope> {
    let tenant = work.tenant();
    let row = sqlx::query!("SELECT company_id, department_id FROM identity_user WHERE tenant_id = $1 AND id = $2", tenant, user)
        .fetch_optional(work.db())
        .await
        .during("look up the user")?
        .ok_or_else(|| Error::not_found(RESOURCE))?;
    Ok(RowScope { owner: Some(user), department: row.department_id, company: Some(row.company_id) })
}

/// The user and everybody above him in the lines of report.
async fn superiors(work: &mut Work, user: Uuid) -> Result<Vec<Uuid>> {
    let tenant = work.tenant();
    sqlx::query_scalar!(
        r#"WITH RECURSIVE above(id) AS (
             SELECT $2::uuid UNION SELECT u.manager_id FROM identity_user u JOIN above a ON u.id = a.id WHERE u.tenant_id = $1 AND u.manager_id IS NOT NULL)
           SELECT id AS "id!" FROM above"#,
        tenant,
        user
    )
    .fetch_all(work.db())
    .await
    .during("follow the lines of report upwards")
}

/// The address as it is stored and looked up.
pub fn email(given: &str) -> Result<String> {
    let email = given.trim().to_lowercase();
    let well_formed = email.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'))
        && email.chars().count() <= 200
        && !email.chars().any(char::is_whitespace);
    if well_formed { Ok(email) } else { Err(Error::field("email", "an e-mail address is expected")) }
}

/// Says which of the two is taken before the unique constraint would.
async fn unique(work: &mut Work, id: Uuid, email: &str, number: &str) -> Result<()> {
    let tenant = work.tenant();
    let taken = sqlx::query!(
        r#"SELECT EXISTS (SELECT FROM identity_user WHERE tenant_id = $1 AND email = $3 AND id <> $2) AS "email!",
                  EXISTS (SELECT FROM identity_user WHERE tenant_id = $1 AND number = $4 AND number <> '' AND id <> $2) AS "number!""#,
        tenant,
        id,
        email,
        number
    )
    .fetch_one(work.db())
    .await
    .during("look for the same user")?;
    if taken.email {
        return Err(Error::new(Code::Duplicate, "a user with this e-mail address exists already").because("identity.email_taken"));
    }
    if taken.number {
        return Err(Error::new(Code::Duplicate, "a user with this number exists already").because("identity.number_taken"));
    }
    Ok(())
}
