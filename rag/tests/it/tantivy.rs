//! The embedded full text against the contract, and what it promises beyond it: scores to the bit, several processes,
//! damage, `kill -9`, and how well it ranks.

mod cranfield;
mod kill;
mod load;

use crate::contract::text::{Engine, LIVE, NOTE, all_of, ask, card, gone, key, live, numbers, permit_of, record, start};
use std::path::PathBuf;
use steward_kernel::principal::Scope;
use steward_kernel::{Clock, ids};
use steward_rag::engine::tantivy::TantivyText;
use steward_rag::engine::{Error, Hit, Index as _, TextIndex as _, TextQuery};
use steward_rag::passage::{Attributes, Passage};
use tokio::task::JoinSet;
use uuid::Uuid;

/// A folder that is gone with its value.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("steward-text-{}", ids::fresh().simple())))
    }
    fn index(&self) -> TantivyText {
        TantivyText::new(self.0.clone(), Clock::fixed(start()))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Engine for Folder {
    type Index = TantivyText;
    async fn open(&self, clock: Clock) -> TantivyText {
        TantivyText::new(self.0.clone(), clock)
    }
}

mod contract {
    use super::Folder;
    crate::contract::text::text_index!(Folder::new());
}

const WORDS: [&str; 12] = ["chai", "tea", "green", "order", "invoice", "overdue", "customer", "stock", "plan", "planning", "chalk", "chair"];

/// A note of an owner whose text follows from its number.
fn note(tenant: Uuid, n: u128, owner: u128) -> steward_rag::engine::Write<Passage> {
    let note = record(NOTE, n);
    let word = |step: u128| WORDS[usize::try_from((n * step + step) % 12).unwrap()];
    let text: Vec<_> = (1..=3 + n % 9).map(word).collect();
    let passage = Passage { key: key(&note, "", "body", 0), title: word(5).into(), text: text.join(" "), span: None };
    live(tenant, &note, 1, Attributes { owner: Some(Uuid::from_u128(owner)), ..Attributes::default() }, vec![passage])
}

/// The answers to several questions, as what somebody sees of his own rows.
async fn answers(index: &TantivyText, tenant: Uuid) -> Vec<Vec<(Hit, u32)>> {
    let own = permit_of(tenant, &[("crm:note:read", Scope::Own)], |_, _| {});
    let mut answers = Vec::new();
    for (text, prefix) in [("chai tea", false), ("overdue invoice of a customer for green tea and chairs", false), ("planning", false), ("stock ch", true)] {
        for limit in [3, 100] {
            let hits = index.search(LIVE, &own, &TextQuery { text: text.into(), prefix, limit }).await.unwrap();
            assert!(!hits.is_empty());
            answers.push(hits.into_iter().map(|hit| (hit.clone(), hit.score.to_bits())).collect());
        }
    }
    answers
}

#[tokio::test]
async fn rows_that_one_cannot_see_change_no_bit_of_a_score_and_neither_does_the_layout() {
    let folder = Folder::new();
    let index = folder.index();
    let (tenant, other) = (ids::fresh(), ids::fresh());
    index.create(LIVE).await.unwrap();
    let mine: Vec<_> = (1..=60).map(|n| note(tenant, n, 1)).collect();
    index.apply(LIVE, &mine).await.unwrap();
    let constant = answers(&index, tenant).await;
    index.freeze(LIVE, tenant).await.unwrap();
    let before = answers(&index, tenant).await;
    assert_ne!(before, constant, "frozen statistics count");

    // Rows of others in many small commits, so that segments merge meanwhile; some of them go again.
    for batch in 0..20_u128 {
        let writes: Vec<_> = (0..25).flat_map(|n| [note(tenant, 1_000 + batch * 25 + n, 2), note(other, batch * 25 + n, 1)]).collect();
        index.apply(LIVE, &writes).await.unwrap();
        assert_eq!(answers(&index, tenant).await, before, "after batch {batch}");
    }
    let hidden: Vec<_> = (1_000..1_400).map(|n| gone(tenant, &record(NOTE, n), 2)).collect();
    index.apply(LIVE, &hidden).await.unwrap();
    assert_eq!(answers(&index, tenant).await, before);
    // With the merges done, and read anew.
    index.release().await.unwrap();
    assert_eq!(answers(&index, tenant).await, before);
    drop(index);
    assert_eq!(answers(&folder.index(), tenant).await, before);

    // The same rows, written in another order in other batches.
    let again = Folder::new();
    let index = again.index();
    index.create(LIVE).await.unwrap();
    for batch in mine.rchunks(7) {
        index.apply(LIVE, batch).await.unwrap();
    }
    index.freeze(LIVE, tenant).await.unwrap();
    assert_eq!(answers(&index, tenant).await, before, "statistics and scores do not depend on how rows were written");
}

#[tokio::test]
async fn statistics_stand_still_until_they_are_taken_anew() {
    let folder = Folder::new();
    let index = folder.index();
    let tenant = ids::fresh();
    index.create(LIVE).await.unwrap();
    let writes: Vec<_> = (1..=40).map(|n| card(tenant, &record(NOTE, n), 1, "", if n % 2 == 0 { "common rare" } else { "common" })).collect();
    index.apply(LIVE, &writes).await.unwrap();
    index.freeze(LIVE, tenant).await.unwrap();
    let first = ask(&index, &all_of(tenant), "rare").await;
    let more: Vec<_> = (41..=80).map(|n| card(tenant, &record(NOTE, n), 1, "", "rare too")).collect();
    index.apply(LIVE, &more).await.unwrap();
    let score = |hits: &[Hit]| hits.iter().find(|hit| hit.key.record.id.as_u128() == 2).unwrap().score;
    assert_eq!(score(&ask(&index, &all_of(tenant), "rare").await).to_bits(), score(&first).to_bits());
    index.freeze(LIVE, tenant).await.unwrap();
    assert!(score(&ask(&index, &all_of(tenant), "rare").await) < score(&first), "what is frequent now weighs less");
    let other = folder.index();
    assert_eq!(ask(&other, &all_of(tenant), "rare").await, ask(&index, &all_of(tenant), "rare").await, "other readers take the new ones as well");
}

#[tokio::test]
async fn one_writes_others_read_what_is_committed_and_take_over_when_it_lets_go() {
    let folder = Folder::new();
    let (leader, reader) = (folder.index(), folder.index());
    let tenant = ids::fresh();
    leader.create(LIVE).await.unwrap();
    assert_eq!(ask(&reader, &all_of(tenant), "word").await, []);
    for n in 1..=12 {
        leader.apply(LIVE, &[card(tenant, &record(NOTE, n), 1, "", "word")]).await.unwrap();
        assert_eq!(ask(&reader, &all_of(tenant), "word").await.len(), usize::try_from(n).unwrap(), "seen at once");
    }
    let refused = reader.apply(LIVE, &[card(tenant, &record(NOTE, 99), 1, "", "word")]).await;
    assert!(matches!(refused, Err(Error::Unavailable { .. })), "{refused:?}");
    assert_eq!(ask(&reader, &all_of(tenant), "word").await.len(), 12, "who may not write still reads");
    leader.release().await.unwrap();
    reader.apply(LIVE, &[card(tenant, &record(NOTE, 13), 1, "", "word"), card(tenant, &record(NOTE, 1), 0, "", "late")]).await.unwrap();
    assert_eq!(ask(&leader, &all_of(tenant), "word").await.len(), 13);
    reader.release().await.unwrap();
    leader.apply(LIVE, &[gone(tenant, &record(NOTE, 13), 2)]).await.unwrap();
    assert_eq!(ask(&reader, &all_of(tenant), "word").await.len(), 12);
    leader.drop(LIVE).await.unwrap();
    let dropped = reader.search(LIVE, &all_of(tenant), &TextQuery { text: "word".into(), prefix: false, limit: 1 }).await;
    assert!(matches!(dropped, Err(Error::NoGeneration { .. })), "{dropped:?}");
    assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 0, "its folder is gone");
}

