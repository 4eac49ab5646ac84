//! What is noted of one call, whichever way it ends: an entry of the ledger and, where the tenant wants it, the masked texts.
//!
//! A [`Record`] that is dropped is written all the same: then the caller went away.

use crate::state::AppState;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use steward_ai::access::{Caller, Prompt};
use steward_ai::exchange::Exchange;
use steward_ai::ledger::{Entry, Outcome};
use steward_llm::limit::Counter;
use steward_llm::price::{Cost, Tokens};
use steward_llm::{ChatRequest, Message};

/// One call, until it is over.
pub(super) struct Record {
    state: AppState,
    entry: Option<Entry>,
    started: Instant,
    totals: Totals,
    /// What was asked, where the tenant keeps it.
    prompt: Option<String>,
    answer: String,
}

/// What the attempts of a call have used so far. Clones share it: a ticket may be settled by a destructor.
#[derive(Clone, Debug, Default)]
pub(super) struct Totals(Arc<Mutex<Sum>>);

#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    tokens: Tokens,
    reasoning: u64,
    nano_dollars: i64,
    /// A model without a price was used.
    is_unpriced: bool,
    attempts: u32,
}

impl Totals {
    pub(super) fn add(&self, tokens: Tokens, reasoning: u64, cost: Cost) {
        let mut sum = self.lock();
        let add = |sum: &mut u64, more: u64| *sum = sum.saturating_add(more);
        add(&mut sum.tokens.input, tokens.input);
        add(&mut sum.tokens.cache_read, tokens.cache_read);
        add(&mut sum.tokens.cache_write, tokens.cache_write);
        add(&mut sum.tokens.cache_write_long, tokens.cache_write_long);
        add(&mut sum.tokens.output, tokens.output);
        add(&mut sum.reasoning, reasoning);
        sum.nano_dollars = sum.nano_dollars.saturating_add(cost.nano_dollars());
        sum.is_unpriced |= cost == Cost::Unpriced;
    }

    pub(super) fn attempted(&self, number: u32) {
        let mut sum = self.lock();
        sum.attempts = sum.attempts.max(number);
    }

    fn lock(&self) -> MutexGuard<'_, Sum> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Record {
    pub(super) fn begin(state: &AppState, caller: &Caller, door: &str, alias: &str) -> Self {
        let entry = Entry::of(caller, door, alias, state.kernel.clock.now());
        Self { state: state.clone(), entry: Some(entry), started: Instant::now(), totals: Totals::default(), prompt: None, answer: String::new() }
    }

    /// Says that the request it belongs to counts elsewhere.
    pub(super) fn is_part(&mut self) {
        if let Some(entry) = &mut self.entry {
            entry.is_part = true;
        }
    }

    /// The tenant's prompt is part of the instructions.
    pub(super) fn instructed_by(&mut self, prompt: Option<&Prompt>) {
        if let Some(entry) = &mut self.entry {
            entry.prompt = prompt.map(|prompt| (prompt.id, prompt.number));
        }
    }

    /// Keeps the texts, as far as the tenant wants them kept. They are masked before they are written.
    pub(super) fn keep(&mut self, caller: &Caller, request: &ChatRequest) {
        if caller.settings().prompt_log {
            let texts: Vec<_> = request.messages.iter().map(Message::text).collect();
            self.prompt = Some(texts.join("\n\n"));
        }
    }

    /// The same of what a person asked last, without what was looked up for it.
    pub(super) fn keep_question(&mut self, caller: &Caller, request: &ChatRequest) {
        if caller.settings().prompt_log {
            let question = request.messages.iter().rfind(|message| matches!(message, Message::User { .. }));
            self.prompt = question.map(|message| message.text().into_owned());
        }
    }

    pub(super) fn said(&mut self, words: &str) {
        if self.prompt.is_some() {
            self.answer.push_str(words);
        }
    }

    /// What its attempts use is summed up here.
    pub(super) fn totals(&self) -> Totals {
        self.totals.clone()
    }

    pub(super) fn served_by(&mut self, provider: &str, model: &str) {
        if let Some(entry) = &mut self.entry {
            entry.provider = Some(provider.to_owned());
            entry.model = Some(model.to_owned());
        }
    }

    pub(super) fn first_token(&mut self) {
        let after = self.started.elapsed();
        if let Some(entry) = &mut self.entry {
            entry.first_token.get_or_insert(after);
        }
    }

    pub(super) fn refused_by(&mut self, counter: Option<Counter>) {
        if let Some(entry) = &mut self.entry {
            entry.refused_by = counter;
        }
    }

    /// The end.
    pub(super) fn end(mut self, outcome: Outcome, code: Option<&str>) {
        self.write(outcome, code);
    }

    fn write(&mut self, outcome: Outcome, code: Option<&str>) {
        let Some(mut entry) = self.entry.take() else { return };
        entry.code = code.map(str::to_owned);
        entry.duration = self.started.elapsed();
        let sum = *self.totals.lock();
        // What was refused counts nothing; what was spent before counts, so such a call has failed.
        let has_spent = sum.nano_dollars > 0 || sum.tokens != Tokens::default();
        let outcome = if outcome == Outcome::Refused && has_spent { Outcome::Failed } else { outcome };
        entry.outcome = outcome;
        (entry.tokens, entry.reasoning_tokens, entry.attempts) = (sum.tokens, sum.reasoning, sum.attempts);
        entry.cost = if sum.is_unpriced && sum.nano_dollars == 0 { Cost::Unpriced } else { Cost::Priced(sum.nano_dollars) };
        let answer = std::mem::take(&mut self.answer);
        let exchange = self.prompt.take().map(|prompt| Exchange { prompt, answer });
        metrics::counter!("steward_models_calls_total", "door" => entry.door.clone(), "outcome" => outcome.code()).increment(1);
        let state = self.state.clone();
        // Not in the caller's future: he may be gone.
        self.state.tasks.spawn(async move { state.ai.ledger.record(entry, exchange).await });
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.write(Outcome::Cancelled, None);
    }
}
