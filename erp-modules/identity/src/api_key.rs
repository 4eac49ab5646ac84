//! API keys: a program's way in, never interactive.
//!
//! A key has one purpose: the ERP, with the rights of its user, or language models, with no right in the ERP at all. Keys for
//! models are made by [`make_for_models::MakeForModels`] for the module that looks after models; both kinds end in the same ways.

pub mod create;
pub mod make_for_models;
pub mod revoke;

use crate::user::User;
use crate::{ApiKeyId, keys};
use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::PgConnection;
use steward_kernel::command::{Entity, RowScope};
use steward_kernel::error::{During, Error, Result};
use steward_kernel::work::Work;
use steward_kernel::{Field, Resource};
use uuid::Uuid;

pub const RESOURCE: &str = "identity.api_key";
/// What a key is for.
pub(crate) const PURPOSES: &[&str] = &[ERP, MODELS, ASSISTANT];
pub(crate) const ERP: &str = "erp";
pub(crate) const MODELS: &str = "models";
pub(crate) const ASSISTANT: &str = "assistant";
/// Told of each key that has ended, whichever way; the payload names its purpose.
pub const ENDED: &str = "identity.api_key.ended";

pub(crate) fn resource() -> Resource {
    Resource::new(RESOURCE, "api_keys", "identity_api_key")
        .owner("user_id")
        .field(Field::text("name").required().sortable().in_list())
        .field(Field::reference("user", "identity.user").required().in_list())
        .field(Field::choice("purpose", PURPOSES).required().in_list())
        .field(Field::timestamp("expires_at").in_list())
        .field(Field::timestamp("revoked_at").in_list())
        .create("identity.api_key.create")
}

pub struct ApiKey {
    pub id: Uuid,
    pub version: i64,
    pub user_id: Uuid,
}

impl Entity for ApiKey {
    const RESOURCE: &'static str = RESOURCE;
    fn id(&self) -> Uuid {
        self.id
    }
    fn version(&self) -> i64 {
        self.version
    }
    fn scope(&self) -> RowScope {
        RowScope { owner: Some(self.user_id), ..RowScope::default() }
    }
    async fn lock(db: &mut PgConnection, tenant: Uuid, id: Uuid) -> Result<Option<Self>> {
        sqlx::query_as!(Self, "SELECT id, version, user_id FROM identity_api_key WHERE tenant_id = $1 AND id = $2 FOR UPDATE", tenant, id)
            .fetch_optional(db)
            .await
            .during("read the API key")
    }
}

/// Ends the user's API keys, for good: nothing brings one back.
pub(crate) async fn end_all(work: &mut Work, user: Uuid) -> Result<()> {
    let (tenant, now) = (work.tenant(), work.now());
    let ended = sqlx::query!(
        "UPDATE identity_api_key SET revoked_at = $3 WHERE tenant_id = $1 AND user_id = $2 AND revoked_at IS NULL RETURNING id, purpose",
        tenant,
        user,
        now
    )
    .fetch_all(work.db())
    .await
    .during("end the user's API keys")?;
    for key in ended {
        work.emit(ENDED, key.id, json!({ "purpose": key.purpose }));
    }
    Ok(())
}

/// Stores a new key of an active user and returns it in full: it is shown once, and only its hash is kept.
async fn store(work: &mut Work, id: ApiKeyId, user: Uuid, name: &str, expires_at: Option<DateTime<Utc>>, purpose: &str) -> Result<String> {
    if expires_at.is_some_and(|at| at <= work.now()) {
        return Err(Error::field("expires_at", "lies in the past"));
    }
    if !User::is_active(work, user).await? {
        return Err(Error::field("user", "is not active"));
    }
    let tenant = work.tenant();
    let slug =
        sqlx::query_scalar!("SELECT slug FROM kernel_placement WHERE tenant_id = $1", tenant).fetch_one(work.db()).await.during("read the tenant's name")?;
    let secret = keys::secret()?;
    let hash = blake3::hash(secret.as_bytes());
    sqlx::query!(
        "INSERT INTO identity_api_key (tenant_id, id, user_id, name, expires_at, purpose) VALUES ($1, $2, $3, $4, $5, $6)",
        tenant,
        id.0,
        user,
        name,
        expires_at,
        purpose
    )
    .execute(work.db())
    .await
    .during("store the API key")?;
    sqlx::query!("INSERT INTO identity_api_secret (tenant_id, api_key_id, secret_hash) VALUES ($1, $2, $3)", tenant, id.0, hash.as_bytes().as_slice())
        .execute(work.db())
        .await
        .during("store the API key's hash")?;
    Ok(format!("stw_{slug}_{}_{secret}", id.0.simple()))
}
