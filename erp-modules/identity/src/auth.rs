//! From credentials to a principal.
//!
//! A log-in gives a signed token (EdDSA); its claims are hints for the client, and only `sub`, `tenant_id` and `sid` are
//! read back: rights come from the database in each unit of work, which also checks that the session still lives. So a
//! token is verified without a query. An unknown tenant, an unknown user, a wrong password and a locked account cost the
//! same work and read alike.

use crate::keys::Keys;
use crate::password;
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, Header, Validation};
use serde::{Deserialize, Serialize};
use sqlx::AssertSqlSafe;
use std::sync::Arc;
use std::time::Duration;
use steward_kernel::database::Database;
use steward_kernel::error::{Code, During, Error, Result};
use steward_kernel::principal::{Door, Principal};
use steward_kernel::tenant::{Placement, Tenants};
use steward_kernel::{Clock, ids};
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// Wrong passwords in a row until the account is locked.
pub const FAILURES_MAX: i32 = 10;
const LOCKED_FOR: chrono::TimeDelta = chrono::TimeDelta::minutes(15);
/// How long a verified API key is not looked up again; whether it still lives is checked by every unit of work.
const KEY_CACHED: Duration = Duration::from_secs(60);

/// How log-ins behave.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Life of a session and of its token.
    pub session: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { session: Duration::from_secs(12 * 60 * 60) }
    }
}

/// A successful log-in. No `Debug`: it holds the token.
pub struct Login {
    pub access_token: String,
    pub expires_at: DateTime<Utc>,
    pub session: Uuid,
    pub user: Uuid,
    pub name: String,
    pub language: String,
    pub tenant: Uuid,
    /// The tenant's slug.
    pub tenant_slug: String,
    /// The person who just logged in, through the door REST.
    pub principal: Principal,
}

/// A living API key for language models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelKey {
    pub tenant: Uuid,
    pub user: Uuid,
    pub key: Uuid,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: Uuid,
    tenant_id: Uuid,
    company_ids: Vec<Uuid>,
    roles: Vec<String>,
    plan: String,
    iat: i64,
    exp: i64,
    sid: Uuid,
}

/// What is read back of the claims.
#[derive(Deserialize)]
struct Hints {
    sub: Uuid,
    tenant_id: Uuid,
    exp: i64,
    sid: Uuid,
}

#[derive(sqlx::FromRow)]
struct Found {
    user_id: Uuid,
    name: String,
    language: String,
    password_hash: Option<String>,
    active: bool,
    locked_until: Option<DateTime<Utc>>,
    companies: Vec<Uuid>,
    roles: Vec<String>,
    plan: String,
}

pub struct Authenticator {
    database: Database,
    tenants: Tenants,
    clock: Clock,
    keys: Keys,
    settings: Settings,
    /// Hash of a verified API key → (tenant, user, key id).
    known: moka::future::Cache<[u8; 32], (Uuid, Uuid, Uuid)>,
}

fn refused() -> Error {
    Error::new(Code::Unauthenticated, "the tenant, the e-mail address or the password is not right, or the account is locked for a while")
        .because("identity.login_refused")
}

fn invalid() -> Error {
    Error::new(Code::Unauthenticated, "the access token is not valid").because("identity.token_invalid")
}

/// A person's principal; its correlation is fresh, and a door that has a better one replaces it.
fn person(tenant: Uuid, user: Uuid, session: Uuid, interactive: bool) -> Principal {
    Principal { tenant, user, session, interactive, door: Door::Rest, correlation: Arc::from(ids::fresh().to_string()) }
}

