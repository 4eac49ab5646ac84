//! Employees: one employment each of a user of the tenant.
//!
//! The user is the owner of the row, so the width `own` is one's own employment and `team` those below one in the lines of
//! report, which identity keeps (`user.manager`).

pub(crate) mod create;
pub(crate) mod end;
pub(crate) mod salary;
mod store;
pub(crate) mod update;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use steward_kernel::{Entity, Field, Measure, Resource, Result, RowScope};
use uuid::Uuid;

steward_kernel::id! {
    /// An employee's id.
    EmployeeId;
}

pub(crate) const RESOURCE: &str = "hr.employee";
/// The permission to see what somebody earns.
pub(crate) const SALARY: &str = "hr:employee:salary";
const ACTIVE: &str = "active";
const ENDED: &str = "ended";

pub(crate) fn resource() -> Resource {
    Resource::new(RESOURCE, "employees", "hr_employee")
        .owner("user_id")
        .department("department_id")
        .company("company_id")
        .field(Field::text("number").required().max(20).sortable().prefix("number_fold").searchable().in_list().writable())
        .field(Field::text("name").required().sortable().prefix("name_fold").searchable().personal().in_list().writable())
        .field(Field::reference("user", "identity.user").required())
        .field(Field::text("position").required().searchable().in_list().writable())
        .field(Field::reference("department", "identity.department").in_list().writable())
        .field(Field::reference("company", "identity.company").required().in_list().writable())
        .field(Field::choice("kind", &["full_time", "part_time", "trainee", "temporary"]).required().default("full_time").writable())
        .field(Field::choice("status", &[ACTIVE, ENDED]).required().in_list())
        .field(Field::date("hire_date").required().sortable().in_list().writable())
        .field(Field::date("end_date"))
        .field(Field::money("salary").permission(SALARY).personal())
        .field(Field::date("salary_from").permission(SALARY).personal())
        .measure(Measure::sum_money("salary_total", "salary").only("status", &[ACTIVE]).permission(SALARY))
        .measure(Measure::average_money("salary_average", "salary").only("status", &[ACTIVE]).permission(SALARY))
        .named_filter("current", "t.status = 'active'")
        .sort("name")
        .create("hr.employee.create")
        .update("hr.employee.update")
}

/// A locked row.
pub(crate) struct Employee {
    id: EmployeeId,
    version: i64,
    user_id: Uuid,
    company_id: Uuid,
    department_id: Option<Uuid>,
    number: String,
    name: String,
    position: String,
    kind: String,
    status: String,
    hire_date: NaiveDate,
    end_date: Option<NaiveDate>,
    salary: Option<Decimal>,
    currency: Option<String>,
    salary_from: Option<NaiveDate>,
}

impl Entity for Employee {
    const RESOURCE: &'static str = RESOURCE;
    fn id(&self) -> Uuid {
        self.id.0
    }
    fn version(&self) -> i64 {
        self.version
    }
    fn scope(&self) -> RowScope {
        RowScope { owner: Some(self.user_id), department: self.department_id, company: Some(self.company_id) }
    }
    async fn lock(db: &mut PgConnection, tenant: Uuid, id: Uuid) -> Result<Option<Self>> {
        store::lock(db, tenant, id).await
    }
}
