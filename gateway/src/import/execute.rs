//! Runs batches: in chunks that share a transaction, skipping what was brought in before with the same content.
//!
//! An external id is written in the transaction that writes its record, so an import that was killed is simply run again.

use super::record::{Batch, Record};
use super::report::{Errors, Report, StepReport};
use super::resolve::Resolver;
use super::runs::Resumed;
use super::shape::sorted;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use steward_kernel::bus::{CHUNK, External, Kernel, Row, Step};
use steward_kernel::catalogue::{Sensitivity, module_of};
use steward_kernel::{Code, CommandSpec, Error, Principal, Result, input};
use uuid::Uuid;

/// Rows that are previewed together in a dry run.
const PREVIEW: usize = 50;

/// Whether an import writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Apply,
    /// Everything is checked and nothing is written.
    DryRun,
}

/// What an import tells while it runs.
#[derive(Clone, Debug)]
pub struct Progress<'a> {
    pub file: &'a str,
    pub command: &'a str,
    pub done: usize,
    pub total: usize,
    step: &'a StepReport,
    errors: &'a Errors,
    dry_run: bool,
}

impl Progress<'_> {
    /// What was done so far, as the report of an import that ends here.
    pub(super) fn report(&self) -> Report {
        let mut report = Report { dry_run: self.dry_run, ..Report::default() };
        report.add(self.step.clone(), self.errors.clone());
        report
    }
}

pub(super) struct Run<'a> {
    pub(super) kernel: &'a Arc<Kernel>,
    pub(super) principal: &'a Principal,
    pub(super) source: &'a str,
    pub(super) mode: Mode,
    pub(super) progress: &'a (dyn Fn(&Progress<'_>) + Sync),
    pub(super) resolver: Resolver,
    /// How far an earlier attempt came with the first batch.
    pub(super) resumed: Option<Resumed>,
}

/// A batch with what its commands are.
struct Current<'a> {
    batch: &'a Batch,
    create: Arc<CommandSpec>,
    update: Option<Arc<CommandSpec>>,
}

/// What is to be done with a record.
struct Task<'a> {
    record: &'a Record,
    row: Row,
    planned: bool,
}

