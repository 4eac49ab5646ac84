//! `hr.employee.set_salary` and `hr.employee.clear_salary`: what somebody earns for a month, before deductions.
//!
//! Both need the permission to set salaries and that to see them: what takes the change back names the old amount.

use super::{Employee, EmployeeId, RESOURCE, SALARY, store};
use crate::error::Error;
use chrono::NaiveDate;
use serde::Deserialize;
use serde_json::json;
use steward_kernel::command::Command;
use steward_kernel::{CommandSpec, Currency, Field, Money, Outcome, Result, Risk, Work};

const PERMISSION: &str = "hr:employee:set_salary";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetSalary {
    employee: EmployeeId,
    salary: Money,
    /// The first day it holds for; today unless said otherwise.
    #[serde(default)]
    salary_from: Option<NaiveDate>,
}

impl Command for SetSalary {
    fn spec() -> CommandSpec {
        CommandSpec::new("hr.employee.set_salary")
            .permission(PERMISSION)
            .target("employee")
            .input(Field::money("salary").required().personal())
            .input(Field::date("salary_from").default("today"))
            .risk(Risk::High)
            .undo("hr.employee.set_salary")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let employee = work.lock::<Employee>(self.employee).await?;
        check_sight(work)?;
        if self.salary.amount.is_sign_negative() && !self.salary.amount.is_zero() {
            return Err(steward_kernel::Error::field("salary", "must not be negative"));
        }
        let from = self.salary_from.unwrap_or_else(|| work.today());
        let currency = String::from(self.salary.currency);
        if (employee.salary, employee.currency.as_ref(), employee.salary_from) == (Some(self.salary.amount), Some(&currency), Some(from)) {
            return Err(Error::SameSalary.into());
        }
        let id = employee.id;
        let (undo, before) = match salary_of(&employee)? {
            Some((salary, from)) => ("hr.employee.set_salary", json!({ "employee": id, "salary": salary, "salary_from": from })),
            None => ("hr.employee.clear_salary", json!({ "employee": id })),
        };
        let employee = Employee { salary: Some(self.salary.amount), currency: Some(currency), salary_from: Some(from), ..employee };
        let tenant = work.tenant();
        store::update(work.db(), tenant, &employee).await?;
        // The amount stays in the record: an event is for everybody who subscribes.
        work.emit("hr.employee.salary_changed", id, json!({}));
        Ok(Outcome::of(RESOURCE, id).undo(undo, before))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClearSalary {
    employee: EmployeeId,
}

impl Command for ClearSalary {
    fn spec() -> CommandSpec {
        CommandSpec::new("hr.employee.clear_salary").permission(PERMISSION).target("employee").risk(Risk::High).undo("hr.employee.set_salary")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let employee = work.lock::<Employee>(self.employee).await?;
        check_sight(work)?;
        let Some((salary, from)) = salary_of(&employee)? else { return Err(Error::NoSalary.into()) };
        let id = employee.id;
        let employee = Employee { salary: None, currency: None, salary_from: None, ..employee };
        let tenant = work.tenant();
        store::update(work.db(), tenant, &employee).await?;
        work.emit("hr.employee.salary_changed", id, json!({}));
        Ok(Outcome::of(RESOURCE, id).undo("hr.employee.set_salary", json!({ "employee": id, "salary": salary, "salary_from": from })))
    }
}

fn check_sight(work: &Work) -> Result<()> {
    if work.principal().is_system() || work.rights().may(SALARY) {
        return Ok(());
    }
    Err(steward_kernel::Error::forbidden(SALARY).because("hr.salary_hidden"))
}

fn salary_of(employee: &Employee) -> Result<Option<(Money, NaiveDate)>> {
    match (employee.salary, &employee.currency, employee.salary_from) {
        (Some(amount), Some(currency), Some(from)) => Ok(Some((Money { amount, currency: Currency::new(currency.clone())? }, from))),
        _ => Ok(None),
    }
}
