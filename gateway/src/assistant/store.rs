//! Where conversations, messages and their events are kept. Row-level security shows each person his own only.

use super::live::Event;
use super::memory::{self, Sight, Sources};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::types::Json;
use std::collections::HashMap;
use std::sync::Arc;
use steward_kernel::bus::Kernel;
use steward_kernel::error::During;
use steward_kernel::{Error, Principal, Result, ids};
use uuid::Uuid;

/// Messages of a conversation that are shown.
const MESSAGES_MAX: i64 = 200;
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
    Done(&'a str, &'a Sources),
    Failed,
}

/// Stores events, and with the last of them what became of the message.
pub(super) async fn append(kernel: &Arc<Kernel>, principal: &Principal, message: Uuid, events: &[Event], end: Option<End<'_>>) -> Result<()> {
    let mut work = kernel.record(principal, "assistant.answer").await?;
    insert(&mut work, principal, message, events).await?;
    if let Some(end) = end {
        let (state, text, sources) = match end {
            End::Done(text, sources) => ("done", text, Some(sources)),
            End::Failed => ("failed", "", None),
        };
        sqlx::query(
            "UPDATE assistant_message SET state = $4, text = $5, sources = $6 WHERE tenant_id = $1 AND id = $2 AND owner_id = $3 AND state = 'running'",
        )
        .bind(principal.tenant)
        .bind(message)
        .bind(principal.user)
        .bind(state)
        .bind(text)
        .bind(sources.map(Json))
        .execute(work.db())
        .await
        .during("store the answer")?;
    }
    work.finish_record().await
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

/// The person's conversations, newest first.
pub(super) async fn conversations(kernel: &Arc<Kernel>, principal: &Principal, limit: u32) -> Result<Vec<Value>> {
    let mut read = kernel.read(principal).await?;
    let rows: Vec<(Uuid, String, DateTime<Utc>, DateTime<Utc>)> = sqlx::query_as(
        "SELECT id, title, created_at, updated_at FROM assistant_conversation WHERE tenant_id = $1 AND owner_id = $2 ORDER BY updated_at DESC, id DESC LIMIT $3",
    )
    .bind(principal.tenant)
    .bind(principal.user)
    .bind(i64::from(limit))
    .fetch_all(read.db())
    .await
    .during("read the conversations")?;
    read.finish().await?;
    Ok(rows
        .into_iter()
        .map(|(id, title, created_at, updated_at)| json!({ "id": id, "title": title, "created_at": created_at, "updated_at": updated_at }))
        .collect())
}

/// Id, role, text, state, time and sources.
type Message = (Uuid, String, String, String, DateTime<Utc>, Option<Json<Sources>>);

/// One conversation with its messages and their events, oldest first.
pub(super) async fn conversation(kernel: &Arc<Kernel>, principal: &Principal, id: Uuid) -> Result<Value> {
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
        "SELECT id, role, text, state, created_at, sources FROM assistant_message WHERE tenant_id = $1 AND conversation_id = $2 AND owner_id = $3 ORDER BY created_at DESC, id DESC LIMIT $4",
    )
    .bind(principal.tenant)
    .bind(id)
    .bind(principal.user)
    .bind(MESSAGES_MAX)
    .fetch_all(read.db())
    .await
    .during("read the messages")?;
    messages.reverse();
    let shown: Vec<Uuid> = messages.iter().map(|message| message.0).collect();
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
    let mut told: Vec<_> = messages.into_iter().map(|message| (by_message.remove(&message.0).unwrap_or_default(), message)).collect();
    let gone = gone(&read);
    let mut answers: Vec<memory::Stored<'_>> = told
        .iter_mut()
        .filter(|(_, message)| message.1 == "assistant")
        .map(|(events, (_, _, text, state, _, sources))| memory::Stored {
            is_done: state == "done",
            sources: sources.as_ref().map(|sources| &sources.0),
            text: Some(text),
            events: events.iter_mut().map(|(_, name, data)| (name.as_str(), &mut data.0)).collect(),
        })
        .collect();
    memory::mask(&mut read, &gone, &mut answers).await?;
    drop(answers);
    read.finish().await?;
    let messages: Vec<Value> = told
        .into_iter()
        .map(|(events, (message, role, text, state, created_at, _))| {
            let own: Vec<Value> = events.into_iter().map(|(sequence, name, data)| json!({ "id": sequence, "event": name, "data": data.0 })).collect();
            json!({ "id": message, "role": role, "text": text, "state": state, "created_at": created_at, "events": own })
        })
        .collect();
    Ok(json!({ "id": id, "title": title, "created_at": created_at, "updated_at": updated_at, "messages": messages }))
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