impl Run<'_> {
    pub(super) async fn all(mut self, batches: &[Batch]) -> Result<Report> {
        let mut report = Report { dry_run: self.mode == Mode::DryRun, ..Report::default() };
        if self.mode == Mode::DryRun {
            self.resolver.plan(batches);
        }
        let mut resumed = self.resumed.take();
        for batch in batches {
            let (step, errors) = self.batch(batch, resumed.take()).await?;
            tracing::info!(
                file = batch.file,
                command = batch.command,
                created = step.created,
                updated = step.updated,
                unchanged = step.unchanged,
                failed = step.failed,
                "a file was imported"
            );
            report.add(step, errors);
        }
        Ok(report)
    }

    async fn batch(&mut self, batch: &Batch, resumed: Option<Resumed>) -> Result<(StepReport, Errors)> {
        let current = self.admit(batch).await?;
        let mut errors = Errors::default();
        let total = batch.records.len();
        let mut done = 0;
        let mut step = StepReport {
            file: batch.file.clone(),
            command: batch.command.clone(),
            rows: total + batch.refused.len(),
            failed: batch.refused.len(),
            ..StepReport::default()
        };
        if let Some(Resumed { rows, report }) = resumed {
            // What stands in the report was looked at: the rows that were refused at once, and whole chunks after them.
            done = rows.saturating_sub(batch.refused.len()).min(total);
            if done > 0 {
                step = report.steps.first().cloned().unwrap_or(step);
                errors = Errors::of(report);
            }
        }
        if done == 0 {
            errors.add(&batch.file, batch.refused.iter().cloned());
        }
        for records in batch.records[done..].chunks(CHUNK) {
            self.chunk(&current, records, &mut step, &mut errors).await?;
            done += records.len();
            step.failed = batch.refused.len() + done - step.created - step.updated - step.unchanged;
            let dry_run = self.mode == Mode::DryRun;
            (self.progress)(&Progress { file: &batch.file, command: &batch.command, done, total, step: &step, errors: &errors, dry_run });
        }
        step.failed = step.rows - step.created - step.updated - step.unchanged;
        Ok((step, errors))
    }

    /// Whether records may be brought in by these commands at all, before there are any.
    pub(super) async fn check_right(&self, create: &str, update: Option<&str>) -> Result<()> {
        self.permitted(create, update, json!({})).await.map(drop)
    }

    /// What concerns the command and not a row is answered once.
    async fn admit<'b>(&self, batch: &'b Batch) -> Result<Current<'b>> {
        let detail = json!({ "rows": batch.records.len() });
        let (create, update) = self.permitted(&batch.command, batch.update.as_deref(), detail).await?;
        Ok(Current { batch, create, update })
    }

    async fn permitted(&self, create: &str, update: Option<&str>, detail: Value) -> Result<(Arc<CommandSpec>, Option<Arc<CommandSpec>>)> {
        let read = self.kernel.read(self.principal).await?;
        let find = |name: &str| -> Result<Arc<CommandSpec>, (String, Error)> {
            let spec = read.catalogue().command(name).map_err(|error| (name.to_owned(), error))?;
            let error = if spec.internal {
                Error::unknown("command", name)
            } else if !read.rights().entitled(module_of(name), spec.flag.as_deref()) {
                Error::new(Code::NotEntitled, format!("{name} is not available to this tenant"))
            } else if !self.principal.is_system() && !read.rights().may(&spec.permission) {
                Error::forbidden(&spec.permission)
            } else {
                return Ok(Arc::clone(spec));
            };
            Err((name.to_owned(), error))
        };
        let found = find(create).map(|create| (create, update.map(find).transpose()));
        read.finish().await?;
        let (create, update) = match found {
            Ok(found) => found,
            Err((name, error)) => return Err(self.kernel.refuse(self.principal, &name, error, detail).await),
        };
        // Who may not change records may still bring in new ones: a changed one is reported.
        let update = match update {
            Ok(update) => update,
            Err((_, error)) if error.code == Code::Forbidden => None,
            Err((_, error)) => return Err(error),
        };
        Ok((create, update))
    }

    async fn chunk(&mut self, current: &Current<'_>, records: &[Record], step: &mut StepReport, errors: &mut Errors) -> Result<()> {
        let batch = current.batch;
        let mut failed = Vec::new();
        let mut read = self.kernel.read(self.principal).await?;
        self.resolver.prepare(&mut read, self.source, records).await?;
        let keys: Vec<String> = records.iter().filter_map(|record| record.key.clone()).collect();
        let source = batch.recorded_from.as_deref().unwrap_or(self.source);
        let brought = read.external_ids(&batch.recorded_for, source, &keys).await?;
        let catalogue = Arc::clone(read.catalogue());
        let language = read.rights().language.clone();
        read.finish().await?;

        let mut tasks: Vec<Task<'_>> = Vec::with_capacity(records.len());
        for record in records {
            let known = record.key.as_ref().and_then(|key| brought.get(key));
            let digest = current.digest(&record.input, known.map(|known| known.digest.as_slice()));
            if known.is_some_and(|known| known.digest == digest) {
                // The number of a row was not there before this import: an earlier attempt at it created the record.
                if batch.recorded_from.is_some() {
                    step.created += 1
                } else {
                    step.unchanged += 1
                }
                continue;
            }
            let prepared = self.resolver.resolve(record).and_then(|resolved| {
                let (command, input) = match known {
                    None => (batch.command.clone(), resolved.input),
                    Some(known) => current.change(known.id, &known.digest, &digest, resolved.input)?,
                };
                let external = record.key.as_ref().map(|key| External {
                    resource: batch.recorded_for.clone(),
                    source: source.to_owned(),
                    external_id: key.clone(),
                    digest,
                    known: known.map(|known| known.id),
                });
                Ok(Task { record, row: Row { command, input, expected_version: None, external }, planned: resolved.planned })
            });
            match prepared {
                Ok(task) => tasks.push(task),
                Err(error) => failed.push(batch.located(record, error.told_in(&self.kernel.labels, &language))),
            }
        }
        let results = match self.mode {
            Mode::Apply => {
                let rows: Vec<Row> = tasks.iter().map(|task| task.row.clone()).collect();
                let results = self.kernel.execute_chunk(self.principal, &rows, None).await;
                results.into_iter().map(|result| result.map(drop)).collect()
            }
            Mode::DryRun => self.check(&catalogue, &tasks).await,
        };
        // Without a database every row fails alike: what was brought in stays, and the next run goes on from there.
        if !results.is_empty()
            && results.iter().all(|result| result.as_ref().is_err_and(|error| matches!(error.code, Code::Busy | Code::Moved | Code::Unauthenticated)))
        {
            return Err(results.into_iter().find_map(Result::err).unwrap_or_else(|| Error::internal("a chunk had no result")));
        }
        for (task, result) in tasks.iter().zip(results) {
            match result {
                Ok(()) if task.row.external.as_ref().is_some_and(|external| external.known.is_some()) => step.updated += 1,
                Ok(()) => step.created += 1,
                Err(error) => failed.push(batch.located(task.record, error)),
            }
        }
        errors.add(&batch.file, failed);
        Ok(())
    }

    /// Checks without writing. A record that refers to one that is only planned is checked against its schema; the others
    /// are previewed.
    async fn check(&self, catalogue: &steward_kernel::Catalogue, tasks: &[Task<'_>]) -> Vec<Result<()>> {
        let mut results: Vec<Result<()>> = tasks.iter().map(|task| self.check_shape(catalogue, &task.row)).collect();
        let previewed: Vec<usize> = (0..tasks.len()).filter(|at| results[*at].is_ok() && !tasks[*at].planned).collect();
        let mut groups: Vec<Vec<usize>> = previewed.chunks(PREVIEW).map(<[usize]>::to_vec).collect();
        while let Some(group) = groups.pop() {
            let step = |at: &usize| Step { command: tasks[*at].row.command.clone(), input: tasks[*at].row.input.clone(), name: None, expected_version: None };
            let steps: Vec<Step> = group.iter().map(step).collect();
            if let Err(error) = self.kernel.preview(self.principal, &steps).await {
                match group.as_slice() {
                    [only] => results[*only] = Err(error),
                    several => {
                        let (first, second) = several.split_at(several.len() / 2);
                        groups.extend([first.to_vec(), second.to_vec()]);
                    }
                }
            }
        }
        results
    }

    fn check_shape(&self, catalogue: &steward_kernel::Catalogue, row: &Row) -> Result<()> {
        let spec = catalogue.command(&row.command)?;
        let mut given = row.input.clone();
        if let Some(given) = given.as_object_mut().filter(|_| spec.customizable) {
            given.remove("custom");
        }
        let decoded = input::decode(catalogue, &spec.inputs, given)?;
        self.kernel.registry.command(&row.command)?.check(decoded)
    }
}

