use std::time::{Duration, Instant};

use super::{Cooldown, QUOTA_EXHAUSTED, RATE_LIMITED};
use crate::error::{Error, Kind};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_pause_is_extended_but_never_shortened() {
    let now = Instant::now();
    let cooldown = Cooldown::default();
    cooldown.after(&Kind::QuotaExhausted.into(), now);
    cooldown.after(&Error::new(Kind::RateLimited).with_retry_after(Some(SECOND)), now);
    assert_eq!(cooldown.left(now), Some((Kind::QuotaExhausted, QUOTA_EXHAUSTED)));

    let longer = QUOTA_EXHAUSTED + SECOND;
    cooldown.after(&Error::new(Kind::RateLimited).with_retry_after(Some(longer)), now);
    assert_eq!(cooldown.left(now), Some((Kind::RateLimited, longer)));
}

#[test]
fn a_pause_ends() {
    let now = Instant::now();
    let cooldown = Cooldown::default();
    cooldown.after(&Kind::RateLimited.into(), now);
    assert!(cooldown.left(now + RATE_LIMITED - SECOND).is_some());
    assert_eq!(cooldown.left(now + RATE_LIMITED), None);
}

#[test]
fn failures_of_the_provider_or_the_caller_do_not_pause_the_credential() {
    let now = Instant::now();
    let cooldown = Cooldown::default();
    for kind in [Kind::Connect, Kind::Upstream, Kind::BadRequest, Kind::ModelUnavailable, Kind::Deadline] {
        cooldown.after(&kind.into(), now);
    }
    assert_eq!(cooldown.left(now), None);
}
