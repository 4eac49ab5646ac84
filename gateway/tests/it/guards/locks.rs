//! Changes of the rights of one user at the same moment: nobody is told to try again.

use crate::app::{Tenant, TestApp, User, id};
use futures::future::join_all;
use serde_json::json;
use std::iter::repeat_n;
use steward_kernel::Result;
use steward_kernel::bus::Executed;
use steward_migrations::Placement;
use uuid::Uuid;

/// Enough to meet each other; the pool of a test has eight connections.
const AT_ONCE: usize = 6;

async fn roles(app: &TestApp, admin: &User) -> Vec<Uuid> {
    let mut roles = Vec::new();
    for n in 0..AT_ONCE {
        roles.push(id(&app.run(admin, "identity.role.create", json!({ "name": format!("role {n}") })).await));
    }
    roles
}

async fn two_administrators() -> (TestApp, Tenant, User, User) {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme", Placement::Pooled).await;
    let admin = app.admin(&tenant).await;
    let other = app.user(&tenant, "Second", &[]).await;
    app.run(&admin, "identity.user.assign_role", json!({ "user": other.id, "role": admin.role })).await;
    (app, tenant, admin, other)
}

#[track_caller]
fn all_done(results: Vec<Result<Executed>>) -> Vec<Executed> {
    results.into_iter().map(|result| result.unwrap_or_else(|error| panic!("{error:?}"))).collect()
}

#[tokio::test]
async fn changes_of_ones_own_rights_at_the_same_moment_all_succeed_and_so_do_their_undos() {
    let (app, tenant, admin, _) = two_administrators().await;
    let roles = roles(&app, &admin).await;
    let assigned = roles.iter().map(|role| app.try_run(&admin, "identity.user.assign_role", json!({ "user": admin.id, "role": role })));
    let assigned = all_done(join_all(assigned).await);
    let undone = assigned.iter().map(|executed| app.kernel.undo(&admin.principal, executed.execution));
    all_done(join_all(undone).await);
    let left: i64 = app.peek(&tenant, &format!("SELECT count(*) FROM identity_user_role WHERE user_id = '{}'", admin.id)).await;
    assert_eq!(left, 1);
    app.close().await;
}

#[tokio::test]
async fn administrators_who_change_each_other_at_the_same_moment_both_succeed() {
    let (app, tenant, admin, other) = two_administrators().await;
    let roles = roles(&app, &admin).await;
    let pairs = [(&admin, &other), (&other, &admin)].into_iter().cycle();
    let changes = roles.iter().zip(pairs).map(|(role, (by, of))| app.try_run(by, "identity.user.assign_role", json!({ "user": of.id, "role": role })));
    all_done(join_all(changes).await);
    let given: i64 = app.peek(&tenant, "SELECT count(*) FROM identity_user_role m JOIN identity_role r ON r.id = m.role_id WHERE r.name LIKE 'role %'").await;
    assert_eq!(given, i64::try_from(AT_ONCE).unwrap());
    app.close().await;
}

#[tokio::test]
async fn undos_of_grants_at_the_same_moment_all_succeed() {
    let (app, tenant, admin, _) = two_administrators().await;
    let mut granted = Vec::new();
    for role in roles(&app, &admin).await {
        granted.push(app.run(&admin, "identity.role.grant", json!({ "role": role, "permission": "crm:party:read", "scope": "tenant" })).await);
    }
    all_done(join_all(granted.iter().map(|executed| app.kernel.undo(&admin.principal, executed.execution))).await);
    let left: i64 = app.peek(&tenant, "SELECT count(*) FROM identity_role_grant g JOIN identity_role r ON r.id = g.role_id WHERE r.name LIKE 'role %'").await;
    assert_eq!(left, 0);
    app.close().await;
}

#[tokio::test]
async fn passwords_and_sessions_of_ones_own_changed_at_the_same_moment_all_succeed() {
    let (app, tenant, admin, _) = two_administrators().await;
    let mut sessions = Vec::new();
    for _ in 0..AT_ONCE {
        let login = app.login("acme", "ada@acme.example", crate::app::PASSWORD).await.ok();
        sessions.push(app.state.auth.authenticate(login["access_token"].as_str().unwrap()).await.unwrap().session);
    }
    let ended = sessions.iter().map(|session| app.try_run(&admin, "identity.session.revoke", json!({ "session": session })));
    all_done(join_all(ended).await);
    let passwords = repeat_n(json!({ "user": admin.id, "password": "another good horse" }), AT_ONCE);
    all_done(join_all(passwords.map(|input| app.try_run(&admin, "identity.user.set_password", input))).await);
    let alive: i64 = app.peek(&tenant, &format!("SELECT count(*) FROM identity_session WHERE user_id = '{}' AND revoked_at IS NULL", admin.id)).await;
    assert_eq!(alive, 1);
    app.close().await;
}

#[tokio::test]
async fn a_change_that_waits_for_one_user_keeps_no_write_of_others_waiting() {
    let (app, tenant, admin, other) = two_administrators().await;
    let user = app.user(&tenant, "Nancy", &[]).await;
    let writing = app.kernel.record(&user.principal, "test.writing").await.unwrap();
    let taking = {
        let (kernel, principal) = (app.kernel.clone(), admin.principal.clone());
        let input = json!({ "user": user.id, "role": user.role });
        app.tasks.spawn(async move { kernel.execute(&principal, steward_kernel::bus::Request::new("identity.user.withdraw_role", input)).await })
    };
    let waiting = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE l.locktype = 'advisory' AND NOT l.granted AND d.datname = current_database()";
    while app.peek::<i64>(&tenant, waiting).await == 0 {
        assert!(!taking.is_finished(), "the withdrawal did not wait");
        tokio::task::yield_now().await;
    }
    app.run(&other, "crm.party.create", json!({ "name": "Meanwhile" })).await;
    app.run(&admin, "crm.party.create", json!({ "name": "Meanwhile too" })).await;
    assert!(!taking.is_finished());
    writing.finish_record().await.unwrap();
    taking.await.unwrap().unwrap();
    app.close().await;
}
