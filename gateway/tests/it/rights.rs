//! Rights are read anew in every unit of work: what is withdrawn is gone in the very next request, with the old token.

use crate::app::{TestApp, id, id_of};
use crate::shop::{Shop, T};
use serde_json::json;
use steward_kernel::Code;
use steward_kernel::principal::Scope;
use steward_migrations::Placement;
use uuid::Uuid;

#[tokio::test]
async fn a_grant_withdrawn_is_gone_in_the_very_next_request() {
    for placement in [Placement::Pooled, Placement::Schema] {
        let app = TestApp::start().await;
        let tenant = app.tenant("acme", placement).await;
        let admin = app.admin(&tenant).await;
        let role = id(&app.run(&admin, "identity.role.create", json!({ "name": "readers" })).await);
        let user = app.user(&tenant, "Nancy", &[]).await;
        let grant = json!({ "permission": "crm:party:read", "scope": "tenant" });
        app.get(&user, "crm/parties").await.problem(403, "forbidden");
        app.post(&admin, &format!("identity/roles/{role}/grant"), &grant).await.ok();
        app.get(&user, "crm/parties").await.problem(403, "forbidden");
        app.post(&admin, &format!("identity/users/{}/assign_role", user.id), &json!({ "role": role })).await.ok();
        app.get(&user, "crm/parties").await.ok();
        let withdrawn = app.post(&admin, &format!("identity/roles/{role}/revoke"), &json!({ "permission": "crm:party:read" })).await.ok();
        app.get(&user, "crm/parties").await.problem(403, "forbidden");
        // The withdrawal itself can be taken back.
        app.post(&admin, &format!("commands/{}/undo", withdrawn["execution"].as_str().unwrap()), &json!({})).await.ok();
        app.get(&user, "crm/parties").await.ok();
        app.post(&admin, &format!("identity/users/{}/withdraw_role", user.id), &json!({ "role": role })).await.ok();
        app.get(&user, "crm/parties").await.problem(403, "forbidden");
        let told = app.get(&user, "catalogue").await.ok();
        assert_eq!(told["resources"], json!([]));
        app.close().await;
    }
}

#[tokio::test]
async fn of_several_roles_the_widest_width_counts() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme", Placement::Pooled).await;
    let admin = app.admin(&tenant).await;
    let user = app.user(&tenant, "Nancy", &[("crm:party:read", Scope::Own)]).await;
    app.run(&admin, "crm.party.create", json!({ "name": "Of another", "owner": admin.id })).await;
    app.run(&admin, "crm.party.create", json!({ "name": "Of Nancy", "owner": user.id })).await;
    assert_eq!(app.get(&user, "crm/parties").await.items().len(), 1);
    let wide = id(&app.run(&admin, "identity.role.create", json!({ "name": "wide" })).await);
    app.run(&admin, "identity.role.grant", json!({ "role": wide, "permission": "crm:party:read", "scope": "tenant" })).await;
    app.run(&admin, "identity.user.assign_role", json!({ "user": user.id, "role": wide })).await;
    assert_eq!(app.get(&user, "crm/parties").await.items().len(), 2);
    assert_eq!(app.get(&user, "me").await.ok()["grants"]["crm:party:read"], "tenant");
    app.run(&admin, "identity.user.withdraw_role", json!({ "user": user.id, "role": wide })).await;
    assert_eq!(app.get(&user, "crm/parties").await.items().len(), 1);
    app.close().await;
}

