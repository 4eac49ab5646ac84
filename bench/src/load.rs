//! The load: clients that send one request after the other for a while.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bytes::Bytes;
use futures::future;
use http::HeaderMap;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::Value;

use crate::client::Client;
use crate::process::Tree;
use crate::upstream::{LAST_WORD, TEXT};

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An answer in one piece.
    Json,
    /// A stream of server-sent events.
    Sse,
}

/// Where requests go, and what they say.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) headers: HeaderMap,
    pub(crate) json: Bytes,
    pub(crate) sse: Bytes,
    pub(crate) idle: Bytes,
}

pub(crate) const PATH: &str = "/v1/chat/completions";

impl Target {
    fn body(&self, kind: Kind) -> Bytes {
        match kind {
            Kind::Json => self.json.clone(),
            Kind::Sse => self.sse.clone(),
        }
    }
}

/// What clients found.
pub(crate) struct Found {
    /// Of each request, in microseconds, sorted.
    pub(crate) times: Vec<f64>,
    /// From the first request to the last answer.
    pub(crate) seconds: f64,
    /// Processor time of each of the trees that were watched.
    pub(crate) cpu_seconds: Vec<f64>,
}

/// Sends requests of a kind from so many clients for a time. Before the clock starts, each has been answered once, and that
/// answer was looked at as a whole.
pub(crate) async fn window(target: &Target, watched: &[Tree], kind: Kind, clients: usize, time: Duration) -> Result<Found> {
    let body = target.body(kind);
    let mut ready = Vec::new();
    for _ in 0..clients {
        let mut client = Client::connect(target.address, &target.headers).await?;
        check_whole(kind, &client.post(PATH, body.clone()).await?)?;
        ready.push(client);
    }
    let cpu = || watched.iter().map(|tree| tree.cpu_seconds()).collect::<Result<Vec<f64>>>();
    let (before, began) = (cpu()?, Instant::now());
    let loads = ready.into_iter().map(|client| load(client, kind, body.clone(), began, time));
    let mut times = future::try_join_all(loads).await?.concat();
    let seconds = began.elapsed().as_secs_f64();
    let cpu_seconds = cpu()?.iter().zip(before).map(|(after, before)| after - before).collect();
    times.sort_by(f64::total_cmp);
    Ok(Found { times, seconds, cpu_seconds })
}

async fn load(mut client: Client, kind: Kind, body: Bytes, began: Instant, time: Duration) -> Result<Vec<f64>> {
    let mut times = Vec::new();
    while began.elapsed() < time {
        let sent = Instant::now();
        let answer = client.post(PATH, body.clone()).await?;
        times.push(sent.elapsed().as_secs_f64() * 1e6);
        check_end(kind, &answer)?;
    }
    Ok(times)
}

/// The answer says what the provider said.
fn check_whole(kind: Kind, answer: &[u8]) -> Result<()> {
    let text = String::from_utf8_lossy(answer);
    let said = match kind {
        Kind::Json => said(&text, "message"),
        Kind::Sse => text.lines().filter_map(|line| line.strip_prefix("data: ")).map(|data| said(data, "delta")).collect(),
    };
    ensure!(said == TEXT, "an answer says {said:?}: {text}");
    check_end(kind, answer)
}

fn said(json: &str, part: &str) -> String {
    let found: Value = serde_json::from_str(json).unwrap_or_default();
    found["choices"][0][part]["content"].as_str().unwrap_or_default().to_owned()
}

/// The same, cheaply: that it did not end early.
fn check_end(kind: Kind, answer: &[u8]) -> Result<()> {
    let (end, within) = match kind {
        Kind::Json => (LAST_WORD, answer),
        Kind::Sse => ("[DONE]", &answer[answer.len().saturating_sub(32)..]),
    };
    let whole = within.windows(end.len()).any(|window| window == end.as_bytes());
    ensure!(whole, "an answer ended early: {}", String::from_utf8_lossy(answer));
    Ok(())
}

const FIRST_WORD: &[u8] = b"Three";

/// A stream that stays open as long as it is held.
pub(crate) struct Idle {
    _client: Client,
    _answer: Incoming,
}

/// Opens so many streams, each with its first word received.
pub(crate) async fn idle(target: &Target, streams: usize) -> Result<Vec<Idle>> {
    let mut open = Vec::new();
    for _ in 0..streams {
        let mut client = Client::connect(target.address, &target.headers).await?;
        let mut answer = client.begin(PATH, target.idle.clone()).await?.into_body();
        let mut seen = Vec::new();
        while !seen.windows(FIRST_WORD.len()).any(|window| window == FIRST_WORD) {
            let frame = answer.frame().await.ok_or_else(|| anyhow::anyhow!("an idle stream ended"))??;
            seen.extend_from_slice(frame.data_ref().map_or(&[], |data| &data[..]));
        }
        open.push(Idle { _client: client, _answer: answer });
    }
    Ok(open)
}

/// The time below which this share of the sorted times lies.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = ((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1));
    sorted.get(at).copied().unwrap_or(f64::NAN)
}
