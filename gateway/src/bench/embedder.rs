//! The embedder by itself: what the worker process achieves on this machine.

use super::load::milliseconds;
use super::process::Process;
use super::table::Table;
use crate::compose::embedder;
use crate::config::{Config, EmbedderEngine};
use anyhow::{Result, ensure};
use std::time::Instant;
use steward_embedder::{Purpose, State};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const QUESTION: &str = "Which customers have not paid their invoices?";
const QUESTIONS: usize = 100;
/// Sixty tokens with the two that stand around every text, since each of these words is one.
const TEXT_WORDS: usize = 58;
const TEXTS: usize = 480;

pub(super) async fn measure(config: &Config, mut table: Table) -> Result<Table> {
    let config = Config { embedder: crate::config::Embedder { engine: EmbedderEngine::Local, ..config.embedder.clone() }, ..config.clone() };
    let (tasks, stopping) = (TaskTracker::new(), CancellationToken::new());
    let embedder = embedder::build(&config, &tasks, &stopping)?;
    ensure!(embedder.health().state != State::Off, "the embedding model is not in the folder server.home");
    // Loading is not what is measured.
    embedder.embed(vec![QUESTION.to_owned()], Purpose::Query).await?;
    let mut times = Vec::new();
    for _ in 0..QUESTIONS {
        let asked = Instant::now();
        embedder.embed(vec![QUESTION.to_owned()], Purpose::Query).await?;
        times.push(milliseconds(asked.elapsed()));
    }
    times.sort_by(f64::total_cmp);
    table.times("embedding of a short question", &times);
    let began = Instant::now();
    embedder.embed(texts(), Purpose::Passage).await?;
    table.figure("embeddings of texts of 60 tokens, per second", format!("{:.0}", TEXTS as f64 / began.elapsed().as_secs_f64()));
    if let Some(process) = embedder.health().process {
        let (now, highest) = Process(process).memory()?;
        table.figure("memory of the embedder, after texts", format!("{now:.0} MiB, {highest:.0} at its highest"));
    }
    stopping.cancel();
    tasks.close();
    tasks.wait().await;
    Ok(table)
}

fn texts() -> Vec<String> {
    const WORDS: [&str; 8] = ["the", "customer", "ordered", "goods", "on", "tuesday", "contract", "paid"];
    let text = |n: usize| (0..TEXT_WORDS).map(|at| WORDS[(n * 7 + at * 3 + at / 8) % WORDS.len()]).collect::<Vec<_>>().join(" ");
    (0..TEXTS).map(text).collect()
}
