//! The people of the race, the rows that they own and the rights that go to and fro.

use super::flip::{Flip, Turns};
use super::{Call, Caller, Person, Tally, ways};
use crate::app::PASSWORD;
use crate::site::{Site, Tenant};
use serde_json::{Value, json};
use uuid::Uuid;

/// The classes of rows; the mark of a row is its class between the tenant and an end.
pub(super) const MARKS: &[&str] = &["-red-", "-blue-", "-team-", "-handed-", "-vault-"];

/// What everybody needs to read around orders.
const SURROUNDINGS: &[(&str, &str)] =
    &[("crm:party:read", "tenant"), ("inventory:item:read", "tenant"), ("identity:user:read", "tenant"), ("sales:backlog:read", "tenant")];

pub(super) struct Cast {
    pub(super) tenant: Tenant,
    pub(super) admin: Caller,
    /// Orders by class; of the last two there are the same number in both.
    pub(super) red: Vec<Uuid>,
    pub(super) blue: Vec<Uuid>,
    pub(super) vault: Vec<Uuid>,
    team: Vec<Uuid>,
    handed: Vec<Uuid>,
    /// Who owns red orders by turns. The first asks and writes, the others change their department within the reds.
    pub(super) red_owners: Vec<Uuid>,
    pub(super) red_departments: [Uuid; 2],
    pub(super) owner: Person,
    /// People whose rights are never changed.
    pub(super) narrow: Vec<Person>,
    /// A role that everybody has and that is changed all the time.
    pub(super) stirred: Uuid,
    flips: std::sync::Mutex<Vec<Flip>>,
}

/// Makes people and rows through the API, as an administrator.
struct Stage<'a> {
    site: &'a Site,
    tenant: &'a Tenant,
    admin: &'a Caller,
    tally: &'a Tally,
    company: Uuid,
    around: Uuid,
    stirred: Uuid,
    item: Uuid,
}

impl Stage<'_> {
    fn mark(&self, class: &str) -> String {
        format!("zz{}{class}", self.tenant.slug)
    }

    /// All marks of both tenants but those of these classes here.
    fn all_but(&self, classes: &[&str]) -> Vec<String> {
        let all = ["pooled", "schema"].into_iter().flat_map(|slug| MARKS.iter().map(move |class| (slug, *class)));
        all.filter(|(slug, class)| *slug != self.tenant.slug || !classes.contains(class)).map(|(slug, class)| format!("zz{slug}{class}")).collect()
    }

    async fn role(&self, name: &str, grants: &[(&str, &str)]) -> Uuid {
        let role = self.admin.post("identity/roles", json!({ "name": name })).await.id();
        for (permission, scope) in grants {
            self.admin.post(&format!("identity/roles/{role}/grant"), json!({ "permission": permission, "scope": scope })).await.json();
        }
        role
    }

    async fn user(&self, name: &str, place: Value) -> Uuid {
        let mut user = json!({ "name": name, "email": format!("{name}@{}.example", self.tenant.slug), "password": PASSWORD, "company": self.company });
        user.as_object_mut().unwrap().extend(place.as_object().unwrap().clone());
        self.admin.post("identity/users", user).await.id()
    }

    async fn assign(&self, user: Uuid, role: Uuid) {
        self.admin.post(&format!("identity/users/{user}/assign_role"), json!({ "role": role })).await.json();
    }

    /// A user who may read what lies around orders, logged in.
    async fn person(&self, name: &'static str, email: &str, user: Uuid, roles: &[Uuid], ever: &[&str]) -> Person {
        for role in [self.around, self.stirred].iter().chain(roles) {
            self.assign(user, *role).await;
        }
        let caller = Caller::log_in(self.site, self.tenant, &format!("{email}@{}.example", self.tenant.slug), self.tally).await;
        Person { name, caller, never: self.all_but(ever) }
    }

    /// Confirmed orders of a class, with a customer of their own.
    async fn orders(&self, class: &str, count: usize, owner: Uuid, company: Uuid) -> Vec<Uuid> {
        let mark = self.mark(class);
        let customer = self.admin.post("crm/parties", json!({ "name": mark, "is_customer": true, "currency": "EUR", "allow_duplicate": true })).await.id();
        let mut orders = Vec::new();
        for _ in 0..count {
            let line = json!({ "item": self.item, "quantity": { "value": "1", "unit": "pcs" }, "description": mark });
            let order = json!({ "customer": customer, "reference": mark, "owner": owner, "company": company, "lines": [line], "allow_duplicate": true });
            let order = self.admin.post("sales/orders", order).await.id();
            self.admin.post(&format!("sales/orders/{order}/confirm"), json!({})).await.json();
            orders.push(order);
        }
        orders
    }
}

