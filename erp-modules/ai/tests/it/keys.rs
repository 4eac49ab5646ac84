//! Keys: what each purpose opens, and how a key ends.

use crate::{Firm, id};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use steward_ai::Settings;
use steward_kernel::relay::{self, Relay};
use steward_kernel::{Code, Door, Principal, Scope};
use steward_migrations::Placement;

const BOTH: [Placement; 2] = [Placement::Pooled, Placement::Schema];

#[tokio::test]
async fn a_key_for_models_says_whose_calls_they_are_and_opens_nothing_else() {
    for placement in BOTH {
        let firm = Firm::open(placement).await;
        let (key, secret) = firm.key(json!({ "aliases": ["fast"], "doors": ["chat"] })).await;
        let caller = firm.gateway().access.authenticate(&secret).await.unwrap();
        assert_eq!((caller.tenant, caller.user, caller.key), (firm.created.tenant, firm.admin.user, Some(key)));
        assert!(caller.may_use("fast") && !caller.may_use("large"));
        assert!(caller.may_enter("chat") && !caller.may_enter("embeddings"));

        assert_eq!(firm.process.auth.authenticate(&secret).await.unwrap_err().code, Code::Unauthenticated);
        // Nor does a unit of work open for it, whoever would take it for a session.
        let forged = Principal { session: key, interactive: false, door: Door::Rest, ..firm.admin.clone() };
        assert_eq!(firm.house.kernel.read(&forged).await.map(drop).unwrap_err().code, Code::Unauthenticated);
    }
}

#[tokio::test]
async fn a_key_of_the_erp_calls_no_model() {
    let firm = Firm::open(Placement::Pooled).await;
    let made = firm.run("identity.api_key.create", json!({ "name": "import" })).await;
    let secret = made.outcome.secret.as_ref().unwrap()["api_key"].as_str().unwrap().to_owned();
    firm.process.auth.authenticate(&secret).await.unwrap();
    let error = firm.gateway().access.authenticate(&secret).await.unwrap_err();
    assert_eq!((error.code, error.reason), (Code::Unauthenticated, Some("ai.key_invalid")));
}

#[tokio::test]
async fn what_is_no_key_reads_like_one_that_has_ended() {
    let firm = Firm::open(Placement::Pooled).await;
    let (_, secret) = firm.key(json!({})).await;
    for wrong in ["", "stw_", "stw_demo_x_y", "stw_nobody_01890000000070008000000000000000_x", &format!("{secret}x"), &secret[1..]] {
        let error = firm.gateway().access.authenticate(wrong).await.unwrap_err();
        assert_eq!((error.code, error.reason), (Code::Unauthenticated, Some("ai.key_invalid")), "{wrong}");
    }
}

#[tokio::test]
async fn the_secret_is_shown_once_and_stands_nowhere() {
    let firm = Firm::open(Placement::Pooled).await;
    let mut request = steward_kernel::bus::Request::new("ai.key.create", json!({ "name": "Reporting" }));
    request.idempotency_key = Some("once".into());
    let made = firm.house.kernel.execute(&firm.admin, request.clone()).await.unwrap();
    let secret = made.outcome.secret.as_ref().unwrap()["api_key"].as_str().unwrap();
    let random = secret.rsplit('_').next().unwrap();
    let again = firm.house.kernel.execute(&firm.admin, request).await.unwrap();
    assert!(again.replayed && again.outcome.secret.is_none());
    assert!(!firm.see("ai.key", id(&made)).await.to_string().contains(random));
    let found: i64 = firm
        .peek(&format!(
            "SELECT (SELECT count(*) FROM kernel_change c WHERE c::text LIKE '%{random}%') + (SELECT count(*) FROM kernel.outbox o WHERE o::text LIKE '%{random}%')
                  + (SELECT count(*) FROM kernel_audit a WHERE a::text LIKE '%{random}%') + (SELECT count(*) FROM kernel_idempotency i WHERE i::text LIKE '%{random}%')"
        ))
        .await;
    assert_eq!(found, 0);
}

#[tokio::test]
async fn a_key_that_was_ended_is_refused_with_the_next_call_and_in_another_process_a_second_later() {
    for placement in BOTH {
        let firm = Firm::open(placement).await;
        let other = firm.another(Settings::default());
        let (key, secret) = firm.key(json!({})).await;
        firm.gateway().access.authenticate(&secret).await.unwrap();
        other.gateway.access.authenticate(&secret).await.unwrap();
        firm.run("ai.key.end", json!({ "key": key })).await;
        assert_eq!(firm.gateway().access.authenticate(&secret).await.unwrap_err().code, Code::Unauthenticated);
        firm.pass(Duration::from_secs(1));
        assert_eq!(other.gateway.access.authenticate(&secret).await.unwrap_err().code, Code::Unauthenticated);
        assert_eq!(firm.refused("ai.key.end", json!({ "key": key })).await, "ai.key_ended");
        assert_eq!(firm.refused("ai.key.update", json!({ "key": key, "name": "Other" })).await, "ai.key_ended");
        assert_eq!(firm.see("ai.key", key).await["status"], "ended");
    }
}

