//! `[telemetry]`: where spans and figures are sent, beside the log and `/metrics`.

use anyhow::{Result, bail};
use axum::http::{HeaderName, Uri};
use secrecy::SecretString;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// Export over OTLP. Off unless an endpoint is set.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Telemetry {
    /// The base address of a collector that takes OTLP over HTTP, such as `http://localhost:4318`.
    pub otlp_endpoint: Option<String>,
    /// What the collector asks for, such as a key. They are secrets.
    pub headers: BTreeMap<String, SecretString>,
    /// The name under which this program is known there.
    pub service_name: String,
    /// The share of requests whose spans are sent, from 0 to 1. A request that comes with a trace of its own follows that one's choice.
    pub sample_ratio: f64,
    /// How often figures are sent.
    pub export_seconds: u64,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self { otlp_endpoint: None, headers: BTreeMap::new(), service_name: "steward".into(), sample_ratio: 1.0, export_seconds: 15 }
    }
}

impl Telemetry {
    pub(crate) fn is_on(&self) -> bool {
        self.otlp_endpoint.is_some()
    }

    pub(crate) fn interval(&self) -> Duration {
        Duration::from_secs(self.export_seconds)
    }

    pub(super) fn check(&self) -> Result<()> {
        let refuse = |key: &str, message: &str| bail!("the configuration is not valid, key `telemetry.{key}`: {message}");
        if let Some(endpoint) = &self.otlp_endpoint
            && !Uri::try_from(endpoint).is_ok_and(|url| matches!(url.scheme_str(), Some("http" | "https")) && url.query().is_none())
        {
            return refuse("otlp_endpoint", "it must be an address such as http://localhost:4318");
        }
        if self.headers.keys().any(|name| HeaderName::from_bytes(name.as_bytes()).is_err()) {
            return refuse("headers", "one of the names cannot be that of a header");
        }
        if !(0.0..=1.0).contains(&self.sample_ratio) {
            return refuse("sample_ratio", "it must lie between 0 and 1");
        }
        if self.export_seconds == 0 {
            return refuse("export_seconds", "it must be greater than 0");
        }
        Ok(())
    }
}
