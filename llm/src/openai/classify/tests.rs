use std::time::{Duration, SystemTime};

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::json;

use super::{RETRY_AFTER_MAX, in_stream, response, retry_after};
use crate::error::{Kind, Owner};

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&'static str, &str)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    pairs.iter().map(pair).collect()
}

#[test]
fn every_answer_of_an_upstream_has_its_row_in_the_table() {
    let cases = [
        (500, "oops", Kind::Upstream),
        (502, "<html>", Kind::Upstream),
        (529, r#"{"error":{"type":"overloaded_error"}}"#, Kind::Upstream),
        (408, "", Kind::Upstream),
        (302, "", Kind::Upstream),
        (501, r#"{"error":{"code":501,"message":"no tools here"}}"#, Kind::ModelUnavailable),
        (429, r#"{"error":{"code":"rate_limit_exceeded","message":"slow down"}}"#, Kind::RateLimited),
        (429, r#"{"error":{"code":"insufficient_quota"}}"#, Kind::QuotaExhausted),
        (429, r#"{"error":{"type":"insufficient_quota","code":null}}"#, Kind::QuotaExhausted),
        (429, r#"{"error":{"message":"You reached your monthly spend limit"}}"#, Kind::QuotaExhausted),
        (402, "{}", Kind::QuotaExhausted),
        (401, "{}", Kind::Unauthorized),
        (403, "{}", Kind::Unauthorized),
        (404, "{}", Kind::ModelUnavailable),
        (400, r#"{"error":{"message":"The model `x` does not exist"}}"#, Kind::ModelUnavailable),
        (400, r#"{"error":{"code":"context_length_exceeded"}}"#, Kind::ContextLength),
        (400, r#"{"error":{"code":400,"type":"exceed_context_size_error"}}"#, Kind::ContextLength),
        (400, r#"{"error":{"message":"maximum context length is 4096"}}"#, Kind::ContextLength),
        (400, r#"{"error":{"code":"content_filter"}}"#, Kind::ContentPolicy),
        (400, r#"[{"error":{"code":400,"message":"bad"}}]"#, Kind::BadRequest),
        (400, "not json", Kind::BadRequest),
        (413, "", Kind::BadRequest),
        (422, r#"{"detail":[]}"#, Kind::BadRequest),
    ];
    for (status, body, kind) in cases {
        let error = response(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), body.as_bytes());
        assert_eq!((error.kind(), error.status()), (kind, Some(status)), "{status} {body}");
    }
}

#[test]
fn a_rate_limit_that_says_when_is_no_exhausted_quota() {
    let body = br#"{"error":{"message":"quota of requests per minute reached"}}"#;
    let error = response(StatusCode::TOO_MANY_REQUESTS, &headers(&[("retry-after", "7")]), body);
    assert_eq!((error.kind(), error.owner(), error.retry_after()), (Kind::RateLimited, Owner::Credential, Some(Duration::from_secs(7))));
}

#[test]
fn an_error_object_in_a_stream_is_classified_like_a_status() {
    assert_eq!(in_stream(&json!({"code": 429, "message": "slow down"})).kind(), Kind::RateLimited);
    assert_eq!(in_stream(&json!({"type": "invalid_request_error", "code": "context_length_exceeded"})).kind(), Kind::ContextLength);
    assert_eq!(in_stream(&json!({"type": "server_error"})).kind(), Kind::Upstream);
    assert_eq!(in_stream(&json!("boom")).kind(), Kind::Upstream);
}

#[test]
fn the_text_of_an_error_never_quotes_the_upstream() {
    let body = br#"{"error":{"code":"bad thing: my salary is 7","message":"my salary is 7"}}"#;
    let error = response(StatusCode::BAD_REQUEST, &HeaderMap::new(), body);
    assert_eq!(error.upstream_code(), None);
    assert!(!format!("{error} {error:?}").contains("salary"));
}

#[test]
fn retry_after_is_read_in_its_three_forms_and_bounded() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
    let read = |pairs: &[(&'static str, &str)]| retry_after(&headers(pairs), now);
    assert_eq!(read(&[("retry-after-ms", "1500"), ("retry-after", "9")]), Some(Duration::from_millis(1_500)));
    assert_eq!(read(&[("retry-after", "9")]), Some(Duration::from_secs(9)));
    assert_eq!(read(&[("retry-after", "Sun, 06 Nov 1994 08:49:40 GMT")]), Some(Duration::from_secs(3)));
    assert_eq!(read(&[("retry-after", "Sun, 06 Nov 1994 08:49:00 GMT")]), Some(Duration::ZERO));
    assert_eq!(read(&[("retry-after", "1e300")]), Some(RETRY_AFTER_MAX));
    for nonsense in ["-1", "soon", "NaN", ""] {
        assert_eq!(read(&[("retry-after", nonsense)]), None, "{nonsense}");
    }
}
