//! Writing, revising, publishing, placing.

use crate::{Firm, all, id};
use serde_json::{Value, json};
use steward_kernel::query::{Filter, ListQuery, Op};
use steward_kernel::{Code, Principal, Scope};
use steward_migrations::Placement;
use uuid::Uuid;

async fn listed(firm: &Firm, who: &Principal, query: ListQuery) -> Vec<Uuid> {
    let mut read = firm.house.kernel.read(who).await.unwrap();
    let page = read.list(&query).await.unwrap();
    page.items.iter().map(|item| item["id"].as_str().unwrap().parse().unwrap()).collect()
}

#[tokio::test]
async fn a_document_is_a_draft_with_its_first_version_and_its_authors_own() {
    let firm = Firm::open(Placement::Pooled).await;
    let written = firm.ok("documents.document.create", json!({ "title": "Parking", "body": "# Parking\r\n\r\n<b>In the yard.</b>" })).await;
    let seen = firm.see(id(&written)).await;
    assert_eq!((&seen["status"], &seen["kind"], &seen["number"], &seen["language"]), (&json!("draft"), &json!("note"), &json!(1), &json!("en")));
    assert_eq!(seen["body"], "# Parking\r\n\r\n<b>In the yard.</b>");
    assert_eq!(seen["owner"]["id"], json!(firm.boss.user));
    assert_eq!((&seen["versions"][0]["number"], &seen["versions"][0]["author"]["id"]), (&json!(1), &json!(firm.boss.user)));
    // A text of this length is read with the version itself.
    assert_eq!(seen["versions"][0].get("body"), None);
    firm.undo(&written).await;
    assert!(listed(&firm, &firm.boss, ListQuery::new("documents.document")).await.is_empty());
}

#[tokio::test]
async fn a_likely_duplicate_and_a_text_that_is_too_long_are_refused() {
    let firm = Firm::open(Placement::Pooled).await;
    firm.write("Parking", json!({})).await;
    let again = |title: &str, body: String| json!({ "title": title, "body": body });
    assert_eq!(firm.refused("documents.document.create", again("PARKING", "x".into())).await, "documents.same_title");
    firm.ok("documents.document.create", json!({ "title": "Parking", "body": "x", "allow_duplicate": true })).await;
    firm.ok("documents.document.create", json!({ "title": "Parking", "body": "x", "language": "de" })).await;
    firm.ok("documents.document.create", again("Long", "ü".repeat(200_000))).await;
    let error = firm.run(&firm.boss, "documents.document.create", again("Longer", "ü".repeat(200_001))).await.map(drop).unwrap_err();
    assert_eq!(error.code, Code::InvalidInput);
    assert_eq!((error.fields[0].field.as_str(), error.fields[0].message.as_str()), ("body", "at most 200000 characters are possible"));
}

#[tokio::test]
async fn a_revision_adds_a_version_and_so_does_its_undo() {
    let firm = Firm::open(Placement::Pooled).await;
    let document = firm.write("Parking", json!({})).await;
    let revised = firm.ok("documents.document.revise", json!({ "document": document, "body": "In front.", "note": "Moved" })).await;
    assert_eq!(firm.refused("documents.document.revise", json!({ "document": document, "body": "In front." })).await, "documents.same_body");
    let seen = firm.see(document).await;
    assert_eq!((&seen["number"], &seen["body"]), (&json!(2), &json!("In front.")));
    firm.undo(&revised).await;
    let seen = firm.see(document).await;
    assert_eq!((&seen["number"], &seen["body"]), (&json!(3), &json!("# Parking\n\nAs it is.")));

    let mut read = firm.house.kernel.read(&firm.boss).await.unwrap();
    let fields = Some(["number", "note", "body"].map(String::from).to_vec());
    let versions = read.list(&ListQuery { fields, ..ListQuery::new("documents.version") }).await.unwrap().items;
    let texts: Vec<(&Value, &Value)> = versions.iter().map(|version| (&version["number"], &version["body"])).collect();
    let first = json!("# Parking\n\nAs it is.");
    assert_eq!(texts, [(&json!(3), &first), (&json!(2), &json!("In front.")), (&json!(1), &first)]);
    let history = read.history("documents.document", document, 100, None).await.unwrap().items;
    assert!(history.iter().any(|entry| entry.changes.iter().any(|change| change.field == "body" && change.new == "In front.")));
}

#[tokio::test]
async fn what_was_written_once_cannot_be_changed_in_the_database() {
    let firm = Firm::open(Placement::Pooled).await;
    firm.write("Parking", json!({})).await;
    for sql in ["UPDATE documents_version SET body = 'x'", "DELETE FROM documents_version"] {
        let mut work = firm.house.kernel.record(&firm.boss, "test").await.unwrap();
        let error = sqlx::query(sql).execute(work.db()).await.unwrap_err();
        assert!(error.to_string().contains("permission denied"), "{error}");
    }
}