/// Done to the folder of a generation.
type Damage = fn(&std::path::Path);

#[tokio::test]
async fn a_damaged_folder_is_told_and_can_be_dropped() {
    let tenant = ids::fresh();
    let query = TextQuery { text: "word".into(), prefix: false, limit: 1 };
    let damages: [(&str, Damage); 4] = [
        ("no list of segments", |folder| std::fs::remove_file(folder.join("index/meta.json")).unwrap()),
        ("a list that is none", |folder| std::fs::write(folder.join("index/meta.json"), b"{\"segments\":[").unwrap()),
        ("segments cut short", |folder| each_segment_file(folder, |path| std::fs::write(path, b"short").unwrap())),
        ("segments missing", |folder| each_segment_file(folder, |path| std::fs::remove_file(path).unwrap())),
    ];
    for (what, damage) in damages {
        let folder = Folder::new();
        let index = folder.index();
        index.create(LIVE).await.unwrap();
        index.apply(LIVE, &[card(tenant, &record(NOTE, 1), 1, "", "word")]).await.unwrap();
        drop(index);
        damage(&folder.0.join("1"));
        let index = folder.index();
        let told = index.search(LIVE, &all_of(tenant), &query).await;
        assert!(matches!(told, Err(Error::Damaged { .. })), "{what}: {told:?}");
        let told = index.apply(LIVE, &[card(tenant, &record(NOTE, 1), 2, "", "word")]).await;
        assert!(matches!(told, Err(Error::Damaged { .. })), "{what}: {told:?}");
        index.drop(LIVE).await.unwrap();
        index.create(LIVE).await.unwrap();
        assert_eq!(ask(&index, &all_of(tenant), "word").await, [], "{what}");
    }
}

