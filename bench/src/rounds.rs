//! A run: everything is started and warmed up, then measured in rounds, so that the noise of a shared machine hits all alike.

use std::time::Duration;

use anyhow::Result;

use crate::load::{self, Found, Kind, quantile};
use crate::product::{self, Places, Product};
use crate::table::{Row, Table};
use crate::upstream::FRAMES;

/// Clients at once where throughput and processor time are measured.
const CLIENTS: usize = 16;
/// Streams that stay open.
const STREAMS: usize = 1000;
const WARM_UP: Duration = Duration::from_secs(1);
const WINDOW: Duration = Duration::from_secs(2);

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    places: Places,
    /// How often everything is measured.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
}

/// What the rounds found of a product.
#[derive(Default)]
struct Rounds {
    json: Sums,
    sse: Sums,
    /// Of each round, in microseconds: beyond what the provider took just before.
    added_p50: Vec<f64>,
    added_p99: Vec<f64>,
    per_second: Vec<f64>,
}

#[derive(Default)]
struct Sums {
    requests: f64,
    cpu_seconds: f64,
}

impl Sums {
    fn add(&mut self, found: &Found) {
        self.requests += found.times.len() as f64;
        self.cpu_seconds += found.cpu_seconds;
    }
    fn cpu_microseconds(&self) -> f64 {
        self.cpu_seconds * 1e6 / self.requests
    }
}

/// Runs all rounds and prints the table.
pub(crate) async fn run(args: Args) -> Result<()> {
    let (_provider, products) = product::start(&args.places).await?;
    for product in &products {
        for (kind, clients) in [(Kind::Json, CLIENTS), (Kind::Sse, CLIENTS)] {
            load::window(&product.target, None, kind, clients, WARM_UP).await?;
        }
    }
    let Some((direct, measured)) = products.split_first() else { return Ok(()) };
    let mut found: Vec<Rounds> = measured.iter().map(|_| Rounds::default()).collect();
    for round in 1..=args.rounds {
        eprintln!("round {round} of {}", args.rounds);
        for (product, rounds) in measured.iter().zip(&mut found) {
            Box::pin(measure(direct, product, rounds)).await?;
        }
    }
    let mut table = Table::default();
    for (product, rounds) in measured.iter().zip(found) {
        table.push(row(product, rounds).await?);
    }
    println!("{table}");
    Ok(())
}

async fn measure(direct: &Product, product: &Product, rounds: &mut Rounds) -> Result<()> {
    let process = product.process.as_deref();
    let without = load::window(&direct.target, None, Kind::Json, 1, WINDOW).await?;
    let with = load::window(&product.target, None, Kind::Json, 1, WINDOW).await?;
    let added = |share| quantile(&with.times, share) - quantile(&without.times, share);
    rounds.added_p50.push(added(0.5));
    rounds.added_p99.push(added(0.99));
    let json = load::window(&product.target, process, Kind::Json, CLIENTS, WINDOW).await?;
    rounds.per_second.push(json.times.len() as f64 / json.seconds);
    rounds.json.add(&json);
    rounds.sse.add(&load::window(&product.target, process, Kind::Sse, CLIENTS, WINDOW).await?);
    Ok(())
}

async fn row(product: &Product, rounds: Rounds) -> Result<Row> {
    let memory = || product.process.as_ref().map_or(Ok(f64::NAN), |process| process.memory());
    let loaded = memory()?;
    let idle = if product.idles {
        let _open = load::idle(&product.target, STREAMS).await?;
        Some(memory()?)
    } else {
        None
    };
    let sse = rounds.sse.cpu_microseconds();
    Ok(Row {
        name: product.name,
        cpu_json: rounds.json.cpu_microseconds(),
        cpu_sse: sse,
        cpu_frame: sse / f64::from(FRAMES),
        added_p50: median(rounds.added_p50),
        added_p99: median(rounds.added_p99),
        per_second: median(rounds.per_second),
        memory: loaded,
        memory_idle: idle,
    })
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    quantile(&figures, 0.5)
}
