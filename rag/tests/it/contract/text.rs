//! What every `TextIndex` must do. An engine joins by one line: `text_index!(its engine)`.

mod walls;
mod words;

pub(crate) use walls::*;
pub(crate) use words::*;

use chrono::{DateTime, Duration, Utc};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::future::Future;
use std::sync::Arc;
use steward_kernel::catalogue::{Catalogue, Field, Resource};
use steward_kernel::principal::{Door, Principal, Rights, Scope};
use steward_kernel::{Clock, ids};
use steward_rag::engine::{Error, Generation, Hit, Index as _, Known, State, TextIndex, TextQuery, Write};
use steward_rag::passage::{Attributes, Key, Passage, Record};
use steward_rag::permit::Permit;
use uuid::Uuid;

/// A place where an index lives, empty at first.
pub(crate) trait Engine: Sync {
    type Index: TextIndex;
    /// A second call opens what the first one wrote; the first index is gone by then.
    fn open(&self, clock: Clock) -> impl Future<Output = Self::Index>;
}

/// The rules of this file against an engine; `$engine` makes a new place for each.
macro_rules! text_index {
    ($engine:expr) => {
        $crate::contract::text::text_index! {
            @ $engine;
            a_generation_exists_from_create_to_drop,
            what_is_applied_is_found_at_once,
            nothing_of_another_tenant_or_generation_is_found,
            only_resources_and_families_of_the_permit_are_found,
            a_width_finds_only_rows_with_its_attributes,
            a_permit_without_clauses_finds_nothing_and_asks_nothing,
            late_and_repeated_writes_change_nothing,
            a_batch_counts_as_its_writes_one_after_the_other,
            in_any_order_the_highest_version_wins,
            a_shorter_text_leaves_no_chunk_behind,
            what_was_acknowledged_is_there_after_reopening,
            hits_are_best_first_and_equal_ones_in_the_order_of_their_keys,
            known_lists_live_records_in_pages,
            forgetting_a_tenant_leaves_nothing_of_it_and_all_of_others,
            pruning_removes_old_tombstones_only,
            words_are_found_without_case_diacritics_and_endings,
            identifiers_are_found_as_a_whole_and_by_their_parts,
            the_exact_word_counts_more_than_its_stem_and_the_title_more_than_the_text,
            the_beginning_of_the_last_word_finds_it_while_typing,
            any_question_is_only_words_and_never_fails,
            rows_that_one_cannot_see_change_no_hit,
        }
    };
    (@ $engine:expr; $($rule:ident),+ $(,)?) => { $(
        #[tokio::test(flavor = "multi_thread")]
        async fn $rule() {
            $crate::contract::text::$rule(&$engine).await;
        }
    )+ };
}
pub(crate) use text_index;

pub(crate) const LIVE: Generation = Generation(1);
pub(crate) const NOTE: &str = "crm.note";
pub(crate) const ORDER: &str = "sales.order";
const SALARY: &str = "crm:note:salary";
const ALL: usize = 1_000;

