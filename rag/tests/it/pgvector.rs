//! pgvector against the contract of vector indexes, and what is its own: the walls of its tables, the missing extension,
//! and the approximate index of a large tenant.

use crate::contract::text::{LIVE, NOTE, all_of, record, start};
use crate::contract::vector::{Corpus, DIMENSIONS, Place, SIZE, at, card, found, known, live, opened, vector_index};
use sqlx::AssertSqlSafe;
use steward_kernel::database::Database;
use steward_kernel::{Clock, ids};
use steward_migrations::test_database::TestDatabase;
use steward_migrations::{Contents, Owner};
use steward_rag::engine::pgvector::Pgvector;
use steward_rag::engine::{Error, Generation, Index, VectorIndex};
use uuid::Uuid;

struct Postgres {
    database: TestDatabase,
    owner: Owner,
}

async fn postgres() -> Postgres {
    let database = TestDatabase::create(&Contents::of(&[])).await.unwrap();
    let owner = database.owner().await.unwrap();
    Postgres { database, owner }
}

impl Postgres {
    fn database(&self) -> Database {
        Database::new(&self.database.settings()).unwrap()
    }
    async fn run(&self, sql: &'static str) {
        sqlx::raw_sql(sql).execute(self.owner.pool()).await.unwrap();
    }
    async fn indexes(&self) -> Vec<String> {
        sqlx::query_scalar("SELECT indexname::text FROM pg_indexes WHERE schemaname = 'rag' AND indexname LIKE 'hnsw%'")
            .fetch_all(self.owner.pool())
            .await
            .unwrap()
    }
}

impl Place for Postgres {
    type Index = Pgvector;
    async fn open(&self, clock: Clock) -> Pgvector {
        Pgvector::new(self.database(), clock, DIMENSIONS)
    }
    async fn tenant(&self) -> Uuid {
        let id = ids::fresh();
        sqlx::query("INSERT INTO control.tenant (id, slug, name, plan, placement, schema) VALUES ($1, $2, 'test', 'standard', 'pooled', 'pooled')")
            .bind(id)
            .bind(format!("t{}", id.simple()))
            .execute(self.owner.pool())
            .await
            .unwrap();
        id
    }
}

vector_index!(postgres());

#[tokio::test]
async fn every_table_of_a_generation_stands_behind_the_wall_of_its_tenant() {
    let place = postgres().await;
    let index = opened(&place).await;
    let tenant = place.tenant().await;
    index.apply(LIVE, &[card(tenant, &record(NOTE, 1), 1, 0.0)]).await.unwrap();
    let tables: Vec<(String, bool, String)> = sqlx::query_as(
        "SELECT c.relname::text, c.relrowsecurity AND c.relforcerowsecurity,
                (SELECT a.attname::text FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0] WHERE i.indrelid = c.oid AND i.indisprimary)
           FROM pg_class c WHERE c.relnamespace = 'rag'::regnamespace AND c.relkind = 'r' AND c.relname LIKE 'vector%' ORDER BY 1",
    )
    .fetch_all(place.owner.pool())
    .await
    .unwrap();
    let expected = ["vector_1", "vector_record_1"].map(|name| (name.to_owned(), true, "tenant_id".to_owned()));
    assert_eq!(tables, expected);
    // Without a unit of work, as another tenant, and with a row that names another tenant.
    let app = place.database().app;
    for (table, ..) in &tables {
        let count = format!("SELECT count(*) FROM rag.{table}");
        let seen: i64 = sqlx::query_scalar(AssertSqlSafe(count.clone())).fetch_one(&app).await.unwrap();
        assert_eq!(seen, 0, "{table} without a tenant");
        let mut tx = app.begin_with(AssertSqlSafe(format!("BEGIN; SET LOCAL app.tenant TO '{}'", ids::fresh()))).await.unwrap();
        let seen: i64 = sqlx::query_scalar(AssertSqlSafe(count)).fetch_one(&mut *tx).await.unwrap();
        assert_eq!(seen, 0, "{table} as another tenant");
        let taken = sqlx::query(AssertSqlSafe(format!("UPDATE rag.{table} SET version = 9"))).execute(&mut *tx).await.unwrap();
        assert_eq!(taken.rows_affected(), 0);
    }
    let mut tx = app.begin_with(AssertSqlSafe(format!("BEGIN; SET LOCAL app.tenant TO '{}'", ids::fresh()))).await.unwrap();
    let smuggled = sqlx::query("INSERT INTO rag.vector_record_1 VALUES ($1, 'crm.note', $1, 1, null)").bind(tenant).execute(&mut *tx).await;
    assert_eq!(smuggled.unwrap_err().as_database_error().and_then(|error| error.code()).as_deref(), Some("42501"));
}

