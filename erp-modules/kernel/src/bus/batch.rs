//! Many rows through one command, with an error for each row: imports and the batch route.
//!
//! Rows run in chunks that share a transaction. When a row fails, the chunk is rolled back, the rows before it run again
//! (they are known to pass) and the rest goes on after it: the work done is at most twice, and no savepoints are needed.
//!
//! With an idempotency key each range that was committed has a key of its own, and a repeated call takes the ranges as
//! the first one left them: what is done is answered from what was stored, what failed is tried again.
//!
//! Rows that were refused for want of a right are written down together: one audit entry for each chunk, command and code,
//! with their number and the first of them.

use super::{Executed, External, Kernel, Plan, Step, idempotency};
use crate::audit::{self, Entry};
use crate::error::{Code, During, Error, Result};
use crate::principal::Principal;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Rows that share a transaction: short, because a long one holds back the outbox of the whole cluster.
pub const CHUNK: usize = 200;
/// Refused rows that an audit entry names; it counts the others.
const NAMED_MAX: usize = 20;

/// One row of a batch.
#[derive(Clone, Debug)]
pub struct Row {
    pub command: String,
    pub input: Value,
    pub expected_version: Option<i64>,
    /// Written down with the record, in the same transaction.
    pub external: Option<External>,
}

impl Kernel {
    /// Runs every row; the result has one entry for each, in order. With a key, a repeated call repeats nothing.
    pub async fn execute_many(self: &Arc<Self>, principal: &Principal, command: &str, rows: Vec<Value>, key: Option<&str>) -> Result<Vec<Result<Executed>>> {
        // What concerns the command and not a row is answered once.
        let placement = self.placement(principal.tenant).await?;
        let step = Step { command: command.to_owned(), input: Value::Null, name: None, expected_version: None };
        let work = self.open(principal, &placement, crate::work::Mode::Execute, std::slice::from_ref(&step)).await?;
        let admitted = work.admit(command);
        work.abandon().await;
        if let Err(error) = admitted {
            self.audit_refusal(principal, &placement, &step, &error, &json!({ "rows": rows.len() })).await;
            return Err(error);
        }
        if let Some(key) = key {
            // The whole body belongs to the key, whatever becomes of its rows.
            let steps: Vec<Step> = rows.iter().map(|input| Step { input: input.clone(), ..step.clone() }).collect();
            let mut work = self.open(principal, &placement, crate::work::Mode::Execute, std::slice::from_ref(&step)).await?;
            match idempotency::claim(&mut work, key, &steps).await? {
                Some(_) => work.abandon().await,
                None => {
                    idempotency::store(&mut work, key, &[]).await?;
                    work.tx.commit().await.during("keep the idempotency key")?;
                }
            }
        }
        let rows: Vec<Row> = rows.into_iter().map(|input| Row { command: command.to_owned(), input, expected_version: None, external: None }).collect();
        let mut results = Vec::with_capacity(rows.len());
        for (number, chunk) in rows.chunks(CHUNK).enumerate() {
            let key = key.map(|key| format!("{key}#{number}"));
            results.extend(self.run_chunk(principal, chunk, key.as_deref(), number * CHUNK).await);
        }
        Ok(results)
    }

    /// Runs one chunk; an error of one row leaves the others.
    pub async fn execute_chunk(self: &Arc<Self>, principal: &Principal, rows: &[Row], key: Option<&str>) -> Vec<Result<Executed>> {
        self.run_chunk(principal, rows, key, 0).await
    }

    /// `first` is the number of the first row in the whole batch.
    async fn run_chunk(self: &Arc<Self>, principal: &Principal, rows: &[Row], key: Option<&str>, first: usize) -> Vec<Result<Executed>> {
        let results = self.run_rows(principal, rows, key).await;
        self.audit_refused_rows(principal, rows, &results, first).await;
        results
    }

    async fn audit_refused_rows(self: &Arc<Self>, principal: &Principal, rows: &[Row], results: &[Result<Executed>], first: usize) {
        let mut refused: BTreeMap<(&str, &str), (Code, Vec<usize>)> = BTreeMap::new();
        for (at, (row, result)) in rows.iter().zip(results).enumerate() {
            if let Err(error) = result
                && audit::is_refusal(error)
            {
                refused.entry((&row.command, error.code.as_str())).or_insert_with(|| (error.code, Vec::new())).1.push(at);
            }
        }
        if refused.is_empty() {
            return;
        }
        let entries: Vec<Entry> = refused
            .into_iter()
            .map(|((command, _), (code, at))| {
                let named: Vec<Value> = at.iter().take(NAMED_MAX).map(|at| name_of(&rows[*at], first + at)).collect();
                let spec = self.registry.catalogue.commands.get(command);
                Entry::refused(command, spec.map(Arc::as_ref), code, json!({ "batch": rows.len(), "refused": at.len(), "rows": named }))
            })
            .collect();
        match self.placement(principal.tenant).await {
            Ok(placement) => self.write_refusals(principal, &placement, &entries).await,
            Err(failure) => {
                tracing::error!(tenant.id = %principal.tenant, correlation.id = %principal.correlation, code = failure.code.as_str(), "refused rows could not be audited");
            }
        }
    }

