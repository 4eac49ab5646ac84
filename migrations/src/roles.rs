//! The roles that the house brings: the administrator, who holds everything, and the modules' own.

use crate::{Contents, Owner};
use sqlx::PgConnection;
use std::collections::BTreeMap;
use steward_identity::ADMINISTRATOR;
use steward_kernel::error::{During, Result};
use steward_kernel::ids;
use steward_kernel::principal::Scope;
use uuid::Uuid;

/// Gives every tenant's administrator the permissions that new modules brought, and makes roles that are missing. A
/// role that exists is left as the tenant has it.
pub async fn sync_roles(owner: &Owner, contents: &Contents) -> Result<()> {
    let tenants = sqlx::query!("SELECT id, schema FROM control.tenant ORDER BY slug").fetch_all(&owner.pool).await.during("list the tenants")?;
    for tenant in tenants {
        let mut tx = owner.begin(&tenant.schema, tenant.id, "tenant.sync_roles").await?;
        seed(&mut tx, tenant.id, contents).await?;
        tx.commit().await.during("commit the roles")?;
    }
    Ok(())
}

/// Makes what is missing; returns the administrator's role.
pub(crate) async fn seed(db: &mut PgConnection, tenant: Uuid, contents: &Contents) -> Result<Uuid> {
    let everything: BTreeMap<String, Scope> = contents.permissions.iter().map(|permission| (permission.clone(), Scope::Tenant)).collect();
    let (administrator, _) = role(db, tenant, ADMINISTRATOR, true).await?;
    grant(db, tenant, administrator, &everything).await?;
    for (name, grants) in &contents.roles {
        if let (id, true) = role(db, tenant, name, false).await? {
            grant(db, tenant, id, grants).await?;
        }
    }
    Ok(administrator)
}

/// The role of this name, and whether it was made now.
pub(crate) async fn role(db: &mut PgConnection, tenant: Uuid, name: &str, builtin: bool) -> Result<(Uuid, bool)> {
    let known = sqlx::query_scalar!("SELECT id FROM identity_role WHERE tenant_id = $1 AND name = $2", tenant, name)
        .fetch_optional(&mut *db)
        .await
        .during("look up a role")?;
    if let Some(id) = known {
        return Ok((id, false));
    }
    let id = ids::fresh();
    sqlx::query!("INSERT INTO identity_role (tenant_id, id, name, builtin) VALUES ($1, $2, $3, $4)", tenant, id, name, builtin)
        .execute(db)
        .await
        .during("store a role")?;
    Ok((id, true))
}

/// Adds grants that the role does not have.
pub(crate) async fn grant(db: &mut PgConnection, tenant: Uuid, role: Uuid, grants: &BTreeMap<String, Scope>) -> Result<()> {
    let fresh: Vec<Uuid> = grants.iter().map(|_| ids::fresh()).collect();
    let permissions: Vec<String> = grants.keys().cloned().collect();
    let scopes: Vec<String> = grants.values().map(|scope| scope.as_str().to_owned()).collect();
    sqlx::query!(
        "INSERT INTO identity_role_grant (tenant_id, id, role_id, permission, scope)
         SELECT $1, id, $2, permission, scope FROM unnest($3::uuid[], $4::text[], $5::text[]) AS g (id, permission, scope)
         ON CONFLICT (tenant_id, role_id, permission) DO NOTHING",
        tenant,
        role,
        &fresh,
        &permissions,
        &scopes
    )
    .execute(db)
    .await
    .during("store the grants of a role")?;
    Ok(())
}
