//! Reading the outbox: rows below the horizon after a cursor, as the relay reads them, but changed rows instead of events.

use crate::fault::Result;
use sqlx::PgPool;
use steward_kernel::error::During;
use uuid::Uuid;

/// A place in the outbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub(crate) xid: i64,
    pub(crate) ordinal: i32,
}

/// A record that something was said about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) tenant: Uuid,
    pub(crate) resource: String,
    pub(crate) id: Uuid,
    /// The latest version that is known of the record: the one of its end, where the row is not there any more.
    pub(crate) version: i64,
}

#[derive(sqlx::FromRow)]
struct Row {
    xid: i64,
    ordinal: i32,
    tenant_id: Uuid,
    changed: bool,
    name: String,
    entity_id: Option<Uuid>,
    version: Option<i64>,
}

/// The rows of one reading.
pub(crate) struct Batch {
    /// One for each record, in the order in which they were first told of.
    pub(crate) told: Vec<Told>,
    pub(crate) reached: Position,
}

/// The next rows after a cursor; `None` where there are none.
pub(crate) async fn after(db: &PgPool, from: Position, limit: i32) -> Result<Option<Batch>> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT o.xid::text::bigint AS xid, o.ordinal, o.tenant_id, o.kind = 'change' AS changed, o.name, o.entity_id, o.version
           FROM kernel.outbox_after(($1::text)::xid8, $2, $3) o ORDER BY o.xid, o.ordinal",
    )
    .bind(from.xid.to_string())
    .bind(from.ordinal)
    .bind(limit)
    .fetch_all(db)
    .await
    .during("read the outbox")?;
    let Some(last) = rows.last() else { return Ok(None) };
    let reached = Position { xid: last.xid, ordinal: last.ordinal };
    Ok(Some(Batch { told: coalesced(rows), reached }))
}

/// A record that changed several times is read once.
fn coalesced(rows: Vec<Row>) -> Vec<Told> {
    let mut told: Vec<Told> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for row in rows.into_iter().filter(|row| row.changed) {
        let (Some(id), Some(version)) = (row.entity_id, row.version) else { continue };
        let place = *places.entry((row.tenant_id, row.name.clone(), id)).or_insert(told.len());
        match told.get_mut(place) {
            Some(known) => known.version = known.version.max(version),
            None => told.push(Told { tenant: row.tenant_id, resource: row.name, id, version }),
        }
    }
    told
}

/// Where a consumer stands; one that is new begins at the horizon, so that whatever a later snapshot does not see is told
/// of. `true` where it is new.
pub(crate) async fn cursor(db: &PgPool, consumer: &str) -> Result<(Position, bool)> {
    let known: Option<(i64, i32)> = sqlx::query_as("SELECT xid::text::bigint, ordinal FROM kernel.outbox_cursor WHERE consumer = $1")
        .bind(consumer)
        .fetch_optional(db)
        .await
        .during("read a cursor")?;
    if let Some((xid, ordinal)) = known {
        return Ok((Position { xid, ordinal }, false));
    }
    let (xid, ordinal) = sqlx::query_as(
        "INSERT INTO kernel.outbox_cursor (consumer, xid, ordinal) VALUES ($1, kernel.outbox_horizon(), 2147483647)
         ON CONFLICT (consumer) DO UPDATE SET moved_at = now() RETURNING xid::text::bigint, ordinal",
    )
    .bind(consumer)
    .fetch_one(db)
    .await
    .during("register a consumer of the outbox")?;
    Ok((Position { xid, ordinal }, true))
}

/// Moves a cursor forward, never back.
pub(crate) async fn advance(db: &PgPool, consumer: &str, to: Position) -> Result<()> {
    sqlx::query(
        "UPDATE kernel.outbox_cursor SET xid = ($2::text)::xid8, ordinal = $3, moved_at = now() WHERE consumer = $1 AND (xid, ordinal) < (($2::text)::xid8, $3)",
    )
    .bind(consumer)
    .bind(to.xid.to_string())
    .bind(to.ordinal)
    .execute(db)
    .await
    .during("move a cursor")?;
    Ok(())
}

/// The last row that is visible, whether or not it lies below the horizon.
pub(crate) async fn newest(db: &PgPool) -> Result<Position> {
    let row: Option<(i64, i32)> = sqlx::query_as("SELECT o.xid::text::bigint, o.ordinal FROM kernel.outbox o ORDER BY o.xid DESC, o.ordinal DESC LIMIT 1")
        .fetch_optional(db)
        .await
        .during("look up the end of the outbox")?;
    Ok(row.map_or_else(Position::default, |(xid, ordinal)| Position { xid, ordinal }))
}

/// Which of these records a consumer that stood at `from` has still to be told of.
pub(crate) async fn pending(db: &PgPool, from: Position, tenant: Uuid, resource: &str, ids: &[Uuid]) -> Result<Vec<Uuid>> {
    Ok(sqlx::query_scalar(
        "SELECT DISTINCT o.entity_id FROM kernel.outbox o
          WHERE (o.xid, o.ordinal) > (($1::text)::xid8, $2) AND o.tenant_id = $3 AND o.kind = 'change' AND o.name = $4 AND o.entity_id = ANY ($5)",
    )
    .bind(from.xid.to_string())
    .bind(from.ordinal)
    .bind(tenant)
    .bind(resource)
    .bind(ids)
    .fetch_all(db)
    .await
    .during("look for changes that are under way")?)
}

/// Rows that a consumer has not read, counted up to a bound, and the age of the oldest in seconds.
pub(crate) async fn lag(db: &PgPool, consumer: &str, rows_max: i64) -> Result<(i64, f64)> {
    Ok(sqlx::query_as(
        "WITH c AS (SELECT xid, ordinal FROM kernel.outbox_cursor WHERE consumer = $1)
         SELECT (SELECT count(*) FROM (SELECT FROM c, kernel.outbox o WHERE (o.xid, o.ordinal) > (c.xid, c.ordinal) LIMIT $2) AS behind),
                coalesce((SELECT extract(epoch FROM now() - o.created_at) FROM c, kernel.outbox o
                           WHERE (o.xid, o.ordinal) > (c.xid, c.ordinal) ORDER BY o.xid, o.ordinal LIMIT 1), 0)::double precision",
    )
    .bind(consumer)
    .bind(rows_max)
    .fetch_one(db)
    .await
    .during("measure the outbox")?)
}
