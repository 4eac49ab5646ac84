//! `cargo xtask full`: what CI runs after the tests. The parts do not depend on each other: all run, then the table says
//! which failed.

mod browser;
mod demo_server;
mod deny;
mod evals;
mod models;
mod schemathesis;
mod sdk;
mod small_model;

use std::path::PathBuf;

use anyhow::Result;
use clap::ValueEnum;
use demo_server::DemoServer;
use models::Models;

use crate::cargo;
use crate::child;
use crate::data;
use crate::phases::Phases;
use crate::soak::ignored_tests;
use crate::test::TestServer;

/// Of each test of the races: enough for some hundred changes of rights and a dozen kills. `cargo xtask soak` goes on for
/// longer.
const RACE_SECONDS: u32 = 30;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only these parts; all if none is named.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
    /// All parts but these.
    #[arg(long, value_enum, value_delimiter = ',')]
    skip: Vec<Part>,
    /// Where the private PostgreSQL lies, programs and data; by default `var/` or a folder of the system.
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Formatting.
    Fmt,
    /// Lints.
    Clippy,
    /// Licences, sources and known vulnerabilities of the dependencies.
    Deny,
    /// Tests that kill the server in a loop.
    Kill,
    /// The demo company: what is in it, and that it is the same everywhere.
    Demo,
    /// The race of rights of `cargo xtask soak`, for a short time.
    Rights,
    /// The race of search of `cargo xtask soak`, for a short time.
    Search,
    /// The suites of the evaluation with their bounds: what the assistant answers, leaks, does and falls for, and what search
    /// finds.
    Evals,
    /// The screens in a headless browser.
    Browser,
    /// The vendors' own clients at the doors to models, with a provider that plays by a script behind them.
    Sdk,
    /// A small real model behind those doors.
    SmallModel,
    /// Generated bad input against every route of the OpenAPI document.
    Schemathesis,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let wanted = |part: Part| (args.only.is_empty() || args.only.contains(&part)) && !args.skip.contains(&part);
    let mut phases = Phases::default();
    let folder = data::folder()?;
    if wanted(Part::Fmt) {
        phases.attempt("fmt", || child::run(cargo::command()?.args(["fmt", "--all", "--check"])))?;
    }
    if wanted(Part::Clippy) {
        phases.attempt("clippy", || child::run(cargo::command()?.args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])))?;
    }
    if wanted(Part::Deny) {
        phases.attempt("deny", deny::run)?;
    }
    if wanted(Part::Kill) {
        phases.attempt("kill loops", || {
            let server = TestServer::start(args.home.as_deref())?;
            let tested = ignored_tests(&server, "kill::", None);
            tested.and(server.stop())
        })?;
    }
    if wanted(Part::Demo) {
        phases.attempt("demo company", || {
            let server = TestServer::start(args.home.as_deref())?;
            let tested = ignored_tests(&server, "demo::", None);
            tested.and(server.stop())
        })?;
    }
    if wanted(Part::Rights) {
        phases.attempt("race of rights", || {
            let server = TestServer::start(args.home.as_deref())?;
            let tested = ignored_tests(&server, "soak::rights::", Some(RACE_SECONDS));
            tested.and(server.stop())
        })?;
    }
    if wanted(Part::Search) {
        phases.attempt("race of search", || {
            let server = TestServer::start(args.home.as_deref())?;
            let tested = ignored_tests(&server, "soak::search::", Some(RACE_SECONDS));
            tested.and(server.stop())
        })?;
    }
    if wanted(Part::Evals) {
        phases.attempt("evals", || evals::run(args.home.as_deref()))?;
    }
    if [Part::Browser, Part::Sdk, Part::SmallModel, Part::Schemathesis].into_iter().any(wanted) {
        let mut started = None;
        phases.attempt("demo server", || {
            let models = if wanted(Part::Sdk) || wanted(Part::SmallModel) { Some(Models::new()?) } else { None };
            started = Some((DemoServer::start(args.home.as_deref(), models.as_ref())?, models));
            Ok(())
        })?;
        if let Some((server, models)) = started {
            let served = against(&server, models.as_ref(), &mut phases, &wanted);
            // Whatever came of it: the server and its database end.
            let stopped = server.stop();
            served.and(stopped)?;
        }
    }
    let finished = phases.finish();
    data::tell_absent(&folder);
    finished
}

fn against(server: &DemoServer, models: Option<&Models>, phases: &mut Phases, wanted: &dyn Fn(Part) -> bool) -> Result<()> {
    if wanted(Part::Browser) {
        phases.attempt("browser", || browser::run(server))?;
    }
    if let Some(models) = models.filter(|_| wanted(Part::Sdk)) {
        phases.attempt("vendors' clients", || sdk::run(server, models))?;
    }
    if let Some(models) = models.filter(|_| wanted(Part::SmallModel)) {
        phases.attempt("small model", || small_model::run(server, models))?;
    }
    // It comes last: some of what it sends ends sessions.
    if wanted(Part::Schemathesis) {
        phases.attempt("schemathesis", || schemathesis::run(server.base_url(), &server.token()?))?;
    }
    Ok(())
}
