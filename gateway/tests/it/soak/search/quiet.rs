//! When nobody writes any more: the index is what the tables are. Told by the indexer's own comparison, and found out
//! without it, by checksums over the tables and by a search for the word of every row.

use super::churn::BEGINNING;
use crate::site::{PATIENCE, Site, Tenant};
use crate::soak::callers::Caller;
use crate::soak::{Dice, all};
use sqlx::AssertSqlSafe;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use uuid::Uuid;

/// The resources that the races write, with the table and the column where the word stands.
const WRITTEN: &[(&str, &str, &str)] = &[("crm.party", "crm_party", "name"), ("documents.document", "documents_document", "title")];

/// Rows of the outbox that a part of the index has still to read, parts that are not complete, and walks that are not done.
const OPEN: &str =
    "SELECT (SELECT count(*) FROM kernel.outbox o, kernel.outbox_cursor c WHERE c.consumer LIKE 'indexer:%' AND (o.xid, o.ordinal) > (c.xid, c.ordinal))
  + (SELECT count(*) FROM kernel.delivery_failure WHERE consumer LIKE 'indexer:%' AND dead_at IS NULL)
  + (SELECT count(*) FROM rag.filling WHERE filled_at IS NULL)
  + (SELECT (count(*) <> 1)::int FROM rag.generation WHERE state = 'live' AND text_ready_at IS NOT NULL AND vectors_ready_at IS NOT NULL)
  + (SELECT 2 * count(*) - (SELECT count(DISTINCT (tenant_id, part)) FROM rag.filling) FROM control.tenant)";

const UNCOMPARED: &str = "SELECT count(*) FROM rag.filling WHERE check_wanted OR checked_at IS NULL";

pub(super) struct Figures {
    live: usize,
    gone: usize,
    searches: usize,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { live, gone, searches } = self;
        write!(
            f,
            "{live} live and {gone} archived rows were looked for with {searches} searches; text and vectors equal the tables by count and checksum, drift 0"
        )
    }
}

async fn number(site: &Site, sql: &str) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(site.owner.pool()).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
}

