use std::sync::Arc;
use std::time::Duration;

use failsafe::clock;

use super::*;
use crate::error::{Error, Kind, Phase};

const AT: i64 = 1_700_000_000_000;

fn health() -> Health {
    Health::new(BreakerConfig::default(), Arc::new(|| AT))
}

fn vitals(health: &Health, provider: &str, model: &str, credential: &str, secret: &str) -> Vitals {
    let text = |text: &str| Arc::<str>::from(text);
    let (provider, model, credential) = (text(provider), text(model), text(credential));
    let address = text(&format!("https://{provider}.example/v1"));
    health.vitals(&Subject { provider: &provider, address: &address, model: &model, credential: &credential, secret: Some(&secret.into()) })
}

fn fail(vitals: &Vitals, error: &Error) {
    vitals.enter().ok().unwrap().failed(error, Late::Nobody);
}

fn answered(status: u16, kind: Kind) -> Error {
    Error::new(kind).with_status(status).in_phase(Phase::Headers)
}

#[test]
fn what_does_not_connect_opens_the_way_for_all_models_and_what_fails_only_its_model() {
    let health = health();
    let (one, other) = (vitals(&health, "a", "one", "main", "k"), vitals(&health, "a", "other", "main", "k"));
    let elsewhere = vitals(&health, "b", "one", "main", "k");
    for _ in 0..5 {
        fail(&one, &answered(500, Kind::Upstream));
    }
    assert_eq!([&one, &other, &elsewhere].map(Vitals::standing), [Standing::Open, Standing::Ready, Standing::Ready]);

    for _ in 0..5 {
        fail(&other, &Error::new(Kind::Connect).in_phase(Phase::Connect));
    }
    assert_eq!([&one, &other, &elsewhere].map(Vitals::standing), [Standing::Open, Standing::Open, Standing::Ready]);
}

#[test]
fn a_failure_that_came_over_the_way_shows_that_it_is_open() {
    let health = health();
    let vitals = vitals(&health, "a", "one", "main", "k");
    for _ in 0..4 {
        fail(&vitals, &Error::new(Kind::Connect).in_phase(Phase::Connect));
        fail(&vitals, &answered(400, Kind::BadRequest));
    }
    assert_eq!(vitals.standing(), Standing::Ready, "never five in a row, and eight are too few for a share");
}

#[test]
fn each_rest_covers_what_the_table_says() {
    clock::freeze(|time| {
        let of = |kind: Kind, status| {
            let health = health();
            let all = [("one", "main"), ("other", "main"), ("one", "second")].map(|(model, key)| vitals(&health, "a", model, key, key));
            fail(&all[0], &answered(status, kind));
            all.map(|vitals| matches!(vitals.standing(), Standing::Resting(..)))
        };
        assert_eq!(of(Kind::RateLimited, 429), [true, false, false], "the model with this key");
        assert_eq!(of(Kind::QuotaExhausted, 402), [true, true, false], "the key");
        assert_eq!(of(Kind::Unauthorized, 401), [true, true, false], "the key");
        assert_eq!(of(Kind::ModelUnavailable, 404), [true, false, true], "the model");
        assert_eq!(of(Kind::Upstream, 500), [false; 3]);

        let health = health();
        let vitals = vitals(&health, "a", "one", "main", "k");
        fail(&vitals, &answered(402, Kind::QuotaExhausted));
        time.advance(Duration::from_secs(599));
        assert!(matches!(vitals.enter().map(drop), Err(Standing::Resting(Kind::QuotaExhausted, _))));
        time.advance(Duration::from_secs(1));
        assert_eq!(vitals.enter().map(drop), Ok(()));
    });
}

#[test]
fn another_key_under_the_same_name_starts_anew() {
    let health = health();
    fail(&vitals(&health, "a", "one", "main", "old"), &answered(401, Kind::Unauthorized));
    assert_eq!(vitals(&health, "a", "one", "main", "new").standing(), Standing::Ready);
    assert!(matches!(vitals(&health, "a", "one", "main", "old").standing(), Standing::Resting(..)));
}

#[test]
fn what_is_not_well_is_remembered_when_nothing_uses_it() {
    let health = health();
    let (well, ill) = (vitals(&health, "well", "one", "main", "k"), vitals(&health, "ill", "one", "main", "k"));
    fail(&ill, &answered(429, Kind::RateLimited));
    let kept = well.clone();
    drop(ill);
    health.forget_unused();
    assert!(matches!(vitals(&health, "ill", "one", "main", "k").standing(), Standing::Resting(..)));

    drop((well, kept));
    health.forget_unused();
    assert!(!health.report().iter().any(|line| line.provider == "well"));
}

#[test]
fn a_pass_that_is_dropped_says_nothing_and_gives_both_probes_back() {
    clock::freeze(|time| {
        let health = health();
        let vitals = vitals(&health, "a", "one", "main", "k");
        for _ in 0..5 {
            fail(&vitals, &answered(500, Kind::Upstream));
        }
        time.advance(Duration::from_secs(6));
        drop(vitals.enter().ok().unwrap());
        assert_eq!(health.report().iter().filter_map(|line| line.breaker).collect::<Vec<_>>(), [BreakerState::HalfOpen, BreakerState::Closed]);

        let probe = vitals.enter().ok().unwrap();
        assert_eq!(vitals.enter().map(drop), Err(Standing::Open), "one probe at a time");
        drop(probe);
        assert_eq!(vitals.enter().map(drop), Ok(()));
    });
}

#[test]
fn a_screen_shows_times_and_codes() {
    clock::freeze(|_| {
        let health = health();
        let error = answered(429, Kind::RateLimited).with_upstream_code("slow_down").with_retry_after(Some(Duration::from_millis(2_500)));
        fail(&vitals(&health, "a", "one", "main", "k"), &error);
        let shown = serde_json::to_value(health.report()).unwrap();
        let failure = serde_json::json!({"at": AT, "code": "rate_limited", "phase": "headers", "status": 429, "upstream_code": "slow_down"});
        let line = |endpoint: Option<&str>, model: Option<&str>, credential: Option<&str>| serde_json::json!({"provider": "a", "endpoint": endpoint, "model": model, "credential": credential, "breaker": null, "resting": null, "last_failure": null});
        let with = |mut line: serde_json::Value, more: serde_json::Value| {
            line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            line
        };
        let resting = serde_json::json!({"code": "rate_limited", "seconds": 3});
        let expected = [
            with(line(None, Some("one"), None), serde_json::json!({"breaker": "closed", "last_failure": failure})),
            with(line(None, Some("one"), Some("main")), serde_json::json!({"resting": resting, "last_failure": failure})),
            with(line(Some("https://a.example/v1"), None, None), serde_json::json!({"breaker": "closed"})),
        ];
        assert_eq!(shown, serde_json::json!(expected));
    });
}

#[test]
fn the_callers_own_fault_is_not_remembered() {
    let health = health();
    fail(&vitals(&health, "a", "one", "main", "k"), &answered(400, Kind::BadRequest));
    assert!(health.report().iter().all(|line| line.last_failure.is_none()));
}
