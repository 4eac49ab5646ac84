//! The planner against scripted tools: which calls it makes, and what it says.

use super::*;
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};
use steward_llm::{Message, Tool, ToolCall};

fn tools() -> Vec<Arc<Tool>> {
    let resources = json!([
        { "name": "sales.order", "label": "Order", "plural": "Orders", "synonyms": ["sales order", "quotation", "Auftrag", "Aufträge"], "title": "number", "parent": null,
          "fields": [
            { "name": "number", "label": "Number", "kind": "text", "filterable": true, "starts": false },
            { "name": "customer", "label": "Customer", "synonyms": ["client"], "kind": "reference", "resource": "crm.party", "filterable": true },
            { "name": "status", "label": "Status", "kind": "choice", "filterable": true, "choices": [{ "value": "confirmed", "label": "confirmed", "synonyms": ["bestätigt"] }, { "value": "quotation", "label": "quotation" }] },
            { "name": "order_date", "label": "Order date", "kind": "date", "filterable": true, "sortable": true },
            { "name": "net_total", "label": "Total", "kind": "money", "filterable": true, "sortable": true },
            { "name": "freight", "label": "Freight", "kind": "money", "filterable": true }],
          "measures": [{ "name": "count", "label": "Count", "synonyms": ["how many orders", "number of orders"], "money": false, "date": null }, { "name": "revenue", "label": "Revenue", "synonyms": ["turnover", "Umsatz"], "money": true, "date": "order_date" }],
          "filters": [] },
        { "name": "crm.party", "label": "Party", "plural": "Parties", "synonyms": ["customer", "customers", "client"], "title": "name",
          "fields": [
            { "name": "name", "label": "Name", "kind": "text", "filterable": true, "starts": true },
            { "name": "country", "label": "Country", "synonyms": ["countries"], "kind": "text", "filterable": true },
            { "name": "email", "label": "E-mail", "synonyms": ["email"], "kind": "text", "filterable": true }],
          "measures": [{ "name": "count", "label": "Count", "money": false, "date": null }], "filters": [{ "name": "customers", "label": "customers" }] },
        { "name": "inventory.item", "label": "Item", "plural": "Items", "synonyms": ["product", "products"], "title": "name",
          "fields": [{ "name": "name", "label": "Name", "kind": "text", "filterable": true, "starts": true }, { "name": "reorder_level", "label": "Reorder level", "kind": "decimal", "filterable": true }],
          "measures": [{ "name": "count", "label": "Count", "money": false, "date": null }],
          "filters": [{ "name": "below_reorder", "label": "below reorder level", "synonyms": ["below their reorder level"] }] }
    ]);
    let commands = json!([
        { "name": "sales.order.confirm", "label": "Confirm", "examples": ["Confirm quotation SO-2026-00012", "Bestätige Auftrag SO-2026-00012"], "resource": "sales.order", "target": "order", "when": ["quotation"],
          "inputs": [{ "name": "order", "label": "Order", "kind": "reference", "resource": "sales.order", "required": true }] },
        { "name": "sales.order.create", "label": "Create order", "examples": ["Create a quotation for Ernst Handel with 10 Chai", "Lege einen Auftrag für Ernst Handel an: 10 Chai"], "resource": "sales.order", "target": null,
          "inputs": [{ "name": "customer", "label": "Customer", "kind": "reference", "resource": "crm.party", "required": true },
                     { "name": "lines", "label": "Lines", "kind": "lines", "required": true, "lines": [
                        { "name": "item", "label": "Item", "kind": "reference", "resource": "inventory.item", "required": true },
                        { "name": "quantity", "label": "Quantity", "kind": "decimal", "required": true },
                        { "name": "price", "label": "Unit price", "kind": "money" }] }] },
        { "name": "sales.order.cancel", "label": "Cancel order", "examples": ["Cancel order SO-2026-00042"], "resource": "sales.order", "target": "order",
          "inputs": [{ "name": "order", "label": "Order", "kind": "reference", "resource": "sales.order", "required": true },
                     { "name": "reason", "label": "Reason", "synonyms": ["because", "why"], "kind": "text" }] },
        { "name": "inventory.item.update", "label": "Change item", "examples": ["Set the reorder level of Chang to 30"], "resource": "inventory.item", "target": "item",
          "inputs": [{ "name": "item", "label": "Item", "kind": "reference", "resource": "inventory.item", "required": true },
                     { "name": "reorder_level", "label": "Reorder level", "kind": "decimal" }] }
    ]);
    let tool = |name: &str, parameters: Value| Arc::new(Tool::new(name, "", parameters));
    vec![
        tool("query", json!({ "x-resources": resources })),
        tool("propose", json!({ "x-commands": commands })),
        tool("open_screen", json!({})),
        tool("ask", json!({})),
    ]
}

