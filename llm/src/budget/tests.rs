use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use chrono_tz::Tz;
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use proptest::prelude::*;
use tokio::sync::Barrier;

use super::*;
use crate::limit::{Metric, Scope, Window};

const MINUTE: i64 = 60_000;
const LEASE: i64 = 10 * MINUTE;

#[derive(Clone)]
struct Time(Arc<AtomicI64>);

impl Time {
    fn new() -> Self {
        Self(Arc::new(AtomicI64::new(1_000 * MINUTE)))
    }

    fn clock(&self) -> Clock {
        let now = self.0.clone();
        Arc::new(move || now.load(Ordering::SeqCst))
    }

    fn pass(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }

    fn now(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

fn tenant() -> Uuid {
    Uuid::from_u128(1)
}

fn limit(scope: Scope, metric: Metric, window: Window, cap: i64) -> Limit {
    Limit { scope, metric, window, cap, zone: Tz::UTC }
}

fn cost(cap: i64) -> [Limit; 1] {
    [limit(Scope::Tenant, Metric::NanoDollars, Window::Month, cap)]
}

fn dollars(nano_dollars: i64) -> Amounts {
    Amounts { requests: 1, tokens: 0, nano_dollars }
}

struct House {
    time: Time,
    count: Arc<Memory>,
}

impl House {
    fn new() -> Self {
        let time = Time::new();
        Self { count: Arc::new(Memory::new(time.clock(), LEASE)), time }
    }

    /// One process.
    fn budget(&self) -> Budget {
        Budget::new(self.count.clone(), self.time.clock())
    }

    fn leased(&self, limit: &Limit) -> i64 {
        self.count.leased(&limit.counter(tenant(), self.time.now()))
    }
}

#[tokio::test]
async fn what_fits_is_reserved_and_what_does_not_is_refused_by_name() {
    let house = House::new();
    let budget = house.budget();
    let _kept = budget.reserve(tenant(), &cost(100), dollars(60)).await.unwrap();
    let refused = budget.reserve(tenant(), &cost(100), dollars(41)).await.unwrap_err();
    let counter = cost(100)[0].counter(tenant(), house.time.now());
    assert_eq!(refused, Refused::Exceeded { counter });
    assert_eq!(refused.retry_after(house.time.now()).unwrap().as_millis(), u128::try_from(counter.ends_at - house.time.now()).unwrap());
    let _rest = budget.reserve(tenant(), &cost(100), dollars(40)).await.unwrap();
}

#[tokio::test]
async fn what_can_never_fit_says_that_waiting_does_not_help() {
    let house = House::new();
    let refused = house.budget().reserve(tenant(), &cost(100), dollars(101)).await.unwrap_err();
    assert!(matches!(refused, Refused::TooLarge { .. }));
    assert_eq!(refused.retry_after(house.time.now()), None);
}

#[tokio::test]
async fn a_reservation_counts_under_every_limit_or_under_none() {
    let house = House::new();
    let budget = house.budget();
    let user = Uuid::from_u128(7);
    let limits = [
        limit(Scope::Tenant, Metric::Requests, Window::Minute, 100),
        limit(Scope::User(user), Metric::Tokens, Window::Day, 50),
        limit(Scope::Key(user), Metric::NanoDollars, Window::Month, 1_000),
    ];
    let amounts = |tokens| Amounts { requests: 1, tokens, nano_dollars: 10 };
    budget.reserve(tenant(), &limits, amounts(30)).await.unwrap().settle(amounts(30));
    let before = house.leased(&limits[0]);
    let refused = budget.reserve(tenant(), &limits, amounts(30)).await.unwrap_err();
    assert_eq!(refused.counter().unwrap().scope, Scope::User(user));
    assert_eq!(refused.counter().unwrap().metric, Metric::Tokens);
    budget.give_back_all().await.unwrap();
    assert!(house.leased(&limits[0]) <= before);
    assert_eq!(house.leased(&limits[0]), 1);
    assert_eq!(house.leased(&limits[2]), 10);
}

#[tokio::test]
async fn the_smaller_of_two_equal_limits_holds() {
    let house = House::new();
    let limits = [cost(100)[0], cost(50)[0]];
    let budget = house.budget();
    let _kept = budget.reserve(tenant(), &limits, dollars(30)).await.unwrap();
    assert!(budget.reserve(tenant(), &limits, dollars(30)).await.is_err());
}

#[tokio::test]
async fn what_was_not_used_may_be_spent_again() {
    let house = House::new();
    let budget = house.budget();
    budget.reserve(tenant(), &cost(100), dollars(100)).await.unwrap().settle(dollars(10));
    budget.reserve(tenant(), &cost(100), dollars(90)).await.unwrap().cancel();
    let _kept = budget.reserve(tenant(), &cost(100), dollars(90)).await.unwrap();
    assert!(budget.reserve(tenant(), &cost(100), dollars(1)).await.is_err());
}

#[tokio::test]
async fn a_reservation_that_is_dropped_counts_as_used_in_full() {
    let house = House::new();
    let budget = house.budget();
    drop(budget.reserve(tenant(), &cost(100), dollars(60)).await.unwrap());
    assert!(budget.reserve(tenant(), &cost(100), dollars(50)).await.is_err());
    budget.give_back_all().await.unwrap();
    assert_eq!(house.leased(&cost(100)[0]), 60);
}

#[tokio::test]
async fn what_was_used_beyond_a_reservation_is_paid_by_the_next() {
    let house = House::new();
    let budget = house.budget();
    budget.reserve(tenant(), &cost(100), dollars(10)).await.unwrap().settle(dollars(40));
    assert!(budget.reserve(tenant(), &cost(100), dollars(61)).await.is_err());
    budget.reserve(tenant(), &cost(100), dollars(60)).await.unwrap().settle(dollars(60));
    assert!(budget.reserve(tenant(), &cost(100), dollars(1)).await.is_err());
    budget.give_back_all().await.unwrap();
    assert_eq!(house.leased(&cost(100)[0]), 100);
}

#[tokio::test]
async fn a_window_begins_anew() {
    let house = House::new();
    let budget = house.budget();
    let limits = [limit(Scope::Tenant, Metric::Requests, Window::Minute, 1)];
    drop(budget.reserve(tenant(), &limits, dollars(0)).await.unwrap());
    let refused = budget.reserve(tenant(), &limits, dollars(0)).await.unwrap_err();
    house.time.pass(i64::try_from(refused.retry_after(house.time.now()).unwrap().as_millis()).unwrap());
    drop(budget.reserve(tenant(), &limits, dollars(0)).await.unwrap());
}

#[tokio::test]
async fn what_comes_back_after_its_slice_expired_stays_spent() {
    let house = House::new();
    let budget = house.budget();
    let late = budget.reserve(tenant(), &cost(100), dollars(60)).await.unwrap();
    house.time.pass(LEASE);
    late.settle(dollars(0));
    assert!(budget.reserve(tenant(), &cost(100), dollars(50)).await.is_err());
    budget.give_back_all().await.unwrap();
    assert!(house.leased(&cost(100)[0]) >= 60);
}

#[tokio::test]
async fn an_expired_slice_is_not_spent_and_not_taken_back() {
    let house = House::new();
    let budget = house.budget();
    budget.reserve(tenant(), &cost(1_600), dollars(10)).await.unwrap().settle(dollars(10));
    let leased = house.leased(&cost(0)[0]);
    assert!(leased > 10, "{leased}");
    house.time.pass(LEASE);
    budget.give_back_all().await.unwrap();
    assert_eq!(house.leased(&cost(0)[0]), leased);
    drop(budget.reserve(tenant(), &cost(1_600), dollars(10)).await.unwrap());
    assert!(house.leased(&cost(0)[0]) >= leased + 10);
}

#[tokio::test]
async fn an_idle_slice_is_given_back_after_a_second_and_a_busy_one_is_not() {
    let house = House::new();
    let budget = house.budget();
    budget.reserve(tenant(), &cost(1_600), dollars(10)).await.unwrap().settle(dollars(10));
    let leased = house.leased(&cost(0)[0]);
    budget.give_back_idle().await.unwrap();
    assert_eq!(house.leased(&cost(0)[0]), leased);
    house.time.pass(IDLE_MS);
    budget.give_back_idle().await.unwrap();
    assert_eq!(house.leased(&cost(0)[0]), 10);
}

#[tokio::test]
async fn a_slice_is_given_back_before_it_expires() {
    let house = House::new();
    let budget = house.budget();
    drop(budget.reserve(tenant(), &cost(1_600), dollars(10)).await.unwrap());
    house.time.pass(LEASE - MARGIN_MS);
    drop(budget.reserve(tenant(), &cost(1_600), dollars(10)).await.unwrap());
    budget.give_back_idle().await.unwrap();
    assert_eq!(house.leased(&cost(0)[0]), 20);
}

#[tokio::test]
async fn nothing_is_kept_for_tenants_that_are_gone() {
    let house = House::new();
    let budget = house.budget();
    for number in 0..100 {
        budget.reserve(Uuid::from_u128(number), &cost(100), dollars(1)).await.unwrap().settle(dollars(1));
    }
    house.time.pass(IDLE_MS);
    budget.give_back_idle().await.unwrap();
    assert!(budget.lock().is_empty());
}

/// Counts how often it is asked, and can be held.
struct Asked {
    count: Arc<Memory>,
    leases: AtomicUsize,
    gate: tokio::sync::Semaphore,
}

impl Slices for Asked {
    fn lease<'a>(&'a self, wants: &'a [Want]) -> BoxFuture<'a, Result<Vec<Slice>, Refused>> {
        async move {
            self.leases.fetch_add(1, Ordering::SeqCst);
            let _permit = self.gate.acquire().await.map_err(|_| Refused::Unavailable)?;
            self.count.lease(wants).await
        }
        .boxed()
    }

    fn give_back<'a>(&'a self, unused: &'a [Unused]) -> BoxFuture<'a, Result<(), Unreachable>> {
        self.count.give_back(unused)
    }
}

#[tokio::test]
async fn most_calls_ask_nobody() {
    let house = House::new();
    let asked = Arc::new(Asked { count: house.count.clone(), leases: AtomicUsize::new(0), gate: tokio::sync::Semaphore::new(1) });
    let budget = Budget::new(asked.clone(), house.time.clock());
    for _ in 0..1_000 {
        budget.reserve(tenant(), &cost(1_000_000), dollars(10)).await.unwrap().settle(dollars(5));
    }
    assert!(asked.leases.load(Ordering::SeqCst) < 20, "{}", asked.leases.load(Ordering::SeqCst));
}

#[tokio::test]
async fn a_caller_that_goes_away_while_more_is_leased_leaves_what_was_there() {
    let house = House::new();
    let asked = Arc::new(Asked { count: house.count.clone(), leases: AtomicUsize::new(0), gate: tokio::sync::Semaphore::new(1) });
    let budget = Budget::new(asked.clone(), house.time.clock());
    budget.reserve(tenant(), &cost(100), dollars(30)).await.unwrap().cancel();
    let held = asked.gate.acquire().await.unwrap();
    assert!(budget.reserve(tenant(), &cost(100), dollars(60)).now_or_never().is_none());
    drop(held);
    let _kept = budget.reserve(tenant(), &cost(100), dollars(100)).await.unwrap();
}

#[tokio::test]
async fn nothing_is_spent_when_the_count_cannot_be_asked() {
    let house = House::new();
    let asked = Arc::new(Asked { count: house.count.clone(), leases: AtomicUsize::new(0), gate: tokio::sync::Semaphore::new(1) });
    asked.gate.close();
    let budget = Budget::new(asked, house.time.clock());
    assert_eq!(budget.reserve(tenant(), &cost(100), dollars(1)).await.unwrap_err(), Refused::Unavailable);
}

/// What callers hold or have used, as they see it, at every moment.
struct Spent {
    now: AtomicI64,
    most: AtomicI64,
}

impl Spent {
    fn add(&self, amount: i64) {
        let now = self.now.fetch_add(amount, Ordering::SeqCst) + amount;
        self.most.fetch_max(now, Ordering::SeqCst);
    }
}

/// 64 tasks at once, spread over the budgets, each with many calls; returns the most that was ever spent, and how many calls passed.
async fn rush(house: &House, budgets: &[Arc<Budget>], limits: &'static [Limit]) -> (i64, usize) {
    let spent = Arc::new(Spent { now: AtomicI64::new(0), most: AtomicI64::new(0) });
    let passed = Arc::new(AtomicUsize::new(0));
    let barrier = Arc::new(Barrier::new(64));
    let tasks = tokio_util::task::TaskTracker::new();
    let handles: Vec<_> = (0..64_usize)
        .map(|number| {
            let (budget, spent, passed, barrier) = (budgets[number % budgets.len()].clone(), spent.clone(), passed.clone(), barrier.clone());
            tasks.spawn(async move {
                barrier.wait().await;
                for call in 0..50 {
                    let estimate = 10 + i64::try_from((number * 7 + call * 13) % 90).unwrap();
                    let Ok(reservation) = budget.reserve(tenant(), limits, dollars(estimate)).await else { continue };
                    spent.add(estimate);
                    passed.fetch_add(1, Ordering::SeqCst);
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
                        budget.give_back_all().await.unwrap();
                    }
                }
            })
        })
        .collect();
    join_all(handles).await.into_iter().for_each(|joined| joined.unwrap());
    for budget in budgets {
        budget.give_back_all().await.unwrap();
    }
    assert_eq!(house.leased(&limits[0]), spent.now.load(Ordering::SeqCst));
    (spent.most.load(Ordering::SeqCst), passed.load(Ordering::SeqCst))
}

static RUSH: [Limit; 1] = [Limit { scope: Scope::Tenant, metric: Metric::NanoDollars, window: Window::Month, cap: 20_000, zone: Tz::UTC }];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_callers_at_once_never_exceed_the_cap() {
    let house = House::new();
    let (most, passed) = rush(&house, &[Arc::new(house.budget())], &RUSH).await;
    assert!(most <= 20_000, "{most}");
    assert!(most > 19_000 && passed > 250, "the cap was never put to the test: {most} by {passed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_processes_at_once_never_exceed_the_cap() {
    let house = House::new();
    let (most, passed) = rush(&house, &[Arc::new(house.budget()), Arc::new(house.budget())], &RUSH).await;
    assert!(most <= 20_000, "{most}");
    assert!(most > 19_000 && passed > 250, "the cap was never put to the test: {most} by {passed}");
}

#[derive(Clone, Debug)]
enum Step {
    Reserve { process: usize, amount: i64 },
    Settle { at: usize, used: i64 },
    Drop { at: usize },
    Cancel { at: usize },
    GiveBack { process: usize },
    Pass { ms: i64 },
    Die { process: usize },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..2_usize, 1..60_i64).prop_map(|(process, amount)| Step::Reserve { process, amount }),
        2 => (any::<usize>(), 0..60_i64).prop_map(|(at, used)| Step::Settle { at, used }),
        1 => any::<usize>().prop_map(|at| Step::Drop { at }),
        1 => any::<usize>().prop_map(|at| Step::Cancel { at }),
        1 => (0..2_usize).prop_map(|process| Step::GiveBack { process }),
        1 => (0..LEASE * 2 / 3).prop_map(|ms| Step::Pass { ms }),
        1 => (0..2_usize).prop_map(|process| Step::Die { process }),
    ]
}

