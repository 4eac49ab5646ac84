//! Platform: settings, own fields, the audit. Its tests stand here, beside the users that they need.

use crate::{T, house, id, run};
use serde_json::json;
use steward_kernel::error::Code;
use steward_kernel::query::ListQuery;
use steward_migrations::{Contents, NewTenant, Placement, create_tenant, migrate_all, pending_all};

#[tokio::test]
async fn settings_change_for_the_next_request_and_can_be_put_back() {
    let house = house().await;
    let tenant = house.tenant("demo", Placement::Schema).await.unwrap();
    let admin = house.log_in(tenant.tenant, tenant.administrator).await.unwrap();
    let input = json!({ "settings": tenant.tenant, "time_zone": "Europe/Berlin", "language": "de", "fiscal_year_month": 4 });
    let changed = run(&house, &admin, "platform.settings.update", input).await.unwrap();
    let mut read = house.kernel.read(&admin).await.unwrap();
    assert_eq!((read.rights().time_zone.as_str(), read.rights().language.as_str(), read.rights().fiscal_year_month), ("Europe/Berlin", "de", 4));
    let page = read.list(&ListQuery::new("platform.settings")).await.unwrap();
    assert_eq!(page.items[0]["time_zone"], "Europe/Berlin");
    read.finish().await.unwrap();
    house.kernel.undo(&admin, changed.execution).await.unwrap();
    assert_eq!(house.kernel.read(&admin).await.unwrap().rights().time_zone, "UTC");
    for wrong in [json!({ "settings": tenant.tenant, "time_zone": "Mars/Olympus" }), json!({ "settings": tenant.tenant, "fiscal_year_month": 13 })] {
        assert_eq!(run(&house, &admin, "platform.settings.update", wrong).await.unwrap_err().code, Code::InvalidInput);
    }
}

#[tokio::test]
async fn a_field_is_refused_where_the_resource_takes_none() {
    let house = house().await;
    let tenant = house.tenant("demo", Placement::Pooled).await.unwrap();
    let admin = house.log_in(tenant.tenant, tenant.administrator).await.unwrap();
    for resource in ["identity.user", "no.such"] {
        let input = json!({ "resource": resource, "name": "color", "kind": "text", "label": "Color" });
        assert_eq!(run(&house, &admin, "platform.custom_field.create", input).await.unwrap_err().code, Code::InvalidInput);
    }
}

#[tokio::test]
async fn the_audit_shows_what_was_done_and_what_was_refused() {
    let house = house().await;
    let tenant = house.tenant("demo", Placement::Pooled).await.unwrap();
    let admin = house.log_in(tenant.tenant, tenant.administrator).await.unwrap();
    let user = house.user(&tenant, "Bob", &[("identity:user:read", T)]).await.unwrap();
    let department = id(&run(&house, &admin, "identity.department.create", json!({ "name": "Sales" })).await.unwrap());
    run(&house, &user, "identity.department.create", json!({ "name": "Mine" })).await.unwrap_err();
    let mut read = house.kernel.read(&admin).await.unwrap();
    let (_, table) = read.report("platform.audit", json!({ "outcome": "done" })).await.unwrap();
    assert_eq!(table.rows.len(), 1);
    assert_eq!((&table.rows[0][1]["title"], &table.rows[0][6]), (&json!("Administrator"), &json!(department)));
    let today = read.today();
    let (_, table) =
        read.report("platform.audit", json!({ "user": user.user, "from": today, "to": today, "command": "identity.department.create" })).await.unwrap();
    assert_eq!(table.rows.len(), 1);
    assert_eq!((&table.rows[0][1]["title"], &table.rows[0][3], &table.rows[0][4]), (&json!("Bob"), &json!("refused"), &json!("forbidden")));
    let (_, table) = read.report("platform.deliveries", json!({})).await.unwrap();
    assert!(table.rows.is_empty());
    read.finish().await.unwrap();
    assert_eq!(house.kernel.read(&user).await.unwrap().report("platform.audit", json!({})).await.unwrap_err().code, Code::Forbidden);
}

#[tokio::test]
async fn a_dead_delivery_is_given_new_attempts() {
    let house = house().await;
    let tenant = house.tenant("demo", Placement::Pooled).await.unwrap();
    let admin = house.log_in(tenant.tenant, tenant.administrator).await.unwrap();
    sqlx::query("INSERT INTO kernel.delivery_failure (consumer, xid, ordinal, tenant_id, name, event, code, attempts, next_attempt_at, dead_at) VALUES ('a.on_b', '77', 3, $1, 'b.c', '{}', 'internal', 9, now(), now())")
        .bind(tenant.tenant)
        .execute(house.owner.pool())
        .await
        .unwrap();
    let mut read = house.kernel.read(&admin).await.unwrap();
    let (_, table) = read.report("platform.deliveries", json!({ "dead": true })).await.unwrap();
    let delivery = table.rows[0][0].clone();
    assert_eq!(delivery, "a.on_b/77/3");
    read.finish().await.unwrap();
    run(&house, &admin, "platform.delivery.retry", json!({ "delivery": delivery })).await.unwrap();
    let mut read = house.kernel.read(&admin).await.unwrap();
    assert!(read.report("platform.deliveries", json!({ "dead": true })).await.unwrap().1.rows.is_empty());
    read.finish().await.unwrap();
    assert_eq!(run(&house, &admin, "platform.delivery.retry", json!({ "delivery": "a/1/2" })).await.unwrap_err().code, Code::NotFound);
}

#[tokio::test]
async fn a_new_module_reaches_old_tenants() {
    // The tenant is made without platform; the next migration brings its tables and the administrator's permissions.
    let house = house().await;
    let less = Contents::of(&[steward_identity::module()]);
    let tenant = create_tenant(&house.owner, &less, NewTenant { placement: Placement::Schema, ..NewTenant::new("old-one", "Old") }).await.unwrap();
    let admin = house.log_in(tenant.tenant, tenant.administrator).await.unwrap();
    assert!(!house.kernel.read(&admin).await.unwrap().rights().may("platform:settings:read"));
    assert!(!pending_all(&house.owner, &house.contents).await.unwrap().is_empty());
    migrate_all(&house.owner, &house.contents).await.unwrap();
    assert_eq!(pending_all(&house.owner, &house.contents).await.unwrap(), Vec::<String>::new());
    assert!(house.kernel.read(&admin).await.unwrap().rights().may("platform:settings:read"));
}

#[tokio::test]
async fn two_tenants_cannot_have_one_name() {
    let house = house().await;
    house.tenant("demo", Placement::Pooled).await.unwrap();
    for placement in [Placement::Pooled, Placement::Schema] {
        assert_eq!(house.tenant("demo", placement).await.unwrap_err().code, Code::Duplicate);
    }
    assert_eq!(house.tenant("Demo; DROP", Placement::Schema).await.unwrap_err().code, Code::InvalidInput);
}
