//! Rights do not grow by themselves: whoever gives, places or acts as somebody stays within what he reaches himself, and
//! what proves who somebody is ends when it should.

use crate::app::{Tenant, TestApp, User, id, id_of};
use crate::shop::T;
use serde_json::{Value, json};
use steward_kernel::principal::Scope;
use steward_kernel::{Code, Error};
use steward_migrations::Placement;
use uuid::Uuid;

mod credentials;
mod locks;
mod origin;
mod prepare;

/// Two companies, the first one with departments: `sales` with `field` below it, and `office`.
struct Organisation {
    app: TestApp,
    tenant: Tenant,
    admin: User,
    second: Uuid,
    sales: Uuid,
    field: Uuid,
    office: Uuid,
}

impl Organisation {
    async fn open() -> Self {
        let app = TestApp::start().await;
        let tenant = app.tenant("acme", Placement::Pooled).await;
        let admin = app.admin(&tenant).await;
        let second = id(&app.run(&admin, "identity.company.create", json!({ "code": "2", "name": "Second", "currency": "CHF" })).await);
        let sales = id(&app.run(&admin, "identity.department.create", json!({ "name": "Sales" })).await);
        let field = id(&app.run(&admin, "identity.department.create", json!({ "name": "Field", "parent": sales })).await);
        let office = id(&app.run(&admin, "identity.department.create", json!({ "name": "Office" })).await);
        Self { app, tenant, admin, second, sales, field, office }
    }

    /// A user of the first company who may read what commands refer to, and has these grants.
    async fn user(&self, name: &str, department: Option<Uuid>, grants: &[(&str, Scope)]) -> User {
        let reading = [("identity:user:read", T), ("identity:role:read", T), ("identity:company:read", T), ("identity:department:read", T)];
        let user = self.app.user(&self.tenant, name, &[&reading, grants].concat()).await;
        if let Some(department) = department {
            self.app.poke(&self.tenant, &format!("UPDATE identity_user SET department_id = '{department}' WHERE id = '{}'", user.id)).await;
        }
        user
    }

    /// A user without grants, of the second company.
    async fn stranger(&self) -> User {
        let user = self.app.user(&self.tenant, "Stranger", &[]).await;
        self.app.poke(&self.tenant, &format!("UPDATE identity_user SET company_id = '{}' WHERE id = '{}'", self.second, user.id)).await;
        user
    }

    async fn below(&self, user: &User, manager: &User) {
        self.app.poke(&self.tenant, &format!("UPDATE identity_user SET manager_id = '{}' WHERE id = '{}'", manager.id, user.id)).await;
    }

    /// A role that grants reading parties at this width.
    async fn role(&self, scope: Scope) -> Uuid {
        let role = id(&self.app.run(&self.admin, "identity.role.create", json!({ "name": format!("readers {}", scope.as_str()) })).await);
        self.app.run(&self.admin, "identity.role.grant", json!({ "role": role, "permission": "crm:party:read", "scope": scope })).await;
        role
    }

    async fn refused(&self, user: &User, command: &str, input: Value) -> Option<&'static str> {
        let shown = input.to_string();
        let error: Error = self.app.try_run(user, command, input).await.map(|_| panic!("{command} {shown} was not refused")).unwrap_err();
        assert_eq!(error.code, Code::Forbidden, "{command} {shown}: {error:?}");
        error.reason
    }

    async fn escalates(&self, user: &User, command: &str, input: Value) {
        let shown = input.to_string();
        assert_eq!(self.refused(user, command, input).await, Some("identity.escalation"), "{command} {shown}");
    }

    async fn out_of_scope(&self, user: &User, command: &str, input: Value) {
        let shown = input.to_string();
        assert_eq!(self.refused(user, command, input).await, Some("kernel.out_of_scope"), "{command} {shown}");
    }
}

const ADMINISTERING: &[(&str, Scope)] = &[
    ("identity:user:assign_role", T),
    ("identity:user:withdraw_role", T),
    ("identity:user:set_password", T),
    ("identity:user:deactivate", T),
    ("identity:user:reactivate", T),
    ("identity:user:update", T),
    ("identity:api_key:create", T),
    ("identity:role:grant", T),
];

