//! The people of the race, the rows that they own, and the rights, places and texts that go to and fro.

use super::{Call, Flip, Person, Tally};
use crate::app::PASSWORD;
use crate::site::{Site, Tenant};
use crate::soak::callers::Caller;
use serde_json::{Value, json};
use std::sync::Mutex;
use uuid::Uuid;

/// The classes of rows. The mark of a row, one word, is its class behind its tenant.
pub(super) const MARKS: &[&str] = &["redrow", "bluerow", "handedrow", "vaultrow"];
/// Stands in the text of one row now and then.
const SECRET: &str = "secretword";
const READ: [&str; 2] = ["crm:party:read", "documents:document:read"];

/// A party or a document.
#[derive(Clone, Copy)]
pub(super) struct Row {
    pub(super) class: &'static str,
    resource: &'static str,
    id: Uuid,
}

impl Row {
    /// Below `/api/v1/`.
    pub(super) fn path(self) -> String {
        format!("{}/{}", list(self.resource), self.id)
    }
    /// Another text, with the same mark.
    pub(super) fn text(self, mark: &str, n: u64) -> Value {
        match self.resource {
            "crm.party" => json!({ "note": format!("The storage terms of round {n} of {mark}.") }),
            _ => json!({ "title": format!("Storage terms {mark}, round {n}") }),
        }
    }
}

fn list(resource: &str) -> &'static str {
    if resource == "crm.party" { "crm/parties" } else { "documents/documents" }
}

fn search(resource: &str) -> Call {
    Call::read(&format!("search?q=storage+terms&limit=50&resource={resource}"))
}

/// Every way in which texts come out that no one waits for: the index may not know of a change yet, a page may be full.
fn more() -> Vec<Call> {
    let mut ways = vec![Call::read("search?q=storage+terms+rate&limit=50"), Call::read("search?q=stor&prefix=true&limit=50")];
    ways.push(Call::get("/search?q=storage+terms"));
    let ask = |text: &str| Call::post("assistant/messages", json!({ "text": text }));
    ways.extend(["What do the storage terms say about the rate?", "Which storage rate holds for the amber delivery?"].map(ask));
    ways
}

/// Of somebody whose rights do not change.
pub(super) fn questions() -> Vec<Call> {
    let mut ways = more();
    ways.extend(["crm.party", "documents.document"].into_iter().flat_map(|resource| [search(resource), Call::read(&format!("{}?limit=100", list(resource)))]));
    ways
}

pub(super) struct Cast {
    pub(super) tenant: Tenant,
    pub(super) admin: Caller,
    pub(super) red: Vec<Row>,
    /// Rows whose text changes all the time.
    pub(super) rows: Vec<Row>,
    pub(super) red_owners: Vec<Uuid>,
    pub(super) red_departments: [Uuid; 2],
    /// People whose rights are never changed.
    pub(super) narrow: Vec<Person>,
    pub(super) stirred: Uuid,
    flips: Mutex<Vec<Flip>>,
}

/// Makes people and rows through the API, as an administrator.
struct Stage<'a> {
    site: &'a Site,
    tenant: &'a Tenant,
    admin: &'a Caller,
    tally: &'a Tally,
    stirred: Uuid,
}

fn mark(slug: &str, class: &str) -> String {
    format!("zz{slug}{class}")
}

