use chrono::{TimeZone, Utc};

use super::*;

fn at(year: i32, month: u32, day: u32, hour: u32, minute: u32) -> i64 {
    Utc.with_ymd_and_hms(year, month, day, hour, minute, 0).unwrap().timestamp_millis()
}

#[test]
fn windows_are_those_of_the_calendar() {
    let now = at(2024, 2, 29, 13, 37) + 12_345;
    assert_eq!(Window::Minute.starts_at(now), at(2024, 2, 29, 13, 37));
    assert_eq!(Window::Day.starts_at(now), at(2024, 2, 29, 0, 0));
    assert_eq!(Window::Month.starts_at(now), at(2024, 2, 1, 0, 0));
    assert_eq!(Window::Month.ends_at(at(2024, 2, 1, 0, 0)), at(2024, 3, 1, 0, 0));
    assert_eq!(Window::Month.ends_at(at(2024, 12, 1, 0, 0)), at(2025, 1, 1, 0, 0));
    assert_eq!(Window::Day.ends_at(at(2024, 12, 31, 0, 0)), at(2025, 1, 1, 0, 0));
}

#[test]
fn the_last_and_the_first_moment_lie_in_different_windows() {
    let first = at(2025, 3, 1, 0, 0);
    for window in [Window::Minute, Window::Day, Window::Month] {
        assert_eq!(window.starts_at(first), first);
        assert!(window.starts_at(first - 1) < first);
        assert_eq!(window.ends_at(window.starts_at(first - 1)), first);
    }
}

#[test]
fn a_refusal_names_scope_and_metric_and_when_to_come_back() {
    let limit = Limit { scope: Scope::Key(Uuid::nil()), metric: Metric::NanoDollars, window: Window::Minute, cap: 1 };
    let now = at(2025, 3, 1, 0, 0) + 45_000;
    let counter = limit.counter(Uuid::nil(), now);
    let exceeded = Refused::Exceeded { counter };
    assert_eq!(exceeded.retry_after(now), Some(Duration::from_secs(15)));
    assert_eq!(exceeded.retry_after(now + 60_000), Some(Duration::ZERO));
    assert_eq!(exceeded.to_string(), "the limit of cost for key is reached");
    assert_eq!(Refused::TooLarge { counter }.retry_after(now), None);
}
