//! `hr.employee.create`: a user becomes an employee. What he earns is a command of its own.

use super::{ACTIVE, Employee, EmployeeId, RESOURCE, resource, store};
use crate::error::Error;
use chrono::NaiveDate;
use serde::Deserialize;
use serde_json::json;
use steward_kernel::changes::inputs;
use steward_kernel::command::Command;
use steward_kernel::{CommandSpec, Entity, Field, Outcome, Result, Work};
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Create {
    user: Uuid,
    number: String,
    name: String,
    #[serde(default)]
    position: Option<String>,
    #[serde(default)]
    department: Option<Uuid>,
    /// That of whoever creates the employee, unless said otherwise.
    #[serde(default)]
    company: Option<Uuid>,
    #[serde(default)]
    kind: Option<String>,
    /// The first day.
    hire_date: NaiveDate,
    #[serde(default)]
    allow_duplicate: Option<bool>,
}

impl Command for Create {
    fn spec() -> CommandSpec {
        let fields = inputs(resource()).into_iter().map(|field| Field { required: matches!(&*field.name, "number" | "name" | "hire_date"), ..field });
        CommandSpec::new("hr.employee.create")
            .input(Field::reference("user", "identity.user").required())
            .inputs(fields)
            .undo("hr.employee.end")
            .duplicate_guard(&["user", "number", "name", "hire_date"])
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let company = match self.company {
            Some(company) => company,
            None => work.company()?,
        };
        let employee = Employee {
            id: EmployeeId::fresh(),
            version: 1,
            user_id: self.user,
            company_id: company,
            department_id: self.department,
            number: self.number,
            name: self.name,
            position: self.position.unwrap_or_default(),
            kind: self.kind.unwrap_or_else(|| "full_time".into()),
            status: ACTIVE.into(),
            hire_date: self.hire_date,
            end_date: None,
            salary: None,
            currency: None,
            salary_from: None,
        };
        work.check_new(employee.scope())?;
        let tenant = work.tenant();
        let taken = store::taken(work.db(), tenant, &employee).await?;
        if taken.number {
            return Err(Error::NumberTaken.into());
        }
        if taken.user {
            return Err(Error::EmployedAlready.into());
        }
        if taken.name && self.allow_duplicate != Some(true) {
            return Err(Error::SameName.into());
        }
        store::insert(work.db(), tenant, &employee).await?;
        work.emit("hr.employee.created", employee.id, json!({ "user": employee.user_id }));
        // Taken back, the employment has never begun: it ends on the day before its first one, and counts on no day.
        let never = employee.hire_date.pred_opt().unwrap_or(employee.hire_date);
        Ok(Outcome::of(RESOURCE, employee.id).undo("hr.employee.end", json!({ "employee": employee.id, "end_date": never })))
    }
}
