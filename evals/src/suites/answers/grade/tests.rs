use super::*;
use serde_json::json;

fn told(answer: &str) -> Told {
    Told { answer: answer.to_owned(), figures: vec![json!({})], citations: vec![json!({})], ..Told::default() }
}

fn truth(shape: Shape, rows: &[&[&str]], universe: &[&str]) -> Truth {
    Truth {
        shape,
        rows: rows.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect(),
        universe: universe.iter().map(|name| (*name).to_owned()).collect(),
        also: Vec::new(),
    }
}

#[test]
fn a_figure_is_told_in_any_form() {
    let truth = truth(Shape::Value, &[&["617085.20"]], &[]);
    for answer in ["Revenue in 1997: 617,085.20 USD.", "It was 617085.2 USD in 1997 (1997-01-01 to 1997-12-31)."] {
        assert_eq!(truth.grade("What was revenue in 1997?", &told(answer)), Verdict::Good, "{answer}");
    }
}

#[test]
fn another_figure_is_wrong_and_no_figure_is_an_abstention() {
    let truth = truth(Shape::Value, &[&["30"]], &[]);
    assert_eq!(truth.grade("How many orders did Ernst Handel place?", &told("31 orders.")), Verdict::Wrong);
    assert_eq!(truth.grade("How many orders did Ernst Handel place?", &told("30 orders, 12 of them open.")), Verdict::Wrong);
    let unknown = Told { answer: "I do not know.".to_owned(), ..Told::default() };
    assert_eq!(truth.grade("How many orders did Ernst Handel place?", &unknown), Verdict::Abstained);
    let not_found = Told { citations: vec![json!({})], ..Told { answer: "I don't find anything named \"Ernst\".".to_owned(), ..Told::default() } };
    assert_eq!(truth.grade("How many orders did Ernst Handel place?", &not_found), Verdict::Abstained);
    let back = Told { answer: "Which of the two?".to_owned(), asked: true, ..Told::default() };
    assert_eq!(truth.grade("How many orders did Ernst Handel place?", &back), Verdict::Abstained);
}

#[test]
fn a_ranking_has_its_order_and_its_cells_together() {
    let truth = truth(Shape::Ranked, &[&["A-Stop", "20.50"], &["Bits", "10"]], &["A-Stop", "Bits", "Corner 7"]);
    let good = "1. A-Stop: 20.50\n2. Bits: 10.00";
    assert_eq!(truth.grade("Top 2 customers", &told(good)), Verdict::Good);
    for bad in ["1. Bits: 10.00\n2. A-Stop: 20.50", "1. A-Stop: 10.00\n2. Bits: 20.50", "1. A-Stop: 20.50", "A-Stop: 20.50; Bits: 10.00; Corner 7: 3.00"] {
        assert_eq!(truth.grade("Top 2 customers", &told(bad)), Verdict::Wrong, "{bad}");
    }
}

#[test]
fn dates_and_months_are_found_as_people_write_them() {
    let day = truth(Shape::Value, &[&["1998-04-23"]], &[]);
    for answer in ["The last order was on 1998-04-23.", "April 23, 1998", "23.04.1998"] {
        assert_eq!(day.grade("When was the last order?", &told(answer)), Verdict::Good, "{answer}");
    }
    assert_eq!(day.grade("When was the last order?", &told("1998-04-24")), Verdict::Wrong);
    let months = truth(Shape::Rows, &[&["1997-01", "33"], &["1997-02", "29"]], &[]);
    assert_eq!(months.grade("Orders per month in 1997", &told("| 1997-01 | 33 |\n| 1997-02 | 29 |")), Verdict::Good);
    assert_eq!(months.grade("Orders per month in 1997", &told("January 1997: 33\nFebruary 1997: 29")), Verdict::Good);
    assert_eq!(months.grade("Orders per month in 1997", &told("| 1997-01 | 29 |\n| 1997-02 | 33 |")), Verdict::Wrong);
}

#[test]
fn names_with_digits_are_names() {
    let truth = truth(Shape::Rows, &[&["Corner 7"]], &["Corner 7", "Corner 70"]);
    assert_eq!(truth.grade("Which are open?", &told("Corner 7")), Verdict::Good);
    assert_eq!(truth.grade("Which are open?", &told("Corner 7, Corner 70")), Verdict::Wrong);
}

#[test]
fn a_part_of_the_truth_is_wrong() {
    let truth = truth(Shape::Rows, &[&["Around"], &["Bits"]], &["Around", "Bits", "Corner"]);
    let part = Told { answer: "Around".to_owned(), ..Told::default() };
    assert_eq!(truth.grade("Which are in London?", &part), Verdict::Wrong);
}

#[test]
fn what_is_true_as_well_may_be_told_with_it() {
    let mut day = truth(Shape::Value, &[&["1998-04-23"]], &[]);
    assert_eq!(day.grade("When was the last order?", &told("Order 11044: 1998-04-23")), Verdict::Wrong);
    day.also = vec!["11044".to_owned()];
    assert_eq!(day.grade("When was the last order?", &told("Order 11044: 1998-04-23")), Verdict::Good);
    assert_eq!(day.grade("When was the last order?", &told("Order 11045: 1998-04-23")), Verdict::Wrong);
}
