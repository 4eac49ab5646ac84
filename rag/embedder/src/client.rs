//! The client of the worker process.
//!
//! [`Worker`] is the handle that callers share. It keeps the [`queue`] of batches; the [`supervisor`], started with the
//! first call, keeps a process that empties it. A caller never waits for longer than its time-out without a batch being
//! finished, whatever the process does.

mod queue;
mod supervisor;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::{Embedder, Error, Health, MODEL, Purpose};
use queue::Queue;

/// How the worker is started, and how patient the client is.
#[derive(Clone, Debug)]
pub struct Settings {
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
    /// All that the worker's environment holds: the server's own may hold secrets.
    pub environment: Vec<(OsString, OsString)>,
    /// How long a call waits for a batch to be finished: its own if it is a question, anybody's if it is passages, which wait
    /// in line. After half of it without any, the worker is started anew.
    pub request_timeout: Duration,
    /// How long loading the model may take.
    pub start_timeout: Duration,
}

/// An embedder whose work is done by a process of its own. Dropping the last handle ends the process.
pub struct Worker {
    queue: Arc<Queue>,
    settings: Settings,
    tasks: TaskTracker,
    stopping: CancellationToken,
}

impl Worker {
    /// Starts nothing yet: the first call does. Tasks are spawned on `tasks` and end when `stopping` is cancelled.
    #[must_use]
    pub fn new(settings: Settings, tasks: TaskTracker, stopping: &CancellationToken) -> Self {
        Self { queue: Arc::new(Queue::default()), settings, tasks, stopping: stopping.child_token() }
    }

    /// Starts the process ahead of the first call, which then need not wait for the model to be loaded. Must be called
    /// within a runtime.
    pub fn start(&self) {
        if self.queue.begin() {
            let supervisor = supervisor::run(Arc::clone(&self.queue), self.settings.clone());
            let (queue, stopping) = (Arc::clone(&self.queue), self.stopping.clone());
            self.tasks.spawn(async move {
                // Whatever runs in there ends here: the process is killed when the future is dropped.
                stopping.run_until_cancelled_owned(supervisor).await;
                queue.close();
            });
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}

#[async_trait]
impl Embedder for Worker {
    fn model(&self) -> &str {
        MODEL
    }

    async fn embed(&self, texts: Vec<String>, purpose: Purpose) -> Result<Vec<Vec<f32>>, Error> {
        self.start();
        let patience = self.settings.request_timeout;
        let mut vectors = Vec::with_capacity(texts.len());
        for mut answer in self.queue.push(&texts, purpose)? {
            let batch = loop {
                let before = self.queue.finished();
                match tokio::time::timeout(patience, &mut answer).await {
                    Ok(answered) => break answered.unwrap_or(Err(Error::Stopping))?,
                    // Others are served: the turn of this one comes.
                    Err(_) if purpose == Purpose::Passage && self.queue.finished() != before => {}
                    Err(_) => return Err(Error::TimedOut(patience)),
                }
            };
            vectors.extend(batch);
        }
        Ok(vectors)
    }

    fn health(&self) -> Health {
        self.queue.health()
    }
}
