//! Rights change at full speed while people ask: nobody is shown a row that he could not see, in either placement.
//!
//! Every row belongs to a class with a mark of its own, which stands in whatever tells of the row. What a person may ever
//! see is a set of marks, whoever owns what at the moment; what a [`Flip`] gives and takes is a mark as well, and while it
//! is taken, from its acknowledgement to the next request for it, no answer holds it.

mod cast;
pub(super) mod flip;

use super::callers::{Call, Caller, Reply, Tally};
use super::{Dice, Shift, all};
use crate::site::Site;
use cast::{Cast, MARKS};
use flip::Flip;
use serde_json::json;
use std::sync::Arc;
use steward_migrations::Placement;
use tokio::task::JoinSet;
use uuid::Uuid;

/// A person who asks, with the marks that he never sees.
#[derive(Clone)]
pub(super) struct Person {
    pub(super) name: &'static str,
    pub(super) caller: Caller,
    pub(super) never: Vec<String>,
}

impl Person {
    /// Sends, and holds the answer against what this person may ever see.
    pub(super) async fn send(&self, call: &Call) -> Reply {
        let reply = self.caller.send(call).await;
        for mark in &self.never {
            assert!(!reply.text.contains(mark.as_str()), "{} sent {} and was shown {mark}: {} {}", self.name, call.path, reply.status, reply.text);
        }
        reply
    }
}

/// Every way in which the rows of orders come out, with a row of a class to ask for in particular.
fn ways(order: Uuid) -> Vec<Call> {
    let mut ways = vec![
        Call::read("sales/orders?limit=100&fields=number,reference,customer,owner"),
        Call::read("sales/orders?limit=100&sort=-net_total"),
        Call::read(&format!("sales/orders/{order}")),
        Call::read(&format!("sales/orders/{order}/history")),
        Call::read("sales/orders/aggregate?measure=count,open_value&group=customer&limit=100"),
        Call::read("sales/orders/export"),
        Call::read("sales/lines?limit=100&fields=description"),
        Call::read("sales/reports/backlog"),
    ];
    ways.extend(["/app/sales/orders?limit=100".to_owned(), format!("/app/sales/orders/{order}")].map(Call::get));
    ways
}

async fn tenant(site: &Site, slug: &'static str, placement: Placement, tally: &Tally) -> Arc<Cast> {
    let tenant = site.tenant(slug, placement).await;
    Arc::new(Cast::assemble(site, tenant, tally).await)
}

/// Asks in every way, again and again.
async fn ask_on(person: Person, ways: Vec<Call>, shift: Shift, seed: usize) -> u64 {
    let (mut dice, mut shown) = (Dice::new(seed), 0);
    while !shift.is_over() {
        let call = &ways[dice.below(ways.len())];
        let reply = person.send(call).await;
        shown += u64::from(MARKS.iter().any(|class| reply.text.contains(class)));
    }
    shown
}

/// Owners, departments and grants that go to and fro without changing what anybody may ever see.
fn stir(tasks: &mut JoinSet<()>, cast: &Arc<Cast>, shift: Shift) {
    for seed in 0..2 {
        let (cast, mut dice) = (Arc::clone(cast), Dice::new(seed));
        tasks.spawn(async move {
            while !shift.is_over() {
                let (order, owner) = (dice.of(&cast.red), dice.of(&cast.red_owners));
                cast.admin.insist(&Call::post(&format!("sales/orders/{order}/assign"), json!({ "owner": owner }))).await;
            }
        });
    }
    let (moving, granting) = (Arc::clone(cast), Arc::clone(cast));
    tasks.spawn(async move {
        let mut dice = Dice::new(7);
        while !shift.is_over() {
            let (user, department) = (dice.of(&moving.red_owners[1..]), dice.of(&moving.red_departments));
            moving.admin.insist(&Call::patch(&format!("identity/users/{user}"), json!({ "department": department }))).await;
        }
    });
    tasks.spawn(async move {
        while !shift.is_over() {
            let path = format!("identity/roles/{}", granting.stirred);
            granting.admin.insist(&Call::post(&format!("{path}/grant"), json!({ "permission": "crm:activity:read", "scope": "own" }))).await;
            granting.admin.insist(&Call::post(&format!("{path}/revoke"), json!({ "permission": "crm:activity:read" }))).await;
        }
    });
}

/// Writes of somebody who may write his own rows only: at his own now and then, at others' never.
async fn write_on(cast: Arc<Cast>, shift: Shift) -> u64 {
    let (mut dice, mut done) = (Dice::new(11), 0);
    while !shift.is_over() {
        let word = dice.of(&["start", "hold"]);
        let write = |order: Uuid| Call::post(&format!("sales/orders/{order}/{word}"), json!({}));
        done += u64::from(cast.owner.send(&write(dice.of(&cast.red))).await.is_good());
        let reply = cast.owner.send(&write(dice.of(&cast.vault))).await;
        assert!(matches!(reply.status, 404 | 503), "a row out of sight was written: {} {}", reply.status, reply.text);
    }
    done
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "lasts as long as it is told; `cargo xtask soak` runs it"]
async fn nobody_is_shown_what_he_may_not_see_while_rights_change_at_full_speed() {
    let site = Site::open().await;
    let _server = site.serve().await;
    let tally = Tally::default();
    let casts = [tenant(&site, "pooled", Placement::Pooled, &tally).await, tenant(&site, "schema", Placement::Schema, &tally).await];

    let shift = Shift::begin();
    let (mut asking, mut writing, mut stirring, mut flipping) = (JoinSet::new(), JoinSet::new(), JoinSet::new(), JoinSet::new());
    for cast in &casts {
        for (seed, person) in cast.narrow.iter().enumerate() {
            let ways = [cast.red[0], cast.blue[0], cast.vault[0]].into_iter().flat_map(ways).collect();
            let (person, name) = (person.clone(), person.name);
            asking.spawn(async move { (name, ask_on(person, ways, shift, seed).await) });
        }
        writing.spawn(write_on(Arc::clone(cast), shift));
        stir(&mut stirring, cast, shift);
        for flip in cast.flips() {
            flipping.spawn(Flip::run(flip, shift));
        }
    }
    // The first one that saw too much ends the test.
    let turns = all(flipping).await;
    all(stirring).await;
    let shown = all(asking).await;
    let written: u64 = all(writing).await.into_iter().sum();

    for turn in &turns {
        println!("soak rights: {turn}");
    }
    println!("soak rights: {written} own rows written, answers with rows by person: {shown:?}, {} deadlocks resolved", site.deadlocks().await);
    tally.close("rights", shift, &site, &[(403, "forbidden"), (404, "not_found"), (404, ""), (403, ""), (409, "conflict sales.not_"), (503, "busy")]);
    for turn in &turns {
        assert!(turn.held > 0 && turn.taken > 0, "nothing is shown of the right that is only ever changed: {turn}");
    }
    for (name, shown) in shown {
        assert!((shown == 0) == (name == "no right at all"), "{name} was shown rows {shown} times");
    }
    for cast in &casts {
        cast.nobody_wrote_to_the_vault(&site).await;
        cast.every_party_was_made_under_the_right(&site, &turns).await;
    }
    site.owner.close().await;
}
