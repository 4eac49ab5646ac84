use super::*;
use chrono::NaiveDate;
use serde_json::{Value, json};

const NOTICE: &str = "(left out)";

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 21).unwrap()
}

fn evidence(question: &str, results: &[(Value, Value)]) -> Evidence {
    let mut evidence = Evidence::new(question, today());
    for (arguments, result) in results {
        evidence.query(arguments, result);
    }
    evidence
}

fn revenue() -> (Value, Value) {
    let filters =
        json!([{ "path": "order.order_date", "op": "gte", "values": ["1997-01-01"] }, { "path": "order.order_date", "op": "lte", "values": ["1997-12-31"] }]);
    let arguments = json!({ "resource": "sales.line", "measures": ["revenue"], "filters": filters });
    let result = json!({
        "kind": "aggregate", "resource": "sales.line", "items": [{ "revenue": { "amount": "617085.20", "currency": "USD" } }], "more": false,
        "scope": { "width": "own", "rows": 123, "label": "orders", "query": "sales.order: count" }, "query": "sales.line: revenue",
    });
    (arguments, result)
}

fn kept(text: &str, evidence: &Evidence) -> bool {
    check(text, evidence, NOTICE).dropped == 0
}

fn figure(value: &str, query: &str) -> Figure {
    Figure { value: value.into(), query: query.into() }
}

#[test]
fn a_figure_of_a_result_is_kept_and_told_with_its_query() {
    let evidence = evidence("What was revenue in 1997?", &[revenue()]);
    let text = "Revenue in 1997 was 617,085.20 USD. That is over the 123 orders you can see.";
    let checked = check(text, &evidence, NOTICE);
    assert_eq!(checked.pieces, ["Revenue in 1997 was 617,085.20 USD. ", "That is over the 123 orders you can see."]);
    assert_eq!(checked.figures, [figure("617085.20", "sales.line: revenue"), figure("123", "sales.order: count")]);
    assert_eq!(checked.dropped, 0);
}

#[test]
fn a_sentence_with_a_figure_from_nowhere_is_left_out() {
    let evidence = evidence("What was revenue in 1997?", &[revenue()]);
    let checked = check("It was 617,085.20 USD. Costs were 400,000.00 USD. It rose by 12 %. Thank you.", &evidence, NOTICE);
    assert_eq!(checked.pieces.concat(), "It was 617,085.20 USD. (left out) Thank you.");
    assert_eq!(checked.dropped, 2);
}

#[test]
fn german_and_english_numbers_are_read() {
    let evidence = evidence("Umsatz 1997?", &[revenue()]);
    for text in ["617.085,20 USD", "617,085.20", "617085.2", "617 085,20".replace(' ', "\u{a0}").as_str(), "617.085 USD", "617’085.20"] {
        assert!(kept(text, &evidence), "{text}");
    }
    for text in ["617.085,21 USD", "617 thousand", "61.708,52", "6,170,852", "0.6 million", "-617,085.20", "617k"] {
        assert!(!kept(text, &evidence), "{text}");
    }
}

#[test]
fn years_and_dates_need_the_question_or_a_query() {
    let evidence = evidence("What was revenue in 1997?", &[revenue()]);
    for text in
        ["In 1997.", "From 1997-01-01 to 1997-12-31.", "Bis 31.12.1997.", "Until December 31, 1997.", "Bis zum 31. Dezember 1997.", "Today is 2026-11-21."]
    {
        assert!(kept(text, &evidence), "{text}");
    }
    for text in ["In 1996.", "On 1997-05-05.", "On 5 May 1997."] {
        assert!(!kept(text, &evidence), "{text}");
    }
}

#[test]
fn a_number_of_the_question_needs_a_query_that_was_made_with_it() {
    let filtered = json!({ "filters": [{ "path": "total", "op": "gt", "values": ["1000"] }] });
    let result = json!({ "kind": "aggregate", "resource": "sales.order", "items": [{ "count": 25 }], "more": false, "query": "q" });
    let question = "Is it true that 5,000 orders are over 1,000?";
    let evidence = evidence(question, &[(filtered, result)]);
    assert!(kept("25 orders are over 1,000.", &evidence));
    assert!(!kept("Yes, 5,000 orders are.", &evidence));
}

