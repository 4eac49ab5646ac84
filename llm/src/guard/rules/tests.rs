use std::collections::BTreeMap;

use super::super::{Guard, GuardConfig, Piece, Refused};
use super::*;

fn words(name: &str, words: &[&str], action: Action) -> Rule {
    Rule { name: name.to_owned(), words: words.iter().map(|word| (*word).to_owned()).collect(), regex: None, action }
}

fn regex(name: &str, regex: &str, action: Action) -> Rule {
    Rule { name: name.to_owned(), words: Vec::new(), regex: Some(regex.to_owned()), action }
}

fn guard(rules: Vec<Rule>) -> Guard {
    Guard::new(&GuardConfig { rules, regex_ms_max: u32::MAX, ..GuardConfig::default() }).unwrap()
}

#[test]
fn whole_words_are_found_in_any_case() {
    let guard = guard(vec![words("project", &["Blaue Lagune", "Müller"], Action::Mask)]);
    let masked = guard.mask(&[Piece::Text("BLAUE LAGUNE mit MÜLLER und müller, nicht Müllerstraße oder Blaue Lagunen")]).unwrap();
    assert_eq!(masked.texts[0], "[TERM_1] mit [TERM_2] und [TERM_3], nicht Müllerstraße oder Blaue Lagunen");
}

#[test]
fn a_rule_masks_refuses_or_reports() {
    let guard =
        guard(vec![regex("case", r"\bCASE-\d{4}\b", Action::Mask), words("merger", &["merger"], Action::Refuse), words("rival", &["Contoso"], Action::Flag)]);
    let masked = guard.mask(&[Piece::Text("CASE-1234 and Contoso, contoso")]).unwrap();
    assert_eq!(masked.texts[0], "[TERM_1] and Contoso, contoso");
    assert_eq!((masked.flags[0].rule.as_str(), masked.flags[0].count), ("rival", 2));
    assert_eq!(guard.mask(&[Piece::Text("the Merger")]).unwrap_err(), Refused::Forbidden { rule: "merger".to_owned() });
}

#[test]
fn a_class_can_be_refused_reported_or_ignored() {
    let with = |action| Guard::new(&GuardConfig { classes: BTreeMap::from([(Class::Email, action)]), ..GuardConfig::default() }).unwrap();
    let text = [Piece::Text("a@example.org")];
    assert_eq!(with(Action::Refuse).mask(&text).unwrap_err(), Refused::Forbidden { rule: "email".to_owned() });
    assert_eq!(with(Action::Flag).mask(&text).unwrap().texts[0], "a@example.org");
    assert_eq!(with(Action::Flag).mask(&text).unwrap().flags.len(), 1);
    assert!(with(Action::Ignore).mask(&text).unwrap().flags.is_empty());
}

#[test]
fn what_is_allowed_passes_by_value_and_by_domain() {
    let allow = vec!["@example.org".to_owned(), "4111111111111111".to_owned()];
    let guard = Guard::new(&GuardConfig { allow, ..GuardConfig::default() }).unwrap();
    let masked = guard.mask(&[Piece::Text("info@Example.org 4111111111111111 info@example.com x@sub.example.org")]).unwrap();
    assert_eq!(masked.texts[0], "info@Example.org 4111111111111111 [EMAIL_1] [EMAIL_2]");
}

#[test]
fn rules_that_cannot_work_do_not_take_effect() {
    let refused = |rule: Rule| Guard::new(&GuardConfig { rules: vec![rule], regex_ms_max: u32::MAX, ..GuardConfig::default() }).unwrap_err();
    assert!(matches!(refused(regex("r", "(", Action::Mask)), Invalid::Regex(_)));
    assert!(matches!(refused(regex("r", "x*", Action::Mask)), Invalid::Regex(_)));
    assert!(matches!(refused(regex("r", r"(?:\pL{200}){200}", Action::Mask)), Invalid::Regex(_)));
    assert!(matches!(refused(words("r", &[" "], Action::Mask)), Invalid::Word(_)));
    assert!(matches!(refused(words("r r", &["x"], Action::Mask)), Invalid::Name(0)));
    assert!(matches!(refused(words("r", &[], Action::Mask)), Invalid::Form(_)));
}

#[test]
fn more_than_may_be_searched_is_refused() {
    let rules = vec![regex("a", "aa+", Action::Mask), regex("b", "bb+", Action::Mask)];
    let guard = Guard::new(&GuardConfig { rules, regex_bytes_max: 100, regex_ms_max: u32::MAX, ..GuardConfig::default() }).unwrap();
    assert!(guard.mask(&[Piece::Text(&"x".repeat(50))]).is_ok());
    assert_eq!(guard.mask(&[Piece::Text(&"x".repeat(51))]).unwrap_err(), Refused::TooLong);
}

#[test]
fn when_the_time_for_patterns_is_over_the_request_is_refused() {
    let with = |rules| Guard::new(&GuardConfig { rules, regex_ms_max: 0, ..GuardConfig::default() }).unwrap();
    assert_eq!(with(vec![regex("a", "a", Action::Mask)]).mask(&[Piece::Text("x")]).unwrap_err(), Refused::TooLong);
    assert!(with(vec![words("a", &["a"], Action::Mask)]).mask(&[Piece::Text("x")]).is_ok());
}

#[test]
fn a_pattern_made_to_run_long_runs_in_time_linear_in_the_text() {
    let guard = guard(vec![regex("slow", "(a|a|aa)+$", Action::Mask)]);
    let text = "a".repeat(20_000) + "b";
    assert_eq!(guard.mask(&[Piece::Text(&text)]).unwrap().texts[0], text);
}
