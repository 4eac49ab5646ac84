//! `cargo xtask soak`: the tests that run for minutes, by hand; their figures are noted, not asserted.

use std::path::PathBuf;

use anyhow::Result;

use crate::phases::Phases;
use crate::test::{self, TestServer};
use crate::{cargo, child};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where the private PostgreSQL lies, programs and data; by default `var/` or a folder of the system.
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let mut phases = Phases::default();
    let server = phases.run("PostgreSQL", || TestServer::start(args.home.as_deref()))?;
    let soaked = phases.run("soak", || ignored_tests(&server, "soak"));
    let stopped = server.stop();
    let printed = phases.finish();
    soaked.and(stopped).and(printed)
}

/// Runs the gateway's tests that are marked `#[ignore]` and have `name` in their name, one after the other, with their
/// output.
pub(crate) fn ignored_tests(server: &TestServer, name: &str) -> Result<()> {
    let mut command = cargo::command()?;
    command.args(["test", "-p", "steward-gateway", "--test", "it", "--", "--ignored", "--nocapture", "--test-threads=1", name]);
    child::run(command.env(test::VARIABLE, server.url()))
}