impl Stage<'_> {
    fn mark(&self, class: &str) -> String {
        mark(&self.tenant.slug, class)
    }

    async fn role(&self, name: &str, permissions: &[&str], scope: &str) -> Uuid {
        let role = self.admin.post("identity/roles", json!({ "name": name })).await.id();
        for permission in permissions {
            self.admin.post(&format!("identity/roles/{role}/grant"), json!({ "permission": permission, "scope": scope })).await.json();
        }
        role
    }

    async fn user(&self, name: &str, company: Uuid, department: Option<Uuid>) -> Uuid {
        let email = format!("{name}@{}.example", self.tenant.slug);
        let mut user = json!({ "name": name, "email": email, "password": PASSWORD, "company": company });
        if let Some(department) = department {
            user["department"] = json!(department);
        }
        self.admin.post("identity/users", user).await.id()
    }

    /// A user with his roles, logged in, who may ever see these classes of this tenant.
    async fn person(&self, name: &'static str, user: (&str, Uuid), roles: &[Uuid], ever: &[&str]) -> Person {
        for role in [self.stirred].iter().chain(roles) {
            self.admin.post(&format!("identity/users/{}/assign_role", user.1), json!({ "role": role })).await.json();
        }
        let caller = Caller::log_in(self.site, self.tenant, &format!("{}@{}.example", user.0, self.tenant.slug), self.tally).await;
        let all = ["pooled", "schema"].into_iter().flat_map(|slug| MARKS.iter().chain([&SECRET]).map(move |class| (slug, *class)));
        // Whoever may read everything reads the changing text as well.
        let ever = |class: &str| ever.contains(&class) || (class == SECRET && ever.contains(&"vaultrow"));
        let never = all.filter(|(slug, class)| *slug != self.tenant.slug || !ever(class)).map(|(slug, class)| mark(slug, class)).collect();
        Person { name, caller, never }
    }

    /// A party and a document of a class.
    async fn rows(&self, class: &'static str, owner: Uuid, department: Option<Uuid>, company: Uuid) -> Vec<Row> {
        let mark = self.mark(class);
        let place = json!({ "owner": owner, "department": department, "company": company });
        let party =
            json!({ "name": format!("Storage terms {mark}"), "note": format!("The storage terms of {mark}."), "is_customer": true, "allow_duplicate": true });
        let body = format!("# Rates\n\nThe storage terms say that the rate of {mark} is 12 per cent.");
        let document = json!({ "title": format!("Storage terms {mark}"), "body": body });
        let mut rows = Vec::new();
        for (resource, mut row) in [("crm.party", party), ("documents.document", document)] {
            row.as_object_mut().unwrap().extend(place.as_object().unwrap().clone());
            rows.push(Row { class, resource, id: self.admin.post(list(resource), row).await.id() });
        }
        rows
    }
}

impl Cast {
    pub(super) fn mark(&self, class: &str) -> String {
        mark(&self.tenant.slug, class)
    }

    /// `masked` counts the answers to who asks for a field that is not always his.
    pub(super) async fn assemble(site: &Site, tenant: Tenant, tally: &Tally, masked: &Tally) -> Self {
        let admin = Caller::administrator(site, &tenant, tally).await;
        let mut stage = Stage { site, tenant: &tenant, admin: &admin, tally, stirred: Uuid::nil() };
        stage.stirred = stage.role("stirred", &[], "own").await;
        let company = tenant.created.company;
        let other = admin.post("identity/companies", json!({ "code": "2", "name": "Second", "currency": "EUR" })).await.id();
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

        let (ruth, rita, rosa) =
            (stage.user("ruth", company, Some(red)).await, stage.user("rita", company, Some(red)).await, stage.user("rosa", company, Some(red)).await);
        let (bert, hilde, hans) =
            (stage.user("bert", company, Some(blue)).await, stage.user("hilde", company, None).await, stage.user("hans", company, None).await);
        let (dana, carl, nils) =
            (stage.user("dana", company, Some(red)).await, stage.user("carl", company, None).await, stage.user("nils", company, None).await);
        let vera = stage.user("vera", other, Some(vault)).await;
        let (own, wide) = (stage.role("own", &READ, "own").await, stage.role("department", &READ, "department").await);
        let of_company = stage.role("company", &READ, "company").await;

        let mut rows = stage.rows("redrow", ruth, Some(red), company).await;
        rows.extend(stage.rows("redrow", rita, Some(below), company).await);
        let red_rows = rows.clone();
        let handed = stage.rows("handedrow", hilde, None, company).await;
        rows.extend(&handed);
        let blue_rows = stage.rows("bluerow", bert, Some(blue), company).await;
        let vault_rows = stage.rows("vaultrow", vera, Some(vault), other).await;
        let narrow = vec![
            stage.person("the owner of red rows", ("ruth", ruth), &[own], &["redrow"]).await,
            stage.person("the reader of the red department", ("dana", dana), &[wide], &["redrow"]).await,
            stage.person("the reader of the first company", ("carl", carl), &[of_company], &["redrow", "bluerow", "handedrow"]).await,
            stage.person("no right at all", ("nils", nils), &[], &[]).await,
        ];
        let flips = vec![
            of_a_grant(&stage, company, vault_rows[1]).await,
            of_a_role(&stage, company, vault_rows[0]).await,
            of_a_width(&stage, company, vault_rows[1]).await,
            of_an_owner(&stage, [hans, hilde], own, handed[1]).await,
            of_a_department(&stage, company, [red, blue], wide, blue_rows[0]).await,
            of_a_text(&stage, company, other).await,
            of_a_field(&Stage { tally: masked, ..stage }, company).await,
        ];
        Self {
            red: red_rows,
            rows,
            red_owners: vec![ruth, rita, rosa],
            red_departments: [red, below],
            narrow,
            stirred: stage.stirred,
            flips: Mutex::new(flips),
            tenant: tenant.clone(),
            admin: admin.clone(),
        }
    }

