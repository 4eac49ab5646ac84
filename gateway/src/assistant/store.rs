//! Where conversations, messages and their events are kept. Row-level security shows each person his own only.

use super::live::Event;
use super::memory::{self, Sight, Sources};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::types::Json;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use steward_kernel::bus::Kernel;
use steward_kernel::error::During;
use steward_kernel::{Error, Principal, Result, ids};
use steward_llm::Usage;
use uuid::Uuid;

const TITLE_CHARS: usize = 80;

/// A question that was taken in.
pub(super) struct Begun {
    pub(super) conversation: Uuid,
    /// The answer's message.
    pub(super) message: Uuid,
}

/// Stores the question and the place of its answer, in this conversation or a new one. The start event comes with them.
pub(super) async fn begin(kernel: &Arc<Kernel>, principal: &Principal, conversation: Option<Uuid>, text: &str) -> Result<(Begun, Event)> {
    let mut work = kernel.record(principal, "assistant.ask").await?;
    let (tenant, owner, now) = (principal.tenant, principal.user, work.now());
    let conversation = match conversation {
        Some(id) => {
            let touched = sqlx::query("UPDATE assistant_conversation SET updated_at = $4 WHERE tenant_id = $1 AND id = $2 AND owner_id = $3")
                .bind(tenant)
                .bind(id)
                .bind(owner)
                .bind(now)
                .execute(work.db())
                .await
                .during("look up the conversation")?;
            if touched.rows_affected() == 0 {
                return Err(Error::not_found("conversation"));
            }
            id
        }
        None => {
            let id = ids::fresh();
            let title: String = text.chars().filter(|c| !c.is_control()).take(TITLE_CHARS).collect();
            sqlx::query("INSERT INTO assistant_conversation (tenant_id, id, owner_id, title, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $5)")
                .bind(tenant)
                .bind(id)
                .bind(owner)
                .bind(title)
                .bind(now)
                .execute(work.db())
                .await
                .during("store the conversation")?;
            id
        }
    };
    let message = ids::fresh();
    for (id, role, text, state) in [(ids::fresh(), "user", text, "done"), (message, "assistant", "", "running")] {
        sqlx::query("INSERT INTO assistant_message (tenant_id, id, conversation_id, owner_id, role, text, state) VALUES ($1, $2, $3, $4, $5, $6, $7)")
            .bind(tenant)
            .bind(id)
            .bind(conversation)
            .bind(owner)
            .bind(role)
            .bind(text)
            .bind(state)
            .execute(work.db())
            .await
            .during("store the message")?;
    }
    let start = Event { sequence: 1, name: "start".into(), data: json!({ "conversation_id": conversation, "message_id": message }) };
    insert(&mut work, principal, message, std::slice::from_ref(&start)).await?;
    work.finish_record().await?;
    Ok((Begun { conversation, message }, start))
}

async fn insert(work: &mut steward_kernel::Work, principal: &Principal, message: Uuid, events: &[Event]) -> Result<()> {
    for event in events {
        // A turn that was given up may have got its end from somebody else in the meantime.
        sqlx::query(
            "INSERT INTO assistant_event (tenant_id, message_id, sequence, owner_id, name, data) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        )
        .bind(principal.tenant)
        .bind(message)
        .bind(i32::try_from(event.sequence).unwrap_or(i32::MAX))
        .bind(principal.user)
        .bind(event.name.as_ref())
        .bind(Json(&event.data))
        .execute(work.db())
        .await
        .during("store an event of the conversation")?;
    }
    Ok(())
}

/// What the answer became.
pub(super) enum End<'a> {
    Done(&'a str),
    Failed,
}

/// What is kept of the turn beside its events.
pub(super) struct Turn<'a> {
    /// What everything that was told rests on, where that has changed.
    pub(super) sources: Option<&'a Sources>,
    /// Tokens by provider.
    pub(super) usage: Option<&'a BTreeMap<String, Usage>>,
    pub(super) end: Option<End<'a>>,
}

