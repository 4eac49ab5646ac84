//! Generations: which filling of the engines is searched, and what takes its place.
//!
//! One is live; another may be built beside it. Each has consumers of its own, so that both follow the outbox and the swap
//! is one update that no reader sees half of. The one before the live one is kept for a way back. How far a generation
//! has come stands in `rag.filling`, one row for each tenant, part and resource.

use crate::fault::Result;
use crate::sink::Part;
use sqlx::{PgConnection, PgPool};
use steward_kernel::error::During;
use steward_rag::engine::Generation;
use uuid::Uuid;

/// A generation that is followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub generation: Generation,
    pub live: bool,
    /// That its vectors are made by; empty without vectors.
    pub model: String,
    /// Digest of what its passages are made of.
    pub(crate) shape: Vec<u8>,
    pub text_ready: bool,
    pub vectors_ready: bool,
}

impl Target {
    pub(crate) fn is_ready(&self, part: Part) -> bool {
        match part {
            Part::Text => self.text_ready,
            Part::Vectors => self.vectors_ready,
        }
    }
}

/// Why a generation is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    First,
    /// The embedding model is another one.
    Model,
    /// The modules' resources are found by something else than before.
    Catalogue,
    /// Somebody asked for it.
    Asked,
}

impl Reason {
    fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Model => "model",
            Self::Catalogue => "catalogue",
            Self::Asked => "asked",
        }
    }
}

type Row = (i64, bool, String, Vec<u8>, bool, bool);

/// The live one first, then the one that is built.
pub async fn targets(db: &PgPool) -> Result<Vec<Target>, steward_kernel::Error> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, state = 'live', model, shape, text_ready_at IS NOT NULL, vectors_ready_at IS NOT NULL FROM rag.generation WHERE state IN ('live', 'building') ORDER BY state = 'live' DESC",
    )
    .fetch_all(db)
    .await
    .during("read the generations")?;
    let target = |(id, live, model, shape, text_ready, vectors_ready)| Target { generation: Generation(id), live, model, shape, text_ready, vectors_ready };
    Ok(rows.into_iter().map(target).collect())
}

/// Asks for a generation; one that is being built stands for this request too, or is dropped when it is of another model or
/// another shape. Returns the one that is built.
pub(crate) async fn request(db: &PgPool, model: &str, shape: &[u8], reason: Reason) -> Result<Generation, steward_kernel::Error> {
    let mut tx = db.begin().await.during("ask for a generation")?;
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended('steward:generation', 0))").execute(&mut *tx).await.during("ask for a generation")?;
    let building: Option<(i64, String, Vec<u8>)> =
        sqlx::query_as("SELECT id, model, shape FROM rag.generation WHERE state = 'building'").fetch_optional(&mut *tx).await.during("ask for a generation")?;
    let id = match building {
        Some((id, same, as_before)) if same == model && as_before == shape => id,
        building => {
            if let Some((id, ..)) = building {
                remove(&mut tx, &[id]).await?;
            }
            sqlx::query_scalar("INSERT INTO rag.generation (state, model, shape, reason) VALUES ('building', $1, $2, $3) RETURNING id")
                .bind(model)
                .bind(shape)
                .bind(reason.as_str())
                .fetch_one(&mut *tx)
                .await
                .during("ask for a generation")?
        }
    };
    tx.commit().await.during("ask for a generation")?;
    Ok(Generation(id))
}

/// Has the records of a tenant written and compared again in every generation that is followed; of all tenants where none
/// is named.
pub async fn refill(db: &PgPool, tenant: Option<Uuid>) -> Result<(), steward_kernel::Error> {
    sqlx::query("UPDATE rag.filling SET after_id = NULL, records = 0, filled_at = NULL, check_wanted = true WHERE $1::uuid IS NULL OR tenant_id = $1")
        .bind(tenant)
        .execute(db)
        .await
        .during("ask for a new filling")
        .map(drop)
}

/// A part is complete and equal to the rows.
pub(crate) async fn ready(db: &PgPool, generation: Generation, part: Part) -> Result<()> {
    let sql = match part {
        Part::Text => "UPDATE rag.generation SET text_ready_at = coalesce(text_ready_at, now()) WHERE id = $1",
        Part::Vectors => "UPDATE rag.generation SET vectors_ready_at = coalesce(vectors_ready_at, now()) WHERE id = $1",
    };
    sqlx::query(sql).bind(generation.0).execute(db).await.during("note that a part is complete")?;
    Ok(())
}

/// What a part held is lost: it is filled again from the start.
pub(crate) async fn lost(db: &PgPool, generation: Generation, part: Part) -> Result<()> {
    let mut tx = db.begin().await.during("start a filling again")?;
    let sql = match part {
        Part::Text => "UPDATE rag.generation SET text_ready_at = NULL WHERE id = $1",
        Part::Vectors => "UPDATE rag.generation SET vectors_ready_at = NULL WHERE id = $1",
    };
    sqlx::query(sql).bind(generation.0).execute(&mut *tx).await.during("start a filling again")?;
    sqlx::query("DELETE FROM rag.filling WHERE generation = $1 AND part = $2")
        .bind(generation.0)
        .bind(part.as_str())
        .execute(&mut *tx)
        .await
        .during("start a filling again")?;
    tx.commit().await.during("start a filling again")?;
    Ok(())
}

