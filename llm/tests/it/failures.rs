//! Every way in which one attempt can fail, and what it is called.

use std::time::{Duration, Instant};

use serde_json::json;
use steward_llm::{ChatRequest, Delta, Kind, OpenAiConfig, Owner, Phase, Timeouts};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::scripted::{PATIENT, ask, config, provider, read, request};
use crate::upstream::{Step, Upstream, delta, done, event, finish, nobody, status, stream, text, within};

async fn kind_of(script: Vec<Step>, timeouts: Timeouts) -> Kind {
    let upstream = Upstream::start([script]).await;
    within(ask(&provider(upstream.base_url(), timeouts), &request())).await.unwrap_err().kind()
}

#[tokio::test]
async fn a_status_is_classified_with_its_headers_and_body() {
    let body = r#"{"error": {"message": "slow down", "type": "requests", "code": "rate_limit_exceeded"}}"#;
    let upstream = Upstream::start([status(429, &[("retry-after", "7")], body)]).await;

    let error = ask(&provider(upstream.base_url(), PATIENT), &request()).await.unwrap_err();

    assert_eq!((error.kind(), error.owner(), error.status()), (Kind::RateLimited, Owner::Credential, Some(429)));
    assert_eq!((error.retry_after(), error.upstream_code()), (Some(Duration::from_secs(7)), Some("rate_limit_exceeded")));
    assert_eq!(upstream.requests().len(), 1, "a provider never retries by itself");
}

#[tokio::test]
async fn an_error_tells_how_far_the_attempt_had_come() {
    let role = || delta(&json!({"role": "assistant", "content": ""}));
    let cases = [
        (vec![Step::Close], Phase::Connect),
        (status(500, &[], ""), Phase::Headers),
        (vec![stream(), role(), Step::Close], Phase::FirstToken),
        (vec![stream(), text("half"), Step::Close], Phase::Stream),
    ];
    for (script, phase) in cases {
        let upstream = Upstream::start([script]).await;
        let error = within(ask(&provider(upstream.base_url(), PATIENT), &request())).await.unwrap_err();
        assert_eq!(error.phase(), Some(phase));
    }
}

#[tokio::test]
async fn a_server_error_is_the_providers_fault_and_is_not_retried_here() {
    let upstream = Upstream::start([status(500, &[], "boom")]).await;

    let error = ask(&provider(upstream.base_url(), PATIENT), &request()).await.unwrap_err();

    assert_eq!((error.kind(), error.owner()), (Kind::Upstream, Owner::Provider));
    assert_eq!(upstream.requests().len(), 1);
}

#[tokio::test]
async fn a_refused_key_is_the_credentials_fault() {
    assert_eq!(kind_of(status(401, &[], "{}"), PATIENT).await, Kind::Unauthorized);
}

