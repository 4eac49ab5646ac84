//! `steward audit verify`: recomputes the chains over the audit and names the first entry of each that does not hold.

use super::Modules;
use crate::compose::{App, told};
use crate::config::Config;
use anyhow::{Context, Result, bail};
use clap::Subcommand;
use std::time::Duration;
use steward_kernel::relay::{Chain, verify_audit};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Check that nobody changed, took out or cut off entries of the audit.
    Verify(Verify),
}

#[derive(clap::Args)]
pub(super) struct Verify {
    /// Only this tenant; all of them unless given.
    #[arg(long)]
    tenant: Option<String>,
}

pub(super) async fn run(command: Command, config: Config, modules: Modules) -> Result<()> {
    let Command::Verify(args) = command;
    let app = App::build(config, modules()).await?;
    let verified = verify(&args, &app).await;
    app.close(Duration::from_secs(5)).await;
    match verified? {
        0 => Ok(()),
        1 => bail!("the audit of a tenant does not hold"),
        broken => bail!("the audits of {broken} tenants do not hold"),
    }
}

/// Prints a line for each tenant; returns how many chains are broken.
async fn verify(args: &Verify, app: &App) -> Result<usize> {
    let kernel = &app.state.kernel;
    let mut broken = 0;
    for placement in super::placements(app, args.tenant.as_deref()).await? {
        let chain = verify_audit(kernel, placement.tenant).await.map_err(told).with_context(|| format!("the tenant {}", placement.slug))?;
        println!("{:<24} {}", placement.slug, line(chain));
        broken += usize::from(chain.broken.is_some());
    }
    Ok(broken)
}

fn line(chain: Chain) -> String {
    let Chain { sealed, open, broken } = chain;
    match broken {
        Some(sequence) => format!("BROKEN at {sequence} ({sealed} sealed, {open} not yet)"),
        None => format!("whole ({sealed} sealed, {open} not yet)"),
    }
}
