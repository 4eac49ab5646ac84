//! `hr.employee.update`: what is known of an employee, but for what he earns and when he leaves.

use super::{Employee, EmployeeId, RESOURCE, resource, store};
use crate::error::Error;
use chrono::NaiveDate;
use serde::Deserialize;
use serde_json::json;
use steward_kernel::changes::{Changes, given, update_inputs};
use steward_kernel::command::Command;
use steward_kernel::{CommandSpec, Outcome, Result, Work};
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Update {
    employee: EmployeeId,
    #[serde(default)]
    number: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    position: Option<String>,
    #[serde(default, deserialize_with = "given")]
    department: Option<Option<Uuid>>,
    #[serde(default)]
    company: Option<Uuid>,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    hire_date: Option<NaiveDate>,
}

impl Command for Update {
    fn spec() -> CommandSpec {
        CommandSpec::new("hr.employee.update").target("employee").inputs(update_inputs(resource())).undo("hr.employee.update")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let mut employee = work.lock::<Employee>(self.employee).await?;
        for (name, text) in [("number", &self.number), ("name", &self.name)] {
            if text.as_deref() == Some("") {
                return Err(steward_kernel::Error::field(name, "is required"));
            }
        }
        let mut changes = Changes::default();
        changes.set("number", &mut employee.number, self.number)?;
        changes.set("name", &mut employee.name, self.name)?;
        changes.set("position", &mut employee.position, self.position)?;
        changes.set("department", &mut employee.department_id, self.department)?;
        changes.set("company", &mut employee.company_id, self.company)?;
        changes.set("kind", &mut employee.kind, self.kind)?;
        changes.set("hire_date", &mut employee.hire_date, self.hire_date)?;
        if changes.is_empty() {
            return Ok(Outcome::of(RESOURCE, employee.id));
        }
        if employee.end_date.is_some_and(|end| Some(end) < employee.hire_date.pred_opt()) {
            return Err(Error::StartAfterEnd.into());
        }
        let tenant = work.tenant();
        if changes.has("number") && store::taken(work.db(), tenant, &employee).await?.number {
            return Err(Error::NumberTaken.into());
        }
        store::update(work.db(), tenant, &employee).await?;
        work.emit("hr.employee.changed", employee.id, json!({}));
        Ok(Outcome::of(RESOURCE, employee.id).undo("hr.employee.update", changes.undo("employee", employee.id)))
    }
}
