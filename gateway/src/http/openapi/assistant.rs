//! The assistant's paths. They do not depend on the catalogue: what can be asked does.

use super::paths::{READ, WRITE, insert, json_answer, parameter_ref, query, responses};
use serde_json::{Map, Value, json};

const EVENTS: &str = "Server-sent events: `start`, `text`, `citation`, `proposal`, `ask`, `open_screen`, and exactly one of `done` and `error` at the end. \
    `done` has the whole answer; where the person stopped it, what was told until then and `stopped: true`. Comments keep the connection alive, \
    and `step <tool>` among them says what is being looked up.";

pub(super) fn paths(paths: &mut Map<String, Value>) {
    let object = || json!({ "type": "object" });
    let body = |schema: Value| json!({ "required": true, "content": { "application/json": { "schema": schema } } });
    let stream = || {
        json!({ "200": { "description": EVENTS,
            "content": { "text/event-stream": { "schema": { "type": "string" } } } } })
    };
    let mut add = |path: &str, method: &str, id: &str, summary: &str, more: Value, answers: Value| {
        let mut operation = json!({ "operationId": format!("assistant.{id}"), "tags": ["assistant"], "summary": summary, "responses": answers });
        if let (Some(operation), Value::Object(more)) = (operation.as_object_mut(), more) {
            operation.extend(more);
        }
        insert(paths, format!("/api/v1/assistant/{path}"), method, operation);
    };
    let by_id = || json!({ "parameters": [parameter_ref("id")] });
    let question = json!({ "type": "object", "additionalProperties": false, "required": ["text"], "properties": {
        "text": { "type": "string", "minLength": 1, "maxLength": 4000, "pattern": "\\S" }, "conversation_id": { "type": ["string", "null"], "format": "uuid" },
        "position": { "type": ["string", "null"], "description": "The position that a write answered with: the answer knows of that write." } } });
    add("messages", "post", "ask", "Ask, or say what is to be done", json!({ "requestBody": body(question) }), responses(stream(), WRITE));
    let last = json!({ "name": "Last-Event-ID", "in": "header", "description": "The last event that arrived.", "schema": { "type": "string", "pattern": "^[0-9]{1,9}$" } });
    let resumed = json!({ "parameters": [parameter_ref("id"), last] });
    add("messages/{id}/events", "get", "events", "Pick up a dropped stream", resumed, responses(stream(), READ));
    let stopped = responses(json!({ "204": { "description": "The turn ends, or had ended already." } }), WRITE);
    add("messages/{id}/stop", "post", "stop", "End an answer that is being worked on", by_id(), stopped);
    let many = |what: &str, default: u32| query("limit", what, json!({ "type": "integer", "minimum": 1, "maximum": 200, "default": default }));
    let cursor = query("cursor", "`next` of the page before.", json!({ "type": "string" }));
    let limit = json!({ "parameters": [many("How many, newest first.", 50), cursor] });
    let list = json!({ "type": "object", "required": ["items", "next"], "properties": { "items": { "type": "array", "items": object() }, "next": { "type": ["string", "null"] } } });
    add("conversations", "get", "conversations", "One's own conversations", limit, responses(json!({ "200": json_answer("The conversations.", list) }), READ));
    let before = query("before", "Messages before this one.", json!({ "type": "string", "format": "uuid" }));
    let messages = json!({ "parameters": [parameter_ref("id"), many("How many messages, the newest ones.", 200), before] });
    add(
        "conversations/{id}",
        "get",
        "conversation",
        "A conversation with its newest messages",
        messages,
        responses(json!({ "200": json_answer("The conversation; `more` says that there are older messages.", object()) }), READ),
    );
    add("conversations/{id}", "delete", "forget", "Delete a conversation", by_id(), responses(json!({ "204": { "description": "Deleted." } }), WRITE));
    let card = "The proposal; with `token` for interactive sessions only.";
    add("proposals/{id}", "get", "proposal", "A proposal with its preview", by_id(), responses(json!({ "200": json_answer(card, object()) }), READ));
    let in_header = json!({ "name": "X-Confirmation-Token", "in": "header", "description": "The token, where it does not stand in the body.", "schema": { "type": "string" } });
    let decision = |mut fields: Value| {
        fields["token"] = json!({ "type": "string" });
        let body = json!({ "type": "object", "additionalProperties": false, "properties": fields });
        json!({ "parameters": [parameter_ref("id"), in_header], "requestBody": { "content": { "application/json": { "schema": body } } } })
    };
    let done = || json!({ "type": "object", "required": ["results", "undo"], "properties": { "results": { "type": "array", "items": object() }, "undo": { "type": ["object", "null"] } } });
    add(
        "proposals/{id}/confirm",
        "post",
        "confirm",
        "Execute a proposal",
        decision(json!({ "allow_duplicate": { "type": ["boolean", "null"] } })),
        responses(json!({ "200": json_answer("Executed, once.", done()) }), WRITE),
    );
    add(
        "proposals/{id}/reject",
        "post",
        "reject",
        "Put a proposal away",
        decision(json!({})),
        responses(json!({ "200": json_answer("Rejected: nothing was done.", done()) }), WRITE),
    );
    let undone = responses(json!({ "200": json_answer("Taken back, all or nothing.", done()) }), WRITE);
    add("proposals/{id}/undo", "post", "undo", "Take back what a proposal did", by_id(), undone);
}
