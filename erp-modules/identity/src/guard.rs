//! What keeps rights from growing by themselves, and the locks that order a change of rights with the writes under them.
//!
//! A write holds shared advisory locks on its user's grants (see `begin_work`); a change takes them exclusively, so that
//! it waits for writes that began with the old rights, and later ones read the new. Every command that calls
//! [`lock_grants_of`] is declared with `changes_rights_of_user`, else two of them could wait for each other.
//!
//! What is compared are sets of rows and not names of widths, see [`area`].

mod area;

use crate::ADMINISTRATOR;
use area::Area;
use std::borrow::Cow;
use steward_kernel::command::RowScope;
use steward_kernel::error::{Code, During, Error, Result};
use steward_kernel::principal::Scope;
use steward_kernel::work::Work;
use uuid::Uuid;

/// The width as it stands in the database.
pub(crate) fn width(scope: &str) -> Option<Scope> {
    [Scope::Own, Scope::Team, Scope::Department, Scope::Company, Scope::Tenant].into_iter().find(|known| known.as_str() == scope)
}

pub(crate) fn unrestricted(work: &Work) -> bool {
    work.principal().is_system() || work.rights().roles.iter().any(|role| role == ADMINISTRATOR)
}

fn escalation(variant: &'static str, message: impl Into<Cow<'static, str>>) -> Error {
    Error::new(Code::Forbidden, message).because("identity.escalation").variant(variant)
}

/// A permission with its width, as a role grants it.
struct Grant {
    permission: String,
    scope: String,
}

/// Nobody gives a permission, or a width, that he does not hold himself, nor anything of it beyond his own area: what the
/// receivers would reach with it, the giver must reach.
pub(crate) async fn may_give(work: &mut Work, permission: &str, scope: Scope, receivers: &[Uuid]) -> Result<()> {
    if unrestricted(work) || work.rights().scope(permission) == Some(Scope::Tenant) {
        return Ok(());
    }
    let area = Area::of(work, receivers).await?;
    may_give_within(work, permission, scope, &area)
}

fn may_give_within(work: &Work, permission: &str, scope: Scope, area: &Area) -> Result<()> {
    let held = work.rights().scope(permission).filter(|held| *held >= scope);
    let Some(held) = held else {
        let text = format!("you do not hold {permission} at the width {} yourself", scope.as_str());
        return Err(escalation("not_held", text).arg("permission", permission.to_owned()).arg("scope", scope.as_str()));
    };
    match area.is_within(scope, held, work.user(), work.rights()) {
        true => Ok(()),
        false => {
            let text = format!("{permission} at the width {} would reach beyond your own area here", scope.as_str());
            Err(escalation("beyond_area", text).arg("permission", permission.to_owned()).arg("scope", scope.as_str()))
        }
    }
}

fn may_give_all(work: &Work, grants: &[Grant], area: &Area) -> Result<()> {
    for grant in grants {
        // A width that is not known reads like the widest.
        may_give_within(work, &grant.permission, width(&grant.scope).unwrap_or(Scope::Tenant), area)?;
    }
    Ok(())
}

/// Nobody hands out, or takes away, a role that is more in the hands of this user than what he holds himself.
pub(crate) async fn may_give_role(work: &mut Work, role: Uuid, user: Uuid) -> Result<()> {
    if unrestricted(work) {
        return Ok(());
    }
    let tenant = work.tenant();
    let builtin = sqlx::query_scalar!("SELECT builtin FROM identity_role WHERE tenant_id = $1 AND id = $2", tenant, role)
        .fetch_optional(work.db())
        .await
        .during("look up the role")?;
    if builtin.unwrap_or_default() {
        return Err(escalation("administrator_role", "only an administrator may hand out or take away this role"));
    }
    let grants = sqlx::query_as!(Grant, "SELECT permission, scope FROM identity_role_grant WHERE tenant_id = $1 AND role_id = $2", tenant, role)
        .fetch_all(work.db())
        .await
        .during("read the role's grants")?;
    let area = Area::of(work, &[user]).await?;
    may_give_all(work, &grants, &area)
}

/// Whoever can log in as somebody has that one's rights: setting a password or making a key for another user needs all of them.
pub(crate) async fn may_act_as(work: &mut Work, user: Uuid) -> Result<()> {
    if user == work.user() || unrestricted(work) {
        return Ok(());
    }
    let tenant = work.tenant();
    let administrator = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM identity_user_role m JOIN identity_role r ON r.tenant_id = m.tenant_id AND r.id = m.role_id
                           WHERE m.tenant_id = $1 AND m.user_id = $2 AND r.builtin) AS "administrator!""#,
        tenant,
        user
    )
    .fetch_one(work.db())
    .await
    .during("look up the user's roles")?;
    if administrator {
        return Err(escalation("administrator", "only an administrator may act on an administrator"));
    }
    let grants = grants_of(work, user).await?;
    let area = Area::of(work, &[user]).await?;
    may_give_all(work, &grants, &area)
}

