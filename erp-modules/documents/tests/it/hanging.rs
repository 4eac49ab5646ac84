//! A document that hangs on a record is readable only by who may read both, at every door and in the database itself.

use crate::{Firm, all, id};
use serde_json::{Value, json};
use steward_kernel::bus::Step;
use steward_kernel::query::{AggregateQuery, Filter, ListQuery, Op};
use steward_kernel::{Code, Principal, Scope};
use steward_migrations::Placement;
use uuid::Uuid;

/// Two documents for everybody, one of which hangs on a party of the boss.
struct Hung {
    firm: Firm,
    party: Uuid,
    hanging: Uuid,
    free: Uuid,
}

impl Hung {
    async fn make(placement: Placement) -> Self {
        let firm = Firm::open(placement).await;
        let party = id(&firm.ok("crm.party.create", json!({ "name": "Blue Harbour", "owner": firm.boss.user })).await);
        let hanging = firm.write("Secret terms", json!({ "subject_resource": "crm.party", "subject_id": party })).await;
        let free = firm.write("Free", json!({})).await;
        for document in [hanging, free] {
            firm.ok("documents.document.update", json!({ "document": document, "owner": null })).await;
        }
        firm.ok("documents.document.revise", json!({ "document": hanging, "body": "Secret figures." })).await;
        Self { firm, party, hanging, free }
    }
    async fn user(&self, parties: Option<Scope>) -> Principal {
        let mut grants = all(Scope::Tenant, &[]);
        grants.retain(|(permission, _)| *permission != "crm:party:read");
        grants.extend(parties.map(|scope| ("crm:party:read", scope)));
        self.firm.house.user(&self.firm.created, "Somebody", &grants).await.unwrap()
    }
}

/// Everything that this user is told of documents, at every way of asking; the number of documents that each way counts.
async fn told(hung: &Hung, who: &Principal) -> (String, Vec<i64>) {
    let mut read = hung.firm.house.kernel.read(who).await.unwrap();
    let mut text = String::new();
    let mut counts = Vec::new();
    for resource in ["documents.document", "documents.version"] {
        let fields: Vec<String> = read.fields_of(&read.catalogue().resource(resource).unwrap().clone()).iter().map(|field| field.name.to_string()).collect();
        let page = read.list(&ListQuery { count: true, fields: Some(fields), ..ListQuery::new(resource) }).await.unwrap();
        text.push_str(&json!(page.items).to_string());
        let aggregate = read.aggregate(&AggregateQuery { group: vec![], ..AggregateQuery::new(resource) }).await.unwrap();
        if resource == "documents.document" {
            counts.extend([page.items.len() as i64, page.count.unwrap().value, aggregate[0]["count"].as_i64().unwrap()]);
        }
    }
    let groups = AggregateQuery { group: vec!["document".into()], ..AggregateQuery::new("documents.version") };
    let groups = read.aggregate(&groups).await.unwrap();
    counts.push(groups.len() as i64);
    text.push_str(&json!(groups).to_string());
    for filter in [
        Filter::new("title", Op::Starts, "Secret"),
        Filter::new("subject_id", Op::Eq, hung.party.to_string()),
        Filter::new("subject_resource", Op::Eq, "crm.party"),
        Filter::new("id", Op::Eq, hung.hanging.to_string()),
        Filter::new("archived", Op::Eq, "any"),
    ] {
        text.push_str(&json!(read.list(&ListQuery { filters: vec![filter], ..ListQuery::new("documents.document") }).await.unwrap().items).to_string());
    }
    for path in ["document.title", "document.subject_resource"] {
        let filters = vec![Filter::new(path, Op::Ne, "x")];
        text.push_str(&json!(read.list(&ListQuery { filters, ..ListQuery::new("documents.version") }).await.unwrap().items).to_string());
    }
    counts.push(read.visible("documents.document", &[hung.hanging, hung.free]).await.unwrap().len() as i64);
    // The policies of the database alone.
    for sql in ["SELECT count(*) FROM documents_document", "SELECT count(DISTINCT document_id) FROM documents_version"] {
        counts.push(sqlx::query_scalar(sql).fetch_one(read.db()).await.unwrap());
    }
    (text, counts)
}

#[tokio::test]
async fn who_may_not_read_the_record_is_told_nothing_of_its_document() {
    for placement in [Placement::Pooled, Placement::Schema] {
        let hung = Hung::make(placement).await;
        let (text, counts) = told(&hung, &hung.firm.boss).await;
        assert!(text.contains("Secret figures.") && counts.iter().all(|count| *count == 2), "{counts:?} {text}");
        // Without the right to parties at all, and with the right to his own.
        for parties in [None, Some(Scope::Own), Some(Scope::Team), Some(Scope::Department)] {
            let somebody = hung.user(parties).await;
            let (text, counts) = told(&hung, &somebody).await;
            assert!(counts.iter().all(|count| *count == 1), "{parties:?}: {counts:?}");
            assert!(!["Secret", &hung.hanging.to_string(), &hung.party.to_string()].iter().any(|secret| text.contains(secret)), "{parties:?}: {text}");

            let mut read = hung.firm.house.kernel.read(&somebody).await.unwrap();
            let absent = read.detail("documents.document", Uuid::nil(), None).await.unwrap_err();
            let detail = read.detail("documents.document", hung.hanging, None).await.unwrap_err();
            let history = read.history("documents.document", hung.hanging, 10, None).await.unwrap_err();
            assert_eq!([detail.code, history.code], [Code::NotFound; 2]);
            assert_eq!([&detail.message, &history.message], [&absent.message; 2]);
            assert_eq!(read.detail("documents.document", hung.free, None).await.unwrap()["title"], "Free");
        }
        let (text, counts) = told(&hung, &hung.user(Some(Scope::Tenant)).await).await;
        assert!(text.contains("Secret figures.") && counts.iter().all(|count| *count == 2), "{counts:?}");
    }
}

