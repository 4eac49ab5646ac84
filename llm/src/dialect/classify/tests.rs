use std::time::Duration;

use serde_json::json;

use super::{in_stream, response};
use crate::error::{Kind, Owner};

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
        (
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 210000 tokens > 200000 maximum"}}"#,
            Kind::ContextLength,
        ),
        (
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the API."}}"#,
            Kind::QuotaExhausted,
        ),
        (402, r#"{"type":"error","error":{"type":"billing_error"}}"#, Kind::QuotaExhausted),
        (404, r#"{"type":"error","error":{"type":"not_found_error","message":"model: claude-none"}}"#, Kind::ModelUnavailable),
        (504, r#"{"type":"error","error":{"type":"timeout_error"}}"#, Kind::Upstream),
        (400, r#"[{"error":{"code":400,"message":"bad"}}]"#, Kind::BadRequest),
        (400, "not json", Kind::BadRequest),
        (413, "", Kind::BadRequest),
        (422, r#"{"detail":[]}"#, Kind::BadRequest),
    ];
    for (status, body, kind) in cases {
        let error = response(status, None, body.as_bytes());
        assert_eq!((error.kind(), error.status()), (kind, Some(status)), "{status} {body}");
    }
}

#[test]
fn a_rate_limit_that_says_when_is_no_exhausted_quota() {
    let body = br#"{"error":{"message":"quota of requests per minute reached"}}"#;
    let error = response(429, Some(Duration::from_secs(7)), body);
    assert_eq!((error.kind(), error.owner(), error.retry_after()), (Kind::RateLimited, Owner::Credential, Some(Duration::from_secs(7))));
}

#[test]
fn an_error_object_in_a_stream_is_classified_like_a_status() {
    assert_eq!(in_stream(&json!({"code": 429, "message": "slow down"})).kind(), Kind::RateLimited);
    assert_eq!(in_stream(&json!({"type": "invalid_request_error", "code": "context_length_exceeded"})).kind(), Kind::ContextLength);
    assert_eq!(in_stream(&json!({"type": "server_error"})).kind(), Kind::Upstream);
    assert_eq!(in_stream(&json!({"type": "overloaded_error", "message": "Overloaded"})).kind(), Kind::Upstream);
    assert_eq!(in_stream(&json!({"type": "not_found_error"})).kind(), Kind::ModelUnavailable);
    assert_eq!(in_stream(&json!("boom")).kind(), Kind::Upstream);
}

#[test]
fn the_text_of_an_error_never_quotes_the_upstream() {
    let body = br#"{"error":{"code":"bad thing: my salary is 7","message":"my salary is 7"}}"#;
    let error = response(400, None, body);
    assert_eq!(error.upstream_code(), None);
    assert!(!format!("{error} {error:?}").contains("salary"));
}
