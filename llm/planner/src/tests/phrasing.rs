//! The rules one by one: periods, names, numbers as words, negation, follow-ups, and the values of commands.

use super::*;
use crate::dates::{self, Period};
use crate::lexicon::Lexicon;
use crate::names::{Fit, fits};
use crate::reading::{Reading, number};
use chrono::NaiveDate;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// The one period of a text, as its first and last day.
#[track_caller]
fn period(text: &str) -> (Option<NaiveDate>, Option<NaiveDate>) {
    let mut reading = Reading::of(text);
    match dates::take(&mut reading, day("2026-11-21")).as_slice() {
        [(_, Period { from, to })] => (*from, *to),
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn a_period_is_read_in_every_usual_form() {
    let cases = [
        ("second quarter of 1997", "1997-04-01", "1997-06-30"),
        ("1997 Q2", "1997-04-01", "1997-06-30"),
        ("Q2/1997", "1997-04-01", "1997-06-30"),
        ("Q2 of 1997", "1997-04-01", "1997-06-30"),
        ("2. Quartal 1997", "1997-04-01", "1997-06-30"),
        ("im zweiten Quartal des Jahres 1997", "1997-04-01", "1997-06-30"),
        ("March of 1998", "1998-03-01", "1998-03-31"),
        ("im März 1998", "1998-03-01", "1998-03-31"),
        ("1998-03", "1998-03-01", "1998-03-31"),
        ("first half of 1997", "1997-01-01", "1997-06-30"),
        ("zweites Halbjahr 1997", "1997-07-01", "1997-12-31"),
        ("between 10 May 1997 and 20 June 1997", "1997-05-10", "1997-06-20"),
        ("between 10 May and 20 June 1997", "1997-05-10", "1997-06-20"),
        ("from March to May 1997", "1997-03-01", "1997-05-31"),
        ("May 10, 1997 to June 20, 1997", "1997-05-10", "1997-06-20"),
        ("from 1997-05-10 until 1997-06-20", "1997-05-10", "1997-06-20"),
        ("vom 10.5.1997 bis zum 20.6.1997", "1997-05-10", "1997-06-20"),
        ("vom 10. Mai 1997 bis 20. Juni 1997", "1997-05-10", "1997-06-20"),
        ("the 3rd of May 1997", "1997-05-03", "1997-05-03"),
        ("from 1996 to 1997", "1996-01-01", "1997-12-31"),
        ("last month", "2026-10-01", "2026-10-31"),
        ("this quarter", "2026-10-01", "2026-12-31"),
        ("letztes Jahr", "2025-01-01", "2025-12-31"),
        ("last week", "2026-11-09", "2026-11-15"),
        ("the last 30 days", "2026-10-22", "2026-11-21"),
    ];
    for (text, from, to) in cases {
        assert_eq!(period(text), (Some(day(from)), Some(day(to))), "{text}");
    }
}

#[test]
fn a_period_with_one_end_is_open_at_the_other() {
    for text in ["since 1998", "seit 1998", "after 1997", "nach 1997"] {
        assert_eq!(period(text), (Some(day("1998-01-01")), None), "{text}");
    }
    for text in ["before 1998", "vor 1998", "until 1997-12-31", "bis 31.12.1997"] {
        assert_eq!(period(text), (None, Some(day("1997-12-31"))), "{text}");
    }
}

#[test]
fn two_periods_that_are_no_range_stay_two() {
    assert_eq!(dates::take(&mut Reading::of("in 1996 and 1998"), day("2026-11-21")).len(), 2);
    let (calls, said) = run("What was revenue in 1996 and 1998?");
    assert!(calls.iter().all(|(_, call)| call.get("measures").is_none()), "{said}");
}

#[test]
fn a_month_without_a_year_and_a_relative_one_without_a_date_are_no_periods() {
    assert_eq!(dates::take(&mut Reading::of("in March"), day("2026-11-21")), []);
    assert_eq!(dates::take(&mut Reading::of("last month"), NaiveDate::MIN), []);
}

#[test]
fn numbers_are_read_as_words_and_in_both_ways_of_writing() {
    for (text, value) in [("three", "3"), ("fünf", "5"), ("1,000.50", "1000.50"), ("1.000,50", "1000.50"), ("1.000", "1000"), ("12.50", "12.50")] {
        assert_eq!(number(&lexicon::fold(text)), Some(value.parse().unwrap()), "{text}");
    }
}

#[test]
fn a_title_is_recognised_whatever_its_blanks_hyphens_and_endings() {
    let cases = [
        ("Wolski Zajazd", "Wolski  Zajazd", Some((Fit::Whole, 2))),
        ("quick stop has", "QUICK-Stop", Some((Fit::Whole, 2))),
        ("beverage", "Beverages", Some((Fit::Whole, 1))),
        ("Chef Anton's Gumbo Mix", "Chef Anton's Gumbo Mix", Some((Fit::Whole, 4))),
        ("Vins et alcools place", "Vins et alcools Chevalier", Some((Fit::Beginning, 3))),
        ("Ernst", "Ernesto", None),
        ("Cha", "Chai", None),
    ];
    for (text, title, expected) in cases {
        assert_eq!(fits(&Reading::of(text), 0, title), expected, "{text}");
    }
}

#[test]
fn a_beginning_in_small_letters_is_asked_back() {
    let (calls, _) = run("How many orders did ernst place?");
    assert_eq!(calls.last().map(|(name, _)| name.as_str()), Some("ask"));
}

#[test]
fn how_often_counts() {
    let (call, said) = last("How often did Ernst Handel order?");
    assert_eq!((&call["resource"], &call["measures"]), (&json!("sales.order"), &json!(["count"])), "{said}");
}

#[test]
fn a_ranking_by_number_of_records_groups_by_what_is_asked_for() {
    for text in ["Top three customers by number of orders", "Which 3 customers have the most orders?"] {
        let (call, said) = last(text);
        assert_eq!((&call["group"], &call["sort"], &call["limit"]), (&json!(["customer"]), &json!("-count"), &json!(3)), "{text}: {said}");
    }
}

#[test]
fn a_ranking_without_a_measure_is_not_guessed() {
    let (calls, said) = run("Top 3 customers");
    assert!(calls.iter().all(|(_, call)| call.get("group").is_none()), "{said}");
}

#[test]
fn groups_may_be_attributes_of_referred_records() {
    let (call, said) = last("Top 5 countries by revenue");
    assert_eq!((&call["group"], &call["limit"]), (&json!(["customer.country"]), &json!(5)), "{said}");
}

#[test]
fn the_largest_are_sorted_by_the_amount_and_counted_by_nothing() {
    let (call, said) = last("The three largest orders");
    assert_eq!((&call["sort"], &call["limit"]), (&json!("-net_total"), &json!(3)), "{said}");
}

#[test]
fn a_negation_turns_a_choice_and_is_never_ignored() {
    let (call, said) = last("How many orders are not confirmed?");
    assert_eq!(call["filters"], json!([{ "path": "status", "op": "ne", "values": ["confirmed"] }]), "{said}");
    let (calls, said) = run("How many orders did not Ernst Handel place?");
    assert!(calls.iter().all(|(_, call)| call.get("measures").is_none()), "{said}");
}

#[test]
fn a_fact_of_a_record_is_found_by_its_label() {
    for text in ["What is the e-mail of Ernst Handel?", "Ernst Handel's e-mail"] {
        let (call, said) = last(text);
        assert_eq!((&call["resource"], &call["fields"][0]), (&json!("crm.party"), &json!("email")), "{text}: {said}");
        assert_eq!(call["filters"], json!([{ "path": "id", "op": "eq", "values": ["c1"] }]), "{text}");
    }
}

/// The last call of a question that follows another one.
fn follow_up(before: &str, text: &str) -> Value {
    let messages = vec![Message::user(before), Message::assistant("…", []), Message::user(text)];
    let context = json!({ "today": "2026-11-21", "language": "en" });
    let mut request = ChatRequest { tools: tools(), context, ..ChatRequest::new(messages, 1000, Instant::now() + Duration::from_secs(5)) };
    let mut last = Value::Null;
    for round in 0..CALLS_MAX {
        let Next::Call { calls, .. } = answer(&request) else { return last };
        let made =
            calls.iter().enumerate().map(|(at, (name, call))| ToolCall { id: format!("{round}_{at}"), name: (*name).into(), arguments: call.to_string() });
        request.messages.push(Message::assistant("", made));
        for (at, (name, call)) in calls.into_iter().enumerate() {
            request.messages.push(Message::tool(format!("{round}_{at}"), tool_result(name, &call).to_string()));
            last = call;
        }
    }
    panic!("the planner does not come to an end: {text}")
}

#[test]
fn a_question_may_go_on_from_the_one_before() {
    let of = |year: i32| json!([{ "path": "order_date", "op": "gte", "values": [format!("{year}-01-01")] }, { "path": "order_date", "op": "lte", "values": [format!("{year}-12-31")] }]);
    for text in ["and in 1998?", "And 1998?", "what about 1998?", "und 1998?"] {
        let call = follow_up("What was revenue in 1997?", text);
        assert_eq!((&call["measures"], &call["filters"]), (&json!(["revenue"]), &of(1998)), "{text}");
    }
    let call = follow_up("How many orders are there?", "and of Ernst Handel?");
    assert_eq!(call["filters"], json!([{ "path": "customer", "op": "eq", "values": ["c1"] }]));
}

#[test]
fn a_line_may_name_its_price() {
    let (call, said) = last("Create an order for Ernst Handel with 10 Chai and 5 Chai at 12.50 EUR");
    let lines = json!([{ "item": "i1", "quantity": "10" }, { "item": "i1", "quantity": "5", "price": { "amount": "12.50", "currency": "EUR" } }]);
    assert_eq!(call["steps"][0]["arguments"]["lines"], lines, "{said}");
}

#[test]
fn a_field_is_set_to_the_value_that_is_named() {
    let (call, said) = last("Set the reorder level of Chai to 20");
    assert_eq!(call["steps"][0], json!({ "command": "inventory.item.update", "arguments": { "item": "i1", "reorder_level": "20" } }), "{said}");
}

#[test]
fn a_reason_is_the_rest_of_the_sentence() {
    let (call, said) = last("Cancel order SO-2026-00012 because the customer withdrew.");
    let arguments = json!({ "order": "o1", "reason": "the customer withdrew" });
    assert_eq!(call["steps"][0], json!({ "command": "sales.order.cancel", "arguments": arguments }), "{said}");
}

#[test]
fn a_question_is_no_command() {
    let reading = Lexicon::of(&tools());
    assert_eq!(reading.commands.len(), 4);
    let (calls, _) = run("Confirm what?");
    assert!(calls.iter().all(|(name, _)| name != "propose"));
}

#[test]
fn a_field_that_is_named_without_a_value_is_asked_for() {
    let (calls, _) = run("Set the reorder level of Chai");
    let (name, call) = calls.last().unwrap();
    assert_eq!((name.as_str(), &call["missing"]), ("ask", &json!(["Reorder level"])));
}

#[test]
fn a_number_ends_where_something_else_begins() {
    let (calls, said) = run("Set the reorder level of Chai to 20 for Zzyzx");
    assert!(calls.iter().all(|(name, _)| name != "propose"), "the rest is not ignored: {calls:?}");
    assert!(said.contains("Zzyzx"), "{said}");
}

#[test]
fn what_is_not_understood_is_said_alike_whether_or_not_a_name_is_found() {
    for text in ["Since when does {} have this salary?", "How much does {} earn?", "Was verdient {} im Monat?", "What is the shoe size of {} in 2026?"] {
        let ((_, known), (_, unknown)) = (run(&text.replace("{}", "Ernst Handel")), run(&text.replace("{}", "Egon Handel")));
        assert_eq!(known.replace("Ernst", "Egon"), unknown, "{text}");
        assert!(known.contains("Ernst Handel"), "{known}");
    }
}
