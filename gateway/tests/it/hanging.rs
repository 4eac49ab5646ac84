//! What hangs on a record is read by who may read that record too: declared once, held by the query builder at every door
//! and by the policies beneath it.

use crate::app::{TestApp, User, id};
use crate::shop::{READING, Shop, T};
use serde_json::json;
use std::collections::BTreeSet;
use steward_kernel::principal::Scope;
use steward_migrations::Placement;
use uuid::Uuid;

#[tokio::test]
async fn the_tables_have_the_policies_that_their_resources_declare_and_no_others() {
    let app = TestApp::start().await;
    let tenant = app.tenant("hangs", Placement::Schema).await;
    let sql = "SELECT c.relname || ' ' || p.polname || ' ' || p.polpermissive FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
                WHERE c.relnamespace = current_schema()::regnamespace AND p.polname IN ('hangs', 'unplaced', 'authored')";
    let found: BTreeSet<String> = app.column(&tenant, sql).await.into_iter().collect();
    let mut declared = BTreeSet::new();
    for resource in app.kernel.registry.catalogue.resources.values() {
        declared.extend(resource.subject.as_ref().map(|_| format!("{} hangs false", resource.table)));
        declared.extend(resource.scope.open.then(|| format!("{} unplaced true", resource.table)));
        declared.extend((resource.scope.open && resource.scope.owner.is_some()).then(|| format!("{} authored true", resource.table)));
    }
    assert_eq!(found, declared);
    assert!(declared.len() >= 4, "{declared:?}");
    app.close().await;
}

/// Everything that the doors tell somebody of documents, as one text.
async fn told(shop: &Shop, user: &User, document: Uuid, order: Uuid) -> String {
    let mut text = String::new();
    for path in ["documents/documents", "documents/versions"] {
        for way in ["?count=true&limit=200", "/export", "/aggregate?measure=count&group=owner", "?filter[archived]=any"] {
            let answer = shop.app.get(user, &format!("{path}{way}")).await;
            text.push_str(if path.ends_with("versions") && way.contains("archived") { "" } else { &answer.text });
        }
    }
    text.push_str(&shop.app.get(user, "documents/versions/aggregate?measure=count&group=document").await.text);
    text.push_str(&shop.app.get(user, &format!("documents/documents?filter[subject_id]={order}")).await.text);
    text.push_str(&shop.app.get(user, "documents/documents?filter[title][starts]=secret").await.text);
    for page in ["documents/documents", "pick/documents/documents?_t:x=secret"] {
        text.push_str(&shop.app.page(user, &format!("/app/{page}")).await.text);
    }
    for way in ["", "/history"] {
        // The path itself is named by who asks.
        text.push_str(&shop.app.get(user, &format!("documents/documents/{document}{way}")).await.text.replace(&document.to_string(), ""));
    }
    text
}

#[tokio::test]
async fn a_document_on_a_colleagues_order_is_not_there_at_any_door() {
    let shop = Shop::open().await;
    let reading = |orders: Scope| -> Vec<(&str, Scope)> {
        let others = READING.iter().filter(|(permission, _)| *permission != "sales:order:read").copied();
        others.chain([("sales:order:read", orders), ("documents:document:read", T), ("documents:document:update", T)]).collect()
    };
    let order = shop.quotation(&shop.admin, "5").await;
    let input = json!({ "title": "Secret delivery", "body": "Behind the secret door.", "subject_resource": "sales.order", "subject_id": order });
    let document = id(&shop.app.run(&shop.admin, "documents.document.create", input).await);
    shop.app.run(&shop.admin, "documents.document.update", json!({ "document": document, "owner": null })).await;

    let colleague = shop.app.user(&shop.tenant, "Colleague", &reading(T)).await;
    let text = told(&shop, &colleague, document, order).await;
    assert!(text.contains("Secret delivery") && text.contains("Behind the secret door."), "{text}");

    let narrow = shop.app.user(&shop.tenant, "Narrow", &reading(Scope::Own)).await;
    let text = told(&shop, &narrow, document, order).await;
    assert!(!["Secret delivery", "secret door", &document.to_string()].iter().any(|secret| text.contains(secret)), "{text}");
    assert!(text.contains("\"value\":0") && !text.contains("\"count\":1"), "{text}");
    shop.app.get(&narrow, &format!("documents/documents/{document}")).await.problem(404, "not_found");
    shop.app.post(&narrow, &format!("documents/documents/{document}/detach"), &json!({})).await.problem(404, "not_found");
    let batch = shop.app.post(&narrow, "documents/documents/revise/batch", &json!({ "rows": [{ "document": document, "body": "x" }] })).await.ok();
    assert_eq!(batch["results"][0]["error"]["code"], "not_found", "{batch}");
    shop.app.close().await;
}

#[tokio::test]
async fn a_salary_is_not_there_at_any_door_for_who_may_not_see_it() {
    let app = TestApp::start().await;
    let tenant = app.tenant("pay", Placement::Pooled).await;
    let admin = app.admin(&tenant).await;
    let reader = app.user(&tenant, "Reader", &[("hr:employee:read", T), ("identity:user:read", T), ("hr:employee:update", T)]).await;
    let input = json!({ "user": reader.id, "number": "1", "name": "Rita Reader", "hire_date": "2025-01-01", "company": tenant.created.company });
    let employee = id(&app.run(&admin, "hr.employee.create", input).await);
    let salary = json!({ "amount": "3141.59", "currency": "JOD" });
    app.run(&admin, "hr.employee.set_salary", json!({ "employee": employee, "salary": salary, "salary_from": "2025-02-03" })).await;

    let doors = ["", "/export", &format!("/{employee}"), &format!("/{employee}/history")].map(|way| format!("hr/employees{way}"));
    for (user, shown) in [(&admin, true), (&reader, false)] {
        let mut text = String::new();
        for door in &doors {
            let answer = app.get(user, door).await;
            assert_eq!(answer.status, 200, "{door}: {}", answer.text);
            text.push_str(&answer.text);
        }
        for page in ["hr/employees".to_owned(), format!("hr/employees/{employee}"), format!("hr/employees/{employee}/edit")] {
            text.push_str(&app.page(user, &format!("/app/{page}")).await.text);
        }
        for secret in ["3141", "JOD", "2025-02-03"] {
            assert_eq!(text.contains(secret), shown, "{secret}: {text}");
        }
    }
    for asked in [
        "?filter[salary][gt]=3000",
        "?filter[salary][null]=false",
        "?sort=-salary",
        "?fields=salary",
        "/aggregate?measure=salary_total",
        "/aggregate?group=salary_from",
    ] {
        app.get(&reader, &format!("hr/employees{asked}")).await.problem(400, "bad_request");
    }
    app.get(&reader, "hr/reports/payroll").await.problem(403, "forbidden");
    app.get(&admin, "hr/reports/payroll").await.ok();
    let told = app.get(&reader, "catalogue").await.ok();
    let employee = told["resources"].as_array().unwrap().iter().find(|resource| resource["name"] == "hr.employee").unwrap();
    assert!(!employee["fields"].to_string().contains("salary") && !employee["measures"].to_string().contains("salary"), "{employee}");
    app.close().await;
}