#[tokio::test]
async fn requests_cannot_make_or_drop_what_holds_the_vectors() {
    let place = postgres().await;
    opened(&place).await;
    let app = place.database().app;
    for call in [
        "SELECT rag.create_vectors(2, 8)",
        "SELECT rag.drop_vectors(1)",
        "SELECT rag.index_vectors(1, gen_random_uuid())",
        "SELECT rag.unindex_vectors(1, gen_random_uuid())",
    ] {
        let refused = sqlx::query(call).execute(&app).await.unwrap_err();
        assert_eq!(refused.as_database_error().and_then(|error| error.code()).as_deref(), Some("42501"), "{call}");
    }
}

#[tokio::test]
async fn without_the_extension_the_error_says_what_to_do() {
    let place = postgres().await;
    place.run("DROP EXTENSION vector").await;
    let index = place.open(Clock::fixed(start())).await;
    let error = index.create(LIVE).await.unwrap_err();
    assert!(matches!(error, Error::Setup { engine: "pgvector", .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("CREATE EXTENSION vector") && text.contains("Qdrant"), "{text}");
    // Whoever has the rights may put it anywhere.
    place.run("CREATE SCHEMA \"Odd one\"; GRANT USAGE ON SCHEMA \"Odd one\" TO PUBLIC; CREATE EXTENSION vector SCHEMA \"Odd one\"").await;
    index.create(LIVE).await.unwrap();
    let tenant = place.tenant().await;
    index.apply(LIVE, &[card(tenant, &record(NOTE, 1), 1, 0.0)]).await.unwrap();
    assert_eq!(found(&index, &all_of(tenant), 0.0).await, [1]);
}

#[tokio::test]
async fn a_generation_keeps_the_length_that_it_was_made_with() {
    let place = postgres().await;
    let index = opened(&place).await;
    let shorter = Pgvector::new(place.database(), Clock::fixed(start()), 8);
    shorter.create(LIVE).await.unwrap();
    shorter.create(Generation(2)).await.unwrap();
    let tenant = place.tenant().await;
    for (engine, name) in [(&index, "the one of 384"), (&shorter, "the one of 8")] {
        engine.apply(LIVE, &[card(tenant, &record(NOTE, 1), 1, 0.0)]).await.unwrap();
        let refused = engine.search(Generation(2), &all_of(tenant), &at(0.0), 1).await;
        assert!(matches!(refused, Err(Error::Dimensions { expected: 8, found: 384 })), "{name}: {refused:?}");
    }
    let long = Pgvector::new(place.database(), Clock::fixed(start()), 4_001);
    assert!(matches!(long.create(Generation(3)).await, Err(Error::Setup { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_of_the_same_records_wait_for_each_other_and_the_highest_version_stays() {
    let place = postgres().await;
    let index = opened(&place).await;
    let tenant = place.tenant().await;
    // Each writer has the records in another order, which would end in a deadlock without one order of locks.
    let writer = async |version: i64| {
        let mut numbers: Vec<u128> = (1..=50).collect();
        numbers.sort_unstable_by_key(|n| n * (version as u128 * 2 + 7) % 53);
        let writes: Vec<_> = numbers.iter().map(|n| card(tenant, &record(NOTE, *n), version, version as f32)).collect();
        index.apply(LIVE, &writes).await.unwrap();
    };
    tokio::join!(writer(3), writer(1), writer(5), writer(2), writer(4));
    assert_eq!(known(&index, tenant, NOTE).await, (1..=50).map(|n| (n, 5, 1)).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_beyond_the_bound_has_an_index_of_its_own_that_finds_as_much() {
    let place = postgres().await;
    let index = place.open(Clock::fixed(start())).await.exact_up_to(4_000);
    index.create(LIVE).await.unwrap();
    let (large, small) = (place.tenant().await, place.tenant().await);
    let (many, few) = (Corpus::new(large, SIZE), Corpus::new(small, 500));
    many.fill(&index).await;
    few.fill(&index).await;
    index.upkeep(LIVE).await.unwrap();
    index.upkeep(LIVE).await.unwrap();
    assert_eq!(place.indexes().await, [format!("hnsw_1_{}", large.simple())], "only the large tenant has one");
    many.check(&index).await;
    few.check(&index).await;
    // What is written later is found through the index too.
    index
        .apply(
            LIVE,
            &[live(
                large,
                &record(NOTE, 1 << 90),
                1,
                vec![crate::contract::vector::embedded(crate::contract::text::key(&record(NOTE, 1 << 90), "", "", 0), 1, 45.0)],
            )],
        )
        .await
        .unwrap();
    let nearest = index.search(LIVE, &all_of(large), &at(45.0), 1).await.unwrap();
    assert_eq!(nearest[0].key.record, record(NOTE, 1 << 90));
    index.forget(LIVE, large).await.unwrap();
    index.upkeep(LIVE).await.unwrap();
    assert_eq!(place.indexes().await, [] as [&str; 0], "it goes when the tenant has shrunk");
}
