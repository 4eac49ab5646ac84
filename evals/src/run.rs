//! `steward-evals run`: which target, which suites, what becomes of the measurement.

use crate::host::{Content, Host};
use crate::report::{Report, Thresholds, compare, html};
use crate::suites::{self, Suite};
use crate::target::{Announcement, Target};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::time::Instant;

#[derive(clap::Args)]
pub struct Args {
    /// Only these suites; all of them unless given.
    #[arg(long, value_name = "NAME")]
    suite: Vec<Suite>,
    /// A Steward that runs already; one of the harness's own unless given.
    #[arg(long, value_name = "URL", requires = "logins")]
    against: Option<String>,
    /// The log-ins, as `steward demo` writes them to var/demo.json.
    #[arg(long, value_name = "FILE")]
    logins: Option<PathBuf>,
    /// The database behind `--against`, as its owner, for the truth by SQL. Without `--against`: the server to use.
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// The folder with the data that is not ours (`northwind`, `agentdojo`, corpora in TREC form); `STEWARD_DATA`, or
    /// `shared/data` beside the checkout, unless given.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// A collection with judgements for the suite `retrieval`: a folder in BEIR's form (corpus.jsonl, queries.jsonl,
    /// qrels.tsv) or TREC's (documents, topics, qrels).
    #[arg(long, value_name = "DIR")]
    corpus: Vec<PathBuf>,
    /// Where the reports go.
    #[arg(long, value_name = "DIR", default_value = "target/evals")]
    out: PathBuf,
    /// Bounds that the metrics must keep; evals/thresholds.toml unless given.
    #[arg(long, value_name = "FILE")]
    thresholds: Option<PathBuf>,
    /// A suite that has bounds and may still be skipped, where what it needs is not there.
    #[arg(long, value_name = "NAME")]
    allow_skip: Vec<Suite>,
    /// Embed the demo company with the model too, which takes minutes; else only what the suite `retrieval` searches.
    #[arg(long)]
    model: bool,
    /// An earlier report.json that this run must not be worse than.
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Ask every question, but show only what did not come out well.
    #[arg(long)]
    quiet: bool,
}

/// What every suite is given.
pub struct Given<'a> {
    pub target: &'a Target,
    /// Where foreign data lies, if anywhere.
    pub data: Option<&'a Path>,
    /// Collections with judgements that were named.
    pub corpora: &'a [PathBuf],
    /// The harness's own Steward, if it is one.
    pub host: Option<&'a Host>,
}

/// True when every threshold is kept and nothing is worse than the baseline.
pub async fn run(args: Args) -> Result<bool> {
    let thresholds = match &args.thresholds {
        Some(file) => Thresholds::read(file)?,
        None => Thresholds::ours()?,
    };
    let data = data_folder(args.data.as_deref());
    if data.is_none() {
        eprintln!("NOT MEASURED: what needs data that is not ours. STEWARD_DATA or --data names its folder.");
    }
    let northwind = data.as_deref().map(|folder| folder.join("northwind")).filter(|folder| folder.join("orders.csv").is_file());
    let wanted: Vec<Suite> = if args.suite.is_empty() { Suite::ALL.to_vec() } else { args.suite.clone() };
    // What no suite asks about is not brought in: it takes its time.
    let content = Content {
        company: wanted.iter().any(|suite| suite.asks_about_the_company()),
        northwind: northwind.as_deref().filter(|_| wanted.contains(&Suite::Answers)),
        model: args.model,
    };
    let (host, target) = match (&args.against, &args.logins) {
        (Some(url), Some(logins)) => {
            let mut announcement = Announcement::read(logins)?;
            announcement.base_url.clone_from(url);
            (None, Target::new(announcement, args.database.as_deref()).await?)
        }
        (Some(_), None) => bail!("--against needs --logins"),
        (None, _) => {
            let host = Host::start(args.database.clone(), &content).await?;
            let target = Target::new(host.announcement.clone(), Some(&host.database_url)).await?;
            (Some(host), target)
        }
    };
    let given = Given { target: &target, data: data.as_deref(), corpora: &args.corpus, host: host.as_ref() };
    let mut measured = Ok(Vec::new());
    for suite in wanted {
        eprintln!("Suite {}", suite.name());
        let started = Instant::now();
        let result = suites::run(suite, &given).await;
        eprintln!("  took {:.0} s", started.elapsed().as_secs_f32());
        match (&mut measured, result) {
            (Ok(all), Ok(outcome)) => all.push(outcome),
            (_, Err(error)) => {
                measured = Err(error.context(format!("the suite {} could not be run", suite.name())));
                break;
            }
            (Err(_), Ok(_)) => {}
        }
    }
    target.close().await;
    let stopped = match host {
        Some(host) => host.stop().await,
        None => Ok(()),
    };
    let report = Report::of(measured?, &thresholds, &args.allow_skip);
    stopped?;

    std::fs::create_dir_all(&args.out).with_context(|| format!("{} cannot be made", args.out.display()))?;
    let (json, page) = (args.out.join("report.json"), args.out.join("report.html"));
    std::fs::write(&json, serde_json::to_vec_pretty(&report)?).with_context(|| format!("{} cannot be written", json.display()))?;
    std::fs::write(&page, html::page(&report)).with_context(|| format!("{} cannot be written", page.display()))?;
    print!("{}", report.table(args.quiet));
    println!("\n{}\n{}", json.display(), page.display());
    let not_worse = match &args.baseline {
        Some(baseline) => compare::against(&Report::read(baseline)?, &report),
        None => true,
    };
    Ok(report.passed() && not_worse)
}

/// The named folder, else the one beside the checkout.
fn data_folder(named: Option<&Path>) -> Option<PathBuf> {
    let by_environment = || std::env::var_os("STEWARD_DATA").filter(|named| !named.is_empty()).map(PathBuf::from);
    match named.map(Path::to_owned).or_else(by_environment) {
        Some(folder) => Some(folder),
        None => Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data")).filter(|folder| folder.is_dir()),
    }
}