#[tokio::test]
async fn who_holds_a_right_for_one_company_gives_it_to_nobody_of_another() {
    let house = Organisation::open().await;
    let giver = house.user("Giver", None, &[ADMINISTERING, &[("crm:party:read", Scope::Company)]].concat()).await;
    let colleague = house.app.user(&house.tenant, "Colleague", &[]).await;
    let stranger = house.stranger().await;
    // Of the first company too, but not of it alone.
    let both = house.app.user(&house.tenant, "Both", &[]).await;
    house.app.run(&house.admin, "identity.user.add_company", json!({ "user": both.id, "company": house.second })).await;
    for scope in [Scope::Company, Scope::Team, Scope::Own] {
        let role = house.role(scope).await;
        let assign = |user: &User| json!({ "user": user.id, "role": role });
        house.app.run(&giver, "identity.user.assign_role", assign(&colleague)).await;
        house.escalates(&giver, "identity.user.assign_role", assign(&stranger)).await;
        house.escalates(&giver, "identity.user.assign_role", assign(&both)).await;
        // Nor does he take it from them.
        house.app.run(&house.admin, "identity.user.assign_role", assign(&stranger)).await;
        house.escalates(&giver, "identity.user.withdraw_role", assign(&stranger)).await;
        house.app.run(&house.admin, "identity.user.withdraw_role", assign(&stranger)).await;
    }
    house.app.close().await;
}

#[tokio::test]
async fn a_role_gets_nothing_that_its_holders_would_reach_beyond_the_giver() {
    let house = Organisation::open().await;
    let giver = house.user("Giver", None, &[ADMINISTERING, &[("crm:party:read", Scope::Company)]].concat()).await;
    let colleague = house.app.user(&house.tenant, "Colleague", &[]).await;
    let stranger = house.stranger().await;
    let grant = |role: Uuid| json!({ "role": role, "permission": "crm:party:read", "scope": "company" });
    house.app.run(&giver, "identity.role.grant", grant(colleague.role)).await;
    house.escalates(&giver, "identity.role.grant", grant(stranger.role)).await;
    // Whoever is not active may come back.
    house.app.run(&house.admin, "identity.user.deactivate", json!({ "user": stranger.id })).await;
    house.escalates(&giver, "identity.role.grant", grant(stranger.role)).await;
    house.app.close().await;
}

#[tokio::test]
async fn nobody_acts_on_a_user_who_reaches_more_rows_by_the_same_width() {
    let house = Organisation::open().await;
    let giver = house.user("Giver", None, &[ADMINISTERING, &[("crm:party:read", Scope::Company)]].concat()).await;
    let colleague = house.app.user(&house.tenant, "Colleague", &[("crm:party:read", Scope::Company)]).await;
    let stranger = house.stranger().await;
    house.app.set_grants(&house.tenant, stranger.role, &[("crm:party:read", Scope::Company)]).await;
    let acts = |user: &User| {
        [
            ("identity.user.set_password", json!({ "user": user.id, "password": "another good horse" })),
            ("identity.user.update", json!({ "user": user.id, "email": format!("{}@other.example", user.id.simple()) })),
            ("identity.user.deactivate", json!({ "user": user.id })),
        ]
    };
    house.escalates(&giver, "identity.api_key.create", json!({ "name": "k", "user": stranger.id })).await;
    house.app.run(&giver, "identity.api_key.create", json!({ "name": "k", "user": colleague.id })).await;
    for (command, input) in acts(&stranger) {
        house.escalates(&giver, command, input).await;
    }
    for (command, input) in acts(&colleague) {
        house.app.run(&giver, command, input).await;
    }
    house.app.run(&house.admin, "identity.user.deactivate", json!({ "user": stranger.id })).await;
    house.escalates(&giver, "identity.user.reactivate", json!({ "user": stranger.id })).await;
    house.app.run(&giver, "identity.user.reactivate", json!({ "user": colleague.id })).await;
    house.app.close().await;
}

#[tokio::test]
async fn who_holds_a_right_for_a_department_gives_nothing_beyond_it() {
    let house = Organisation::open().await;
    let giver = house.user("Giver", Some(house.sales), &[ADMINISTERING, &[("crm:party:read", Scope::Department)]].concat()).await;
    let near = house.user("Near", Some(house.field), &[]).await;
    let far = house.user("Far", Some(house.office), &[]).await;
    let nowhere = house.user("Nowhere", None, &[]).await;
    for user in [&near, &far, &nowhere] {
        house.app.set_grants(&house.tenant, user.role, &[]).await;
    }
    let (own, department, company) = (house.role(Scope::Own).await, house.role(Scope::Department).await, house.role(Scope::Company).await);
    let assign = |user: &User, role: Uuid| json!({ "user": user.id, "role": role });
    for role in [own, department] {
        house.app.run(&giver, "identity.user.assign_role", assign(&near, role)).await;
        house.escalates(&giver, "identity.user.assign_role", assign(&far, role)).await;
    }
    // What he owns stands in no department.
    house.escalates(&giver, "identity.user.assign_role", assign(&nowhere, own)).await;
    house.escalates(&giver, "identity.user.assign_role", assign(&near, company)).await;
    house.app.close().await;
}

