//! A field that a tenant adds, where people and models meet it: the form, the list with its columns and filters, an
//! import, and the assistant's tools. REST, OpenAPI and the catalogue stand in [`crate::example_module`].

use crate::app::{Answer, TestApp, User};
use crate::model::{Model, calls, says};
use crate::talk::ask;
use serde_json::{Value, json};
use steward_migrations::Placement;
use uuid::Uuid;

/// A form, as a browser sends it from our own page.
async fn send_form(app: &TestApp, user: &User, path: &str, values: &[(&str, &str)]) -> Answer {
    let request = app.client.post(format!("{}{path}", app.base)).header("Cookie", format!("steward_session={}", user.token));
    let body = reqwest::Url::parse_with_params("http://form", values).unwrap().query().unwrap().to_owned();
    app.send(request.header("Sec-Fetch-Site", "same-origin").header("Content-Type", "application/x-www-form-urlencoded").body(body)).await
}

async fn add_fields(app: &TestApp, admin: &User) {
    for field in [
        json!({ "resource": "crm.party", "name": "color", "kind": "choice", "choices": ["red", "blue"], "label": "Favourite colour", "label_de": "Lieblingsfarbe" }),
        json!({ "resource": "crm.party", "name": "score", "kind": "integer", "label": "Score" }),
    ] {
        app.post(admin, "platform/custom_fields", &field).await.ok();
    }
}

async fn custom(app: &TestApp, user: &User, party: Uuid) -> Value {
    let shown = app.get(user, &format!("crm/parties/{party}?fields=color,score")).await.ok();
    json!([shown["color"], shown["score"]])
}

#[tokio::test]
async fn a_field_of_a_tenant_is_in_its_forms_lists_filters_and_imports() {
    let app = TestApp::start().await;
    let tenant = app.tenant("ours", Placement::Pooled).await;
    let admin = app.admin(&tenant).await;
    add_fields(&app, &admin).await;

    // The form: shown, sent, refused at its place, and shown again with what is stored.
    let form = app.page(&admin, "/app/crm/parties/new").await;
    assert_eq!(form.status, 200);
    for text in ["Favourite colour", "name=\"custom[color]\"", "<option value=\"blue\"", "Score", "name=\"custom[score]\""] {
        assert!(form.text.contains(text), "{text} is not in the form");
    }
    let wrong = send_form(&app, &admin, "/app/crm/parties/new", &[("name", "Red"), ("custom[color]", "green"), ("_do", "run")]).await;
    assert_eq!(wrong.status, 422, "{}", wrong.text);
    assert!(wrong.text.contains("invalid-feedback"), "{}", wrong.text);
    let made = send_form(&app, &admin, "/app/crm/parties/new", &[("name", "Red"), ("custom[color]", "red"), ("custom[score]", "7"), ("_do", "run")]).await;
    assert_eq!(made.status, 303, "{}", made.text);
    let red: Uuid = made.header("location").rsplit('/').next().unwrap().parse().unwrap();
    assert_eq!(custom(&app, &admin, red).await, json!(["red", 7]));
    let edit = app.page(&admin, &format!("/app/crm/parties/{red}/edit")).await;
    assert!(edit.text.contains("<option value=\"red\" selected"), "{}", edit.text);
    let changed =
        send_form(&app, &admin, &format!("/app/crm/parties/{red}/edit"), &[("name", "Red"), ("custom[color]", "blue"), ("custom[score]", "7"), ("_do", "run")])
            .await;
    assert_eq!(changed.status, 303, "{}", changed.text);
    assert_eq!(custom(&app, &admin, red).await, json!(["blue", 7]));

    // An import: by the same name as over REST; what is no value of the field is told by its row.
    let file = "code,name,custom.color,custom.score\nA,Imported A,red,3\nB,Imported B,blue,9\nC,Imported C,green,1\n";
    let import = app.request("POST", &admin, "/api/v1/crm/parties/import?key=code").header("Content-Type", "text/csv").body(file);
    let report = app.send(import).await.ok();
    assert_eq!((&report["steps"][0]["created"], &report["steps"][0]["failed"]), (&json!(2), &json!(1)), "{report}");
    assert!(report["errors"][0].to_string().contains("color") && report["errors"][0]["row"] == 4, "{report}");
    let imported = app.query(&admin, "crm/parties", &[("filter[custom.color]", "red")]).await;
    let imported = imported.ids();
    assert_eq!((imported.len(), custom(&app, &admin, imported[0]).await), (1, json!(["red", 3])));

    // The list: a column that can be picked, and a filter that narrows.
    let head =
        |page: &Answer| page.text.split("<thead>").nth(1).and_then(|rest| rest.split("</thead>").next()).unwrap_or_else(|| panic!("{}", page.text)).to_owned();
    let usual = head(&app.page(&admin, "/app/crm/parties").await);
    let list = app.page(&admin, "/app/crm/parties?columns=name,color,score").await;
    for label in ["Favourite colour", "Score"] {
        assert!(head(&list).contains(label) && !usual.contains(label), "{label}: {usual} {}", head(&list));
    }
    for text in ["filter[custom.color][eq]", "filter[custom.score][gte]", "Imported B"] {
        assert!(list.text.contains(text), "{text} is not in the list: {}", list.text);
    }
    let narrowed = app.page(&admin, "/app/crm/parties?filter[custom.color][eq]=red&filter[custom.score][lte]=5&columns=name,color").await;
    assert!(narrowed.text.contains("Imported A") && !narrowed.text.contains("Imported B"), "{}", narrowed.text);
    app.close().await;
}

