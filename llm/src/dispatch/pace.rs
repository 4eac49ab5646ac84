//! How long an answer may take for its next part, whatever its provider thinks.

use std::time::{Duration, Instant};

use crate::chat::{Chunk, Delivery, Delta};
use crate::error::Kind;
use crate::provider::Timeouts;

/// How long a finished answer is kept open for frames that only go on as they are.
const AFTERWARDS: Duration = Duration::from_secs(2);
/// As good as for ever, and cannot overflow.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The clock of one answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    first_token: Instant,
    idle: Duration,
    /// When the attempt's own time is over.
    total: Instant,
    deadline: Instant,
    /// When the answer has to have shown something, which bounds all until it has.
    begin_by: Option<Instant>,
    delivery: Delivery,
    stage: Stage,
    /// Since when the next part is waited for. The time that the caller takes to read is not the provider's.
    since: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Silent,
    Begun,
    Finished,
}

impl Pace {
    pub(super) fn start(timeouts: &Timeouts, deadline: Instant, begin_by: Instant, now: Instant) -> Self {
        let after = |ms: u64| now + Duration::from_millis(ms).min(DAY);
        Self {
            first_token: after(timeouts.first_token_ms),
            idle: Duration::from_millis(timeouts.idle_ms).min(DAY),
            total: after(timeouts.total_ms),
            deadline: after(timeouts.total_ms).min(deadline),
            begin_by: Some(begin_by),
            delivery: Delivery::Stream,
            stage: Stage::Silent,
            since: None,
        }
    }

    /// A pace for who needs no time.
    pub(super) fn free(now: Instant) -> Self {
        Self {
            first_token: now + DAY,
            idle: DAY,
            total: now + DAY,
            deadline: now + DAY,
            begin_by: None,
            delivery: Delivery::Stream,
            stage: Stage::Silent,
            since: None,
        }
    }

    /// How the caller reads the answer.
    pub(super) fn is_for(&mut self, delivery: Delivery) {
        self.delivery = delivery;
    }

    /// The answer has shown something. Of a whole one the caller sees nothing before its end.
    pub(super) fn shown(&mut self) {
        if self.delivery == Delivery::Stream {
            self.begin_by = None;
        }
    }

    /// When everything has to be there that is waited for now.
    pub(super) fn deadline(&self) -> Instant {
        self.begin_by.map_or(self.deadline, |begin_by| begin_by.min(self.deadline))
    }

    /// The same for a whole answer, and what it is called if it does not come: if only the attempt's own time is over, it is the server that
    /// was late, and another one may have the time that is left.
    pub(super) fn whole(&self) -> (Instant, Kind) {
        let deadline = self.deadline();
        (deadline, if self.total <= deadline { Kind::HeaderTimeout } else { Kind::Deadline })
    }

    /// Takes note of a part. Roles and empty frames are no progress; thoughts are.
    pub(super) fn saw(&mut self, chunk: &Chunk) {
        for delta in &chunk.deltas {
            match delta {
                Delta::Start { .. } => continue,
                Delta::Finish(_) => self.stage = Stage::Finished,
                _ if self.stage == Stage::Silent => self.stage = Stage::Begun,
                _ => {}
            }
            self.since = None;
        }
    }

    pub(super) fn has_finished(&self) -> bool {
        self.stage == Stage::Finished
    }

    /// Until when the next part has to come, and what it is called if it does not.
    pub(super) fn due(&mut self, now: Instant) -> (Instant, Kind) {
        let since = *self.since.get_or_insert(now);
        let (at, late) = match self.stage {
            Stage::Silent => (self.first_token, Kind::FirstTokenTimeout),
            Stage::Begun => (since + self.idle, Kind::IdleTimeout),
            Stage::Finished => (since + self.idle.min(AFTERWARDS), Kind::IdleTimeout),
        };
        let deadline = self.deadline();
        match self.delivery {
            _ if at <= deadline => (at, late),
            Delivery::Stream => (deadline, Kind::Deadline),
            Delivery::Whole => self.whole(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::FinishReason;

    const TIMEOUTS: Timeouts = Timeouts { connect_ms: 1, headers_ms: 1, first_token_ms: 3_000, idle_ms: 5_000, total_ms: 20_000 };

    fn second(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn each_part_has_its_own_time() {
        let now = Instant::now();
        let mut pace = Pace::start(&TIMEOUTS, now + second(60), now + second(60), now);
        assert_eq!(pace.due(now + second(1)), (now + second(3), Kind::FirstTokenTimeout));
        pace.saw(&Delta::Start { id: None, model: None }.into());
        pace.saw(&Chunk::default());
        assert_eq!(pace.due(now + second(2)), (now + second(3), Kind::FirstTokenTimeout), "a role is no progress");

        pace.saw(&Delta::Reasoning("hm".to_owned()).into());
        assert_eq!(pace.due(now + second(4)), (now + second(9), Kind::IdleTimeout));
        pace.saw(&Chunk::default());
        assert_eq!(pace.due(now + second(6)), (now + second(9), Kind::IdleTimeout), "an empty frame is no progress");
        pace.saw(&Delta::Text("x".to_owned()).into());
        assert_eq!(pace.due(now + second(16)), (now + second(20), Kind::Deadline), "the time of the reader does not count");

        pace.saw(&Delta::Finish(FinishReason::Stop).into());
        assert_eq!(pace.due(now + second(10)), (now + second(12), Kind::IdleTimeout));
        assert!(pace.has_finished());
    }

    #[test]
    fn a_whole_answer_that_is_late_is_the_servers_fault_unless_the_requests_own_time_is_over() {
        let now = Instant::now();
        let whole = |deadline: u64, begin_by: u64| Pace::start(&TIMEOUTS, now + second(deadline), now + second(begin_by), now).whole();
        assert_eq!(whole(60, 60), (now + second(20), Kind::HeaderTimeout));
        assert_eq!(whole(10, 10), (now + second(10), Kind::Deadline));
        assert_eq!(whole(60, 10), (now + second(10), Kind::Deadline));
    }

    #[test]
    fn a_whole_answer_that_comes_as_a_stream_has_the_time_of_a_whole_one() {
        let now = Instant::now();
        let of = |deadline: u64, begin_by: u64| {
            let mut pace = Pace::start(&TIMEOUTS, now + second(deadline), now + second(begin_by), now);
            pace.is_for(Delivery::Whole);
            pace.saw(&Delta::Text("x".to_owned()).into());
            pace.shown();
            pace
        };
        assert_eq!(of(60, 60).due(now + second(1)), (now + second(6), Kind::IdleTimeout));
        assert_eq!(of(60, 60).due(now + second(19)), (now + second(20), Kind::HeaderTimeout), "another one may have the time that is left");
        assert_eq!(of(10, 10).due(now + second(9)), (now + second(10), Kind::Deadline));
        assert_eq!(of(60, 10).due(now + second(9)), (now + second(10), Kind::Deadline), "what was kept for a last resort is kept");
    }

    #[test]
    fn the_deadline_of_the_request_bounds_all() {
        let now = Instant::now();
        let mut pace = Pace::start(&TIMEOUTS, now + second(2), now + second(1), now);
        assert_eq!(pace.due(now), (now + second(1), Kind::Deadline));
        pace.shown();
        assert_eq!(pace.due(now), (now + second(2), Kind::Deadline), "what has begun may use the time that was kept");
    }
}
