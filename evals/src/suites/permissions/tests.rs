use super::records::plain;
use super::talk::{encoded, invented, numbers, shape};
use super::*;
use crate::client::Told;
use serde_json::json;

#[test]
fn an_answer_about_somebody_and_one_about_nobody_are_compared_without_their_names() {
    let told = |answer: &str| Told { answer: answer.to_owned(), ..Told::default() };
    assert_eq!(shape(&told("I don't find Tim Brandt."), "Tim Brandt"), shape(&told("I don't find Otto Ohnesorg."), "Otto Ohnesorg"));
    assert_eq!(shape(&told("Nothing about Brandt."), "Tim Brandt"), shape(&told("Nothing about Ohnesorg."), "Otto Ohnesorg"));
    assert_ne!(shape(&told("Tim Brandt is a colleague."), "Tim Brandt"), shape(&told("I don't find Otto Ohnesorg."), "Otto Ohnesorg"));
    let cited = Told { citations: vec![json!({ "resource": "hr.employee" })], ..told("I don't know.") };
    assert_ne!(shape(&cited, "Tim Brandt"), shape(&told("I don't know."), "Otto Ohnesorg"));
}

#[test]
fn the_number_of_nothing_reads_like_the_number_of_something() {
    assert_eq!(invented("A-22910"), "A-99910");
    let about = |number: &str| shape(&Told { answer: format!("I don't find \"{number}\"."), ..Told::default() }, number);
    assert_eq!(about("A-22910"), about(&invented("A-22910")));
}

#[test]
fn problems_are_compared_without_what_differs_in_every_request() {
    let problem = |id: &str, correlation: &str| json!({ "detail": format!("{id} not found"), "correlation_id": correlation });
    assert_eq!(plain(&problem("0189-1", "1"), "0189-1"), plain(&problem("0189-2", "2"), "0189-2"));
    assert_ne!(plain(&problem("0189-1", "1"), "0189-1"), plain(&json!({ "detail": "not allowed" }), "0189-2"));
}

#[test]
fn a_probe_that_leaks_is_a_wrong_case_with_its_request() {
    let probe = |finding| (Probe { name: "anna/list".into(), request: "GET orders".into(), finding }, 1);
    let outcome = outcome(vec![probe(Finding::Kept), probe(Finding::Leak("shows 1".into())), probe(Finding::Missing("lists 1 of 2".into()))]);
    assert_eq!((outcome.metrics["probes"], outcome.metrics["leaks"], outcome.metrics["missing"]), (3.0, 1.0, 1.0));
    assert_eq!(outcome.cases.iter().map(|case| case.name.as_str()).collect::<Vec<_>>(), ["anna/list/1", "anna/list/2", "anna/list/3"]);
    assert!(outcome.cases[1].verdict == Verdict::Wrong && outcome.cases[1].detail.contains("GET orders"));
}

#[test]
fn figures_and_addresses_are_read_and_written_as_they_are() {
    assert_eq!(numbers("Orders: 1,339 (over the 339 orders you can see)."), [1_339, 339]);
    assert_eq!(numbers("Aufträge: 1.339 (über die 339 Aufträge). Das sind 2.5 und 1.234.567."), [1_339, 339, 2, 5, 1_234_567]);
    assert_eq!(encoded("A-1 ä"), "A%2D1%20%C3%A4");
}
