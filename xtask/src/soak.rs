//! `cargo xtask soak`: the tests that run for minutes, by hand; their figures are noted, not asserted.

use std::path::PathBuf;

use anyhow::Result;

use crate::phases::Phases;
use crate::test::{self, TestServer};
use crate::{cargo, child};

/// What the tests read to know how long they go on.
const SECONDS: &str = "STEWARD_TEST_SOAK_SECONDS";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How long the clients of each test go on.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Only this test.
    #[arg(long, value_name = "NAME", value_parser = ["rights", "search", "stock", "load", "keys", "imports"])]
    only: Option<String>,
    /// Where the private PostgreSQL lies, programs and data; by default `var/` or a folder of the system.
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let mut phases = Phases::default();
    let server = phases.run("PostgreSQL", || TestServer::start(args.home.as_deref()))?;
    let name = args.only.map_or_else(|| "soak::".to_owned(), |only| format!("soak::{only}::"));
    let soaked = phases.run("soak", || ignored_tests(&server, &name, Some(args.seconds)));
    let stopped = server.stop();
    let printed = phases.finish();
    soaked.and(stopped).and(printed)
}

/// Runs the gateway's tests that are marked `#[ignore]` and have `name` in their name, one after the other, with their
/// output. Those of the soak go on for so many seconds each.
pub(crate) fn ignored_tests(server: &TestServer, name: &str, seconds: Option<u32>) -> Result<()> {
    let mut command = cargo::command()?;
    command.args(["test", "-p", "steward-gateway", "--test", "it", "--", "--ignored", "--nocapture", "--test-threads=1", name]);
    if let Some(seconds) = seconds {
        command.env(SECONDS, seconds.to_string());
    }
    child::run(command.env(test::VARIABLE, server.url()))
}
