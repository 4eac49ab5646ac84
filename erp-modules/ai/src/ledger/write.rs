//! The transaction that writes entries of one tenant: the rows, the sums of their days, what they used of budgets, the alerts, and
//! the texts where the tenant wants them kept. Only rows that were not there yet count, so that it may be run again.

use super::{Entry, Outcome, Waiting};
use crate::access::{Bound, State};
use crate::alert::{self, Crossed};
use crate::exchange::Masked;
use chrono::{DateTime, NaiveDate, Utc};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use steward_kernel::bus::Kernel;
use steward_kernel::error::During;
use steward_kernel::{Door, Error, Principal, Result, Work, ids};
use steward_llm::limit::Scope;
use steward_llm::price::Cost;
use uuid::Uuid;

pub(super) async fn write(kernel: &Arc<Kernel>, state: &State, tenant: Uuid, entries: &[Waiting]) -> Result<()> {
    // Before the transaction opens: looking at long texts takes its time.
    let masked = if state.settings.prompt_log { masked(state, entries).await? } else { HashMap::new() };
    let principal = Principal::system(tenant, Door::Job, "ai.ledger");
    let mut work = kernel.record(&principal, "ai.ledger").await?;
    let entries: Vec<&Waiting> = entries.iter().collect();
    let fresh = requests(&mut work, &entries).await?;
    let fresh: Vec<&Waiting> = entries.into_iter().filter(|waiting| fresh.contains(&waiting.entry.id)).collect();
    if !fresh.is_empty() {
        days(&mut work, state, &fresh).await?;
        budgets(&mut work, state, &fresh).await?;
        exchanges(&mut work, &fresh, masked).await?;
    }
    work.finish_record().await
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// What a text of a request may not hold in the database.
fn text(text: &str) -> String {
    text.chars().filter(|c| *c != '\0').take(200).collect()
}

/// The rows; returns the ids of those that were not there.
async fn requests(work: &mut Work, entries: &[&Waiting]) -> Result<HashSet<Uuid>> {
    let of = |entry: fn(&Entry) -> i64| -> Vec<i64> { entries.iter().map(|waiting| entry(&waiting.entry)).collect() };
    let texts = |entry: fn(&Entry) -> &str| -> Vec<String> { entries.iter().map(|waiting| text(entry(&waiting.entry))).collect() };
    let options =
        |entry: fn(&Entry) -> &Option<String>| -> Vec<Option<String>> { entries.iter().map(|waiting| entry(&waiting.entry).as_deref().map(text)).collect() };
    let ids: Vec<Uuid> = entries.iter().map(|waiting| waiting.entry.id).collect();
    let started: Vec<DateTime<Utc>> = entries.iter().map(|waiting| waiting.entry.started_at).collect();
    let users: Vec<Option<Uuid>> = entries.iter().map(|waiting| Some(waiting.entry.user).filter(|user| !user.is_nil())).collect();
    let keys: Vec<Option<Uuid>> = entries.iter().map(|waiting| waiting.entry.key).collect();
    let priced: Vec<bool> = entries.iter().map(|waiting| waiting.entry.cost != Cost::Unpriced).collect();
    let first: Vec<Option<i64>> = entries.iter().map(|waiting| waiting.entry.first_token.map(milliseconds)).collect();
    let prompts: Vec<Option<Uuid>> = entries.iter().map(|waiting| waiting.entry.prompt.map(|(prompt, _)| prompt)).collect();
    let numbers: Vec<Option<i64>> = entries.iter().map(|waiting| waiting.entry.prompt.map(|(_, number)| number)).collect();
    let tenant = work.tenant();
    let written = sqlx::query_scalar!(
        "INSERT INTO ai_request (tenant_id, id, created_at, door, alias, provider, model, user_id, key_id, outcome, code, attempts,
                input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost_nano, priced, duration_ms, first_token_ms, prompt_id, prompt_number)
         SELECT $1::uuid, r.* FROM unnest($2::uuid[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[], $8::uuid[], $9::uuid[], $10::text[], $11::text[], $12::bigint[],
                $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[], $19::boolean[], $20::bigint[], $21::bigint[], $22::uuid[], $23::bigint[]) AS r
         ON CONFLICT (tenant_id, id) DO NOTHING RETURNING id",
        tenant,
        &ids,
        &started,
        &texts(|entry| &entry.door),
        &texts(|entry| &entry.alias),
        &options(|entry| &entry.provider) as &[Option<String>],
        &options(|entry| &entry.model) as &[Option<String>],
        &users as &[Option<Uuid>],
        &keys as &[Option<Uuid>],
        &texts(|entry| entry.outcome.code()),
        &options(|entry| &entry.code) as &[Option<String>],
        &of(|entry| i64::from(entry.attempts)),
        &of(|entry| whole(entry.tokens.input)),
        &of(|entry| whole(entry.tokens.cache_read)),
        &of(|entry| whole(entry.tokens.cache_write.saturating_add(entry.tokens.cache_write_long))),
        &of(|entry| whole(entry.tokens.output)),
        &of(|entry| whole(entry.reasoning_tokens)),
        &of(|entry| entry.cost.nano_dollars()),
        &priced,
        &of(|entry| milliseconds(entry.duration)),
        &first as &[Option<i64>],
        &prompts as &[Option<Uuid>],
        &numbers as &[Option<i64>]
    )
    .fetch_all(work.db())
    .await
    .during("write the ledger")?;
    Ok(written.into_iter().collect())
}

/// What the sums of a day are by.
type Group = (NaiveDate, Uuid, Uuid, String, String, String, String);

#[derive(Default)]
struct Sums {
    requests: i64,
    failed: i64,
    refused: i64,
    unpriced: i64,
    input: i64,
    cache_read: i64,
    cache_write: i64,
    output: i64,
    reasoning: i64,
    cost: i64,
}

impl Sums {
    fn add(&mut self, entry: &Entry) {
        let is_refused = entry.outcome == Outcome::Refused;
        self.requests += i64::from(!is_refused && !entry.is_part);
        self.refused += i64::from(is_refused);
        self.failed += i64::from(entry.outcome == Outcome::Failed);
        self.unpriced += i64::from(entry.cost == Cost::Unpriced);
        for (sum, more) in [
            (&mut self.input, whole(entry.tokens.input)),
            (&mut self.cache_read, whole(entry.tokens.cache_read)),
            (&mut self.cache_write, whole(entry.tokens.cache_write.saturating_add(entry.tokens.cache_write_long))),
            (&mut self.output, whole(entry.tokens.output)),
            (&mut self.reasoning, whole(entry.reasoning_tokens)),
            (&mut self.cost, entry.cost.nano_dollars()),
        ] {
            *sum = sum.saturating_add(more);
        }
    }
}

async fn days(work: &mut Work, state: &State, fresh: &[&Waiting]) -> Result<()> {
    let mut groups: BTreeMap<Group, Sums> = BTreeMap::new();
    for Waiting { entry, .. } in fresh {
        let day = entry.started_at.with_timezone(&state.zone).date_naive();
        let named = |name: &Option<String>| name.as_deref().map(text).unwrap_or_default();
        let group = (day, entry.user, entry.key.unwrap_or_default(), text(&entry.door), text(&entry.alias), named(&entry.provider), named(&entry.model));
        groups.entry(group).or_default().add(entry);
    }
    // In the order of the keys, in which every process locks the rows.
    let of = |sum: fn(&Sums) -> i64| -> Vec<i64> { groups.values().map(sum).collect() };
    let (days, users, keys): (Vec<NaiveDate>, Vec<Uuid>, Vec<Uuid>) =
        (groups.keys().map(|group| group.0).collect(), groups.keys().map(|group| group.1).collect(), groups.keys().map(|group| group.2).collect());
    let texts = |text: fn(&Group) -> &String| -> Vec<String> { groups.keys().map(|group| text(group).clone()).collect() };
    let tenant = work.tenant();
    sqlx::query!(
        "INSERT INTO ai_usage_day AS d (tenant_id, day, user_id, key_id, door, alias, provider, model, requests, failed, refused, unpriced,
                input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost_nano)
         SELECT $1::uuid, r.* FROM unnest($2::date[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[],
                $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[]) AS r
         ON CONFLICT (tenant_id, day, user_id, key_id, door, alias, provider, model) DO UPDATE
            SET requests = d.requests + excluded.requests, failed = d.failed + excluded.failed, refused = d.refused + excluded.refused,
                unpriced = d.unpriced + excluded.unpriced, input_tokens = d.input_tokens + excluded.input_tokens,
                cache_read_tokens = d.cache_read_tokens + excluded.cache_read_tokens, cache_write_tokens = d.cache_write_tokens + excluded.cache_write_tokens,
                output_tokens = d.output_tokens + excluded.output_tokens, reasoning_tokens = d.reasoning_tokens + excluded.reasoning_tokens,
                cost_nano = d.cost_nano + excluded.cost_nano",
        tenant,
        &days,
        &users,
        &keys,
        &texts(|group| &group.3),
        &texts(|group| &group.4),
        &texts(|group| &group.5),
        &texts(|group| &group.6),
        &of(|sums| sums.requests),
        &of(|sums| sums.failed),
        &of(|sums| sums.refused),
        &of(|sums| sums.unpriced),
        &of(|sums| sums.input),
        &of(|sums| sums.cache_read),
        &of(|sums| sums.cache_write),
        &of(|sums| sums.output),
        &of(|sums| sums.reasoning),
        &of(|sums| sums.cost)
    )
    .execute(work.db())
    .await
    .during("add up the day")?;
    Ok(())
}

/// What was used of a budget in a period, and whether a call was refused for want of it.
struct Use<'a> {
    bound: &'a Bound,
    starts_at: i64,
    ends_at: i64,
    amount: i64,
    is_full: bool,
}

