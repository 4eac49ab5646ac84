use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::{MODEL_UNAVAILABLE, QUOTA_EXHAUSTED, RATE_LIMITED, Rest};
use crate::error::{Error, Kind};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_rest_is_extended_but_never_shortened() {
    let now = Instant::now();
    let rest = Rest::default();
    rest.after(&Kind::QuotaExhausted.into(), now);
    rest.after(&Error::new(Kind::RateLimited).with_retry_after(Some(SECOND)), now);
    assert_eq!(rest.left(now), Some((Kind::QuotaExhausted, QUOTA_EXHAUSTED)));

    let longer = QUOTA_EXHAUSTED + SECOND;
    rest.after(&Error::new(Kind::RateLimited).with_retry_after(Some(longer)), now);
    assert_eq!(rest.left(now), Some((Kind::RateLimited, longer)));
}

#[test]
fn a_rest_ends() {
    let now = Instant::now();
    let rest = Rest::default();
    rest.after(&Kind::RateLimited.into(), now);
    assert!(rest.left(now + RATE_LIMITED - SECOND).is_some());
    assert_eq!(rest.left(now + RATE_LIMITED), None);
    rest.after(&Kind::ModelUnavailable.into(), now + RATE_LIMITED);
    assert_eq!(rest.left(now + RATE_LIMITED), Some((Kind::ModelUnavailable, MODEL_UNAVAILABLE)));
}

#[test]
fn failures_of_the_provider_or_the_caller_let_nothing_rest() {
    let now = Instant::now();
    let rest = Rest::default();
    for kind in [Kind::Connect, Kind::Upstream, Kind::BadRequest, Kind::ContextLength, Kind::Deadline] {
        rest.after(&kind.into(), now);
    }
    assert_eq!(rest.left(now), None);
}

fn failure() -> impl Strategy<Value = (Kind, Option<u64>)> {
    let kinds = [Kind::RateLimited, Kind::QuotaExhausted, Kind::Unauthorized, Kind::ModelUnavailable, Kind::Upstream, Kind::Connect];
    (prop::sample::select(kinds.to_vec()), prop::option::of(0..7_200_u64))
}

proptest! {
    /// Whatever fails, in whatever order and at whatever time: the end never moves towards us, and a rest covers each failure's own.
    #[test]
    fn its_end_never_comes_nearer(failures in prop::collection::vec((failure(), 0..600_u64), 1..40)) {
        let mut now = Instant::now();
        let rest = Rest::default();
        let mut end = now;
        for ((kind, retry_after), passed) in failures {
            now += Duration::from_secs(passed);
            let alone = Rest::default();
            let error = Error::new(kind).with_retry_after(retry_after.map(Duration::from_secs));
            alone.after(&error, now);
            rest.after(&error, now);
            let ends = |rest: &Rest| rest.left(now).map_or(now, |(_, left)| now + left);
            prop_assert!(ends(&rest) >= end.max(ends(&alone)), "{kind:?}");
            prop_assert_eq!(ends(&rest), end.max(ends(&alone)).max(now));
            end = ends(&rest);
        }
    }
}
