//! The count of a single machine, in memory: for one process, and for tests of several.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use futures::future::BoxFuture;
use uuid::Uuid;

use super::slice::{Slice, SliceId, Slices, Unreachable, Unused, Want};
use crate::limit::{Clock, Counter, Refused};

/// How often what is over is forgotten.
const TIDY_MS: i64 = 60_000;

/// Keeps the count in memory.
pub struct Memory {
    clock: Clock,
    lease_ms: i64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    leased: HashMap<Counter, i64>,
    out: HashMap<SliceId, Out>,
    last_id: u128,
    tidied_at: i64,
}

struct Out {
    counter: Counter,
    /// What of it could still come back.
    amount: i64,
    expires_at: i64,
}

impl Memory {
    /// Slices expire `lease_ms` after they were leased; longer than a call may take.
    pub fn new(clock: Clock, lease_ms: i64) -> Self {
        Self { clock, lease_ms, state: Mutex::default() }
    }

    /// What is leased of a counter: spent, or in the hands of a process.
    pub fn leased(&self, counter: &Counter) -> i64 {
        self.lock().leased.get(counter).copied().unwrap_or(0)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lease_now(&self, wants: &[Want]) -> Result<Vec<Slice>, Refused> {
        let now = (self.clock)();
        let mut state = self.lock();
        state.tidy(now);
        let mut shares = Vec::with_capacity(wants.len());
        for want in wants {
            let leased = state.leased.get(&want.counter).copied().unwrap_or(0);
            shares.push(want.share(leased).ok_or(Refused::Exceeded { counter: want.counter })?);
        }
        let mut slices = Vec::with_capacity(wants.len());
        for (want, granted) in wants.iter().zip(shares) {
            *state.leased.entry(want.counter).or_default() += granted;
            state.last_id += 1;
            let slice = Slice { id: SliceId(Uuid::from_u128(state.last_id)), granted, expires_at: now + self.lease_ms };
            state.out.insert(slice.id, Out { counter: want.counter, amount: granted, expires_at: slice.expires_at });
            slices.push(slice);
        }
        Ok(slices)
    }

    fn take_back(&self, unused: &[Unused]) {
        let now = (self.clock)();
        let mut state = self.lock();
        for unused in unused {
            let Some(out) = state.out.get_mut(&unused.slice).filter(|out| out.expires_at > now) else { continue };
            let amount = unused.amount.clamp(0, out.amount);
            out.amount -= amount;
            let counter = out.counter;
            if let Some(leased) = state.leased.get_mut(&counter) {
                *leased -= amount;
            }
        }
    }
}

impl State {
    fn tidy(&mut self, now: i64) {
        if now - self.tidied_at < TIDY_MS {
            return;
        }
        self.tidied_at = now;
        self.out.retain(|_, out| out.expires_at > now);
        // A clock that stands a little behind may still ask for the window before.
        self.leased.retain(|counter, _| counter.ends_at + TIDY_MS > now);
    }
}

impl Slices for Memory {
    fn lease<'a>(&'a self, wants: &'a [Want]) -> BoxFuture<'a, Result<Vec<Slice>, Refused>> {
        async move { self.lease_now(wants) }.boxed()
    }

    fn give_back<'a>(&'a self, unused: &'a [Unused]) -> BoxFuture<'a, Result<(), Unreachable>> {
        async move {
            self.take_back(unused);
            Ok(())
        }
        .boxed()
    }
}