async fn budgets(work: &mut Work, state: &State, fresh: &[&Waiting]) -> Result<()> {
    let tenant = work.tenant();
    let mut uses: BTreeMap<(Uuid, i64), Use<'_>> = BTreeMap::new();
    for Waiting { entry, .. } in fresh {
        let (amounts, at) = (entry.amounts(), entry.started_at.timestamp_millis());
        for bound in state.budgets.iter().filter(|bound| bound.concerns(entry.user, entry.key)) {
            // A call may have waited until the next period began before it was refused.
            let refused = entry.refused_by.filter(|counter| bound.limit.counter(tenant, counter.starts_at) == *counter);
            let counter = refused.unwrap_or_else(|| bound.limit.counter(tenant, at));
            let (starts_at, ends_at) = (counter.starts_at, counter.ends_at);
            let one = uses.entry((bound.id, starts_at)).or_insert(Use { bound, starts_at, ends_at, amount: 0, is_full: false });
            one.amount = one.amount.saturating_add(amounts.of(counter.metric).max(0));
            one.is_full |= refused.is_some();
        }
    }
    if uses.is_empty() {
        return Ok(());
    }
    let moments = |at: fn(&Use<'_>) -> i64| -> Vec<DateTime<Utc>> { uses.values().map(|one| moment(at(one))).collect() };
    let ids: Vec<Uuid> = uses.keys().map(|(budget, _)| *budget).collect();
    let amounts: Vec<i64> = uses.values().map(|one| one.amount).collect();
    let used = sqlx::query!(
        "INSERT INTO ai_budget_use AS u (tenant_id, budget_id, starts_at, ends_at, used)
         SELECT $1::uuid, r.* FROM unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::bigint[]) AS r
         ON CONFLICT (tenant_id, budget_id, starts_at) DO UPDATE SET used = u.used + excluded.used RETURNING budget_id, starts_at, used",
        tenant,
        &ids,
        &moments(|one| one.starts_at),
        &moments(|one| one.ends_at),
        &amounts
    )
    .fetch_all(work.db())
    .await
    .during("count what was used of budgets")?;
    for row in used {
        if let Some(one) = uses.get(&(row.budget_id, row.starts_at.timestamp_millis())) {
            tell(tenant, one, row.used);
            alerts(work, one, row.used).await?;
        }
    }
    Ok(())
}

