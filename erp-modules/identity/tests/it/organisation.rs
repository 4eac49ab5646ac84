//! Companies, departments, users and lines of report.

use crate::{T, house, id, run};
use serde_json::json;
use steward_kernel::error::Code;
use steward_kernel::principal::Scope;
use steward_kernel::query::ListQuery;
use steward_migrations::Placement;

#[tokio::test]
async fn a_user_is_created_changed_and_put_back() {
    let house = house().await;
    let tenant = house.tenant("demo", Placement::Schema).await.unwrap();
    let admin = house.log_in(tenant.tenant, tenant.administrator).await.unwrap();
    let department = id(&run(&house, &admin, "identity.department.create", json!({ "name": "Sales" })).await.unwrap());
    let input = json!({ "number": "7", "name": "Nancy", "email": "Nancy@Demo.Example", "department": department, "manager": tenant.administrator });
    let user = id(&run(&house, &admin, "identity.user.create", input.clone()).await.unwrap());
    assert_eq!(run(&house, &admin, "identity.user.create", input).await.unwrap_err().reason, Some("identity.email_taken"));
    let error = run(&house, &admin, "identity.user.create", json!({ "name": "N", "email": "n@x", "number": "7" })).await.unwrap_err();
    assert_eq!(error.reason, Some("identity.number_taken"));
    assert_eq!(run(&house, &admin, "identity.user.create", json!({ "name": "N", "email": "n at x" })).await.unwrap_err().code, Code::InvalidInput);
    let error = run(&house, &admin, "identity.user.create", json!({ "name": "N", "email": "n@y", "password": "short" })).await.unwrap_err();
    assert_eq!(error.code, Code::InvalidInput);

    let changed = run(&house, &admin, "identity.user.update", json!({ "user": user, "name": "Nancy D.", "department": null })).await.unwrap();
    let mut read = house.kernel.read(&admin).await.unwrap();
    let shown = read.detail("identity.user", user, None).await.unwrap();
    assert_eq!((&shown["name"], &shown["email"], &shown["department"]), (&json!("Nancy D."), &json!("nancy@demo.example"), &json!(null)));
    read.finish().await.unwrap();
    house.kernel.undo(&admin, changed.execution).await.unwrap();
    let mut read = house.kernel.read(&admin).await.unwrap();
    let shown = read.detail("identity.user", user, None).await.unwrap();
    assert_eq!((&shown["name"], &shown["department"]["title"], &shown["manager"]["title"]), (&json!("Nancy"), &json!("Sales"), &json!("Administrator")));
}

#[tokio::test]
async fn the_width_team_follows_the_lines_of_report() {
    let house = house().await;
    let tenant = house.tenant("demo", Placement::Pooled).await.unwrap();
    let admin = house.log_in(tenant.tenant, tenant.administrator).await.unwrap();
    let chief = house.user(&tenant, "Chief", &[("identity:user:read", Scope::Team)]).await.unwrap();
    let lead = house.user(&tenant, "Lead", &[("identity:user:read", Scope::Team)]).await.unwrap();
    let clerk = house.user(&tenant, "Clerk", &[("identity:user:read", Scope::Own)]).await.unwrap();
    let line = |user: uuid::Uuid, manager: uuid::Uuid| json!({ "user": user, "manager": manager });
    run(&house, &admin, "identity.user.set_manager", line(lead.user, chief.user)).await.unwrap();
    run(&house, &admin, "identity.user.set_manager", line(clerk.user, lead.user)).await.unwrap();
    for (user, manager) in [(chief.user, clerk.user), (chief.user, chief.user)] {
        let error = run(&house, &admin, "identity.user.set_manager", line(user, manager)).await.unwrap_err();
        assert_eq!(error.reason, Some("identity.reporting_cycle"));
    }
    for (principal, expected) in [(&chief, 3), (&lead, 2), (&clerk, 1), (&admin, 4)] {
        let mut read = house.kernel.read(principal).await.unwrap();
        assert_eq!(read.list(&ListQuery::new("identity.user")).await.unwrap().items.len(), expected);
    }
}

#[tokio::test]
async fn departments_form_a_tree_within_a_company() {
    let house = house().await;
    let tenant = house.tenant("demo", Placement::Pooled).await.unwrap();
    let admin = house.log_in(tenant.tenant, tenant.administrator).await.unwrap();
    let other = id(&run(&house, &admin, "identity.company.create", json!({ "code": "2", "name": "Other", "currency": "usd" })).await.unwrap());
    assert_eq!(
        run(&house, &admin, "identity.company.create", json!({ "code": "2", "name": "Other", "currency": "USD" })).await.unwrap_err().code,
        Code::Duplicate
    );
    assert_eq!(
        run(&house, &admin, "identity.company.create", json!({ "code": "3", "name": "O", "currency": "12" })).await.unwrap_err().code,
        Code::InvalidInput
    );
    let top = id(&run(&house, &admin, "identity.department.create", json!({ "name": "Top" })).await.unwrap());
    let below = id(&run(&house, &admin, "identity.department.create", json!({ "name": "Below", "parent": top })).await.unwrap());
    let error = run(&house, &admin, "identity.department.update", json!({ "department": top, "parent": below })).await.unwrap_err();
    assert_eq!(error.reason, Some("identity.department_cycle"));
    let error = run(&house, &admin, "identity.department.create", json!({ "name": "X", "company": other, "parent": top })).await.unwrap_err();
    assert_eq!(error.code, Code::InvalidInput);
    run(&house, &admin, "identity.user.add_company", json!({ "user": tenant.administrator, "company": other })).await.unwrap();
    let read = house.kernel.read(&admin).await.unwrap();
    assert_eq!(read.rights().companies, [tenant.company, other]);
}

#[tokio::test]
async fn another_tenant_sees_and_changes_nothing() {
    let house = house().await;
    let one = house.tenant("one", Placement::Pooled).await.unwrap();
    for (slug, placement) in [("two", Placement::Pooled), ("three", Placement::Schema)] {
        let other = house.tenant(slug, placement).await.unwrap();
        let admin = house.log_in(other.tenant, other.administrator).await.unwrap();
        let mut read = house.kernel.read(&admin).await.unwrap();
        assert_eq!(read.detail("identity.user", one.administrator, None).await.unwrap_err().code, Code::NotFound);
        assert_eq!(read.list(&ListQuery::new("identity.user")).await.unwrap().items.len(), 1);
        read.finish().await.unwrap();
        assert_eq!(run(&house, &admin, "identity.user.update", json!({ "user": one.administrator, "name": "x" })).await.unwrap_err().code, Code::NotFound);
    }
}

#[tokio::test]
async fn who_may_change_himself_may_not_change_others() {
    let house = house().await;
    let tenant = house.tenant("demo", Placement::Pooled).await.unwrap();
    let user = house
        .user(&tenant, "Bob", &[("identity:user:set_password", Scope::Own), ("identity:user:read", T), ("identity:user:create", Scope::Own)])
        .await
        .unwrap();
    run(&house, &user, "identity.user.set_password", json!({ "user": user.user, "password": "long enough" })).await.unwrap();
    let error = run(&house, &user, "identity.user.set_password", json!({ "user": tenant.administrator, "password": "long enough" })).await.unwrap_err();
    assert_eq!(error.code, Code::NotFound);
    let error = run(&house, &user, "identity.user.create", json!({ "name": "x", "email": "x@y" })).await.unwrap_err();
    assert_eq!(error.code, Code::Forbidden);
}