impl Cast {
    pub(super) async fn assemble(site: &Site, tenant: Tenant, tally: &Tally) -> Self {
        let admin = Caller::administrator(site, &tenant, tally).await;
        let price = json!({ "amount": "18.00", "currency": "EUR" });
        let item = admin.post("inventory/items", json!({ "name": "Item", "sales_price": price })).await.id();
        admin.post("inventory/warehouses", json!({ "code": "M", "name": "Main", "company": tenant.created.company })).await.json();
        let company = tenant.created.company;
        let mut stage = Stage { site, tenant: &tenant, admin: &admin, tally, company, around: Uuid::nil(), stirred: Uuid::nil(), item };
        stage.around = stage.role("around", SURROUNDINGS).await;
        stage.stirred = stage.role("stirred", &[]).await;

        let other = admin.post("identity/companies", json!({ "code": "2", "name": "Second", "currency": "EUR" })).await.id();
        // Goods of the other company lie in the other company.
        admin.post("inventory/warehouses", json!({ "code": "V", "name": "Vault", "company": other })).await.json();
        let department = async |name: &str, company: Uuid, parent: Option<Uuid>| {
            let mut body = json!({ "name": name, "company": company });
            if let Some(parent) = parent {
                body["parent"] = json!(parent);
            }
            admin.post("identity/departments", body).await.id()
        };
        let red = department("Red", company, None).await;
        let below = department("Red below", company, Some(red)).await;
        let blue = department("Blue", company, None).await;
        let vault = department("Vault", other, None).await;

        let in_red = json!({ "department": red });
        let (ruth, rita, rosa) = (stage.user("ruth", in_red.clone()).await, stage.user("rita", in_red.clone()).await, stage.user("rosa", in_red.clone()).await);
        let (bert, tess) = (stage.user("bert", json!({ "department": blue })).await, stage.user("tess", json!({})).await);
        let (hans, hilde) = (stage.user("hans", json!({})).await, stage.user("hilde", json!({})).await);
        let vera = stage.user("vera", json!({ "department": vault, "company": other })).await;

        let (own, own_company) = (stage.role("own", &[("sales:order:read", "own"), ("sales:order:start", "own")]).await, [("sales:order:read", "company")]);
        let (of_department, of_company) = (stage.role("department", &[("sales:order:read", "department")]).await, stage.role("company", &own_company).await);
        let owner = stage.person("the owner of red rows", "ruth", ruth, &[own], &["-red-"]).await;
        let dana = stage.user("dana", in_red).await;
        let (carl, nils) = (stage.user("carl", json!({})).await, stage.user("nils", json!({})).await);
        let narrow = vec![
            owner.clone(),
            stage.person("the reader of the red department", "dana", dana, &[of_department], &["-red-"]).await,
            stage.person("the reader of the first company", "carl", carl, &[of_company], &["-red-", "-blue-", "-team-", "-handed-"]).await,
            // The names of customers are open to all, so that only orders are asked for.
            stage.person("no right at all", "nils", nils, &[], &[]).await,
        ];
        let mut cast = Self {
            red: stage.orders("-red-", 4, ruth, company).await,
            blue: stage.orders("-blue-", 2, bert, company).await,
            vault: stage.orders("-vault-", 3, vera, other).await,
            team: stage.orders("-team-", 2, tess, company).await,
            handed: stage.orders("-handed-", 1, hilde, company).await,
            red_owners: vec![ruth, rita, rosa],
            red_departments: [red, below],
            owner,
            narrow,
            stirred: stage.stirred,
            flips: std::sync::Mutex::default(),
            tenant: tenant.clone(),
            admin: admin.clone(),
        };
        let flips = vec![
            cast.of_a_role(&stage).await,
            cast.of_a_user(&stage).await,
            cast.of_a_width(&stage).await,
            cast.of_an_owner(&stage, hans, hilde, own).await,
            cast.of_a_department(&stage, [red, blue], of_department).await,
            cast.of_a_team(&stage, tess).await,
            cast.of_a_write(&stage).await,
        ];
        cast.flips = std::sync::Mutex::new(flips);
        cast
    }

