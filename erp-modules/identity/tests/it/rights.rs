//! Roles and grants: they take effect at once, and nobody gives what he does not have.

use crate::{T, house, id, peek, run};
use serde_json::json;
use steward_kernel::error::Code;
use steward_kernel::principal::Scope;
use steward_migrations::Placement;
use steward_migrations::test_database::House;
use uuid::Uuid;

#[tokio::test]
async fn a_withdrawn_permission_is_gone_with_the_very_next_request() {
    for placement in [Placement::Pooled, Placement::Schema] {
        let house = house().await;
        let tenant = house.tenant("demo", placement).await.unwrap();
        let admin = house.log_in(tenant.tenant, tenant.administrator).await.unwrap();
        let user = house.user(&tenant, "Bob", &[("identity:user:read", T)]).await.unwrap();
        let role = id(&run(&house, &admin, "identity.role.create", json!({ "name": "Builder" })).await.unwrap());
        run(&house, &admin, "identity.role.grant", json!({ "role": role, "permission": "identity:department:create", "scope": "tenant" })).await.unwrap();
        let create = |name: &str| json!({ "name": name });
        assert_eq!(run(&house, &user, "identity.department.create", create("A")).await.unwrap_err().code, Code::Forbidden);
        let assigned = run(&house, &admin, "identity.user.assign_role", json!({ "user": user.user, "role": role })).await.unwrap();
        run(&house, &user, "identity.department.create", create("B")).await.unwrap();
        house.kernel.undo(&admin, assigned.execution).await.unwrap();
        assert_eq!(run(&house, &user, "identity.department.create", create("C")).await.unwrap_err().code, Code::Forbidden);
        run(&house, &admin, "identity.user.assign_role", json!({ "user": user.user, "role": role })).await.unwrap();
        let revoked = run(&house, &admin, "identity.role.revoke", json!({ "role": role, "permission": "identity:department:create" })).await.unwrap();
        assert_eq!(run(&house, &user, "identity.department.create", create("D")).await.unwrap_err().code, Code::Forbidden);
        house.kernel.undo(&admin, revoked.execution).await.unwrap();
        run(&house, &user, "identity.department.create", create("E")).await.unwrap();
        // An undo needs the right to the command that it runs.
        run(&house, &admin, "identity.user.deactivate", json!({ "user": user.user })).await.unwrap();
        assert_eq!(run(&house, &user, "identity.department.create", create("F")).await.unwrap_err().code, Code::Unauthenticated);
    }
}

#[tokio::test]
async fn nobody_gives_what_he_does_not_hold() {
    let house = house().await;
    let tenant = house.tenant("demo", Placement::Pooled).await.unwrap();
    let admin = house.log_in(tenant.tenant, tenant.administrator).await.unwrap();
    let grants = [
        ("identity:role:create", T),
        ("identity:role:read", T),
        ("identity:role:grant", T),
        ("identity:user:read", T),
        ("identity:user:assign_role", T),
        ("identity:user:withdraw_role", T),
        ("identity:user:set_password", T),
        ("identity:user:deactivate", T),
        ("identity:department:read", Scope::Own),
    ];
    let manager = house.user(&tenant, "Mallory", &grants).await.unwrap();
    let role = id(&run(&house, &manager, "identity.role.create", json!({ "name": "Helper" })).await.unwrap());
    let grant = |permission: &str, scope: &str| json!({ "role": role, "permission": permission, "scope": scope });
    run(&house, &manager, "identity.role.grant", grant("identity:department:read", "own")).await.unwrap();
    for (permission, scope) in [("identity:department:read", "team"), ("identity:company:create", "own")] {
        let error = run(&house, &manager, "identity.role.grant", grant(permission, scope)).await.unwrap_err();
        assert_eq!((error.code, error.reason), (Code::Forbidden, Some("identity.escalation")));
    }
    assert_eq!(run(&house, &manager, "identity.role.grant", grant("no:such:thing", "own")).await.unwrap_err().code, Code::InvalidInput);
    run(&house, &manager, "identity.user.assign_role", json!({ "user": manager.user, "role": role })).await.unwrap();
    run(&house, &admin, "identity.role.grant", grant("identity:company:create", "tenant")).await.unwrap();
    // The role became more by the administrator's grant, but now its holder has that too.
    run(&house, &manager, "identity.user.withdraw_role", json!({ "user": manager.user, "role": role })).await.unwrap();
    let error = run(&house, &manager, "identity.user.assign_role", json!({ "user": manager.user, "role": role })).await.unwrap_err();
    assert_eq!(error.reason, Some("identity.escalation"));
    let administrator = administrator_role(&house, tenant.tenant).await;
    for command in ["identity.user.assign_role", "identity.user.withdraw_role"] {
        let error = run(&house, &manager, command, json!({ "user": tenant.administrator, "role": administrator })).await.unwrap_err();
        assert_eq!(error.reason, Some("identity.escalation"));
    }
    for (command, input) in [
        ("identity.user.set_password", json!({ "user": tenant.administrator, "password": "long enough" })),
        ("identity.user.deactivate", json!({ "user": tenant.administrator })),
    ] {
        assert_eq!(run(&house, &manager, command, input).await.unwrap_err().reason, Some("identity.escalation"));
    }
    let error = run(&house, &admin, "identity.role.revoke", json!({ "role": administrator, "permission": "identity:user:read" })).await.unwrap_err();
    assert_eq!(error.reason, Some("identity.builtin_role"));
}

