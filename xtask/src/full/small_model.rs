//! A small real model behind the doors: llama.cpp's own server with SmolLM2-135M, on one thread.

use std::process::Command;

use anyhow::Result;

use super::demo_server::DemoServer;
use super::models::{self, Models};
use super::sdk;
use crate::{checkout, child, venv};

pub(super) fn run(server: &DemoServer, models: &Models) -> Result<()> {
    let (folder, python) = (sdk::folder()?, sdk::python()?);
    let environment = venv::with("small-model", checkout::scratch("small-model")?)?;
    let mut provider = Command::new(environment.join("bin/python"));
    // It tells more than anybody wants to read; what goes wrong is seen at the doors.
    let log = std::fs::File::create(checkout::scratch("models")?.join("small-model.log"))?;
    provider.arg("small_model.py").arg(models.small.to_string()).current_dir(&folder).stdout(log.try_clone()?).stderr(log);
    let _provider = models::start(&mut provider, models.small)?;
    let key = models::key(server, "small model", None)?;
    let mut command = Command::new(python);
    command.args(["test_small_model.py", "--verbose"]).current_dir(&folder).env("PYTHONDONTWRITEBYTECODE", "1");
    command.env("STEWARD_TEST_BASE_URL", server.base_url()).env("STEWARD_TEST_MODELS_KEY", key);
    child::run(&mut command)
}