/// Stores events, and with them what they rest on and what became of the message.
pub(super) async fn append(kernel: &Arc<Kernel>, principal: &Principal, message: Uuid, events: &[Event], turn: Turn<'_>) -> Result<()> {
    let mut work = kernel.record(principal, "assistant.answer").await?;
    insert(&mut work, principal, message, events).await?;
    let Turn { sources, usage, end } = turn;
    if sources.is_some() || usage.is_some() || end.is_some() {
        let (state, text) = match end {
            None => (None, None),
            Some(End::Done(text)) => (Some("done"), Some(text)),
            Some(End::Failed) => (Some("failed"), None),
        };
        sqlx::query(
            "UPDATE assistant_message SET state = coalesce($4, state), text = coalesce($5, text), sources = coalesce($6, sources), usage = coalesce($7, usage)
              WHERE tenant_id = $1 AND id = $2 AND owner_id = $3 AND state = 'running'",
        )
        .bind(principal.tenant)
        .bind(message)
        .bind(principal.user)
        .bind(state)
        .bind(text)
        .bind(sources.map(Json))
        .bind(usage.filter(|usage| !usage.is_empty()).map(Json))
        .execute(work.db())
        .await
        .during("store the answer")?;
    }
    work.finish_record().await
}

/// Asks that the turn of a message ends, wherever it runs. One that has ended already stays as it is.
pub(super) async fn stop(kernel: &Arc<Kernel>, principal: &Principal, message: Uuid) -> Result<()> {
    let mut work = kernel.record(principal, "assistant.stop").await?;
    let asked = sqlx::query(
        "UPDATE assistant_message SET stop_asked_at = coalesce(stop_asked_at, clock_timestamp()) WHERE tenant_id = $1 AND id = $2 AND owner_id = $3 AND role = 'assistant'",
    )
    .bind(principal.tenant)
    .bind(message)
    .bind(principal.user)
    .execute(work.db())
    .await
    .during("ask the turn to end")?;
    if asked.rows_affected() == 0 {
        return Err(Error::not_found("message"));
    }
    work.finish_record().await
}

/// Whether somebody still waits for the answer: it was neither stopped nor deleted.
pub(super) async fn is_wanted(kernel: &Arc<Kernel>, principal: &Principal, message: Uuid) -> Result<bool> {
    let mut read = kernel.read(principal).await?;
    let wanted: Option<bool> = sqlx::query_scalar("SELECT stop_asked_at IS NULL FROM assistant_message WHERE tenant_id = $1 AND id = $2 AND owner_id = $3")
        .bind(principal.tenant)
        .bind(message)
        .bind(principal.user)
        .fetch_optional(read.db())
        .await
        .during("look whether the answer is wanted")?;
    read.finish().await?;
    Ok(wanted == Some(true))
}

/// What is stored of an answer after an event.
pub(super) struct Stored {
    pub(super) events: Vec<Event>,
    pub(super) is_running: bool,
    pub(super) age_seconds: f64,
}

pub(super) async fn events_after(kernel: &Arc<Kernel>, principal: &Principal, message: Uuid, after: u32) -> Result<Stored> {
    let mut read = kernel.read(principal).await?;
    let row: Option<(String, f64, Option<Json<Sources>>)> = sqlx::query_as(
        "SELECT state, extract(epoch FROM clock_timestamp() - created_at)::float8, sources FROM assistant_message WHERE tenant_id = $1 AND id = $2 AND owner_id = $3 AND role = 'assistant'",
    )
    .bind(principal.tenant)
    .bind(message)
    .bind(principal.user)
    .fetch_optional(read.db())
    .await
    .during("look up the message")?;
    let (state, age_seconds, sources) = row.ok_or_else(|| Error::not_found("message"))?;
    let mut rows: Vec<(i32, String, Json<Value>)> = sqlx::query_as(
        "SELECT sequence, name, data FROM assistant_event WHERE tenant_id = $1 AND message_id = $2 AND owner_id = $3 AND sequence > $4 ORDER BY sequence",
    )
    .bind(principal.tenant)
    .bind(message)
    .bind(principal.user)
    .bind(i32::try_from(after).unwrap_or(i32::MAX))
    .fetch_all(read.db())
    .await
    .during("read the events of the message")?;
    let gone = gone(&read);
    let events = rows.iter_mut().map(|(_, name, data)| (name.as_str(), &mut data.0)).collect();
    let stored = memory::Stored { is_done: state == "done", sources: sources.as_ref().map(|sources| &sources.0), text: None, events };
    memory::mask(&mut read, &gone, &mut [stored]).await?;
    read.finish().await?;
    let events = rows.into_iter().map(|(sequence, name, data)| Event { sequence: sequence.unsigned_abs(), name: name.into(), data: data.0 }).collect();
    Ok(Stored { events, is_running: state == "running", age_seconds })
}

