use super::Companies;
use crate::catalogue::{CommandSpec, Field};
use crate::ids::fresh;
use serde_json::json;

fn told() -> CommandSpec {
    CommandSpec::new("probe.told").input(Field::reference("company", "identity.company").required()).for_company("company")
}

#[test]
fn a_company_is_handed_on_only_by_who_holds_a_document_of_it() {
    let (ours, foreign) = (fresh(), fresh());
    let mut door = Companies::default();
    assert!(door.handed_on(&told(), &json!({ "company": ours })).is_err(), "no document was locked yet");
    door.meet(Some(ours)).unwrap();
    let nested = door.handed_on(&told(), &json!({ "company": ours })).unwrap();
    assert_eq!(nested.only(), Some(ours));
    assert!(nested.admit(Some(ours)).is_ok() && nested.admit(None).is_ok());
    assert_eq!(nested.admit(Some(foreign)).unwrap_err().reason, Some("kernel.foreign_company"));
    for input in [json!({ "company": foreign }), json!({}), json!({ "company": null })] {
        assert!(door.handed_on(&told(), &input).is_err(), "{input}");
        assert!(nested.handed_on(&told(), &input).is_err(), "{input}");
    }
}

#[test]
fn who_is_told_no_company_works_for_those_of_the_callers_documents() {
    let (ours, foreign) = (fresh(), fresh());
    let untold = CommandSpec::new("probe.untold");
    let mut door = Companies::default();
    assert!(door.handed_on(&untold, &json!({})).unwrap().admit(Some(foreign)).is_ok(), "the document belongs to no company");
    door.meet(Some(ours)).unwrap();
    let nested = door.handed_on(&untold, &json!({})).unwrap();
    assert!(nested.admit(Some(ours)).is_ok() && nested.admit(Some(foreign)).is_err());
    let deeper = nested.handed_on(&untold, &json!({})).unwrap();
    assert!(deeper.admit(Some(foreign)).is_err(), "what it calls in turn is no wider");
}

#[test]
fn a_subscription_hands_on_the_company_of_its_event() {
    let (ours, foreign) = (fresh(), fresh());
    let nested = Companies::of_tenant().handed_on(&told(), &json!({ "company": ours })).unwrap();
    assert!(nested.admit(Some(ours)).is_ok() && nested.admit(Some(foreign)).is_err());
}
