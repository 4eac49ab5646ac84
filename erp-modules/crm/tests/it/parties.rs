//! Parties with their addresses and contacts.

use crate::{Firm, id};
use serde_json::{Value, json};
use steward_kernel::query::{AggregateQuery, Filter, ListQuery, Op};
use steward_kernel::{Code, Scope};

fn alfreds() -> Value {
    json!({
        "code": "ALFKI", "name": "Alfreds Futterkiste", "is_customer": true, "tax_id": "DE 123-456",
        "credit_limit": { "amount": "5000", "currency": "EUR" },
        "addresses": [{ "street": "Obere Str. 57", "city": "Berlin", "postal_code": "12209", "country": "Germany" }, { "kind": "delivery", "city": "Potsdam", "country": "Germany" }],
        "contacts": [{ "name": "Maria Anders", "position": "Sales Representative", "phone": "030-0074321" }]
    })
}

#[tokio::test]
async fn a_party_is_created_with_its_addresses_and_contacts_and_found_by_place() {
    let firm = Firm::open().await;
    let party = id(&firm.ok("crm.party.create", alfreds()).await);
    let seen = firm.see("crm.party", party).await;
    assert_eq!((&seen["city"], &seen["country"], &seen["currency"]), (&json!("Berlin"), &json!("Germany"), &json!("EUR")));
    assert_eq!(seen["credit_limit"], json!({ "amount": "5000.00", "currency": "EUR" }));
    assert_eq!(seen["owner"], Value::Null);

    let mut read = firm.house.kernel.read(&firm.boss).await.unwrap();
    for (filter, found) in [
        (Filter::new("country", Op::Eq, "Germany"), 1),
        (Filter::new("customers", Op::Eq, "true"), 1),
        (Filter::new("suppliers", Op::Eq, "true"), 0),
        (Filter::new("name", Op::Starts, "ALFR"), 1),
        (Filter::new("code", Op::Starts, "alf"), 1),
    ] {
        let page = read.list(&ListQuery { filters: vec![filter.clone()], ..ListQuery::new("crm.party") }).await.unwrap();
        assert_eq!(page.items.len(), found, "{filter:?}");
    }
    let addresses = read.list(&ListQuery { filters: vec![Filter::new("party", Op::Eq, party.to_string())], ..ListQuery::new("crm.address") }).await.unwrap();
    assert_eq!(
        addresses.items.iter().map(|item| (item["city"].as_str().unwrap(), item["main"].as_bool().unwrap())).collect::<Vec<_>>(),
        [("Berlin", true), ("Potsdam", false)]
    );
    let sum = AggregateQuery { measures: vec!["credit_limit_total".into()], ..AggregateQuery::new("crm.party") };
    assert_eq!(read.aggregate(&sum).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_likely_duplicate_is_refused_unless_it_is_meant() {
    let firm = Firm::open().await;
    firm.ok("crm.party.create", alfreds()).await;
    assert_eq!(firm.refused("crm.party.create", json!({ "name": "Other", "code": "ALFKI" })).await, "crm.code_taken");
    assert_eq!(firm.refused("crm.party.create", json!({ "name": "Other", "tax_id": "de123456" })).await, "crm.same_tax_id");
    assert_eq!(firm.refused("crm.party.create", json!({ "name": "alfreds FUTTERKISTE" })).await, "crm.same_name");
    firm.ok("crm.party.create", json!({ "name": "Alfreds Futterkiste", "addresses": [{ "city": "Wien" }] })).await;
    firm.ok("crm.party.create", json!({ "name": "Alfreds Futterkiste", "allow_duplicate": true })).await;
    assert_eq!(firm.refused("crm.party.create", json!({ "name": "X", "email": "nobody" })).await, "invalid_input");
}

#[tokio::test]
async fn a_change_is_undone_while_nobody_changed_the_party_since() {
    let firm = Firm::open().await;
    let party = id(&firm.ok("crm.party.create", alfreds()).await);
    let input = json!({ "party": party, "phone": "030-1", "payment_term_days": 30, "credit_limit": null, "code": "" });
    let changed = firm.ok("crm.party.update", input).await;
    let seen = firm.see("crm.party", party).await;
    assert_eq!((&seen["phone"], &seen["payment_term_days"], &seen["credit_limit"], &seen["code"]), (&json!("030-1"), &json!(30), &Value::Null, &Value::Null));
    firm.undo(&changed).await;
    let seen = firm.see("crm.party", party).await;
    assert_eq!((&seen["phone"], &seen["payment_term_days"], &seen["code"]), (&Value::Null, &Value::Null, &json!("ALFKI")));
    assert_eq!(seen["credit_limit"]["amount"], "5000.00");

    let changed = firm.ok("crm.party.update", json!({ "party": party, "note": "a" })).await;
    firm.ok("crm.party.update", json!({ "party": party, "note": "b" })).await;
    let error = firm.house.kernel.undo(&firm.boss, changed.execution).await.map(drop).unwrap_err();
    assert_eq!((error.code, error.reason), (Code::Conflict, Some("kernel.changed_since")));
}

#[tokio::test]
async fn city_and_country_follow_the_main_address() {
    let firm = Firm::open().await;
    let party = id(&firm.ok("crm.party.create", json!({ "name": "Nomad" })).await);
    let city = async || firm.see("crm.party", party).await["city"].clone();
    assert_eq!(city().await, Value::Null);
    let first = id(&firm.ok("crm.address.create", json!({ "party": party, "city": "Hamburg", "country": "Germany" })).await);
    let second = id(&firm.ok("crm.address.create", json!({ "party": party, "city": "Bremen" })).await);
    assert_eq!(city().await, "Hamburg");
    let made = firm.ok("crm.address.make_main", json!({ "address": second })).await;
    assert_eq!(city().await, "Bremen");
    firm.undo(&made).await;
    assert_eq!(city().await, "Hamburg");
    firm.ok("crm.address.update", json!({ "address": first, "city": "Altona" })).await;
    assert_eq!(city().await, "Altona");
    let archived = firm.ok("crm.address.archive", json!({ "address": first })).await;
    assert_eq!(city().await, "Bremen");
    firm.undo(&archived).await;
    assert_eq!(city().await, "Altona");
}

#[tokio::test]
async fn contacts_are_added_changed_and_archived() {
    let firm = Firm::open().await;
    let party = id(&firm.ok("crm.party.create", json!({ "name": "Nomad" })).await);
    let contact = id(&firm.ok("crm.contact.create", json!({ "party": party, "name": "Ann" })).await);
    let changed = firm.ok("crm.contact.update", json!({ "contact": contact, "name": "Anna", "email": "anna@x.example" })).await;
    assert_eq!(firm.see("crm.contact", contact).await["name"], "Anna");
    firm.undo(&changed).await;
    assert_eq!(firm.see("crm.contact", contact).await["name"], "Ann");
    let archived = firm.ok("crm.contact.archive", json!({ "contact": contact })).await;
    assert_eq!(firm.refused("crm.contact.archive", json!({ "contact": contact })).await, "crm.archived");
    firm.undo(&archived).await;
}

#[tokio::test]
async fn who_holds_a_right_at_own_works_on_his_own_parties() {
    let firm = Firm::open().await;
    let rights = [("identity:user:read", Scope::Tenant), ("crm:party:read", Scope::Tenant), ("crm:party:create", Scope::Own), ("crm:party:update", Scope::Own)];
    let rep = firm.house.user(&firm.created, "Rep", &rights).await.unwrap();
    let mine = id(&firm.run(&rep, "crm.party.create", json!({ "name": "Mine" })).await.unwrap());
    assert_eq!(firm.see("crm.party", mine).await["owner"]["id"], json!(rep.user));
    let theirs = id(&firm.ok("crm.party.create", json!({ "name": "Theirs" })).await);
    firm.run(&rep, "crm.party.update", json!({ "party": mine, "phone": "1" })).await.unwrap();
    for (command, input, code) in [
        ("crm.party.update", json!({ "party": theirs, "phone": "1" }), Code::NotFound),
        ("crm.address.create", json!({ "party": theirs, "city": "X" }), Code::NotFound),
        ("crm.contact.create", json!({ "party": theirs, "name": "X" }), Code::NotFound),
        ("crm.party.update", json!({ "party": mine, "credit_limit": { "amount": "1", "currency": "EUR" } }), Code::Forbidden),
        ("crm.party.archive", json!({ "party": mine }), Code::Forbidden),
    ] {
        assert_eq!(firm.run(&rep, command, input).await.map(drop).unwrap_err().code, code, "{command}");
    }
    let mut read = firm.house.kernel.read(&rep).await.unwrap();
    assert!(read.detail("crm.party", mine, None).await.unwrap().get("credit_limit").is_none());
    // Handing the party over takes its children along.
    firm.run(&rep, "crm.address.create", json!({ "party": mine, "city": "Kiel" })).await.unwrap();
    firm.run(&rep, "crm.party.update", json!({ "party": mine, "owner": firm.boss.user })).await.unwrap();
    assert_eq!(firm.run(&rep, "crm.party.update", json!({ "party": mine, "phone": "2" })).await.map(drop).unwrap_err().code, Code::NotFound);
}

#[tokio::test]
async fn another_tenants_party_reads_like_absent() {
    let firm = Firm::open().await;
    let other = firm.house.tenant("other", steward_migrations::Placement::Pooled).await.unwrap();
    let stranger = firm.house.user(&other, "Stranger", crate::ALL).await.unwrap();
    let party = id(&firm.ok("crm.party.create", alfreds()).await);
    for command in ["crm.party.update", "crm.party.archive", "crm.party.restore"] {
        assert_eq!(firm.run(&stranger, command, json!({ "party": party })).await.map(drop).unwrap_err().code, Code::NotFound, "{command}");
    }
    let mut read = firm.house.kernel.read(&stranger).await.unwrap();
    assert_eq!(read.detail("crm.party", party, None).await.unwrap_err().code, Code::NotFound);
}

#[tokio::test]
async fn an_archived_party_leaves_the_lists_and_comes_back() {
    let firm = Firm::open().await;
    let party = id(&firm.ok("crm.party.create", alfreds()).await);
    let archived = firm.ok("crm.party.archive", json!({ "party": party })).await;
    assert_eq!(firm.refused("crm.party.archive", json!({ "party": party })).await, "crm.archived");
    let mut read = firm.house.kernel.read(&firm.boss).await.unwrap();
    assert!(read.list(&ListQuery::new("crm.party")).await.unwrap().items.is_empty());
    read.finish().await.unwrap();
    firm.undo(&archived).await;
    assert_eq!(firm.refused("crm.party.restore", json!({ "party": party })).await, "crm.not_archived");
}