    /// What goes to and fro, each to be run once.
    pub(super) fn flips(&self) -> Vec<Flip> {
        std::mem::take(&mut self.flips.lock().unwrap())
    }
}

/// Shows `row` in its list, by itself and by a search, as soon as it is given.
fn flip(stage: &Stage<'_>, name: &'static str, person: Person, [give, take]: [Call; 2], row: Row) -> Flip {
    let mark = stage.mark(row.class);
    let ways = vec![Call::read(&format!("{}?limit=100", list(row.resource))), Call::read(&row.path()), search(row.resource)];
    let (tenant, admin) = (stage.tenant.slug.clone(), stage.admin.clone());
    Flip { name, tenant, admin, person, give, take, ways, later: more(), shows: Some(mark.clone()), hidden: vec![mark], instead: vec![] }
}

fn everything(stage: &Stage<'_>) -> Vec<String> {
    MARKS.iter().map(|class| stage.mark(class)).collect()
}

async fn of_a_grant(stage: &Stage<'_>, company: Uuid, row: Row) -> Flip {
    let (user, role) = (stage.user("vic", company, None).await, stage.role("granted", &[], "own").await);
    let person = stage.person("grants of a role", ("vic", user), &[role], MARKS).await;
    let path = format!("identity/roles/{role}");
    let give = Call::post(&format!("{path}/grant"), json!({ "permission": READ[1], "scope": "tenant" }));
    let take = Call::post(&format!("{path}/revoke"), json!({ "permission": READ[1] }));
    Flip { hidden: everything(stage), ..flip(stage, "a grant", person, [give, take], row) }
}

async fn of_a_role(stage: &Stage<'_>, company: Uuid, row: Row) -> Flip {
    let (user, role) = (stage.user("rolf", company, None).await, stage.role("assigned", &READ, "tenant").await);
    let person = stage.person("roles of a user", ("rolf", user), &[], MARKS).await;
    let calls = ["assign_role", "withdraw_role"].map(|word| Call::post(&format!("identity/users/{user}/{word}"), json!({ "role": role })));
    Flip { hidden: everything(stage), ..flip(stage, "a role", person, calls, row) }
}

/// The whole tenant, or the own rows, of which there are none.
async fn of_a_width(stage: &Stage<'_>, company: Uuid, row: Row) -> Flip {
    let (user, role) = (stage.user("nina", company, None).await, stage.role("wide", &READ[1..], "own").await);
    let person = stage.person("the width of a grant", ("nina", user), &[role], MARKS).await;
    let path = format!("identity/roles/{role}/grant");
    let calls = ["tenant", "own"].map(|scope| Call::post(&path, json!({ "permission": READ[1], "scope": scope })));
    Flip { hidden: everything(stage), ..flip(stage, "a width", person, calls, row) }
}

/// The index learns of an owner a moment later, and finds nothing for him until then; the list knows at once.
async fn of_an_owner(stage: &Stage<'_>, owners: [Uuid; 2], role: Uuid, row: Row) -> Flip {
    let person = stage.person("owners of a document", ("hans", owners[0]), &[role], &["handedrow"]).await;
    let calls = owners.map(|owner| Call::patch(&row.path(), json!({ "owner": owner })));
    let mut flip = flip(stage, "an owner", person, calls, row);
    flip.later.extend(flip.ways.pop());
    flip
}