impl Authenticator {
    pub fn new(database: Database, tenants: Tenants, clock: Clock, keys: Keys, settings: Settings) -> Self {
        let known = moka::future::Cache::builder().max_capacity(10_000).time_to_live(KEY_CACHED).build();
        Self { database, tenants, clock, keys, settings, known }
    }

    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Checks the password, opens a session and signs a token for it.
    pub async fn login(&self, tenant: &str, email: &str, password: &str) -> Result<Login> {
        let placement = match self.tenants.find(tenant).await {
            Ok(placement) => Some(placement),
            Err(error) if error.code == Code::NotFound => None,
            Err(error) => return Err(error),
        };
        let found = match &placement {
            Some(placement) => self.find(placement, email).await?,
            None => None,
        };
        let now = self.clock.now();
        let hash = found.as_ref().and_then(|found| found.password_hash.clone());
        let right = password::verify(password, hash).await?;
        let (Some(placement), Some(found)) = (placement, found) else { return Err(refused()) };
        // A locked account counts no further failures, or anybody could keep it locked for ever.
        if found.locked_until.is_some_and(|until| until > now) {
            return Err(refused());
        }
        if !right {
            self.failed(&placement, found.user_id, now).await?;
            return Err(refused());
        }
        // Guesses made at once all saw the account open: the right one counts only if the others have not locked it meanwhile.
        let Some(found) = self.find(&placement, email).await?.filter(|now_found| now_found.password_hash == found.password_hash) else {
            return Err(refused());
        };
        if !found.active || found.locked_until.is_some_and(|until| until > now) {
            return Err(refused());
        }
        self.open(&placement, found, now).await
    }

    async fn find(&self, placement: &Placement, email: &str) -> Result<Option<Found>> {
        // PostgreSQL refuses a text with a zero byte; nobody has such an address.
        if email.len() > 400 || email.contains('\0') {
            return Ok(None);
        }
        sqlx::query_as(AssertSqlSafe(format!("SELECT * FROM {}.login_lookup($1, $2)", placement.schema)))
            .bind(placement.tenant)
            .bind(email.trim().to_lowercase())
            .fetch_optional(&self.database.login)
            .await
            .during("look up the user")
    }

    async fn failed(&self, placement: &Placement, user: Uuid, now: DateTime<Utc>) -> Result<()> {
        sqlx::query(AssertSqlSafe(format!("SELECT {}.login_failed($1, $2, $3, $4)", placement.schema)))
            .bind(placement.tenant)
            .bind(user)
            .bind(FAILURES_MAX)
            .bind(now + LOCKED_FOR)
            .execute(&self.database.login)
            .await
            .during("count the failed log-in")?;
        tracing::info!(tenant.id = %placement.tenant, user.id = %user, "a log-in failed");
        Ok(())
    }

    async fn open(&self, placement: &Placement, found: Found, now: DateTime<Utc>) -> Result<Login> {
        let session = ids::fresh();
        let seconds = i64::try_from(self.settings.session.as_secs()).unwrap_or(i64::MAX);
        let expires_at = chrono::TimeDelta::try_seconds(seconds)
            .and_then(|life| now.checked_add_signed(life))
            .ok_or_else(|| Error::internal("the life of a session is too long"))?;
        let opened: bool = sqlx::query_scalar(AssertSqlSafe(format!("SELECT {}.session_open($1, $2, $3, $4, $5)", placement.schema)))
            .bind(placement.tenant)
            .bind(found.user_id)
            .bind(session)
            .bind(seconds)
            .bind(&found.password_hash)
            .fetch_one(&self.database.login)
            .await
            .during("open a session")?;
        if !opened {
            return Err(refused());
        }
        let claims = Claims {
            sub: found.user_id,
            tenant_id: placement.tenant,
            company_ids: found.companies,
            roles: found.roles,
            plan: found.plan,
            iat: now.timestamp(),
            exp: expires_at.timestamp(),
            sid: session,
        };
        let (kid, key) = self.keys.signing();
        let header = Header { kid: Some(kid), ..Header::new(Algorithm::EdDSA) };
        let access_token = jsonwebtoken::encode(&header, &claims, &key).map_err(|error| Error::internal("could not sign a token").with_source(error))?;
        Ok(Login {
            access_token,
            expires_at,
            session,
            user: found.user_id,
            name: found.name,
            language: found.language,
            tenant: placement.tenant,
            tenant_slug: placement.slug.clone(),
            principal: person(placement.tenant, found.user_id, session, true),
        })
    }