#[tokio::test]
async fn a_field_that_needs_more_is_absent_without_it() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme", Placement::Pooled).await;
    let admin = app.admin(&tenant).await;
    let limit = json!({ "amount": "5000.00", "currency": "EUR" });
    let party = id(&app.run(&admin, "crm.party.create", json!({ "name": "Ernst", "credit_limit": limit, "currency": "EUR" })).await);
    let user = app.user(&tenant, "Nancy", &[("crm:party:read", T)]).await;
    for path in [format!("crm/parties/{party}"), "crm/parties".into(), format!("crm/parties/{party}/history"), "crm/parties/export".into()] {
        let answer = app.get(&user, &path).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert!(!answer.text.contains("credit_limit") && !answer.text.contains("5000"), "{path}: {}", answer.text);
        assert!(app.get(&admin, &path).await.text.contains("credit_limit"), "{path}");
    }
    let told = app.get(&user, "catalogue").await.ok();
    assert!(!told["resources"].to_string().contains("credit_limit"));
    for (name, value) in [("filter[credit_limit][gt]", "1"), ("sort", "credit_limit"), ("fields", "credit_limit")] {
        let masked = app.query(&user, "crm/parties", &[(name, value)]).await.problem(400, "bad_request");
        let unheard = app
            .query(&user, "crm/parties", &[(&name.replace("credit_limit", "never_heard"), &value.replace("credit_limit", "never_heard"))])
            .await
            .problem(400, "bad_request");
        assert_eq!(masked["detail"].as_str().unwrap().replace("credit_limit", "?"), unheard["detail"].as_str().unwrap().replace("never_heard", "?"));
    }
    app.get(&user, "crm/parties/aggregate?measure=credit_limit_total").await.problem(400, "bad_request");
    app.close().await;
}

#[tokio::test]
async fn who_is_deactivated_or_whose_session_is_revoked_is_out_at_once() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme", Placement::Schema).await;
    let admin = app.admin(&tenant).await;
    let user = app.user(&tenant, "Nancy", &[("crm:party:read", T)]).await;
    let other = app.user(&tenant, "Andrew", &[("crm:party:read", T)]).await;
    app.get(&user, "crm/parties").await.ok();
    app.post(&admin, &format!("identity/sessions/{}/revoke", user.principal.session), &json!({})).await.ok();
    app.get(&user, "crm/parties").await.problem(401, "unauthenticated");
    let answer = app.post(&user, "crm/parties", &json!({ "name": "X" })).await;
    answer.problem(401, "unauthenticated");
    assert_eq!(answer.header("www-authenticate"), "Bearer");

    app.get(&other, "me").await.ok();
    app.post(&admin, &format!("identity/users/{}/deactivate", other.id), &json!({})).await.ok();
    app.get(&other, "me").await.problem(401, "unauthenticated");
    app.post(&admin, &format!("identity/users/{}/reactivate", other.id), &json!({})).await.ok();
    app.get(&other, "me").await.problem(401, "unauthenticated");

    let third = app.user(&tenant, "Janet", &[]).await;
    assert_eq!(app.send(app.request("POST", &third, "/api/v1/auth/logout")).await.status, 204);
    app.get(&third, "me").await.problem(401, "unauthenticated");
    app.close().await;
}

#[tokio::test]
async fn an_api_key_has_the_rights_of_its_user_and_is_never_interactive() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme", Placement::Pooled).await;
    let user = app
        .user(
            &tenant,
            "Nancy",
            &[("crm:party:read", T), ("identity:api_key:create", Scope::Own), ("identity:api_key:read", Scope::Own), ("identity:api_key:revoke", Scope::Own)],
        )
        .await;
    let made = app.post(&user, "identity/api_keys", &json!({ "name": "import" })).await.ok();
    let key = made["secret"]["api_key"].as_str().unwrap().to_owned();
    assert_eq!(app.get(&user, "me").await.ok()["interactive"], true);
    let with_key = crate::app::User { token: key.clone(), ..user.clone() };
    assert_eq!(app.get(&with_key, "me").await.ok()["interactive"], false);
    app.get(&with_key, "crm/parties").await.ok();
    app.get(&with_key, "sales/orders").await.problem(403, "forbidden");
    // A page is for persons: a key in the cookie leads to the log-in page.
    let page = app.page(&with_key, "/app/crm/parties").await;
    assert!((300..400).contains(&page.status) && page.header("location").starts_with("/login"), "{} {}", page.status, page.header("location"));
    app.set_grants(&tenant, user.role, &[("identity:api_key:revoke", Scope::Own)]).await;
    app.get(&with_key, "crm/parties").await.problem(403, "forbidden");
    app.post(&user, &format!("identity/api_keys/{}/revoke", id_of(&made["id"])), &json!({})).await.ok();
    app.get(&with_key, "me").await.problem(401, "unauthenticated");
    // What is kept of it is a hash.
    let found: i64 = app.peek(&tenant, &format!("SELECT count(*) FROM kernel_change c WHERE c::text LIKE '%{}%'", key.rsplit('_').next().unwrap())).await;
    assert_eq!(found, 0);
    app.close().await;
}

