//! Spends within limits: reserve before a call, settle after it, never above a cap.
//!
//! Start at [`Budget::reserve`]. It takes the estimate from every limit at once or from none. A process spends from the slices that
//! it leased (see [`slice`]), so that a call usually asks nobody; only when they run short does it lease more.
//!
//! A [`Reservation`] is settled with what was really used ([`Reservation::settle`]); one that is only dropped counts as used in full,
//! because nobody knows better. What comes back after its slice has expired stays spent.
//!
//! **Invariant:** what all processes have reserved of a counter never exceeds its cap. Only usage above its own reservation can, and
//! then the next call pays for it first.

pub mod memory;
pub mod slice;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use self::slice::{Slice, SliceId, Slices, Unreachable, Unused, Want};
use crate::limit::{Amounts, Clock, Counter, Limit, Refused};

pub use memory::Memory;

/// How many calls like this one a slice should hold: twice as many each time that it did not last for long.
const CALLS: i64 = 16;
const CALLS_MAX: i64 = 4_096;
const LASTS_MS: i64 = 1_000;
/// After so long without a call, slices are given back.
const IDLE_MS: i64 = 1_000;
/// So long before they expire, slices are given back; the way there takes time.
const MARGIN_MS: i64 = 5_000;

/// What one process may spend.
pub struct Budget {
    slices: Arc<dyn Slices>,
    clock: Clock,
    tenants: Mutex<HashMap<Uuid, Arc<Tenant>>>,
}

/// One tenant's slices of all scopes.
#[derive(Default)]
struct Tenant {
    local: Mutex<Local>,
    /// Leases go one after the other: two at once would each hold what the other lacks.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Local {
    counters: HashMap<Counter, Held>,
}

#[derive(Default)]
struct Held {
    slices: Vec<Leased>,
    /// Used beyond a reservation, not paid yet.
    debt: i64,
    used_at: i64,
    leased_at: i64,
    calls: i64,
}

struct Leased {
    id: SliceId,
    free: i64,
    /// Reservations that may still give something back.
    reservations: usize,
    expires_at: i64,
}

/// What a call needs of one counter.
#[derive(Clone, Copy)]
struct Need {
    counter: Counter,
    amount: i64,
    cap: i64,
    /// What earlier calls owe and this one pays.
    debt: i64,
}

struct Taken {
    counter: Counter,
    slice: SliceId,
    amount: i64,
}

/// Leave to use an amount. Dropped without [`Reservation::settle`], all of it counts as used.
#[must_use]
pub struct Reservation {
    tenant: Arc<Tenant>,
    clock: Clock,
    needs: Vec<Need>,
    taken: Vec<Taken>,
}

impl Budget {
    /// Spends slices that this count leases.
    pub fn new(slices: Arc<dyn Slices>, clock: Clock) -> Self {
        Self { slices, clock, tenants: Mutex::default() }
    }

    /// Reserves the amounts under every limit, or under none.
    pub async fn reserve(&self, tenant: Uuid, limits: &[Limit], amounts: Amounts) -> Result<Reservation, Refused> {
        let local = self.tenant(tenant);
        let now = (self.clock)();
        let mut needs = needs(tenant, limits, amounts, now)?;
        let taken = local.lock().take_all(&mut needs, now);
        if let Some(taken) = taken {
            return Ok(self.reservation(local, needs, taken));
        }

        let turn = local.turn.lock().await;
        // While this call waited for its turn, another one may have leased enough, and the window may have changed.
        let now = (self.clock)();
        let mut needs = self::needs(tenant, limits, amounts, now)?;
        let mut pending = Pending { tenant: local.clone(), taken: Vec::new(), debts: Vec::new() };
        let wants = {
            let mut held = local.lock();
            let wants = held.take_some(&mut needs, now, &mut pending.taken);
            pending.debts.extend(needs.iter().map(|need| (need.counter, need.debt)));
            wants
        };
        if !wants.is_empty() {
            let slices = self.slices.lease(&wants).await?;
            let is_enough = slices.len() == wants.len() && slices.iter().zip(&wants).all(|(slice, want)| slice.granted >= want.need);
            if !is_enough {
                return Err(Refused::Unavailable);
            }
            local.lock().add(&wants, &slices, now, &mut pending.taken);
        }
        drop(turn);
        Ok(self.reservation(local, needs, pending.keep()))
    }

