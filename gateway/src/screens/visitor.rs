//! Who is in front of the screen, and the two ways in which every page ends: an answer, or an error as a page.

use super::shell;
use super::view::View;
use crate::error::{Problem, correlation};
use crate::http::auth::{SessionUser, cookie, to_login};
use crate::http::extract::Path;
use crate::state::AppState;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use std::sync::{Arc, OnceLock};
use steward_kernel::labels::Labels;
use steward_kernel::{Principal, Read, Result};
use uuid::Uuid;

/// Holds what was just done, for the next page to say so.
const FLASH: &str = "steward_flash";

pub(super) const HX_REDIRECT: HeaderName = HeaderName::from_static("hx-redirect");

/// What was just done, and by which execution it can be taken back.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Flash {
    pub(super) command: String,
    pub(super) undo: Option<Uuid>,
}

impl Flash {
    /// Anything but a command's name and an execution's id is nothing.
    fn parse(text: &str) -> Option<Self> {
        let (command, undo) = text.split_once('/')?;
        let named = !command.is_empty() && command.len() <= 120 && command.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'_');
        named.then(|| Self { command: command.to_owned(), undo: Uuid::try_parse(undo).ok() })
    }
    fn cookie(&self) -> Option<HeaderValue> {
        let undo = self.undo.map(|id| id.to_string()).unwrap_or_default();
        HeaderValue::from_str(&format!("{FLASH}={}/{undo}; Path=/; HttpOnly; SameSite=Strict; Max-Age=120", self.command)).ok()
    }
    pub(super) fn gone() -> HeaderValue {
        HeaderValue::from_static("steward_flash=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0")
    }
}

/// What the request says of itself, apart from who asks.
#[derive(Clone)]
pub(super) struct Arrival {
    pub(super) method: Method,
    pub(super) uri: Uri,
    /// The script of the page asked, and wants a part of one.
    pub(super) is_partial: bool,
    pub(super) flash: Option<Flash>,
    labels: Arc<Labels>,
    /// What the browser prefers, until the user's own language is known.
    browser_language: String,
}

impl Arrival {
    pub(super) fn of(parts: &Parts, state: &AppState) -> Self {
        let labels = Arc::clone(&state.labels);
        let browser_language = preferred(&parts.headers, &labels);
        Self {
            method: parts.method.clone(),
            uri: parts.uri.clone(),
            is_partial: parts.headers.contains_key("hx-request"),
            flash: cookie(&parts.headers, FLASH).and_then(Flash::parse),
            labels,
            browser_language,
        }
    }
    pub(super) fn labels(&self) -> &Arc<Labels> {
        &self.labels
    }
    pub(super) fn browser_language(&self) -> &str {
        &self.browser_language
    }
    fn failed(&self, language: &str, problem: &Problem) -> Response {
        let body = shell::failure(&self.labels, language, problem, correlation().as_deref(), self.is_partial);
        (problem.status, shell::html_headers(), body.into_string()).into_response()
    }
}

/// The first language of `Accept-Language` that there are texts in.
fn preferred(headers: &HeaderMap, labels: &Labels) -> String {
    let wanted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let known = labels.languages();
    wanted
        .split(',')
        .filter_map(|part| part.split(';').next())
        .filter_map(|tag| tag.trim().split('-').next())
        .find_map(|main| known.iter().find(|name| name.eq_ignore_ascii_case(main)))
        .map_or_else(|| steward_kernel::labels::FALLBACK.to_owned(), |name| (*name).to_owned())
}

impl FromRequestParts<AppState> for Arrival {
    type Rejection = std::convert::Infallible;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> std::result::Result<Self, Self::Rejection> {
        Ok(Self::of(parts, state))
    }
}

/// The parts of the path. An id that is none is a page that is not there.
pub(super) struct At<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<AppState> for At<T> {
    type Rejection = Response;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> std::result::Result<Self, Response> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(problem) => {
                let arrival = Arrival::of(parts, state);
                Err(arrival.failed(&arrival.browser_language, &problem))
            }
        }
    }
}

/// A person with a session.
pub(super) struct Visitor {
    pub(super) principal: Principal,
    pub(super) arrival: Arrival,
    language: OnceLock<String>,
}

impl FromRequestParts<AppState> for Visitor {
    type Rejection = Response;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> std::result::Result<Self, Response> {
        let arrival = Arrival::of(parts, state);
        match SessionUser::from_request_parts(parts, state).await {
            Ok(SessionUser(principal)) => Ok(Self { principal, arrival, language: OnceLock::new() }),
            Err(refusal) => Err(whole(&arrival, refusal)),
        }
    }
}

/// A script that follows a redirect would put the page that it leads to into a corner of this one.
fn whole(arrival: &Arrival, mut response: Response) -> Response {
    if arrival.is_partial
        && response.status().is_redirection()
        && let Some(location) = response.headers_mut().remove(header::LOCATION)
    {
        return ([(HX_REDIRECT, location)], "").into_response();
    }
    response
}

impl Visitor {
    /// Opens the snapshot that the page is made from.
    pub(super) async fn open(&self, state: &AppState) -> Result<(Read, View)> {
        let read = state.kernel.read(&self.principal).await?;
        let view = View::new(&read, &self.arrival);
        let _ = self.language.set(view.language.clone());
        Ok((read, view))
    }

    /// Leads to another page. A flash is told there.
    pub(super) fn go(&self, to: &str, flash: Option<&Flash>) -> Response {
        let Ok(location) = HeaderValue::from_str(to) else { return self.answer(Err(Problem::no_route())) };
        let mut response = if self.arrival.is_partial {
            ([(HX_REDIRECT, location)], "").into_response()
        } else {
            (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
        };
        if let Some(cookie) = flash.and_then(Flash::cookie) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        response
    }

    /// The answer, or the error as a page with its code and correlation id. A session that has ended leads to the log-in.
    pub(super) fn answer(&self, result: std::result::Result<Response, Problem>) -> Response {
        match result {
            Ok(response) => response,
            Err(problem) if problem.code == "unauthenticated" => whole(&self.arrival, to_login(&self.arrival.method, &self.arrival.uri)),
            Err(problem) => {
                problem.log();
                self.arrival.failed(self.language.get().map_or(self.arrival.browser_language.as_str(), String::as_str), &problem)
            }
        }
    }
}

/// A path of our own pages, and nothing that a browser could take for another site.
pub(super) fn is_own_path(path: &str) -> bool {
    path.starts_with('/') && !path.starts_with("//") && !path.contains('\\') && !path.bytes().any(|b| b.is_ascii_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_our_own_are_followed() {
        for (path, own) in [
            ("/app/sales/orders?a=b", true),
            ("/", true),
            ("//evil.example", false),
            ("/\\evil.example", false),
            ("https://evil.example", false),
            ("", false),
            ("/a\nb", false),
        ] {
            assert_eq!(is_own_path(path), own, "{path:?}");
        }
    }

    #[test]
    fn a_flash_is_a_command_and_an_execution() {
        let id = Uuid::nil();
        assert_eq!(Flash::parse(&format!("sales.order.confirm/{id}")), Some(Flash { command: "sales.order.confirm".into(), undo: Some(id) }));
        assert_eq!(Flash::parse("sales.order.confirm/"), Some(Flash { command: "sales.order.confirm".into(), undo: None }));
        assert_eq!(Flash::parse("<script>/"), None);
    }
}
