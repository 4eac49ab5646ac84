use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

const FORMS: [Form; 3] = [Form::OpenAi, Form::Anthropic, Form::Mistral];

#[test]
fn ids_that_have_the_form_stay() {
    assert_eq!(Ids::new(Form::Mistral, ["abcDEF123"]).outward("abcDEF123"), "abcDEF123");
    assert_eq!(Ids::new(Form::OpenAi, ["call.1/ü"]).outward("call.1/ü"), "call.1/ü");
    assert_eq!(Ids::new(Form::Anthropic, ["toolu_01-A"]).outward("toolu_01-A"), "toolu_01-A");
}

#[test]
fn an_id_has_the_same_hash_in_every_turn() {
    let first = Ids::new(Form::Mistral, ["call_1"]);
    let second = Ids::new(Form::Mistral, ["call_1", "call_2", "call_1"]);
    assert_eq!(first.outward("call_1"), second.outward("call_1"));
    assert_ne!(second.outward("call_1"), second.outward("call_2"));
}

#[test]
fn an_id_that_looks_like_the_hash_of_another_keeps_its_place() {
    let taken = short("call_1", 0);
    for order in [["call_1", taken.as_str()], [taken.as_str(), "call_1"]] {
        let ids = Ids::new(Form::Mistral, order);
        assert_eq!(ids.outward(&taken), taken);
        assert_eq!(ids.outward("call_1"), short("call_1", 1));
        assert_eq!(ids.inward(&taken), taken);
    }
}

#[test]
fn an_id_of_the_other_side_stays() {
    assert_eq!(Ids::new(Form::Mistral, ["call_1"]).inward("Zz0123456"), "Zz0123456");
}

fn id() -> impl Strategy<Value = String> {
    prop_oneof!["[a-zA-Z0-9]{9}", "call_[a-z0-9]{1,3}", "\\PC{0,80}", "[a-c]{1,2}", Just(short("call_1", 0)), Just("call_1".to_owned())]
}

proptest! {
    #[test]
    fn the_way_there_and_back_gives_every_id_back(given in proptest::collection::vec(id(), 0..20)) {
        for form in FORMS {
            let ids = Ids::new(form, given.iter().map(String::as_str));
            let mut outward = HashSet::new();
            for id in given.iter().collect::<HashSet<_>>() {
                let out = ids.outward(id);
                prop_assert!(form.takes(out), "{:?} of {:?}", out, id);
                prop_assert_eq!(ids.inward(out), id.as_str());
                prop_assert!(outward.insert(out.to_owned()), "{} twice", out);
                prop_assert!(!form.takes(id) || out == id);
            }
        }
    }
}
