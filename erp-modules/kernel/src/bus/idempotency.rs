//! The idempotency row: the same key with the same body returns the stored result, with another body it is refused.
//!
//! Claiming inserts the row in the writing transaction; a second caller waits there until the first has ended. What is
//! stored holds references only, so a replay shows nothing that the caller may not read now.

use super::{Executed, Step, canonical};
use crate::error::{Code, During, Error, Result};
use crate::work::Work;
use serde_json::Value;

/// What doors take has at most 200; batches add the range of rows.
const KEY_MAX: usize = 250;

/// `None`: the key is ours now. `Some`: the stored results.
pub(super) async fn claim(work: &mut Work, key: &str, steps: &[Step]) -> Result<Option<Vec<Executed>>> {
    if key.is_empty() || key.len() > KEY_MAX || !key.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Error::bad_request(format!("an idempotency key has 1 to {KEY_MAX} visible ASCII characters")));
    }
    let digest = digest(&work.kernel.cursor_key, steps);
    let command = steps.first().map_or("", |step| step.command.as_str());
    // By the clock of the program, which also says when the key is old enough to be forgotten.
    let now = work.now();
    let inserted = sqlx::query(
        "INSERT INTO kernel_idempotency (tenant_id, actor_id, key, command, digest, created_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
    )
    .bind(work.tenant())
    .bind(work.user())
    .bind(key)
    .bind(command)
    .bind(digest.as_slice())
    .bind(now)
    .execute(work.db())
    .await
    .during("claim the idempotency key")?;
    if inserted.rows_affected() == 1 {
        return Ok(None);
    }
    let (tenant, user) = (work.tenant(), work.user());
    let (stored_digest, result): (Vec<u8>, Option<Value>) =
        sqlx::query_as("SELECT digest, result FROM kernel_idempotency WHERE tenant_id = $1 AND actor_id = $2 AND key = $3")
            .bind(tenant)
            .bind(user)
            .bind(key)
            .fetch_one(work.db())
            .await
            .during("read the stored result")?;
    if stored_digest != digest {
        return Err(Error::new(Code::IdempotencyMismatch, "this idempotency key was used with another body"));
    }
    let stored = result.ok_or_else(|| Error::internal("an idempotency row has no result"))?;
    let mut stored: Vec<Executed> = serde_json::from_value(stored).map_err(|error| Error::internal("a stored result cannot be read").with_source(error))?;
    stored.iter_mut().for_each(|executed| executed.replayed = true);
    Ok(Some(stored))
}

pub(super) async fn store(work: &mut Work, key: &str, done: &[Executed]) -> Result<()> {
    let result = serde_json::to_value(done).map_err(|error| Error::internal("a result cannot be stored").with_source(error))?;
    let (tenant, user) = (work.tenant(), work.user());
    sqlx::query("UPDATE kernel_idempotency SET result = $4 WHERE tenant_id = $1 AND actor_id = $2 AND key = $3")
        .bind(tenant)
        .bind(user)
        .bind(key)
        .bind(result)
        .execute(work.db())
        .await
        .during("store the result")?;
    Ok(())
}

/// Keyed: an input may hold a password, and from a plain hash one could guess it.
fn digest(secret: &[u8; 32], steps: &[Step]) -> Vec<u8> {
    let mut hasher = blake3::Hasher::new_keyed(&blake3::derive_key("steward idempotency digest v1", secret));
    for step in steps {
        hasher.update(step.command.as_bytes());
        hasher.update(&[0]);
        hasher.update(canonical(&step.input).to_string().as_bytes());
        hasher.update(&[0]);
        hasher.update(step.expected_version.unwrap_or(-1).to_string().as_bytes());
        hasher.update(&[0]);
    }
    hasher.finalize().as_bytes().to_vec()
}
