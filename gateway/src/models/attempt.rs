//! One question to a model from the screen: as the person, with his limits, the tenant's guard, and an entry in the ledger.

use super::account::Account;
use super::call::{ended, failed, shielded};
use super::problem::Refusal;
use super::record::Record;
use crate::state::AppState;
use std::time::{Duration, Instant};
use steward_ai::ledger::Outcome;
use steward_llm::chat::Delivery;
use steward_llm::dispatch::Call;
use steward_llm::{ChatRequest, Message};
use uuid::Uuid;

const DOOR: &str = "screen";
const ANSWER_TOKENS_MAX: u32 = 300;
const LONGEST: Duration = Duration::from_secs(25);

/// What came of it.
pub(crate) enum Attempt {
    Answered { text: String, provider: String, model: String, milliseconds: u128 },
    Refused { code: String, message: String },
}

impl From<Refusal> for Attempt {
    fn from(refusal: Refusal) -> Self {
        Self::Refused { code: refusal.code().to_owned(), message: refusal.message().to_owned() }
    }
}

/// Asks.
pub(crate) async fn attempt(state: &AppState, tenant: Uuid, user: Uuid, alias: &str, text: &str) -> Attempt {
    match answer(state, tenant, user, alias, text).await {
        Ok(answered) => answered,
        Err(refusal) => refusal.into(),
    }
}

async fn answer(state: &AppState, tenant: Uuid, user: Uuid, alias: &str, text: &str) -> Result<Attempt, Refusal> {
    let caller = state.ai.access.person(tenant, user).await?.ok_or_else(|| Refusal::no_model(alias))?;
    if state.models.live().snapshot().alias(alias).is_none() || !caller.may_use(alias) {
        return Err(Refusal::no_model(alias));
    }
    let started = Instant::now();
    let request = ChatRequest::new(vec![Message::user(text)], ANSWER_TOKENS_MAX, started + LONGEST);
    let request = ChatRequest { delivery: Delivery::Whole, ..request };
    let (request, shield, mut record) = shielded(&caller, request, Record::begin(state, &caller, DOOR, alias))?;
    let account = Account::of(state, &caller, record.totals());
    let call = Call { alias, meter: &account, last_resort: None };
    let now = state.kernel.clock.now().timestamp_millis();
    let served = match state.models.chat(&call, &request).await {
        Ok(served) => served,
        Err(error) => return Err(failed(record, &account, &error, now)),
    };
    record.served_by(&served.provider, &served.model);
    let (provider, model) = (served.provider.to_string(), served.model.to_string());
    let reply = match served.answer.into_reply().await.and_then(|reply| shield.reply(reply)) {
        Ok((reply, _)) => reply,
        Err(error) => return Err(ended(record, &error)),
    };
    record.first_token();
    record.end(Outcome::Answered, None);
    Ok(Attempt::Answered { text: reply.text().into_owned(), provider, model, milliseconds: started.elapsed().as_millis() })
}