#[tokio::test]
async fn a_change_of_rights_waits_for_the_writes_that_began_under_the_old_ones() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme", Placement::Pooled).await;
    let admin = app.admin(&tenant).await;
    let user = app.user(&tenant, "Nancy", &[("crm:party:create", T), ("crm:party:read", T)]).await;
    // A unit of work of the user that is still open.
    let writing = app.kernel.record(&user.principal, "test.writing").await.unwrap();
    let withdrawing = {
        let (kernel, principal) = (app.kernel.clone(), admin.principal.clone());
        let input = json!({ "role": user.role, "permission": "crm:party:create" });
        app.tasks.spawn(async move { kernel.execute(&principal, steward_kernel::bus::Request::new("identity.role.revoke", input)).await })
    };
    let waiting = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE l.locktype = 'advisory' AND NOT l.granted AND d.datname = current_database()";
    while app.peek::<i64>(&tenant, waiting).await == 0 {
        assert!(!withdrawing.is_finished(), "the withdrawal did not wait");
        tokio::task::yield_now().await;
    }
    let held: i64 =
        app.peek(&tenant, &format!("SELECT count(*) FROM identity_role_grant WHERE role_id = '{}' AND permission = 'crm:party:create'", user.role)).await;
    assert_eq!(held, 1);
    writing.finish_record().await.unwrap();
    withdrawing.await.unwrap().unwrap();
    assert_eq!(app.try_run(&user, "crm.party.create", json!({ "name": "Late" })).await.unwrap_err().code, Code::Forbidden);
    // The same for a role taken from one user.
    let writing = app.kernel.record(&user.principal, "test.writing").await.unwrap();
    let taking = {
        let (kernel, principal) = (app.kernel.clone(), admin.principal.clone());
        let input = json!({ "user": user.id, "role": user.role });
        app.tasks.spawn(async move { kernel.execute(&principal, steward_kernel::bus::Request::new("identity.user.withdraw_role", input)).await })
    };
    while app.peek::<i64>(&tenant, waiting).await == 0 {
        assert!(!taking.is_finished(), "the withdrawal did not wait");
        tokio::task::yield_now().await;
    }
    // Others go on meanwhile.
    app.run(&admin, "crm.party.create", json!({ "name": "Meanwhile" })).await;
    writing.finish_record().await.unwrap();
    taking.await.unwrap().unwrap();
    app.close().await;
}

#[tokio::test]
async fn nobody_gives_more_than_he_has() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme", Placement::Pooled).await;
    let admin = app.admin(&tenant).await;
    let clerk = app
        .user(
            &tenant,
            "Clerk",
            &[
                ("identity:role:grant", T),
                ("identity:role:read", T),
                ("identity:user:assign_role", T),
                ("identity:user:read", T),
                ("crm:party:read", Scope::Own),
            ],
        )
        .await;
    let grant = |permission: &str, scope: &str| json!({ "permission": permission, "scope": scope });
    let path = format!("identity/roles/{}/grant", clerk.role);
    for body in [grant("sales:order:read", "own"), grant("crm:party:read", "tenant")] {
        assert_eq!(app.post(&clerk, &path, &body).await.problem(403, "forbidden")["reason"], "identity.escalation");
    }
    let assign = json!({ "role": admin.role });
    assert_eq!(app.post(&clerk, &format!("identity/users/{}/assign_role", clerk.id), &assign).await.problem(403, "forbidden")["reason"], "identity.escalation");
    app.close().await;
}

