//! The evaluation, with its bounds: all suites. A suite that cannot be measured fails it.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::cargo::{self, Profile};
use crate::test::TestServer;
use crate::{checkout, child, data};

/// The suite that asks about files which are not ours, and what shows that they are there.
const FOREIGN: (&str, &str) = ("answers", "northwind/orders.csv");

pub(super) fn run(home: Option<&Path>) -> Result<()> {
    // What search finds is measured with the model.
    checkout::embedding_model(&checkout::home(home)?)?;
    let server = TestServer::start(home)?;
    let measured = measure(&server);
    measured.and(server.stop())
}

fn measure(server: &TestServer) -> Result<()> {
    let mut command = Command::new(cargo::build("steward-evals", "steward-evals", Profile::Dev)?);
    command.args(["run", "--quiet", "--database", server.url()]).current_dir(checkout::root()?);
    command.arg("--out").arg(checkout::scratch("evals")?);
    let data = data::folder()?;
    let (suite, file) = FOREIGN;
    if data.join(file).is_file() {
        command.arg("--data").arg(data);
    } else {
        eprintln!("The suite {suite} is not measured: {} is not there.", data.join(file).display());
        command.args(["--allow-skip", suite]);
    }
    child::run(&mut command)
}