    /// The rights that go to and fro, each to be run once.
    pub(super) fn flips(&self) -> Vec<Flip> {
        std::mem::take(&mut self.flips.lock().unwrap())
    }

    fn flip(&self, stage: &Stage<'_>, name: &'static str, person: Person, calls: [Call; 2], (order, shows): (Uuid, &str)) -> Flip {
        let [give, take] = calls;
        let mark = stage.mark(shows);
        let (tenant, admin) = (self.tenant.slug.clone(), self.admin.clone());
        Flip { name, tenant, admin, person, give, take, ways: ways(order), later: vec![], shows: Some(mark.clone()), hidden: vec![mark], instead: vec![] }
    }

    /// Sees everything, or may not even ask.
    async fn of_a_role(&self, stage: &Stage<'_>) -> Flip {
        let (user, role) = (stage.user("vic", json!({})).await, stage.role("granted", &[]).await);
        let person = stage.person("grants of a role", "vic", user, &[role], MARKS).await;
        let path = format!("identity/roles/{role}");
        let calls = [
            Call::post(&format!("{path}/grant"), json!({ "permission": "sales:order:read", "scope": "tenant" })),
            Call::post(&format!("{path}/revoke"), json!({ "permission": "sales:order:read" })),
        ];
        Flip { hidden: MARKS.iter().map(|class| stage.mark(class)).collect(), ..self.flip(stage, "a grant", person, calls, (self.vault[0], "-vault-")) }
    }

    async fn of_a_user(&self, stage: &Stage<'_>) -> Flip {
        let (user, role) = (stage.user("rolf", json!({})).await, stage.role("assigned", &[("sales:order:read", "tenant")]).await);
        let person = stage.person("roles of a user", "rolf", user, &[], MARKS).await;
        let path = format!("identity/users/{user}");
        let calls = ["assign_role", "withdraw_role"].map(|word| Call::post(&format!("{path}/{word}"), json!({ "role": role })));
        Flip { hidden: MARKS.iter().map(|class| stage.mark(class)).collect(), ..self.flip(stage, "a role", person, calls, (self.vault[1], "-vault-")) }
    }

    /// The whole tenant, or the own rows, of which there are none.
    async fn of_a_width(&self, stage: &Stage<'_>) -> Flip {
        let (user, role) = (stage.user("nina", json!({})).await, stage.role("wide", &[("sales:order:read", "own")]).await);
        let person = stage.person("the width of a grant", "nina", user, &[role], MARKS).await;
        let path = format!("identity/roles/{role}/grant");
        let calls = ["tenant", "own"].map(|scope| Call::post(&path, json!({ "permission": "sales:order:read", "scope": scope })));
        Flip { hidden: MARKS.iter().map(|class| stage.mark(class)).collect(), ..self.flip(stage, "a width", person, calls, (self.vault[2], "-vault-")) }
    }

