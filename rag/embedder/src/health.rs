//! How an embedder fares, for monitors.

use serde::Serialize;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Health {
    pub state: State,
    /// How often the worker has been started again.
    pub restarts: u64,
    /// Batches that wait or are being computed.
    pub queued: usize,
    /// Texts that were embedded since the program started.
    pub embedded: u64,
    /// The worker's process, if there is one.
    pub process: Option<u32>,
    /// Why the last worker ended, with its causes. It never holds texts.
    pub last_error: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// The configuration wants none, or there is no model.
    Off,
    /// Nobody has asked for a vector yet.
    Idle,
    /// The worker loads its model; requests wait for it.
    Starting,
    Up,
    /// The worker does not start; requests fail at once until it does.
    Down,
    /// The program is stopping.
    Stopped,
}

impl Health {
    /// Of an embedder without a worker.
    pub(crate) fn resting(state: State) -> Self {
        Self { state, restarts: 0, queued: 0, embedded: 0, process: None, last_error: None }
    }
}