    /// Who presents this token or API key. Whether its session still lives is for the unit of work to say.
    pub async fn authenticate(&self, bearer: &str) -> Result<Principal> {
        match bearer.strip_prefix("stw_") {
            Some(key) => self.by_key(bearer, key).await,
            None => self.by_token(bearer),
        }
    }

    fn by_token(&self, token: &str) -> Result<Principal> {
        let header = jsonwebtoken::decode_header(token).map_err(|error| invalid().with_source(error))?;
        let key = header.kid.as_deref().and_then(|kid| self.keys.verifying(kid)).ok_or_else(invalid)?;
        // Only this algorithm, whatever the header says; time is checked against our own clock.
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        let hints: Hints = jsonwebtoken::decode(token, &key, &validation).map_err(|error| invalid().with_source(error))?.claims;
        if hints.exp <= self.clock.now().timestamp() {
            return Err(Error::new(Code::Unauthenticated, "the session has ended").because("identity.token_expired"));
        }
        // The nil user is the system, which no token can be.
        if hints.sub.is_nil() || hints.sid.is_nil() {
            return Err(invalid());
        }
        Ok(person(hints.tenant_id, hints.sub, hints.sid, true))
    }

    /// Whose key for language models this is. It opens no unit of work; that it lives was looked up for this very answer,
    /// so whoever asks often keeps the answer for a moment.
    pub async fn model_key(&self, bearer: &str) -> Result<ModelKey> {
        let key = bearer.strip_prefix("stw_").ok_or_else(invalid)?;
        let (tenant, user, key) = self.look_up(key, "model_key_lookup").await?;
        Ok(ModelKey { tenant, user, key })
    }

    async fn by_key(&self, bearer: &str, key: &str) -> Result<Principal> {
        let digest = *blake3::hash(bearer.as_bytes()).as_bytes();
        if let Some((tenant, user, id)) = self.known.get(&digest).await {
            return Ok(person(tenant, user, id, false));
        }
        let (tenant, user, id) = self.look_up(key, "api_key_lookup").await?;
        self.known.insert(digest, (tenant, user, id)).await;
        Ok(person(tenant, user, id, false))
    }

    /// Tenant, user and id of a living key, by the function of the placement that knows keys of the wanted purpose.
    async fn look_up(&self, key: &str, function: &'static str) -> Result<(Uuid, Uuid, Uuid)> {
        let mut parts = key.splitn(3, '_');
        let (Some(slug), Some(id), Some(secret)) = (parts.next(), parts.next().and_then(|id| Uuid::try_parse(id).ok()), parts.next()) else {
            return Err(invalid());
        };
        let placement = match self.tenants.find(slug).await {
            Err(error) if error.code == Code::NotFound => return Err(invalid()),
            found => found?,
        };
        let row: Option<(Uuid, Vec<u8>)> = sqlx::query_as(AssertSqlSafe(format!("SELECT user_id, secret_hash FROM {}.{function}($1, $2)", placement.schema)))
            .bind(placement.tenant)
            .bind(id)
            .fetch_optional(&self.database.login)
            .await
            .during("look up the API key")?;
        let Some((user, stored)) = row else { return Err(invalid()) };
        if !bool::from(blake3::hash(secret.as_bytes()).as_bytes().as_slice().ct_eq(&stored)) {
            return Err(invalid());
        }
        sqlx::query(AssertSqlSafe(format!("SELECT {}.api_key_used($1, $2)", placement.schema)))
            .bind(placement.tenant)
            .bind(id)
            .execute(&self.database.login)
            .await
            .during("note the use of the API key")?;
        Ok((placement.tenant, user, id))
    }

    /// Ends the principal's own session. An API key has none to end.
    pub async fn logout(&self, principal: &Principal) -> Result<()> {
        let placement = self.tenants.by_id(principal.tenant).await?;
        sqlx::query(AssertSqlSafe(format!("SELECT {}.session_close($1, $2, $3)", placement.schema)))
            .bind(principal.tenant)
            .bind(principal.user)
            .bind(principal.session)
            .execute(&self.database.login)
            .await
            .during("end the session")?;
        Ok(())
    }
}
