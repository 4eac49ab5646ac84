//! Reading one's own writes: a write tells its position, and what the same person asks next knows of it.
//!
//! A program passes the header on itself. For our own pages [`remember`] puts it into a cookie for as long as the index may
//! need, so that the search box and the assistant find what was just written, whichever page or door wrote it.

use super::auth::{COOKIE, cookie};
use super::rest::search::POSITION;
use crate::state::AppState;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use steward_kernel::Principal;
use steward_kernel::bus::{Executed, Kernel};
use steward_rag::retrieve::Position;

/// Holds the position of the last write of the browser.
pub(crate) const LAST_WRITE: &str = "steward_position";
/// The index is behind for a second; a stuck one must not slow every question down for the rest of the day.
const KEPT_SECONDS: u32 = 60;

/// The position that the browser brings. One that is not of this tenant is none.
pub(crate) fn of_cookie(kernel: &Kernel, asker: &Principal, headers: &HeaderMap) -> Option<Position> {
    Position::open(kernel, asker.tenant, cookie(headers, LAST_WRITE)?).ok()
}

/// Tells the position of what was executed.
pub(crate) fn tell<'a>(kernel: &Kernel, asker: &Principal, done: impl IntoIterator<Item = &'a Executed>, response: &mut Response) {
    let Some(last) = done.into_iter().filter_map(|done| done.transaction).max() else { return };
    if let Ok(position) = HeaderValue::from_str(&Position::of(last).seal(kernel, asker.tenant)) {
        response.headers_mut().insert(POSITION, position);
    }
}

/// Gives the browser the position of its write.
pub(super) async fn remember(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let is_page = cookie(request.headers(), COOKIE).is_some();
    let mut response = next.run(request).await;
    let Some(position) = response.headers().get(POSITION).filter(|_| is_page).and_then(|position| position.to_str().ok()) else { return response };
    let secure = if state.config.is_https() { "; Secure" } else { "" };
    let kept = format!("{LAST_WRITE}={position}; Path=/; HttpOnly; SameSite=Strict; Max-Age={KEPT_SECONDS}{secure}");
    if let Ok(kept) = HeaderValue::from_str(&kept) {
        response.headers_mut().append(header::SET_COOKIE, kept);
    }
    response
}
