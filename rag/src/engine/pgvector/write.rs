//! Writes of records, fenced by the database: a handful of statements in one transaction, whatever the batch holds.
//!
//! The first statement takes the lock on each record's fence, also where it changes nothing; those after it compare with
//! what the fence says then. A write that lost its race therefore finds a higher version there and touches nothing, however
//! late it comes.

use super::shape::Shape;
use crate::engine::{Embedded, State, Write, embedding};
use crate::passage::Attributes;
use ::pgvector::HalfVector;
use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, PgConnection};
use std::collections::HashSet;
use uuid::Uuid;

/// Passages as columns, for `unnest`.
#[derive(Default)]
struct Columns {
    resources: Vec<String>,
    ids: Vec<Uuid>,
    versions: Vec<i64>,
    families: Vec<String>,
    fields: Vec<String>,
    ordinals: Vec<i64>,
    owners: Vec<Option<Uuid>>,
    departments: Vec<Option<Uuid>>,
    companies: Vec<Option<Uuid>>,
    hashes: Vec<Vec<u8>>,
    vectors: Vec<HalfVector>,
}

impl Columns {
    fn push(&mut self, write: &Write<Embedded>, attributes: &Attributes, passage: &Embedded) {
        self.resources.push(write.record.resource.clone());
        self.ids.push(write.record.id);
        self.versions.push(write.version);
        self.families.push(passage.key.family.clone());
        self.fields.push(passage.key.field.clone());
        self.ordinals.push(i64::from(passage.key.ordinal));
        self.owners.push(attributes.owner);
        self.departments.push(attributes.department);
        self.companies.push(attributes.company);
        self.hashes.push(passage.hash.to_vec());
    }
}

pub(super) async fn apply(db: &mut PgConnection, shape: &Shape, tenant: Uuid, writes: &[&Write<Embedded>], now: DateTime<Utc>) -> sqlx::Result<()> {
    let (mut fresh, mut kept) = (Columns::default(), Columns::default());
    for write in writes {
        let State::Live { attributes, passages } = &write.state else { continue };
        for passage in passages {
            match passage.vector.as_deref().and_then(|vector| embedding::unit(vector, shape.dimensions).ok()) {
                Some(vector) => {
                    fresh.push(write, attributes, passage);
                    fresh.vectors.push(HalfVector::from_f32_slice(&vector));
                }
                None => kept.push(write, attributes, passage),
            }
        }
    }
    let raised = fence(db, shape, tenant, writes, now).await?;
    insert(db, shape, tenant, fresh).await?;
    keep(db, shape, tenant, kept).await?;
    clear(db, shape, tenant, writes).await?;
    let repeated: Vec<&Write<Embedded>> = writes.iter().copied().filter(|write| !raised.contains(&(write.record.resource.clone(), write.record.id))).collect();
    clear_rendered_anew(db, shape, tenant, &repeated).await
}

fn records(writes: &[&Write<Embedded>]) -> (Vec<String>, Vec<Uuid>) {
    writes.iter().map(|write| (write.record.resource.clone(), write.record.id)).unzip()
}

/// Raises the version where it is higher and returns of which records; locks the records of the batch in one order, so that
/// two writers wait for each other instead of ending in a deadlock.
async fn fence(db: &mut PgConnection, shape: &Shape, tenant: Uuid, writes: &[&Write<Embedded>], now: DateTime<Utc>) -> sqlx::Result<HashSet<(String, Uuid)>> {
    let (resources, ids) = records(writes);
    let versions: Vec<i64> = writes.iter().map(|write| write.version).collect();
    let gone: Vec<Option<DateTime<Utc>>> = writes.iter().map(|write| matches!(write.state, State::Gone).then_some(now)).collect();
    let sql = format!(
        "INSERT INTO {} AS r (tenant_id, resource, entity_id, version, gone_at)
         SELECT $1, w.* FROM unnest($2::text[], $3::uuid[], $4::bigint[], $5::timestamptz[]) AS w (resource, entity_id, version, gone_at) ORDER BY resource COLLATE \"C\", entity_id
         ON CONFLICT (tenant_id, resource, entity_id) DO UPDATE SET version = excluded.version, gone_at = excluded.gone_at
          WHERE r.version < excluded.version OR (r.version = excluded.version AND r.gone_at IS NULL AND excluded.gone_at IS NOT NULL)
         RETURNING resource, entity_id",
        shape.records
    );
    let raised = sqlx::query_as(AssertSqlSafe(sql)).bind(tenant).bind(resources).bind(ids).bind(versions).bind(gone).fetch_all(db).await?;
    Ok(raised.into_iter().collect())
}

