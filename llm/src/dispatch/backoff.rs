//! How long to wait before the same target is tried again.

use std::time::Duration;

use crate::config::Routing;
use crate::error::{Error, Retries};

/// The wait before another try after so many retries of the same target; `None` if there is none. `chance` is from 0 to 1.
///
/// What the provider asks for is waited for if it is not too long; whether it fits the deadline is for the caller to say.
pub(super) fn wait(error: &Error, retries: u32, routing: &Routing, chance: f64) -> Option<Duration> {
    let policy = error.kind().policy().retries;
    if retries >= policy.max() {
        return None;
    }
    match (policy, error.retry_after()) {
        (_, Some(wait)) => (wait <= routing.retry_after_max()).then_some(wait),
        (Retries::IfTheWaitFits, None) => None,
        (Retries::AtOnceThenBackoff, None) if retries == 0 => Some(Duration::ZERO),
        (_, None) => {
            let ceiling = routing.backoff().saturating_mul(1 << retries.min(16)).min(routing.backoff_max());
            Some(ceiling.mul_f64(chance))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    fn waits(error: &Error) -> Vec<Option<u128>> {
        (0..4).map(|retries| wait(error, retries, &Routing::default(), 1.0).map(|wait| wait.as_millis())).collect()
    }

    #[test]
    fn a_server_error_backs_off_twice_a_failed_connection_at_once_and_then() {
        assert_eq!(waits(&Kind::Upstream.into()), [Some(250), Some(500), None, None]);
        assert_eq!(waits(&Kind::Connect.into()), [Some(0), Some(500), None, None]);
        assert_eq!(waits(&Kind::HeaderTimeout.into()), [None; 4]);
        assert_eq!(waits(&Kind::BadRequest.into()), [None; 4]);
    }

    #[test]
    fn jitter_is_full_and_the_longest_wait_is_bounded() {
        let routing = Routing { backoff_ms: 4_000, ..Routing::default() };
        let at = |retries, chance| wait(&Kind::Upstream.into(), retries, &routing, chance);
        assert_eq!([at(0, 0.0), at(0, 0.5), at(1, 1.0)], [Some(Duration::ZERO), Some(Duration::from_secs(2)), Some(Duration::from_secs(5))]);
    }

    #[test]
    fn what_the_provider_asks_for_is_waited_for_unless_it_is_too_long() {
        let limited = |seconds| Error::new(Kind::RateLimited).with_retry_after(Some(Duration::from_secs(seconds)));
        assert_eq!(waits(&limited(2)), [Some(2_000), None, None, None]);
        assert_eq!(waits(&limited(11)), [None; 4]);
        assert_eq!(waits(&Kind::RateLimited.into()), [None; 4]);
        assert_eq!(waits(&Error::new(Kind::Upstream).with_retry_after(Some(Duration::from_secs(1)))), [Some(1_000), Some(1_000), None, None]);
    }
}
