//! Figures, not assertions: `cargo test -p steward-rag --test it -- --ignored --nocapture load`.

use super::Folder;
use crate::contract::text::{LIVE, NOTE, all_of, card, record};
use std::time::{Duration, Instant};
use steward_rag::engine::{Index as _, TextIndex as _, TextQuery};
use uuid::Uuid;

const DOCUMENTS: u128 = 50_000;
const BATCH: u128 = 100;

/// A text of words as they fall: few of them often, most of them rarely. Follows from the number alone.
fn text(n: u128, words: u64) -> String {
    let mut state = n as u64 ^ 0x9e37_79b9_7f4a_7c15;
    let mut text = String::new();
    for _ in 0..words {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let uniform = (state >> 11) as f64 / (1_u64 << 53) as f64;
        text.push_str(&format!("word{} ", (50_000_f64.powf(uniform)) as u64));
    }
    text
}

fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

fn percentiles(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    format!("p50 {:?}, p99 {:?}, longest {:?}", at(50), at(99), at(100))
}

#[tokio::test]
#[ignore = "prints figures"]
async fn load_of_50_000_documents_in_two_tenants() {
    let folder = Folder::new();
    let index = folder.index();
    let tenants = [Uuid::from_u128(1), Uuid::from_u128(2)];
    index.create(LIVE).await.unwrap();
    println!("at first {} MiB", resident_mib());
    let begun = Instant::now();
    let mut commits = Vec::new();
    for batch in 0..DOCUMENTS / BATCH {
        let one = |n: u128| card(tenants[(n % 2) as usize], &record(NOTE, n), 1, &text(n + 1_000_000, 4), &text(n, 60));
        let writes: Vec<_> = (batch * BATCH..(batch + 1) * BATCH).map(one).collect();
        let started = Instant::now();
        index.apply(LIVE, &writes).await.unwrap();
        commits.push(started.elapsed());
    }
    println!(
        "filled at {:.0} documents/s; batches of {BATCH}: {}; {} MiB",
        DOCUMENTS as f64 / begun.elapsed().as_secs_f64(),
        percentiles(commits),
        resident_mib()
    );
    let started = Instant::now();
    index.release().await.unwrap();
    println!("released after {:?}, {} MiB", started.elapsed(), resident_mib());
    let started = Instant::now();
    index.freeze(LIVE, tenants[0]).await.unwrap();
    println!("frozen in {:?}", started.elapsed());
    for (what, prefix) in [("words", false), ("beginnings", true)] {
        let mut times = Vec::new();
        for n in 0..500 {
            let query = TextQuery { text: text(n + 5_000_000, 4).trim().to_owned(), prefix, limit: 50 };
            let started = Instant::now();
            index.search(LIVE, &all_of(tenants[0]), &query).await.unwrap();
            times.push(started.elapsed());
        }
        println!("searches of four {what}: {}", percentiles(times));
    }
    let mut times = Vec::new();
    for n in 0..30 {
        let started = Instant::now();
        index.apply(LIVE, &[card(tenants[0], &record(NOTE, n * 2), 2, "changed", "one record")]).await.unwrap();
        times.push(started.elapsed());
    }
    println!("one record and commit: {}; {} MiB", percentiles(times), resident_mib());
}
