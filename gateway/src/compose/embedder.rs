//! What turns texts into vectors: which implementation, and what the worker process is started with.

use crate::config::{Config, EmbedderEngine};
use anyhow::{Context, Result};
use std::env;
use std::ffi::OsString;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;
use steward_embedder::{Embedder, Hashed, Off, Settings, Worker};
use steward_embedding_worker::Arguments;
use steward_wheels::embedding::Files;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Loading takes a second; a machine that is starting up has other things to do as well.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// What the worker may know of this process's environment: what the system's loader needs, and nothing secret.
const INHERITED: [&str; 3] = ["PATH", "LD_LIBRARY_PATH", "LANG"];

/// Fetches the model, where the configuration allows it and it is not there. A server starts without it as well.
pub(crate) async fn fetch(config: &Config, progress: &(impl Fn(&str) + Clone + Send + 'static)) -> Result<()> {
    if config.embedder.engine != EmbedderEngine::Local || config.embedder.fetch_when_missing != Some(true) {
        return Ok(());
    }
    let (home, progress) = (super::home(config)?, progress.clone());
    let fetched = tokio::task::spawn_blocking(move || Files::locate_or_fetch_in(&home, &progress)).await.context("fetching the embedding model was cut off")?;
    if let Err(error) = fetched {
        tracing::warn!(error = format!("{error:#}"), "the embedding model could not be fetched; search works by words alone");
    }
    Ok(())
}

/// The worker's process starts with the first text.
pub(crate) fn build(config: &Config, tasks: &TaskTracker, stopping: &CancellationToken) -> Result<Arc<dyn Embedder>> {
    Ok(match config.embedder.engine {
        EmbedderEngine::Hashed => Arc::new(Hashed),
        EmbedderEngine::Off => Arc::new(Off::because("the configuration wants none")),
        EmbedderEngine::Local => match Files::locate_in(&std::path::absolute(super::home(config)?)?) {
            None => Arc::new(Off::because("the model is not in the folder server.home, and embedder.fetch_when_missing is not set")),
            Some(files) => Arc::new(Worker::new(settings(config, files), tasks.clone(), stopping)),
        },
    })
}

fn settings(config: &Config, files: Files) -> Settings {
    let Files { library, model, tokenizer } = files;
    let threads = config.embedder.threads.unwrap_or_else(|| available_parallelism().map_or(1, |processors| processors.get().div_ceil(2)));
    let mut arguments: Vec<OsString> = vec!["worker".into(), "embed".into()];
    arguments.extend(Arguments { library, model, tokenizer, threads }.to_command_line());
    let mut environment: Vec<(OsString, OsString)> = INHERITED.iter().filter_map(|name| Some((name.into(), env::var_os(name)?))).collect();
    let format = match config.logging.format {
        crate::config::LogFormat::Json => "json",
        crate::config::LogFormat::Pretty => "pretty",
    };
    environment.extend([("STEWARD_LOGGING__FORMAT".into(), format.into()), ("STEWARD_LOGGING__FILTER".into(), (&config.logging.filter).into())]);
    Settings {
        // The very program that runs, even if its file has been replaced since.
        program: "/proc/self/exe".into(),
        arguments,
        environment,
        request_timeout: Duration::from_secs(config.embedder.request_timeout_seconds),
        start_timeout: START_TIMEOUT,
    }
}
