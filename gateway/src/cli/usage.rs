//! `steward usage`: what the tenants used of language models and what it cost, for whoever pays the providers.

use super::Modules;
use crate::compose::{App, told};
use crate::config::Config;
use anyhow::{Context, Result};
use chrono::NaiveDate;
use clap::ValueEnum;
use serde_json::{Value, json};
use std::io::Write;
use std::time::Duration;
use steward_kernel::principal::{Door, Principal};
use steward_kernel::{Field, Table, ids};

const REPORT: &str = "ai.usage";

/// Prints CSV. Without a tenant there is a line for each, and where it is grouped lines for each within it.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Only this tenant; all of them unless given.
    #[arg(long, value_name = "SLUG")]
    tenant: Option<String>,
    #[arg(long, value_enum, default_value = "tenant")]
    by: By,
    /// The first day; that of the month unless given.
    #[arg(long, value_name = "DATE")]
    from: Option<NaiveDate>,
    /// The last day; today unless given.
    #[arg(long, value_name = "DATE")]
    to: Option<NaiveDate>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum By {
    Tenant,
    User,
    Key,
    Model,
    Alias,
    Door,
    Day,
}

impl By {
    /// As the report calls it.
    fn group(self) -> &'static str {
        match self {
            Self::Tenant => "total",
            Self::User => "user",
            Self::Key => "key",
            Self::Model => "model",
            Self::Alias => "alias",
            Self::Door => "door",
            Self::Day => "day",
        }
    }
}

pub(super) async fn run(args: Args, config: Config, modules: Modules) -> Result<()> {
    let app = App::build(config, modules()).await?;
    let printed = print(&args, &app, std::io::stdout().lock()).await;
    app.close(Duration::from_secs(5)).await;
    printed
}

async fn print(args: &Args, app: &App, out: impl Write) -> Result<()> {
    let kernel = &app.state.kernel;
    let mut parameters = json!({ "by": args.by.group() });
    for (name, day) in [("from", args.from), ("to", args.to)] {
        if let Some(day) = day {
            parameters[name] = json!(day);
        }
    }
    let mut out = csv::Writer::from_writer(out);
    let mut is_first = true;
    for placement in super::placements(app, args.tenant.as_deref()).await? {
        let principal = Principal::system(placement.tenant, Door::Cli, ids::fresh().to_string());
        let read = async { kernel.read(&principal).await?.report(REPORT, parameters.clone()).await };
        let (spec, table) = read.await.map_err(told).with_context(|| format!("the tenant {}", placement.slug))?;
        let shown = shown(args.by, &spec.columns);
        if std::mem::take(&mut is_first) {
            out.write_record(["tenant"].into_iter().chain(shown.iter().map(|(_, name)| *name)))?;
        }
        for row in rows(args.by, &table) {
            let fields = shown.iter().map(|(at, _)| text(row.get(*at).unwrap_or(&Value::Null)));
            out.write_record([placement.slug.to_string()].into_iter().chain(fields))?;
        }
    }
    out.flush().context("write the table")
}

/// A tenant that used nothing has a line all the same: its sums, which are 0.
fn rows(by: By, table: &Table) -> Vec<&Vec<Value>> {
    if by == By::Tenant { vec![&table.totals] } else { table.rows.iter().collect() }
}

/// Where the columns stand that mean something in this grouping, and their names.
fn shown(by: By, columns: &[Field]) -> Vec<(usize, &str)> {
    let group = match by {
        By::Tenant => None,
        By::User => Some("user"),
        By::Key => Some("key"),
        By::Day => Some("day"),
        By::Model | By::Alias | By::Door => Some("name"),
    };
    let of_groups = ["day", "user", "key", "name"];
    let is_shown = |name: &str| !of_groups.contains(&name) || group == Some(name);
    columns.iter().enumerate().map(|(at, column)| (at, column.name.as_ref())).filter(|(_, name)| is_shown(name)).collect()
}

/// A record by its title, nothing as nothing.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Object(record) => text(record.get("title").filter(|title| !title.is_null()).or(record.get("id")).unwrap_or(&Value::Null)),
        other => other.to_string(),
    }
}
