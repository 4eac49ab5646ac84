//! What every `VectorIndex` must do. An engine joins by one line: `vector_index!(its place)`.

use crate::contract::text::{LIVE, NOTE, ORDER, all_of, key, permit_of, record, start};
use proptest::test_runner::{Config, TestRunner};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::future::Future;
use std::sync::Arc;
use steward_kernel::Clock;
use steward_kernel::principal::Scope;
use steward_rag::engine::{Embedded, Error, Generation, Hit, Index, State, VectorIndex, Write};
use steward_rag::passage::{Attributes, Key, Record};
use steward_rag::permit::Permit;
use uuid::Uuid;

mod recall;
mod walls;
pub(crate) use recall::{Corpus, SIZE, a_filtered_search_finds_what_an_exact_one_finds};
pub(crate) use walls::{
    a_permit_without_clauses_finds_nothing_and_asks_nothing, a_width_finds_only_rows_with_its_attributes, nothing_of_another_tenant_or_generation_is_found,
    only_resources_and_families_of_the_permit_are_found,
};

/// A place where an index lives, empty at first.
pub(crate) trait Place: Sync {
    type Index: VectorIndex;
    /// A second call opens what the first one wrote.
    fn open(&self, clock: Clock) -> impl Future<Output = Self::Index>;
    /// A tenant that the installation knows.
    fn tenant(&self) -> impl Future<Output = Uuid>;
}

