//! Events: what happened, told after the commit, at least once.
//!
//! A subscription declares itself transactional (it only writes to this database: it is applied exactly once, because
//! its delivery is recorded in the same transaction, and a preview runs it too) or external (everything else).

use crate::command::Boxed;
use crate::error::Result;
use crate::work::Work;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::future::Future;
use std::marker::PhantomData;
use uuid::Uuid;

/// A row of the outbox.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Event {
    pub tenant: Uuid,
    /// Transaction and position within it: the event's identity and order.
    pub xid: i64,
    pub ordinal: i32,
    /// `true` for a changed row (name is the resource), `false` for a domain event (`sales.order.confirmed`).
    pub change: bool,
    pub name: String,
    pub entity: Option<Uuid>,
    pub version: Option<i64>,
    pub payload: Value,
    pub actor: Option<Uuid>,
    pub correlation: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Writes to this database only.
    Transactional,
    /// Touches the world outside: never run in a preview, which lists it under "follows".
    External,
}

/// A module's interest in events of others.
pub trait Subscription: Send + Sync + 'static {
    /// `inventory.on_order_cancelled`; the name of its cursor and of its audit rows.
    const NAME: &'static str;
    /// Exact names of domain events.
    const EVENTS: &'static [&'static str];
    const DELIVERY: Delivery;
    /// Commands it may call and queries it may ask.
    const CALLS: &'static [&'static str] = &[];
    fn handle(event: Event, work: &mut Work) -> impl Future<Output = Result<()>> + Send;
}

pub trait ErasedSubscription: Send + Sync {
    fn name(&self) -> &'static str;
    fn events(&self) -> &'static [&'static str];
    fn delivery(&self) -> Delivery;
    fn calls(&self) -> &'static [&'static str];
    fn run<'a>(&'a self, event: Event, work: &'a mut Work) -> Boxed<'a, Result<()>>;
}

pub(crate) struct TypedSubscription<S>(pub(crate) PhantomData<fn() -> S>);

impl<S: Subscription> ErasedSubscription for TypedSubscription<S> {
    fn name(&self) -> &'static str {
        S::NAME
    }
    fn events(&self) -> &'static [&'static str] {
        S::EVENTS
    }
    fn delivery(&self) -> Delivery {
        S::DELIVERY
    }
    fn calls(&self) -> &'static [&'static str] {
        S::CALLS
    }
    fn run<'a>(&'a self, event: Event, work: &'a mut Work) -> Boxed<'a, Result<()>> {
        Box::pin(S::handle(event, work))
    }
}
