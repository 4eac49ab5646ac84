//! A repeated call under the client's own key is answered with the first answer, and not made again.
//!
//! Start at [`Idempotency::begin`]. A key belongs to one principal. While its call runs another one with the same key is told
//! so; with another body it is refused; when the call is over its answer is given again, as long as it is kept. A run whose
//! process has died gives the key up after [`Settings::run`]: then whoever comes next makes the call, and the old run can
//! neither finish nor abandon it.
//!
//! What is absent: streams. An answer is kept whole or not at all, which is for the caller to decide.

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::Arc;
use std::time::Duration;
use steward_kernel::bus::Kernel;
use steward_kernel::error::During;
use steward_kernel::{Code, Door, Error, Principal, Result, Work, ids};
use uuid::Uuid;

use crate::access::Caller;

/// Characters of a key.
pub const KEY_MAX: usize = 255;

/// For how long.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// A call may run: longer than any does.
    pub run: Duration,
    /// An answer is given again.
    pub keep: Duration,
    /// Bytes of an answer; of a larger one the key is given up when it is finished, and a repeated call is made again.
    pub answer_bytes_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { run: Duration::from_secs(15 * 60), keep: Duration::from_secs(24 * 60 * 60), answer_bytes_max: 1024 * 1024 }
    }
}

/// An answer as it was sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The type of the body.
    pub content_type: String,
    /// The body.
    pub body: Bytes,
}

/// Answers never reach a log.
impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer").field("status", &self.status).field("bytes", &self.body.len()).finish_non_exhaustive()
    }
}

/// Leave to make a call. Dropped without an end, the key is given up when the run would have ended.
#[derive(Debug)]
#[must_use]
pub struct Ticket {
    tenant: Uuid,
    principal: Uuid,
    key: String,
    attempt: Uuid,
}

/// What becomes of a call with a key.
#[derive(Debug)]
pub enum Begun {
    /// It is to be made, and then finished or abandoned.
    Run(Ticket),
    /// It was made before.
    Answered(Answer),
}

/// Answers that were given under keys of clients.
pub struct Idempotency {
    kernel: Arc<Kernel>,
    settings: Settings,
}

impl Idempotency {
    /// Keeps answers in the placements of the tenants.
    pub fn new(kernel: Arc<Kernel>, settings: Settings) -> Self {
        Self { kernel, settings }
    }

    /// Takes the key for a call whose body has this hash. While another call holds it: [`Code::Conflict`] with the reason
    /// `ai.idempotency_running`; with another body: [`Code::IdempotencyMismatch`].
    pub async fn begin(&self, caller: &Caller, key: &str, body_hash: &[u8; 32]) -> Result<Begun> {
        if key.is_empty() || key.chars().count() > KEY_MAX || key.chars().any(char::is_control) {
            return Err(Error::bad_request(format!("an idempotency key has 1 to {KEY_MAX} characters")));
        }
        let ticket = Ticket { tenant: caller.tenant, principal: caller.key.unwrap_or(caller.user), key: key.to_owned(), attempt: ids::fresh() };
        let mut work = self.open(ticket.tenant).await?;
        let now = work.now();
        // One that has expired is as good as none, whatever it was.
        let taken = sqlx::query!(
            "INSERT INTO ai_idempotency AS i (tenant_id, principal_id, key, body_hash, attempt, state, expires_at) VALUES ($1, $2, $3, $4, $5, 'running', $6)
             ON CONFLICT (tenant_id, principal_id, key) DO UPDATE
                SET body_hash = excluded.body_hash, attempt = excluded.attempt, state = 'running', status = NULL, content_type = NULL, body = NULL,
                    expires_at = excluded.expires_at
              WHERE i.expires_at <= $7",
            ticket.tenant,
            ticket.principal,
            ticket.key,
            body_hash.as_slice(),
            ticket.attempt,
            after(now, self.settings.run),
            now
        )
        .execute(work.db())
        .await
        .during("take the idempotency key")?;
        if taken.rows_affected() == 1 {
            work.finish_record().await?;
            return Ok(Begun::Run(ticket));
        }
        let held = sqlx::query!(
            "SELECT body_hash, state, status, content_type, body FROM ai_idempotency WHERE tenant_id = $1 AND principal_id = $2 AND key = $3",
            ticket.tenant,
            ticket.principal,
            ticket.key
        )
        .fetch_optional(work.db())
        .await
        .during("read the idempotency key")?;
        // Abandoned between the two statements: the client is told to try again, which it does anyway.
        let Some(held) = held else { return Err(running()) };
        work.finish_record().await?;
        if held.body_hash != body_hash {
            return Err(Error::new(Code::IdempotencyMismatch, "the idempotency key was used with another body"));
        }
        match (held.state.as_str(), held.status.and_then(|status| u16::try_from(status).ok()), held.body) {
            ("done", Some(status), Some(body)) => {
                Ok(Begun::Answered(Answer { status, content_type: held.content_type.unwrap_or_default(), body: Bytes::from(body) }))
            }
            _ => Err(running()),
        }
    }

    /// The call is over, and this is what is given from now on.
    pub async fn finish(&self, ticket: Ticket, answer: &Answer) -> Result<()> {
        if answer.body.len() > self.settings.answer_bytes_max {
            return self.abandon(ticket).await;
        }
        let mut work = self.open(ticket.tenant).await?;
        let until = after(work.now(), self.settings.keep);
        sqlx::query!(
            "UPDATE ai_idempotency SET state = 'done', status = $5, content_type = $6, body = $7, expires_at = $8
              WHERE tenant_id = $1 AND principal_id = $2 AND key = $3 AND attempt = $4 AND state = 'running'",
            ticket.tenant,
            ticket.principal,
            ticket.key,
            ticket.attempt,
            i32::from(answer.status),
            answer.content_type,
            answer.body.as_ref(),
            until
        )
        .execute(work.db())
        .await
        .during("keep the answer")?;
        work.finish_record().await
    }

    /// The call came to nothing that is worth keeping: the key is free again.
    pub async fn abandon(&self, ticket: Ticket) -> Result<()> {
        let mut work = self.open(ticket.tenant).await?;
        sqlx::query!(
            "DELETE FROM ai_idempotency WHERE tenant_id = $1 AND principal_id = $2 AND key = $3 AND attempt = $4 AND state = 'running'",
            ticket.tenant,
            ticket.principal,
            ticket.key,
            ticket.attempt
        )
        .execute(work.db())
        .await
        .during("give the idempotency key up")?;
        work.finish_record().await
    }

    async fn open(&self, tenant: Uuid) -> Result<Work> {
        self.kernel.record(&Principal::system(tenant, Door::Job, "ai.idempotency"), "ai.idempotency").await
    }
}

fn running() -> Error {
    Error::rule("ai.idempotency_running", "a call with this idempotency key is still running")
}

fn after(now: DateTime<Utc>, duration: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(duration).ok().and_then(|duration| now.checked_add_signed(duration)).unwrap_or(DateTime::<Utc>::MAX_UTC)
}
