//! Late binding: the index may be as stale as it likes, the answer is as of now.

use super::house::{APPRAISE, App, PAPER, Paper, READ, ids_of, module, named, settings};
use steward_kernel::bus::Kernel;
use steward_kernel::{Scope, ids};
use steward_rag::retrieve::{Citation, Items, Query, Retriever, Settings, Verdict, verify};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_grant_is_gone_in_the_very_next_answer() {
    let app = App::start().await;
    let tenant = app.tenant("one").await;
    let id = app.paper(&tenant, &named("Harbour ledger")).await;
    app.index(&tenant).await;
    let reader = app.reader(&tenant).await;
    assert_eq!(app.found(&reader, "harbour").await, [id]);
    let withdraw =
        "DELETE FROM identity_role_grant WHERE tenant_id = $1 AND role_id IN (SELECT role_id FROM identity_user_role WHERE tenant_id = $1 AND user_id = $2)";
    app.run(&tenant, withdraw, reader.user).await;
    assert_eq!(app.found(&reader, "harbour").await, Vec::<Uuid>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_since_it_was_indexed_counts_as_it_is_now() {
    let app = App::start().await;
    let tenant = app.tenant("one").await;
    let own = app.user(&tenant, &[(READ, Scope::Own)]).await;
    let paper = Paper { name: "Harbour ledger", body: Some("Bound in leather."), owner: Some(own.user), ..Paper::default() };
    let mut papers = Vec::new();
    for _ in 0..5 {
        papers.push(app.paper(&tenant, &paper).await);
    }
    let [renamed, put_away, handed_over, deleted, touched] = papers[..] else { panic!() };
    app.index(&tenant).await;
    assert_eq!(app.found(&own, "harbour").await.len(), 5);
    // The engines are told of none of this.
    app.update(&tenant, renamed, "name = 'Lighthouse', body = 'Bound in cloth.'").await;
    app.update(&tenant, put_away, "archived_at = now()").await;
    app.update(&tenant, handed_over, &format!("owner_id = '{}'", ids::fresh())).await;
    app.run(&tenant, "DELETE FROM archive_paper WHERE tenant_id = $1 AND id = $2", deleted).await;
    app.update(&tenant, touched, "body = 'Bound in vellum.'").await;
    let answer = app.ask(&own, "harbour").await;
    assert_eq!(ids_of(&answer), [touched]);
    assert_eq!(answer.items[0].version, 2);
    // Neither what it was called before nor what it said is found, and nothing of it is quoted.
    assert_eq!(app.found(&own, "leather").await, Vec::<Uuid>::new());
    let passages = app.ask_for(&own, &Query { items: Items::Passages, ..Query::new("harbour", 10) }).await;
    assert!(passages.items.iter().any(|found| found.passage.text == "Bound in vellum."));
    assert!(!format!("{passages:?}").contains("leather"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_was_masked_since_it_was_indexed_is_found_neither_by_its_words_nor_by_its_meaning() {
    let app = App::start().await;
    let tenant = app.tenant("one").await;
    let id = app.paper(&tenant, &Paper { name: "Harbour", keywords: Some("doubloons"), ..Paper::default() }).await;
    app.index(&tenant).await;
    let reader = app.reader(&tenant).await;
    assert_eq!(app.found(&reader, "doubloons").await, [id]);
    assert_eq!(app.found(&reader, "harbour doubloons").await, [id]);
    // The program of a later release, before the index is filled anew.
    let mut later = module();
    for field in later.resources.iter_mut().flat_map(|resource| &mut resource.fields).filter(|field| field.name == "keywords") {
        field.permission = Some(APPRAISE.into());
    }
    let modules = vec![steward_identity::module(), steward_platform::module(), later];
    let kernel = Kernel::new(modules, app.kernel.database.clone(), app.kernel.clock.clone(), [7; 32]).unwrap();
    let found = async |text: &str| ids_of(&app.retriever.search(&kernel, &reader, &Query::new(text, 10)).await.unwrap());
    assert_eq!(found("doubloons").await, Vec::<Uuid>::new());
    assert_eq!(found("harbour").await, [id]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_leaves_the_text_alone_leaves_the_record_to_be_found_by_meaning() {
    let app = App::start().await;
    let tenant = app.tenant("one").await;
    let [moved, rewritten] = [app.paper(&tenant, &named("Harbourage harbourmasters")).await, app.paper(&tenant, &named("Harbourage harbourmasters")).await];
    app.index(&tenant).await;
    let reader = app.reader(&tenant).await;
    app.update(&tenant, moved, &format!("owner_id = '{}'", ids::fresh())).await;
    app.update(&tenant, rewritten, "name = 'Lighthouse'").await;
    assert_eq!(app.found(&reader, "harbourpilot harbourman").await, [moved]);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_is_fetched_until_the_answer_is_full() {
    let app = App::start().await;
    let tenant = app.tenant("one").await;
    let own = app.user(&tenant, &[(READ, Scope::Own)]).await;
    let mut papers = Vec::new();
    for n in 0..150 {
        // The first ones fit best.
        let name = if n < 120 { "Harbour" } else { "Harbour ledger of the northern towns and of the islands before them" };
        let paper = Paper { name, owner: Some(own.user), ..Paper::default() };
        papers.push(app.paper(&tenant, &paper).await);
    }
    app.index(&tenant).await;
    let stranger = ids::fresh();
    for id in &papers[..120] {
        app.update(&tenant, *id, &format!("owner_id = '{stranger}'")).await;
    }
    let answer = app.ask_for(&own, &Query::new("harbour", 20)).await;
    assert_eq!((answer.items.len(), answer.partial), (20, false));
    assert!(ids_of(&answer).iter().all(|id| papers[120..].contains(id)));
    // All that there is, and it is said that it is all.
    let answer = app.ask_for(&own, &Query::new("harbour", 50)).await;
    assert_eq!((answer.items.len(), answer.partial), (30, false));
    // With a bound that ends the search before.
    let bounded = Retriever { settings: Settings { candidates_max: 40, ..settings() }, ..app.retriever.clone() };
    let answer = bounded.search(&app.kernel, &own, &Query::new("harbour", 20)).await.unwrap();
    assert!(answer.partial && answer.items.len() < 20, "{} items", answer.items.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_citation_says_whether_its_quote_still_stands() {
    let app = App::start().await;
    let tenant = app.tenant("one").await;
    let id = app
        .paper(&tenant, &Paper { name: "Harbour ledger", keywords: Some("ships, dues"), body: Some("# Dues\n\nTwo marks a ship."), ..Paper::default() })
        .await;
    app.index(&tenant).await;
    let reader = app.reader(&tenant).await;
    let body = app.ask(&reader, "marks").await.items[0].citation.clone();
    let expected = Citation { resource: PAPER.into(), id, version: 1, field: "body".into(), span: 0..25, quote: "# Dues\n\nTwo marks a ship.".into() };
    assert_eq!(body, expected);
    let card = app.ask(&reader, "ships").await.items[0].citation.clone();
    assert_eq!((card.field.as_str(), card.span.clone(), card.quote.as_str()), ("keywords", 0..11, "ships, dues"));
    let name = app.ask(&reader, "ledger").await.items[0].citation.clone();
    assert_eq!((name.field.as_str(), name.quote.as_str()), ("name", "Harbour ledger"));
    let verdict = async |citation: &Citation| verify(&mut app.kernel.read(&reader).await.unwrap(), citation).await.unwrap();
    for citation in [&body, &card, &name] {
        assert_eq!(verdict(citation).await, Verdict::Stands { version: 1 });
    }
    let invented = Citation { quote: "Nine marks a ship.".into(), ..body.clone() };
    assert_eq!(verdict(&invented).await, Verdict::Unsupported);
    assert_eq!(verdict(&Citation { span: 3..900, ..body.clone() }).await, Verdict::Unsupported);
    assert_eq!(verdict(&Citation { version: 7, ..body.clone() }).await, Verdict::Unsupported);
    app.update(&tenant, id, "body = '# Dues\n\nNine marks a ship.'").await;
    assert_eq!(verdict(&body).await, Verdict::Changed { version: 2 });
    assert_eq!(verdict(&name).await, Verdict::Stands { version: 2 });
    app.run(&tenant, "DELETE FROM archive_paper WHERE tenant_id = $1 AND id = $2", id).await;
    assert_eq!(verdict(&name).await, Verdict::Gone);
}