#[tokio::test]
async fn a_record_handed_over_is_out_of_sight_of_the_one_who_had_it() {
    let shop = Shop::open().await;
    let seller = shop.app.user(&shop.tenant, "Nancy", &[]).await;
    let heir = shop.app.user(&shop.tenant, "Andrew", &[]).await;
    let surroundings = [("crm:party:read", T), ("inventory:item:read", T), ("identity:user:read", T)];
    let selling: Vec<(&str, Scope)> =
        surroundings.into_iter().chain([("sales:order:read", Scope::Own), ("sales:order:create", Scope::Own), ("sales:order:assign", Scope::Own)]).collect();
    for user in [&seller, &heir] {
        shop.app.set_grants(&shop.tenant, user.role, &selling).await;
    }
    let order = id_of(&shop.app.post(&seller, "sales/orders", &shop.order_input("1")).await.ok()["id"]);
    // For somebody else one does not create at the width `own`.
    let mut for_another = shop.order_input("1");
    for_another["owner"] = json!(heir.id);
    assert_eq!(shop.app.post(&seller, "sales/orders", &for_another).await.problem(403, "forbidden")["reason"], "kernel.out_of_scope");
    let path = format!("sales/orders/{order}");
    shop.app.get(&heir, &path).await.problem(404, "not_found");
    let given = shop.app.post(&seller, &format!("{path}/assign"), &json!({ "owner": heir.id })).await;
    given.ok();
    shop.app.get(&seller, &path).await.problem(404, "not_found");
    assert_eq!(shop.app.get(&heir, &path).await.ok()["lines"].as_array().unwrap().len(), 1);
    let owners: Vec<Uuid> = shop.app.column(&shop.tenant, &format!("SELECT DISTINCT owner_id FROM sales_line WHERE order_id = '{order}'")).await;
    assert_eq!(owners, [heir.id]);
    shop.app.close().await;
}

#[tokio::test]
async fn changes_of_rights_at_the_same_moment_wait_for_each_other_and_all_succeed() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme", Placement::Pooled).await;
    let admin = app.admin(&tenant).await;
    let role = id(&app.run(&admin, "identity.role.create", json!({ "name": "readers" })).await);
    let permissions = ["crm:party:read", "crm:activity:read", "sales:order:read", "inventory:item:read", "inventory:stock:read", "inventory:move:read"];
    let grants = permissions.map(|permission| {
        let input = json!({ "role": role, "permission": permission, "scope": "tenant" });
        app.try_run(&admin, "identity.role.grant", input)
    });
    for (result, permission) in futures::future::join_all(grants).await.into_iter().zip(permissions) {
        assert!(result.is_ok(), "{permission}: {result:?}");
    }
    assert_eq!(
        app.peek::<i64>(&tenant, "SELECT count(*) FROM identity_role_grant g JOIN identity_role r ON r.id = g.role_id WHERE r.name = 'readers'").await,
        6
    );
    app.close().await;
}

/// A client that goes away ends its request wherever it waits, also while its transaction begins.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_given_up_leaves_no_transaction_to_the_next() {
    let app = TestApp::configured(Vec::new(), |config| config.database.connections_max = 1).await;
    let tenant = app.tenant("acme", Placement::Pooled).await;
    let admin = app.admin(&tenant).await;
    for polls in 1..200 {
        let mut reading = Box::pin(app.kernel.read(&admin.principal));
        for _ in 0..polls {
            if futures::poll!(&mut reading).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(reading);
        // On the only connection: a transaction that was left open would still be the reader's.
        let isolation: String = sqlx::query_scalar("SHOW transaction_isolation").fetch_one(&app.kernel.database.app).await.unwrap();
        assert_eq!(isolation, "read committed", "given up after {polls} polls");
    }
    app.close().await;
}
