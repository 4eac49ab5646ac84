//! The points in time by which one attempt has to have come so far.

use std::time::{Duration, Instant};

use crate::chat::Delivery;
use crate::error::Kind;
use crate::provider::Timeouts;

#[derive(Clone, Copy)]
pub(super) struct Clock {
    pub(super) headers: Instant,
    pub(super) first_token: Instant,
    pub(super) idle: Duration,
    total: Instant,
    deadline: Instant,
    delivery: Delivery,
}

impl Clock {
    pub(super) fn start(timeouts: &Timeouts, deadline: Instant, delivery: Delivery) -> Self {
        let now = Instant::now();
        let total = now + wait(timeouts.total_ms);
        Self {
            headers: now + wait(timeouts.headers_ms),
            first_token: now + wait(timeouts.first_token_ms),
            idle: wait(timeouts.idle_ms),
            total,
            deadline: total.min(deadline),
            delivery,
        }
    }

    /// Until when to wait for something, and what it is called if it does not come: the deadline bounds every wait.
    pub(super) fn until(&self, at: Instant, late: Kind) -> (Instant, Kind) {
        match self.delivery {
            _ if at <= self.deadline => (at, late),
            Delivery::Stream => (self.deadline, Kind::Deadline),
            Delivery::Whole => self.whole(),
        }
    }

    /// The same for a whole answer, which is of use only when it is complete: if only the attempt's own time is over, it is the server
    /// that was late.
    pub(super) fn whole(&self) -> (Instant, Kind) {
        if self.deadline < self.total { (self.deadline, Kind::Deadline) } else { (self.total, Kind::HeaderTimeout) }
    }
}

/// A day is as good as for ever, and cannot overflow.
pub(super) fn wait(ms: u64) -> Duration {
    Duration::from_millis(ms.min(24 * 60 * 60 * 1_000))
}