/// What the user's roles grant him.
async fn grants_of(work: &mut Work, user: Uuid) -> Result<Vec<Grant>> {
    let tenant = work.tenant();
    sqlx::query_as!(
        Grant,
        "SELECT g.permission, g.scope FROM identity_user_role m JOIN identity_role_grant g ON g.tenant_id = m.tenant_id AND g.role_id = m.role_id
         WHERE m.tenant_id = $1 AND m.user_id = $2",
        tenant,
        user
    )
    .fetch_all(work.db())
    .await
    .during("read the user's grants")
}

/// A further company is as much as the user's rights of the width `company` in it: whoever gives it works there and holds
/// them at no less.
pub(crate) async fn may_give_company(work: &mut Work, user: Uuid, company: Uuid) -> Result<()> {
    if unrestricted(work) {
        return Ok(());
    }
    if !work.rights().companies.contains(&company) {
        return Err(escalation("company", "you do not work for this company yourself"));
    }
    let grants = grants_of(work, user).await?;
    let missing = grants
        .iter()
        .find(|grant| width(&grant.scope) == Some(Scope::Company) && work.rights().scope(&grant.permission).is_none_or(|held| held < Scope::Company));
    match missing {
        None => Ok(()),
        Some(grant) => {
            let text = format!("you do not hold {} at the width company yourself", grant.permission);
            Err(escalation("not_held", text).arg("permission", &grant.permission).arg("scope", "company"))
        }
    }
}

/// Whether the running command's permission is held for the whole tenant: then there is no area to be kept to.
pub(crate) fn manages_tenant(work: &Work) -> bool {
    unrestricted(work) || work.reach() == Some(Scope::Tenant)
}

/// A new manager, a new parent, a new company must lie within what the acting user may manage by the running command.
pub(crate) fn manages(work: &Work, place: RowScope) -> Result<()> {
    if manages_tenant(work) || work.within(work.reach(), place) {
        return Ok(());
    }
    Err(Error::new(Code::Forbidden, "this lies outside of the area that you manage").because("kernel.out_of_scope").variant("area"))
}

/// The same for the company and the department that a user is put into. Who manages by lines of report manages no
/// departments; he puts people where he stands himself.
pub(crate) fn manages_place(work: &Work, company: Uuid, department: Option<Uuid>) -> Result<()> {
    let where_he_stands = work.rights().companies.contains(&company) && department.is_none_or(|department| work.rights().departments.contains(&department));
    if where_he_stands { Ok(()) } else { manages(work, RowScope { owner: None, department, company: Some(company) }) }
}

/// Nobody widens what he reaches by moving others below himself.
pub(crate) fn widens_own_reach() -> Error {
    escalation("widens", "this would widen what you reach yourself")
}

/// Waits for the writes of one user and keeps new ones out until the commit.
pub(crate) async fn lock_grants_of(work: &mut Work, user: Uuid) -> Result<()> {
    let key = format!("grants:{}:{user}", work.tenant());
    lock(work, &key).await
}

/// The same for all users of the tenant: a role or the lines of report change.
pub(crate) async fn lock_all_grants(work: &mut Work) -> Result<()> {
    let key = format!("grants:{}", work.tenant());
    lock(work, &key).await
}

async fn lock(work: &mut Work, key: &str) -> Result<()> {
    sqlx::query_scalar!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))::text", key).fetch_one(work.db()).await.during("wait for running writes")?;
    Ok(())
}

/// Refuses to take the last active administrator away. The role's row is locked, so that two at once cannot both go.
pub(crate) async fn administrator_remains_without(work: &mut Work, user: Uuid) -> Result<()> {
    let tenant = work.tenant();
    let role = sqlx::query_scalar!("SELECT id FROM identity_role WHERE tenant_id = $1 AND builtin AND name = $2 FOR UPDATE", tenant, ADMINISTRATOR)
        .fetch_optional(work.db())
        .await
        .during("lock the administrator's role")?;
    let Some(role) = role else { return Ok(()) };
    let holders = sqlx::query!(
        r#"SELECT coalesce(bool_or(u.id = $3), false) AS "included!", count(*) FILTER (WHERE u.id <> $3) AS "others!"
           FROM identity_user_role r JOIN identity_user u ON u.tenant_id = r.tenant_id AND u.id = r.user_id
           WHERE r.tenant_id = $1 AND r.role_id = $2 AND u.active"#,
        tenant,
        role,
        user
    )
    .fetch_one(work.db())
    .await
    .during("count the administrators")?;
    if holders.included && holders.others == 0 {
        return Err(Error::rule("identity.last_administrator", "this is the last administrator, and one must remain"));
    }
    Ok(())
}
