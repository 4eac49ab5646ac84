//! What is measured of calls to models, by the names of OpenTelemetry's conventions for generative AI where it has some.
//!
//! Labels are names from the configuration and codes of this program, so that their number is bounded; of what an upstream says only
//! its name for the model gets into a span, and only if it is a short identifier. Never prompts, answers or keys.

use std::sync::Arc;

use metrics::{Label, SharedString, Unit};

use crate::chat::{FinishReason, Usage};
use crate::dispatch::{Attempted, Outcome};
use crate::error::Kind;

/// Seconds from the start of an attempt to its end, by operation, provider, model and `error.type`.
pub const OPERATION_DURATION: &str = "gen_ai.client.operation.duration";
/// Tokens of an attempt, by `gen_ai.token.type`: `input` or `output`.
pub const TOKEN_USAGE: &str = "gen_ai.client.token.usage";
/// Seconds from the start of an attempt to the first part that shows something.
pub const TIME_TO_FIRST_TOKEN: &str = "gen_ai.server.time_to_first_token";

/// The bounds that the conventions ask for, in the histogram's own unit.
pub const BUCKETS: [(&str, &[f64]); 3] = [
    (OPERATION_DURATION, &[0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92]),
    (TIME_TO_FIRST_TOKEN, &[0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0]),
    (TOKEN_USAGE, &[1.0, 4.0, 16.0, 64.0, 256.0, 1_024.0, 4_096.0, 16_384.0, 65_536.0, 262_144.0, 1_048_576.0, 4_194_304.0, 16_777_216.0, 67_108_864.0]),
];

/// Tells the recorder what the names mean. To be called once, when it is there.
pub fn describe() {
    metrics::describe_histogram!(OPERATION_DURATION, Unit::Seconds, "Time of an attempt at a model, from its start to its end");
    metrics::describe_histogram!(TIME_TO_FIRST_TOKEN, Unit::Seconds, "Time from the start of an attempt to the first part that shows something");
    metrics::describe_histogram!(TOKEN_USAGE, Unit::Count, "Tokens of an attempt, by type");
    metrics::describe_counter!("steward_llm_attempts_total", "Attempts at models by provider, model and outcome");
    metrics::describe_counter!("steward_llm_skipped_total", "Targets that were not asked because a breaker was open or their key or model rests");
    metrics::describe_counter!("steward_llm_fallbacks_total", "Requests that another than the first choice answered, by alias and why");
    metrics::describe_counter!("steward_llm_malformed_frames_total", "Frames of answers that could not be read and were left out");
    metrics::describe_counter!(
        "steward_llm_tokens_total",
        "Tokens that attempts at models took, by provider, model and kind; cached and reasoning ones are part of input and output"
    );
    metrics::describe_gauge!("steward_llm_breaker_state", "Where a breaker stands: 0 closed, 1 half-open, 2 open");
}

/// Whom a figure is about.
pub(crate) struct Labels<'a> {
    pub(crate) operation: &'static str,
    pub(crate) provider: &'a Arc<str>,
    pub(crate) vendor: &'a Arc<str>,
    pub(crate) model: &'a Arc<str>,
}

fn shared(text: &Arc<str>) -> SharedString {
    SharedString::from_shared(Arc::clone(text))
}

impl Labels<'_> {
    fn conventional(&self) -> Vec<Label> {
        vec![
            Label::new("gen_ai.operation.name", self.operation),
            Label::new("gen_ai.provider.name", shared(self.vendor)),
            Label::new("gen_ai.request.model", shared(self.model)),
        ]
    }
}