#[tokio::test]
async fn who_holds_a_right_for_a_team_gives_nothing_beyond_it() {
    let house = Organisation::open().await;
    let giver = house.user("Giver", Some(house.sales), &[ADMINISTERING, &[("crm:party:read", Scope::Team)]].concat()).await;
    let near = house.app.user(&house.tenant, "Near", &[]).await;
    let far = house.app.user(&house.tenant, "Far", &[]).await;
    house.below(&near, &giver).await;
    let (own, team, department) = (house.role(Scope::Own).await, house.role(Scope::Team).await, house.role(Scope::Department).await);
    let assign = |user: &User, role: Uuid| json!({ "user": user.id, "role": role });
    for role in [own, team] {
        house.app.run(&giver, "identity.user.assign_role", assign(&near, role)).await;
        house.escalates(&giver, "identity.user.assign_role", assign(&far, role)).await;
    }
    house.escalates(&giver, "identity.user.assign_role", assign(&near, department)).await;
    // What one holds for oneself one gives to nobody else.
    house.app.set_grants(&house.tenant, giver.role, &[ADMINISTERING, &[("identity:role:read", T), ("crm:party:read", Scope::Own)]].concat()).await;
    house.escalates(&giver, "identity.user.assign_role", assign(&near, own)).await;
    house.app.close().await;
}

#[tokio::test]
async fn a_further_company_is_given_and_taken_by_who_holds_there_what_the_user_would() {
    let house = Organisation::open().await;
    let giving = [("identity:user:add_company", T), ("identity:user:remove_company", Scope::Company)];
    let giver = house.user("Giver", None, &giving).await;
    let user = house.app.user(&house.tenant, "User", &[("crm:party:read", Scope::Company)]).await;
    let input = json!({ "user": user.id, "company": house.second });
    house.escalates(&giver, "identity.user.add_company", input.clone()).await;
    house.app.run(&house.admin, "identity.user.add_company", json!({ "user": giver.id, "company": house.second })).await;
    house.escalates(&giver, "identity.user.add_company", input.clone()).await;
    house.app.set_grants(&house.tenant, user.role, &[("crm:party:read", Scope::Own)]).await;
    house.app.run(&giver, "identity.user.add_company", input.clone()).await;
    house.app.run(&house.admin, "identity.user.remove_company", json!({ "user": giver.id, "company": house.second })).await;
    house.out_of_scope(&giver, "identity.user.remove_company", input).await;
    house.app.close().await;
}

#[tokio::test]
async fn lines_of_report_are_drawn_within_the_area_and_never_towards_oneself() {
    let house = Organisation::open().await;
    let clerk = house.user("Clerk", None, &[("identity:user:set_manager", Scope::Company)]).await;
    let [boss, helper, one, another] = [
        house.app.user(&house.tenant, "Boss", &[]).await,
        house.app.user(&house.tenant, "Helper", &[]).await,
        house.app.user(&house.tenant, "One", &[]).await,
        house.app.user(&house.tenant, "Another", &[]).await,
    ];
    let stranger = house.stranger().await;
    house.below(&clerk, &boss).await;
    house.below(&helper, &clerk).await;
    let line = |user: &User, manager: Option<&User>| json!({ "user": user.id, "manager": manager.map(|manager| manager.id) });
    let set_manager = "identity.user.set_manager";
    house.app.run(&clerk, set_manager, line(&one, Some(&another))).await;
    house.out_of_scope(&clerk, set_manager, line(&one, Some(&stranger))).await;
    for wrong in [
        line(&one, Some(&clerk)),
        line(&one, Some(&helper)),
        line(&another, Some(&clerk)),
        line(&clerk, None),
        line(&clerk, Some(&another)),
        line(&boss, Some(&another)),
        line(&boss, None),
    ] {
        house.escalates(&clerk, set_manager, wrong).await;
    }
    // Those whom he leads already he may place anew among them.
    house.app.poke(&house.tenant, &format!("UPDATE identity_user SET manager_id = '{}' WHERE id = '{}'", clerk.id, one.id)).await;
    house.app.run(&clerk, set_manager, line(&one, Some(&helper))).await;
    house.app.set_grants(&house.tenant, clerk.role, &[("identity:user:read", T), ("identity:user:set_manager", T)]).await;
    house.app.run(&clerk, set_manager, line(&another, Some(&clerk))).await;
    house.app.close().await;
}