    fn reservation(&self, tenant: Arc<Tenant>, needs: Vec<Need>, taken: Vec<Taken>) -> Reservation {
        Reservation { tenant, clock: self.clock.clone(), needs, taken }
    }

    /// Gives back what lies idle or is about to expire. To be called about once a second; what cannot be given back stays spent.
    pub async fn give_back_idle(&self) -> Result<(), Unreachable> {
        self.give_back(IDLE_MS).await
    }

    /// Gives back everything that is not reserved, before the process ends.
    pub async fn give_back_all(&self) -> Result<(), Unreachable> {
        self.give_back(i64::MIN).await
    }

    async fn give_back(&self, idle_ms: i64) -> Result<(), Unreachable> {
        let now = (self.clock)();
        let mut unused = Vec::new();
        self.lock().retain(|_, tenant| {
            let mut local = tenant.lock();
            local.release(now, idle_ms, &mut unused);
            let in_use = !local.counters.is_empty();
            drop(local);
            in_use || Arc::strong_count(tenant) > 1
        });
        if unused.is_empty() { Ok(()) } else { self.slices.give_back(&unused).await }
    }

    fn tenant(&self, id: Uuid) -> Arc<Tenant> {
        self.lock().entry(id).or_default().clone()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Arc<Tenant>>> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the limits count of this; of two that count the same the smaller one holds.
fn needs(tenant: Uuid, limits: &[Limit], amounts: Amounts, now: i64) -> Result<Vec<Need>, Refused> {
    let mut needs: Vec<Need> = Vec::with_capacity(limits.len());
    for limit in limits {
        let counter = limit.counter(tenant, now);
        let amount = amounts.of(limit.metric).max(0);
        if amount > limit.cap {
            return Err(Refused::TooLarge { counter });
        }
        match needs.iter_mut().find(|need| need.counter == counter) {
            Some(need) => need.cap = need.cap.min(limit.cap),
            None => needs.push(Need { counter, amount, cap: limit.cap, debt: 0 }),
        }
    }
    Ok(needs)
}

impl Tenant {
    fn lock(&self) -> MutexGuard<'_, Local> {
        self.local.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Local {
    fn free(&self, counter: &Counter, now: i64) -> i64 {
        self.counters.get(counter).map_or(0, |held| held.slices.iter().filter(|slice| slice.expires_at > now).map(|slice| slice.free).sum())
    }

    fn debt(&self, counter: &Counter) -> i64 {
        self.counters.get(counter).map_or(0, |held| held.debt)
    }

    /// All of it, debts included, or nothing.
    fn take_all(&mut self, needs: &mut [Need], now: i64) -> Option<Vec<Taken>> {
        if needs.iter().any(|need| self.free(&need.counter, now) < need.amount.saturating_add(self.debt(&need.counter))) {
            return None;
        }
        let mut taken = Vec::with_capacity(needs.len());
        self.take_some(needs, now, &mut taken);
        Some(taken)
    }

    /// As much as there is; returns what is wanted beyond.
    fn take_some(&mut self, needs: &mut [Need], now: i64, taken: &mut Vec<Taken>) -> Vec<Want> {
        let mut wants = Vec::new();
        for need in needs {
            let held = self.counters.entry(need.counter).or_default();
            held.used_at = now;
            need.debt = std::mem::take(&mut held.debt);
            let mut missing = need.amount.saturating_add(need.debt);
            for slice in held.slices.iter_mut().filter(|slice| slice.expires_at > now && slice.free > 0) {
                let amount = missing.min(slice.free);
                if amount > 0 {
                    slice.free -= amount;
                    slice.reservations += 1;
                    missing -= amount;
                    taken.push(Taken { counter: need.counter, slice: slice.id, amount });
                }
            }
            if missing > 0 {
                held.calls = if now - held.leased_at < LASTS_MS { (held.calls * 2).clamp(CALLS, CALLS_MAX) } else { CALLS };
                wants.push(Want { counter: need.counter, need: missing, like: need.amount.saturating_mul(held.calls), cap: need.cap });
            }
        }
        wants
    }

    /// Keeps what was leased, less what was wanted of it.
    fn add(&mut self, wants: &[Want], slices: &[Slice], now: i64, taken: &mut Vec<Taken>) {
        for (want, slice) in wants.iter().zip(slices) {
            let held = self.counters.entry(want.counter).or_default();
            held.leased_at = now;
            held.slices.push(Leased { id: slice.id, free: slice.granted - want.need, reservations: 1, expires_at: slice.expires_at });
            taken.push(Taken { counter: want.counter, slice: slice.id, amount: want.need });
        }
    }

    fn put_back(&mut self, taken: &Taken, amount: i64, now: i64) {
        if let Some(leased) = self.leased(taken).filter(|leased| leased.expires_at > now) {
            leased.free += amount;
        }
    }

    /// A reservation is over; what is spent and waits for no other is forgotten.
    fn close(&mut self, taken: &Taken) {
        if let Some(leased) = self.leased(taken) {
            leased.reservations = leased.reservations.saturating_sub(1);
            if leased.reservations == 0
                && leased.free == 0
                && let Some(held) = self.counters.get_mut(&taken.counter)
            {
                held.slices.retain(|leased| leased.id != taken.slice);
            }
        }
    }

    fn leased(&mut self, taken: &Taken) -> Option<&mut Leased> {
        self.counters.get_mut(&taken.counter)?.slices.iter_mut().find(|leased| leased.id == taken.slice)
    }

    fn release(&mut self, now: i64, idle_ms: i64, unused: &mut Vec<Unused>) {
        self.counters.retain(|counter, held| {
            let is_idle = now.saturating_sub(held.used_at) >= idle_ms || counter.ends_at <= now;
            for slice in &mut held.slices {
                if slice.free > 0 && slice.expires_at > now && (is_idle || slice.expires_at - now <= MARGIN_MS) {
                    unused.push(Unused { counter: *counter, slice: slice.id, amount: std::mem::take(&mut slice.free) });
                }
            }
            held.slices.retain(|slice| slice.expires_at > now && (slice.free > 0 || slice.reservations > 0));
            (!held.slices.is_empty() || held.debt > 0) && counter.ends_at > now
        });
    }
}

/// Taken while more is being leased; put back if that fails or its future is dropped.
struct Pending {
    tenant: Arc<Tenant>,
    taken: Vec<Taken>,
    debts: Vec<(Counter, i64)>,
}

impl Pending {
    fn keep(mut self) -> Vec<Taken> {
        self.debts.clear();
        std::mem::take(&mut self.taken)
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let mut local = self.tenant.lock();
        for taken in &self.taken {
            // Whether it has expired meanwhile is seen when it is taken again.
            local.put_back(taken, taken.amount, i64::MIN);
            local.close(taken);
        }
        for (counter, debt) in self.debts.iter().filter(|(_, debt)| *debt > 0) {
            local.counters.entry(*counter).or_default().debt += debt;
        }
    }
}

impl Reservation {
    /// Replaces the estimate by what was really used. What was used beyond it is owed, what was not used may be spent again.
    pub fn settle(self, used: Amounts) {
        let now = (self.clock)();
        let mut local = self.tenant.lock();
        for need in &self.needs {
            let mut rest = need.amount - used.of(need.counter.metric).max(0);
            if rest < 0 {
                let held = local.counters.entry(need.counter).or_default();
                held.debt = held.debt.saturating_sub(rest);
                held.used_at = now;
            }
            for taken in self.taken.iter().rev().filter(|taken| taken.counter == need.counter) {
                let amount = rest.min(taken.amount);
                if amount > 0 {
                    local.put_back(taken, amount, now);
                    rest -= amount;
                }
            }
        }
    }

    /// Nothing was used, for certain: the call never left.
    pub fn cancel(self) {
        self.settle(Amounts::default());
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut local = self.tenant.lock();
        for taken in &self.taken {
            local.close(taken);
        }
    }
}

impl std::fmt::Debug for Reservation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reservation").field("counters", &self.needs.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
