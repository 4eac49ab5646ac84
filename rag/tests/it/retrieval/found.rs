//! What is found, and how it is shown.

use super::house::{App, PAPER, Paper, ids_of, named};
use steward_rag::retrieve::{Items, Mode, Query};

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_found_by_words_and_by_meaning_and_stands_once_in_an_answer() {
    let app = App::start().await;
    let tenant = app.tenant("one").await;
    let long =
        (0..40).map(|n| format!("## Part {n}\n\nThe harbour master wrote part {n} of the ledger with much care and at some length.\n")).collect::<String>();
    let ledger = app.paper(&tenant, &Paper { name: "Harbour ledger", body: Some(&long), ..Paper::default() }).await;
    // Shares beginnings of words only: near by meaning, as the deterministic embedder understands it, and not by words.
    let near = app.paper(&tenant, &named("Harbourage harbourmasters")).await;
    app.index(&tenant).await;
    let reader = app.reader(&tenant).await;
    let answer = app.ask(&reader, "harbour ledger").await;
    assert_eq!(ids_of(&answer), [ledger]);
    assert!(answer.degraded.is_empty() && !answer.partial);
    let passages = app.ask_for(&reader, &Query { items: Items::Passages, ..Query::new("harbour ledger", 50) }).await;
    assert!(passages.items.iter().filter(|found| found.record.id == ledger).count() > 3);
    let by_meaning = app.ask_for(&reader, &Query::new("harbourpilot harbourman", 10)).await;
    assert_eq!(ids_of(&by_meaning), [near]);
    assert!(app.ask_for(&reader, &Query { mode: Mode::AsYouType, ..Query::new("harbourpilot harbourman", 10) }).await.items.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_beginning_of_a_name_finds_it_while_typing() {
    let app = App::start().await;
    let tenant = app.tenant("one").await;
    let id = app.paper(&tenant, &named("Müller & Söhne")).await;
    app.index(&tenant).await;
    let reader = app.reader(&tenant).await;
    for typed in ["mül", "muel", "MUL", "sohn", "müller söh"] {
        let answer = app.ask_for(&reader, &Query::as_you_type(typed, 5)).await;
        assert_eq!(ids_of(&answer), [id], "{typed}");
        let found = &answer.items[0];
        let marked: Vec<&str> = found.title_spans.iter().map(|span| &found.title[span.clone()]).collect();
        assert!(["Müller", "Söhne"].iter().any(|word| marked.contains(word)), "{typed}: {marked:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snippet_is_a_part_of_what_is_there_with_the_words_marked() {
    let app = App::start().await;
    let tenant = app.tenant("one").await;
    let body = format!("{} The <b>lighthouse</b> keeper slept. {}", "Nothing of note. ".repeat(40), "Nothing else. ".repeat(40));
    app.paper(&tenant, &Paper { name: "Logbook", body: Some(&body), ..Paper::default() }).await;
    app.index(&tenant).await;
    let answer = app.ask(&app.reader(&tenant).await, "lighthouse keepers").await;
    let snippet = &answer.items[0].snippet;
    assert!(body.contains(&snippet.text));
    let marked: Vec<&str> = snippet.spans.iter().map(|span| &snippet.text[span.clone()]).collect();
    assert_eq!(marked, ["lighthouse", "keeper"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_narrowed_to_resources() {
    let app = App::start().await;
    let tenant = app.tenant("one").await;
    let id = app.paper(&tenant, &named("Harbour")).await;
    app.index(&tenant).await;
    let reader = app.reader(&tenant).await;
    let narrowed = async |names: &[&str]| {
        let resources = Some(names.iter().map(|name| (*name).to_owned()).collect());
        ids_of(&app.ask_for(&reader, &Query { resources, ..Query::new("harbour", 10) }).await)
    };
    assert_eq!(narrowed(&[PAPER]).await, [id]);
    assert!(narrowed(&["archive.note"]).await.is_empty());
    assert!(narrowed(&[]).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_without_words_finds_nothing() {
    let app = App::start().await;
    let tenant = app.tenant("one").await;
    app.paper(&tenant, &named("Harbour")).await;
    app.index(&tenant).await;
    let reader = app.reader(&tenant).await;
    for question in ["", " \t", "?!", "\u{301}"] {
        assert!(app.ask(&reader, question).await.items.is_empty(), "{question:?}");
    }
}
