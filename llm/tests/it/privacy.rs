//! What logs and metrics show of all this, and what they never show.

use std::io::Write;
use std::sync::{Arc, Mutex};

use metrics_exporter_prometheus::PrometheusBuilder;
use steward_llm::{ChatRequest, Message};
use tracing_subscriber::fmt::MakeWriter;

use crate::board::{Site, assisted, site};
use crate::scripted::request;
use crate::upstream::{Step, Upstream, answer, event, finish, status, stream, text};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn no_prompt_answer_or_key_reaches_a_log() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone()).finish();
    // For all threads: what other tests write may be in the log, but only this one knows the secrets.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let echo = r#"{"error": {"message": "cannot answer SECRET-WORD", "code": "SECRET-WORD of mine", "type": "SECRET WORD"}}"#;
    let garbled = Step::Send(b"data: {\"choices\": SECRET-WORD\n\n".to_vec());
    let scripts = [
        status(500, &[], echo),
        status(400, &[], echo),
        status(401, &[], echo),
        vec![stream(), text("SECRET-WORD"), garbled, finish("stop"), Step::End],
        vec![stream(), text("SECRET-WORD"), Step::Close],
    ];
    for script in scripts {
        let upstream = Upstream::start([script]).await;
        let board = assisted(vec![Site { keys: vec!["main"], ..site("first", upstream.base_url()) }]);
        let request = ChatRequest { messages: vec![Message::user("SECRET-WORD")], ..request() };
        assert!(!format!("{request:?}").contains("SECRET"));
        match board.chat(&request).await {
            Ok(served) => drop(served.answer.into_reply().await),
            Err(error) => assert!(!format!("{error} {error:?}").contains("SECRET")),
        }
        let settled = format!("{:?} {:?}", board.ledger.settled(), board.lines("first"));
        assert!(!settled.contains("SECRET"), "{settled}");
    }
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("an attempt at a model provider failed"), "{log}");
    assert!(!log.contains("SECRET"), "{log}");
}

#[test]
fn metrics_count_every_attempt_by_its_outcome_and_show_the_breaker() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    metrics::with_local_recorder(&recorder, || {
        runtime.block_on(async {
            let garbled = Step::Send(b"data: {\n\n".to_vec());
            let failing = std::iter::repeat_n(status(500, &[], ""), 5);
            let usage = event(&serde_json::json!({"choices": [], "usage": {"prompt_tokens": 20, "completion_tokens": 7, "total_tokens": 27}}));
            let good = vec![stream(), garbled, text("fine"), finish("stop"), usage, Step::End];
            let upstream = Upstream::start([good, answer("left")].into_iter().chain(failing)).await;
            let board = assisted(vec![site("first", upstream.base_url())]);
            board.chat(&request()).await.unwrap().answer.into_reply().await.unwrap();
            drop(board.chat(&request()).await.unwrap());
            for _ in 0..3 {
                board.chat(&request()).await.unwrap().answer.into_reply().await.unwrap();
            }
        });
    });
    let shown = metrics.render();
    let duration = |error: &str| {
        format!(
            "gen_ai_client_operation_duration_count{{gen_ai_operation_name=\"chat\",gen_ai_provider_name=\"first\",gen_ai_request_model=\"scripted\"{error}}}"
        )
    };
    for line in [
        "steward_llm_attempts_total{provider=\"first\",model=\"scripted\",outcome=\"ok\"} 1",
        "steward_llm_attempts_total{provider=\"first\",model=\"scripted\",outcome=\"abandoned\"} 1",
        "steward_llm_attempts_total{provider=\"first\",model=\"scripted\",outcome=\"upstream\"} 5",
        "steward_llm_skipped_total{provider=\"first\",model=\"scripted\",reason=\"open\"} 2",
        "steward_llm_attempts_total{provider=\"planner\",model=\"\",outcome=\"ok\"} 3",
        "steward_llm_fallbacks_total{alias=\"asked\",reason=\"upstream\"} 2",
        "steward_llm_malformed_frames_total{provider=\"first\"} 1",
        "steward_llm_breaker_state{provider=\"first\",scope=\"model\",model=\"scripted\"} 2",
        &format!("{} 1", duration("")),
        &format!("{} 5", duration(",error_type=\"upstream\"")),
        "gen_ai_server_time_to_first_token_count{gen_ai_operation_name=\"chat\",gen_ai_provider_name=\"first\",gen_ai_request_model=\"scripted\"} 2",
        "gen_ai_client_token_usage_sum{gen_ai_operation_name=\"chat\",gen_ai_provider_name=\"first\",gen_ai_request_model=\"scripted\",gen_ai_token_type=\"input\"} 20",
        "gen_ai_client_token_usage_sum{gen_ai_operation_name=\"chat\",gen_ai_provider_name=\"first\",gen_ai_request_model=\"scripted\",gen_ai_token_type=\"output\"} 7",
    ] {
        assert!(shown.contains(line), "{line}\n{shown}");
    }
}
