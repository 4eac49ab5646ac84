//! Qdrant against the contract of vector indexes, and what is its own: late writers on the wire, old servers, no server.
//!
//! The server is the one in memory; with `STEWARD_TEST_QDRANT_URL` the contract runs against a real one as well.

use crate::contract::text::{LIVE, NOTE, all_of, key, record, start};
use crate::contract::vector::{DIMENSIONS, Place, at, card, embedded, found, gone, known, live, opened, vector_index};
use crate::qdrant_server::Server;
use std::collections::HashMap;
use steward_kernel::{Clock, ids};
use steward_rag::engine::qdrant::{Qdrant, Settings};
use steward_rag::engine::{Error, Generation, Index, VectorIndex};
use tokio::net::TcpListener;
use uuid::Uuid;

struct Memory(Server);

async fn memory() -> Memory {
    Memory(Server::start().await)
}

fn engine(url: &str, prefix: &str) -> Qdrant {
    let settings = Settings { prefix: prefix.to_owned(), ..Settings::new(url) };
    Qdrant::new(&settings, Clock::fixed(start()), DIMENSIONS).unwrap()
}

impl Place for Memory {
    type Index = Qdrant;
    async fn open(&self, clock: Clock) -> Qdrant {
        Qdrant::new(&Settings::new(&self.0.url), clock, DIMENSIONS).unwrap()
    }
    async fn tenant(&self) -> Uuid {
        ids::fresh()
    }
}

vector_index!(memory());

mod a_real_server {
    use super::{DIMENSIONS, Index, Place, Qdrant, Settings, ids};
    use steward_kernel::Clock;
    use uuid::Uuid;

    struct Real {
        url: String,
        prefix: String,
    }

    impl Place for Real {
        type Index = Qdrant;
        async fn open(&self, clock: Clock) -> Qdrant {
            let settings = Settings { prefix: self.prefix.clone(), timeout_seconds: 60, ..Settings::new(&self.url) };
            Qdrant::new(&settings, clock, DIMENSIONS).unwrap()
        }
        async fn tenant(&self) -> Uuid {
            ids::fresh()
        }
    }

    /// All rules one after the other; without a server there is nothing to hold to them.
    macro_rules! rules {
        ($($rule:ident),+ $(,)?) => {
            #[tokio::test(flavor = "multi_thread")]
            async fn keeps_the_contract() {
                let Ok(url) = std::env::var("STEWARD_TEST_QDRANT_URL") else { return };
                $(
                    let place = Real { url: url.clone(), prefix: format!("test_{}", ids::fresh().simple()) };
                    crate::contract::vector::$rule(&place).await;
                    let index = place.open(Clock::System).await;
                    for generation in index.generations().await.unwrap() {
                        index.drop(generation).await.unwrap();
                    }
                )+
            }
        };
    }
    rules! {
        a_generation_exists_from_create_to_drop,
        what_is_applied_is_found_at_once,
        nothing_of_another_tenant_or_generation_is_found,
        only_resources_and_families_of_the_permit_are_found,
        a_width_finds_only_rows_with_its_attributes,
        a_permit_without_clauses_finds_nothing_and_asks_nothing,
        late_and_repeated_writes_change_nothing,
        a_repeated_write_adds_the_vectors_that_were_missing,
        a_record_rendered_anew_takes_the_place_of_its_version,
        in_any_order_the_highest_version_wins,
        a_shorter_text_leaves_no_chunk_behind,
        a_vector_is_kept_under_its_hash_and_never_invented,
        a_change_of_attributes_alone_moves_the_vectors,
        vectors_of_another_length_or_without_a_direction_are_refused_with_their_batch,
        hits_are_nearest_first_and_equal_ones_in_the_order_of_their_keys,
        known_lists_live_records_in_pages,
        forgetting_a_tenant_leaves_nothing_of_it_and_all_of_others,
        pruning_removes_old_tombstones_only,
        what_was_acknowledged_is_there_after_reopening,
        a_filtered_search_finds_what_an_exact_one_finds,
    }
}

