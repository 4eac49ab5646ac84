//! Races and load for a while: the program as it is started by people, over real sockets and PostgreSQL, under many
//! clients at once. Run by hand with `cargo xtask soak`; the races of rights and of search also with the tier `full`, for a short time.
//!
//! Each test lasts as long as [`lasting`] says, prints its figures and ends by holding what is stored, and what was
//! answered, against what must be true of it. Times and rates are printed and never asserted.

mod books;
mod callers;
mod imports;
mod keys;
mod load;
mod rights;
mod search;
mod stock;

use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// How long the clients of one test go on: `STEWARD_TEST_SOAK_SECONDS`, a minute unless set.
fn lasting() -> Duration {
    let given = std::env::var("STEWARD_TEST_SOAK_SECONDS").ok().filter(|text| !text.is_empty());
    let seconds = given.map_or(60, |text| text.parse().unwrap_or_else(|_| panic!("STEWARD_TEST_SOAK_SECONDS={text} is no number of seconds")));
    Duration::from_secs(seconds)
}

/// The moment until which the clients of one test go on.
#[derive(Clone, Copy, Debug)]
struct Shift {
    began: Instant,
    ends: Instant,
}

impl Shift {
    fn begin() -> Self {
        let began = Instant::now();
        Self { began, ends: began + lasting() }
    }
    fn is_over(self) -> bool {
        Instant::now() >= self.ends
    }
    fn took(self) -> Duration {
        self.began.elapsed()
    }
    /// What `wait` gives, or `None` where the end comes first.
    async fn or_end<T>(self, wait: impl Future<Output = T>) -> Option<T> {
        tokio::time::timeout_at(self.ends.into(), wait).await.ok()
    }
}

/// What all of them came to. The first that failed fails the test, with its own words.
async fn all<T: Send + 'static>(mut tasks: JoinSet<T>) -> Vec<T> {
    let mut results = Vec::new();
    while let Some(done) = tasks.join_next().await {
        match done {
            Ok(result) => results.push(result),
            Err(failed) => std::panic::resume_unwind(failed.into_panic()),
        }
    }
    results
}

/// Numbers that look random and are the same in every run.
#[derive(Clone, Debug)]
struct Dice(u64);

impl Dice {
    fn new(seed: usize) -> Self {
        Self(0x5eed_u64.wrapping_add(seed as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}