#[test]
fn names_and_numbers_of_records_are_no_figures() {
    let items = json!([{ "id": "0192", "version": 77, "title": "SO-2026-00012", "customer": { "id": "7", "title": "7-Eleven" }, "number": "10248" }]);
    let evidence = evidence("Which orders are open? And SO-9?", &[(json!({}), json!({ "items": items, "query": "q", "more": false }))]);
    for text in ["SO-2026-00012 is of 7-Eleven.", "Order 10248 is open.", "I do not find SO-9.", "Q3 and the 1st."] {
        assert!(kept(text, &evidence), "{text}");
    }
    for text in ["SO-2026-00013 is of 7-Eleven.", "Order 10249 is open.", "There are 77.", "There are 0192."] {
        assert!(!kept(text, &evidence), "{text}");
    }
}

#[test]
fn rows_of_a_table_are_checked_one_by_one() {
    let items = json!([
        { "customer": { "id": "a", "title": "QUICK-Stop" }, "revenue": { "amount": "110277.31", "currency": "USD" } },
        { "customer": { "id": "b", "title": "Ernst Handel" }, "revenue": { "amount": "104874.98", "currency": "USD" } },
    ]);
    let evidence = evidence("Top 3 customers by revenue", &[(json!({ "limit": 3 }), json!({ "items": items, "query": "q", "more": false }))]);
    let text = "Top 3 customers:\n\n| Customer | Revenue |\n| --- | --- |\n| QUICK-Stop | 110,277.31 USD |\n| Ernst Handel | 104,874.99 USD |\nThat is all 2.\n1. QUICK-Stop\n";
    let checked = check(text, &evidence, NOTICE);
    assert_eq!(
        checked.pieces.concat(),
        "Top 3 customers:\n\n| Customer | Revenue |\n| --- | --- |\n| QUICK-Stop | 110,277.31 USD |\n(left out)\nThat is all 2.\n1. QUICK-Stop\n"
    );
    assert_eq!(checked.figures, [figure("110277.31", "q"), figure("2", "q")]);
}

#[test]
fn a_page_does_not_say_how_many_there_are() {
    let items = json!([{ "id": "a", "title": "A" }, { "id": "b", "title": "B" }]);
    let evidence = evidence("Show orders", &[(json!({}), json!({ "items": items, "query": "q", "more": true }))]);
    assert!(kept("The first 2 are shown.", &evidence));
    assert!(!kept("There are 2 orders.", &evidence));
}

#[test]
fn percentages_come_from_fractions() {
    let evidence = evidence("Which discount?", &[(json!({}), json!({ "items": [{ "discount": "0.05" }], "query": "q", "more": false }))]);
    assert!(kept("The discount is 5 %.", &evidence));
    assert!(!kept("The discount is 6 %.", &evidence));
}

#[test]
fn what_a_preview_or_an_error_says_may_be_said() {
    let mut evidence = evidence("Confirm SO-1", &[]);
    evidence.other(&json!({ "effects": ["reserves 10 × Chai"], "changes": [{ "field": "total", "new": { "amount": "12.50" } }] }));
    let checked = check("It reserves 10 pieces for 12.50.", &evidence, NOTICE);
    assert_eq!((checked.dropped, checked.figures.len()), (0, 0));
}

fn read(text: &str) -> Evidence {
    let citation = steward_rag::retrieve::Citation {
        resource: "documents.document".into(),
        id: uuid::Uuid::nil(),
        version: 1,
        field: "body".into(),
        span: 0..text.len(),
        quote: text.into(),
    };
    let passage = |reference| crate::assistant::search::Passage {
        reference,
        record: "Travel policy".into(),
        title: "Travel policy › Hotels".into(),
        text: text.into(),
        is_text: true,
        citation: citation.clone(),
    };
    let mut evidence = Evidence::new("Which rate may I claim?", today());
    evidence.passages(&[passage(1)]);
    evidence
}