#[tokio::test]
async fn departments_move_within_the_area_and_never_below_ones_own() {
    let house = Organisation::open().await;
    let clerk = house.user("Clerk", Some(house.sales), &[("identity:department:update", Scope::Company)]).await;
    let store = id(&house.app.run(&house.admin, "identity.department.create", json!({ "name": "Store" })).await);
    let moved = |department: Uuid, parent: Option<Uuid>| json!({ "department": department, "parent": parent });
    let update = "identity.department.update";
    house.app.run(&clerk, update, moved(store, Some(house.office))).await;
    house.escalates(&clerk, update, moved(store, Some(house.sales))).await;
    house.escalates(&clerk, update, moved(house.office, Some(house.field))).await;
    house.app.run(&clerk, update, json!({ "department": store, "name": "Storage" })).await;

    let reading = [("identity:department:read", T)];
    house.app.set_grants(&house.tenant, clerk.role, &[&reading[..], &[(("identity:department:update"), Scope::Department)]].concat()).await;
    for parent in [None, Some(house.office)] {
        house.out_of_scope(&clerk, update, moved(house.field, parent)).await;
    }
    house.app.set_grants(&house.tenant, clerk.role, &[&reading[..], &[("identity:department:update", T)]].concat()).await;
    house.app.run(&clerk, update, moved(house.office, Some(house.sales))).await;
    house.app.close().await;
}

#[tokio::test]
async fn people_are_put_where_the_one_who_puts_them_may_manage() {
    let house = Organisation::open().await;
    let stranger = house.stranger().await;
    let lead = house.user("Lead", Some(house.sales), &[("identity:user:update", Scope::Team), ("identity:user:create", Scope::Team)]).await;
    let member = house.user("Member", None, &[]).await;
    house.below(&member, &lead).await;
    house.app.run(&lead, "identity.user.update", json!({ "user": member.id, "department": house.sales })).await;
    house.out_of_scope(&lead, "identity.user.update", json!({ "user": member.id, "department": house.office })).await;
    house.escalates(&lead, "identity.user.update", json!({ "user": lead.id, "department": house.office })).await;
    let new = |more: Value| {
        let mut input = json!({ "name": "New", "email": format!("{}@new.example", steward_kernel::ids::fresh().simple()) });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input
    };
    house.app.run(&lead, "identity.user.create", new(json!({ "manager": lead.id, "department": house.sales }))).await;
    house.out_of_scope(&lead, "identity.user.create", new(json!({ "manager": lead.id, "department": house.office }))).await;
    house.out_of_scope(&lead, "identity.user.create", new(json!({ "manager": lead.id, "company": house.second }))).await;

    let clerk = house.user("Clerk", None, &[("identity:user:create", Scope::Company)]).await;
    house.app.run(&clerk, "identity.user.create", new(json!({ "manager": lead.id, "department": house.office }))).await;
    house.out_of_scope(&clerk, "identity.user.create", new(json!({ "manager": stranger.id }))).await;
    house.app.close().await;
}

/// The key in the answer to its creation, as a user of the doors.
fn with_key(user: &User, made: &Value) -> User {
    User { token: made["secret"]["api_key"].as_str().unwrap().to_owned(), ..user.clone() }
}

#[tokio::test]
async fn what_is_for_persons_only_is_refused_to_an_api_key_and_written_down() {
    let house = Organisation::open().await;
    let (app, admin) = (&house.app, &house.admin);
    let key = with_key(admin, &app.post(admin, "identity/api_keys", &json!({ "name": "import" })).await.ok());
    let user = app.user(&house.tenant, "User", &[]).await;
    let path = format!("identity/roles/{}/grant", user.role);
    let grant = json!({ "permission": "crm:party:read", "scope": "tenant" });
    let audited = "SELECT count(*) FROM kernel_audit WHERE tenant_id = app.tenant() AND outcome = 'refused' AND code = 'interactive_session_required'";
    let refused = "interactive_session_required";
    app.post(&key, &path, &grant).await.problem(403, refused);
    assert_eq!(app.peek::<i64>(&house.tenant, audited).await, 1);
    app.post(&key, &format!("{path}?preview=true"), &grant).await.problem(403, refused);
    let rows = json!({ "rows": [{ "role": user.role, "permission": "crm:party:read", "scope": "tenant" }] });
    app.post(&key, "identity/role/grant/batch", &rows).await.problem(404, "unknown_name");
    app.post(&key, "identity/roles/grant/batch", &rows).await.problem(403, refused);
    app.post(&key, &format!("identity/users/{}/set_password", user.id), &json!({ "password": "correct horse battery" })).await.problem(403, refused);
    let granted = app.post(admin, &path, &grant).await.ok();
    let undo = format!("commands/{}/undo", granted["execution"].as_str().unwrap());
    app.post(&key, &undo, &json!({})).await.problem(403, refused);
    assert_eq!(app.get(&user, "me").await.ok()["grants"]["crm:party:read"], "tenant");
    assert_eq!(app.peek::<i64>(&house.tenant, audited).await, 5);
    // What is not for persons only, a key may do; and who lacks the right learns nothing else.
    let party = app.post(&key, "crm/parties", &json!({ "name": "By a program" })).await.ok();
    assert_eq!(app.get(&key, &format!("crm/parties/{}", id_of(&party["id"]))).await.ok()["name"], "By a program");
    app.post(&user, &path, &grant).await.problem(403, "forbidden");
    house.app.close().await;
}
