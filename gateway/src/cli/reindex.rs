//! `steward reindex`: a new generation of the index beside the one that is searched, or one tenant's records anew.
//!
//! It only asks for it: whoever leads the indexer does it, a server that runs or, with `--wait`, this process.

use super::{Modules, migrate};
use crate::compose::{App, embedder, told};
use crate::config::Config;
use anyhow::{Context, Result, bail};
use std::time::Duration;
use steward_indexer::{Status, generation};
use steward_rag::engine::Generation;
use uuid::Uuid;

const LOOK_EVERY: Duration = Duration::from_millis(500);

#[derive(clap::Args)]
pub(super) struct Args {
    /// Only the records of this tenant, into the generation that is searched.
    #[arg(long)]
    tenant: Option<String>,
    /// Wait until it is done, and do it here if no server does.
    #[arg(long)]
    wait: bool,
    /// Search the generation before the present one again.
    #[arg(long, conflicts_with = "tenant")]
    roll_back: bool,
}

enum Goal {
    /// This generation is searched.
    Live(Generation),
    /// Everything of the tenant was walked and compared.
    Filled(Uuid),
}

pub(super) async fn run(args: Args, config: Config, modules: Modules) -> Result<()> {
    migrate::at_start(&config, modules).await?;
    if args.wait {
        embedder::fetch(&config, &|line| eprintln!("{line}")).await?;
    }
    let app = App::build(config, modules()).await?;
    let done = reindex(&args, &app).await;
    app.close(Duration::from_secs(5)).await;
    done
}

async fn reindex(args: &Args, app: &App) -> Result<()> {
    let kernel = &app.state.kernel;
    let db = &kernel.database.relay;
    let goal = match &args.tenant {
        Some(tenant) => {
            let tenant = kernel.tenants.find(tenant).await.map_err(told).with_context(|| format!("the tenant {tenant}"))?.tenant;
            generation::refill(db, Some(tenant)).await.map_err(told)?;
            Goal::Filled(tenant)
        }
        None if args.roll_back => match generation::roll_back(db).await.map_err(told)? {
            Some(before) => Goal::Live(before),
            None => bail!("no earlier generation of the index is kept"),
        },
        None => Goal::Live(app.state.indexer.rebuild().await.map_err(told)?),
    };
    if !args.wait {
        println!("asked for; the process that leads the indexer does it");
        return Ok(());
    }
    app.start_indexer();
    let mut shown = String::new();
    loop {
        let of = if let Goal::Filled(tenant) = &goal { Some(*tenant) } else { None };
        let status = app.state.indexer.status(of).await.map_err(told)?;
        let line = progress(&status);
        if line != shown {
            eprintln!("{line}");
            shown = line;
        }
        if goal.is_reached(&status) {
            println!("done");
            return Ok(());
        }
        if app.state.stopping.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await.is_none() {
            bail!("stopped before it was done; it goes on where the indexer runs");
        }
    }
}

impl Goal {
    fn is_reached(&self, status: &Status) -> bool {
        match self {
            Self::Live(generation) => status.parts.iter().any(|part| part.live && part.generation >= generation.0),
            Self::Filled(_) => !status.parts.is_empty() && status.parts.iter().all(|part| part.walks_done == part.walks && part.checks_open == 0),
        }
    }
}

fn progress(status: &Status) -> String {
    let parts = status.parts.iter().map(|part| {
        let state = if part.live { "live" } else { "building" };
        format!(
            "{} {} ({state}): {} records, {} of {} resources, {} rows to follow",
            part.part.as_str(),
            part.generation,
            part.records,
            part.walks_done,
            part.walks,
            part.lag_rows
        )
    });
    parts.collect::<Vec<_>>().join("; ")
}