/// The model of a generation that had no vectors so far.
pub(crate) async fn adopt(db: &PgPool, generation: Generation, model: &str) -> Result<()> {
    sqlx::query("UPDATE rag.generation SET model = $2 WHERE id = $1 AND model = ''")
        .bind(generation.0)
        .bind(model)
        .execute(db)
        .await
        .during("note the model")?;
    Ok(())
}

/// Makes a generation live when every part is complete; the live one is kept for a way back, older ones go. `true` when it
/// was done now. Readers see one or the other, in both parts.
pub(crate) async fn swap(db: &PgPool, generation: Generation, with_vectors: bool) -> Result<bool> {
    let mut tx = db.begin().await.during("swap the generations")?;
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended('steward:generation', 0))").execute(&mut *tx).await.during("swap the generations")?;
    let complete: Option<bool> = sqlx::query_scalar(
        "SELECT text_ready_at IS NOT NULL AND (vectors_ready_at IS NOT NULL OR NOT $2) FROM rag.generation WHERE id = $1 AND state = 'building'",
    )
    .bind(generation.0)
    .bind(with_vectors)
    .fetch_optional(&mut *tx)
    .await
    .during("swap the generations")?;
    if complete != Some(true) {
        return Ok(false);
    }
    let older: Vec<i64> =
        sqlx::query_scalar("SELECT id FROM rag.generation WHERE state = 'retired'").fetch_all(&mut *tx).await.during("look for older generations")?;
    remove(&mut tx, &older).await?;
    let before: Option<i64> =
        sqlx::query_scalar("SELECT id FROM rag.generation WHERE state = 'live'").fetch_optional(&mut *tx).await.during("look for the live generation")?;
    if let Some(before) = before {
        // It is followed no more: a cursor that stands still would keep the outbox from being forgotten.
        unfollow(&mut tx, &[before]).await?;
    }
    sqlx::query("UPDATE rag.generation SET state = 'retired', retired_at = now() WHERE state = 'live'")
        .execute(&mut *tx)
        .await
        .during("retire the live generation")?;
    sqlx::query("UPDATE rag.generation SET state = 'live', live_at = now() WHERE id = $1")
        .bind(generation.0)
        .execute(&mut *tx)
        .await
        .during("swap the generations")?;
    tx.commit().await.during("swap the generations")?;
    Ok(true)
}

/// Makes the generation before the live one live again. What happened since is found by comparing.
pub async fn roll_back(db: &PgPool) -> Result<Option<Generation>, steward_kernel::Error> {
    let mut tx = db.begin().await.during("roll back")?;
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended('steward:generation', 0))").execute(&mut *tx).await.during("roll back")?;
    let retired: Option<i64> = sqlx::query_scalar("SELECT id FROM rag.generation WHERE state = 'retired' ORDER BY id DESC LIMIT 1")
        .fetch_optional(&mut *tx)
        .await
        .during("look for the generation before")?;
    let Some(retired) = retired else { return Ok(None) };
    let live: Vec<i64> = sqlx::query_scalar("UPDATE rag.generation SET state = 'retired', retired_at = now() WHERE state = 'live' RETURNING id")
        .fetch_all(&mut *tx)
        .await
        .during("roll back")?;
    unfollow(&mut tx, &live).await?;
    sqlx::query("UPDATE rag.generation SET state = 'live', live_at = now(), retired_at = NULL WHERE id = $1")
        .bind(retired)
        .execute(&mut *tx)
        .await
        .during("roll back")?;
    tx.commit().await.during("roll back")?;
    Ok(Some(Generation(retired)))
}

/// All generations that are kept.
pub(crate) async fn kept(db: &PgPool) -> Result<Vec<i64>> {
    Ok(sqlx::query_scalar("SELECT id FROM rag.generation").fetch_all(db).await.during("read the generations")?)
}

async fn remove(tx: &mut PgConnection, generations: &[i64]) -> Result<(), steward_kernel::Error> {
    unfollow(tx, generations).await?;
    for sql in ["DELETE FROM rag.filling WHERE generation = ANY ($1)", "DELETE FROM rag.generation WHERE id = ANY ($1)"] {
        sqlx::query(sql).bind(generations).execute(&mut *tx).await.during("drop a generation")?;
    }
    Ok(())
}

/// Deletes the cursors and the failed records of generations.
async fn unfollow(tx: &mut PgConnection, generations: &[i64]) -> Result<(), steward_kernel::Error> {
    let consumers: Vec<String> = generations.iter().flat_map(|id| [Part::Text, Part::Vectors].map(|part| part.consumer(Generation(*id)))).collect();
    for sql in ["DELETE FROM kernel.outbox_cursor WHERE consumer = ANY ($1)", "DELETE FROM kernel.delivery_failure WHERE consumer = ANY ($1)"] {
        sqlx::query(sql).bind(&consumers).execute(&mut *tx).await.during("stop following a generation")?;
    }
    Ok(())
}

/// A part that is not configured any more is not followed: its cursor would keep the outbox.
pub(crate) async fn without(db: &PgPool, part: Part) -> Result<()> {
    let mut tx = db.begin().await.during("stop following a part")?;
    let like = format!("{}:%", part.family());
    for sql in ["DELETE FROM kernel.outbox_cursor WHERE consumer LIKE $1", "DELETE FROM kernel.delivery_failure WHERE consumer LIKE $1"] {
        sqlx::query(sql).bind(&like).execute(&mut *tx).await.during("stop following a part")?;
    }
    sqlx::query("DELETE FROM rag.filling WHERE part = $1").bind(part.as_str()).execute(&mut *tx).await.during("stop following a part")?;
    tx.commit().await.during("stop following a part")?;
    Ok(())
}