#[tokio::test]
async fn the_assistant_knows_the_fields_of_its_tenant_and_of_no_other() {
    let model = Model::start("curious", vec![says("Hello.")]).await;
    let app = TestApp::configured(Vec::new(), |config| model.configure(config)).await;
    let (ours, theirs) = (app.tenant("ours", Placement::Pooled).await, app.tenant("theirs", Placement::Schema).await);
    let (admin, stranger) = (app.admin(&ours).await, app.admin(&theirs).await);
    add_fields(&app, &admin).await;
    for (name, color) in [("Red", "red"), ("Rouge", "red"), ("Blue", "blue")] {
        app.post(&admin, "crm/parties", &json!({ "name": name, "custom": { "color": color } })).await.ok();
    }

    // A question over the field, and a proposal that fills it.
    let count =
        calls("query", &json!({ "resource": "crm.party", "filters": [{ "path": "custom.color", "op": "eq", "values": ["red"] }], "measures": ["count"] }));
    model.rewrite(vec![count, says("There are 2 parties.")]);
    let told = ask(&app, &admin, "How many parties like red?").await;
    assert!(told.answer.contains("There are 2 parties"), "{}", told.answer);
    let definitions = model.requests()[0]["tools"].to_string();
    assert!(definitions.contains("custom.color (red/blue)") && definitions.contains("custom.score"), "{definitions}");
    let create = json!({ "steps": [{ "command": "crm.party.create", "arguments": { "name": "Violet", "custom": { "color": "blue" } } }] });
    model.rewrite(vec![calls("propose", &create), says("It waits for you.")]);
    let told = ask(&app, &admin, "Create the party Violet with the favourite colour blue").await;
    let changes = told.card()["preview"]["changes"].as_array().unwrap();
    assert!(changes.iter().any(|change| change["field"] == "color" && change["new"] == "blue"), "{changes:?}");
    let wrong = json!({ "steps": [{ "command": "crm.party.create", "arguments": { "name": "Green", "custom": { "color": "green" } } }] });
    model.rewrite(vec![calls("propose", &wrong), says("That is no colour.")]);
    let told = ask(&app, &admin, "Create the party Green with the favourite colour green").await;
    assert_eq!(told.named("proposal"), Vec::<&Value>::new());
    let refused = model.requests()[1]["messages"].as_array().unwrap().last().unwrap()["content"].as_str().unwrap().to_owned();
    assert!(refused.contains("error") && refused.contains("color"), "{refused}");

    model.rewrite(vec![says("Hello.")]);
    ask(&app, &stranger, "Hello").await;
    assert!(!model.requests()[0]["tools"].to_string().contains("custom.color"), "another tenant's field");
    app.close().await;
}
