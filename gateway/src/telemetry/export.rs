//! Spans and figures over OTLP, for whoever has a collector.
//!
//! Start at [`Export::new`]. What is sent is what the log and `/metrics` show: no prompts, no answers, no keys. Batches are sent by
//! threads of the library, so no request waits for the collector; while that is away spans are lost after a bounded queue is full.

use super::{figures, instruments::Instruments};
use crate::config::Telemetry;
use anyhow::{Context, Result};
use opentelemetry::trace::{SpanKind, TracerProvider};
use opentelemetry::{KeyValue, Value};
use opentelemetry_otlp::{MetricExporter, Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, SpanData};
use secrecy::ExposeSecret;
use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::registry::LookupSpan;

/// How long one batch may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long the last batches may take when the program ends.
const LAST: Duration = Duration::from_secs(5);

/// The way to a collector, until the program ends.
pub struct Export {
    spans: SdkTracerProvider,
    figures: SdkMeterProvider,
}

impl Export {
    /// `None` where no collector is configured. To be called outside a runtime: the clients within block their threads.
    ///
    /// # Errors
    /// If no client can be made for the address.
    pub fn new(config: &Telemetry) -> Result<Option<Self>> {
        let Some(endpoint) = &config.otlp_endpoint else { return Ok(None) };
        let address = |signal: &str| format!("{}/v1/{signal}", endpoint.trim_end_matches('/'));
        let headers = || config.headers.iter().map(|(name, value)| (name.clone(), value.expose_secret().to_owned())).collect::<HashMap<_, _>>();
        let resource = Resource::builder()
            .with_service_name(config.service_name.clone())
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let http = SpanExporter::builder().with_http().with_protocol(Protocol::HttpBinary);
        let spans = http.with_endpoint(address("traces")).with_headers(headers()).with_timeout(TIMEOUT).build().context("telemetry.otlp_endpoint")?;
        let http = MetricExporter::builder().with_http().with_protocol(Protocol::HttpBinary);
        let figures = http.with_endpoint(address("metrics")).with_headers(headers()).with_timeout(TIMEOUT).build().context("telemetry.otlp_endpoint")?;
        let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.sample_ratio)));
        let spans = SdkTracerProvider::builder().with_sampler(sampler).with_resource(resource.clone()).with_batch_exporter(Named(spans)).build();
        let reader = PeriodicReader::builder(figures).with_interval(config.interval()).build();
        let figures = SdkMeterProvider::builder().with_resource(resource).with_reader(reader).build();
        Ok(Some(Self { spans, figures }))
    }

    /// What hands the spans over.
    pub(super) fn layer<S: Subscriber + for<'span> LookupSpan<'span>>(&self) -> impl Layer<S> + use<S> {
        let tracer = self.spans.tracer("steward");
        // Where in the source a span begins, and on which thread, tells operators nothing.
        tracing_opentelemetry::layer().with_tracer(tracer).with_location(false).with_threads(false).with_tracked_inactivity(false)
    }

    /// What takes the figures in.
    pub(super) fn instruments(&self) -> Instruments {
        Instruments::new(&self.figures, figures::bounds)
    }

    /// Sends what is left. The program ends whether it arrives or not.
    pub fn close(self) {
        for (what, sent) in [("spans", self.spans.shutdown_with_timeout(LAST)), ("figures", self.figures.shutdown_with_timeout(LAST))] {
            if let Err(error) = sent {
                tracing::warn!(what, %error, "the last of the telemetry could not be sent");
            }
        }
    }
}

/// Gives spans the names that OpenTelemetry's conventions ask for, off the way of the requests.
#[derive(Debug)]
struct Named(SpanExporter);

impl opentelemetry_sdk::trace::SpanExporter for Named {
    async fn export(&self, mut batch: Vec<SpanData>) -> OTelSdkResult {
        batch.iter_mut().for_each(name);
        self.0.export(batch).await
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.set_resource(resource);
    }
}

fn name(span: &mut SpanData) {
    let parts = match &*span.name {
        "http.request.serve" => {
            span.span_kind = SpanKind::Server;
            ["method", "route"]
        }
        "llm.attempt" => ["gen_ai.operation.name", "gen_ai.request.model"],
        _ => return,
    };
    let text = |key: &str| span.attributes.iter().find(|attribute| attribute.key.as_str() == key).map(|attribute| as_text(&attribute.value));
    if let [Some(first), Some(second)] = parts.map(text) {
        span.name = format!("{first} {second}").into();
    }
}

fn as_text(value: &Value) -> Cow<'_, str> {
    value.as_str()
}
