//! Limits are counted in PostgreSQL for all processes: what they have reserved together never exceeds a cap.

use crate::{Firm, Process};
use futures::future::join_all;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;
use steward_ai::Settings;
use steward_llm::limit::{Amounts, Limit, Metric, Refused, Scope, Window};
use steward_migrations::Placement;
use tokio::sync::Barrier;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

const CAP: i64 = 20_000;

fn limit(scope: Scope, metric: Metric, window: Window, cap: i64) -> Limit {
    Limit { scope, metric, window, cap, zone: chrono_tz::Tz::Europe__Berlin }
}

fn month(cap: i64) -> [Limit; 1] {
    [limit(Scope::Tenant, Metric::NanoDollars, Window::Month, cap)]
}

fn dollars(nano_dollars: i64) -> Amounts {
    Amounts { requests: 1, tokens: 0, nano_dollars }
}

/// What callers hold or have used, as they see it, at every moment.
#[derive(Default)]
struct Spent {
    now: AtomicI64,
    most: AtomicI64,
    passed: AtomicUsize,
}

impl Spent {
    fn add(&self, amount: i64) {
        let now = self.now.fetch_add(amount, Ordering::SeqCst) + amount;
        self.most.fetch_max(now, Ordering::SeqCst);
    }
}

async fn leased(firm: &Firm) -> i64 {
    firm.peek("SELECT coalesce(sum(leased), 0)::bigint FROM ai_counter WHERE metric = 'cost'").await
}

