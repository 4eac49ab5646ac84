//! The screens: pages rendered on the server from the catalogue. Nobody writes a page for an entity.
//!
//! Start at [`router`], then at [`view::View`], what a page knows of its reader, and at [`list`], [`detail`] and
//! [`command`], which make up nearly everything: a form is the inputs of a command ([`form`]), and what it sends back is
//! decoded by the same declaration ([`decode`]). [`format`] is the one place that writes values for people.
//!
//! Deliberately absent: rules of the business, and any knowledge of a particular module. Scripts only improve what works
//! by links and forms; the chat is the exception, it lives on a stream.
//!
//! **Invariant:** what the reader may not do is not on the page. That is courtesy, not protection: the bus decides again.

mod chat;
mod command;
mod decode;
mod detail;
mod form;
mod format;
mod home;
mod index;
mod lines;
mod list;
mod login;
mod mark;
mod models;
mod picker;
mod related;
mod report;
mod search;
mod shell;
mod view;
mod visitor;

use crate::error::Problem;
use crate::state::AppState;
use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use steward_kernel::Module;
use visitor::Visitor;

pub(crate) use view::{list_path, record_path, with_query};

/// The pages.
pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/login", get(login::page).post(login::submit))
        .route("/logout", post(login::logout))
        .route("/", get(home::page))
        .route(search::PATH, get(search::page))
        .route("/app/chat", get(chat::page))
        .route("/app/chat/{conversation}", get(chat::conversation))
        .route("/app/reports/{name}", get(report::page))
        .route("/app/index", get(index::page))
        .route(models::PATH, get(models::page).post(models::attempt))
        .route("/app/pick/{module}/{resources}", get(picker::options))
        .route("/app/undo/{execution}", post(command::undo))
        .route("/app/{module}/{resources}", get(list::page))
        .route("/app/{module}/{resources}/new", get(command::create_form).post(command::create))
        .route("/app/{module}/{resources}/do/{word}", get(command::collection_form).post(command::collection))
        .route("/app/{module}/{resources}/{id}", get(detail::page))
        .route("/app/{module}/{resources}/{id}/related", get(related::fragment))
        .route("/app/{module}/{resources}/{id}/edit", get(command::edit_form).post(command::edit))
        .route("/app/{module}/{resources}/{id}/do/{word}", get(command::record_form).post(command::record))
        // A route for all the rest would stand in the way of the ones above.
        .route("/app/{module}", get(nowhere))
        .route("/app/{module}/{resources}/{id}/{rest}", get(nowhere))
}

/// The words of the pages themselves, beside those of the modules.
pub(crate) fn with_words(mut modules: Vec<Module>) -> Vec<Module> {
    if let Some(first) = modules.pop() {
        modules.push(first.labels("en", include_str!("../labels/en.ftl")).labels("de", include_str!("../labels/de.ftl")));
    }
    modules
}

async fn nowhere(visitor: Visitor) -> Response {
    visitor.answer(Err(Problem::no_route()))
}
