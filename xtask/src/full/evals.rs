//! The quick suites of the evaluation, with their bounds; the whole of it is `cargo run -p steward-evals -- run`.

use std::path::Path;

use anyhow::Result;

use crate::test::TestServer;
use crate::{cargo, checkout, child};

/// What the assistant leaks, does and falls for, and what search finds. Answers over the Northwind files take minutes.
const SUITES: [&str; 4] = ["permissions", "retrieval", "actions", "injection"];

pub(super) fn run(home: Option<&Path>) -> Result<()> {
    let server = TestServer::start(home)?;
    let measured = measure(&server);
    measured.and(server.stop())
}

fn measure(server: &TestServer) -> Result<()> {
    let mut command = cargo::command()?;
    command.args(["run", "-p", "steward-evals", "--", "run", "--quiet", "--database", server.url()]);
    command.arg("--out").arg(checkout::scratch("evals")?);
    for suite in SUITES {
        command.args(["--suite", suite]);
    }
    child::run(&mut command)
}
