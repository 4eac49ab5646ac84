//! Wakes whoever follows the outbox, so that nobody in this process has to wait for his next poll.
//!
//! It counts; a follower compares with the count that he saw last. So each of several followers is woken by each commit,
//! and a commit that comes while he is at work is seen when he is done.

use tokio::sync::watch;

pub struct Commits(watch::Sender<u64>);

impl Commits {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(0))
    }
    /// Something was committed that followers of the outbox may want.
    pub fn tell(&self) {
        self.0.send_modify(|count| *count = count.wrapping_add(1));
    }
    /// Sees every commit from now on. Mark as seen before looking, then wait for a change.
    pub fn follow(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}

#[cfg(test)]
mod tests;