proptest! {
    /// Used and reserved of two processes that live, die, settle and give back in any order, within one window.
    #[test]
    fn no_order_of_events_exceeds_a_cap(steps in proptest::collection::vec(step(), 1..80), cap in 1..400_i64) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let house = House::new();
            let limits = cost(cap);
            let mut budgets = [house.budget(), house.budget()];
            let mut open: Vec<(Reservation, i64)> = Vec::new();
            let mut used = 0;
            for step in steps {
                match step {
                    Step::Reserve { process, amount } => {
                        if let Ok(reservation) = budgets[process].reserve(tenant(), &limits, dollars(amount)).await {
                            open.push((reservation, amount));
                        }
                    }
                    Step::Settle { at, used: amount } if !open.is_empty() => {
                        let (reservation, reserved) = open.remove(at % open.len());
                        used += amount.min(reserved);
                        reservation.settle(dollars(amount.min(reserved)));
                    }
                    Step::Drop { at } if !open.is_empty() => used += open.remove(at % open.len()).1,
                    Step::Cancel { at } if !open.is_empty() => open.remove(at % open.len()).0.cancel(),
                    Step::GiveBack { process } => budgets[process].give_back_idle().await.unwrap(),
                    Step::Pass { ms } => {
                        // Not into the next month.
                        let end = limits[0].counter(tenant(), house.time.now()).ends_at;
                        if house.time.now() + ms < end {
                            house.time.pass(ms);
                        }
                    }
                    Step::Die { process } => budgets[process] = house.budget(),
                    _ => {}
                }
                let reserved: i64 = open.iter().map(|(_, amount)| amount).sum();
                prop_assert!(used + reserved <= cap, "{} and {} of {}", used, reserved, cap);
                prop_assert!(house.leased(&limits[0]) <= cap);
                prop_assert!(house.leased(&limits[0]) >= used + reserved);
            }
            Ok(())
        })?;
    }
}