async fn until_zero(site: &Site, sql: &str, what: &str) {
    let started = Instant::now();
    loop {
        let open = number(site, sql).await;
        if open == 0 {
            return;
        }
        assert!(started.elapsed() < PATIENCE, "{open} {what}; the processes logged:\n{}", site.failures());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Everything that was committed is in the index.
pub(super) async fn settled(site: &Site) {
    until_zero(site, OPEN, "things are still to be indexed").await;
}

/// Nobody may write meanwhile.
pub(super) async fn the_index_is_what_the_tables_are(site: &Site, tenant: &Tenant, admin: &Caller) -> Figures {
    settled(site).await;
    assert_eq!(number(site, "SELECT count(*) FROM kernel.delivery_failure WHERE consumer LIKE 'indexer:%'").await, 0, "records could not be indexed");
    let ask = "UPDATE rag.filling SET check_wanted = true, checked_at = NULL, checksum = NULL, missing = 0, stale = 0, surplus = 0";
    sqlx::query(ask).execute(site.owner.pool()).await.unwrap();
    until_zero(site, UNCOMPARED, "resources were not compared").await;
    assert_eq!(number(site, "SELECT count(*) FROM rag.filling WHERE missing + stale + surplus > 0 OR checksum IS NULL").await, 0, "the index differs");
    // A comparison that repaired something is followed by one that finds nothing: the counter remembers.
    let metrics = site.client.get(format!("{}/metrics", site.base())).send().await.unwrap().text().await.unwrap();
    let found: Vec<&str> = metrics.lines().filter(|line| line.starts_with("steward_index_drift_found_total") && !line.ends_with(" 0")).collect();
    assert!(found.is_empty(), "drift was found, and repaired: {found:?}");
    assert!(metrics.contains("steward_index_drift_found_total"), "nothing was compared");

    let mut figures = Figures { live: 0, gone: 0, searches: 0 };
    for (resource, table, column) in WRITTEN {
        the_checksums_are_those_of_the_table(site, tenant, resource, table).await;
        let [live, gone] = [words(site, tenant, table, column, "IS NULL").await, words(site, tenant, table, column, "IS NOT NULL").await];
        (figures.live, figures.gone) = (figures.live + live.len(), figures.gone + gone.len());
        figures.searches += every_row_is_found_by_its_word(admin, resource, live, gone).await;
    }
    assert!(figures.live > 0, "no row was written");
    figures
}

/// What the indexer found both engines to hold, by id and version, is what the table holds.
async fn the_checksums_are_those_of_the_table(site: &Site, tenant: &Tenant, resource: &str, table: &str) {
    let rows: String = site
        .peek(
            tenant,
            &format!(
                "SELECT coalesce(string_agg(id || ' ' || version, ',' ORDER BY id), '') FROM {table} WHERE tenant_id = app.tenant() AND archived_at IS NULL"
            ),
        )
        .await;
    let mut sum = blake3::Hasher::new();
    for row in rows.split(',').filter(|row| !row.is_empty()) {
        let (id, version) = row.split_once(' ').unwrap();
        sum.update(Uuid::try_parse(id).unwrap().as_bytes()).update(&version.parse::<i64>().unwrap().to_le_bytes());
    }
    let held: Vec<(String, Vec<u8>)> = sqlx::query_as(
        "SELECT f.part, f.checksum FROM rag.filling f JOIN rag.generation g ON g.id = f.generation AND g.state = 'live' WHERE f.tenant_id = $1 AND f.resource = $2 ORDER BY 1",
    )
    .bind(tenant.created.tenant)
    .bind(resource)
    .fetch_all(site.owner.pool())
    .await
    .unwrap();
    let expected = sum.finalize().as_bytes().to_vec();
    assert_eq!(held, [("text".to_owned(), expected.clone()), ("vectors".to_owned(), expected)], "{resource} of {}", tenant.slug);
}

async fn words(site: &Site, tenant: &Tenant, table: &str, column: &str, archived: &str) -> Vec<(Uuid, String)> {
    let rows: String = site
        .peek(
            tenant,
            &format!(
                "SELECT coalesce(string_agg(id || ' ' || substring({column} FROM '{BEGINNING}[a-z]+'), ',' ORDER BY id), '')
                   FROM {table} WHERE tenant_id = app.tenant() AND archived_at {archived} AND {column} ~ '{BEGINNING}[a-z]+'"
            ),
        )
        .await;
    let row = |row: &str| row.split_once(' ').map(|(id, word)| (Uuid::try_parse(id).unwrap(), word.to_owned())).unwrap();
    rows.split(',').filter(|row| !row.is_empty()).map(row).collect()
}

async fn every_row_is_found_by_its_word(admin: &Caller, resource: &str, live: Vec<(Uuid, String)>, gone: Vec<(Uuid, String)>) -> usize {
    let known: Arc<BTreeSet<Uuid>> = Arc::new(live.iter().map(|(id, _)| *id).collect());
    let wanted = live.into_iter().map(|row| (row, true)).chain(gone.into_iter().map(|row| (row, false)));
    let mut shares: [Vec<((Uuid, String), bool)>; 4] = Default::default();
    let mut dice = Dice::new(3);
    for row in wanted {
        shares[dice.below(4)].push(row);
    }
    let searches = shares.iter().map(Vec::len).sum();
    let mut tasks = JoinSet::new();
    for share in shares {
        let (admin, resource, known) = (admin.clone(), resource.to_owned(), Arc::clone(&known));
        tasks.spawn(async move {
            for ((id, word), is_live) in share {
                let found = admin.read(&format!("search?q={word}&resource={resource}&limit=10")).await.json();
                let ids: Vec<Uuid> = found["items"].as_array().unwrap().iter().map(|item| crate::app::id_of(&item["id"])).collect();
                assert_eq!(ids.contains(&id), is_live, "{resource} {id} by {word}: {found}");
                assert!(ids.iter().all(|id| known.contains(id)), "what the table does not have is found by {word}: {found}");
                assert_eq!(found["degraded"], serde_json::json!([]), "{found}");
            }
        });
    }
    all(tasks).await;
    searches
}