/// The span of one attempt.
pub(crate) fn span(labels: &Labels<'_>, address: &str, credential: &str) -> tracing::Span {
    tracing::info_span!(
        "llm.attempt",
        otel.kind = "client",
        gen_ai.operation.name = labels.operation,
        gen_ai.provider.name = &**labels.vendor,
        gen_ai.request.model = &**labels.model,
        gen_ai.response.model = tracing::field::Empty,
        gen_ai.response.finish_reasons = tracing::field::Empty,
        gen_ai.usage.input_tokens = tracing::field::Empty,
        gen_ai.usage.output_tokens = tracing::field::Empty,
        server.address = address,
        llm.provider = &**labels.provider,
        llm.credential = credential,
        error.type = tracing::field::Empty,
    )
}

/// The model's name in the answer.
pub(crate) fn answered_as(span: &tracing::Span, model: Option<&str>) {
    let is_identifier = |model: &&str| model.len() <= 128 && model.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-./:@".contains(&byte));
    if let Some(model) = model.filter(is_identifier) {
        span.record("gen_ai.response.model", model);
    }
}

/// Why the answer ended.
pub(crate) fn finished(span: &tracing::Span, reason: Option<&FinishReason>) {
    if let Some(reason) = reason {
        // Another reason is the upstream's own word.
        span.record("gen_ai.response.finish_reasons", if matches!(reason, FinishReason::Other(_)) { "other" } else { reason.as_str() });
    }
}

/// One attempt is over.
pub(crate) fn attempt(span: &tracing::Span, labels: &Labels<'_>, attempt: &Attempted, usage: Option<Usage>) {
    let code = attempt.outcome.code();
    metrics::counter!("steward_llm_attempts_total", "provider" => shared(labels.provider), "model" => shared(labels.model), "outcome" => code).increment(1);
    let mut all = labels.conventional();
    if let Some(first_token) = attempt.first_token {
        metrics::histogram!(TIME_TO_FIRST_TOKEN, all.clone()).record(first_token);
    }
    if let Some(usage) = usage {
        tracing::record_all!(span, gen_ai.usage.input_tokens = usage.input_tokens, gen_ai.usage.output_tokens = usage.output_tokens);
        for (kind, tokens) in [("input", usage.input_tokens), ("output", usage.output_tokens)] {
            let mut typed = all.clone();
            typed.push(Label::from_static_parts("gen_ai.token.type", kind));
            #[expect(clippy::cast_precision_loss, reason = "no answer has as many tokens as a float has whole numbers")]
            metrics::histogram!(TOKEN_USAGE, typed).record(tokens as f64);
        }
    }
    if let Some(usage) = usage {
        tokens(labels, usage);
    }
    if attempt.outcome != Outcome::Answered {
        span.record("error.type", code);
        all.push(Label::from_static_parts("error.type", code));
    }
    metrics::histogram!(OPERATION_DURATION, all).record(attempt.duration);
}

/// Kinds that an attempt took none of are left out: most attempts take no more than two.
fn tokens(labels: &Labels<'_>, usage: Usage) {
    let kinds = [
        ("input", usage.input_tokens),
        ("cache_read", usage.cache_read_tokens),
        ("cache_write", usage.cache_write_tokens),
        ("cache_write_long", usage.cache_write_long_tokens),
        ("output", usage.output_tokens),
        ("reasoning", usage.reasoning_tokens),
    ];
    for (kind, tokens) in kinds.into_iter().filter(|(_, tokens)| *tokens > 0) {
        metrics::counter!("steward_llm_tokens_total", "provider" => shared(labels.provider), "model" => shared(labels.model), "kind" => kind).increment(tokens);
    }
}

/// A target was not asked.
pub(crate) fn skipped(provider: &Arc<str>, model: &Arc<str>, reason: &'static str) {
    metrics::counter!("steward_llm_skipped_total", "provider" => shared(provider), "model" => shared(model), "reason" => reason).increment(1);
}

/// Another than the first choice answered.
pub(crate) fn fell_back(alias: &Arc<str>, reason: Kind) {
    metrics::counter!("steward_llm_fallbacks_total", "alias" => shared(alias), "reason" => reason.code()).increment(1);
}
