//! `kill -9` of the process that writes: this program itself, started again with one test.

use super::Folder;
use crate::contract::text::{LIVE, NOTE, all_of, ask, record};
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use steward_kernel::Clock;
use steward_rag::engine::tantivy::TantivyText;
use steward_rag::engine::{Index as _, State, TextIndex as _, Write};
use steward_rag::passage::{Attributes, Key, Passage};
use uuid::Uuid;

const FOLDER: &str = "STEWARD_TEST_TEXT_FOLDER";
const TENANT: Uuid = Uuid::from_u128(7);
/// Records of a batch, each of two passages.
const BATCH: u128 = 20;
const ROUNDS: usize = 4;

struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The records of a batch: mostly new ones, and the first of the batch before in a later version.
fn batch(n: u128) -> Vec<Write<Passage>> {
    let one = |id: u128, version: i64| {
        let record = record(NOTE, id);
        let passage = |ordinal| Passage {
            key: Key { record: record.clone(), family: String::new(), field: "body".into(), ordinal },
            title: String::new(),
            text: format!("word v{version}"),
            span: None,
        };
        Write {
            tenant: TENANT,
            state: State::Live { attributes: Attributes::default(), passages: vec![passage(0), passage(1)] },
            version,
            record: record.clone(),
        }
    };
    (n * BATCH..(n + 1) * BATCH).map(|id| one(id, 1)).chain((n > 0).then(|| one((n - 1) * BATCH, 2))).collect()
}

/// Started by the test below; by itself it does nothing.
#[tokio::test]
async fn writer_that_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let index = TantivyText::new(folder, Clock::System);
    index.create(LIVE).await.unwrap();
    let first = index.known(LIVE, TENANT, NOTE, None, usize::MAX).await.unwrap().len() as u128 / BATCH;
    for n in first.. {
        index.apply(LIVE, &batch(n)).await.unwrap();
        println!("acknowledged {n}");
    }
}

#[tokio::test]
async fn a_kill_loses_nothing_that_was_acknowledged_and_leaves_no_half_batch() {
    let folder = Folder::new();
    let mut acknowledged = 0;
    for round in 0..ROUNDS {
        let mut process = Process(
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "tantivy::kill::writer_that_is_killed", "--nocapture"])
                .env(FOLDER, &folder.0)
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap(),
        );
        // When it is killed is decided by what it acknowledged; the next batch is under way then.
        let lines = BufReader::new(process.0.stdout.take().unwrap()).lines();
        let told = lines.map(Result::unwrap).filter_map(|line| line.split_once("acknowledged ")?.1.parse::<u128>().ok());
        let last = told.take(5 + 4 * round).last().unwrap();
        drop(process);
        acknowledged = acknowledged.max(last + 1);

        let index = folder.index();
        let known = index.known(LIVE, TENANT, NOTE, None, usize::MAX).await.unwrap();
        let batches = known.len() as u128 / BATCH;
        assert_eq!(known.len() as u128 % BATCH, 0, "a batch is there as a whole or not at all");
        assert!(batches >= acknowledged, "{acknowledged} batches were acknowledged, {batches} are there");
        for (known, id) in known.iter().zip(0..) {
            let renewed = id % BATCH == 0 && id / BATCH + 1 < batches;
            assert_eq!((known.record.id.as_u128(), known.version, known.passages), (id, 1 + i64::from(renewed), 2));
        }
        assert_eq!(ask(&index, &all_of(TENANT), "v2").await.len() as u128, (batches - 1) * 2);
    }
}
