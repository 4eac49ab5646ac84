//! How well it ranks: the Cranfield collection, 1,400 abstracts and 225 questions with judged answers. Runs where the
//! collection is there (`cran.all.1400`, `cran.qry`, `cranqrel`); `cargo xtask test` says at its end where it was not.

use super::Folder;
use crate::contract::text::{LIVE, NOTE, all_of, card, record};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use steward_rag::engine::{Index as _, TextIndex as _, TextQuery};
use uuid::Uuid;

/// A little under what was measured, .382; plain BM25 is told to reach .380.
const NDCG_FLOOR: f64 = 0.375;

fn folder() -> Option<PathBuf> {
    let named = std::env::var_os("STEWARD_DATA").filter(|named| !named.is_empty());
    let data = named.map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"), PathBuf::from);
    Some(data.join("cranfield")).filter(|folder| folder.join("cran.all.1400").is_file())
}

/// The entries of a file, each with its sections by their letters.
fn entries(folder: &Path, file: &str) -> Vec<HashMap<char, String>> {
    let mut entries: Vec<HashMap<char, String>> = Vec::new();
    let mut section = 'I';
    for line in std::fs::read_to_string(folder.join(file)).unwrap().lines() {
        match line.strip_prefix('.').and_then(|rest| rest.chars().next()) {
            Some('I') => entries.push(HashMap::new()),
            Some(letter @ ('T' | 'A' | 'B' | 'W')) if line.len() <= 3 => section = letter,
            _ => {
                let text = entries.last_mut().unwrap().entry(section).or_default();
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    entries
}

/// By the number of the question: what answers it.
fn judgements(folder: &Path) -> HashMap<usize, HashSet<u128>> {
    let mut judged: HashMap<usize, HashSet<u128>> = HashMap::new();
    for line in std::fs::read_to_string(folder.join("cranqrel")).unwrap().lines() {
        let mut numbers = line.split_whitespace().map(|number| number.parse::<i64>().unwrap());
        let (question, answer, grade) = (numbers.next().unwrap(), numbers.next().unwrap(), numbers.next().unwrap());
        // Minus one says that it has nothing to do with the question.
        if grade > 0 {
            judged.entry(usize::try_from(question).unwrap()).or_default().insert(u128::try_from(answer).unwrap());
        }
    }
    judged
}

fn ndcg(found: &[u128], relevant: &HashSet<u128>) -> f64 {
    let gain = |rank: usize| 1.0 / (rank as f64 + 2.0).log2();
    let gained: f64 = found.iter().take(10).enumerate().filter(|(_, id)| relevant.contains(id)).map(|(rank, _)| gain(rank)).sum();
    gained / (0..relevant.len().min(10)).map(gain).sum::<f64>()
}

#[tokio::test]
async fn ranks_cranfield_about_as_well_as_plain_bm25_does() {
    let Some(data) = folder() else { return };
    let place = Folder::new();
    let index = place.index();
    let tenant = Uuid::from_u128(1);
    index.create(LIVE).await.unwrap();
    let documents = entries(&data, "cran.all.1400");
    assert_eq!(documents.len(), 1_400);
    let text = |entry: &HashMap<char, String>, section| entry.get(&section).cloned().unwrap_or_default();
    let writes: Vec<_> = (1..)
        .zip(&documents)
        .map(|(n, entry)| {
            let (title, whole) = (text(entry, 'T'), text(entry, 'W'));
            // The abstract begins with its title.
            let body = whole.strip_prefix(title.as_str()).unwrap_or(&whole);
            card(tenant, &record(NOTE, n), 1, &title, body)
        })
        .collect();
    for batch in writes.chunks(200) {
        index.apply(LIVE, batch).await.unwrap();
    }
    index.freeze(LIVE, tenant).await.unwrap();
    let judged = judgements(&data);
    let (mut sum, mut recalled) = (0.0, 0.0);
    for (number, question) in (1..).zip(entries(&data, "cran.qry")) {
        let query = TextQuery { text: text(&question, 'W'), prefix: false, limit: 100 };
        let found: Vec<_> = index.search(LIVE, &all_of(tenant), &query).await.unwrap().iter().map(|hit| hit.key.record.id.as_u128()).collect();
        let relevant = &judged[&number];
        sum += ndcg(&found, relevant);
        recalled += found.iter().filter(|id| relevant.contains(id)).count() as f64 / relevant.len() as f64;
    }
    let (ndcg, recall) = (sum / judged.len() as f64, recalled / judged.len() as f64);
    println!("nDCG@10 {ndcg:.4}, recall@100 {recall:.4} over {} questions", judged.len());
    assert!(ndcg >= NDCG_FLOOR, "{ndcg:.4}");
}
