//! The chat: an empty stage. The script fills it from the assistant's own routes, and shows what a model says as text only.

use super::shell::{icon, page as frame};
use super::view::{Of, View, list_path};
use super::visitor::{At, Visitor};
use crate::error::Problem;
use crate::http::assets;
use crate::http::extract::Parameters;
use crate::state::AppState;
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use serde_json::{Map, Value, json};
use steward_kernel::{CommandSpec, Field, Kind};
use uuid::Uuid;

/// The words that the script needs.
const WORDS: &[&str] = &[
    "ask",
    "stop",
    "you",
    "assistant",
    "confirm",
    "reject",
    "undo",
    "done",
    "undone",
    "rejected",
    "expired",
    "would-happen",
    "effects",
    "follows",
    "warnings",
    "field",
    "before",
    "after",
    "new",
    "no-change",
    "sources",
    "figures",
    "degraded",
    "failed",
    "interrupted",
    "open",
    "thinking",
    "new-chat",
    "no-chats",
    "retry",
    "yes",
    "no",
    "delete-chat",
    "delete-chat-sure",
    "asked-only",
    "read-texts",
    "tainted",
    "tainted-text",
    "tainted-chosen",
    "masked",
    "step",
    "stopped",
    "irreversible",
    "duplicate",
    "create-anyway",
    "older-chats",
    "older-messages",
    "step-query",
    "step-search",
    "step-report",
    "step-propose",
    "step-open-screen",
];

pub(super) async fn page(State(state): State<AppState>, visitor: Visitor, parameters: Parameters) -> Response {
    let asked = parameters.0.into_iter().find(|(name, _)| name == "q").map(|(_, text)| text).unwrap_or_default();
    visitor.answer(build(&state, &visitor, None, &asked).await)
}

pub(super) async fn conversation(State(state): State<AppState>, visitor: Visitor, At(id): At<Uuid>) -> Response {
    visitor.answer(build(&state, &visitor, Some(id), "").await)
}

async fn build(state: &AppState, visitor: &Visitor, conversation: Option<Uuid>, asked: &str) -> Result<Response, Problem> {
    let (read, view) = visitor.open(state).await?;
    read.finish().await?;
    let title = view.t("chat");
    Ok(frame(&view, &title, body(&view, conversation, asked)))
}

/// Labels and addresses of what may be cited or proposed, so that a card reads like a page.
fn names(view: &View) -> Value {
    let mut resources = Map::new();
    for resource in view.catalogue.resources.values().filter(|resource| view.may_read(resource)) {
        let of = Of::Resource(&resource.name);
        let choices = |field: &Field| match &field.kind {
            Kind::Choice(choices) => choices.iter().map(|choice| (choice.to_string(), json!(view.choice(of, &field.name, choice)))).collect(),
            _ => Map::new(),
        };
        let fields: Map<String, Value> = view
            .fields(resource)
            .map(|field| (field.name.to_string(), json!({ "label": view.label(of, field), "kind": field.kind.name(), "choices": choices(field) })))
            .collect();
        resources.insert(resource.name.to_string(), json!({ "label": view.singular(resource), "path": list_path(resource), "fields": fields }));
    }
    let commands: Map<String, Value> =
        view.catalogue.commands.values().filter(|spec| view.may_run(spec)).map(|spec| (spec.name.to_string(), json!(view.command(spec)))).collect();
    let inputs: Map<String, Value> =
        view.catalogue.commands.values().filter(|spec| view.may_run(spec)).map(|spec| (spec.name.to_string(), inputs(view, spec, &spec.inputs))).collect();
    json!({ "resources": resources, "commands": commands, "inputs": inputs })
}

/// What the inputs of a command are called, those of its lines with them.
fn inputs(view: &View, spec: &CommandSpec, fields: &[Field]) -> Value {
    let of = Of::Command(spec);
    let input = |field: &Field| {
        let mut told = json!({ "label": view.label(of, field), "kind": field.kind.name() });
        match &field.kind {
            Kind::Choice(choices) => told["choices"] = choices.iter().map(|choice| (choice.to_string(), json!(view.choice(of, &field.name, choice)))).collect(),
            Kind::Lines(fields) => told["lines"] = inputs(view, spec, fields),
            _ => {}
        }
        (field.name.to_string(), told)
    };
    Value::Object(fields.iter().map(input).collect())
}

fn body(view: &View, conversation: Option<Uuid>, asked: &str) -> Markup {
    let words: Map<String, Value> = WORDS.iter().map(|word| ((*word).to_owned(), Value::String(view.t(word)))).collect();
    html! {
        div class="steward-chat" id="chat" data-conversation=[conversation] data-words=(Value::Object(words)) data-names=(names(view)) data-language=(view.language) data-time-zone=(view.calendar.time_zone.name()) {
            aside class="steward-threads card" aria-label=(view.t("threads")) {
                div class="card-header" {
                    h2 class="card-title" { (view.t("threads")) }
                    div class="card-actions" { a class="btn btn-sm" href="/app/chat" id="new-chat" { (icon("plus")) (view.t("new-chat")) } }
                }
                nav class="list-group list-group-flush" id="threads" aria-label=(view.t("threads")) {}
            }
            section class="steward-stage card" aria-label=(view.t("chat")) {
                div class="steward-messages" id="messages" role="log" aria-live="polite" tabindex="0" aria-label=(view.t("messages")) {
                    div class="empty" id="welcome" {
                        div class="empty-icon" { (icon("message-circle")) }
                        h1 class="empty-title" { (view.t("chat-welcome")) }
                        p class="empty-subtitle text-secondary" { (view.t("chat-hint")) }
                    }
                }
                form class="card-footer steward-composer" id="composer" {
                    label class="visually-hidden" for="message" { (view.t("ask-placeholder")) }
                    textarea class="form-control" id="message" name="text" rows="2" maxlength="4000" required placeholder=(view.t("ask-placeholder")) autofocus { (asked) }
                    button class="btn btn-primary" type="submit" id="send" { (icon("send")) span class="d-none d-sm-inline" { (view.t("send")) } }
                    button class="btn" type="button" id="stop" hidden { (icon("player-stop")) (view.t("stop")) }
                }
            }
        }
        noscript { p { (view.t("needs-script")) } }
        script type="module" src=(assets::url("steward/chat.js")) {}
    }
}
