//! Who asks: log-in, log-out, and the extractors of all doors.
//!
//! [`Authenticated`] is for `/api`: a bearer token or an API key, else the session cookie of our own pages.
//! [`SessionUser`] is for screens: the cookie only, and who has none is led to the log-in page. Whoever brings a cookie
//! with a request that changes something must come from our own pages ([`same_origin`]); a bearer token needs no such
//! check, because no browser sends it by itself.
//!
//! **Invariant:** what an extractor hands out says who asks, not what he may do: every unit of work reads that anew,
//! and refuses a session that has ended.

use super::extract::{Json, Parameters};
use super::middleware::Correlation;
use crate::error::{Answer, Problem};
use crate::state::AppState;
use axum::extract::{ConnectInfo, FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use axum::{Json as JsonBody, Router};
use serde::Deserialize;
use serde_json::json;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use steward_identity::auth::Login;
use steward_kernel::{Code, Door, Error, Principal};

/// The cookie that holds a session's token in the browser.
pub(crate) const COOKIE: &str = "steward_session";

/// Where the log-in page is.
pub(crate) const LOGIN_PAGE: &str = "/login";

pub(crate) fn router() -> Router<AppState> {
    Router::new().route("/api/v1/auth/login", post(login)).route("/api/v1/auth/logout", post(logout))
}

/// Somebody with a valid token, API key or session cookie, through the door REST. Its rights are read later.
pub(crate) struct Authenticated(pub(crate) Principal);

impl FromRequestParts<AppState> for Authenticated {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        match credentials(parts, state).await? {
            Some(principal) => Ok(Self(principal)),
            None => Err(Problem::unauthenticated("log in, or send an access token or an API key as `Authorization: Bearer`")),
        }
    }
}

/// Somebody or nobody; wrong credentials are refused all the same.
pub(crate) struct MaybeAuthenticated(pub(crate) Option<Principal>);

impl FromRequestParts<AppState> for MaybeAuthenticated {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        credentials(parts, state).await.map(Self)
    }
}

/// A person in front of our pages, through the door Screen. Without a session: to the log-in page, and back afterwards.
pub(crate) struct SessionUser(pub(crate) Principal);

impl FromRequestParts<AppState> for SessionUser {
    type Rejection = Response;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let Some(token) = cookie(&parts.headers, COOKIE) else { return Err(to_login(&parts.method, &parts.uri)) };
        let principal = match state.auth.authenticate(token).await {
            Ok(principal) if principal.interactive => principal,
            Ok(_) => return Err(to_login(&parts.method, &parts.uri)),
            Err(error) if error.code == Code::Unauthenticated => return Err(to_login(&parts.method, &parts.uri)),
            Err(error) => return Err(Problem::from(error).into_response()),
        };
        same_origin(&parts.method, &parts.headers, state).map_err(IntoResponse::into_response)?;
        Ok(Self(arrived(principal, Door::Screen, &parts.extensions)))
    }
}

/// The answer to a page's request without a living session; also for a page whose unit of work found that it has ended.
pub(crate) fn to_login(method: &Method, uri: &Uri) -> Response {
    let next = if method == Method::GET { uri.path_and_query().map_or("/", |path| path.as_str()) } else { "/" };
    let mut encoded = String::with_capacity(next.len());
    for byte in next.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    Redirect::to(&format!("{LOGIN_PAGE}?next={encoded}")).into_response()
}

async fn credentials(parts: &Parts, state: &AppState) -> Result<Option<Principal>, Problem> {
    let principal = match bearer(&parts.headers)? {
        Some(token) => state.auth.authenticate(token).await?,
        None => match cookie(&parts.headers, COOKIE) {
            Some(token) => {
                same_origin(&parts.method, &parts.headers, state)?;
                state.auth.authenticate(token).await?
            }
            None => return Ok(None),
        },
    };
    if let Some(wanted) = parts.headers.get("x-tenant-id") {
        let wanted = wanted.to_str().unwrap_or("");
        // The token decides; the header may only agree.
        if state.kernel.tenants.find(wanted).await.map(|found| found.tenant).ok() != Some(principal.tenant) {
            return Err(Error::new(Code::Forbidden, "X-Tenant-Id names another tenant than the one of the token").into());
        }
    }
    Ok(Some(arrived(principal, Door::Rest, &parts.extensions)))
}

/// The principal with the door that it came through and the request's correlation id.
fn arrived(principal: Principal, door: Door, extensions: &Extensions) -> Principal {
    tracing::Span::current().record("tenant.id", tracing::field::display(principal.tenant));
    let correlation = extensions.get::<Correlation>().map_or_else(|| Arc::clone(&principal.correlation), |id| Arc::clone(&id.0));
    Principal { door, correlation, ..principal }
}

fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let refused = || Problem::unauthenticated("Authorization takes `Bearer` and an access token or an API key");
    let (scheme, token) = value.to_str().map_err(|_| refused())?.split_once(' ').ok_or_else(refused)?;
    let token = token.trim();
    if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() { Ok(Some(token)) } else { Err(refused()) }
}

pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, value)| *key == name && !value.is_empty())
        .map(|(_, value)| value)
}

/// Requests that change something and bring a cookie must come from our own pages: by what browsers say themselves
/// (`Sec-Fetch-Site`, which no page can forge), else by `Origin`, whose scheme, host and port must all be ours: a page that
/// came without TLS is not our own where we are reached by TLS. Neither of them is a refusal.
pub(crate) fn same_origin(method: &Method, headers: &HeaderMap, state: &AppState) -> Result<(), Problem> {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    // A header that is no text, or that comes twice, proves nothing.
    let text = |name: HeaderName| {
        let mut values = headers.get_all(name).iter();
        values.next().filter(|_| values.next().is_none()).and_then(|value| value.to_str().ok())
    };
    let own = match headers.contains_key(SEC_FETCH_SITE) {
        true => text(SEC_FETCH_SITE) == Some("same-origin"),
        false => text(header::ORIGIN).and_then(Origin::parse).is_some_and(|origin| {
            let https = match text(FORWARDED_PROTO).filter(|_| state.config.server.behind_proxy) {
                Some(scheme) => scheme.eq_ignore_ascii_case("https"),
                None => state.config.is_https(),
            };
            let reached = text(header::HOST).and_then(|host| Origin::parse(&format!("{}://{host}", if https { "https" } else { "http" })));
            reached.as_ref() == Some(&origin) || Origin::parse(&state.config.public_url()) == Some(origin)
        }),
    };
    if own { Ok(()) } else { Err(Error::new(Code::Forbidden, "this request does not come from one of our own pages").because("gateway.cross_site").into()) }
}

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Scheme, host and port; the port of the scheme where none is written.
#[derive(Debug, PartialEq, Eq)]
struct Origin {
    scheme: String,
    host: String,
    port: u16,
}

impl Origin {
    /// Of an origin or of an address; `null` and what is neither http nor https is none.
    fn parse(text: &str) -> Option<Self> {
        let uri: Uri = text.parse().ok()?;
        let scheme = uri.scheme_str()?.to_ascii_lowercase();
        let usual = match scheme.as_str() {
            "http" => 80,
            "https" => 443,
            _ => return None,
        };
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'))?;
        // A port that is no number must not read like none.
        let port = match authority.as_str().strip_prefix(authority.host())? {
            "" => usual,
            written => written.strip_prefix(':')?.parse().ok()?,
        };
        Some(Self { scheme, host: authority.host().to_ascii_lowercase(), port })
    }
}

