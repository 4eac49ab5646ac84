//! The vendors' own clients, of Python and of Node, unchanged, at the doors to models: `gateway/tests/sdk`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use super::demo_server::DemoServer;
use super::models::{self, Models};
use crate::{checkout, child, npm, venv};

pub(super) fn folder() -> Result<PathBuf> {
    Ok(checkout::root()?.join("gateway/tests/sdk"))
}

/// Python with the clients in it.
pub(super) fn python() -> Result<PathBuf> {
    Ok(venv::with("sdk", checkout::scratch("sdk")?)?.join("bin/python"))
}

pub(super) fn run(server: &DemoServer, models: &Models) -> Result<()> {
    let (folder, python) = (folder()?, python()?);
    npm::install(&folder)?;
    let _provider = models::start(Command::new("node").arg("upstream.mjs").arg(models.scripted.to_string()).current_dir(&folder), models.scripted)?;
    let (key, limited) = (models::key(server, "sdk", None)?, models::key(server, "sdk, once a minute", Some(1))?);
    let mut node = Command::new("node");
    node.args(["--test", "--test-reporter", "spec", "openai.test.mjs", "anthropic.test.mjs"]);
    let of_python = |script: &str| {
        let mut command = Command::new(&python);
        command.args([script, "--verbose"]);
        command
    };
    let mut result = Ok(());
    for mut command in [node, of_python("test_openai.py"), of_python("test_anthropic.py")] {
        command.current_dir(&folder).env("PYTHONDONTWRITEBYTECODE", "1");
        command.env("STEWARD_TEST_BASE_URL", server.base_url()).env("STEWARD_TEST_UPSTREAM", format!("http://127.0.0.1:{}", models.scripted));
        command.env("STEWARD_TEST_MODELS_KEY", &key).env("STEWARD_TEST_LIMITED_KEY", &limited);
        result = result.and(child::run(&mut command));
    }
    result
}
