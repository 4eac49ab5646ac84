//! What logs and metrics show of all this, and what they never show.

use std::io::Write;
use std::sync::{Arc, Mutex};

use metrics_exporter_prometheus::PrometheusBuilder;
use steward_llm::{BreakerConfig, ChatRequest, Message, OpenAiConfig, collect};
use tracing_subscriber::fmt::MakeWriter;

use crate::scripted::{Configured, PATIENT, Says, chain, config, link, request};
use crate::upstream::{Step, Upstream, answer, finish, status, stream, text};

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
        let config = OpenAiConfig { api_key: Some("SECRET-KEY".into()), ..config(upstream.base_url()) };
        let link = Configured::new(&config).link(&BreakerConfig::default());
        let request = ChatRequest { messages: vec![Message::user("SECRET-WORD")], ..request() };
        assert!(!format!("{request:?} {config:?}").contains("SECRET"));
        match chain(vec![link]).with_last_resort(Says::planner()).chat(&request).await {
            Ok(served) => drop(collect(served.stream).await),
            Err(error) => assert!(!format!("{error} {error:?}").contains("SECRET")),
        }
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
            let good = vec![stream(), garbled, text("fine"), finish("stop"), Step::End];
            let upstream = Upstream::start([good, answer("left")].into_iter().chain(failing)).await;
            let chain = chain(vec![link("first", upstream.base_url(), PATIENT)]).with_last_resort(Says::planner());
            collect(chain.chat(&request()).await.unwrap().stream).await.unwrap();
            drop(chain.chat(&request()).await.unwrap());
            for _ in 0..3 {
                collect(chain.chat(&request()).await.unwrap().stream).await.unwrap();
            }
            assert_eq!(chain.links()[0].provider().name(), "first");
        });
    });
    let shown = metrics.render();
    for line in [
        "steward_llm_requests_total{provider=\"first\",outcome=\"ok\"} 1",
        "steward_llm_requests_total{provider=\"first\",outcome=\"abandoned\"} 1",
        "steward_llm_requests_total{provider=\"first\",outcome=\"upstream\"} 5",
        "steward_llm_requests_total{provider=\"first\",outcome=\"refused\"} 2",
        "steward_llm_requests_total{provider=\"planner\",outcome=\"ok\"} 3",
        "steward_llm_malformed_frames_total{provider=\"first\"} 1",
        "steward_llm_breaker_state{provider=\"first\",scope=\"endpoint\",model=\"\"} 2",
    ] {
        assert!(shown.contains(line), "{line}\n{shown}");
    }
}
