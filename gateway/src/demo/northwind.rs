//! The Northwind trading company as a tenant, from its files.

use super::{Login, Logins, PASSWORD, refuse_errors, summary, tenant};
use crate::compose::told;
use crate::import::execute::{Mode, Progress};
use crate::import::import_folder;
use crate::import::mapping::Mapping;
use crate::import::table::Table;
use crate::state::AppState;
use anyhow::{Context, Result};
use std::collections::HashSet;
use std::path::Path;
use steward_migrations::NewTenant;

const SLUG: &str = "northwind";
const MAPPING: &str = include_str!("../../tests/data/northwind.toml");
const EMPLOYEES: &str = "employees.csv";

pub(super) async fn fill(state: &AppState, folder: &Path, progress: &(dyn Fn(&str) + Sync)) -> Result<Logins> {
    let users = logins(folder)?;
    let mut new = NewTenant::new(SLUG, "Northwind Traders");
    "USD".clone_into(&mut new.company.currency);
    "US".clone_into(&mut new.company.country);
    "America/Los_Angeles".clone_into(&mut new.time_zone);
    new.administrator.password = Some(PASSWORD.to_owned());
    let admin = new.administrator.email.clone();
    let principal = tenant(state, new, progress).await?;
    let mapping = Mapping::parse(MAPPING).map_err(told)?;
    let variables = [("password".to_owned(), PASSWORD.to_owned())].into();
    let told_of = |at: &Progress<'_>| {
        if at.done == at.total {
            progress(&format!("Northwind: {} → {} ({})", at.file, at.command, at.total));
        }
    };
    let report = import_folder(&state.kernel, &principal, &mapping, &variables, folder, Mode::Apply, &told_of).await.map_err(told)?;
    refuse_errors(&report, |_| true)?;
    progress(&summary("Northwind", &report));
    Ok(Logins { tenant: SLUG.to_owned(), users: [Login::new(admin, "administrator", None)].into_iter().chain(users).collect() })
}

/// The log-ins that the mapping makes of the employees.
fn logins(folder: &Path) -> Result<Vec<Login>> {
    let path = folder.join(EMPLOYEES);
    let bytes = std::fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let table = Table::parse(EMPLOYEES, &bytes, 10_000).map_err(told)?;
    let column = |name: &str| table.expect(name).map_err(told);
    let (number, first, last, manager) = (column("employee_id")?, column("first_name")?, column("last_name")?, column("reports_to")?);
    let managers: HashSet<&str> = table.rows().iter().map(|row| row.cell(manager)).collect();
    let login = |row: &crate::import::table::Row| {
        let role = if managers.contains(row.cell(number)) { "sales-manager" } else { "sales-representative" };
        let email = format!("{}.{}@northwind.example", row.cell(first), row.cell(last)).to_lowercase();
        Login::new(email, role, Some(row.cell(number).to_owned()))
    };
    Ok(table.rows().iter().map(login).collect())
}