#[tokio::test]
async fn a_document_is_published_withdrawn_archived_and_restored() {
    let firm = Firm::open(Placement::Pooled).await;
    let document = firm.write("Parking", json!({})).await;
    let only = json!({ "document": document });
    assert_eq!(firm.refused("documents.document.withdraw", only.clone()).await, "documents.not_published");
    let published = firm.ok("documents.document.publish", only.clone()).await;
    assert_eq!(firm.see(document).await["status"], "published");
    assert_eq!(firm.refused("documents.document.publish", only.clone()).await, "documents.published");
    firm.undo(&published).await;
    let seen = firm.see(document).await;
    assert_eq!((&seen["status"], &seen["published_at"]), (&json!("draft"), &Value::Null));
    assert_eq!(firm.refused("documents.document.restore", only.clone()).await, "documents.not_archived");
    let archived = firm.ok("documents.document.archive", only.clone()).await;
    for (command, input) in [
        ("documents.document.archive", only.clone()),
        ("documents.document.publish", only.clone()),
        ("documents.document.revise", json!({ "document": document, "body": "x" })),
    ] {
        assert_eq!(firm.refused(command, input).await, "documents.archived", "{command}");
    }
    firm.undo(&archived).await;
    assert_eq!(listed(&firm, &firm.boss, ListQuery::new("documents.document")).await, [document]);
}

#[tokio::test]
async fn a_change_of_what_is_known_is_undone_and_moves_the_versions_along() {
    let firm = Firm::open(Placement::Pooled).await;
    let document = firm.write("Parking", json!({})).await;
    let input = json!({ "document": document, "title": "Yard", "kind": "policy", "owner": null, "company": firm.created.company });
    let changed = firm.ok("documents.document.update", input).await;
    let seen = firm.see(document).await;
    assert_eq!((&seen["title"], &seen["kind"], &seen["owner"], &seen["number"]), (&json!("Yard"), &json!("policy"), &Value::Null, &json!(1)));
    let reader = firm.house.user(&firm.created, "Reader", &[("documents:document:read", Scope::Company)]).await.unwrap();
    assert_eq!(listed(&firm, &reader, ListQuery::new("documents.version")).await.len(), 1);
    firm.undo(&changed).await;
    assert_eq!(firm.see(document).await["owner"]["id"], json!(firm.boss.user));
    assert!(listed(&firm, &reader, ListQuery::new("documents.version")).await.is_empty());
    assert_eq!(firm.refused("documents.document.update", json!({ "document": document, "title": "" })).await, "invalid_input");
}

#[tokio::test]
async fn a_document_without_a_place_is_for_every_reader_and_one_with_a_place_is_not() {
    let firm = Firm::open(Placement::Schema).await;
    let boss = firm.boss.user;
    let for_all = firm.write("For all", json!({})).await;
    firm.ok("documents.document.update", json!({ "document": for_all, "owner": null })).await;
    let of_company = firm.write("Of the company", json!({ "company": firm.created.company })).await;
    let of_boss = firm.write("Of the boss", json!({ "owner": boss })).await;
    let sorted = |mut ids: Vec<Uuid>| {
        ids.sort();
        ids
    };
    for (scope, expected) in [
        (Scope::Own, vec![for_all]),
        (Scope::Team, vec![for_all]),
        (Scope::Department, vec![for_all]),
        (Scope::Company, vec![for_all, of_company]),
        (Scope::Tenant, vec![for_all, of_company, of_boss]),
    ] {
        let reader = firm.house.user(&firm.created, "Reader", &[("documents:document:read", scope)]).await.unwrap();
        assert_eq!(sorted(listed(&firm, &reader, ListQuery::new("documents.document")).await), sorted(expected.clone()), "{}", scope.as_str());
        assert_eq!(listed(&firm, &reader, ListQuery::new("documents.version")).await.len(), expected.len(), "{}", scope.as_str());
        // The policy alone says the same as the query builder.
        let mut read = firm.house.kernel.read(&reader).await.unwrap();
        let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM documents_document").fetch_one(read.db()).await.unwrap();
        assert_eq!(rows, expected.len() as i64, "{}", scope.as_str());
    }
    let nobody = firm.house.user(&firm.created, "Nobody", &[]).await.unwrap();
    let mut read = firm.house.kernel.read(&nobody).await.unwrap();
    assert_eq!(read.list(&ListQuery::new("documents.document")).await.map(drop).unwrap_err().code, Code::Forbidden);
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM documents_document").fetch_one(read.db()).await.unwrap();
    assert_eq!(rows, 0);
    // Reading it is for all; writing it takes the width of the tenant.
    let narrow = firm.house.user(&firm.created, "Narrow", &all(Scope::Own, &[])).await.unwrap();
    let error = firm.run(&narrow, "documents.document.revise", json!({ "document": for_all, "body": "x" })).await.map(drop).unwrap_err();
    assert_eq!(error.code, Code::NotFound);
    let filter = ListQuery { filters: vec![Filter::new("for_everybody", Op::Eq, "true")], ..ListQuery::new("documents.document") };
    assert_eq!(listed(&firm, &firm.boss, filter).await, [for_all]);
}