#[tokio::test]
async fn who_may_not_read_the_record_does_nothing_with_its_document() {
    let hung = Hung::make(Placement::Pooled).await;
    let somebody = hung.user(Some(Scope::Own)).await;
    let own = id(&hung.firm.run(&somebody, "crm.party.create", json!({ "name": "Mine", "owner": somebody.user })).await.unwrap());
    for (command, more) in [
        ("documents.document.update", json!({ "title": "X" })),
        ("documents.document.revise", json!({ "body": "X" })),
        ("documents.document.publish", json!({})),
        ("documents.document.withdraw", json!({})),
        ("documents.document.attach", json!({ "subject_resource": "crm.party", "subject_id": own })),
        ("documents.document.detach", json!({})),
        ("documents.document.archive", json!({})),
        ("documents.document.restore", json!({})),
    ] {
        let mut input = more;
        input["document"] = json!(hung.hanging);
        let error = hung.firm.run(&somebody, command, input.clone()).await.map(drop).unwrap_err();
        assert_eq!((error.code, &*error.message), (Code::NotFound, "documents.document not found"), "{command}");
        let step = Step { command: command.into(), input, name: None, expected_version: None };
        assert_eq!(hung.firm.house.kernel.preview(&somebody, &[step]).await.map(drop).unwrap_err().code, Code::NotFound, "{command}");
    }
}

#[tokio::test]
async fn a_document_hangs_only_on_a_record_that_its_author_may_read() {
    let hung = Hung::make(Placement::Pooled).await;
    let somebody = hung.user(Some(Scope::Own)).await;
    let mut errors = Vec::new();
    for (resource, record) in [
        ("crm.party", json!(hung.party)),
        ("crm.party", json!(Uuid::nil())),
        ("no.such", json!(hung.party)),
        ("documents.document", json!(hung.free)),
        // Lines have their document for that.
        ("crm.address", json!(hung.party)),
    ] {
        let named = json!({ "subject_resource": resource, "subject_id": record });
        let mut attach = named.clone();
        attach["document"] = json!(hung.free);
        let mut create = named;
        create["title"] = json!("Spy");
        create["body"] = json!("x");
        for (command, input) in [("documents.document.attach", attach), ("documents.document.create", create)] {
            let error = hung.firm.run(&somebody, command, input).await.map(drop).unwrap_err();
            errors.push((error.code, error.fields[0].field.clone(), error.fields[0].message.clone()));
        }
    }
    assert!(errors.iter().all(|error| *error == (Code::InvalidInput, "subject_id".to_owned(), "no such record".to_owned())), "{errors:?}");
    for half in [json!({ "subject_resource": "crm.party" }), json!({ "subject_id": hung.party })] {
        let mut input = json!({ "title": "Half", "body": "x" });
        input.as_object_mut().unwrap().extend(half.as_object().cloned().unwrap());
        assert_eq!(hung.firm.refused("documents.document.create", input).await, "invalid_input");
    }
}

#[tokio::test]
async fn attaching_and_detaching_are_each_others_undo_and_take_the_versions_along() {
    let hung = Hung::make(Placement::Pooled).await;
    let firm = &hung.firm;
    let somebody = hung.user(Some(Scope::Own)).await;
    let sees = async || told(&hung, &somebody).await.1;
    let input = json!({ "document": hung.hanging, "subject_resource": "crm.party", "subject_id": hung.party });
    assert_eq!(firm.refused("documents.document.attach", input).await, "documents.attached_already");
    let detached = firm.ok("documents.document.detach", json!({ "document": hung.hanging })).await;
    assert!(sees().await.iter().all(|count| *count == 2));
    assert_eq!(firm.refused("documents.document.detach", json!({ "document": hung.hanging })).await, "documents.not_attached");
    firm.undo(&detached).await;
    assert!(sees().await.iter().all(|count| *count == 1));
    let seen = firm.see(hung.hanging).await;
    assert_eq!((&seen["subject_resource"], &seen["subject_id"]), (&json!("crm.party"), &json!(hung.party)));
    let attached = firm.ok("documents.document.attach", json!({ "document": hung.free, "subject_resource": "crm.party", "subject_id": hung.party })).await;
    assert!(sees().await.iter().all(|count| *count == 0));
    firm.undo(&attached).await;
    assert_eq!(firm.see(hung.free).await["subject_id"], Value::Null);
}

#[tokio::test]
async fn a_record_that_changes_hands_takes_its_document_along_at_once() {
    let hung = Hung::make(Placement::Pooled).await;
    let somebody = hung.user(Some(Scope::Own)).await;
    assert!(told(&hung, &somebody).await.1.iter().all(|count| *count == 1));
    hung.firm.ok("crm.party.update", json!({ "party": hung.party, "owner": somebody.user })).await;
    assert!(told(&hung, &somebody).await.1.iter().all(|count| *count == 2));
}

#[tokio::test]
async fn a_name_that_leads_to_no_table_behind_policies_shows_nothing() {
    let hung = Hung::make(Placement::Pooled).await;
    let mut read = hung.firm.house.kernel.read(&hung.firm.boss).await.unwrap();
    for (name, seen) in [("crm.party", true), ("pg.class", false), ("crm_party; SELECT 1", false), ("no.such", false), ("", false)] {
        let sees: bool = sqlx::query_scalar("SELECT app.sees($1, $2)").bind(name).bind(hung.party).fetch_one(read.db()).await.unwrap();
        assert_eq!(sees, seen, "{name}");
    }
}
