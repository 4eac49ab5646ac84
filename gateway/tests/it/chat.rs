//! The conversation, over its own door: answers with their sources, cards, confirmation, and models that fail or lie.

use crate::app::{TestApp, User, id_of};
use crate::company::{Company, Files};
use crate::model::{Model, calls, cut_off, fails, frame, says};
use crate::shop::{READING, Shop, T};
use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) struct Event {
    id: u32,
    name: String,
    data: Value,
}

pub(crate) struct Told {
    events: Vec<Event>,
    message: String,
    pub(crate) answer: String,
    pub(crate) done: Value,
}

fn events(text: &str) -> Vec<Event> {
    let mut events = Vec::new();
    for block in text.split("\n\n").filter(|block| !block.trim().is_empty()) {
        let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        // Comments keep the connection alive and are no events.
        if let (Some(id), Some(name), Some(data)) = (field("id:"), field("event:"), field("data:")) {
            events.push(Event { id: id.parse().unwrap(), name: name.to_owned(), data: serde_json::from_str(data).unwrap() });
        }
    }
    events
}

impl Told {
    pub(crate) fn named(&self, name: &str) -> Vec<&Value> {
        self.events.iter().filter(|event| event.name == name).map(|event| &event.data).collect()
    }

    #[track_caller]
    pub(crate) fn proposal(&self) -> Value {
        let proposals = self.named("proposal");
        assert_eq!(proposals.len(), 1, "{}", self.answer);
        proposals[0].clone()
    }

    /// The answer tells this figure, and says which query it comes from.
    #[track_caller]
    fn tells(&self, shown: &str) {
        assert!(self.answer.contains(shown), "{shown} is not in {:?}", self.answer);
        let plain = shown.replace(',', "").trim_end_matches(".00").to_owned();
        let figures = self.done["figures"].as_array().unwrap();
        let sourced = figures.iter().any(|figure| {
            let value = figure["value"].as_str().map_or_else(|| figure["value"].to_string(), str::to_owned);
            value.trim_end_matches(".00") == plain && figure["query"].as_str().is_some_and(|query| !query.is_empty())
        });
        assert!(sourced, "{shown} has no source in {figures:?}");
    }
}

/// Asks, and holds the stream to its form: it starts with `start`, ends with the one terminal event, and counts its ids.
pub(crate) async fn ask(app: &TestApp, user: &User, text: &str) -> Told {
    let answer = app.post(user, "assistant/messages", &json!({ "text": text })).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(answer.header("content-type").starts_with("text/event-stream"));
    let events = events(&answer.text);
    assert!(events.windows(2).all(|pair| pair[0].id < pair[1].id), "{}", answer.text);
    assert_eq!(events[0].name, "start", "{}", answer.text);
    assert_eq!(events.iter().filter(|event| event.name == "done" || event.name == "error").count(), 1, "{}", answer.text);
    let last = events.last().unwrap();
    assert_eq!(last.name, "done", "{}", answer.text);
    let (message, done) = (events[0].data["message_id"].as_str().unwrap().to_owned(), last.data.clone());
    let streamed: String = events.iter().filter(|event| event.name == "text").map(|event| event.data["delta"].as_str().unwrap()).collect();
    let answer = done["answer"].as_str().unwrap().to_owned();
    if events.iter().all(|event| event.name != "ask") {
        assert_eq!(streamed, answer, "what is streamed is the answer");
    }
    Told { events, message, answer, done }
}

