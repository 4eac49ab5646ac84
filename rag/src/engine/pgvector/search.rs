//! The nearest passages that a permit lets through.

use super::filter;
use super::shape::Shape;
use crate::engine::Hit;
use crate::passage::{Key, Record};
use crate::permit::Permit;
use ::pgvector::HalfVector;
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

#[derive(FromRow)]
struct Row {
    resource: String,
    entity_id: Uuid,
    family: String,
    field: String,
    ordinal: i64,
    version: i64,
    distance: f64,
}

enum Order {
    /// PostgreSQL chooses: the tenant's approximate index, or all rows of the filter. Without such an index it is exact.
    Planned,
    /// An expression that no index serves.
    Exact,
}

/// The tenant must be a constant to the planner, else it cannot know that the tenant's own index serves. That index goes on
/// searching until enough rows have passed the filter, in the order of distances.
const SETTINGS: &str = "SET LOCAL enable_seqscan = on; SET LOCAL enable_hashjoin = on; SET LOCAL plan_cache_mode = force_custom_plan; \
                        SET LOCAL hnsw.iterative_scan = strict_order; SET LOCAL hnsw.ef_search = 400; SET LOCAL hnsw.max_scan_tuples = 40000";

/// `exact_max`: candidates up to this many are compared one by one.
pub(super) async fn nearest(db: &mut PgConnection, shape: &Shape, permit: &Permit, vector: &[f32], limit: usize, exact_max: i64) -> sqlx::Result<Vec<Hit>> {
    sqlx::raw_sql(SETTINGS).execute(&mut *db).await?;
    let indexed: bool = sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL").bind(shape.index(permit.tenant())).fetch_one(&mut *db).await?;
    // An approximate index loses where a filter leaves little of what it finds: there the rows are few enough to compare.
    let order = if indexed && candidates(db, shape, permit).await? <= exact_max { Order::Exact } else { Order::Planned };
    let mut rows = ask(db, shape, permit, vector, limit, &order).await?;
    if indexed && rows.len() < limit && matches!(order, Order::Planned) {
        // The index gives up after a number of rows, though more may match.
        rows = ask(db, shape, permit, vector, limit, &Order::Exact).await?;
    }
    Ok(rows.into_iter().filter_map(hit).collect())
}

/// How many rows the permit lets through, as the planner estimates from its statistics.
async fn candidates(db: &mut PgConnection, shape: &Shape, permit: &Permit) -> sqlx::Result<i64> {
    let mut query: QueryBuilder<Postgres> = QueryBuilder::new("EXPLAIN (FORMAT JSON) SELECT FROM ");
    query.push(&shape.passages).push(" WHERE tenant_id = ").push_bind(permit.tenant());
    filter::push(&mut query, permit);
    let plan: serde_json::Value = query.build_query_scalar().fetch_one(db).await?;
    Ok(plan.pointer("/0/Plan/Plan Rows").and_then(serde_json::Value::as_f64).map_or(0, |rows| rows as i64))
}

async fn ask(db: &mut PgConnection, shape: &Shape, permit: &Permit, vector: &[f32], limit: usize, order: &Order) -> sqlx::Result<Vec<Row>> {
    let mut query: QueryBuilder<Postgres> = QueryBuilder::new("SELECT resource, entity_id, family, field, ordinal, version, (embedding <=> ");
    query.push_bind(HalfVector::from_f32_slice(vector));
    query.push(match order {
        Order::Planned => ")",
        Order::Exact => ") + 0.0",
    });
    query.push(" AS distance FROM ").push(&shape.passages).push(" WHERE tenant_id = ").push_bind(permit.tenant());
    filter::push(&mut query, permit);
    query.push(" ORDER BY distance, resource, entity_id, family, field, ordinal LIMIT ").push_bind(i64::try_from(limit).unwrap_or(i64::MAX));
    query.build_query_as().fetch_all(db).await
}

fn hit(row: Row) -> Option<Hit> {
    let key = Key {
        record: Record { resource: row.resource, id: row.entity_id },
        family: row.family,
        field: row.field,
        // Written from the same type, so that it always fits.
        ordinal: u32::try_from(row.ordinal).ok()?,
    };
    #[expect(clippy::cast_possible_truncation, reason = "a similarity between -1 and 1")]
    Some(Hit { key, version: row.version, score: (1.0 - row.distance) as f32 })
}
