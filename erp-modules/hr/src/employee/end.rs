//! `hr.employee.end` and `hr.employee.reinstate`: each takes the other back. The record stays: whoever comes back later
//! gets a new one.

use super::{ACTIVE, ENDED, Employee, EmployeeId, RESOURCE, store};
use crate::error::Error;
use chrono::NaiveDate;
use serde::Deserialize;
use serde_json::json;
use steward_kernel::command::Command;
use steward_kernel::{CommandSpec, Field, Outcome, Result, Risk, Work};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct End {
    employee: EmployeeId,
    /// The last day; today unless said otherwise. The day before the first one takes back a creation.
    #[serde(default)]
    end_date: Option<NaiveDate>,
}

impl Command for End {
    fn spec() -> CommandSpec {
        CommandSpec::new("hr.employee.end")
            .target("employee")
            .input(Field::date("end_date").default("today"))
            .when(&[ACTIVE])
            .risk(Risk::High)
            .undo("hr.employee.reinstate")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let employee = work.lock::<Employee>(self.employee).await?;
        if employee.status != ACTIVE {
            return Err(Error::Ended.into());
        }
        let end = self.end_date.unwrap_or_else(|| work.today());
        if Some(end) < employee.hire_date.pred_opt() {
            return Err(Error::EndBeforeStart.into());
        }
        let employee = Employee { status: ENDED.into(), end_date: Some(end), ..employee };
        let tenant = work.tenant();
        store::update(work.db(), tenant, &employee).await?;
        work.emit("hr.employee.ended", employee.id, json!({ "user": employee.user_id, "end_date": end }));
        Ok(Outcome::of(RESOURCE, employee.id).undo("hr.employee.reinstate", json!({ "employee": employee.id })))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reinstate {
    employee: EmployeeId,
}

impl Command for Reinstate {
    fn spec() -> CommandSpec {
        CommandSpec::new("hr.employee.reinstate").permission("hr:employee:end").target("employee").when(&[ENDED]).undo("hr.employee.end")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let employee = work.lock::<Employee>(self.employee).await?;
        let Some(end) = employee.end_date.filter(|_| employee.status == ENDED) else { return Err(Error::NotEnded.into()) };
        let employee = Employee { status: ACTIVE.into(), end_date: None, ..employee };
        let tenant = work.tenant();
        if store::taken(work.db(), tenant, &employee).await?.user {
            return Err(Error::EmployedAlready.into());
        }
        store::update(work.db(), tenant, &employee).await?;
        work.emit("hr.employee.reinstated", employee.id, json!({ "user": employee.user_id }));
        Ok(Outcome::of(RESOURCE, employee.id).undo("hr.employee.end", json!({ "employee": employee.id, "end_date": end })))
    }
}
