//! What a call may cost and what it did: every attempt reserves at the price of its target, and settles.
//!
//! Start at [`Account`], the meter of one call. A request counts once, however many attempts it takes; tokens and money count for each
//! attempt. Where nobody knows what an attempt used, what was reserved counts.

use super::record::Totals;
use crate::state::AppState;
use chrono::NaiveDate;
use futures::FutureExt;
use futures::future::BoxFuture;
use metrics::SharedString;
use std::sync::{Arc, Mutex, PoisonError};
use steward_ai::access::Caller;
use steward_llm::dispatch::{Attempted, Meter, Planned, Refusal, Settlement, Ticket, Used};
use steward_llm::limit::{Amounts, Limit, Metric, Refused};
use steward_llm::price::{Cost, Request, Tokens};
use steward_llm::{Usage, budget};
use uuid::Uuid;

/// The code of a refusal that a limit made; which one is asked of [`Account::refused`].
const LIMIT: &str = "limit";
/// A budget of money cannot be kept for a model without a price.
pub(super) const NO_PRICE: &str = "price_unknown";

/// The meter of one call.
pub(super) struct Account {
    state: AppState,
    tenant: Uuid,
    limits: Vec<Limit>,
    day: NaiveDate,
    totals: Totals,
    /// What counts as a request.
    requests: i64,
    refused: Mutex<Option<Refused>>,
}

impl Account {
    pub(super) fn of(state: &AppState, caller: &Caller, totals: Totals) -> Self {
        let day = state.kernel.clock.now().date_naive();
        Self { state: state.clone(), tenant: caller.tenant, limits: caller.limits(), day, totals, requests: 1, refused: Mutex::default() }
    }

    /// The same for a call of a request that counts elsewhere: it counts with its tokens and its money only.
    pub(super) fn of_part(self) -> Self {
        Self { requests: 0, ..self }
    }

    /// The limit that ended the call.
    pub(super) fn refused(&self) -> Option<Refused> {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call that costs nothing.
    pub(super) async fn count(&self) -> Result<(), Refused> {
        let one = Amounts { requests: 1, ..Amounts::default() };
        self.state.ai.budget.reserve(self.tenant, &self.limits, one).await?.settle(one);
        Ok(())
    }

    /// What an attempt costs at most, where that can be paid.
    fn ceiling(&self, (provider, model): (&str, &str), size: Request) -> Result<Cost, Refusal> {
        match self.state.doors.prices.ceiling(provider, model, self.day, size) {
            Ok(cost @ Cost::Priced(_)) => Ok(cost),
            _ if self.limits.iter().any(|limit| limit.metric == Metric::NanoDollars) => Err(Refusal { code: NO_PRICE, retry_after: None, source: None }),
            _ => Ok(Cost::Unpriced),
        }
    }

    async fn reserve(&self, planned: Planned<'_>) -> Result<Box<dyn Ticket>, Refusal> {
        let (provider, model) = planned.price;
        let cost = self.ceiling(planned.price, planned.size)?;
        let tokens = planned.size.tokens_max().saturating_add(planned.size.output_max);
        let requests = if planned.number == 1 { self.requests } else { 0 };
        let amounts = Amounts { requests, tokens: i64::try_from(tokens).unwrap_or(i64::MAX), nano_dollars: cost.nano_dollars() };
        let reservation = match self.state.ai.budget.reserve(self.tenant, &self.limits, amounts).await {
            Ok(reservation) => reservation,
            Err(refused) => {
                *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(refused);
                let now = self.state.kernel.clock.now().timestamp_millis();
                return Err(Refusal { code: LIMIT, retry_after: refused.retry_after(now), source: Some(Box::new(refused)) });
            }
        };
        let price = (provider.to_owned(), model.to_owned());
        Ok(Box::new(Reserved { reservation, amounts, cost, price, state: self.state.clone(), day: self.day, totals: self.totals.clone() }))
    }
}

impl Meter for Account {
    fn admits(&self, price: (&str, &str), size: Request) -> Result<(), Refusal> {
        self.ceiling(price, size).map(drop)
    }

    fn reserve<'a>(&'a self, planned: Planned<'a>) -> BoxFuture<'a, Result<Box<dyn Ticket>, Refusal>> {
        self.reserve(planned).boxed()
    }
}

struct Reserved {
    reservation: budget::Reservation,
    amounts: Amounts,
    /// At most.
    cost: Cost,
    /// Provider and name in the price table.
    price: (String, String),
    state: AppState,
    day: NaiveDate,
    totals: Totals,
}

impl Reserved {
    fn cost_of(&self, usage: Usage) -> Cost {
        let (provider, model) = &self.price;
        // A price is never taken out of the table while the program runs.
        self.state.doors.prices.cost(provider, model, self.day, usage.into()).unwrap_or(self.cost)
    }
}

impl Ticket for Reserved {
    fn settle(self: Box<Self>, settlement: Settlement) {
        let requests = self.amounts.requests;
        let attempt = settlement.attempt;
        match settlement.used {
            Used::Nothing => self.reservation.settle(Amounts { requests, ..Amounts::default() }),
            Used::Exactly(usage) => {
                let cost = self.cost_of(usage);
                let tokens = i64::try_from(usage.input_tokens.saturating_add(usage.output_tokens)).unwrap_or(i64::MAX);
                self.totals.add(usage.into(), usage.reasoning_tokens, cost);
                tell(&attempt, cost);
                self.reservation.settle(Amounts { requests, tokens, nano_dollars: cost.nano_dollars() });
            }
            Used::Uncertain(told) => {
                // The ledger tells what is charged: what was told of it as tokens, the money as it was reserved.
                let tokens = told.map_or(Tokens { input: u64::try_from(self.amounts.tokens).unwrap_or(0), ..Tokens::default() }, Tokens::from);
                self.totals.add(tokens, told.map_or(0, |usage| usage.reasoning_tokens), self.cost);
                tell(&attempt, self.cost);
                drop(self.reservation);
            }
        }
        self.totals.attempted(attempt.number);
    }
}

/// What an attempt cost, for those who watch the program.
fn tell(attempt: &Attempted, cost: Cost) {
    let (provider, model) = (SharedString::from_shared(Arc::clone(&attempt.provider)), SharedString::from_shared(Arc::clone(&attempt.model)));
    let nano_dollars = u64::try_from(cost.nano_dollars()).unwrap_or(0);
    metrics::counter!("steward_models_cost_nano_dollars_total", "provider" => provider, "model" => model).increment(nano_dollars);
}
