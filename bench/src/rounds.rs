//! A run: everything is started and warmed up, then measured in rounds, so that the noise of a shared machine hits all alike.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::load::{self, Found, Kind, Target, quantile};
use crate::process::Tree;
use crate::product::{self, Places, Product, Started};
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
    /// Of the product, and of the database behind it.
    cpu_seconds: [f64; 2],
}

impl Sums {
    fn add(&mut self, found: &Found) {
        self.requests += found.times.len() as f64;
        for (sum, more) in self.cpu_seconds.iter_mut().zip(&found.cpu_seconds) {
            *sum += more;
        }
    }

    /// For one request, in microseconds.
    fn cpu(&self) -> [f64; 2] {
        self.cpu_seconds.map(|seconds| seconds * 1e6 / self.requests)
    }
}

/// Runs all rounds and prints the table.
pub(crate) async fn run(args: Args) -> Result<()> {
    let Started { direct, products, .. } = &product::start(&args.places).await?;
    eprintln!("warming up");
    for product in products {
        for kind in [Kind::Json, Kind::Sse] {
            load::window(&product.target, &[], kind, CLIENTS, WARM_UP).await?;
        }
    }
    let mut found: Vec<Rounds> = products.iter().map(|_| Rounds::default()).collect();
    for round in 1..=args.rounds {
        eprintln!("round {round} of {}", args.rounds);
        for (product, rounds) in products.iter().zip(&mut found) {
            Box::pin(measure(direct, product, rounds)).await.with_context(|| product.name)?;
        }
    }
    let mut table = Table::default();
    for (product, rounds) in products.iter().zip(found) {
        table.push(row(product, rounds).await.with_context(|| product.name)?);
    }
    println!("{table}");
    Ok(())
}

async fn measure(direct: &Target, product: &Product, rounds: &mut Rounds) -> Result<()> {
    let watched: Vec<Tree> = [product.tree].into_iter().chain(product.database).collect();
    let without = load::window(direct, &[], Kind::Json, 1, WINDOW).await?;
    let with = load::window(&product.target, &[], Kind::Json, 1, WINDOW).await?;
    let added = |share| quantile(&with.times, share) - quantile(&without.times, share);
    rounds.added_p50.push(added(0.5));
    rounds.added_p99.push(added(0.99));
    let json = load::window(&product.target, &watched, Kind::Json, CLIENTS, WINDOW).await?;
    rounds.per_second.push(json.times.len() as f64 / json.seconds);
    rounds.json.add(&json);
    rounds.sse.add(&load::window(&product.target, &watched, Kind::Sse, CLIENTS, WINDOW).await?);
    Ok(())
}

async fn row(product: &Product, rounds: Rounds) -> Result<Row> {
    let memory = product.tree.memory()?;
    let memory_idle = if product.idles {
        let _open = load::idle(&product.target, STREAMS).await?;
        Some(product.tree.memory()?)
    } else {
        None
    };
    let ([cpu_json, database], [cpu_sse, _]) = (rounds.json.cpu(), rounds.sse.cpu());
    Ok(Row {
        name: product.name,
        cpu_json,
        cpu_sse,
        cpu_frame: cpu_sse / f64::from(FRAMES),
        database: product.database.map(|_| database),
        added_p50: median(rounds.added_p50),
        added_p99: median(rounds.added_p99),
        per_second: median(rounds.per_second),
        memory,
        memory_idle,
    })
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    quantile(&figures, 0.5)
}
