//! What keeps rights from growing by themselves, and the locks that order a change of rights with the writes under them.
//!
//! A write holds shared advisory locks on its user's grants (see `begin_work`); a change takes them exclusively, so that
//! it waits for writes that began with the old rights, and later ones read the new.

use crate::ADMINISTRATOR;
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

/// Nobody gives a permission, or a width, that he does not hold himself.
pub(crate) fn may_give(work: &Work, permission: &str, scope: Scope) -> Result<()> {
    if unrestricted(work) || work.rights().scope(permission).is_some_and(|held| held >= scope) {
        return Ok(());
    }
    Err(Error::new(Code::Forbidden, format!("you do not hold {permission} at the width {} yourself", scope.as_str())).because("identity.escalation"))
}

/// Nobody hands out, or takes away, a role that is more than he holds.
pub(crate) async fn may_give_role(work: &mut Work, role: Uuid) -> Result<()> {
    if unrestricted(work) {
        return Ok(());
    }
    let tenant = work.tenant();
    let builtin = sqlx::query_scalar!("SELECT builtin FROM identity_role WHERE tenant_id = $1 AND id = $2", tenant, role)
        .fetch_optional(work.db())
        .await
        .during("look up the role")?;
    if builtin.unwrap_or_default() {
        return Err(Error::new(Code::Forbidden, "only an administrator may hand out or take away this role").because("identity.escalation"));
    }
    let grants = sqlx::query!("SELECT permission, scope FROM identity_role_grant WHERE tenant_id = $1 AND role_id = $2", tenant, role)
        .fetch_all(work.db())
        .await
        .during("read the role's grants")?;
    grants.iter().filter_map(|grant| Some((&grant.permission, width(&grant.scope)?))).try_for_each(|(permission, scope)| may_give(work, permission, scope))
}

/// Whoever can log in as somebody has that one's rights: setting a password or making a key for another user needs all of them.
pub(crate) async fn may_act_as(work: &mut Work, user: Uuid) -> Result<()> {
    if user == work.user() || unrestricted(work) {
        return Ok(());
    }
    let tenant = work.tenant();
    let roles = sqlx::query_scalar!("SELECT role_id FROM identity_user_role WHERE tenant_id = $1 AND user_id = $2", tenant, user)
        .fetch_all(work.db())
        .await
        .during("read the user's roles")?;
    for role in roles {
        may_give_role(work, role).await?;
    }
    Ok(())
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
