//! What somebody may not read is not found, not counted, not hinted at.

use super::house::{APPRAISE, App, NOTE, PAPER, Paper, READ, ids_of, named, shown};
use steward_kernel::{Principal, Scope, ids};
use steward_rag::engine::TextIndex as _;
use steward_rag::retrieve::{Citation, Items, Mode, Query, Verdict, verify};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_another_tenant_is_found_by_words_or_by_meaning() {
    let app = App::start().await;
    let [one, other] = [app.tenant("one").await, app.tenant("other").await];
    let [mine, theirs] = [app.paper(&one, &named("Harbour ledger")).await, app.paper(&other, &named("Harbour ledger")).await];
    app.index(&one).await;
    app.index(&other).await;
    let [reader, stranger] = [app.reader(&one).await, app.reader(&other).await];
    for mode in [Mode::AsYouType, Mode::Question] {
        for items in [Items::Records, Items::Passages] {
            let query = Query { mode, items, ..Query::new("harbour ledger", 10) };
            assert_eq!(ids_of(&app.ask_for(&reader, &query).await), [mine]);
            assert_eq!(ids_of(&app.ask_for(&stranger, &query).await), [theirs]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_outside_the_askers_width_is_found() {
    let app = App::start().await;
    let tenant = app.tenant("one").await;
    let own = app.user(&tenant, &[(READ, Scope::Own)]).await;
    let company = app.user(&tenant, &[(READ, Scope::Company)]).await;
    let everyone = app.reader(&tenant).await;
    let nobody = app.user(&tenant, &[]).await;
    let paper = |owner, company| Paper { name: "Harbour ledger", owner, company, ..Paper::default() };
    let his = app.paper(&tenant, &paper(Some(own.user), None)).await;
    let here = app.paper(&tenant, &paper(None, Some(tenant.company))).await;
    let elsewhere = app.paper(&tenant, &paper(None, Some(ids::fresh()))).await;
    app.index(&tenant).await;
    let sorted = async |who: &Principal| {
        let mut found = app.found(who, "harbour ledger").await;
        found.sort();
        found
    };
    let mut all = vec![his, here, elsewhere];
    all.sort();
    assert_eq!(sorted(&own).await, [his]);
    assert_eq!(sorted(&company).await, [here]);
    assert_eq!(sorted(&everyone).await, all);
    assert_eq!(sorted(&nobody).await, Vec::<Uuid>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_masked_family_is_found_and_quoted_only_for_who_may_see_it() {
    let app = App::start().await;
    let tenant = app.tenant("one").await;
    let paper = Paper { name: "Harbour ledger", body: Some("Bound in leather."), appraisal: Some("Worth seventeen doubloons"), ..Paper::default() };
    let id = app.paper(&tenant, &paper).await;
    app.index(&tenant).await;
    let reader = app.reader(&tenant).await;
    let appraiser = app.user(&tenant, &[(READ, Scope::Tenant), (APPRAISE, Scope::Tenant)]).await;
    assert_eq!(app.found(&reader, "doubloons").await, Vec::<Uuid>::new());
    for question in ["harbour", "leather", "seventeen doubloons harbour ledger"] {
        let answer = app.ask(&reader, question).await;
        assert_eq!(ids_of(&answer), [id], "{question}");
        assert!(!shown(&answer).contains("seventeen"), "{question}");
    }
    let answer = app.ask(&appraiser, "doubloons").await;
    assert_eq!(ids_of(&answer), [id]);
    assert_eq!(answer.items[0].snippet.text, "Worth seventeen doubloons");
    // What the appraiser cites is not there for the reader, who cannot tell it from a record that does not exist.
    let citation = answer.items[0].citation.clone();
    assert_eq!(citation.field, "appraisal");
    let verdict = async |who: &Principal, citation: &Citation| verify(&mut app.kernel.read(who).await.unwrap(), citation).await.unwrap();
    assert_eq!(verdict(&appraiser, &citation).await, Verdict::Stands { version: 1 });
    assert_eq!(verdict(&reader, &citation).await, Verdict::Gone);
    assert_eq!(verdict(&appraiser, &Citation { id: ids::fresh(), ..citation.clone() }).await, Verdict::Gone);
    assert_eq!(verdict(&appraiser, &Citation { resource: "archive.nothing".into(), ..citation }).await, Verdict::Gone);
}

#[tokio::test(flavor = "multi_thread")]
async fn not_permitted_and_not_there_are_the_same_answer() {
    let app = App::start().await;
    let [one, other] = [app.tenant("one").await, app.tenant("other").await];
    let own = app.user(&one, &[(READ, Scope::Own)]).await;
    app.paper(&one, &Paper { name: "Harbour ledger", owner: Some(ids::fresh()), ..Paper::default() }).await;
    app.paper(&other, &named("Lighthouse ledger")).await;
    app.index(&one).await;
    app.index(&other).await;
    let [hidden, foreign, absent] = [app.ask(&own, "harbour").await, app.ask(&own, "lighthouse").await, app.ask(&own, "absent").await];
    assert!(hidden.items.is_empty() && !hidden.partial && hidden.degraded.is_empty());
    assert_eq!(shown(&hidden), shown(&absent));
    assert_eq!(shown(&foreign), shown(&absent));
    // Nor does a resource that he may not read differ from one that does not exist.
    let narrowed = async |name: &str| shown(&app.ask_for(&own, &Query { resources: Some(vec![name.into()]), ..Query::new("harbour", 10) }).await);
    assert_eq!(narrowed("archive.note").await, narrowed("archive.nothing").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_one_cannot_see_change_no_byte_of_the_answer() {
    let app = App::start().await;
    let [tenant, other] = [app.tenant("one").await, app.tenant("other").await];
    let own = app.user(&tenant, &[(READ, Scope::Own), ("archive:note:read", Scope::Own)]).await;
    let words = ["harbour", "ledger", "lighthouse", "keeper", "storm"];
    let text = |n: usize, words: &[&str]| (0..12).map(|at| words[(n * 7 + at * at) % words.len()]).collect::<Vec<_>>().join(" ");
    for n in 0..60 {
        let body = text(n, &words);
        app.paper(&tenant, &Paper { name: &format!("Paper {n}"), body: Some(&body), owner: Some(own.user), ..Paper::default() }).await;
        let note = format!("INSERT INTO archive_note (tenant_id, id, name, body) VALUES ($1, $2, 'Note {n}', '{body}')");
        app.run(&tenant, &note, ids::fresh()).await;
    }
    app.index(&tenant).await;
    app.text.freeze(app.generation, tenant.tenant).await.unwrap();
    let queries =
        [Query::new("storm keeper", 10), Query { items: Items::Passages, ..Query::new("harbour ledger lighthouse", 25) }, Query::as_you_type("keep", 5)];
    let answers = async || {
        let mut answers = Vec::new();
        for query in &queries {
            answers.push(shown(&app.ask_for(&own, query).await));
        }
        answers
    };
    let before = answers().await;
    assert!(before.iter().all(|answer| answer.contains("snippet")));
    // In his tenant, out of his sight: of other owners, on records out of his sight, and masked; and in another tenant. The
    // notes are those that no filter of the engines holds back, and they fit the questions better than his own.
    let hidden = app.paper(&tenant, &Paper { name: "Hidden", owner: Some(ids::fresh()), ..Paper::default() }).await;
    let mut added = Vec::new();
    for n in 0..80 {
        let body = text(n * 3 + 1, &words[..3 + n % 3]);
        let paper = Paper { name: "storm keeper", body: Some(&body), owner: Some(ids::fresh()), ..Paper::default() };
        added.push(app.paper(&tenant, &paper).await);
        app.paper(&other, &paper).await;
        let note = format!(
            "INSERT INTO archive_note (tenant_id, id, name, body, subject_resource, subject_id) VALUES ($1, $2, 'storm keeper harbour', 'storm keeper harbour ledger', '{PAPER}', '{hidden}')"
        );
        app.run(&tenant, &note, ids::fresh()).await;
    }
    app.index(&tenant).await;
    app.index(&other).await;
    assert_eq!(answers().await, before);
    for id in added {
        app.run(&tenant, "DELETE FROM archive_paper WHERE tenant_id = $1 AND id = $2", id).await;
    }
    assert_eq!(answers().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_hangs_on_an_invisible_record_is_not_found_and_what_is_for_everybody_is() {
    let app = App::start().await;
    let tenant = app.tenant("one").await;
    let own = app.user(&tenant, &[(READ, Scope::Own), ("archive:note:read", Scope::Own)]).await;
    let [seen, hidden] = [Some(own.user), Some(ids::fresh())].map(|owner| Paper { name: "Harbour ledger", owner, ..Paper::default() });
    let [seen, hidden] = [app.paper(&tenant, &seen).await, app.paper(&tenant, &hidden).await];
    let note = async |on: Option<Uuid>| {
        let id = ids::fresh();
        let place = on.map_or_else(|| "NULL, NULL".to_owned(), |on| format!("'{PAPER}', '{on}'"));
        app.run(&tenant, &format!("INSERT INTO archive_note (tenant_id, id, name, subject_resource, subject_id) VALUES ($1, $2, 'Beacon', {place})"), id).await;
        id
    };
    let mut readable = [note(None).await, note(Some(seen)).await];
    note(Some(hidden)).await;
    app.index(&tenant).await;
    let mut found = app.found(&own, "beacon").await;
    found.sort();
    readable.sort();
    assert_eq!(found, readable);
    assert!(app.ask(&own, "beacon").await.items.iter().all(|found| found.record.resource == NOTE));
}