fn each_segment_file(folder: &std::path::Path, damage: impl Fn(&std::path::Path)) {
    let names = std::fs::read_dir(folder.join("index")).unwrap().map(|entry| entry.unwrap().path());
    let segments: Vec<_> = names.filter(|path| !path.file_name().unwrap().to_string_lossy().starts_with(['.', 'm'])).collect();
    assert!(!segments.is_empty());
    segments.iter().for_each(|path| damage(path));
}

#[tokio::test]
async fn damaged_statistics_are_told_and_taken_anew() {
    let folder = Folder::new();
    let index = folder.index();
    let tenant = ids::fresh();
    index.create(LIVE).await.unwrap();
    index.apply(LIVE, &[card(tenant, &record(NOTE, 1), 1, "", "word")]).await.unwrap();
    index.freeze(LIVE, tenant).await.unwrap();
    let before = ask(&index, &all_of(tenant), "word").await;
    let file = folder.0.join("1/statistics").join(tenant.simple().to_string());
    std::fs::write(&file, &std::fs::read(&file).unwrap()[1..]).unwrap();
    let told = folder.index().search(LIVE, &all_of(tenant), &TextQuery { text: "word".into(), prefix: false, limit: 1 }).await;
    assert!(matches!(told, Err(Error::Damaged { .. })), "{told:?}");
    index.freeze(LIVE, tenant).await.unwrap();
    assert_eq!(ask(&folder.index(), &all_of(tenant), "word").await, before);
    assert_eq!(numbers(&before), [1]);
    assert_eq!(std::fs::read_dir(file.parent().unwrap()).unwrap().count(), 1, "no draft is left");
}

#[tokio::test]
async fn writes_of_many_at_once_are_all_there() {
    let folder = Folder::new();
    let index = folder.index();
    let tenant = ids::fresh();
    index.create(LIVE).await.unwrap();
    let mut tasks = JoinSet::new();
    for n in 1..=20 {
        let index = index.clone();
        tasks.spawn(async move { index.apply(LIVE, &[card(tenant, &record(NOTE, n), 1, "", "word")]).await });
    }
    for done in tasks.join_all().await {
        done.unwrap();
    }
    assert_eq!(ask(&index, &all_of(tenant), "word").await.len(), 20);
}
