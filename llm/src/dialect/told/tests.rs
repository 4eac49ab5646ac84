use super::*;
use crate::chat::Delta;
use crate::dialect::{Head, frames};

const ALL: [Dialect; 3] = [Dialect::OpenAiChat, Dialect::OpenAiResponses, Dialect::Anthropic];

/// The error of a request that is not answered.
fn before(told: &Told, dialect: Dialect) -> Value {
    let mut body: Value = serde_json::from_slice(&told.body(dialect, Some("req_1"))).unwrap();
    body["error"].take()
}

/// The error with which a stream breaks off.
fn within(error: &Error, dialect: Dialect) -> Value {
    let head = Head { id: "abc".to_owned(), model: "alias".to_owned(), created: 1, shows_usage: true };
    let mut frames = frames(dialect, head);
    frames.chunk(&Delta::Text("half".to_owned()).into());
    let event = String::from_utf8(frames.failure(error).to_vec()).unwrap();
    let data = event.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
    let mut event: Value = serde_json::from_str(data).unwrap();
    match dialect {
        Dialect::OpenAiResponses => event["response"]["error"].take(),
        Dialect::OpenAiChat | Dialect::Anthropic => event["error"].take(),
    }
}

#[test]
fn a_failure_has_the_same_names_before_the_first_byte_and_within_a_stream() {
    for kind in Kind::ALL {
        for error in [Error::new(kind), Error::new(kind).with_upstream_code("their_code"), Error::new(kind).with_reason("our_reason")] {
            for dialect in ALL {
                assert_eq!(before(&Told::of(&error), dialect), within(&error, dialect), "{kind:?}, {dialect:?}");
            }
        }
    }
}

#[test]
fn every_failure_has_names_that_clients_know() {
    // Status, then OpenAI's type and code in chat completions and in responses, then Anthropic's type.
    let expected = [
        (Kind::Connect, 502, "server_error", "connect", "server_error", "api_error"),
        (Kind::Upstream, 502, "server_error", "upstream", "server_error", "api_error"),
        (Kind::HeaderTimeout, 504, "server_error", "header_timeout", "server_error", "timeout_error"),
        (Kind::FirstTokenTimeout, 504, "server_error", "first_token_timeout", "server_error", "timeout_error"),
        (Kind::IdleTimeout, 504, "server_error", "idle_timeout", "server_error", "timeout_error"),
        (Kind::Cut, 502, "server_error", "cut", "server_error", "api_error"),
        (Kind::Malformed, 502, "server_error", "malformed", "server_error", "api_error"),
        (Kind::RateLimited, 429, "rate_limit_error", "rate_limit_exceeded", "rate_limit_exceeded", "rate_limit_error"),
        (Kind::QuotaExhausted, 503, "server_error", "quota_exhausted", "server_error", "overloaded_error"),
        (Kind::Unauthorized, 502, "server_error", "unauthorized", "server_error", "api_error"),
        (Kind::ModelUnavailable, 404, "invalid_request_error", "model_not_found", "model_not_found", "not_found_error"),
        (Kind::InvalidToolCall, 502, "server_error", "invalid_tool_call", "server_error", "api_error"),
        (Kind::ContextLength, 400, "invalid_request_error", "context_length_exceeded", "context_length_exceeded", "invalid_request_error"),
        (Kind::ContentPolicy, 400, "invalid_request_error", "content_policy_violation", "invalid_prompt", "invalid_request_error"),
        (Kind::BadRequest, 400, "invalid_request_error", "bad_request", "bad_request", "invalid_request_error"),
        (Kind::Unsupported, 400, "invalid_request_error", "unsupported", "unsupported", "invalid_request_error"),
        (Kind::Cancelled, 499, "invalid_request_error", "cancelled", "cancelled", "invalid_request_error"),
        (Kind::Refused, 403, "permission_error", "refused", "refused", "permission_error"),
        (Kind::Deadline, 504, "server_error", "deadline", "server_error", "timeout_error"),
        (Kind::Unavailable, 503, "server_error", "unavailable", "server_error", "overloaded_error"),
        (Kind::Misconfigured, 500, "server_error", "misconfigured", "server_error", "api_error"),
    ];
    assert_eq!(expected.map(|(kind, ..)| kind), Kind::ALL);
    for (kind, status, openai, chat, responses, anthropic) in expected {
        let told = Told::of(&kind.into());
        let of = |dialect: Dialect, field: &str| before(&told, dialect)[field].as_str().map(str::to_owned);
        assert_eq!((told.status(), told.code()), (status, kind.code()));
        assert_eq!((of(Dialect::OpenAiChat, "type").as_deref(), of(Dialect::OpenAiChat, "code").as_deref()), (Some(openai), Some(chat)), "{kind:?}");
        assert_eq!(
            (of(Dialect::OpenAiResponses, "type").as_deref(), of(Dialect::OpenAiResponses, "code").as_deref()),
            (Some(openai), Some(responses)),
            "{kind:?}"
        );
        assert_eq!((of(Dialect::Anthropic, "type").as_deref(), of(Dialect::Anthropic, "code")), (Some(anthropic), None), "{kind:?}");
    }
}

