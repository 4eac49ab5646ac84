//! Coming and going: the log-in page and the log-out.

use super::shell;
use super::view::word;
use super::visitor::{Arrival, Flash, Visitor, is_own_path};
use crate::error::Problem;
use crate::http::assets;
use crate::http::auth::{Client, log_in, no_cookie, same_origin, session_cookie};
use crate::state::AppState;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;

#[derive(Deserialize, Default)]
pub(super) struct Asked {
    #[serde(default)]
    next: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Typed {
    tenant: String,
    email: String,
    password: String,
    next: String,
}

fn render(arrival: &Arrival, typed: &Typed, error: Option<&str>) -> Markup {
    let language = arrival.browser_language();
    let t = |id: &str| word(arrival.labels(), language, id);
    let body = html! {
        main id="content" class="page page-center" {
            div class="container container-tight py-4" {
                div class="text-center mb-4" { img class="steward-mark" src=(assets::url("steward/mark.svg")) alt="" width="40" height="40"; span class="steward-brand" { "Steward" } }
                div class="card card-md" {
                    div class="card-body" {
                        h1 class="h2 text-center mb-4" { (t("login")) }
                        @if let Some(error) = error { div class="alert alert-danger" role="alert" id="error" { (error) } }
                        form method="post" action="/login" {
                            input type="hidden" name="next" value=(typed.next);
                            div class="mb-3" {
                                label class="form-label" for="tenant" { (t("tenant")) }
                                input class="form-control" id="tenant" name="tenant" value=(typed.tenant) required autocomplete="organization" autocapitalize="none" autofocus[typed.tenant.is_empty()];
                            }
                            div class="mb-3" {
                                label class="form-label" for="email" { (t("email")) }
                                input class="form-control" id="email" name="email" type="email" value=(typed.email) required autocomplete="username";
                            }
                            div class="mb-3" {
                                label class="form-label" for="password" { (t("password")) }
                                input class="form-control" id="password" name="password" type="password" required autocomplete="current-password" autofocus[!typed.tenant.is_empty()];
                            }
                            button class="btn btn-primary w-100" type="submit" { (t("login")) }
                        }
                    }
                }
            }
        }
    };
    shell::bare(language, &t("login"), &body)
}

pub(super) async fn page(arrival: Arrival, Query(asked): Query<Asked>) -> Response {
    let typed = Typed { next: asked.next, ..Typed::default() };
    (shell::html_headers(), render(&arrival, &typed, None).into_string()).into_response()
}

pub(super) async fn submit(State(state): State<AppState>, Client(client): Client, arrival: Arrival, headers: HeaderMap, Form(typed): Form<Typed>) -> Response {
    let came = async {
        same_origin(&arrival.method, &headers, &state)?;
        let login = log_in(&state, client, typed.tenant.trim(), typed.email.trim(), &typed.password).await?;
        session_cookie(&state, &login.access_token)
    };
    match came.await {
        Ok(cookie) => {
            let next = if is_own_path(&typed.next) { typed.next.as_str() } else { "/" };
            (StatusCode::SEE_OTHER, [(header::LOCATION, next), (header::CACHE_CONTROL, "no-store")], [(header::SET_COOKIE, cookie)]).into_response()
        }
        Err(problem) => {
            problem.log();
            let language = arrival.browser_language();
            let text = match problem.code {
                "unauthenticated" => word(arrival.labels(), language, "login-failed"),
                _ if problem.status.is_server_error() => word(arrival.labels(), language, "ours"),
                _ => problem.detail.to_string(),
            };
            (problem.status, shell::html_headers(), render(&arrival, &typed, Some(&text)).into_string()).into_response()
        }
    }
}

pub(super) async fn logout(State(state): State<AppState>, visitor: Visitor) -> Response {
    if let Err(error) = state.auth.logout(&visitor.principal).await {
        return visitor.answer(Err(Problem::from(error)));
    }
    let mut response = (StatusCode::SEE_OTHER, [(header::LOCATION, "/login")]).into_response();
    response.headers_mut().append(header::SET_COOKIE, no_cookie());
    response.headers_mut().append(header::SET_COOKIE, Flash::gone());
    response
}
