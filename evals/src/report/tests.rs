use super::compare::{Direction, against};
use super::*;
use crate::suites::{Case, Suite};

fn outcome(verdicts: &[Verdict]) -> Outcome {
    let case = |(at, verdict): (usize, &Verdict)| Case { name: at.to_string(), verdict: *verdict, detail: String::new(), milliseconds: 1 };
    Outcome::of(Suite::Answers, verdicts.iter().enumerate().map(case).collect())
}

fn thresholds(text: &str) -> Thresholds {
    toml::from_str(text).unwrap()
}

fn report(outcomes: Vec<Outcome>) -> Report {
    Report::of(outcomes, &Thresholds::default(), &[])
}

fn measured(metrics: &[(&str, f64)]) -> Report {
    let metrics = metrics.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
    report(vec![Outcome { suite: "retrieval".into(), metrics, ..Outcome::default() }])
}

#[test]
fn a_bound_that_is_missed_fails_the_run() {
    let bounds = thresholds("[answers]\ngood = { min = 0.8 }\nwrong = { max = 0 }");
    let missed = |verdicts: &[Verdict]| {
        let report = Report::of(vec![outcome(verdicts)], &bounds, &[]);
        assert_eq!(report.passed(), report.missed.is_empty());
        report.missed.into_iter().map(|missed| missed.metric).collect::<Vec<_>>()
    };
    assert_eq!(missed(&[Verdict::Good; 5]), [] as [&str; 0]);
    assert_eq!(missed(&[Verdict::Good, Verdict::Abstained]), ["good"]);
    assert_eq!(missed(&[Verdict::Good, Verdict::Good, Verdict::Good, Verdict::Good, Verdict::Good, Verdict::Wrong]), ["wrong"]);
}

#[test]
fn a_metric_that_is_not_there_is_missed() {
    let bounds = thresholds("[answers]\nleaks = { max = 0 }");
    assert!(!Report::of(vec![outcome(&[Verdict::Good])], &bounds, &[]).passed());
}

#[test]
fn a_suite_with_bounds_is_skipped_only_where_that_is_allowed() {
    let bounds = thresholds("[answers]\nwrong = { max = 0 }");
    let skipped = || vec![Outcome::skipped(Suite::Answers, "no data")];
    let refused = Report::of(skipped(), &bounds, &[Suite::Actions]);
    assert!(!refused.passed() && refused.table(true).contains("SKIPPED answers") && html::page(&refused).contains("answers: not measured"));
    assert!(Report::of(skipped(), &bounds, &[Suite::Answers]).passed());
    assert!(Report::of(skipped(), &Thresholds::default(), &[]).passed(), "without bounds there is nothing to hold it to");
}

#[test]
fn a_case_that_became_worse_or_is_gone_is_told() {
    let (before, after) = (report(vec![outcome(&[Verdict::Good, Verdict::Abstained])]), report(vec![outcome(&[Verdict::Abstained, Verdict::Good])]));
    assert!(!against(&before, &after), "the first case became worse");
    assert!(against(&before, &before));
    let better = report(vec![outcome(&[Verdict::Good, Verdict::Good])]);
    assert!(against(&before, &better));
    let fewer = report(vec![outcome(&[Verdict::Good])]);
    assert!(!against(&better, &fewer), "a case is gone");
    assert!(!against(&better, &report(vec![Outcome::skipped(Suite::Answers, "no data")])), "a suite is gone");
}

#[test]
fn a_metric_that_moved_the_wrong_way_or_is_gone_is_worse() {
    let before = measured(&[("cranfield.ndcg_at_10", 0.42), ("leaks", 0.0), ("milliseconds_per_query", 10.0)]);
    let now = |ndcg: f64, leaks: f64, milliseconds: f64| {
        against(&before, &measured(&[("cranfield.ndcg_at_10", ndcg), ("leaks", leaks), ("milliseconds_per_query", milliseconds)]))
    };
    assert!(now(0.42, 0.0, 10.0) && now(0.43, 0.0, 30.0));
    assert!(!now(0.41, 0.0, 10.0), "it finds less");
    assert!(!now(0.43, 1.0, 10.0), "it leaks more");
    assert!(!against(&before, &measured(&[("cranfield.ndcg_at_10", 0.42), ("milliseconds_per_query", 10.0)])), "leaks are not counted any more");
}

#[test]
fn our_own_bounds_point_the_way_in_which_their_metrics_are_better() {
    let ours = Thresholds::ours().unwrap();
    for suite in Suite::ALL {
        assert!(ours.0.contains_key(suite.name()), "{} has no bounds", suite.name());
    }
    for (metric, bound) in ours.0.values().flatten() {
        let wanted = if bound.min.is_some() { Direction::Higher } else { Direction::Lower };
        assert_eq!(Direction::of(metric), Some(wanted), "{metric}");
    }
}