    async fn run_rows(self: &Arc<Self>, principal: &Principal, rows: &[Row], key: Option<&str>) -> Vec<Result<Executed>> {
        let mut results: Vec<Result<Executed>> = Vec::with_capacity(rows.len());
        let known = match self.done_ranges(principal, key).await {
            Ok(known) => known,
            Err(error) => return rows.iter().map(|_| Err(Error::new(error.code, error.message.clone()))).collect(),
        };
        let mut start = 0;
        while start < rows.len() {
            // As far as an earlier call came in one go, else up to where its next range begins.
            let end = known.get(&start).copied().or_else(|| known.range(start..).next().map(|(next, _)| *next)).unwrap_or(rows.len()).min(rows.len());
            let failed = self.run_range(principal, rows, start, end, key, &mut results).await;
            let Some((at, error)) = failed else {
                start = end;
                continue;
            };
            // The rows before the one that failed pass; a failure that names no row (at the commit) is found by halving.
            match at {
                Some(at) => {
                    if at > start {
                        Box::pin(self.settle(principal, rows, start, at, key, &mut results)).await;
                    }
                    results.push(Err(error));
                    start = at + 1;
                }
                None => {
                    Box::pin(self.halve(principal, rows, start, end, key, error, &mut results)).await;
                    start = end;
                }
            }
        }
        results
    }

    /// The ranges of a chunk that an earlier call with the same key has committed, by their first row.
    async fn done_ranges(self: &Arc<Self>, principal: &Principal, key: Option<&str>) -> Result<BTreeMap<usize, usize>> {
        let Some(key) = key else { return Ok(BTreeMap::new()) };
        let prefix = format!("{key}/");
        let mut read = self.read(principal).await?;
        let keys: Vec<String> = sqlx::query_scalar("SELECT key FROM kernel_idempotency WHERE tenant_id = $1 AND actor_id = $2 AND key ^@ $3")
            .bind(principal.tenant)
            .bind(principal.user)
            .bind(&prefix)
            .fetch_all(read.db())
            .await
            .during("look for what was done")?;
        read.finish().await?;
        Ok(keys
            .iter()
            .filter_map(|key| key.strip_prefix(&prefix)?.split_once('-'))
            .filter_map(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)))
            .collect())
    }

    async fn settle(self: &Arc<Self>, principal: &Principal, rows: &[Row], start: usize, end: usize, key: Option<&str>, results: &mut Vec<Result<Executed>>) {
        match self.run_range(principal, rows, start, end, key, results).await {
            None => {}
            Some((_, error)) => Box::pin(self.halve(principal, rows, start, end, key, error, results)).await,
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the range and where its results go belong together")]
    async fn halve(
        self: &Arc<Self>,
        principal: &Principal,
        rows: &[Row],
        start: usize,
        end: usize,
        key: Option<&str>,
        error: Error,
        results: &mut Vec<Result<Executed>>,
    ) {
        if end - start <= 1 {
            results.push(Err(error));
            return;
        }
        let middle = start + (end - start) / 2;
        Box::pin(self.settle(principal, rows, start, middle, key, results)).await;
        Box::pin(self.settle(principal, rows, middle, end, key, results)).await;
    }

    /// Runs `rows[start..end]` in one transaction. On failure nothing is kept: which row it was, if one can tell.
    async fn run_range(
        self: &Arc<Self>,
        principal: &Principal,
        rows: &[Row],
        start: usize,
        end: usize,
        key: Option<&str>,
        results: &mut Vec<Result<Executed>>,
    ) -> Option<(Option<usize>, Error)> {
        let steps: Vec<Step> = rows[start..end]
            .iter()
            .map(|row| Step { command: row.command.clone(), input: row.input.clone(), name: None, expected_version: row.expected_version })
            .collect();
        let plan =
            Plan { steps, idempotency_key: key.map(|key| format!("{key}/{start}-{end}")), detail: json!({ "batch": end - start }), expected_digest: None };
        let placement = match self.placement(principal.tenant).await {
            Ok(placement) => placement,
            Err(error) => return Some((None, error)),
        };
        let externals: Vec<Option<External>> = rows[start..end].iter().map(|row| row.external.clone()).collect();
        let reached = AtomicUsize::new(0);
        match self.attempt(principal, &placement, &plan, &externals, &reached).await {
            Ok(done) => {
                self.committed.tell();
                results.extend(done.into_iter().map(Ok));
                None
            }
            Err(error) => {
                let at = reached.load(Ordering::Relaxed);
                Some(((at < end - start).then_some(start + at), error))
            }
        }
    }
}

/// A row as its sender knows it: by its external id, else by its number from 0.
fn name_of(row: &Row, number: usize) -> Value {
    match &row.external {
        // It comes from outside: bounded.
        Some(external) => Value::String(external.external_id.chars().take(80).collect()),
        None => json!(number),
    }
}
