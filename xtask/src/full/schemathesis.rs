//! Generated input, good and bad, against every route: whatever is sent, the answer is never a 5xx.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::{checkout, child, venv};

/// Of each route; the whole run stays under ten minutes.
const EXAMPLES: &str = "10";
/// The same input each time, and one request at a time: a change of the result is a change of the server. Requests that run
/// into each other's locks are told to try again (503), which is right; load and races are tested elsewhere.
const SEED: &str = "1";

/// Routes that can end the session which all requests use. They come last, in a run of their own.
const ENDING: &str = "auth/logout|/sessions/|/deactivate|/set_password";

/// What goes into a run beside the rest. The systematic one leaves out what only reads: a list has hundreds of filters, and
/// all their combinations say what a few say.
const RUNS: [(&str, &[&str]); 3] = [
    ("coverage", &["--phases", "examples,coverage", "--exclude-method", "GET", "--exclude-path-regex", ENDING]),
    ("fuzzing", &["--phases", "fuzzing", "--max-examples", EXAMPLES, "--exclude-path-regex", ENDING]),
    ("ending", &["--phases", "examples,coverage", "--include-path-regex", ENDING]),
];

pub(super) fn run(base_url: &str, token: &str) -> Result<()> {
    let program = venv::with("schemathesis", checkout::scratch("schemathesis")?)?.join("bin/schemathesis");
    let mut result = Ok(());
    for (name, arguments) in RUNS {
        result = result.and(once(&program, base_url, token, name, arguments));
    }
    result
}

fn once(program: &Path, base_url: &str, token: &str, name: &str, arguments: &[&str]) -> Result<()> {
    let reports = checkout::scratch("schemathesis-report")?.join(name);
    fs::create_dir_all(&reports).with_context(|| format!("cannot make {}", reports.display()))?;
    let mut command = Command::new(program);
    command.args(["run", &format!("{base_url}/api/v1/openapi.json"), "--url", base_url]);
    command.args(["--header", &format!("Authorization: Bearer {token}")]);
    command.args(["--checks", "not_a_server_error", "--mode", "all", "--seed", SEED, "--workers", "1", "--continue-on-failure"]).args(arguments);
    // Slowness of the machine is not what is tested.
    command.args(["--suppress-health-check", "all", "--request-timeout", "60"]);
    command.args(["--report", "junit", "--report-dir"]).arg(&reports);
    // It keeps what it learned in a folder of the working directory.
    command.current_dir(&reports);
    child::run(&mut command)
}