async fn questions(files: Files) {
    let company = Company::imported(files, |_| {}).await;
    let (app, admin, figures) = (&company.app, &company.admin, company.files.figures);
    let told = ask(app, admin, "How many orders did Ernst Handel place?").await;
    told.tells(figures.ernst_handel);
    assert_eq!(told.done["degraded"], false, "without a configured model the planner is the usual one");
    cites(&told, "sales.order");
    let told = ask(app, admin, "What was revenue in 1997?").await;
    told.tells(figures.revenue_of_1997);
    cites(&told, "sales.");
    let told = ask(app, admin, "Top 3 customers by revenue").await;
    let places: Vec<Option<usize>> = figures.top.iter().map(|(name, _)| told.answer.find(name)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{}", told.answer);
    for (_, amount) in figures.top {
        told.tells(amount);
    }
    cites(&told, "sales.");

    let (number, orders) = figures.sees[0];
    let nancy = company.employee(number).await;
    let told = ask(app, &nancy, "How many orders are there?").await;
    told.tells(&orders.to_string());
    cites(&told, "sales.order");
    let told = ask(app, &nancy, "How many orders did Ernst Handel place?").await;
    assert!(told.answer.contains(&orders.to_string()), "the answer does not say over what it counts: {}", told.answer);

    let told = ask(app, admin, "Which products are below their reorder level?").await;
    let named: Vec<String> = app.column(&company.tenant, "SELECT name FROM inventory_item ORDER BY name").await;
    let below: Vec<String> = app
        .column(&company.tenant, "SELECT name FROM inventory_item WHERE on_hand < reorder_level AND NOT discontinued AND archived_at IS NULL ORDER BY name")
        .await;
    let mentioned: Vec<&String> = named.iter().filter(|name| told.answer.contains(name.as_str())).collect();
    // Names that are a part of another one count with it.
    assert!(below.iter().all(|name| mentioned.contains(&name)) && !below.is_empty(), "{below:?}: {}", told.answer);
    assert!(mentioned.iter().all(|name| below.iter().any(|low| low.contains(name.as_str()))), "{below:?}: {}", told.answer);
    cites(&told, "inventory.item");
    company.app.close().await;
}

/// The answer cites a query over a resource of this name or beginning.
#[track_caller]
fn cites(told: &Told, resource: &str) {
    let cited = told.named("citation");
    let fits = |citation: &&Value| {
        citation["resource"].as_str().is_some_and(|name| name.starts_with(resource)) && citation["quote"].as_str().is_some_and(|quote| !quote.is_empty())
    };
    assert!(cited.iter().any(fits), "{resource} is not cited: {cited:?} {}", told.answer);
}

#[tokio::test]
async fn questions_are_answered_with_their_sources() {
    questions(Files::small()).await;
}

#[tokio::test]
async fn questions_over_northwind_are_answered_with_their_sources() {
    if let Some(files) = Files::northwind() {
        questions(files).await;
    }
}

#[tokio::test]
async fn a_dropped_stream_is_picked_up_where_it_was() {
    let shop = Shop::open().await;
    let told = ask(&shop.app, &shop.admin, "How many parties are there?").await;
    let path = format!("/api/v1/assistant/messages/{}/events", told.message);
    for seen in [0, 1, told.events.len() - 1] {
        let request = shop.app.request("GET", &shop.admin, &path);
        let request = if seen == 0 { request } else { request.header("Last-Event-ID", told.events[seen - 1].id.to_string()) };
        let rest = events(&shop.app.send(request).await.text);
        let expected: Vec<(u32, &Value)> = told.events[seen..].iter().map(|event| (event.id, &event.data)).collect();
        assert_eq!(rest.iter().map(|event| (event.id, &event.data)).collect::<Vec<_>>(), expected);
    }
    let other = shop.app.user(&shop.tenant, "Other", READING).await;
    shop.app.send(shop.app.request("GET", &other, &path)).await.problem(404, "not_found");
    shop.app.close().await;
}

async fn status(shop: &Shop, order: Uuid) -> String {
    shop.app.peek(&shop.tenant, &format!("SELECT status FROM sales_order WHERE id = '{order}'")).await
}

async fn number(shop: &Shop, order: Uuid) -> String {
    shop.app.peek(&shop.tenant, &format!("SELECT number FROM sales_order WHERE id = '{order}'")).await
}

async fn audited(shop: &Shop, condition: &str) -> i64 {
    shop.app.peek(&shop.tenant, &format!("SELECT count(*) FROM kernel_audit WHERE {condition}")).await
}

/// What a person who sells may do, and a key of hers.
async fn seller(shop: &Shop) -> (User, User) {
    let mut grants = READING.to_vec();
    for permission in [
        "sales:order:confirm",
        "sales:order:create",
        "sales:order:quote",
        "sales:order:reopen",
        "sales:order:update",
        "identity:api_key:create",
        "identity:api_key:read",
    ] {
        grants.push((permission, T));
    }
    let person = shop.app.user(&shop.tenant, "Sally", &grants).await;
    let made = shop.app.post(&person, "identity/api_keys", &json!({ "name": "script" })).await.ok();
    let key = made["secret"]["api_key"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
    let program = User { token: key, ..person.clone() };
    (person, program)
}

#[tokio::test]
async fn a_proposal_is_shown_confirmed_executed_once_and_undone() {
    let shop = Shop::open().await;
    shop.receive("10").await;
    let (sally, program) = seller(&shop).await;
    let order = shop.quotation(&sally, "4").await;
    let told = ask(&shop.app, &sally, &format!("Confirm quotation {}", number(&shop, order).await)).await;
    let card = told.proposal();
    assert_eq!((&card["steps"][0]["command"], id_of(&card["steps"][0]["arguments"]["order"])), (&json!("sales.order.confirm"), order), "{card}");
    let changes = card["preview"]["changes"].as_array().unwrap();
    assert!(changes.iter().any(|change| change["field"] == "status" && change["old"] == "quotation" && change["new"] == "confirmed"), "{card}");
    assert_eq!(status(&shop, order).await, "quotation", "a proposal does nothing");

    let path = format!("assistant/proposals/{}", card["id"].as_str().unwrap());
    let confirm = format!("{path}/confirm");
    // A program reads the proposal, but gets no token and can do nothing with one.
    let seen = shop.app.get(&program, &path).await.ok();
    assert!(seen.get("token").is_none_or(Value::is_null), "{seen}");
    let shown = shop.app.get(&sally, &path).await.ok();
    let token = shown["token"].as_str().unwrap_or_else(|| panic!("{shown}")).to_owned();
    assert!(told.events.iter().all(|event| !event.data.to_string().contains(&token)), "the token is only handed out by its own door");
    shop.app.post(&program, &confirm, &json!({ "token": token })).await.problem(403, "confirmation_required");
    assert_eq!(audited(&shop, "outcome = 'refused' AND code = 'confirmation_required'").await, 1);
    shop.app.post(&sally, &confirm, &json!({ "token": "0".repeat(64) })).await.problem(403, "confirmation_required");
    let stranger = shop.app.user(&shop.tenant, "Stranger", READING).await;
    shop.app.post(&stranger, &confirm, &json!({ "token": token })).await.problem(404, "not_found");
    assert_eq!(status(&shop, order).await, "quotation");

    let body = json!({ "token": token });
    let (first, second) = tokio::join!(shop.app.post(&sally, &confirm, &body), shop.app.post(&sally, &confirm, &body));
    assert!(first.status == 200 || second.status == 200, "{} {}", first.text, second.text);
    let done = shop.app.post(&sally, &confirm, &json!({ "token": token })).await.ok();
    assert_eq!(done["results"][0]["command"], "sales.order.confirm", "{done}");
    assert_eq!(status(&shop, order).await, "confirmed");
    assert_eq!(audited(&shop, "command = 'sales.order.confirm' AND outcome = 'done'").await, 1, "confirming twice executes once");
    let reserved: i64 = shop.app.peek(&shop.tenant, "SELECT sum(reserved)::bigint FROM inventory_stock").await;
    assert_eq!(reserved, 4);

    let execution = done["undo"]["executions"][0].as_str().unwrap_or_else(|| panic!("{done}"));
    shop.app.post(&sally, &format!("commands/{execution}/undo"), &json!({})).await.ok();
    assert_ne!(status(&shop, order).await, "confirmed");
    assert_eq!(shop.app.peek::<i64>(&shop.tenant, "SELECT sum(reserved)::bigint FROM inventory_stock").await, 0);
    shop.app.close().await;
}

#[tokio::test]
async fn a_crash_between_execution_and_decision_neither_repeats_nor_hides_what_was_done() {
    let shop = Shop::open().await;
    shop.receive("10").await;
    let (sally, _) = seller(&shop).await;
    let order = shop.quotation(&sally, "4").await;
    let told = ask(&shop.app, &sally, &format!("Confirm quotation {}", number(&shop, order).await)).await;
    let path = format!("assistant/proposals/{}", told.proposal()["id"].as_str().unwrap());
    let token = shop.app.get(&sally, &path).await.ok()["token"].as_str().unwrap().to_owned();
    let done = shop.app.post(&sally, &format!("{path}/confirm"), &json!({ "token": token })).await.ok();
    // As a crash leaves it: the commands are committed, the decision is not.
    shop.app.poke(&shop.tenant, "UPDATE assistant_proposal SET state = 'open', results = NULL, decided_at = NULL").await;
    assert_eq!(shop.app.get(&sally, &path).await.ok()["state"], "executed");
    shop.app.post(&sally, &format!("{path}/reject"), &json!({ "token": token })).await.problem(409, "conflict");
    assert_eq!(shop.app.post(&sally, &format!("{path}/confirm"), &json!({ "token": token })).await.ok(), done);
    assert_eq!(audited(&shop, "command = 'sales.order.confirm' AND outcome = 'done'").await, 1);
    shop.app.close().await;
}

#[tokio::test]
async fn a_rejected_proposal_cannot_be_confirmed() {
    let shop = Shop::open().await;
    let order = shop.quotation(&shop.admin, "4").await;
    let told = ask(&shop.app, &shop.admin, &format!("Confirm quotation {}", number(&shop, order).await)).await;
    let path = format!("assistant/proposals/{}", told.proposal()["id"].as_str().unwrap());
    let token = shop.app.get(&shop.admin, &path).await.ok()["token"].clone();
    let rejected = shop.app.post(&shop.admin, &format!("{path}/reject"), &json!({ "token": token })).await.ok();
    assert_eq!(rejected, json!({ "results": [], "undo": null }));
    let refused = shop.app.post(&shop.admin, &format!("{path}/confirm"), &json!({ "token": token })).await;
    assert!((400..500).contains(&refused.status), "{}", refused.text);
    assert_eq!(status(&shop, order).await, "quotation");
    shop.app.close().await;
}

#[tokio::test]
async fn a_proposal_is_put_away_only_by_a_person_with_its_token() {
    let shop = Shop::open().await;
    let (sally, program) = seller(&shop).await;
    let order = shop.quotation(&sally, "4").await;
    let told = ask(&shop.app, &sally, &format!("Confirm quotation {}", number(&shop, order).await)).await;
    let path = format!("assistant/proposals/{}", told.proposal()["id"].as_str().unwrap());
    let reject = format!("{path}/reject");
    let token = shop.app.get(&sally, &path).await.ok()["token"].as_str().unwrap().to_owned();

    shop.app.post(&program, &reject, &json!({})).await.problem(403, "confirmation_required");
    shop.app.post(&program, &reject, &json!({ "token": token })).await.problem(403, "confirmation_required");
    for wrong in ["0".repeat(64), "no hash".to_owned()] {
        shop.app.post(&sally, &reject, &json!({ "token": wrong })).await.problem(403, "confirmation_required");
    }
    let refused = "outcome = 'refused' AND command = 'assistant.proposal.reject' AND code = 'confirmation_required'";
    assert_eq!(audited(&shop, refused).await, 4);
    assert_eq!(shop.app.post(&sally, &reject, &json!({})).await.problem(422, "invalid_input")["fields"][0]["field"], "token");
    assert_eq!(shop.app.post(&sally, &reject, &json!({ "token": token, "why": "no" })).await.problem(422, "invalid_input")["fields"][0]["field"], "why");
    let stranger = shop.app.user(&shop.tenant, "Stranger", READING).await;
    shop.app.post(&stranger, &reject, &json!({ "token": token })).await.problem(404, "not_found");
    assert_eq!(shop.app.get(&sally, &path).await.ok()["state"], "open", "nothing of that has put it away");

    // Twice says the same, also with the token in the header.
    for request in [
        shop.app.request("POST", &sally, &format!("/api/v1/{reject}")).header("X-Confirmation-Token", &token),
        shop.app.request("POST", &sally, &format!("/api/v1/{reject}")).json(&json!({ "token": token })),
    ] {
        assert_eq!(shop.app.send(request).await.ok(), json!({ "results": [], "undo": null }));
    }
    assert_eq!(shop.app.get(&sally, &path).await.ok()["state"], "rejected");
    shop.app.close().await;
}

#[tokio::test]
async fn what_one_may_not_do_the_assistant_may_not_either() {
    let shop = Shop::open().await;
    let reader = shop.app.user(&shop.tenant, "Reader", READING).await;
    let order = shop.quotation(&shop.admin, "4").await;
    let told = ask(&shop.app, &reader, &format!("Confirm quotation {}", number(&shop, order).await)).await;
    assert_eq!(told.named("proposal"), Vec::<&Value>::new());
    assert_eq!(status(&shop, order).await, "quotation");
    assert_eq!(audited(&shop, "outcome = 'refused' AND command = 'sales.order.confirm' AND code = 'forbidden'").await, 1, "{}", told.answer);
    assert!(told.answer.contains("forbidden") || told.answer.contains("not allowed") || told.answer.contains("may not"), "{}", told.answer);
    shop.app.close().await;
}

#[tokio::test]
async fn when_a_model_fails_the_planner_answers_and_says_so() {
    let begun = frame(&json!({ "role": "assistant", "content": "There are" }), None).to_string();
    let failing = vec![
        fails(500),
        fails(500),
        fails(500),
        cut_off(&["{\"choices\": [{\"delta\": nonsense"]),
        cut_off(&[]),
        cut_off(&[&begun]),
        b"this is no HTTP at all\r\n\r\n".to_vec(),
        fails(503),
    ];
    let model = Model::start("failing", failing).await;
    let shop = Shop::of(TestApp::configured(Vec::new(), |config| model.configure(config)).await).await;
    for round in 0..6 {
        let told = ask(&shop.app, &shop.admin, "How many parties are there?").await;
        told.tells("1");
        assert_eq!(told.done["degraded"], true, "round {round}");
        assert!(told.answer.contains("cannot be reached"), "{}", told.answer);
    }
    assert!(model.requests().len() >= 5, "the model was not asked: {}", model.requests().len());
    let metrics = shop.app.send(shop.app.client.get(format!("{}/metrics", shop.app.base))).await.text;
    let state = metrics.lines().find(|line| line.starts_with("steward_llm_breaker_state{provider=\"failing\",scope=\"model\""));
    assert!(state.is_some_and(|line| line.ends_with(" 2")), "the breaker is not shown as open: {state:?}");
    shop.app.close().await;
}

#[tokio::test]
async fn a_figure_that_a_model_made_up_is_not_shown() {
    let count = calls("query", &json!({ "resource": "crm.party", "measures": ["count"] }));
    let model = Model::start("inventive", vec![count, says("There is 1 party. Together they owe us 999,123.45 EUR. All is well.")]).await;
    let shop = Shop::of(TestApp::configured(Vec::new(), |config| model.configure(config)).await).await;
    let told = ask(&shop.app, &shop.admin, "How many parties are there?").await;
    assert_eq!(told.done["degraded"], false, "{}", told.answer);
    assert!(told.answer.contains("There is 1 party"), "{}", told.answer);
    // Neither the figure nor the praise comes from what was asked.
    assert!(!told.answer.contains("999") && !told.answer.contains("All is well"), "{}", told.answer);
    told.tells("1");
    cites(&told, "crm.party");
    shop.app.close().await;
}

#[tokio::test]
async fn a_model_can_neither_propose_what_only_people_may_do_nor_execute_anything() {
    let model = Model::start("eager", vec![says("Hello.")]).await;
    let shop = Shop::of(TestApp::configured(Vec::new(), |config| model.configure(config)).await).await;
    let (admin_role, order) = (shop.admin.role, shop.quotation(&shop.admin, "4").await);
    let grants = || async { shop.app.peek::<i64>(&shop.tenant, "SELECT count(*) FROM identity_role_grant").await };
    let before = grants().await;

    let human_only =
        json!({ "steps": [{ "command": "identity.role.grant", "arguments": { "role": admin_role, "permission": "sales:order:read", "scope": "tenant" } }] });
    model.rewrite(vec![calls("propose", &human_only), says("It is done.")]);
    let told = ask(&shop.app, &shop.admin, "Give my role the right to read orders").await;
    assert_eq!(told.named("proposal"), Vec::<&Value>::new(), "{}", told.answer);
    let answered = model.requests()[1]["messages"].as_array().unwrap().last().unwrap().clone();
    assert!(answered["role"] == "tool" && answered["content"].as_str().unwrap().contains("\"error\""), "{answered}");

    let confirm = json!({ "steps": [{ "command": "sales.order.confirm", "arguments": { "order": order } }] });
    model.rewrite(vec![calls("propose", &confirm), calls("confirm", &json!({ "proposal": "the last one" })), says("It waits for you.")]);
    let told = ask(&shop.app, &shop.admin, "Confirm the quotation").await;
    let path = format!("assistant/proposals/{}", told.proposal()["id"].as_str().unwrap());
    let token = shop.app.get(&shop.admin, &path).await.ok()["token"].as_str().unwrap().to_owned();
    assert!(model.requests().iter().all(|request| !request.to_string().contains(&token)), "the token never reaches a model");
    assert_eq!((grants().await, status(&shop, order).await), (before, "quotation".to_owned()), "nothing is executed without confirmation");
    shop.app.close().await;
}
