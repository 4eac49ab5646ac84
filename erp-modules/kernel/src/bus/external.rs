//! Which record an external id became, with a digest of what was brought in, so that a second import changes nothing.
//!
//! It is written in the transaction that writes the record: an import that is killed goes on where the external ids end.

use super::Executed;
use crate::error::{Code, During, Error, Result};
use crate::read::Read;
use crate::work::Work;
use std::collections::HashMap;
use uuid::Uuid;

/// The name of a row of a batch in the system that it comes from.
#[derive(Clone, Debug)]
pub struct External {
    /// The resource that the record is of; for a command that follows up on a record, the name of the command.
    pub resource: String,
    pub source: String,
    pub external_id: String,
    /// Of what was brought in; compared by the next import.
    pub digest: Vec<u8>,
    /// The record that it became in an earlier import; none for a new one.
    pub known: Option<Uuid>,
}

/// What an external id became, and of which content.
#[derive(Clone, Debug)]
pub struct Brought {
    pub id: Uuid,
    pub digest: Vec<u8>,
}

#[derive(Default)]
struct Columns {
    resources: Vec<String>,
    sources: Vec<String>,
    external_ids: Vec<String>,
    entities: Vec<Uuid>,
    digests: Vec<Vec<u8>>,
}

/// Writes down what the rows of a batch became. An external id that another import took meanwhile is refused.
pub(super) async fn record(work: &mut Work, externals: &[Option<External>], done: &[Executed]) -> Result<()> {
    let (mut fresh, mut known) = (Columns::default(), Columns::default());
    for (external, executed) in externals.iter().zip(done) {
        let Some(external) = external else { continue };
        let primary = executed.outcome.primary.as_ref().map(|primary| primary.id);
        let entity = external.known.or(primary).ok_or_else(|| Error::internal(format!("what {} became is not known", external.external_id)))?;
        let columns = if external.known.is_some() { &mut known } else { &mut fresh };
        columns.resources.push(external.resource.clone());
        columns.sources.push(external.source.clone());
        columns.external_ids.push(external.external_id.clone());
        columns.entities.push(entity);
        columns.digests.push(external.digest.clone());
    }
    let tenant = work.tenant();
    if !fresh.resources.is_empty() {
        let wanted = fresh.resources.len() as u64;
        let stored = sqlx::query(
            "INSERT INTO kernel_external_id (tenant_id, resource, source, external_id, entity_id, digest)
             SELECT $1, r.* FROM unnest($2::text[], $3::text[], $4::text[], $5::uuid[], $6::bytea[]) AS r ON CONFLICT DO NOTHING",
        )
        .bind(tenant)
        .bind(&fresh.resources)
        .bind(&fresh.sources)
        .bind(&fresh.external_ids)
        .bind(&fresh.entities)
        .bind(&fresh.digests)
        .execute(work.db())
        .await
        .during("write down the external ids")?;
        if stored.rows_affected() != wanted {
            return Err(Error::new(Code::Duplicate, "an external id was brought in already").because("kernel.external_id_taken"));
        }
    }
    if !known.resources.is_empty() {
        sqlx::query(
            "UPDATE kernel_external_id k SET digest = r.digest
             FROM unnest($2::text[], $3::text[], $4::text[], $5::bytea[]) AS r(resource, source, external_id, digest)
             WHERE k.tenant_id = $1 AND k.resource = r.resource AND k.source = r.source AND k.external_id = r.external_id",
        )
        .bind(tenant)
        .bind(&known.resources)
        .bind(&known.sources)
        .bind(&known.external_ids)
        .bind(&known.digests)
        .execute(work.db())
        .await
        .during("write down what was brought in")?;
    }
    Ok(())
}

impl Read {
    /// What these external ids of a resource became. A record out of the reader's sight reads like one that is not there.
    pub async fn external_ids(&mut self, resource: &str, source: &str, external_ids: &[String]) -> Result<HashMap<String, Brought>> {
        let tenant = self.tenant();
        let rows: Vec<(String, Uuid, Vec<u8>)> = sqlx::query_as(
            "SELECT external_id, entity_id, digest FROM kernel_external_id WHERE tenant_id = $1 AND resource = $2 AND source = $3 AND external_id = ANY($4)",
        )
        .bind(tenant)
        .bind(resource)
        .bind(source)
        .bind(external_ids)
        .fetch_all(self.db())
        .await
        .during("look up the external ids")?;
        let mut brought: HashMap<String, Brought> = rows.into_iter().map(|(external_id, id, digest)| (external_id, Brought { id, digest })).collect();
        if !self.principal().is_system() {
            let ids: Vec<Uuid> = brought.values().map(|brought| brought.id).collect();
            let visible = self.visible(resource, &ids).await?;
            brought.retain(|_, brought| visible.contains(&brought.id));
        }
        Ok(brought)
    }
}
