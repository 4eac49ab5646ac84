use chrono::{TimeZone, Utc};

use super::*;

fn at(year: i32, month: u32, day: u32, hour: u32, minute: u32) -> i64 {
    Utc.with_ymd_and_hms(year, month, day, hour, minute, 0).unwrap().timestamp_millis()
}

#[test]
fn windows_are_those_of_the_calendar() {
    let now = at(2024, 2, 29, 13, 37) + 12_345;
    assert_eq!(Window::Minute.around(now, Tz::UTC), (at(2024, 2, 29, 13, 37), at(2024, 2, 29, 13, 38)));
    assert_eq!(Window::Day.around(now, Tz::UTC), (at(2024, 2, 29, 0, 0), at(2024, 3, 1, 0, 0)));
    assert_eq!(Window::Month.around(now, Tz::UTC), (at(2024, 2, 1, 0, 0), at(2024, 3, 1, 0, 0)));
    assert_eq!(Window::Month.around(at(2024, 12, 1, 0, 0), Tz::UTC), (at(2024, 12, 1, 0, 0), at(2025, 1, 1, 0, 0)));
    assert_eq!(Window::Day.around(at(2024, 12, 31, 0, 0), Tz::UTC), (at(2024, 12, 31, 0, 0), at(2025, 1, 1, 0, 0)));
}

#[test]
fn days_and_months_are_those_of_the_zone() {
    // Half past eleven in the evening in UTC is the first of the month in Berlin already.
    let now = at(2024, 2, 29, 23, 30);
    let berlin = Tz::Europe__Berlin;
    assert_eq!(Window::Day.around(now, berlin), (at(2024, 2, 29, 23, 0), at(2024, 3, 1, 23, 0)));
    // The clocks go forward in March, so the month ends an hour earlier than it began.
    assert_eq!(Window::Month.around(now, berlin), (at(2024, 2, 29, 23, 0), at(2024, 3, 31, 22, 0)));
    assert_eq!(Window::Minute.around(now + 1, berlin), (now, now + 60_000));
    // A quarter of an hour off the hour.
    assert_eq!(Window::Day.around(now, Tz::Asia__Kathmandu), (at(2024, 2, 29, 18, 15), at(2024, 3, 1, 18, 15)));
}

#[test]
fn a_day_whose_midnight_is_skipped_begins_after_the_gap() {
    // Beirut went from midnight to one o'clock on that day.
    let beirut = Tz::Asia__Beirut;
    let (starts_at, ends_at) = Window::Day.around(at(2022, 3, 27, 12, 0), beirut);
    assert_eq!((starts_at, ends_at), (at(2022, 3, 26, 22, 0), at(2022, 3, 27, 21, 0)));
    assert_eq!(Window::Day.around(starts_at - 1, beirut).1, starts_at);
}

#[test]
fn the_last_and_the_first_moment_lie_in_different_windows() {
    let first = at(2025, 3, 1, 0, 0);
    for window in [Window::Minute, Window::Day, Window::Month] {
        assert_eq!(window.around(first, Tz::UTC).0, first);
        assert!(window.around(first - 1, Tz::UTC).0 < first);
        assert_eq!(window.around(first - 1, Tz::UTC).1, first);
    }
}

#[test]
fn a_refusal_names_scope_and_metric_and_when_to_come_back() {
    let limit = Limit { scope: Scope::Key(Uuid::nil()), metric: Metric::NanoDollars, window: Window::Minute, cap: 1, zone: Tz::UTC };
    let now = at(2025, 3, 1, 0, 0) + 45_000;
    let counter = limit.counter(Uuid::nil(), now);
    let exceeded = Refused::Exceeded { counter };
    assert_eq!(exceeded.retry_after(now), Some(Duration::from_secs(15)));
    assert_eq!(exceeded.retry_after(now + 60_000), Some(Duration::ZERO));
    assert_eq!(exceeded.to_string(), "the limit of cost for key is reached");
    assert_eq!(Refused::TooLarge { counter }.retry_after(now), None);
}
