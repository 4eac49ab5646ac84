//! SQL of employees.

use super::{Employee, EmployeeId};
use sqlx::PgConnection;
use steward_kernel::Result;
use steward_kernel::error::During;
use uuid::Uuid;

pub(super) async fn lock(db: &mut PgConnection, tenant: Uuid, id: Uuid) -> Result<Option<Employee>> {
    sqlx::query_as!(
        Employee,
        r#"SELECT id AS "id: EmployeeId", version, user_id, company_id, department_id, number, name, position, kind, status, hire_date, end_date, salary, currency, salary_from
           FROM hr_employee WHERE tenant_id = $1 AND id = $2 FOR UPDATE"#,
        tenant,
        id
    )
    .fetch_optional(db)
    .await
    .during("lock the employee")
}

/// What another employee has of this one.
pub(super) struct Taken {
    pub(super) number: bool,
    /// The user is employed now.
    pub(super) user: bool,
    /// The same name with the same first day.
    pub(super) name: bool,
}

/// Two that look for the same at one moment wait for each other here, so that the second one finds the first.
pub(super) async fn taken(db: &mut PgConnection, tenant: Uuid, employee: &Employee) -> Result<Taken> {
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended('hr_employee:' || $1::text, 0))", tenant.to_string())
        .execute(&mut *db)
        .await
        .during("look for the same employee")?;
    sqlx::query_as!(
        Taken,
        r#"SELECT EXISTS (SELECT FROM hr_employee WHERE tenant_id = $1 AND number = $3 AND id <> $2) AS "number!",
                  EXISTS (SELECT FROM hr_employee WHERE tenant_id = $1 AND user_id = $4 AND status = 'active' AND id <> $2) AS "user!",
                  EXISTS (SELECT FROM hr_employee WHERE tenant_id = $1 AND name_fold = app.fold($5) AND hire_date = $6 AND id <> $2) AS "name!""#,
        tenant,
        employee.id.0,
        employee.number,
        employee.user_id,
        employee.name,
        employee.hire_date
    )
    .fetch_one(db)
    .await
    .during("look for the same employee")
}

pub(super) async fn insert(db: &mut PgConnection, tenant: Uuid, employee: &Employee) -> Result<()> {
    sqlx::query!(
        "INSERT INTO hr_employee (tenant_id, id, user_id, company_id, department_id, number, name, position, kind, hire_date) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        tenant,
        employee.id.0,
        employee.user_id,
        employee.company_id,
        employee.department_id,
        employee.number,
        employee.name,
        employee.position,
        employee.kind,
        employee.hire_date
    )
    .execute(db)
    .await
    .during("store the employee")?;
    Ok(())
}

/// Stores everything that may change.
pub(super) async fn update(db: &mut PgConnection, tenant: Uuid, employee: &Employee) -> Result<()> {
    sqlx::query!(
        "UPDATE hr_employee SET company_id = $3, department_id = $4, number = $5, name = $6, position = $7, kind = $8, status = $9, hire_date = $10, end_date = $11,
                salary = $12, currency = $13, salary_from = $14
         WHERE tenant_id = $1 AND id = $2",
        tenant,
        employee.id.0,
        employee.company_id,
        employee.department_id,
        employee.number,
        employee.name,
        employee.position,
        employee.kind,
        employee.status,
        employee.hire_date,
        employee.end_date,
        employee.salary,
        employee.currency,
        employee.salary_from
    )
    .execute(db)
    .await
    .during("store the employee")?;
    Ok(())
}