/// The writer has looked, sees nothing newer, sends its batch, and is overtaken before it is applied.
#[tokio::test]
async fn a_writer_that_was_overtaken_on_the_wire_changes_nothing_that_anybody_finds() {
    let place = memory().await;
    let index = opened(&place).await;
    let other = place.open(Clock::fixed(start())).await;
    let tenant = ids::fresh();
    let (alive, dead) = (record(NOTE, 1), record(NOTE, 2));
    let chunks =
        |version: i64, count: u32| live(tenant, &alive, version, (0..count).map(|n| embedded(key(&alive, "", "body", n), version as u8, n as f32)).collect());
    index.apply(LIVE, &[chunks(1, 1), card(tenant, &dead, 1, 5.0)]).await.unwrap();

    let mut held = place.0.hold();
    // More chunks than the later version has, and a record that is deleted meanwhile.
    let late = [chunks(2, 6), card(tenant, &dead, 2, 5.0)];
    let (sent, ()) = tokio::join!(index.apply(LIVE, &late), async {
        held.arrived().await;
        other.apply(LIVE, &[chunks(3, 2), gone(tenant, &dead, 3)]).await.unwrap();
        held.release();
    });
    sent.unwrap();

    let hits = other.search(LIVE, &all_of(tenant), &at(0.0), 100).await.unwrap();
    assert_eq!(
        hits.iter().map(|hit| (hit.key.record.clone(), hit.key.ordinal, hit.version)).collect::<Vec<_>>(),
        [(alive.clone(), 0, 3), (alive.clone(), 1, 3)]
    );
    assert_eq!(known(&other, tenant, NOTE).await, [(1, 3, 2)]);
    let hashes = other.hashes(LIVE, tenant, &[alive.clone(), dead.clone()]).await.unwrap();
    assert_eq!(hashes, HashMap::from([(key(&alive, "", "body", 0), [3; 32]), (key(&alive, "", "body", 1), [3; 32])]));
    // What it left behind takes no place among the hits, and goes with the next write of each record.
    assert_eq!(found(&other, &all_of(tenant), 5.0).await, [1, 1]);
    assert_eq!(place.0.points(), 2 + 2 + 5);
    other.apply(LIVE, &[chunks(4, 1), gone(tenant, &dead, 4)]).await.unwrap();
    assert_eq!(place.0.points(), 2 + 1, "two records and one passage");
}

#[tokio::test]
async fn installations_with_other_prefixes_do_not_see_each_other() {
    let place = memory().await;
    let (one, other) = (engine(&place.0.url, "one"), engine(&place.0.url, "one_more"));
    one.create(Generation(1)).await.unwrap();
    other.create(Generation(2)).await.unwrap();
    assert_eq!(one.generations().await.unwrap(), [Generation(1)]);
    assert_eq!(other.generations().await.unwrap(), [Generation(2)]);
}

#[tokio::test]
async fn a_server_that_would_ignore_conditions_is_refused() {
    let place = memory().await;
    for (version, enough) in [("1.15.5", false), ("0.11.0", false), ("", false), ("1.16.0", true), ("v1.20.0-dev", true), ("2.0.0", true)] {
        place.0.pretend(version);
        let index = engine(&place.0.url, &format!("v{}", ids::fresh().simple()));
        match index.create(LIVE).await {
            Ok(()) => assert!(enough, "{version}"),
            Err(error) => assert!(!enough && matches!(error, Error::Setup { engine: "qdrant", .. }), "{version}: {error:?}"),
        }
    }
}

#[tokio::test]
async fn the_key_is_sent_and_never_shown() {
    let place = memory().await;
    let settings = Settings { api_key: Some("under the mat".into()), ..Settings::new(&place.0.url) };
    assert!(!format!("{settings:?}").contains("mat"));
    Qdrant::new(&settings, Clock::fixed(start()), DIMENSIONS).unwrap().generations().await.unwrap();
    assert_eq!(place.0.key_seen().as_deref(), Some("under the mat"));
}

#[tokio::test]
async fn without_a_server_the_engine_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let index = engine(&url, "steward");
    let error = index.search(LIVE, &all_of(ids::fresh()), &at(0.0), 1).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { engine: "qdrant", .. }), "{error:?}");
}

#[tokio::test]
async fn a_server_that_does_not_answer_in_time_is_unavailable() {
    // Takes connections and says nothing.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = Settings { timeout_seconds: 1, ..Settings::new(format!("http://{}", listener.local_addr().unwrap())) };
    let index = Qdrant::new(&settings, Clock::fixed(start()), DIMENSIONS).unwrap();
    let error = index.generations().await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { engine: "qdrant", .. }), "{error:?}");
}

#[test]
fn settings_that_cannot_work_are_refused_at_once() {
    for (url, prefix) in [("http://[", "steward"), ("http://qdrant:6334", ""), ("http://qdrant:6334", "a/b")] {
        let settings = Settings { prefix: prefix.into(), ..Settings::new(url) };
        assert!(matches!(Qdrant::new(&settings, Clock::System, DIMENSIONS), Err(Error::Setup { .. })), "{url} {prefix}");
    }
}
