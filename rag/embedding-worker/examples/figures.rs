//! What the worker process achieves on this machine, through its client:
//! `cargo run -p steward-embedding-worker --example figures -- target/debug/steward-embedding-worker [THREADS]`.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use steward_embedder::{Embedder, Purpose, Settings, Worker};
use steward_embedding_worker::Arguments;
use steward_postgres::default_home;
use steward_wheels::embedding::Files;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const PATIENCE: Duration = Duration::from_secs(60);
const QUESTION: &str = "Which customers have not paid their invoices?";

#[tokio::main]
async fn main() -> Result<()> {
    let mut given = std::env::args().skip(1);
    let program: PathBuf = given.next().context("the program is missing")?.into();
    let threads = given.next().map_or(Ok(1), |threads| threads.parse())?;
    let home = default_home(Path::new(env!("CARGO_MANIFEST_DIR")))?;
    let Files { library, model, tokenizer } = Files::locate_or_fetch_in(&home, &|line| eprintln!("{line}"))?;
    let arguments = Arguments { library, model, tokenizer, threads }.to_command_line();
    let settings = Settings { program: std::path::absolute(program)?, arguments, environment: Vec::new(), request_timeout: PATIENCE, start_timeout: PATIENCE };
    let worker = Worker::new(settings, TaskTracker::new(), &CancellationToken::new());

    let begun = Instant::now();
    ask(&worker).await?;
    println!("first answer   {:>8.0} ms, {}", begun.elapsed().as_secs_f64() * 1e3, memory(&worker));
    questions(&worker, "questions alone").await?;
    passages(&worker, "60 tokens", 50, 320).await?;
    passages(&worker, "256 tokens", 250, 64).await?;
    let backlog = worker.embed(texts(250, 160), Purpose::Passage);
    tokio::select! {
        biased;
        asked = questions(&worker, "over a backlog") => asked?,
        _ = backlog => println!("the backlog was done before the questions"),
    }
    Ok(())
}

async fn ask(worker: &Worker) -> Result<f64> {
    let begun = Instant::now();
    worker.embed(vec![QUESTION.to_owned()], Purpose::Query).await?;
    Ok(begun.elapsed().as_secs_f64() * 1e3)
}

async fn questions(worker: &Worker, name: &str) -> Result<()> {
    let mut times = Vec::new();
    for _ in 0..50 {
        times.push(ask(worker).await?);
    }
    times.sort_by(f64::total_cmp);
    println!("{name:<15} p50 {:.1} ms, p95 {:.1} ms", times[25], times[47]);
    Ok(())
}

async fn passages(worker: &Worker, name: &str, words: usize, count: usize) -> Result<()> {
    let begun = Instant::now();
    worker.embed(texts(words, count), Purpose::Passage).await?;
    println!("{name:<15} {:.0} texts/s, {}", count as f64 / begun.elapsed().as_secs_f64(), memory(worker));
    Ok(())
}

fn texts(words: usize, count: usize) -> Vec<String> {
    const WORDS: [&str; 8] = ["the", "customer", "ordered", "goods", "on", "Tuesday", "invoice", "paid"];
    let text = |n: usize| (0..words).map(|at| WORDS[(n * 7 + at * 3 + at / 8) % WORDS.len()]).collect::<Vec<_>>().join(" ");
    (0..count).map(text).collect()
}

/// Of the worker's process, as Linux tells it.
fn memory(worker: &Worker) -> String {
    let status = worker.health().process.map(|process| std::fs::read_to_string(format!("/proc/{process}/status")));
    let status = status.and_then(Result::ok).unwrap_or_default();
    let mebibytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or_default() / 1024
    };
    format!("{} MiB resident, {} at its highest", mebibytes("VmRSS:"), mebibytes("VmHWM:"))
}