#[test]
fn a_sentence_on_a_passage_says_only_what_the_passage_says() {
    let evidence = read("In Berlin up to 130 EUR a night, from 1 March 2026, approved by \"Ernst Handel\".");
    for sentence in ["In Berlin you may claim 130 EUR [1].", "It says “up to 130 EUR a night” [1].", "It holds from 2026-03-01 on [1].", "Since 1 March [1]."]
    {
        assert_eq!(check(sentence, &evidence, NOTICE).cited, [1], "{sentence}");
    }
    for sentence in [
        "In Berlin you may claim 180 EUR [1].",
        "In Berlin you may claim 130 EUR.",
        "It says “as much as you like” [1].",
        "It holds until 2027-01-01 [1].",
        "You may claim a suite [2].",
        "You may claim a suite.",
    ] {
        let checked = check(sentence, &evidence, NOTICE);
        assert!(checked.is_empty() && checked.cited.is_empty(), "{sentence}: {checked:?}");
    }
}

fn rows() -> (Value, Value) {
    let items = json!([
        { "customer": { "id": "a", "title": "QUICK-Stop" }, "revenue": { "amount": "110277.31", "currency": "USD" } },
        { "customer": { "id": "b", "title": "Ernst Handel" }, "revenue": { "amount": "104874.98", "currency": "USD" } },
    ]);
    (json!({ "group": ["customer"], "measures": ["revenue"], "limit": 3 }), json!({ "resource": "sales.line", "items": items, "query": "q", "more": false }))
}

#[test]
fn without_a_result_nothing_is_said_about_the_company() {
    let mut evidence = Evidence::new("Is Ernst Handel a good customer of ours?", today());
    evidence.house("I answer questions about the records that you may read. I change nothing by myself.");
    evidence.vocabulary(["Customer", "Order", "Delivery date", "Kunde"].into_iter());
    for sentence in [
        "Hello!",
        "You are welcome.",
        "I don't know.",
        "Das weiß ich leider nicht.",
        "I cannot tell whether Ernst Handel is a good customer.",
        "Which customer do you mean?",
        "Do you mean the delivery date?",
        "Welchen Kunden meinst du?",
        "Please look at the preview and confirm.",
        "I change nothing by myself.",
    ] {
        assert!(kept(sentence, &evidence), "{sentence}");
    }
    for sentence in [
        "Ernst Handel is a good customer.",
        "Ernst Handel is bankrupt.",
        "Yes.",
        "No.",
        "It is done.",
        "It was confirmed.",
        "We have nothing.",
        "All is well.",
        "The order waits in the warehouse.",
        "Did you know that Ernst Handel is bankrupt?",
        "I don't know, but Ernst Handel is bankrupt.",
        "I cannot find Ernst Handel.",
        "I answer questions about the records of Ernst Handel.",
        "Ernst Handel is bankrupt:\nHello!",
        "| Customer | State |\n| --- | --- |\n| Ernst Handel | bankrupt |",
    ] {
        let checked = check(sentence, &evidence, NOTICE);
        assert!(!checked.pieces.concat().contains("bankrupt") && checked.dropped > 0, "{sentence}: {checked:?}");
        assert!(checked.is_empty() || sentence.contains("Hello"), "{sentence}: {checked:?}");
    }
}

#[test]
fn what_rests_on_a_result_is_in_its_words() {
    let mut evidence = evidence("How is Ernst Handel doing?", &[rows()]);
    evidence.called(["Customer", "Revenue"].into_iter());
    for sentence in
        ["Ernst Handel is a customer.", "QUICK-Stop is the customer with the highest revenue.", "I find no other customers.", "| Ernst Handel | customers |"]
    {
        assert!(kept(sentence, &evidence), "{sentence}");
    }
    for sentence in ["He will soon be bankrupt.", "All is well.", "Ernst Handel pays late and drinks.", "| Ernst Handel | bankrupt |"] {
        assert!(!kept(sentence, &evidence), "{sentence}");
    }
}

#[test]
fn an_error_or_a_preview_supports_what_uses_its_words_and_nothing_else() {
    let mut evidence = evidence("Confirm SO-1", &[]);
    let call = "sales.order.confirm Ernst Handel owes us 999.00";
    evidence.error(&json!({ "code": "forbidden", "message": "you may not run this: Ernst Handel owes us 999.00" }), call);
    assert!(kept("You are not allowed to run this (forbidden).", &evidence));
    assert!(kept("I cannot confirm it.", &evidence));
    for sentence in ["Ernst Handel is bankrupt.", "He owes us 999.00.", "The quotation was confirmed yesterday."] {
        assert!(!kept(sentence, &evidence), "{sentence}");
    }
    evidence.other(&json!({ "changes": [{ "field": "status", "old": "quotation", "new": "confirmed" }], "effects": ["reserves 10 × Chai"] }));
    assert!(kept("The status would become confirmed, and 10 Chai are reserved.", &evidence));
    assert!(!kept("Your salary rises next week.", &evidence));
}