/// Half of a digest.
const HALF: usize = 16;

impl Current<'_> {
    /// Two halves: of what the update command can change, and of the rest. Secrets leave no trace in it.
    /// A source that says nothing of the rest leaves it as it was `before`.
    fn digest(&self, input: &Map<String, Value>, before: Option<&[u8]>) -> Vec<u8> {
        let (mut changeable, mut fixed) = (Map::new(), Map::new());
        let secret = |name: &str| self.create.inputs.iter().any(|field| field.name == name && field.sensitivity == Sensitivity::Secret);
        for (name, value) in input.iter().filter(|(name, _)| !secret(name)) {
            let part = if self.update.as_deref().is_some_and(|update| self.takes(update, name)) { &mut changeable } else { &mut fixed };
            part.insert(name.clone(), value.clone());
        }
        let half = |fields: &Map<String, Value>| blake3::hash(sorted(fields).to_string().as_bytes()).as_bytes()[..HALF].to_vec();
        let speaks_of_rest = self.batch.inputs.iter().any(|name| !self.update.as_deref().is_some_and(|update| self.takes(update, name)));
        let rest = before.and_then(|before| before.get(HALF..)).filter(|_| !speaks_of_rest && self.update.is_some());
        [half(&changeable), rest.map_or_else(|| half(&fixed), <[u8]>::to_vec)].concat()
    }

    fn takes(&self, update: &CommandSpec, name: &str) -> bool {
        update.inputs.iter().any(|field| field.name == name) || (name == "custom" && update.customizable)
    }

    /// The command and the input that bring a record to its new content.
    fn change(&self, id: Uuid, before: &[u8], now: &[u8], input: Value) -> Result<(String, Value)> {
        let refuse = |variant: &'static str, what: &str| {
            Err(Error::rule("import.not_updatable", format!("the row has changed since it was brought in, and {what}")).variant(variant))
        };
        let Some(update) = &self.update else { return refuse("no_command", "no command to change it is mapped") };
        if before.get(HALF..) != now.get(HALF..) {
            return refuse("fixed", &format!("{} cannot change what differs", update.name)).map_err(|error| error.arg("command", update.name.to_string()));
        }
        let Value::Object(given) = input else { return refuse("input", "its input is not an object") };
        if update.name == self.batch.command {
            return Ok((update.name.to_string(), Value::Object(given)));
        }
        let mut changed: Map<String, Value> = given.into_iter().filter(|(name, _)| self.takes(update, name)).collect();
        for name in self.batch.inputs.iter().filter(|name| name.as_str() != "custom" && self.takes(update, name)) {
            changed.entry(name.clone()).or_insert(Value::Null);
        }
        if let Some(target) = &update.target {
            changed.insert(target.to_string(), Value::String(id.to_string()));
        }
        Ok((update.name.to_string(), Value::Object(changed)))
    }
}
