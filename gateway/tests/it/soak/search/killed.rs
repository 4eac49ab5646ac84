//! `kill -9` of the server in the middle of writes, and changes that are told again and out of order.

use super::churn::{Churn, Round};
use super::{KEYS, Shift, quiet};
use crate::site::Site;
use crate::soak::callers::{Caller, Tally};
use crate::soak::{Dice, all};
use steward_migrations::Placement;
use tokio::sync::watch;
use tokio::task::JoinSet;

const WRITERS: u8 = 4;
const ROUNDS_MIN: usize = 3;
/// Changes that are acknowledged before the next kill, at least and by chance.
const CHANGES: (u64, usize) = (20, 60);

/// Sets the cursors of both parts back, each to a place of its own: what was told is told again, after what came later.
async fn tell_again(site: &Site, dice: &mut Dice) -> u64 {
    let mut told = 0;
    for part in ["text", "vectors"] {
        let done = sqlx::query(
            "UPDATE kernel.outbox_cursor c SET xid = o.xid, ordinal = o.ordinal FROM
               (SELECT xid, ordinal FROM kernel.outbox ORDER BY xid, ordinal OFFSET (SELECT count(*) * $2 / 100 FROM kernel.outbox) LIMIT 1) o
              WHERE c.consumer LIKE 'indexer:' || $1 || ':%' AND (o.xid, o.ordinal) < (c.xid, c.ordinal)",
        )
        .bind(part)
        .bind(dice.below(100) as i64)
        .execute(site.owner.pool())
        .await
        .unwrap();
        told += done.rows_affected();
    }
    told
}

async fn write_on(mut churn: Churn, acknowledged: watch::Sender<u64>) -> Churn {
    loop {
        match churn.round().await {
            Round::Done { changes, .. } => acknowledged.send_modify(|all| *all += changes),
            Round::Cut { broke: false } => {}
            Round::Cut { broke: true } => return churn,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "lasts as long as it is told; `cargo xtask soak` runs it"]
async fn the_index_is_what_the_tables_are_after_kills_repetitions_and_another_order() {
    let site = Site::open().await;
    let tenants = [site.tenant("pooled", Placement::Pooled).await, site.tenant("schema", Placement::Schema).await];
    let tally = Tally::default();
    let mut server = site.serve_with(KEYS).await;
    let mut admins = Vec::new();
    let mut churns = Vec::new();
    for tenant in &tenants {
        let admin = Caller::administrator(&site, tenant, &tally).await;
        churns.extend((0..WRITERS / 2).map(|place| Churn::new(&tenant.slug, place, admin.clone())));
        admins.push(admin);
    }
    let (shift, mut dice) = (Shift::begin(), Dice::new(1));
    let (acknowledged, mut kills, mut repeated) = (watch::Sender::new(0_u64), 0, 0);
    while !shift.is_over() || kills < ROUNDS_MIN {
        let mut writing = JoinSet::new();
        for churn in std::mem::take(&mut churns) {
            writing.spawn(write_on(churn, acknowledged.clone()));
        }
        let mut told = acknowledged.subscribe();
        for _ in 0..2 {
            let next = *told.borrow() + CHANGES.0 + dice.below(CHANGES.1) as u64;
            told.wait_for(|all| *all >= next).await.unwrap();
            // While it runs, and again after it was killed.
            repeated += tell_again(&site, &mut dice).await;
        }
        drop(server);
        churns = all(writing).await;
        repeated += tell_again(&site, &mut dice).await;
        server = site.serve_with(KEYS).await;
        kills += 1;
    }
    println!("soak search: {kills} kills, {repeated} cursors set back, {} changes acknowledged", *acknowledged.borrow());
    assert!(repeated > 0, "nothing was told twice");
    for (tenant, admin) in tenants.iter().zip(&admins) {
        let figures = quiet::the_index_is_what_the_tables_are(&site, tenant, admin).await;
        println!("soak search: {}: {figures}", tenant.slug);
    }
    tally.close("search, killed", shift, &site, &[(503, "busy")]);
    drop(server);
    site.owner.close().await;
}