#[tokio::test]
async fn a_wrong_request_is_the_callers_fault() {
    assert_eq!(kind_of(status(400, &[], r#"{"error": {"message": "bad"}}"#), PATIENT).await, Kind::BadRequest);
}

#[tokio::test]
async fn an_error_whose_body_does_not_come_is_known_by_its_status() {
    assert_eq!(kind_of(vec![Step::Head(503, Vec::new()), Step::Hang], PATIENT).await, Kind::Upstream);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Upstream::start([status(200, &[], "")]).await;
    let script = status(307, &[("location", &format!("{}/chat/completions", elsewhere.base_url()))], "");

    assert_eq!(kind_of(script, PATIENT).await, Kind::Upstream);
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn a_refused_connection_and_an_unknown_name_are_failed_connections() {
    for base_url in [nobody().await, "http://nowhere.invalid/v1".to_owned()] {
        let error = within(ask(&provider(base_url, PATIENT), &request())).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Connect);
    }
}

#[tokio::test]
async fn a_failed_tls_handshake_is_a_failed_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("https://{}/v1", listener.local_addr().unwrap());
    let plain_text = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        socket.write_all(b"HTTP/1.1 400 This is no TLS\r\n\r\n").await.unwrap();
        std::future::pending::<()>().await;
    };
    let provider = provider(base_url, PATIENT);
    let request = request();
    tokio::select! {
        result = within(ask(&provider, &request)) => assert_eq!(result.unwrap_err().kind(), Kind::Connect),
        () = plain_text => unreachable!(),
    }
}

#[tokio::test]
async fn a_reset_before_the_headers_is_a_failed_connection() {
    assert_eq!(kind_of(vec![Step::Close], PATIENT).await, Kind::Connect);
}

#[tokio::test]
async fn headers_that_do_not_come_are_given_up() {
    assert_eq!(kind_of(vec![Step::Hang], Timeouts { headers_ms: 100, ..PATIENT }).await, Kind::HeaderTimeout);
}

#[tokio::test]
async fn a_first_token_that_does_not_come_is_given_up_in_spite_of_pings_and_roles() {
    let pings = Step::Every(Duration::from_millis(20), 100_000, b": ping\n\n".to_vec());
    let script = vec![stream(), delta(&json!({"role": "assistant", "content": ""})), pings];
    assert_eq!(kind_of(script, Timeouts { first_token_ms: 200, ..PATIENT }).await, Kind::FirstTokenTimeout);
}

#[tokio::test]
async fn a_stall_in_the_middle_is_given_up_in_spite_of_pings_and_empty_frames() {
    let pings = Step::Every(Duration::from_millis(20), 100_000, b": ping\n\ndata: {\"choices\": [{\"delta\": {}}]}\n\n".to_vec());
    let script = vec![stream(), text("one"), pings];
    assert_eq!(kind_of(script, Timeouts { idle_ms: 200, ..PATIENT }).await, Kind::IdleTimeout);
}

#[tokio::test]
async fn an_endless_answer_ends_with_the_total_time() {
    let trickle = Step::Every(Duration::from_millis(20), 100_000, b"data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n".to_vec());
    assert_eq!(kind_of(vec![stream(), trickle], Timeouts { total_ms: 300, ..PATIENT }).await, Kind::Deadline);
}

#[tokio::test]
async fn the_deadline_of_the_request_bounds_every_wait() {
    let upstream = Upstream::start([vec![Step::Hang]]).await;
    let request = ChatRequest { deadline: Instant::now() + Duration::from_millis(100), ..request() };

    let error = within(ask(&provider(upstream.base_url(), PATIENT), &request)).await.unwrap_err();

    assert_eq!((error.kind(), error.owner()), (Kind::Deadline, Owner::Gateway));
}

#[tokio::test]
async fn a_cut_answer_ends_with_an_error_and_no_finish() {
    let cuts = [vec![stream(), text("half"), Step::Close], vec![stream(), text("half"), Step::End], vec![stream(), text("half"), done(), Step::End]];
    for script in cuts {
        let upstream = Upstream::start([script]).await;
        let stream = provider(upstream.base_url(), PATIENT).chat(&request()).await.unwrap();
        let deltas = read(stream).await;
        let [Ok(Delta::Start { .. }), Ok(Delta::Text(half)), Err(error)] = &deltas[..] else { panic!("{deltas:?}") };
        assert_eq!((half.as_str(), error.kind()), ("half", Kind::Cut));
    }
}

#[tokio::test]
async fn a_success_that_is_no_answer_is_malformed() {
    assert_eq!(kind_of(status(200, &[("content-type", "text/html")], "<html>Welcome</html>"), PATIENT).await, Kind::Malformed);
    assert_eq!(kind_of(status(200, &[], ""), PATIENT).await, Kind::Malformed);
    let endless_line = vec![stream(), Step::Send(vec![b'x'; 2 * 1024 * 1024]), Step::Hang];
    assert_eq!(kind_of(endless_line, PATIENT).await, Kind::Malformed);
}

#[tokio::test]
async fn an_error_object_in_a_stream_is_an_error() {
    let error = json!({"error": {"message": "overloaded", "type": "overloaded_error"}});
    assert_eq!(kind_of(vec![stream(), event(&error), Step::End], PATIENT).await, Kind::Upstream);
    assert_eq!(kind_of(vec![stream(), text("half"), event(&error), done(), Step::End], PATIENT).await, Kind::Upstream);
    assert_eq!(kind_of(vec![stream(), text("half"), finish("error"), done(), Step::End], PATIENT).await, Kind::Upstream);
}

#[tokio::test]
async fn a_configuration_that_cannot_work_is_refused_at_the_start() {
    for base_url in ["not an address", "ftp://example.com/v1"] {
        let error = config(base_url.to_owned()).endpoint().err().unwrap();
        assert_eq!(error.kind(), Kind::Misconfigured);
    }
    let config = OpenAiConfig { api_key: Some("two\nlines".into()), ..config("http://localhost/v1".to_owned()) };
    assert_eq!(config.endpoint().err().unwrap().kind(), Kind::Misconfigured);
}