/// The rules of this file against an engine; `$place` makes a new place for each.
macro_rules! vector_index {
    ($place:expr) => {
        $crate::contract::vector::vector_index! {
            @ $place;
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
    };
    (@ $place:expr; $($rule:ident),+ $(,)?) => { $(
        #[tokio::test(flavor = "multi_thread")]
        async fn $rule() {
            $crate::contract::vector::$rule(&$place.await).await;
        }
    )+ };
}
pub(crate) use vector_index;

pub(crate) const DIMENSIONS: usize = 384;
const ALL: usize = 1_000;

fn clock() -> Clock {
    Clock::fixed(start())
}

/// A direction: those of near degrees are near to one another.
pub(crate) fn at(degrees: f32) -> Arc<[f32]> {
    let mut vector = vec![0.0; DIMENSIONS];
    (vector[0], vector[1]) = (degrees.to_radians().cos(), degrees.to_radians().sin());
    vector.into()
}

fn hash(n: u8) -> [u8; 32] {
    [n; 32]
}

pub(crate) fn embedded(key: Key, n: u8, degrees: f32) -> Embedded {
    Embedded { key, hash: hash(n), vector: Some(at(degrees)) }
}

pub(crate) fn live(tenant: Uuid, record: &Record, version: i64, passages: Vec<Embedded>) -> Write<Embedded> {
    Write { tenant, record: record.clone(), version, state: State::Live { attributes: Attributes::default(), passages } }
}

/// A record with its card alone.
pub(crate) fn card(tenant: Uuid, record: &Record, version: i64, degrees: f32) -> Write<Embedded> {
    live(tenant, record, version, vec![embedded(key(record, "", "", 0), version as u8, degrees)])
}

pub(crate) fn gone(tenant: Uuid, record: &Record, version: i64) -> Write<Embedded> {
    Write { tenant, record: record.clone(), version, state: State::Gone }
}

pub(crate) async fn near(index: &impl VectorIndex, permit: &Permit, degrees: f32) -> Vec<Hit> {
    index.search(LIVE, permit, &at(degrees), ALL).await.unwrap()
}

pub(crate) async fn found(index: &impl VectorIndex, permit: &Permit, degrees: f32) -> Vec<u128> {
    near(index, permit, degrees).await.iter().map(|hit| hit.key.record.id.as_u128()).collect()
}

pub(crate) async fn known(index: &impl VectorIndex, tenant: Uuid, resource: &str) -> Vec<(u128, i64, u32)> {
    let known = index.known(LIVE, tenant, resource, None, ALL).await.unwrap();
    known.iter().map(|known| (known.record.id.as_u128(), known.version, known.passages)).collect()
}

/// An index with an empty generation.
pub(crate) async fn opened<P: Place>(place: &P) -> P::Index {
    let index = place.open(clock()).await;
    index.create(LIVE).await.unwrap();
    index
}

pub(crate) async fn a_generation_exists_from_create_to_drop<P: Place>(place: &P) {
    let index = place.open(clock()).await;
    let (tenant, note) = (place.tenant().await, record(NOTE, 1));
    assert_eq!(index.generations().await.unwrap(), []);
    let missing = index.apply(LIVE, &[card(tenant, &note, 1, 0.0)]).await;
    assert!(matches!(missing, Err(Error::NoGeneration { generation: 1, .. })), "{missing:?}");
    let missing = index.search(LIVE, &all_of(tenant), &at(0.0), 1).await;
    assert!(matches!(missing, Err(Error::NoGeneration { generation: 1, .. })), "{missing:?}");

    index.create(LIVE).await.unwrap();
    index.create(Generation(12)).await.unwrap();
    index.apply(LIVE, &[card(tenant, &note, 1, 0.0)]).await.unwrap();
    index.create(LIVE).await.unwrap();
    assert_eq!(found(&index, &all_of(tenant), 0.0).await, [1], "making one that exists leaves it as it is");
    assert_eq!(index.generations().await.unwrap(), [LIVE, Generation(12)]);

    // Another process drops it: this one finds out.
    let other = place.open(clock()).await;
    other.drop(LIVE).await.unwrap();
    other.drop(LIVE).await.unwrap();
    let missing = index.search(LIVE, &all_of(tenant), &at(0.0), 1).await;
    assert!(matches!(missing, Err(Error::NoGeneration { generation: 1, .. })), "{missing:?}");
    assert_eq!(index.generations().await.unwrap(), [Generation(12)]);
    index.create(LIVE).await.unwrap();
    assert_eq!(found(&index, &all_of(tenant), 0.0).await, [] as [u128; 0], "what was dropped does not come back");
}

pub(crate) async fn what_is_applied_is_found_at_once<P: Place>(place: &P) {
    let index = opened(place).await;
    let (tenant, note) = (place.tenant().await, record(NOTE, 7));
    index.apply(LIVE, &[]).await.unwrap();
    index.apply(LIVE, &[live(tenant, &note, 41, vec![embedded(key(&note, "", "body", 3), 1, 60.0)])]).await.unwrap();
    let hits = near(&index, &all_of(tenant), 0.0).await;
    assert_eq!(hits.iter().map(|hit| (&hit.key, hit.version)).collect::<Vec<_>>(), [(&key(&note, "", "body", 3), 41)]);
    assert!((hits[0].score - 0.5).abs() < 0.001, "the score is the cosine: {}", hits[0].score);
    let hashes = index.hashes(LIVE, tenant, &[note.clone(), record(NOTE, 8)]).await.unwrap();
    assert_eq!(hashes, HashMap::from([(key(&note, "", "body", 3), hash(1))]));
    index.apply(LIVE, &[gone(tenant, &note, 42)]).await.unwrap();
    assert_eq!(found(&index, &all_of(tenant), 60.0).await, [] as [u128; 0]);
    assert_eq!(index.hashes(LIVE, tenant, &[note]).await.unwrap(), HashMap::new());
}

pub(crate) async fn late_and_repeated_writes_change_nothing<P: Place>(place: &P) {
    let index = opened(place).await;
    let (tenant, note) = (place.tenant().await, record(NOTE, 1));
    let write = |version: i64| card(tenant, &note, version, version as f32 * 10.0);
    let holds = async |version: Option<i64>, why: &str| {
        let hits = near(&index, &all_of(tenant), 0.0).await;
        assert_eq!(hits.iter().map(|hit| hit.version).collect::<Vec<_>>(), version.into_iter().collect::<Vec<_>>(), "{why}");
        for (hit, version) in hits.iter().zip(version) {
            assert!((hit.score - (version as f32 * 10.0).to_radians().cos()).abs() < 0.001, "{why}: another vector");
        }
        let hashes = index.hashes(LIVE, tenant, std::slice::from_ref(&note)).await.unwrap();
        assert_eq!(hashes, version.map(|version| (key(&note, "", "", 0), hash(version as u8))).into_iter().collect(), "{why}");
        assert_eq!(known(&index, tenant, NOTE).await, version.map(|version| (1, version, 1)).into_iter().collect::<Vec<_>>(), "{why}");
    };
    index.apply(LIVE, &[write(3)]).await.unwrap();
    index.apply(LIVE, &[write(2)]).await.unwrap();
    holds(Some(3), "a late write").await;
    index.apply(LIVE, &[write(3)]).await.unwrap();
    holds(Some(3), "a repeated write").await;
    index.apply(LIVE, &[gone(tenant, &note, 2)]).await.unwrap();
    holds(Some(3), "a late deletion").await;
    index.apply(LIVE, &[gone(tenant, &note, 3)]).await.unwrap();
    holds(None, "a deletion beats a write of its version").await;
    for version in [1, 2, 3] {
        index.apply(LIVE, &[write(version)]).await.unwrap();
        holds(None, "nothing late brings back what is gone").await;
    }
    index.apply(LIVE, &[write(4)]).await.unwrap();
    holds(Some(4), "a later write brings the record back").await;
    index.apply(LIVE, &[write(5), gone(tenant, &note, 6), write(6), write(8), write(7)]).await.unwrap();
    holds(Some(8), "a batch counts as its writes one after the other").await;
}

pub(crate) async fn a_repeated_write_adds_the_vectors_that_were_missing<P: Place>(place: &P) {
    let index = opened(place).await;
    let (tenant, note) = (place.tenant().await, record(NOTE, 1));
    let passages = |first: Option<f32>, second: Option<f32>| {
        let one = |ordinal: u32, degrees: Option<f32>| Embedded { key: key(&note, "", "body", ordinal), hash: hash(ordinal as u8), vector: degrees.map(at) };
        vec![one(0, first), one(1, second)]
    };
    index.apply(LIVE, &[live(tenant, &note, 3, passages(Some(10.0), None))]).await.unwrap();
    assert_eq!(known(&index, tenant, NOTE).await, [(1, 3, 1)]);
    index.apply(LIVE, &[live(tenant, &note, 3, passages(Some(10.0), Some(20.0)))]).await.unwrap();
    assert_eq!(known(&index, tenant, NOTE).await, [(1, 3, 2)]);
    let hits = near(&index, &all_of(tenant), 10.0).await;
    assert!(hits[0].key.ordinal == 0 && hits[0].score > 0.999, "the vector that was there stays: {hits:?}");
    index.apply(LIVE, &[gone(tenant, &note, 3), live(tenant, &note, 3, passages(Some(10.0), Some(20.0)))]).await.unwrap();
    assert_eq!(found(&index, &all_of(tenant), 10.0).await, [] as [u128; 0], "what is gone takes no vectors of its version");
}

pub(crate) async fn a_record_rendered_anew_takes_the_place_of_its_version<P: Place>(place: &P) {
    let index = opened(place).await;
    let (tenant, note, beside) = (place.tenant().await, record(NOTE, 1), record(NOTE, 2));
    let chunk = |ordinal: u32, n: u8, vector: Option<f32>| Embedded { key: key(&note, "", "body", ordinal), hash: hash(n), vector: vector.map(at) };
    let first = vec![chunk(0, 1, Some(10.0)), chunk(1, 2, Some(20.0)), chunk(2, 3, Some(30.0)), chunk(3, 4, Some(40.0))];
    index.apply(LIVE, &[live(tenant, &note, 3, first), card(tenant, &beside, 3, 0.0)]).await.unwrap();
    // The first text as it was, the second another one, the third another one whose vector is not there yet, the fourth none.
    let anew = vec![chunk(0, 1, None), chunk(1, 5, Some(50.0)), chunk(2, 6, None)];
    index.apply(LIVE, &[live(tenant, &note, 3, anew)]).await.unwrap();
    let hashes = index.hashes(LIVE, tenant, std::slice::from_ref(&note)).await.unwrap();
    assert_eq!(hashes, HashMap::from([(key(&note, "", "body", 0), hash(1)), (key(&note, "", "body", 1), hash(5))]));
    let hits = near(&index, &all_of(tenant), 50.0).await;
    assert!(hits[0].key.ordinal == 1 && hits[0].score > 0.999, "{hits:?}");
    assert_eq!(known(&index, tenant, NOTE).await, [(1, 3, 2), (2, 3, 1)]);
    index.apply(LIVE, &[live(tenant, &note, 2, vec![chunk(0, 9, Some(90.0))])]).await.unwrap();
    assert_eq!(known(&index, tenant, NOTE).await, [(1, 3, 2), (2, 3, 1)], "a lower version takes no place");
}

/// A write of a random history: record, version, whether it is gone, and which of its passages come with a vector.
type Step = (u128, i64, bool, u8);

/// What a version of a record looks like: chunks by ordinal, with the text of each. Most texts last for two versions.
fn texts(n: u128, version: i64) -> Vec<u8> {
    (0..(version + n as i64) % 4).map(|ordinal| (ordinal * 16 + version / 2) as u8).collect()
}

#[derive(Clone, Default)]
struct Modelled {
    version: i64,
    gone: bool,
    held: BTreeMap<u32, u8>,
}

fn model(records: &mut BTreeMap<u128, Modelled>, (n, version, is_gone, with): Step) {
    let entry = records.entry(n).or_default();
    let higher = version > entry.version;
    if is_gone {
        if higher || (version == entry.version && !entry.gone) {
            *entry = Modelled { version, gone: true, held: BTreeMap::new() };
        }
        return;
    }
    if version < entry.version || (!higher && entry.gone) {
        return;
    }
    let old = std::mem::take(&mut entry.held);
    (entry.version, entry.gone) = (version, false);
    for (ordinal, text) in (0..).zip(texts(n, version)) {
        if with >> ordinal & 1 == 1 || old.get(&ordinal) == Some(&text) {
            entry.held.insert(ordinal, text);
        }
    }
}

fn step(tenant: Uuid, (n, version, is_gone, with): Step) -> Write<Embedded> {
    let note = record(NOTE, n);
    if is_gone {
        return gone(tenant, &note, version);
    }
    let passage = |(ordinal, text): (u32, u8)| Embedded {
        key: key(&note, "", "body", ordinal),
        hash: hash(text),
        vector: (with >> ordinal & 1 == 1).then(|| at(f32::from(text))),
    };
    live(tenant, &note, version, (0..).zip(texts(n, version)).map(passage).collect())
}

pub(crate) async fn in_any_order_the_highest_version_wins<P: Place>(place: &P) {
    let index = opened(place).await;
    let step = (1..4_u128, 1..6_i64, proptest::bool::weighted(0.25), 0..8_u8);
    let batches = proptest::collection::vec(proptest::collection::vec(step, 1..6), 1..6);
    tokio::task::block_in_place(|| {
        let mut runner = TestRunner::new(Config { cases: 48, failure_persistence: None, ..Config::default() });
        let outcome = runner.run(&batches, |batches| {
            tokio::runtime::Handle::current().block_on(follows_the_model(place, &index, &batches));
            Ok(())
        });
        outcome.unwrap();
    });
}

async fn follows_the_model<P: Place>(place: &P, index: &P::Index, batches: &[Vec<Step>]) {
    // A tenant of its own for each history.
    let tenant = place.tenant().await;
    let mut records = BTreeMap::new();
    for batch in batches {
        let writes: Vec<_> = batch.iter().map(|one| step(tenant, *one)).collect();
        index.apply(LIVE, &writes).await.unwrap();
        batch.iter().for_each(|one| model(&mut records, *one));
    }
    let alive = records.iter().filter(|(_, modelled)| !modelled.gone);
    let expected: Vec<_> = alive.clone().map(|(n, modelled)| (*n, modelled.version, modelled.held.len() as u32)).collect();
    assert_eq!(known(index, tenant, NOTE).await, expected);
    let keys = |n: u128, ordinal: u32| key(&record(NOTE, n), "", "body", ordinal);
    let held = alive.flat_map(|(n, modelled)| modelled.held.iter().map(|(ordinal, text)| (keys(*n, *ordinal), *text, modelled.version)));
    let held: Vec<_> = held.collect();
    let all: Vec<Record> = records.keys().map(|n| record(NOTE, *n)).collect();
    let hashes = index.hashes(LIVE, tenant, &all).await.unwrap();
    assert_eq!(hashes, held.iter().map(|(key, text, _)| (key.clone(), hash(*text))).collect());
    let hits = near(index, &all_of(tenant), 0.0).await;
    let found: BTreeSet<_> = hits.iter().map(|hit| (hit.key.clone(), hit.version)).collect();
    assert_eq!(found, held.iter().map(|(key, _, version)| (key.clone(), *version)).collect());
    for hit in hits {
        let text = held.iter().find(|(key, _, _)| *key == hit.key).unwrap().1;
        assert!((hit.score - f32::from(text).to_radians().cos()).abs() < 0.001, "a vector of another text");
    }
}

pub(crate) async fn a_shorter_text_leaves_no_chunk_behind<P: Place>(place: &P) {
    let index = opened(place).await;
    let (tenant, note) = (place.tenant().await, record(NOTE, 1));
    let chunks = |count: u32| (0..count).map(|ordinal| embedded(key(&note, "", "body", ordinal), ordinal as u8, ordinal as f32)).collect();
    index.apply(LIVE, &[live(tenant, &note, 1, chunks(9))]).await.unwrap();
    assert_eq!(near(&index, &all_of(tenant), 0.0).await.len(), 9);
    index.apply(LIVE, &[live(tenant, &note, 2, chunks(2))]).await.unwrap();
    assert_eq!(near(&index, &all_of(tenant), 0.0).await.iter().map(|hit| hit.key.ordinal).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(index.hashes(LIVE, tenant, std::slice::from_ref(&note)).await.unwrap().len(), 2);
    index.apply(LIVE, &[live(tenant, &note, 3, Vec::new())]).await.unwrap();
    assert_eq!(near(&index, &all_of(tenant), 0.0).await, []);
    assert_eq!(known(&index, tenant, NOTE).await, [(1, 3, 0)], "a record without a text is there all the same");
}

pub(crate) async fn a_vector_is_kept_under_its_hash_and_never_invented<P: Place>(place: &P) {
    let index = opened(place).await;
    let (tenant, note) = (place.tenant().await, record(NOTE, 1));
    let without = |ordinal: u32, n: u8| Embedded { key: key(&note, "", "body", ordinal), hash: hash(n), vector: None };
    index
        .apply(LIVE, &[live(tenant, &note, 1, vec![embedded(key(&note, "", "body", 0), 1, 30.0), embedded(key(&note, "", "body", 1), 2, 40.0)])])
        .await
        .unwrap();
    // The first is as it was, the second has another text, the third is new: only the first has a vector.
    index.apply(LIVE, &[live(tenant, &note, 2, vec![without(0, 1), without(1, 9), without(2, 1)])]).await.unwrap();
    let hits = near(&index, &all_of(tenant), 30.0).await;
    assert_eq!(hits.iter().map(|hit| (hit.key.ordinal, hit.version)).collect::<Vec<_>>(), [(0, 2)]);
    assert!(hits[0].score > 0.999, "{hits:?}");
    assert_eq!(index.hashes(LIVE, tenant, std::slice::from_ref(&note)).await.unwrap(), HashMap::from([(key(&note, "", "body", 0), hash(1))]));
    assert_eq!(known(&index, tenant, NOTE).await, [(1, 2, 1)], "the reconciler sees that two are missing");
}

pub(crate) async fn a_change_of_attributes_alone_moves_the_vectors<P: Place>(place: &P) {
    let index = opened(place).await;
    let (tenant, note) = (place.tenant().await, record(NOTE, 1));
    let owned = |version: i64, owner: u128, vector: Option<Arc<[f32]>>| {
        let passages = vec![Embedded { key: key(&note, "", "", 0), hash: hash(1), vector }];
        let attributes = Attributes { owner: Some(Uuid::from_u128(owner)), ..Attributes::default() };
        Write { tenant, record: note.clone(), version, state: State::Live { attributes, passages } }
    };
    let team = |owner: u128| permit_of(tenant, &[("crm:note:read", Scope::Team)], |_, rights| rights.team = vec![Uuid::from_u128(owner)]);
    index.apply(LIVE, &[owned(1, 1, Some(at(30.0)))]).await.unwrap();
    index.apply(LIVE, &[owned(2, 2, None)]).await.unwrap();
    assert_eq!(found(&index, &team(1), 30.0).await, [] as [u128; 0]);
    assert_eq!(near(&index, &team(2), 30.0).await.iter().map(|hit| hit.version).collect::<Vec<_>>(), [2]);
    index.apply(LIVE, &[owned(1, 1, Some(at(30.0)))]).await.unwrap();
    assert_eq!(found(&index, &team(1), 30.0).await, [] as [u128; 0], "a late write gives nothing back to the old owner");
}

pub(crate) async fn vectors_of_another_length_or_without_a_direction_are_refused_with_their_batch<P: Place>(place: &P) {
    let index = opened(place).await;
    let (tenant, note) = (place.tenant().await, record(NOTE, 1));
    let with = |vector: Vec<f32>| {
        let bad = Embedded { key: key(&note, "", "", 0), hash: hash(1), vector: Some(vector.into()) };
        [card(tenant, &record(NOTE, 2), 1, 0.0), live(tenant, &note, 1, vec![bad])]
    };
    let mut endless = vec![0.5; DIMENSIONS];
    endless[7] = f32::INFINITY;
    for vector in [vec![1.0; 3], vec![1.0; DIMENSIONS + 1], Vec::new()] {
        let refused = index.apply(LIVE, &with(vector.clone())).await;
        assert!(matches!(refused, Err(Error::Dimensions { expected: DIMENSIONS, found }) if found == vector.len()), "{refused:?}");
        let refused = index.search(LIVE, &all_of(tenant), &vector, 1).await;
        assert!(matches!(refused, Err(Error::Dimensions { expected: DIMENSIONS, .. })), "{refused:?}");
    }
    for vector in [vec![0.0; DIMENSIONS], vec![f32::NAN; DIMENSIONS], endless] {
        let refused = index.apply(LIVE, &with(vector.clone())).await;
        assert!(matches!(refused, Err(Error::NoDirection)), "{refused:?}");
        let refused = index.search(LIVE, &all_of(tenant), &vector, 1).await;
        assert!(matches!(refused, Err(Error::NoDirection)), "{refused:?}");
    }
    assert_eq!(known(&index, tenant, NOTE).await, [], "nothing of a refused batch is written");
    index.apply(LIVE, &with(vec![1e30; DIMENSIONS])).await.unwrap();
    assert_eq!(known(&index, tenant, NOTE).await.len(), 2, "only the direction counts, however long the vector");
}

pub(crate) async fn hits_are_nearest_first_and_equal_ones_in_the_order_of_their_keys<P: Place>(place: &P) {
    let index = opened(place).await;
    let tenant = place.tenant().await;
    // 60 equals in the order of no id, and a nearer one at the end of the keys.
    let mut numbers: Vec<u128> = (1..=60).collect();
    numbers.sort_unstable_by_key(|n| n * 37 % 61);
    let mut writes: Vec<_> = numbers.iter().map(|n| card(tenant, &record(NOTE, *n), 1, 30.0)).collect();
    writes.push(card(tenant, &record(NOTE, 99), 1, 10.0));
    writes.push(card(tenant, &record(ORDER, 98), 1, 80.0));
    index.apply(LIVE, &writes).await.unwrap();
    let expected: Vec<u128> = [99].into_iter().chain(1..=60).chain([98]).collect();
    assert_eq!(found(&index, &all_of(tenant), 0.0).await, expected);
    for limit in [0, 1, 2, 7, 61, 62] {
        let hits = index.search(LIVE, &all_of(tenant), &at(0.0), limit).await.unwrap();
        assert_eq!(hits.iter().map(|hit| hit.key.record.id.as_u128()).collect::<Vec<_>>(), expected[..limit], "the first {limit} of equals are the same ones");
    }
}

pub(crate) async fn known_lists_live_records_in_pages<P: Place>(place: &P) {
    let index = opened(place).await;
    let tenant = place.tenant().await;
    // Ids that begin alike, and some that do not.
    let ids: Vec<u128> = (1..=40).chain((1..=5).map(|n| n << 100)).collect();
    let mut writes: Vec<_> = ids.iter().rev().map(|n| card(tenant, &record(NOTE, *n), 2, 0.0)).collect();
    writes.push(gone(tenant, &record(NOTE, 41), 1));
    writes.push(card(tenant, &record(ORDER, 3), 7, 0.0));
    index.apply(LIVE, &writes).await.unwrap();
    for limit in [1, 7, 45, 100] {
        let (mut listed, mut after) = (Vec::new(), None);
        loop {
            let page = index.known(LIVE, tenant, NOTE, after, limit).await.unwrap();
            assert!(page.len() <= limit);
            assert!(page.iter().all(|known| known.record.resource == NOTE && known.version == 2 && known.passages == 1), "{page:?}");
            listed.extend(page.iter().map(|known| known.record.id.as_u128()));
            after = page.last().map(|known| known.record.id);
            if page.len() < limit {
                break;
            }
        }
        assert_eq!(listed, ids, "in pages of {limit}");
    }
    assert_eq!(known(&index, tenant, ORDER).await, [(3, 7, 1)]);
}

pub(crate) async fn forgetting_a_tenant_leaves_nothing_of_it_and_all_of_others<P: Place>(place: &P) {
    let index = opened(place).await;
    let (one, other) = (place.tenant().await, place.tenant().await);
    let write = |tenant| [card(tenant, &record(NOTE, 1), 5, 0.0), gone(tenant, &record(NOTE, 2), 5)];
    index.apply(LIVE, &[write(one), write(other)].concat()).await.unwrap();
    index.forget(LIVE, one).await.unwrap();
    assert_eq!(found(&index, &all_of(one), 0.0).await, [] as [u128; 0]);
    assert_eq!(known(&index, one, NOTE).await, []);
    assert_eq!(found(&index, &all_of(other), 0.0).await, [1]);
    for tenant in [one, other] {
        index.apply(LIVE, &[card(tenant, &record(NOTE, 2), 4, 0.0)]).await.unwrap();
    }
    assert_eq!(found(&index, &all_of(one), 0.0).await, [2], "its tombstones are gone too");
    assert_eq!(found(&index, &all_of(other), 0.0).await, [1], "those of others are not");
}

pub(crate) async fn pruning_removes_old_tombstones_only<P: Place>(place: &P) {
    let clock = clock();
    let index = place.open(clock.clone()).await;
    index.create(LIVE).await.unwrap();
    let tenant = place.tenant().await;
    index.apply(LIVE, &[card(tenant, &record(NOTE, 1), 5, 0.0), gone(tenant, &record(NOTE, 2), 5)]).await.unwrap();
    clock.set(start() + chrono::Duration::hours(2));
    index.apply(LIVE, &[gone(tenant, &record(NOTE, 3), 5)]).await.unwrap();
    let hour = start() + chrono::Duration::hours(1);
    assert_eq!(index.prune(LIVE, start()).await.unwrap(), 0, "one that is just as old stays");
    assert_eq!(index.prune(LIVE, hour).await.unwrap(), 1);
    assert_eq!(index.prune(LIVE, hour).await.unwrap(), 0);
    index.apply(LIVE, &[card(tenant, &record(NOTE, 2), 4, 0.0), card(tenant, &record(NOTE, 3), 4, 0.0)]).await.unwrap();
    assert_eq!(found(&index, &all_of(tenant), 0.0).await, [1, 2], "the fence of the third still stands");
}

pub(crate) async fn what_was_acknowledged_is_there_after_reopening<P: Place>(place: &P) {
    let index = opened(place).await;
    let tenant = place.tenant().await;
    index.apply(LIVE, &[card(tenant, &record(NOTE, 1), 5, 0.0), gone(tenant, &record(NOTE, 2), 5)]).await.unwrap();
    drop(index);
    let index = place.open(clock()).await;
    index.apply(LIVE, &[card(tenant, &record(NOTE, 2), 4, 0.0)]).await.unwrap();
    assert_eq!(found(&index, &all_of(tenant), 0.0).await, [1]);
}
