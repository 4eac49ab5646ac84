//! How long an upstream asks to wait.

use std::time::{Duration, SystemTime};

use reqwest::header::{HeaderMap, RETRY_AFTER};

/// Longer waits are taken for this one.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60 * 60);

/// `retry-after-ms`, or `retry-after` in seconds or as a date.
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
    let milliseconds = text("retry-after-ms").and_then(number).map(|ms| ms / 1_000.0);
    let seconds = || text(RETRY_AFTER.as_str()).and_then(number);
    let date = || {
        let at = httpdate::parse_http_date(text(RETRY_AFTER.as_str())?).ok()?;
        Some(at.duration_since(now).unwrap_or_default())
    };
    let wait = match milliseconds.or_else(seconds) {
        Some(seconds) => Duration::from_secs_f64(seconds.min(RETRY_AFTER_MAX.as_secs_f64())),
        None => date()?,
    };
    Some(wait.min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests;
