//! Answers that were given before to exactly the same question.
//!
//! Start at [`Key`]: it holds the tenant, the principal, the guard's version, the alias and the body, so that no answer crosses from
//! one principal to another, or outlives a change of what is guarded. Off unless configuration turns it on.
//!
//! What is absent: answers to questions that are merely alike, and which requests may be cached at all; that is for who calls this.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use moka::future::Cache;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::guard::Version;
use crate::limit::Clock;

/// How much is kept, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CacheConfig {
    /// For how long an answer is given again.
    pub ttl_seconds: u32,
    /// All answers together.
    pub size_bytes: u64,
    /// One answer; larger ones are not kept.
    pub answer_bytes_max: usize,
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self { ttl_seconds: 300, size_bytes: 16 * 1024 * 1024, answer_bytes_max: 256 * 1024 }
    }
}

/// Whose answer it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Principal {
    /// A user in a session.
    User(Uuid),
    /// A virtual key.
    Key(Uuid),
}

/// Names a question of one principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key([u8; 32]);

impl Key {
    /// The key of a request. Bodies that differ only in the order of their fields or in spaces have the same.
    pub fn new(tenant: Uuid, principal: Principal, guard: Version, alias: &str, body: &Value) -> Self {
        let mut hasher = blake3::Hasher::new();
        let (kind, id) = match principal {
            Principal::User(id) => (b'u', id),
            Principal::Key(id) => (b'k', id),
        };
        // Every part has a fixed size or is preceded by it, so that no two different requests are written alike.
        hasher.update(b"answer 1\n").update(tenant.as_bytes()).update(&[kind]).update(id.as_bytes()).update(guard.as_bytes());
        hasher.update(&(alias.len() as u64).to_le_bytes()).update(alias.as_bytes());
        canonical(body, &mut hasher);
        Self(*hasher.finalize().as_bytes())
    }
}

/// A value without what does not matter in JSON.
fn canonical(value: &Value, hasher: &mut blake3::Hasher) {
    let sized = |hasher: &mut blake3::Hasher, kind: u8, size: usize| {
        hasher.update(&[kind]).update(&(size as u64).to_le_bytes());
    };
    match value {
        Value::Null => sized(hasher, b'n', 0),
        Value::Bool(truth) => sized(hasher, b'b', usize::from(*truth)),
        Value::Number(number) => {
            let number = number.to_string();
            sized(hasher, b'd', number.len());
            hasher.update(number.as_bytes());
        }
        Value::String(text) => {
            sized(hasher, b's', text.len());
            hasher.update(text.as_bytes());
        }
        Value::Array(values) => {
            sized(hasher, b'a', values.len());
            values.iter().for_each(|value| canonical(value, hasher));
        }
        Value::Object(fields) => {
            sized(hasher, b'o', fields.len());
            let sorted: BTreeMap<_, _> = fields.iter().collect();
            for (name, value) in sorted {
                sized(hasher, b'f', name.len());
                hasher.update(name.as_bytes());
                canonical(value, hasher);
            }
        }
    }
}

/// An answer as it was sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its type.
    pub content_type: Arc<str>,
    /// Its body.
    pub body: Bytes,
}

/// Answers never reach a log.
impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer").field("content_type", &self.content_type).field("bytes", &self.body.len()).finish()
    }
}

/// Answers given before.
pub struct Answers {
    kept: Cache<Key, Kept>,
    clock: Clock,
    ttl_ms: i64,
    answer_bytes_max: usize,
}

#[derive(Clone)]
struct Kept {
    answer: Answer,
    at: i64,
}

/// What an answer takes beside its body.
const OVERHEAD_BYTES: usize = 128;

impl Answers {
    /// Keeps answers as configured.
    pub fn new(config: &CacheConfig, clock: Clock) -> Self {
        let weigh = |_: &Key, kept: &Kept| u32::try_from(kept.answer.body.len() + kept.answer.content_type.len() + OVERHEAD_BYTES).unwrap_or(u32::MAX);
        let ttl = Duration::from_secs(u64::from(config.ttl_seconds));
        Self {
            // What is over is thrown out by the cache's own clock, and not given by ours.
            kept: Cache::builder().max_capacity(config.size_bytes).weigher(weigh).time_to_live(ttl).build(),
            clock,
            ttl_ms: i64::from(config.ttl_seconds) * 1_000,
            answer_bytes_max: config.answer_bytes_max,
        }
    }

    /// The answer to this question, if there is one that is no older than `within`.
    pub async fn get(&self, key: &Key, within: Duration) -> Option<Answer> {
        let kept = self.kept.get(key).await?;
        let age_max = self.ttl_ms.min(i64::try_from(within.as_millis()).unwrap_or(i64::MAX));
        ((self.clock)() - kept.at < age_max).then_some(kept.answer)
    }

    /// Keeps a complete, good answer, unless it is too large.
    pub async fn put(&self, key: Key, answer: Answer) {
        if answer.body.len() <= self.answer_bytes_max {
            self.kept.insert(key, Kept { answer, at: (self.clock)() }).await;
        }
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.kept.invalidate_all();
    }

    /// The bytes that are kept, once everything pending is done.
    pub async fn size_bytes(&self) -> u64 {
        self.kept.run_pending_tasks().await;
        self.kept.weighted_size()
    }
}

#[cfg(test)]
mod tests;
