use super::*;

#[test]
fn the_version_changes_with_what_is_guarded() {
    let version = |config: &GuardConfig| Guard::new(config).unwrap().version();
    let plain = GuardConfig::default();
    let other = GuardConfig { allow: vec!["@example.org".to_owned()], ..GuardConfig::default() };
    assert_eq!(version(&plain), version(&GuardConfig::default()));
    assert_ne!(version(&plain), version(&other));
}

#[test]
fn overlapping_findings_become_one_with_the_strictest_action() {
    let finding = |range, class, action| Finding { range, class, rule: None, action };
    let one = united(vec![finding(5..9, Class::Email, Action::Mask), finding(0..6, Class::Secret, Action::Flag), finding(9..10, Class::Ip, Action::Flag)]);
    assert_eq!(one, vec![finding(0..9, Class::Email, Action::Mask), finding(9..10, Class::Ip, Action::Flag)]);
}

#[test]
fn no_debug_output_or_refusal_shows_a_value() {
    let guard = Guard::new(&GuardConfig { allow: vec!["4111111111111111".to_owned()], ..GuardConfig::default() }).unwrap();
    let masked = guard.mask(&[Piece::Text("anna@example.org")]).unwrap();
    let shown = format!("{guard:?} {masked:?} {:?}", masked.placeholders);
    assert!(!shown.contains("anna") && !shown.contains("4111"), "{shown}");
}

#[test]
fn a_configuration_reads_as_it_is_written() {
    let text = r#"
        allow = ["@example.org"]
        classes = { ip = "ignore", secret = "refuse" }
        output = { links = "strip", hosts = ["example.org"] }
        [[rules]]
        name = "case"
        regex = "CASE-[0-9]+"
        action = "flag"
    "#;
    let config: GuardConfig = toml::from_str(text).unwrap();
    assert_eq!((config.classes[&Class::Ip], config.rules[0].action), (Action::Ignore, Action::Flag));
    assert!(toml::from_str::<GuardConfig>("unknown = 1").is_err());
}