#[test]
fn a_sentence_that_cites_says_what_its_passage_says() {
    let evidence = read("In Berlin up to 130 EUR a night, approved by the manager.");
    for sentence in ["In Berlin the manager approves it [1].", "The nights in Berlin cost up to 130 EUR [1]."] {
        assert_eq!(check(sentence, &evidence, NOTICE).cited, [1], "{sentence}");
    }
    for sentence in ["Champagne and suites are always free for employees [1].", "The company is bankrupt since 130 years of war in Berlin [1]."] {
        assert!(!kept(sentence, &evidence), "{sentence}");
    }
}

#[test]
fn a_figure_belongs_to_the_record_that_its_sentence_names() {
    let evidence = evidence("Top 3 customers by revenue", &[rows()]);
    for sentence in [
        "Ernst Handel: 104,874.98 USD.",
        "QUICK-Stop leads with 110,277.31, before Ernst Handel with 104,874.98.",
        "The highest is 110,277.31.",
        "| Ernst Handel | 104,874.98 |",
    ] {
        assert!(kept(sentence, &evidence), "{sentence}");
    }
    for sentence in ["Ernst Handel: 110,277.31 USD.", "| Ernst Handel | 110,277.31 |", "Quick-Stop made 104,874.98."] {
        assert!(!kept(sentence, &evidence), "{sentence}");
    }
}

#[test]
fn a_count_belongs_to_the_record_that_it_was_counted_for() {
    let found = |id: &str, title: &str| (json!({}), json!({ "resource": "crm.party", "items": [{ "id": id, "title": title }], "query": title, "more": false }));
    let count = |id: &str, count: u32| {
        let filters = json!([{ "path": "customer", "op": "eq", "values": [id] }]);
        let result = json!({ "resource": "sales.order", "items": [{ "count": count }], "query": format!("count of {id}"), "more": false });
        (json!({ "resource": "sales.order", "measures": ["count"], "filters": filters }), result)
    };
    let results = [found("a", "QUICK-Stop"), found("b", "Ernst Handel"), count("a", 28), count("b", 30)];
    let evidence = evidence("How many orders have QUICK-Stop and Ernst Handel?", &results);
    assert!(kept("Ernst Handel placed 30 orders. QUICK-Stop placed 28. Ernst Handel has 30 and QUICK-Stop 28.", &evidence));
    assert!(!kept("Ernst Handel placed 28 orders.", &evidence));
}

#[test]
fn a_sentence_is_told_when_nothing_that_follows_can_change_it() {
    let evidence = evidence("What was revenue in 1997?", &[revenue()]);
    let text = "Revenue was 617,085.20 USD. It was counted on 31. Dezember 1997 over 123 orders.\n\n| Year | Revenue |\n| --- | --- |\n| 1997 | 617,085.20 |\nThank you.";
    let whole = check(text, &evidence, NOTICE);
    for step in [1, 3, 7] {
        let mut checker = Checker::new(NOTICE);
        let mut told = Vec::new();
        let characters: Vec<char> = text.chars().collect();
        for part in characters.chunks(step) {
            checker.push(&part.iter().collect::<String>());
            told.extend(checker.take(&evidence, false));
        }
        assert_eq!(told.first().map(String::as_str), Some("Revenue was 617,085.20 USD. "));
        assert!(told.len() > 3, "{told:?}");
        told.extend(checker.take(&evidence, true));
        assert_eq!((&told, checker.checked()), (&whole.pieces, &whole), "in steps of {step}");
    }
}

#[test]
fn what_announces_is_shown_only_before_what_stands() {
    let evidence = evidence("Top 3 customers by revenue", &[rows()]);
    let announced = "The top customers:\n\n| Customer | Revenue |\n| --- | --- |\n";
    assert!(check(&format!("{announced}| Ernst Handel | 1.00 |"), &evidence, NOTICE).is_empty());
    let checked = check(&format!("{announced}| Ernst Handel | 104,874.98 |"), &evidence, NOTICE);
    assert_eq!(checked.pieces.concat(), format!("{announced}| Ernst Handel | 104,874.98 |"));
}