/// 64 tasks at once, spread over the processes, each with many calls.
async fn rush(firm: &Firm, processes: &[&Process]) -> Arc<Spent> {
    let (spent, barrier) = (Arc::new(Spent::default()), Arc::new(Barrier::new(64)));
    let (tasks, tenant) = (TaskTracker::new(), firm.created.tenant);
    let handles: Vec<_> = (0..64_usize)
        .map(|number| {
            let (gateway, spent, barrier) = (Arc::clone(&processes[number % processes.len()].gateway), spent.clone(), barrier.clone());
            tasks.spawn(async move {
                barrier.wait().await;
                for call in 0..20 {
                    let estimate = 10 + i64::try_from((number * 7 + call * 13) % 90).unwrap();
                    let Ok(reservation) = gateway.budget.reserve(tenant, &month(CAP), dollars(estimate)).await else { continue };
                    spent.add(estimate);
                    spent.passed.fetch_add(1, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                    match call % 3 {
                        // Counted down before it may be given to somebody else.
                        0 => {
                            spent.add(estimate / 2 - estimate);
                            reservation.settle(dollars(estimate / 2));
                        }
                        1 => reservation.settle(dollars(estimate)),
                        _ => drop(reservation),
                    }
                    if call % 10 == 0 {
                        gateway.budget.give_back_all().await.unwrap();
                    }
                }
            })
        })
        .collect();
    join_all(handles).await.into_iter().for_each(|joined| joined.unwrap());
    spent
}

async fn never_exceeds(placement: Placement, further: usize) {
    let firm = Firm::open(placement).await;
    let others: Vec<Process> = (0..further).map(|_| firm.another(Settings::default())).collect();
    let processes: Vec<&Process> = [&firm.process].into_iter().chain(&others).collect();
    let spent = rush(&firm, &processes).await;
    let (most, passed) = (spent.most.load(Ordering::SeqCst), spent.passed.load(Ordering::SeqCst));
    assert!(most <= CAP, "{most}");
    assert!(most > CAP * 9 / 10 && passed > 200, "the cap was never put to the test: {most} by {passed}");
    for process in processes {
        process.gateway.budget.give_back_all().await.unwrap();
    }
    assert_eq!(leased(&firm).await, spent.now.load(Ordering::SeqCst), "what was not spent came back, and nothing else");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_calls_at_once_of_one_process_never_exceed_the_cap() {
    never_exceeds(Placement::Pooled, 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_calls_at_once_of_two_processes_never_exceed_the_cap() {
    never_exceeds(Placement::Schema, 1).await;
}

#[tokio::test]
async fn what_a_process_held_that_died_stays_spent() {
    let firm = Firm::open(Placement::Pooled).await;
    let other = firm.another(Settings::default());
    let tenant = firm.created.tenant;
    let _held = other.gateway.budget.reserve(tenant, &month(1_000), dollars(400)).await.unwrap();
    let at_death = leased(&firm).await;
    // A slice holds more than the call needs.
    assert!(at_death >= 400, "{at_death}");
    drop(other);
    firm.pass(Duration::from_secs(60 * 60));
    let refused = firm.gateway().budget.reserve(tenant, &month(1_000), dollars(1_000 - at_death + 1)).await.unwrap_err();
    assert!(matches!(refused, Refused::Exceeded { .. }), "{refused:?}");
    let _rest = firm.gateway().budget.reserve(tenant, &month(1_000), dollars(1_000 - at_death)).await.unwrap();
    assert_eq!(leased(&firm).await, 1_000);
}

#[tokio::test]
async fn a_lease_holds_under_every_scope_or_under_none() {
    let firm = Firm::open(Placement::Pooled).await;
    let (tenant, user, key) = (firm.created.tenant, Uuid::from_u128(7), Uuid::from_u128(8));
    let limits = [
        limit(Scope::Tenant, Metric::Requests, Window::Minute, 100),
        limit(Scope::User(user), Metric::Tokens, Window::Day, 50),
        limit(Scope::Key(key), Metric::NanoDollars, Window::Month, 1_000),
    ];
    let amounts = |tokens| Amounts { requests: 1, tokens, nano_dollars: 10 };
    firm.gateway().budget.reserve(tenant, &limits, amounts(30)).await.unwrap().settle(amounts(30));
    firm.gateway().budget.give_back_all().await.unwrap();
    let rows = "SELECT string_agg(scope || ' ' || metric || ' ' || period || ' ' || leased, ', ' ORDER BY scope) FROM ai_counter";
    let before: String = firm.peek(rows).await;
    assert_eq!(before, "key cost month 10, tenant requests minute 1, user tokens day 30");
    let refused = firm.gateway().budget.reserve(tenant, &limits, amounts(30)).await.unwrap_err();
    let counter = refused.counter().unwrap();
    assert_eq!((counter.scope, counter.metric), (Scope::User(user), Metric::Tokens));
    firm.gateway().budget.give_back_all().await.unwrap();
    let after: String = firm.peek(rows).await;
    assert_eq!(before, after);
}

#[tokio::test]
async fn a_period_is_the_tenants_and_a_new_one_begins_anew() {
    let firm = Firm::open(Placement::Pooled).await;
    let tenant = firm.created.tenant;
    let day = [limit(Scope::Tenant, Metric::Requests, Window::Day, 1)];
    let _one = firm.gateway().budget.reserve(tenant, &day, dollars(0)).await.unwrap();
    let refused = firm.gateway().budget.reserve(tenant, &day, dollars(0)).await.unwrap_err();
    // Nine in the morning: fifteen hours are left of the day in Berlin.
    let wait = refused.retry_after(firm.clock.now().timestamp_millis()).unwrap();
    assert_eq!(wait, Duration::from_secs(15 * 60 * 60));
    let start: String = firm.peek("SELECT starts_at::text || ' ' || ends_at::text FROM ai_counter WHERE metric = 'requests'").await;
    assert!(start.contains("2026-03-01 23:00:00") && start.contains("2026-03-02 23:00:00"), "{start}");
    firm.pass(wait);
    let _two = firm.gateway().budget.reserve(tenant, &day, dollars(0)).await.unwrap();
}

#[tokio::test]
async fn what_comes_back_after_its_slice_has_expired_stays_spent() {
    let firm = Firm::with(Placement::Pooled, Settings { lease: Duration::from_secs(60), ..Settings::default() }).await;
    let tenant = firm.created.tenant;
    let reservation = firm.gateway().budget.reserve(tenant, &month(1_000), dollars(500)).await.unwrap();
    let before = leased(&firm).await;
    firm.pass(Duration::from_secs(61));
    reservation.cancel();
    firm.gateway().budget.give_back_all().await.unwrap();
    assert_eq!(leased(&firm).await, before);
}

#[tokio::test]
async fn nothing_is_granted_while_the_count_cannot_be_asked() {
    let firm = Firm::open(Placement::Pooled).await;
    firm.house.database.lose().await.unwrap();
    let refused = firm.gateway().budget.reserve(firm.created.tenant, &month(1_000), dollars(1)).await.unwrap_err();
    assert_eq!(refused, Refused::Unavailable);
}