    async fn of_an_owner(&self, stage: &Stage<'_>, hans: Uuid, hilde: Uuid, own: Uuid) -> Flip {
        let person = stage.person("owners of an order", "hans", hans, &[own], &["-handed-"]).await;
        let path = format!("sales/orders/{}/assign", self.handed[0]);
        let calls = [hans, hilde].map(|owner| Call::post(&path, json!({ "owner": owner })));
        let mut flip = self.flip(stage, "an owner", person, calls, (self.handed[0], "-handed-"));
        // Each hand-over is an entry of the order's history, which answers with the newest ones: the entry that tells of the
        // mark, the first, is not among them for long.
        let tells_of_changes = |call: &Call| call.path.ends_with("/history");
        (flip.later, flip.ways) = flip.ways.into_iter().partition(tells_of_changes);
        flip
    }

    /// The rows of the one department or of the other, never of both. A blue row is asked for, as the red ones move.
    async fn of_a_department(&self, stage: &Stage<'_>, departments: [Uuid; 2], role: Uuid) -> Flip {
        let [red, blue] = departments;
        let user = stage.user("dora", json!({ "department": red })).await;
        let person = stage.person("departments of a user", "dora", user, &[role], &["-red-", "-blue-"]).await;
        let path = format!("identity/users/{user}");
        let calls = [blue, red].map(|department| Call::patch(&path, json!({ "department": department })));
        Flip { instead: vec![stage.mark("-red-")], ..self.flip(stage, "a department", person, calls, (self.blue[0], "-blue-")) }
    }

    async fn of_a_team(&self, stage: &Stage<'_>, tess: Uuid) -> Flip {
        let (user, role) = (stage.user("boss", json!({})).await, stage.role("team", &[("sales:order:read", "team")]).await);
        let person = stage.person("lines of report", "boss", user, &[role], &["-team-"]).await;
        let path = format!("identity/users/{tess}/set_manager");
        let calls = [Call::post(&path, json!({ "manager": user })), Call::post(&path, json!({}))];
        self.flip(stage, "a line of report", person, calls, (self.team[0], "-team-"))
    }

    async fn of_a_write(&self, stage: &Stage<'_>) -> Flip {
        let (user, role) = (stage.user("wanda", json!({})).await, stage.role("writing", &[]).await);
        let person = stage.person("a right to write", "wanda", user, &[role], &[]).await;
        let path = format!("identity/roles/{role}");
        let calls = [
            Call::post(&format!("{path}/grant"), json!({ "permission": "crm:party:create", "scope": "tenant" })),
            Call::post(&format!("{path}/revoke"), json!({ "permission": "crm:party:create" })),
        ];
        let write = Call::post("crm/parties", json!({ "name": "Made", "is_customer": true, "allow_duplicate": true }));
        let flip = self.flip(stage, "a write", person, calls, (self.blue[1], "-blue-"));
        Flip { ways: vec![write], shows: None, hidden: vec![], ..flip }
    }

    pub(super) async fn nobody_wrote_to_the_vault(&self, site: &Site) {
        let sql = "SELECT count(*) FROM sales_order WHERE tenant_id = app.tenant() AND reference LIKE '%-vault-%' AND status = 'confirmed'";
        assert_eq!(site.peek::<i64>(&self.tenant, sql).await, self.vault.len() as i64);
        let sql =
            "SELECT count(*) FROM kernel_audit WHERE tenant_id = app.tenant() AND outcome = 'done' AND command IN ('sales.order.start', 'sales.order.hold')
                      AND entity_id IN (SELECT id FROM sales_order WHERE tenant_id = app.tenant() AND reference LIKE '%-vault-%')";
        assert_eq!(site.peek::<i64>(&self.tenant, sql).await, 0, "a row out of sight was written");
    }

    /// What was refused left nothing, and what was acknowledged is there.
    pub(super) async fn every_party_was_made_under_the_right(&self, site: &Site, turns: &[Turns]) {
        let made: u64 = turns.iter().filter(|turn| turn.tenant == self.tenant.slug && turn.name == "a write").map(|turn| turn.made).sum();
        let stored: i64 = site.peek(&self.tenant, "SELECT count(*) FROM crm_party WHERE tenant_id = app.tenant() AND name = 'Made'").await;
        assert_eq!(stored, made as i64);
    }
}