/// What stands in the reader's language where an answer was.
fn gone(read: &steward_kernel::Read) -> String {
    memory::gone(&read.kernel().labels, &read.rights().language)
}

/// A message of the conversation, for the model.
pub(super) struct Said {
    pub(super) is_person: bool,
    pub(super) text: String,
    /// What an answer rests on, where all of it can still be read.
    pub(super) sources: Option<Sources>,
}

/// The last finished messages before this answer, oldest first.
pub(super) async fn history(read: &mut steward_kernel::Read, principal: &Principal, conversation: Uuid, before: Uuid, limit: i64) -> Result<Vec<Said>> {
    let mut rows: Vec<(String, String, Option<Json<Sources>>)> = sqlx::query_as(
        "SELECT role, text, sources FROM assistant_message WHERE tenant_id = $1 AND conversation_id = $2 AND owner_id = $3 AND state = 'done' AND text <> ''
            AND created_at < (SELECT created_at FROM assistant_message WHERE tenant_id = $1 AND id = $4) ORDER BY created_at DESC, id DESC LIMIT $5",
    )
    .bind(principal.tenant)
    .bind(conversation)
    .bind(principal.user)
    .bind(before)
    .bind(limit)
    .fetch_all(read.db())
    .await
    .during("read the conversation")?;
    rows.reverse();
    let mut sight = Sight::default();
    for (_, _, sources) in &rows {
        if let Some(Json(sources)) = sources {
            sight.want(sources);
        }
    }
    sight.look(read).await?;
    let said = rows.into_iter().map(|(role, text, sources)| {
        let sources = sources.map(|sources| sources.0).filter(|sources| sight.holds(read, Some(sources)));
        Said { is_person: role == "user", text, sources }
    });
    Ok(said.collect())
}

/// Microseconds from 1970 to the year 10000.
const MICROS_MAX: i64 = 253_402_300_800_000_000;

/// Where a page of conversations goes on: behind the last one that was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    updated_at: DateTime<Utc>,
    id: Uuid,
}

impl Cursor {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (micros, id) = text.split_once('_')?;
        // Of the years 1970 to 9999: the database knows fewer times than can be written.
        let micros = micros.parse().ok().filter(|micros| (0..MICROS_MAX).contains(micros))?;
        Some(Self { updated_at: DateTime::from_timestamp_micros(micros)?, id: Uuid::try_parse(id).ok()? })
    }

    fn text(self) -> String {
        format!("{}_{}", self.updated_at.timestamp_micros(), self.id.simple())
    }
}

/// The person's conversations, newest first, and where the next page begins.
pub(super) async fn conversations(kernel: &Arc<Kernel>, principal: &Principal, limit: u32, after: Option<Cursor>) -> Result<(Vec<Value>, Option<String>)> {
    let mut read = kernel.read(principal).await?;
    let mut rows: Vec<(Uuid, String, DateTime<Utc>, DateTime<Utc>)> = sqlx::query_as(
        "SELECT id, title, created_at, updated_at FROM assistant_conversation
          WHERE tenant_id = $1 AND owner_id = $2 AND ($4::timestamptz IS NULL OR (updated_at, id) < ($4, $5)) ORDER BY updated_at DESC, id DESC LIMIT $3",
    )
    .bind(principal.tenant)
    .bind(principal.user)
    .bind(i64::from(limit) + 1)
    .bind(after.map(|cursor| cursor.updated_at))
    .bind(after.map(|cursor| cursor.id))
    .fetch_all(read.db())
    .await
    .during("read the conversations")?;
    read.finish().await?;
    let has_more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = rows.last().filter(|_| has_more).map(|(id, _, _, updated_at)| Cursor { updated_at: *updated_at, id: *id }.text());
    let item = |(id, title, created_at, updated_at)| json!({ "id": id, "title": title, "created_at": created_at, "updated_at": updated_at });
    Ok((rows.into_iter().map(item).collect(), next))
}

#[derive(sqlx::FromRow)]
struct Message {
    id: Uuid,
    role: String,
    text: String,
    state: String,
    created_at: DateTime<Utc>,
    sources: Option<Json<Sources>>,
    usage: Option<Json<Value>>,
}