#[tokio::test]
async fn a_key_ends_with_its_user_and_where_identity_ends_it_and_the_record_follows() {
    let firm = Firm::open(Placement::Pooled).await;
    let tim = firm.house.user(&firm.created, "Tim", &[("identity:user:read", Scope::Own)]).await.unwrap();
    let (of_tim, secret) = firm.key(json!({ "user": tim.user })).await;
    let (revoked, other) = firm.key(json!({ "name": "Other" })).await;
    let caller = firm.gateway().access.authenticate(&secret).await.unwrap();
    assert_eq!(caller.user, tim.user);
    firm.run("identity.user.deactivate", json!({ "user": tim.user })).await;
    firm.run("identity.api_key.revoke", json!({ "api_key": revoked })).await;
    for secret in [&secret, &other] {
        assert_eq!(firm.gateway().access.authenticate(secret).await.unwrap_err().code, Code::Unauthenticated);
    }
    let relay = Relay::with(Arc::clone(&firm.house.kernel), relay::Settings::default());
    relay.drain().await.unwrap();
    for key in [of_tim, revoked] {
        assert_eq!(firm.see("ai.key", key).await["status"], "ended");
    }
    assert_eq!(firm.refused("ai.key.create", json!({ "name": "Late", "user": tim.user })).await, "user");
}

#[tokio::test]
async fn a_key_expires_by_itself_and_is_never_made_for_the_past() {
    let firm = Firm::open(Placement::Pooled).await;
    assert_eq!(firm.refused("ai.key.create", json!({ "name": "Old", "expires_at": "2020-01-01T00:00:00Z" })).await, "expires_at");
    let (key, secret) = firm.key(json!({ "expires_at": "2099-01-01T00:00:00Z" })).await;
    firm.gateway().access.authenticate(&secret).await.unwrap();
    // The life of a key is measured by the database.
    firm.poke(&format!("UPDATE identity_api_key SET expires_at = now() - interval '1 second' WHERE tenant_id = app.tenant() AND id = '{key}'")).await;
    firm.pass(Duration::from_secs(1));
    assert_eq!(firm.gateway().access.authenticate(&secret).await.unwrap_err().code, Code::Unauthenticated);
}

#[tokio::test]
async fn without_the_module_in_the_plan_no_key_is_known() {
    let firm = Firm::open(Placement::Schema).await;
    let (_, secret) = firm.key(json!({})).await;
    firm.gateway().access.authenticate(&secret).await.unwrap();
    firm.poke("UPDATE kernel_placement SET modules_off = '{ai}' WHERE tenant_id = app.tenant()").await;
    firm.pass(Duration::from_secs(1));
    assert_eq!(firm.gateway().access.authenticate(&secret).await.unwrap_err().reason, Some("ai.key_invalid"));
    assert!(firm.gateway().access.settings_of(firm.created.tenant).await.unwrap().is_none());
}

#[tokio::test]
async fn nobody_is_let_in_while_the_database_cannot_be_asked() {
    let firm = Firm::open(Placement::Pooled).await;
    let (_, secret) = firm.key(json!({})).await;
    firm.gateway().access.authenticate(&secret).await.unwrap();
    firm.house.database.lose().await.unwrap();
    firm.pass(Duration::from_secs(1));
    firm.gateway().access.authenticate(&secret).await.unwrap_err();
}

#[tokio::test]
async fn a_key_that_was_made_is_taken_back_by_its_end() {
    let firm = Firm::open(Placement::Pooled).await;
    let made = firm.run("ai.key.create", json!({ "name": "Reporting" })).await;
    let secret = made.outcome.secret.as_ref().unwrap()["api_key"].as_str().unwrap();
    firm.undo(&made).await;
    assert_eq!(firm.gateway().access.authenticate(secret).await.unwrap_err().code, Code::Unauthenticated);
    assert_eq!(firm.refused("ai.key.create", json!({ "name": "x", "aliases": ["with blank"] })).await, "aliases[0]");
    assert_eq!(firm.refused("ai.key.create", json!({ "name": "x", "doors": ["rest"] })).await, "doors[0]");
}
