use super::Position;
use super::failures::pause;
use chrono::TimeDelta;

#[test]
fn pauses_double_up_to_five_minutes() {
    let seconds: Vec<i64> = (1..=11).map(|attempts| pause(attempts).num_seconds()).collect();
    assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    assert_eq!(pause(0), TimeDelta::seconds(1));
    assert_eq!(pause(i32::MIN), TimeDelta::seconds(1));
    assert_eq!(pause(i32::MAX), TimeDelta::seconds(300));
}

#[test]
fn positions_are_ordered_by_transaction_and_then_within_it() {
    let at = |xid, ordinal| Position { xid, ordinal };
    assert!(at(0, 0) < at(1, 1) && at(1, 2) < at(1, 3) && at(1, 9) < at(2, 1));
}