async fn administrator_role(house: &House, tenant: Uuid) -> Uuid {
    peek(house, tenant, "SELECT id FROM identity_role WHERE builtin").await
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let house = house().await;
    let tenant = house.tenant("demo", Placement::Pooled).await.unwrap();
    let admin = house.log_in(tenant.tenant, tenant.administrator).await.unwrap();
    let administrator = administrator_role(&house, tenant.tenant).await;
    let withdraw = |user: Uuid| json!({ "user": user, "role": administrator });
    let error = run(&house, &admin, "identity.user.withdraw_role", withdraw(tenant.administrator)).await.unwrap_err();
    assert_eq!(error.reason, Some("identity.last_administrator"));
    let second = house.user(&tenant, "Second", &[]).await.unwrap();
    run(&house, &admin, "identity.user.assign_role", withdraw(second.user)).await.unwrap();
    run(&house, &second, "identity.user.deactivate", json!({ "user": tenant.administrator })).await.unwrap();
    assert_eq!(run(&house, &admin, "identity.user.deactivate", json!({ "user": second.user })).await.unwrap_err().code, Code::Unauthenticated);
    let error = run(&house, &second, "identity.user.withdraw_role", withdraw(second.user)).await.unwrap_err();
    assert_eq!(error.reason, Some("identity.last_administrator"));
}

#[tokio::test]
async fn the_report_says_who_may_do_what() {
    let house = house().await;
    let tenant = house.tenant("demo", Placement::Pooled).await.unwrap();
    let admin = house.log_in(tenant.tenant, tenant.administrator).await.unwrap();
    let user = house.user(&tenant, "Bob", &[("identity:user:read", Scope::Team)]).await.unwrap();
    let mut read = house.kernel.read(&admin).await.unwrap();
    let (_, table) = read.report("identity.access", json!({ "user": user.user })).await.unwrap();
    assert_eq!(table.rows.len(), 1);
    assert_eq!(table.rows[0][0]["title"], "Bob");
    assert_eq!(table.rows[0][2..], [json!("identity:user:read"), json!("team")]);
}

#[tokio::test]
async fn a_write_waits_for_a_withdrawal_and_the_other_way_round() {
    let house = house().await;
    let tenant = house.tenant("demo", Placement::Pooled).await.unwrap();
    let admin = house.log_in(tenant.tenant, tenant.administrator).await.unwrap();
    let user = house.user(&tenant, "Bob", &[("identity:department:create", T)]).await.unwrap();
    let role: Uuid =
        peek(&house, tenant.tenant, "SELECT m.role_id FROM identity_user_role m JOIN identity_user u ON u.id = m.user_id WHERE u.name = 'Bob'").await;
    // The withdrawal runs beside a stream of writes: whatever was accepted was committed before it, or fails after it.
    let writes = async {
        let mut accepted = 0;
        for n in 0..40 {
            match run(&house, &user, "identity.department.create", json!({ "name": format!("D{n}") })).await {
                Ok(_) => accepted += 1,
                Err(error) => assert_eq!(error.code, Code::Forbidden),
            }
        }
        accepted
    };
    let withdraw = run(&house, &admin, "identity.user.withdraw_role", json!({ "user": user.user, "role": role }));
    let (accepted, withdrawn) = tokio::join!(writes, withdraw);
    withdrawn.unwrap();
    let stored: i64 = peek(&house, tenant.tenant, "SELECT count(*) FROM identity_department").await;
    assert_eq!(stored, accepted);
    assert_eq!(run(&house, &user, "identity.department.create", json!({ "name": "last" })).await.unwrap_err().code, Code::Forbidden);
}