/// One conversation with its newest messages and their events, oldest first; with `before`, those before that message.
/// `more` says that there are older ones.
pub(super) async fn conversation(kernel: &Arc<Kernel>, principal: &Principal, id: Uuid, limit: u32, before: Option<Uuid>) -> Result<Value> {
    let mut read = kernel.read(principal).await?;
    let head: Option<(String, DateTime<Utc>, DateTime<Utc>)> =
        sqlx::query_as("SELECT title, created_at, updated_at FROM assistant_conversation WHERE tenant_id = $1 AND id = $2 AND owner_id = $3")
            .bind(principal.tenant)
            .bind(id)
            .bind(principal.user)
            .fetch_optional(read.db())
            .await
            .during("look up the conversation")?;
    let (title, created_at, updated_at) = head.ok_or_else(|| Error::not_found("conversation"))?;
    let mut messages: Vec<Message> = sqlx::query_as(
        "SELECT id, role, text, state, created_at, sources, usage FROM assistant_message WHERE tenant_id = $1 AND conversation_id = $2 AND owner_id = $3
            AND ($5::uuid IS NULL OR (created_at, id) < (SELECT created_at, id FROM assistant_message WHERE tenant_id = $1 AND conversation_id = $2 AND id = $5))
          ORDER BY created_at DESC, id DESC LIMIT $4",
    )
    .bind(principal.tenant)
    .bind(id)
    .bind(principal.user)
    .bind(i64::from(limit) + 1)
    .bind(before)
    .fetch_all(read.db())
    .await
    .during("read the messages")?;
    let more = messages.len() > limit as usize;
    messages.truncate(limit as usize);
    messages.reverse();
    let shown: Vec<Uuid> = messages.iter().map(|message| message.id).collect();
    let events: Vec<(Uuid, i32, String, Json<Value>)> = sqlx::query_as(
        "SELECT message_id, sequence, name, data FROM assistant_event WHERE tenant_id = $1 AND message_id = ANY($2) AND owner_id = $3 ORDER BY message_id, sequence",
    )
    .bind(principal.tenant)
    .bind(shown)
    .bind(principal.user)
    .fetch_all(read.db())
    .await
    .during("read the events")?;
    let mut by_message: HashMap<Uuid, Vec<(i32, String, Json<Value>)>> = HashMap::new();
    for (message, sequence, name, data) in events {
        by_message.entry(message).or_default().push((sequence, name, data));
    }
    let mut told: Vec<_> = messages.into_iter().map(|message| (by_message.remove(&message.id).unwrap_or_default(), message)).collect();
    let gone = gone(&read);
    let mut answers: Vec<memory::Stored<'_>> = told
        .iter_mut()
        .filter(|(_, message)| message.role == "assistant")
        .map(|(events, message)| memory::Stored {
            is_done: message.state == "done",
            sources: message.sources.as_ref().map(|sources| &sources.0),
            text: Some(&mut message.text),
            events: events.iter_mut().map(|(_, name, data)| (name.as_str(), &mut data.0)).collect(),
        })
        .collect();
    memory::mask(&mut read, &gone, &mut answers).await?;
    drop(answers);
    read.finish().await?;
    let messages: Vec<Value> = told
        .into_iter()
        .map(|(events, message)| {
            let own: Vec<Value> = events.into_iter().map(|(sequence, name, data)| json!({ "id": sequence, "event": name, "data": data.0 })).collect();
            let Message { id, role, text, state, created_at, usage, .. } = message;
            json!({ "id": id, "role": role, "text": text, "state": state, "created_at": created_at, "events": own, "usage": usage.map(|usage| usage.0) })
        })
        .collect();
    Ok(json!({ "id": id, "title": title, "created_at": created_at, "updated_at": updated_at, "messages": messages, "more": more }))
}

/// Takes a conversation away with all that was said in it and in the proposals that came of it.
pub(super) async fn delete(kernel: &Arc<Kernel>, principal: &Principal, id: Uuid) -> Result<()> {
    let mut work = kernel.record(principal, "assistant.forget").await?;
    let gone = sqlx::query("DELETE FROM assistant_conversation WHERE tenant_id = $1 AND id = $2 AND owner_id = $3")
        .bind(principal.tenant)
        .bind(id)
        .bind(principal.user)
        .execute(work.db())
        .await
        .during("delete the conversation")?;
    if gone.rows_affected() == 0 {
        return Err(Error::not_found("conversation"));
    }
    steward_actions::forget(&mut work, id).await?;
    work.finish_record().await
}
