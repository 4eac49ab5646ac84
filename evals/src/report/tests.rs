use super::*;
use crate::suites::{Case, Suite};

fn outcome(verdicts: &[Verdict]) -> Outcome {
    let case = |(at, verdict): (usize, &Verdict)| Case { name: at.to_string(), verdict: *verdict, detail: String::new(), milliseconds: 1 };
    Outcome::of(Suite::Answers, verdicts.iter().enumerate().map(case).collect())
}

fn thresholds(text: &str) -> Thresholds {
    toml::from_str(text).unwrap()
}

#[test]
fn a_bound_that_is_missed_fails_the_run() {
    let bounds = "[answers]\ngood = { min = 0.8 }\nwrong = { max = 0 }";
    let good = Report::of(vec![outcome(&[Verdict::Good; 5])], &thresholds(bounds));
    assert!(good.passed());
    let few = Report::of(vec![outcome(&[Verdict::Good, Verdict::Abstained])], &thresholds(bounds));
    assert_eq!(few.missed.iter().map(|missed| missed.metric.as_str()).collect::<Vec<_>>(), ["good"]);
    let wrong = Report::of(vec![outcome(&[Verdict::Good, Verdict::Good, Verdict::Good, Verdict::Good, Verdict::Good, Verdict::Wrong])], &thresholds(bounds));
    assert_eq!(wrong.missed.iter().map(|missed| missed.metric.as_str()).collect::<Vec<_>>(), ["wrong"]);
}

#[test]
fn a_metric_that_is_not_there_is_missed_and_a_skipped_suite_is_not() {
    let bounds = thresholds("[answers]\nleaks = { max = 0 }");
    assert!(!Report::of(vec![outcome(&[Verdict::Good])], &bounds).passed());
    assert!(Report::of(vec![Outcome::skipped(Suite::Answers, "no data")], &bounds).passed());
}

#[test]
fn a_case_that_became_worse_is_told() {
    let none = Thresholds::default();
    let (before, after) =
        (Report::of(vec![outcome(&[Verdict::Good, Verdict::Abstained])], &none), Report::of(vec![outcome(&[Verdict::Abstained, Verdict::Good])], &none));
    assert!(!compare::against(&before, &after), "the first case became worse");
    assert!(compare::against(&before, &before));
}

#[test]
fn our_own_thresholds_can_be_read() {
    assert!(Thresholds::ours().unwrap().0.contains_key("answers"));
}