fn moment(ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(ms).unwrap_or_default()
}

/// What is left of a budget of the whole tenant, for those who watch the program. Users and keys are not named there.
fn tell(tenant: Uuid, one: &Use<'_>, used: i64) {
    let limit = one.bound.limit;
    if limit.scope != Scope::Tenant || limit.cap <= 0 {
        return;
    }
    #[expect(clippy::cast_precision_loss, reason = "a share, for a picture")]
    let left = (1.0 - used as f64 / limit.cap as f64).clamp(0.0, 1.0);
    let (tenant, budget) = (tenant.to_string(), one.bound.id.to_string());
    metrics::gauge!("steward_ai_budget_left_ratio", "tenant" => tenant, "budget" => budget, "metric" => limit.metric.code(), "period" => limit.window.code())
        .set(left);
}

/// Tells of every threshold that is reached and was not told of: also of one that a lower cap has made reached.
async fn alerts(work: &mut Work, one: &Use<'_>, used: i64) -> Result<()> {
    let (bound, cap) = (one.bound, one.bound.limit.cap);
    for threshold in &bound.thresholds {
        // Nothing of a cap of nothing is no part of it, until somebody asks for some.
        let is_reached = cap > 0 && i128::from(used) * 100 >= i128::from(cap) * i128::from(*threshold);
        if is_reached || one.is_full {
            let period = (moment(one.starts_at), moment(one.ends_at));
            let crossed = Crossed { budget: bound.id, name: bound.name.clone(), threshold: *threshold, period, used: bound.shown(used), cap: bound.shown(cap) };
            alert::raise(work, &crossed).await?;
        }
    }
    Ok(())
}

/// The texts that came along, by the ids of their entries.
async fn masked(state: &State, entries: &[Waiting]) -> Result<HashMap<Uuid, Masked>> {
    let guard = Arc::clone(&state.guard);
    let texts: Vec<_> = entries.iter().filter_map(|waiting| Some((waiting.entry.id, Arc::clone(waiting.exchange.as_ref()?)))).collect();
    if texts.is_empty() {
        return Ok(HashMap::new());
    }
    tokio::task::spawn_blocking(move || texts.into_iter().map(|(id, exchange)| (id, exchange.masked(&guard))).collect())
        .await
        .map_err(|error| Error::internal("masking was cut off").with_source(error))
}

async fn exchanges(work: &mut Work, fresh: &[&Waiting], mut masked: HashMap<Uuid, Masked>) -> Result<()> {
    let tenant = work.tenant();
    for Waiting { entry, .. } in fresh {
        let Some(masked) = masked.remove(&entry.id) else { continue };
        sqlx::query!(
            "INSERT INTO ai_exchange (tenant_id, id, created_at, request_id, user_id, alias, prompt, answer, withheld) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            tenant,
            ids::fresh(),
            entry.started_at,
            entry.id,
            Some(entry.user).filter(|user| !user.is_nil()),
            text(&entry.alias),
            masked.prompt,
            masked.answer,
            masked.withheld
        )
        .execute(work.db())
        .await
        .during("keep what was said")?;
    }
    Ok(())
}
