use super::*;

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}
fn moment(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}
fn period(from: &str, to: &str) -> Option<Period> {
    Some(Period { from: date(from), to: date(to) })
}

#[test]
fn today_is_a_day_in_the_tenants_zone() {
    let late = moment("2026-01-01T23:30:00Z");
    assert_eq!(Calendar::new("Europe/Berlin", 1).date_of(late), date("2026-01-02"));
    assert_eq!(Calendar::new("America/New_York", 1).date_of(late), date("2026-01-01"));
    assert_eq!(Calendar::new("Nowhere/At_All", 1).date_of(late), date("2026-01-01"));
}

#[test]
fn a_day_begins_at_local_midnight_in_summer_and_winter() {
    let berlin = Calendar::new("Europe/Berlin", 1);
    assert_eq!(berlin.start_of_day(date("2026-01-15")), moment("2026-01-14T23:00:00Z"));
    assert_eq!(berlin.start_of_day(date("2026-07-15")), moment("2026-07-14T22:00:00Z"));
    // The day of the change has 23 hours.
    let (from, to) = berlin.moments(Period::day(date("2026-03-29")));
    assert_eq!((to - from).num_hours(), 23);
}

#[test]
fn where_clocks_skip_midnight_the_day_begins_after_the_gap() {
    // Brazil's summer time began at midnight: 2018-11-04 started at 01:00.
    let brazil = Calendar::new("America/Sao_Paulo", 1);
    assert_eq!(brazil.start_of_day(date("2018-11-04")), moment("2018-11-04T03:00:00Z"));
    assert_eq!(brazil.date_of(brazil.start_of_day(date("2018-11-04"))), date("2018-11-04"));
    // Samoa left out a whole day.
    let samoa = Calendar::new("Pacific/Apia", 1);
    assert_eq!(samoa.start_of_day(date("2011-12-30")), samoa.start_of_day(date("2011-12-31")));
}

#[test]
fn where_midnight_comes_twice_the_first_counts() {
    // Cuba set its clocks back from 01:00 to 00:00 on 2018-11-04.
    let cuba = Calendar::new("America/Havana", 1);
    assert_eq!(cuba.start_of_day(date("2018-11-04")), moment("2018-11-04T04:00:00Z"));
    let (from, to) = cuba.moments(Period::day(date("2018-11-04")));
    assert_eq!((to - from).num_hours(), 25);
}

#[test]
fn weeks_begin_on_monday() {
    let calendar = Calendar::default();
    for today in ["2026-11-16", "2026-11-21", "2026-11-22"] {
        assert_eq!(calendar.period("this_week", date(today)), period("2026-11-16", "2026-11-22"), "{today}");
    }
    assert_eq!(calendar.period("last_week", date("2026-01-01")), period("2025-12-22", "2025-12-28"));
    assert_eq!(calendar.period("next_week", date("2026-12-31")), period("2027-01-04", "2027-01-10"));
}

#[test]
fn months_end_where_they_end() {
    let calendar = Calendar::default();
    assert_eq!(calendar.period("last_month", date("2024-03-31")), period("2024-02-01", "2024-02-29"));
    assert_eq!(calendar.period("last_month", date("2026-03-31")), period("2026-02-01", "2026-02-28"));
    assert_eq!(calendar.period("next_month", date("2026-12-31")), period("2027-01-01", "2027-01-31"));
    assert_eq!(calendar.period("this_month", date("2026-04-30")), period("2026-04-01", "2026-04-30"));
    assert_eq!(calendar.period("month_to_date", date("2026-04-12")), period("2026-04-01", "2026-04-12"));
}

#[test]
fn quarters_and_years_from_today_are_fiscal() {
    let today = date("2026-02-10");
    let civil = Calendar::new("UTC", 1);
    assert_eq!(civil.period("this_quarter", today), period("2026-01-01", "2026-03-31"));
    assert_eq!(civil.period("last_quarter", today), period("2025-10-01", "2025-12-31"));
    assert_eq!(civil.period("last_year", today), period("2025-01-01", "2025-12-31"));
    let april = Calendar::new("UTC", 4);
    assert_eq!(april.period("this_year", today), period("2025-04-01", "2026-03-31"));
    assert_eq!(april.period("next_year", today), period("2026-04-01", "2027-03-31"));
    assert_eq!(april.period("this_quarter", today), period("2026-01-01", "2026-03-31"));
    assert_eq!(april.period("year_to_date", today), period("2025-04-01", "2026-02-10"));
    let february = Calendar::new("UTC", 2);
    assert_eq!(february.period("this_quarter", today), period("2026-02-01", "2026-04-30"));
    assert_eq!(february.period("last_quarter", today), period("2025-11-01", "2026-01-31"));
    assert_eq!(february.fiscal_year(2025), period("2025-02-01", "2026-01-31"));
    assert_eq!(february.fiscal_quarter(2025, 4), period("2025-11-01", "2026-01-31"));
    let december = Calendar::new("UTC", 12);
    assert_eq!(december.period("this_year", today), period("2025-12-01", "2026-11-30"));
    assert_eq!(december.period("this_quarter", today), period("2025-12-01", "2026-02-28"));
}

#[test]
fn numbered_periods_are_civil() {
    let calendar = Calendar::new("UTC", 4);
    let today = date("2026-02-10");
    assert_eq!(calendar.period("1997", today), period("1997-01-01", "1997-12-31"));
    assert_eq!(calendar.period("1997-Q2", today), period("1997-04-01", "1997-06-30"));
    assert_eq!(calendar.period("1996-02", today), period("1996-02-01", "1996-02-29"));
    assert_eq!(calendar.period("1996-02-29", today), period("1996-02-29", "1996-02-29"));
    for nonsense in [
        "",
        "soon",
        "97",
        "1997-Q5",
        "1997-13",
        "1997-02-30",
        "+997",
        "1997-",
        "0000",
        "last_0_days",
        "last_x_days",
        "this_3_days",
        "last_99999999_days",
        "täglich",
    ] {
        assert_eq!(calendar.period(nonsense, today), None, "{nonsense}");
    }
}

#[test]
fn the_last_days_end_today() {
    let calendar = Calendar::default();
    assert_eq!(calendar.period("last_7_days", date("2026-03-03")), period("2026-02-25", "2026-03-03"));
    assert_eq!(calendar.period("next_7_days", date("2026-12-28")), period("2026-12-28", "2027-01-03"));
    assert_eq!(calendar.period("yesterday", date("2026-01-01")), period("2025-12-31", "2025-12-31"));
    assert_eq!(calendar.last_days(date("2026-03-03"), 30).days(), 30);
}

#[test]
fn every_named_period_is_known() {
    for name in NAMED {
        assert!(Calendar::default().period(name, date("2026-11-21")).is_some(), "{name}");
    }
}
