//! Search. It does not depend on the catalogue: what can be found does.

use super::paths::{READ, insert, json_answer, query, responses};
use crate::http::rest::search::{LIMIT_DEFAULT, LIMIT_MAX, POSITION, TEXT_MAX};
use serde_json::{Map, Value, json};
use steward_rag::retrieve::Degraded;

pub(super) fn paths(paths: &mut Map<String, Value>) {
    let spans = |of: &str| {
        json!({ "type": "array", "description": format!("Words of the question in {of}: first byte and the byte after the last, in UTF-8."),
            "items": { "type": "array", "prefixItems": [{ "type": "integer", "minimum": 0 }, { "type": "integer", "minimum": 0 }], "minItems": 2, "maxItems": 2 } })
    };
    let item = json!({ "type": "object", "required": ["resource", "id", "version", "title", "snippet", "highlights", "citation"], "properties": {
        "resource": { "type": "string" }, "id": { "type": "string", "format": "uuid" }, "version": { "type": "integer" },
        "title": { "type": "string" }, "snippet": { "type": "string", "description": "A part of the text that was found." },
        "highlights": { "type": "object", "required": ["title", "snippet"], "properties": { "title": spans("the title"), "snippet": spans("the snippet") } },
        "citation": { "type": "object", "required": ["field", "span"], "description": "Where in the record the text stands.",
            "properties": { "field": { "type": "string" }, "span": { "type": "array", "items": { "type": "integer" }, "minItems": 2, "maxItems": 2 } } } } });
    let codes = [Degraded::WordsOnly, Degraded::NamesOnly, Degraded::IndexBehind, Degraded::IndexBuilding].map(Degraded::as_str);
    let answer = json!({ "type": "object", "required": ["items", "partial", "degraded"], "properties": {
        "items": { "type": "array", "items": item, "maxItems": LIMIT_MAX },
        "partial": { "type": "boolean", "description": "There may be more than was looked at." },
        "degraded": { "type": "array", "description": "In which respects the answer is less than it could be.", "items": { "type": "string", "enum": codes } } } });
    let mut q =
        query("q", "What to look for: words, a question, a number.", json!({ "type": "string", "minLength": 1, "maxLength": TEXT_MAX, "pattern": "\\S" }));
    if let Some(q) = q.as_object_mut() {
        q.insert("required".into(), json!(true));
    }
    let parameters = json!([
        q,
        query("limit", "How many, best first.", json!({ "type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT_DEFAULT })),
        json!({ "name": "resource", "in": "query", "description": "Only of these resources.", "style": "form", "explode": false,
            "schema": { "type": "array", "minItems": 1, "items": { "type": "string", "pattern": "^[a-z_.]+$" } } }),
        query("prefix", "The last word may be the beginning of one.", json!({ "type": "boolean", "default": false })),
        json!({ "name": POSITION.as_str(), "in": "header", "description": "The position that a write answered with: the question waits briefly for the index to know of it.",
            "schema": { "type": "string", "pattern": "^[0-9a-f]{64}$" } }),
    ]);
    let operation = json!({ "operationId": "search", "tags": ["search"], "summary": "Find records by words and by meaning", "parameters": parameters,
        "responses": responses(json!({ "200": json_answer("What was found, best first.", answer) }), READ) });
    insert(paths, "/api/v1/search".into(), "get", operation);
}