/// Whether the record of `w` stands at the version of its write. `OFFSET 0` keeps this a look-up by key for each row: a join
/// is planned by statistics, which know nothing yet of a generation that is being filled.
fn current(shape: &Shape) -> String {
    format!(
        "SELECT FROM {} r WHERE r.tenant_id = $1 AND r.resource = w.resource COLLATE \"C\" AND r.entity_id = w.entity_id AND r.version = w.version AND r.gone_at IS NULL OFFSET 0",
        shape.records
    )
}

/// Passages with vectors, of records that stand at the version of their write. A write that is repeated adds vectors that
/// the first one could not keep; one of the same version with other texts puts them in the place of those before.
async fn insert(db: &mut PgConnection, shape: &Shape, tenant: Uuid, columns: Columns) -> sqlx::Result<()> {
    if columns.ids.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "INSERT INTO {passages} AS v (tenant_id, resource, entity_id, version, family, field, ordinal, owner_id, department_id, company_id, hash, embedding)
         SELECT $1, w.* FROM unnest($2::text[], $3::uuid[], $4::bigint[], $5::text[], $6::text[], $7::bigint[], $8::uuid[], $9::uuid[], $10::uuid[], $11::bytea[], $12::halfvec[])
                               AS w (resource, entity_id, version, family, field, ordinal, owner_id, department_id, company_id, hash, embedding)
          CROSS JOIN LATERAL ({current}) AS r
         ON CONFLICT (tenant_id, resource, entity_id, family, field, ordinal) DO UPDATE
           SET version = excluded.version, owner_id = excluded.owner_id, department_id = excluded.department_id, company_id = excluded.company_id,
               hash = excluded.hash, embedding = excluded.embedding
         WHERE v.version < excluded.version OR (v.version = excluded.version AND v.hash <> excluded.hash)",
        passages = shape.passages,
        current = current(shape)
    );
    sqlx::query(AssertSqlSafe(sql))
        .bind(tenant)
        .bind(columns.resources)
        .bind(columns.ids)
        .bind(columns.versions)
        .bind(columns.families)
        .bind(columns.fields)
        .bind(columns.ordinals)
        .bind(columns.owners)
        .bind(columns.departments)
        .bind(columns.companies)
        .bind(columns.hashes)
        .bind(columns.vectors)
        .execute(db)
        .await?;
    Ok(())
}

/// Passages whose text is as it was: their vectors stay, the rest follows the row.
async fn keep(db: &mut PgConnection, shape: &Shape, tenant: Uuid, columns: Columns) -> sqlx::Result<()> {
    if columns.ids.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "UPDATE {passages} v SET version = w.version, owner_id = w.owner_id, department_id = w.department_id, company_id = w.company_id
           FROM (SELECT w.*, held.row
                   FROM unnest($2::text[], $3::uuid[], $4::bigint[], $5::text[], $6::text[], $7::bigint[], $8::uuid[], $9::uuid[], $10::uuid[], $11::bytea[])
                          AS w (resource, entity_id, version, family, field, ordinal, owner_id, department_id, company_id, hash)
                  CROSS JOIN LATERAL ({current}) AS r
                  CROSS JOIN LATERAL (SELECT v.ctid AS row FROM {passages} v
                                       WHERE v.tenant_id = $1 AND v.resource = w.resource COLLATE \"C\" AND v.entity_id = w.entity_id AND v.family = w.family
                                         AND v.field = w.field AND v.ordinal = w.ordinal AND v.hash = w.hash AND v.version < w.version OFFSET 0) AS held) AS w
          WHERE v.ctid = w.row",
        passages = shape.passages,
        current = current(shape)
    );
    sqlx::query(AssertSqlSafe(sql))
        .bind(tenant)
        .bind(columns.resources)
        .bind(columns.ids)
        .bind(columns.versions)
        .bind(columns.families)
        .bind(columns.fields)
        .bind(columns.ordinals)
        .bind(columns.owners)
        .bind(columns.departments)
        .bind(columns.companies)
        .bind(columns.hashes)
        .execute(db)
        .await?;
    Ok(())
}