#[tokio::test]
async fn an_author_reads_what_he_has_begun_at_whatever_width_he_reads_others() {
    let firm = Firm::open(Placement::Pooled).await;
    let of_boss = firm.write("Of the boss", json!({})).await;
    for scope in [Scope::Own, Scope::Team, Scope::Department, Scope::Company] {
        let author = firm.house.user(&firm.created, "Author", &all(Scope::Own, &[("documents:document:read", scope)])).await.unwrap();
        let title = format!("Begun at the width {}", scope.as_str());
        let written = firm.run(&author, "documents.document.create", json!({ "title": title, "body": "x" })).await.unwrap();
        assert_eq!(listed(&firm, &author, ListQuery::new("documents.document")).await, [id(&written)], "{}", scope.as_str());
        assert_eq!(listed(&firm, &author, ListQuery::new("documents.version")).await.len(), 1, "{}", scope.as_str());
        let mut read = firm.house.kernel.read(&author).await.unwrap();
        let ids: Vec<Uuid> = sqlx::query_scalar("SELECT id FROM documents_document").fetch_all(read.db()).await.unwrap();
        assert_eq!(ids, [id(&written)], "{}", scope.as_str());
        drop(read);
        // His own to write, and nobody else's.
        firm.run(&author, "documents.document.revise", json!({ "document": id(&written), "body": "y" })).await.unwrap();
        let error = firm.run(&author, "documents.document.revise", json!({ "document": of_boss, "body": "y" })).await.map(drop).unwrap_err();
        assert_eq!(error.code, Code::NotFound, "{}", scope.as_str());
    }
    // Who lost the right to read sees his own no more.
    let writer = firm.house.user(&firm.created, "Writer", &[("documents:document:create", Scope::Own)]).await.unwrap();
    firm.run(&writer, "documents.document.create", json!({ "title": "Unseen", "body": "x" })).await.unwrap();
    let mut read = firm.house.kernel.read(&writer).await.unwrap();
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM documents_document").fetch_one(read.db()).await.unwrap();
    assert_eq!(rows, 0);
}

#[tokio::test]
async fn who_lacks_the_right_is_refused_and_another_tenant_finds_nothing() {
    let firm = Firm::open(Placement::Pooled).await;
    let document = firm.write("Parking", json!({})).await;
    let party = id(&firm.ok("crm.party.create", json!({ "name": "Blue Harbour" })).await);
    let other = firm.house.tenant("other", Placement::Pooled).await.unwrap();
    let stranger = firm.house.user(&other, "Stranger", &all(Scope::Tenant, &[])).await.unwrap();
    let narrow = firm.house.user(&firm.created, "Narrow", &all(Scope::Own, &[("identity:company:read", Scope::Tenant)])).await.unwrap();
    let reader = firm.house.user(&firm.created, "Reader", &[("documents:document:read", Scope::Tenant)]).await.unwrap();
    for (command, more) in [
        ("documents.document.update", json!({ "title": "X" })),
        ("documents.document.revise", json!({ "body": "X" })),
        ("documents.document.publish", json!({})),
        ("documents.document.withdraw", json!({})),
        ("documents.document.attach", json!({ "subject_resource": "crm.party", "subject_id": party })),
        ("documents.document.detach", json!({})),
        ("documents.document.archive", json!({})),
        ("documents.document.restore", json!({})),
    ] {
        let mut input = more;
        input["document"] = json!(document);
        assert_eq!(firm.run(&reader, command, input.clone()).await.map(drop).unwrap_err().code, Code::Forbidden, "{command}");
        for beyond in [&stranger, &narrow] {
            assert_eq!(firm.run(beyond, command, input.clone()).await.map(drop).unwrap_err().code, Code::NotFound, "{command}");
        }
    }
    let error = firm.run(&reader, "documents.document.create", json!({ "title": "X", "body": "X" })).await.map(drop).unwrap_err();
    assert_eq!(error.code, Code::Forbidden);
    let input = json!({ "title": "X", "body": "X", "company": firm.created.company });
    assert_eq!(firm.run(&narrow, "documents.document.create", input).await.map(drop).unwrap_err().code, Code::Forbidden);
}
