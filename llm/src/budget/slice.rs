//! How several processes share one bound: each leases slices of it and spends them by itself.
//!
//! Start at [`Slices`]. Whoever keeps the count only ever adds up what it leased; what it leased is spent for it until it is given
//! back in time. So no process can spend what another may spend, whatever happens to either of them.

use futures::future::BoxFuture;
use uuid::Uuid;

use crate::limit::{Counter, Refused};

/// Names a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SliceId(pub Uuid);

/// A wish for a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Want {
    /// Of which counter.
    pub counter: Counter,
    /// What it must hold at least.
    pub need: i64,
    /// What it should hold, so that the next call need not ask again.
    pub like: i64,
    /// The bound.
    pub cap: i64,
}

/// A part of a bound that one process may spend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// Its name.
    pub id: SliceId,
    /// How much it holds.
    pub granted: i64,
    /// From then on nothing of it may be spent or given back, in milliseconds since 1970.
    pub expires_at: i64,
}

/// A part of a slice that was not spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unused {
    /// Of which counter.
    pub counter: Counter,
    /// Of which slice.
    pub slice: SliceId,
    /// How much.
    pub amount: i64,
}

/// What was not given back is lost to the window, and nothing worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the count of limits cannot be reached")]
pub struct Unreachable;

/// Who keeps the count.
pub trait Slices: Send + Sync {
    /// A slice for each want, in their order, or none at all. A slice holds at least what is needed, and more only up to what is
    /// liked and to a sixteenth of what is left, see [`Want::share`].
    fn lease<'a>(&'a self, wants: &'a [Want]) -> BoxFuture<'a, Result<Vec<Slice>, Refused>>;

    /// Takes back parts of slices that were not spent. What has expired is not taken back.
    fn give_back<'a>(&'a self, unused: &'a [Unused]) -> BoxFuture<'a, Result<(), Unreachable>>;
}

impl Want {
    /// What is granted when so much of the bound is leased already; `None` if it does not fit.
    pub fn share(&self, leased: i64) -> Option<i64> {
        let left = self.cap.saturating_sub(leased);
        (self.need <= left).then(|| self.need.max(self.like.min(left / 16)))
    }
}