#[test]
fn our_own_code_is_always_told() {
    for kind in Kind::ALL {
        for dialect in ALL {
            let error = before(&Told::of(&kind.into()), dialect);
            let (code, message) = (error["code"].as_str(), error["message"].as_str().unwrap());
            let told = code == Some(kind.code()) || message == format!("{kind} ({})", kind.code());
            assert!(told && message.starts_with(&kind.to_string()), "{dialect:?}: {error}");
        }
    }
}

#[test]
fn what_the_provider_said_is_told_only_where_the_caller_can_mend_it() {
    for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Refused) {
        let told = Told::of(&Error::new(kind).with_upstream_code("their_code"));
        let is_told = ALL.map(|dialect| before(&told, dialect).to_string().contains("their_code"));
        assert_eq!(is_told, [kind.owner() == Owner::Caller; 3], "{kind:?}");
    }
    let told = Told::of(&Error::new(Kind::ContextLength).with_upstream_code("context_length_exceeded"));
    assert_eq!(told.message(), Kind::ContextLength.to_string(), "what has a name of its own is not said twice");
}

#[test]
fn a_refusal_of_ours_has_the_code_of_what_refused_it() {
    let code = |error: Error| Told::of(&error).code().to_owned();
    assert_eq!(code(Error::new(Kind::Refused).with_reason("price_unknown")), "price_unknown");
    assert_eq!(code(Error::new(Kind::Refused).with_upstream_code("guard_forbidden")), "guard_forbidden");
    assert_eq!(code(Error::new(Kind::ContextLength).with_reason("context_window")), "context_length");
}

#[test]
fn a_refusal_is_named_by_its_status() {
    let error = |status, code, dialect| before(&Told::refusal(status, code, "no").about("model"), dialect);
    assert_eq!(
        error(401, "invalid_api_key", Dialect::OpenAiChat),
        json!({"message": "no", "type": "authentication_error", "param": "model", "code": "invalid_api_key"})
    );
    assert_eq!(error(429, "insufficient_quota", Dialect::OpenAiResponses)["type"], "insufficient_quota");
    assert_eq!(error(503, "limits_unavailable", Dialect::OpenAiResponses)["code"], "server_error");
    assert_eq!(error(413, "too_large", Dialect::Anthropic), json!({"type": "request_too_large", "message": "no (too_large)"}));
    let body: Value = serde_json::from_slice(&Told::refusal(404, "model_not_found", "no").body(Dialect::Anthropic, Some("r"))).unwrap();
    assert_eq!((&body["type"], &body["request_id"]), (&json!("error"), &json!("r")));
}