pub(crate) fn start() -> DateTime<Utc> {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn clock() -> Clock {
    Clock::fixed(start())
}

pub(crate) fn record(resource: &str, n: u128) -> Record {
    Record { resource: resource.into(), id: Uuid::from_u128(n) }
}

pub(crate) fn key(record: &Record, family: &str, field: &str, ordinal: u32) -> Key {
    Key { record: record.clone(), family: family.into(), field: field.into(), ordinal }
}

fn passage(key: Key, title: &str, text: &str) -> Passage {
    Passage { key, title: title.into(), text: text.into(), span: None }
}

/// A record with its card alone.
pub(crate) fn card(tenant: Uuid, record: &Record, version: i64, title: &str, text: &str) -> Write<Passage> {
    live(tenant, record, version, Attributes::default(), vec![passage(key(record, "", "", 0), title, text)])
}

pub(crate) fn live(tenant: Uuid, record: &Record, version: i64, attributes: Attributes, passages: Vec<Passage>) -> Write<Passage> {
    Write { tenant, record: record.clone(), version, state: State::Live { attributes, passages } }
}

pub(crate) fn gone(tenant: Uuid, record: &Record, version: i64) -> Write<Passage> {
    Write { tenant, record: record.clone(), version, state: State::Gone }
}

fn catalogue() -> Catalogue {
    let note = Resource::new(NOTE, "notes", "crm_note").owner("owner_id").department("department_id").company("company_id");
    let note = note.field(Field::text("name").searchable()).field(Field::text("salary").searchable().permission(SALARY));
    let order = Resource::new(ORDER, "orders", "sales_order").owner("owner_id").field(Field::text("name").searchable());
    Catalogue { resources: [note, order].map(|resource| (resource.name.to_string(), Arc::new(resource))).into(), ..Catalogue::default() }
}

/// What somebody of the tenant may find who has these grants; `set` gives him his place in the house.
pub(crate) fn permit_of(tenant: Uuid, grants: &[(&str, Scope)], set: impl FnOnce(&mut Principal, &mut Rights)) -> Permit {
    let mut principal = Principal { user: Uuid::from_u128(1), ..Principal::system(tenant, Door::Rest, "test") };
    let mut rights = Rights { modules: vec!["*".into()], ..Rights::default() };
    rights.grants = grants.iter().map(|(permission, scope)| ((*permission).to_owned(), *scope)).collect();
    set(&mut principal, &mut rights);
    Permit::of(&catalogue(), &rights, &principal, None)
}

/// Everything of the tenant.
pub(crate) fn all_of(tenant: Uuid) -> Permit {
    permit_of(tenant, &[("crm:note:read", Scope::Tenant), ("sales:order:read", Scope::Tenant), (SALARY, Scope::Tenant)], |_, _| {})
}

pub(crate) async fn ask(index: &impl TextIndex, permit: &Permit, text: &str) -> Vec<Hit> {
    index.search(LIVE, permit, &TextQuery { text: text.into(), prefix: false, limit: ALL }).await.unwrap()
}

async fn typed(index: &impl TextIndex, permit: &Permit, text: &str) -> Vec<u128> {
    numbers(&index.search(LIVE, permit, &TextQuery { text: text.into(), prefix: true, limit: ALL }).await.unwrap())
}

/// The records of hits, in their order.
pub(crate) fn numbers(hits: &[Hit]) -> Vec<u128> {
    hits.iter().map(|hit| hit.key.record.id.as_u128()).collect()
}

async fn found(index: &impl TextIndex, permit: &Permit, text: &str) -> Vec<u128> {
    numbers(&ask(index, permit, text).await)
}

async fn known(index: &impl TextIndex, tenant: Uuid, resource: &str) -> Vec<(u128, i64, u32)> {
    let known = index.known(LIVE, tenant, resource, None, ALL).await.unwrap();
    known.iter().map(|known| (known.record.id.as_u128(), known.version, known.passages)).collect()
}

/// An index with an empty generation.
async fn opened<E: Engine>(engine: &E) -> E::Index {
    let index = engine.open(clock()).await;
    index.create(LIVE).await.unwrap();
    index
}

pub(crate) async fn a_generation_exists_from_create_to_drop<E: Engine>(engine: &E) {
    let index = engine.open(clock()).await;
    let tenant = ids::fresh();
    assert_eq!(index.generations().await.unwrap(), []);
    let missing = index.apply(LIVE, &[card(tenant, &record(NOTE, 1), 1, "", "word")]).await;
    assert!(matches!(missing, Err(Error::NoGeneration { generation: 1, .. })), "{missing:?}");
    let missing = index.search(LIVE, &all_of(tenant), &TextQuery { text: "word".into(), prefix: false, limit: 1 }).await;
    assert!(matches!(missing, Err(Error::NoGeneration { generation: 1, .. })), "{missing:?}");

    index.create(LIVE).await.unwrap();
    index.create(Generation(12)).await.unwrap();
    index.apply(LIVE, &[card(tenant, &record(NOTE, 1), 1, "", "word")]).await.unwrap();
    index.create(LIVE).await.unwrap();
    assert_eq!(found(&index, &all_of(tenant), "word").await, [1], "making one that exists leaves it as it is");
    assert_eq!(index.generations().await.unwrap(), [LIVE, Generation(12)]);

    index.drop(LIVE).await.unwrap();
    index.drop(LIVE).await.unwrap();
    assert_eq!(index.generations().await.unwrap(), [Generation(12)]);
    index.create(LIVE).await.unwrap();
    assert_eq!(found(&index, &all_of(tenant), "word").await, [] as [u128; 0], "what was dropped does not come back");
}

pub(crate) async fn what_is_applied_is_found_at_once<E: Engine>(engine: &E) {
    let index = opened(engine).await;
    let (tenant, note) = (ids::fresh(), record(NOTE, 7));
    index.apply(LIVE, &[]).await.unwrap();
    let chunk = passage(key(&note, "", "body", 3), "Heading", "a long text about chai");
    index.apply(LIVE, &[live(tenant, &note, 41, Attributes::default(), vec![chunk])]).await.unwrap();
    let hits = ask(&index, &all_of(tenant), "chai").await;
    assert_eq!(hits.iter().map(|hit| (&hit.key, hit.version)).collect::<Vec<_>>(), [(&key(&note, "", "body", 3), 41)]);
    index.apply(LIVE, &[gone(tenant, &note, 42)]).await.unwrap();
    assert_eq!(found(&index, &all_of(tenant), "chai").await, [] as [u128; 0]);
}

pub(crate) async fn late_and_repeated_writes_change_nothing<E: Engine>(engine: &E) {
    let index = opened(engine).await;
    let (tenant, note) = (ids::fresh(), record(NOTE, 1));
    let words = ["zero", "one", "two", "three", "four", "five"];
    let write = |version: usize| card(tenant, &note, version as i64, "", words[version]);
    let holds = async |version: Option<usize>, why: &str| {
        for (n, word) in words.iter().enumerate() {
            assert_eq!(found(&index, &all_of(tenant), word).await.len(), usize::from(Some(n) == version), "{word}: {why}");
        }
        let expected: Vec<_> = version.map(|version| (1, version as i64, 1)).into_iter().collect();
        assert_eq!(known(&index, tenant, NOTE).await, expected, "{why}");
    };
    index.apply(LIVE, &[write(3)]).await.unwrap();
    index.apply(LIVE, &[write(2)]).await.unwrap();
    holds(Some(3), "a late write").await;
    index.apply(LIVE, &[write(3)]).await.unwrap();
    holds(Some(3), "a repeated write").await;
    index.apply(LIVE, &[gone(tenant, &note, 2)]).await.unwrap();
    holds(Some(3), "a late deletion").await;
    index.apply(LIVE, &[card(tenant, &note, 3, "", "anew")]).await.unwrap();
    assert_eq!(found(&index, &all_of(tenant), "anew three").await.len(), 1, "what is rendered anew takes the place of its version");
    assert_eq!(found(&index, &all_of(tenant), "three").await, [] as [u128; 0]);
    index.apply(LIVE, &[write(3)]).await.unwrap();
    index.apply(LIVE, &[gone(tenant, &note, 3)]).await.unwrap();
    holds(None, "a deletion beats a write of its version").await;
    for version in [1, 2, 3] {
        index.apply(LIVE, &[write(version)]).await.unwrap();
        holds(None, "nothing late brings back what is gone").await;
    }
    index.apply(LIVE, &[gone(tenant, &note, 3), gone(tenant, &note, 1)]).await.unwrap();
    index.apply(LIVE, &[write(4)]).await.unwrap();
    holds(Some(4), "a later write brings the record back").await;
    index.apply(LIVE, &[gone(tenant, &record(NOTE, 2), 8)]).await.unwrap();
    index.apply(LIVE, &[card(tenant, &record(NOTE, 2), 7, "", "five")]).await.unwrap();
    holds(Some(4), "what was never there can be gone").await;
}

pub(crate) async fn a_batch_counts_as_its_writes_one_after_the_other<E: Engine>(engine: &E) {
    let index = opened(engine).await;
    let (tenant, note) = (ids::fresh(), record(NOTE, 1));
    let write = |version: i64, word: &str| card(tenant, &note, version, "", word);
    index.apply(LIVE, &[write(2, "two"), write(3, "three"), write(1, "one"), card(tenant, &record(NOTE, 2), 1, "", "beside")]).await.unwrap();
    assert_eq!(known(&index, tenant, NOTE).await, [(1, 3, 1), (2, 1, 1)]);
    assert_eq!(found(&index, &all_of(tenant), "one two three beside").await.len(), 2);
    index.apply(LIVE, &[gone(tenant, &note, 4), write(4, "four"), gone(tenant, &note, 4), write(2, "two")]).await.unwrap();
    assert_eq!(known(&index, tenant, NOTE).await, [(2, 1, 1)]);
    index.apply(LIVE, &[gone(tenant, &note, 5), write(6, "six"), write(5, "five")]).await.unwrap();
    assert_eq!(found(&index, &all_of(tenant), "six").await, [1]);
    assert_eq!(found(&index, &all_of(tenant), "five").await, [] as [u128; 0]);
}

/// A write of a random history: record, version, and whether it is gone. What a version looks like follows from it.
type Step = (u128, i64, bool);

pub(crate) async fn in_any_order_the_highest_version_wins<E: Engine>(engine: &E) {
    let index = opened(engine).await;
    let batches = proptest::collection::vec(proptest::collection::vec((1..4_u128, 1..6_i64, any::<bool>()), 1..6), 1..6);
    tokio::task::block_in_place(|| {
        let mut runner = TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
        let outcome = runner.run(&batches, |batches| {
            tokio::runtime::Handle::current().block_on(follows_the_model(&index, &batches));
            Ok(())
        });
        outcome.unwrap();
    });
}

async fn follows_the_model(index: &impl TextIndex, batches: &[Vec<Step>]) {
    // A tenant of its own for each history.
    let tenant = ids::fresh();
    let passages_of = |version: i64| u32::try_from(version % 4).unwrap();
    let mut model: BTreeMap<u128, (i64, bool)> = BTreeMap::new();
    for batch in batches {
        let writes: Vec<_> = batch
            .iter()
            .map(|&(n, version, is_gone)| {
                let note = record(NOTE, n);
                let passages = (0..passages_of(version)).map(|ordinal| passage(key(&note, "", "body", ordinal), "", &format!("all w{n}v{version}"))).collect();
                if is_gone { gone(tenant, &note, version) } else { live(tenant, &note, version, Attributes::default(), passages) }
            })
            .collect();
        index.apply(LIVE, &writes).await.unwrap();
        for &(n, version, is_gone) in batch {
            let held = model.entry(n).or_insert((version, is_gone));
            *held = (*held).max((version, is_gone));
        }
    }
    let expected: Vec<_> = model.iter().filter(|(_, (_, gone))| !gone).map(|(n, (version, _))| (*n, *version, passages_of(*version))).collect();
    assert_eq!(known(index, tenant, NOTE).await, expected);
    let mut words: HashMap<u128, usize> = HashMap::new();
    for hit in ask(index, &all_of(tenant), "all").await {
        let n = hit.key.record.id.as_u128();
        assert_eq!(hit.version, model[&n].0);
        assert!(found(index, &all_of(tenant), &format!("w{n}v{}", hit.version)).await.contains(&n));
        *words.entry(n).or_default() += 1;
    }
    let expected: HashMap<_, _> = expected.iter().filter(|(_, _, passages)| *passages > 0).map(|(n, _, passages)| (*n, *passages as usize)).collect();
    assert_eq!(words, expected);
}

pub(crate) async fn a_shorter_text_leaves_no_chunk_behind<E: Engine>(engine: &E) {
    let index = opened(engine).await;
    let (tenant, note) = (ids::fresh(), record(NOTE, 1));
    let chunks = |version: i64, count: u32| {
        let chunk = |ordinal| passage(key(&note, "", "body", ordinal), "", &format!("chunk number{ordinal}"));
        live(tenant, &note, version, Attributes::default(), (0..count).map(chunk).collect())
    };
    for (version, count) in [(1, 5), (2, 2), (3, 0), (4, 1)] {
        index.apply(LIVE, &[chunks(version, count)]).await.unwrap();
        let ordinals: BTreeSet<u32> = ask(&index, &all_of(tenant), "chunk").await.iter().map(|hit| hit.key.ordinal).collect();
        assert_eq!(ordinals, (0..count).collect());
        assert_eq!(known(&index, tenant, NOTE).await, [(1, version, count)], "a record without texts keeps its version");
    }
}

pub(crate) async fn what_was_acknowledged_is_there_after_reopening<E: Engine>(engine: &E) {
    let (tenant, note) = (ids::fresh(), record(NOTE, 1));
    let index = opened(engine).await;
    index.apply(LIVE, &[card(tenant, &note, 3, "Title", "kept"), gone(tenant, &record(NOTE, 2), 9)]).await.unwrap();
    index.freeze(LIVE, tenant).await.unwrap();
    let before = ask(&index, &all_of(tenant), "title kept").await;
    drop(index);
    let index = engine.open(clock()).await;
    assert_eq!(index.generations().await.unwrap(), [LIVE]);
    assert_eq!(ask(&index, &all_of(tenant), "title kept").await, before);
    assert_eq!(numbers(&before), [1]);
    index.apply(LIVE, &[card(tenant, &note, 2, "", "late"), card(tenant, &record(NOTE, 2), 9, "", "late")]).await.unwrap();
    assert_eq!(found(&index, &all_of(tenant), "late").await, [] as [u128; 0], "versions are kept as well");
}

pub(crate) async fn hits_are_best_first_and_equal_ones_in_the_order_of_their_keys<E: Engine>(engine: &E) {
    let index = opened(engine).await;
    let tenant = ids::fresh();
    // Written from the last to the first, in batches, so that the order of writing is not the order of the keys.
    for batch in (1..=30_u128).rev().collect::<Vec<_>>().chunks(7) {
        let writes: Vec<_> = batch
            .iter()
            .map(|n| {
                let note = record(if n % 2 == 0 { NOTE } else { ORDER }, *n);
                let passages = ["notes", "body"].iter().flat_map(|field| (0..2).rev().map(|at| passage(key(&note, "", field, at), "", "green tea"))).collect();
                live(tenant, &note, 1, Attributes::default(), passages)
            })
            .collect();
        index.apply(LIVE, &writes).await.unwrap();
    }
    index.apply(LIVE, &[card(tenant, &record(ORDER, 99), 1, "green", "green tea")]).await.unwrap();
    let hits = ask(&index, &all_of(tenant), "green tea").await;
    assert_eq!(hits[0].key.record.id.as_u128(), 99);
    assert!(hits.is_sorted_by(|one, other| one.score > other.score || (one.score == other.score && one.key < other.key)));
    assert_eq!(hits.len(), 121);
    for limit in [0, 1, 5, 50, 121, 500] {
        let best = index.search(LIVE, &all_of(tenant), &TextQuery { text: "green tea".into(), prefix: false, limit }).await.unwrap();
        assert_eq!(best, hits[..limit.min(121)], "the best {limit}");
    }
}

pub(crate) async fn known_lists_live_records_in_pages<E: Engine>(engine: &E) {
    let index = opened(engine).await;
    let (tenant, other) = (ids::fresh(), ids::fresh());
    let mut writes: Vec<_> = (1..=25).map(|n| card(tenant, &record(NOTE, n), n as i64, "", "word")).collect();
    writes.extend([
        gone(tenant, &record(NOTE, 4), 4),
        gone(tenant, &record(NOTE, 26), 1),
        card(tenant, &record(ORDER, 5), 1, "", ""),
        card(other, &record(NOTE, 6), 7, "", ""),
    ]);
    for batch in writes.chunks(6) {
        index.apply(LIVE, batch).await.unwrap();
    }
    let mut listed: Vec<Known> = Vec::new();
    loop {
        let page = index.known(LIVE, tenant, NOTE, listed.last().map(|known| known.record.id), 10).await.unwrap();
        assert!(page.len() <= 10);
        if page.is_empty() {
            break;
        }
        listed.extend(page);
    }
    let expected: Vec<_> = (1..=25).filter(|n| *n != 4).map(|n| Known { record: record(NOTE, n), version: n as i64, passages: 1 }).collect();
    assert_eq!(listed, expected);
    assert_eq!(known(&index, tenant, "crm.not").await, []);
    assert_eq!(known(&index, other, NOTE).await, [(6, 7, 1)]);
}

pub(crate) async fn forgetting_a_tenant_leaves_nothing_of_it_and_all_of_others<E: Engine>(engine: &E) {
    let index = opened(engine).await;
    let (tenant, other) = (ids::fresh(), ids::fresh());
    let both = |n: u128| [card(tenant, &record(NOTE, n), 5, "", "word"), card(other, &record(NOTE, n), 5, "", "word")];
    index.apply(LIVE, &both(1)).await.unwrap();
    index.apply(LIVE, &both(2)).await.unwrap();
    index.apply(LIVE, &[gone(tenant, &record(NOTE, 2), 6)]).await.unwrap();
    index.freeze(LIVE, tenant).await.unwrap();
    index.forget(LIVE, tenant).await.unwrap();
    assert_eq!(found(&index, &all_of(tenant), "word").await, [] as [u128; 0]);
    assert_eq!(known(&index, tenant, NOTE).await, []);
    assert_eq!(found(&index, &all_of(other), "word").await, [1, 2]);
    index.apply(LIVE, &[card(tenant, &record(NOTE, 2), 1, "", "word")]).await.unwrap();
    assert_eq!(found(&index, &all_of(tenant), "word").await, [2], "tombstones are forgotten too");
    index.forget(LIVE, ids::fresh()).await.unwrap();
}

pub(crate) async fn pruning_removes_old_tombstones_only<E: Engine>(engine: &E) {
    let Clock::Fixed(now) = clock() else { unreachable!() };
    let index = engine.open(Clock::Fixed(Arc::clone(&now))).await;
    index.create(LIVE).await.unwrap();
    let tenant = ids::fresh();
    let at = |hours: i64| start() + Duration::hours(hours);
    index.apply(LIVE, &[gone(tenant, &record(NOTE, 1), 5), gone(tenant, &record(NOTE, 2), 5), card(tenant, &record(NOTE, 3), 5, "", "old")]).await.unwrap();
    *now.lock().unwrap() = at(10);
    index.apply(LIVE, &[gone(tenant, &record(NOTE, 4), 5), gone(tenant, &record(NOTE, 2), 6)]).await.unwrap();
    assert_eq!(index.prune(LIVE, at(0)).await.unwrap(), 0);
    assert_eq!(index.prune(LIVE, at(5)).await.unwrap(), 1);
    assert_eq!(index.prune(LIVE, at(5)).await.unwrap(), 0);
    let late: Vec<_> = [1, 2, 4].map(|n| card(tenant, &record(NOTE, n), 4, "", "late")).into();
    index.apply(LIVE, &late).await.unwrap();
    assert_eq!(found(&index, &all_of(tenant), "late").await, [1], "only where the tombstone is gone a late write counts");
    assert_eq!(found(&index, &all_of(tenant), "old").await, [3]);
    assert_eq!(index.prune(LIVE, at(11)).await.unwrap(), 2);
}