/// The scripted company: one customer, one item, one quotation.
fn tool_result(name: &str, call: &Value) -> Value {
    let named = |wanted: &str, id: &str, title: &str| {
        let given = call["filters"][0]["values"][0].as_str().unwrap_or_default().to_lowercase();
        let field = call["filters"][0]["path"].as_str().unwrap_or_default();
        let items = if wanted.to_lowercase().starts_with(&given) { json!([{ "id": id, "title": title, field: title }]) } else { json!([]) };
        json!({ "kind": "list", "items": items })
    };
    if name == "open_screen" {
        return json!({ "opened": { "label": "Order", "title": call["id"], "path": "/app/sales/orders" } });
    }
    if name != "query" {
        return json!({ "proposal": { "id": "p" } });
    }
    match (call["resource"].as_str().unwrap_or_default(), call.get("measures")) {
        (_, Some(measures)) if call.get("group").is_some() => {
            json!({ "items": [{ "customer": { "id": "q", "title": "QUICK-Stop" }, measures[0].as_str().unwrap_or_default(): { "amount": "110277.31", "currency": "USD" } }], "scope": { "width": "tenant" } })
        }
        (_, Some(measures)) if measures[0] == "count" => json!({ "items": [{ "count": 30 }], "scope": { "width": "own", "rows": 123, "label": "orders" } }),
        (_, Some(_)) => json!({ "items": [{ "revenue": { "amount": "617085.20", "currency": "USD" } }], "scope": { "width": "tenant" } }),
        ("crm.party", None) if call["filters"][0]["op"] == "starts" => named("Ernst Handel", "c1", "Ernst Handel"),
        ("inventory.item", None) if call["filters"][0]["op"] == "starts" => named("Chai", "i1", "Chai"),
        ("sales.order", None) if call["filters"][0]["values"][0] == "SO-2026-00013" => named("SO-2026-00013", "o2", "SO-2026-00013"),
        ("sales.order", None) if call["filters"][0]["path"] == "number" => named("SO-2026-00012", "o1", "SO-2026-00012"),
        ("inventory.item", None) => {
            json!({ "items": [{ "id": "i1", "title": "Chang" }], "count": { "value": 1, "capped": false }, "scope": { "width": "tenant" } })
        }
        _ => json!({ "kind": "list", "items": [] }),
    }
}

/// Runs a question to its end: the calls made, and what was said.
fn run(text: &str) -> (Vec<(String, Value)>, String) {
    run_over(tools(), tool_result, text)
}

/// The same over other tools, whose results `result` gives.
fn run_over(tools: Vec<Arc<Tool>>, result: impl Fn(&str, &Value) -> Value, text: &str) -> (Vec<(String, Value)>, String) {
    let context = json!({ "today": "2026-11-21", "language": "en" });
    let deadline = Instant::now() + Duration::from_secs(5);
    let mut request = ChatRequest { tools, context, ..ChatRequest::new(vec![Message::user(text)], 1000, deadline) };
    let mut calls = Vec::new();
    loop {
        match answer(&request) {
            Next::Say(said) => return (calls, said),
            Next::Call { calls: wanted, .. } => {
                let id = |at: usize| format!("call_{}", calls.len() + at);
                let made =
                    wanted.iter().enumerate().map(|(at, (name, arguments))| ToolCall { id: id(at), name: (*name).into(), arguments: arguments.to_string() });
                request.messages.push(Message::assistant("", made));
                let results: Vec<Message> = wanted.iter().enumerate().map(|(at, (name, call))| Message::tool(id(at), result(name, call).to_string())).collect();
                request.messages.extend(results);
                calls.extend(wanted.into_iter().map(|(name, arguments)| (name.to_owned(), arguments)));
                assert!(calls.len() <= CALLS_MAX, "the planner does not come to an end: {text}");
            }
        }
    }
}