/// `Set-Cookie` for a session; it ends with the browser, or with the session on the server.
pub(crate) fn session_cookie(state: &AppState, token: &str) -> Result<HeaderValue, Problem> {
    let secure = if state.config.is_https() { "; Secure" } else { "" };
    let mut value = HeaderValue::from_str(&format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict{secure}"))
        .map_err(|error| Error::internal("a token does not fit into a cookie").with_source(error))?;
    value.set_sensitive(true);
    Ok(value)
}

/// `Set-Cookie` that takes the session's cookie away.
pub(crate) fn no_cookie() -> HeaderValue {
    HeaderValue::from_static("steward_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0")
}

/// Logs in with the limits that hold for every door; the log-in page calls this too.
pub(crate) async fn log_in(state: &AppState, client: IpAddr, tenant: &str, email: &str, password: &str) -> Result<Login, Problem> {
    let place = format!("{client}|{}|{}", tenant.to_lowercase(), email.trim().to_lowercase());
    let counters = [state.logins.counter(place, 1).await, state.logins.counter(client.to_string(), 10).await];
    if counters.iter().any(Counter::is_full) {
        let error = Error::new(Code::RateLimited, "too many failed log-ins; try again in a quarter of an hour");
        return Err(Problem::from(error).header(header::RETRY_AFTER, "900"));
    }
    // Counted before the answer is known, so that many attempts at once are not all the first one.
    counters.iter().for_each(Counter::count);
    let result = state.auth.login(tenant, email, password).await;
    if !result.as_ref().is_err_and(|error| error.code == Code::Unauthenticated) {
        counters.iter().for_each(Counter::uncount);
    }
    Ok(result?)
}

/// Failed log-ins, by address and e-mail and by address alone. In this process only: behind it an account locks itself.
pub(crate) struct LoginLimiter {
    failures_max: u32,
    failures: moka::future::Cache<String, Arc<AtomicU32>>,
}

pub(crate) struct Counter {
    failures: Arc<AtomicU32>,
    max: u32,
}

impl LoginLimiter {
    pub(crate) fn new(failures_max: u32) -> Self {
        let failures = moka::future::Cache::builder().max_capacity(100_000).time_to_live(Duration::from_secs(15 * 60)).build();
        Self { failures_max, failures }
    }
    async fn counter(&self, key: String, factor: u32) -> Counter {
        let key = key.chars().take(300).collect();
        Counter { failures: self.failures.get_with(key, async { Arc::default() }).await, max: self.failures_max.saturating_mul(factor) }
    }
}

impl Counter {
    fn is_full(&self) -> bool {
        self.failures.load(Ordering::Relaxed) >= self.max
    }
    fn count(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }
    fn uncount(&self) {
        self.failures.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The address of the client: of the connection, or what a trusted proxy says of it.
pub(crate) struct Client(pub(crate) IpAddr);

impl FromRequestParts<AppState> for Client {
    type Rejection = std::convert::Infallible;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Self::Rejection> {
        // The last address is the one that our proxy saw; those before it anybody can write.
        let forwarded = || parts.headers.get("x-forwarded-for")?.to_str().ok()?.rsplit(',').next()?.trim().parse().ok();
        let proxied: Option<IpAddr> = if state.config.server.behind_proxy { forwarded() } else { None };
        let direct = || parts.extensions.get::<ConnectInfo<SocketAddr>>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |info| info.0.ip());
        Ok(Self(proxied.unwrap_or_else(direct)))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Credentials {
    tenant: String,
    email: String,
    password: String,
}

async fn login(State(state): State<AppState>, Client(client): Client, parameters: Parameters, Json(given): Json<Credentials>) -> Answer {
    parameters.finish()?;
    let login = log_in(&state, client, &given.tenant, &given.email, &given.password).await?;
    let body = json!({
        "access_token": login.access_token,
        "token_type": "Bearer",
        "expires_at": login.expires_at,
        "user": { "id": login.user, "name": login.name, "language": login.language, "tenant": login.tenant_slug, "tenant_id": login.tenant },
    });
    Ok(([(header::CACHE_CONTROL, "no-store")], JsonBody(body)).into_response())
}

async fn logout(State(state): State<AppState>, Authenticated(asker): Authenticated) -> Answer {
    state.auth.logout(&asker).await?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, no_cookie())]).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_static("a=b; steward_session=x.y=z; c=d"));
        assert_eq!(cookie(&headers, COOKIE), Some("x.y=z"));
        assert_eq!(cookie(&headers, "session"), None);
    }

    #[test]
    fn authorization_takes_a_bearer() {
        let mut headers = HeaderMap::new();
        assert!(bearer(&headers).unwrap().is_none());
        for (value, good) in [("Bearer abc", true), ("bearer abc", true), ("Basic abc", false), ("Bearer ", false), ("Bearer", false)] {
            headers.insert(header::AUTHORIZATION, HeaderValue::from_static(value));
            assert_eq!(bearer(&headers).is_ok(), good, "{value}");
        }
    }

    #[test]
    fn origins_are_the_same_by_scheme_host_and_port() {
        let ours = Origin::parse("https://erp.example").unwrap();
        for same in ["https://erp.example:443", "HTTPS://ERP.example", "https://erp.example/"] {
            assert_eq!(Origin::parse(same).as_ref(), Some(&ours), "{same}");
        }
        for other in [
            "http://erp.example",
            "https://erp.example:8443",
            "http://erp.example:443",
            "https://erp.example.evil",
            "https://evil.example",
            "null",
            "",
            "erp.example",
            "ftp://erp.example",
            "https://erp.example@evil.example",
            "https://x@erp.example",
            "https://erp.example:x",
        ] {
            assert_ne!(Origin::parse(other).as_ref(), Some(&ours), "{other}");
        }
    }

    #[test]
    fn the_way_to_the_log_in_page_leads_back() {
        let response = to_login(&Method::GET, &Uri::from_static("/sales/orders?a=b&c=d"));
        assert_eq!(response.headers()[header::LOCATION], "/login?next=/sales/orders%3Fa%3Db%26c%3Dd");
    }
}
