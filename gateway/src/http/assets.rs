//! Files that browsers load: our own and vendored ones, embedded in the program.

use crate::error::{Answer, Problem};
use crate::http::extract::Path;
use crate::state::AppState;
use axum::Router;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rust_embed::RustEmbed;
use std::fmt::Write as _;

#[derive(RustEmbed)]
#[folder = "assets/"]
struct Assets;

pub(crate) fn router() -> Router<AppState> {
    Router::new().route("/assets/{*path}", get(serve))
}

/// The address of a file, with a mark of its content, so that browsers may keep it for good.
pub(crate) fn url(path: &str) -> String {
    match Assets::get(path) {
        Some(file) => format!("/assets/{path}?v={}", mark(&file.metadata.sha256_hash(), 6)),
        None => format!("/assets/{path}"),
    }
}

fn mark(hash: &[u8], bytes: usize) -> String {
    hash.iter().take(bytes).fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("css") => "text/css; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("webp") => "image/webp",
        Some("woff2") => "font/woff2",
        Some("woff") => "font/woff",
        Some("json" | "map") => "application/json",
        Some("html") => "text/html; charset=utf-8",
        _ => "text/plain; charset=utf-8",
    }
}

async fn serve(Path(path): Path<String>, uri: axum::http::Uri, headers: HeaderMap) -> Answer {
    let file = Assets::get(&path).ok_or_else(Problem::no_route)?;
    let etag = format!("\"{}\"", mark(&file.metadata.sha256_hash(), 16));
    let etag = HeaderValue::from_str(&etag).map_err(|_| Problem::no_route())?;
    // Named with its mark it can never be another file; without, the browser asks again.
    let keep = if uri.query().is_some_and(|query| query.starts_with("v=")) { "public, max-age=31536000, immutable" } else { "public, no-cache" };
    let fixed = [(header::ETAG, etag.clone()), (header::CACHE_CONTROL, HeaderValue::from_static(keep))];
    if headers.get(header::IF_NONE_MATCH) == Some(&etag) {
        return Ok((StatusCode::NOT_MODIFIED, fixed).into_response());
    }
    let kind = [(header::CONTENT_TYPE, content_type(&path))];
    let response: Response = (fixed, kind, file.data.into_owned()).into_response();
    Ok(response)
}
