//! Search while everything changes: nobody finds what he may not read, and when it is quiet the index is what SQL says.
//!
//! [`cast`] has people, rows of classes with a mark each, and rights, owners and texts that go to and fro, as the race of
//! rights has; [`churn`] writes and archives rows of its own meanwhile, each with a word that no other row has. In the end
//! [`quiet`] holds the index against the tables, row by row. [`killed`] does the same to a server that is killed in the
//! middle, again and again, and told of the same changes twice and in another order.

mod cast;
mod churn;
mod killed;
mod quiet;

use super::callers::{Call, Tally};
use super::rights::Person;
use super::rights::flip::Flip;
use super::{Dice, Shift, all};
use crate::site::Site;
use cast::{Cast, MARKS};
use churn::Churn;
use serde_json::json;
use std::sync::Arc;
use steward_migrations::Placement;
use tokio::task::JoinSet;

/// The embedder needs no model, and what differs would be found while the race runs.
const KEYS: &[(&str, &str)] = &[("STEWARD_EMBEDDER__ENGINE", "hashed"), ("STEWARD_SEARCH__COMPARE_EVERY_SECONDS", "5")];

/// Asks in every way, again and again.
async fn ask_on(person: Person, ways: Vec<Call>, shift: Shift, seed: usize) -> u64 {
    let (mut dice, mut shown) = (Dice::new(seed), 0);
    while !shift.is_over() {
        let reply = person.send(&ways[dice.below(ways.len())]).await;
        shown += u64::from(MARKS.iter().any(|class| reply.text.contains(class)));
    }
    shown
}

/// Owners, departments, grants and texts that change without changing what anybody may ever see.
fn stir(tasks: &mut JoinSet<()>, cast: &Arc<Cast>, shift: Shift) {
    for seed in 0..2 {
        let (cast, mut dice) = (Arc::clone(cast), Dice::new(seed));
        tasks.spawn(async move {
            while !shift.is_over() {
                let place = json!({ "owner": dice.of(&cast.red_owners), "department": dice.of(&cast.red_departments) });
                let path = dice.of(&cast.red).path();
                cast.admin.insist(&Call::patch(&path, place)).await;
            }
        });
    }
    let (writing, moving, granting) = (Arc::clone(cast), Arc::clone(cast), Arc::clone(cast));
    tasks.spawn(async move {
        let mut dice = Dice::new(5);
        for n in 0_u64.. {
            if shift.is_over() {
                break;
            }
            let row = dice.of(&writing.rows);
            let change = row.text(&writing.mark(row.class), n);
            writing.admin.insist(&Call::patch(&row.path(), change)).await;
        }
    });
    tasks.spawn(async move {
        let mut dice = Dice::new(7);
        while !shift.is_over() {
            let (user, department) = (dice.of(&moving.red_owners[1..]), dice.of(&moving.red_departments));
            moving.admin.insist(&Call::patch(&format!("identity/users/{user}"), json!({ "department": department }))).await;
        }
    });
    tasks.spawn(async move {
        let path = format!("identity/roles/{}", granting.stirred);
        while !shift.is_over() {
            granting.admin.insist(&Call::post(&format!("{path}/grant"), json!({ "permission": "inventory:item:read", "scope": "tenant" }))).await;
            granting.admin.insist(&Call::post(&format!("{path}/revoke"), json!({ "permission": "inventory:item:read" }))).await;
        }
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "lasts as long as it is told; `cargo xtask soak` runs it"]
async fn nobody_finds_what_he_may_not_read_and_the_index_is_what_the_tables_are() {
    let site = Site::open().await;
    let _server = site.serve_with(KEYS).await;
    // A masked field is asked for as one that does not exist: those questions are refused, and no others.
    let (tally, masked) = (Tally::default(), Tally::default());
    let mut casts = Vec::new();
    for (slug, placement) in [("pooled", Placement::Pooled), ("schema", Placement::Schema)] {
        let tenant = site.tenant(slug, placement).await;
        casts.push(Arc::new(Cast::assemble(&site, tenant, &tally, &masked).await));
    }
    // What is to be found at once must be in the index before.
    quiet::settled(&site).await;

    let shift = Shift::begin();
    let (mut asking, mut churning, mut stirring, mut flipping) = (JoinSet::new(), JoinSet::new(), JoinSet::new(), JoinSet::new());
    for cast in &casts {
        for (seed, person) in cast.narrow.iter().enumerate() {
            let (person, name) = (person.clone(), person.name);
            asking.spawn(async move { (name, ask_on(person, cast::questions(), shift, seed).await) });
        }
        churning.spawn(Churn::new(&cast.tenant.slug, 0, cast.admin.clone()).run(shift));
        stir(&mut stirring, cast, shift);
        for flip in cast.flips() {
            flipping.spawn(Flip::run(flip, shift));
        }
    }
    // The first one that saw too much ends the test.
    let turns = all(flipping).await;
    all(stirring).await;
    let shown = all(asking).await;
    let churned: u64 = all(churning).await.into_iter().sum();

    for turn in &turns {
        println!("soak search: {turn}");
    }
    println!("soak search: {churned} changes of rows that come and go, answers with rows by person: {shown:?}");
    masked.close("search by a reader of a field", shift, &site, &[(400, "bad_request"), (404, ""), (429, "rate_limited"), (503, "busy")]);
    tally.close("search", shift, &site, &[(403, "forbidden"), (404, "not_found"), (404, ""), (403, ""), (429, "rate_limited"), (503, "busy")]);
    for turn in &turns {
        assert!(turn.held > 0 && turn.taken > 0, "nothing is shown of the right that is only ever changed: {turn}");
    }
    for (name, shown) in shown {
        assert!((shown == 0) == (name == "no right at all"), "{name} was shown rows {shown} times");
    }
    for cast in &casts {
        let figures = quiet::the_index_is_what_the_tables_are(&site, &cast.tenant, &cast.admin).await;
        println!("soak search: {}: {figures}", cast.tenant.slug);
    }
    site.owner.close().await;
}
