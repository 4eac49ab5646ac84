//! The work on an import, as a task of its own: it goes on when the client leaves, and tells how far it is.

use super::execute::{Mode, Progress, Run};
use super::places::Place;
use super::record::Batch;
use super::report::Report;
use super::resolve::Resolver;
use super::runs::{self, BEAT, Claim, End, Held, Known, New, Resumed, Settled};
use crate::error::Problem;
use crate::state::AppState;
use axum::http::header;
use std::time::Duration;
use steward_kernel::{Code, Error, Principal, Result};
use tokio::sync::{oneshot, watch};
use tracing::Instrument;
use uuid::Uuid;

/// What is left of the grace of an orderly stop to note where an import was cut off.
const NOTING: Duration = Duration::from_secs(1);

/// External ids of this beginning are the numbers of rows of an import.
pub(super) const OWN_SOURCE: &str = "import:";

/// A file that is to be brought in.
pub(super) struct Order {
    pub(super) asker: Principal,
    pub(super) known: Known,
    pub(super) digest: Vec<u8>,
    pub(super) resource: String,
    pub(super) source: String,
    pub(super) file: String,
    pub(super) batch: Batch,
    /// Without external ids the number of a row says, when the import goes on, what became of it.
    pub(super) numbered: bool,
    pub(super) mode: Mode,
    /// The asker's, for what he is told.
    pub(super) language: String,
    /// Given back when the work has ended.
    pub(super) place: Place,
}

/// What became of an order.
pub(super) enum Begun {
    /// The import, and where its end is told to whoever waits for it.
    Working(Uuid, oneshot::Receiver<Result<Report, Problem>>),
    Settled(Settled),
}

struct Job {
    asker: Principal,
    source: String,
    batch: Batch,
    mode: Mode,
    language: String,
    held: Held,
    resumed: Option<Resumed>,
    place: Place,
}

/// How far it is: the rows that were looked at, and what became of them.
type At = Option<(usize, Report)>;

/// Takes the file in and begins the work on it, both in tasks of their own: a client who leaves between the two would leave an
/// import behind that says of itself that it runs, and that nobody works on.
pub(super) async fn begin(state: &AppState, order: Order) -> Result<Begun> {
    let task = take_in(state.clone(), order).in_current_span();
    state.tasks.spawn(task).await.map_err(|error| Error::internal("an import could not be taken in").with_source(error))?
}

async fn take_in(state: AppState, order: Order) -> Result<Begun> {
    let Order { asker, known, digest, resource, source, file, mut batch, numbered, mode, language, place } = order;
    let dry_run = mode == Mode::DryRun;
    let new = New {
        known: &known,
        digest: &digest,
        resource: &resource,
        source: &source,
        file: &file,
        dry_run,
        rows: batch.records.len() + batch.refused.len(),
        report: &Report { dry_run, ..Report::default() },
    };
    let (held, resumed) = match runs::claim(&state.kernel, &asker, &new).await? {
        Claim::Ours(held, resumed) => (held, resumed),
        Claim::Settled(settled) => return Ok(Begun::Settled(settled)),
    };
    if numbered {
        batch.recorded_from = Some(format!("{OWN_SOURCE}{}", held.id));
        batch.records.iter_mut().for_each(|record| record.key = Some(record.row.to_string()));
    }
    Ok(Begun::Working(held.id, start(state, Job { asker, source, batch, mode, language, held, resumed, place })))
}

fn start(state: AppState, job: Job) -> oneshot::Receiver<Result<Report, Problem>> {
    let span = tracing::info_span!("import.job.run", tenant.id = %job.asker.tenant, import.id = %job.held.id, correlation.id = %job.asker.correlation);
    let (answer, waiting) = oneshot::channel();
    let tasks = state.tasks.clone();
    let task = async move {
        // Where nobody waits any more, nobody else tells the log of a failure.
        if let Err(Err(problem)) = answer.send(run(state, job).await) {
            problem.log();
        }
    };
    tasks.spawn(task.instrument(span));
    waiting
}

async fn run(state: AppState, job: Job) -> Result<Report, Problem> {
    let Job { asker, source, batch, mode, language, held, resumed, place: _place } = job;
    let kernel = &state.kernel;
    let (tell, told) = watch::channel::<At>(None);
    let progress = |progress: &Progress<'_>| {
        tell.send_replace(Some((progress.done + batch.refused.len(), progress.report())));
    };
    let work = Box::pin(async {
        let run = Run { kernel, principal: &asker, source: &source, mode, progress: &progress, resolver: Resolver::default(), resumed };
        run.all(std::slice::from_ref(&batch)).await
    });
    // An import that is nearly through is not cut off by a stop, no more than a request is.
    let overdue = async {
        state.stopping.cancelled().await;
        tokio::time::sleep(Duration::from_secs(state.config.server.stop_grace_seconds).saturating_sub(NOTING)).await;
    };
    // Both go on together: what the work has locked must not wait for the one that notes how far it is.
    let ended = tokio::select! {
        ended = work => ended.map_err(Problem::from),
        () = keeping(&state, &asker, held, told.clone()) => return Err(elsewhere()),
        () = overdue => {
            let at = told.borrow().clone();
            note(runs::end(kernel, &asker, held, at.as_ref().map(|(rows, report)| (*rows, report)), End::Interrupted).await.map(drop));
            return Err(interrupted(&state, &language, held));
        }
    };
    match &ended {
        Ok(report) => {
            let rows = batch.records.len() + batch.refused.len();
            if !runs::end(kernel, &asker, held, Some((rows, report)), End::Done).await? {
                return Err(elsewhere());
            }
        }
        Err(problem) => {
            let at = told.borrow().clone();
            note(runs::end(kernel, &asker, held, at.as_ref().map(|(rows, report)| (*rows, report)), End::Failed(problem)).await.map(drop));
        }
    }
    ended
}

fn elsewhere() -> Problem {
    Error::new(Code::Busy, "another process works on this import").into()
}

/// Its rows are known by the import and their numbers, so it goes on whether or not there was a key.
fn interrupted(state: &AppState, language: &str, held: Held) -> Problem {
    let text = format!("the program is being stopped; send the file again with ?resume={}, and it goes on where it was", held.id);
    let error = Error::new(Code::Busy, text).because("import.interrupted").arg("import", held.id.to_string());
    Problem::from(error.told_in(&state.labels, language)).header(header::LOCATION, &runs::path_of(held.id))
}

/// Notes how far the import is, and that somebody works on it, until somebody else does.
async fn keeping(state: &AppState, asker: &Principal, held: Held, mut told: watch::Receiver<At>) {
    let mut beat = tokio::time::interval(BEAT);
    loop {
        let at = tokio::select! {
            changed = told.changed() => match changed {
                Ok(()) => told.borrow_and_update().clone(),
                // The work has ended, and what comes of it is noted there.
                Err(_) => std::future::pending().await,
            },
            _ = beat.tick() => None,
        };
        match runs::keep(&state.kernel, asker, held, at.as_ref().map(|(rows, report)| (*rows, report))).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => note(Err(error)),
        }
    }
}

/// That something could not be noted ends no import: the next call with the same key finds it a little further back.
fn note(noted: Result<(), Error>) {
    if let Err(error) = noted {
        tracing::warn!(%error, code = error.code.as_str(), "how far an import is could not be noted");
    }
}