/// The rows of the one department or of the other, never of both.
async fn of_a_department(stage: &Stage<'_>, company: Uuid, [red, blue]: [Uuid; 2], role: Uuid, row: Row) -> Flip {
    let user = stage.user("dora", company, Some(red)).await;
    let person = stage.person("departments of a user", ("dora", user), &[role], &["redrow", "bluerow"]).await;
    let calls = [blue, red].map(|department| Call::patch(&format!("identity/users/{user}"), json!({ "department": department })));
    let mut flip = flip(stage, "a department", person, calls, row);
    // Conversations ask several questions, each of which is a snapshot of its own.
    flip.later.retain(|call| !call.path.contains("assistant"));
    Flip { instead: vec![stage.mark("redrow")], ..flip }
}

/// A word that is written into a text and out of it again: an index that is behind must not quote it.
async fn of_a_text(stage: &Stage<'_>, company: Uuid, other: Uuid) -> Flip {
    let (user, role) = (stage.user("tom", company, None).await, stage.role("reading", &READ[..1], "own").await);
    let party = json!({ "name": "Amber delivery", "is_customer": true, "allow_duplicate": true, "owner": user, "company": other });
    let party = stage.admin.post("crm/parties", party).await.id();
    let person = stage.person("words of a text", ("tom", user), &[role], &[SECRET]).await;
    let secret = stage.mark(SECRET);
    let text = |words: &str| Call::patch(&format!("crm/parties/{party}"), json!({ "note": format!("The storage rate of the amber delivery is {words}.") }));
    let calls = [text(&secret), text("open")];
    let row = Row { class: SECRET, resource: "crm.party", id: party };
    let mut flip = flip(stage, "a text", person, calls, row);
    flip.ways = vec![Call::read(&row.path())];
    flip.later.extend([search("crm.party"), Call::read("search?q=amber+delivery"), Call::read(&format!("search?q={secret}"))]);
    flip
}

/// A field that takes a right of its own, of a row that is read all the time.
async fn of_a_field(stage: &Stage<'_>, company: Uuid) -> Flip {
    const SALARY: &str = "73519.42";
    let (user, role) = (stage.user("sam", company, None).await, stage.role("personnel", &["hr:employee:read"], "tenant").await);
    let person = stage.person("readers of a field", ("sam", user), &[role], &[]).await;
    let hired = json!({ "user": user, "number": "1", "name": "Mara Lindqvist", "position": "Storage terms", "hire_date": "2025-01-01" });
    let path = format!("hr/employees/{}", stage.admin.post("hr/employees", hired).await.id());
    stage.admin.post(&format!("{path}/set_salary"), json!({ "salary": { "amount": SALARY, "currency": "EUR" } })).await.json();
    let right = "hr:employee:salary";
    let give = Call::post(&format!("identity/roles/{role}/grant"), json!({ "permission": right, "scope": "tenant" }));
    let take = Call::post(&format!("identity/roles/{role}/revoke"), json!({ "permission": right }));
    let ways = vec![
        Call::read(&path),
        Call::read("hr/employees?fields=name,salary"),
        Call::read("hr/employees?filter[salary][gte]=1&fields=name,salary"),
        Call::read("hr/employees/aggregate?measure=salary_total"),
    ];
    let mut later = more();
    later.extend([Call::read(&format!("{path}/history")), Call::read("search?q=Mara+Lindqvist"), Call::get(format!("/app/{path}"))]);
    later.push(Call::post("assistant/messages", json!({ "text": "What is the salary of Mara Lindqvist?" })));
    let (tenant, admin) = (stage.tenant.slug.clone(), stage.admin.clone());
    // As the wire has it, and as people read it.
    let hidden = vec![SALARY.to_owned(), "73,519.42".to_owned()];
    Flip { name: "a field", tenant, admin, person, give, take, ways, later, shows: Some(SALARY.to_owned()), hidden, instead: vec![] }
}