fn last(text: &str) -> (Value, String) {
    let (mut calls, said) = run(text);
    (calls.pop().map(|(_, arguments)| arguments).unwrap_or_default(), said)
}

#[test]
fn a_count_is_filtered_by_the_named_customer_and_states_its_scope() {
    for text in ["How many orders did Ernst Handel place?", "Number of orders of Ernst Handel", "how many orders does the customer Ernst Handel have"] {
        let (call, said) = last(text);
        assert_eq!(call["measures"], json!(["count"]), "{text}");
        assert_eq!(call["filters"], json!([{ "path": "customer", "op": "eq", "values": ["c1"] }]), "{text}");
        assert!(said.contains("30 (over the 123 orders you can see)"), "{said}");
    }
}

#[test]
fn a_sum_takes_the_year_on_its_own_date() {
    for text in ["What was revenue in 1997?", "turnover 1997", "Wie hoch war der Umsatz in 1997?"] {
        let (call, said) = last(text);
        assert_eq!(call["measures"], json!(["revenue"]), "{text}: {said}");
        let expected =
            json!([{ "path": "order_date", "op": "gte", "values": ["1997-01-01"] }, { "path": "order_date", "op": "lte", "values": ["1997-12-31"] }]);
        assert_eq!(call["filters"], expected, "{text}");
        assert!(said.contains("617,085.20 USD"), "{said}");
    }
}

#[test]
fn the_top_three_are_grouped_and_sorted() {
    for text in ["Top 3 customers by revenue", "Which 3 customers have the highest revenue?"] {
        let (call, said) = last(text);
        assert_eq!((&call["group"], &call["sort"], &call["limit"]), (&json!(["customer"]), &json!("-revenue"), &json!(3)), "{text}");
        assert!(said.contains("QUICK-Stop: 110,277.31 USD"), "{said}");
    }
}

#[test]
fn a_named_filter_is_found_by_its_words() {
    let (call, said) = last("Which products are below their reorder level?");
    assert_eq!(call["filters"], json!([{ "path": "below_reorder", "op": "eq", "values": ["true"] }]));
    assert!(said.contains("Chang"), "{said}");
}

#[test]
fn a_word_may_name_the_records_and_the_condition_at_once() {
    let (call, _) = last("How many customers do we have?");
    assert_eq!((&call["resource"], &call["filters"]), (&json!("crm.party"), &json!([{ "path": "customers", "op": "eq", "values": ["true"] }])));
}

#[test]
fn a_comparison_takes_the_only_sortable_amount() {
    let (call, _) = last("How many orders over 1,000?");
    assert_eq!(call["filters"], json!([{ "path": "net_total", "op": "gt", "values": ["1000"] }]));
}

#[test]
fn a_word_that_nothing_explains_is_named_and_not_ignored() {
    for text in ["How many purple orders are there?", "What was the frobnication in 1997?", "Wie viele Aufträge hat Zzyzx?"] {
        let (calls, said) = run(text);
        assert!(calls.iter().all(|(_, call)| call.get("measures").is_none()), "{text} was answered: {said}");
        assert!(said.contains("don't"), "{said}");
    }
}

#[test]
fn a_quotation_is_confirmed_by_its_number() {
    let (call, _) = last("Please confirm quotation SO-2026-00012");
    assert_eq!(call, json!({ "steps": [{ "command": "sales.order.confirm", "arguments": { "order": "o1" } }] }));
}

#[test]
fn an_order_is_created_with_its_lines() {
    let (call, _) = last("Create a quotation for Ernst Handel with 10 Chai");
    let arguments = json!({ "customer": "c1", "lines": [{ "item": "i1", "quantity": "10" }] });
    assert_eq!(call["steps"][0], json!({ "command": "sales.order.create", "arguments": arguments }));
}

#[test]
fn what_is_missing_is_asked_for() {
    let (calls, _) = run("Create a quotation for Ernst Handel");
    let (name, call) = calls.last().unwrap();
    assert_eq!((name.as_str(), &call["missing"]), ("ask", &json!(["Lines"])));
}

mod commands;
mod phrasing;
mod steps;
