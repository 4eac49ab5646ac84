//! Log-ins, tokens and API keys.

use crate::{T, house, peek, run};
use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;
use steward_identity::auth::{Authenticator, FAILURES_MAX, Settings};
use steward_identity::keys::Keys;
use steward_kernel::error::Code;
use steward_kernel::{Clock, ids};
use steward_migrations::test_database::House;
use steward_migrations::{Administrator, NewTenant, Placement, create_tenant};

struct Folder(PathBuf);
impl Folder {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("steward-keys-{}", ids::fresh().simple())))
    }
}
impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn authenticator(house: &House, folder: &Folder, clock: &Clock) -> Authenticator {
    let kernel = &house.kernel;
    let settings = Settings { session: Duration::from_secs(3600) };
    Authenticator::new(kernel.database.clone(), kernel.tenants.clone(), clock.clone(), Keys::open(&folder.0).unwrap(), settings)
}

async fn tenant(house: &House, placement: Placement) -> steward_migrations::Created {
    let administrator = Administrator { name: "Ada".into(), email: "Ada@Demo.example".into(), password: Some("correct horse".into()) };
    create_tenant(&house.owner, &house.contents, NewTenant { administrator, placement, ..NewTenant::new("demo", "Demo") }).await.unwrap()
}

#[tokio::test]
async fn a_person_logs_in_works_and_logs_out() {
    for placement in [Placement::Pooled, Placement::Schema] {
        let (house, folder, clock) = (house().await, Folder::new(), Clock::fixed(Clock::System.now()));
        let created = tenant(&house, placement).await;
        let auth = authenticator(&house, &folder, &clock);
        let login = auth.login("demo", " ada@demo.EXAMPLE", "correct horse").await.unwrap();
        assert_eq!((login.user, login.tenant, login.name.as_str()), (created.administrator, created.tenant, "Ada"));
        let principal = auth.authenticate(&login.access_token).await.unwrap();
        assert!(principal.interactive);
        let read = house.kernel.read(&principal).await.unwrap();
        assert!(read.rights().may("identity:user:create"));
        assert_eq!(read.rights().roles, ["administrator"]);
        assert_eq!(read.rights().company, Some(created.company));
        read.finish().await.unwrap();

        auth.logout(&principal).await.unwrap();
        let error = house.kernel.read(&principal).await.map(drop).unwrap_err();
        assert_eq!(error.code, Code::Unauthenticated);
        assert_eq!(auth.authenticate(&login.access_token).await.unwrap().session, principal.session);

        clock.set(clock.now() + TimeDelta::hours(2));
        assert_eq!(auth.authenticate(&login.access_token).await.unwrap_err().code, Code::Unauthenticated);
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_log_in_is_not_told_and_too_many_failures_lock() {
    let (house, folder, clock) = (house().await, Folder::new(), Clock::fixed(Clock::System.now()));
    tenant(&house, Placement::Pooled).await;
    let auth = authenticator(&house, &folder, &clock);
    let mut texts = Vec::new();
    for (tenant, email, password) in [
        ("demo", "ada@demo.example", "wrong"),
        ("demo", "eve@demo.example", "correct horse"),
        ("other", "ada@demo.example", "correct horse"),
        ("demo", "a\0", "x"),
    ] {
        let error = auth.login(tenant, email, password).await.map(drop).unwrap_err();
        assert_eq!(error.code, Code::Unauthenticated);
        texts.push(error.to_string());
    }
    texts.dedup();
    assert_eq!(texts.len(), 1);

    for _ in 1..FAILURES_MAX {
        auth.login("demo", "ada@demo.example", "wrong").await.map(drop).unwrap_err();
    }
    auth.login("demo", "ada@demo.example", "correct horse").await.map(drop).unwrap_err();
    clock.set(clock.now() + TimeDelta::minutes(16));
    auth.login("demo", "ada@demo.example", "correct horse").await.map(drop).unwrap();
}

#[tokio::test]
async fn a_token_is_worth_its_signature_and_keys_rotate() {
    let (house, folder, clock) = (house().await, Folder::new(), Clock::fixed(Clock::System.now()));
    tenant(&house, Placement::Pooled).await;
    let auth = authenticator(&house, &folder, &clock);
    let old = auth.login("demo", "ada@demo.example", "correct horse").await.unwrap().access_token;
    auth.keys().rotate().unwrap();
    let new = auth.login("demo", "ada@demo.example", "correct horse").await.unwrap().access_token;
    auth.authenticate(&old).await.unwrap();
    auth.authenticate(&new).await.unwrap();
    assert_eq!(auth.keys().jwks()["keys"].as_array().unwrap().len(), 2);
    // Another process with the same folder accepts both; one with another folder neither.
    authenticator(&house, &folder, &clock).authenticate(&old).await.unwrap();
    assert!(authenticator(&house, &Folder::new(), &clock).authenticate(&old).await.is_err());

    let parts: Vec<&str> = old.split('.').collect();
    let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";
    for forged in [
        format!("{none}.{}.", parts[1]),
        format!("{}.{}.{}", parts[0], parts[1], "A".repeat(86)),
        "stw_demo_x_y".into(),
        "stw_".into(),
        String::new(),
        "a.b.c".into(),
    ] {
        assert_eq!(auth.authenticate(&forged).await.unwrap_err().code, Code::Unauthenticated, "{forged}");
    }
}

#[tokio::test]
async fn a_token_tells_its_client_who_it_is_for_where_and_until_when() {
    for placement in [Placement::Pooled, Placement::Schema] {
        let (house, folder, clock) = (house().await, Folder::new(), Clock::fixed(Clock::System.now()));
        let created = tenant(&house, placement).await;
        let auth = authenticator(&house, &folder, &clock);
        let login = auth.login("demo", "ada@demo.example", "correct horse").await.unwrap();
        // As any client reads it, with the public key that its header names.
        let header = jsonwebtoken::decode_header(&login.access_token).unwrap();
        let jwks = auth.keys().jwks();
        let key = jwks["keys"].as_array().unwrap().iter().find(|key| key["kid"].as_str() == header.kid.as_deref()).unwrap();
        assert_eq!((header.alg, &key["crv"]), (Algorithm::EdDSA, &json!("Ed25519")));
        let key = DecodingKey::from_ed_components(key["x"].as_str().unwrap()).unwrap();
        let claims: Value = jsonwebtoken::decode(&login.access_token, &key, &Validation::new(Algorithm::EdDSA)).unwrap().claims;
        let expected = json!({
            "sub": created.administrator, "tenant_id": created.tenant, "company_ids": [created.company], "roles": ["administrator"], "plan": "standard",
            "iat": clock.now().timestamp(), "exp": login.expires_at.timestamp(), "sid": login.session,
        });
        assert_eq!(claims, expected);
        assert_eq!(login.expires_at, clock.now() + TimeDelta::hours(1));
    }
}

#[tokio::test]
async fn an_api_key_works_until_it_is_revoked_and_is_never_interactive() {
    let (house, folder, clock) = (house().await, Folder::new(), Clock::default());
    let created = tenant(&house, Placement::Pooled).await;
    let auth = authenticator(&house, &folder, &clock);
    let user = house
        .user(
            &created,
            "Bob",
            &[("identity:api_key:create", steward_kernel::Scope::Own), ("identity:api_key:revoke", steward_kernel::Scope::Own), ("identity:user:read", T)],
        )
        .await
        .unwrap();
    let made = run(&house, &user, "identity.api_key.create", json!({ "name": "import" })).await.unwrap();
    let key = made.outcome.secret.as_ref().unwrap()["api_key"].as_str().unwrap().to_owned();
    assert!(key.starts_with("stw_demo_"));
    let principal = auth.authenticate(&key).await.unwrap();
    assert!(!principal.interactive);
    assert_eq!(principal.user, user.user);
    house.kernel.read(&principal).await.unwrap().finish().await.unwrap();
    assert!(auth.authenticate(&format!("{key}x")).await.is_err());

    let somebody_else = json!({ "name": "import", "user": created.administrator });
    assert_eq!(run(&house, &user, "identity.api_key.create", somebody_else).await.unwrap_err().code, Code::Forbidden);

    run(&house, &user, "identity.api_key.revoke", json!({ "api_key": crate::id(&made) })).await.unwrap();
    let principal = auth.authenticate(&key).await.unwrap();
    assert_eq!(house.kernel.read(&principal).await.map(drop).unwrap_err().code, Code::Unauthenticated);
}

#[tokio::test]
async fn hashes_leave_no_trace_in_the_history_or_the_outbox() {
    let house = house().await;
    let created = tenant(&house, Placement::Pooled).await;
    let admin = house.log_in(created.tenant, created.administrator).await.unwrap();
    run(&house, &admin, "identity.user.create", json!({ "name": "Eve", "email": "eve@demo.example", "password": "battery staple" })).await.unwrap();
    run(&house, &admin, "identity.user.set_password", json!({ "user": created.administrator, "password": "another horse" })).await.unwrap();
    run(&house, &admin, "identity.api_key.create", json!({ "name": "k" })).await.unwrap();
    let sql = "SELECT (SELECT count(*) FROM kernel_change c WHERE c::text ~ 'argon2|secret|password_hash') + (SELECT count(*) FROM kernel.outbox o WHERE o::text ~ 'argon2|battery|secret_hash')";
    let found: i64 = peek(&house, created.tenant, sql).await;
    assert_eq!(found, 0);
    // The user's own session that asked is still there.
    house.kernel.read(&admin).await.unwrap().finish().await.unwrap();
}