/// What an earlier version left: surplus chunks, and all of a record that is gone.
async fn clear(db: &mut PgConnection, shape: &Shape, tenant: Uuid, writes: &[&Write<Embedded>]) -> sqlx::Result<()> {
    let (resources, ids) = records(writes);
    let sql = format!(
        "DELETE FROM {passages} v USING (
           SELECT held.row FROM unnest($2::text[], $3::uuid[]) AS w (resource, entity_id)
            CROSS JOIN LATERAL (SELECT r.version, r.gone_at FROM {records} r
                                 WHERE r.tenant_id = $1 AND r.resource = w.resource COLLATE \"C\" AND r.entity_id = w.entity_id OFFSET 0) AS r
            CROSS JOIN LATERAL (SELECT v.ctid AS row FROM {passages} v
                                 WHERE v.tenant_id = $1 AND v.resource = w.resource COLLATE \"C\" AND v.entity_id = w.entity_id
                                   AND (v.version < r.version OR r.gone_at IS NOT NULL) OFFSET 0) AS held) AS w
          WHERE v.ctid = w.row",
        passages = shape.passages,
        records = shape.records
    );
    sqlx::query(AssertSqlSafe(sql)).bind(tenant).bind(resources).bind(ids).execute(db).await?;
    Ok(())
}

/// What another rendering of the same version left: passages and texts that the write does not name.
async fn clear_rendered_anew(db: &mut PgConnection, shape: &Shape, tenant: Uuid, writes: &[&Write<Embedded>]) -> sqlx::Result<()> {
    let (mut resources, mut ids, mut versions) = (Vec::new(), Vec::new(), Vec::new());
    let mut named = Columns::default();
    for write in writes {
        let State::Live { attributes, passages } = &write.state else { continue };
        resources.push(write.record.resource.as_str());
        ids.push(write.record.id);
        versions.push(write.version);
        passages.iter().for_each(|passage| named.push(write, attributes, passage));
    }
    if ids.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "DELETE FROM {passages} v USING (
           SELECT held.row FROM unnest($2::text[], $3::uuid[], $4::bigint[]) AS w (resource, entity_id, version)
            CROSS JOIN LATERAL ({current}) AS r
            CROSS JOIN LATERAL (SELECT v.ctid AS row FROM {passages} v
                                 WHERE v.tenant_id = $1 AND v.resource = w.resource COLLATE \"C\" AND v.entity_id = w.entity_id AND v.version = w.version
                                   AND NOT EXISTS (SELECT FROM unnest($5::text[], $6::uuid[], $7::text[], $8::text[], $9::bigint[], $10::bytea[])
                                                            AS k (resource, entity_id, family, field, ordinal, hash)
                                                    WHERE k.resource = v.resource AND k.entity_id = v.entity_id AND k.family = v.family
                                                      AND k.field = v.field AND k.ordinal = v.ordinal AND k.hash = v.hash) OFFSET 0) AS held) AS w
          WHERE v.ctid = w.row",
        passages = shape.passages,
        current = current(shape)
    );
    sqlx::query(AssertSqlSafe(sql))
        .bind(tenant)
        .bind(resources)
        .bind(ids)
        .bind(versions)
        .bind(named.resources)
        .bind(named.ids)
        .bind(named.families)
        .bind(named.fields)
        .bind(named.ordinals)
        .bind(named.hashes)
        .execute(db)
        .await?;
    Ok(())
}
