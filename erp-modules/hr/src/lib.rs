//! People as employees: who works where, as what, since when, and what they earn.
//!
//! Start at [`employee`]. An employee is one employment of a user; companies, departments and lines of report belong to
//! identity, because rights depend on them, and are referred to from here. What somebody earns stands behind a permission
//! of its own, [`employee::SALARY`], at every door: without it the fields do not exist.
//!
//! **Invariant:** no other module reads this crate's table; they refer to `hr.employee`.
//!
//! Deliberately absent: payslips, taxes, holidays and time sheets.

mod employee;
mod error;
mod headcount;
mod payroll;

use steward_kernel::{Module, Scope};

/// The tables of this module.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// What everybody who may see the directory needs besides: whom and what an employee refers to.
const DIRECTORY: &[(&str, Scope)] = &[
    ("hr:employee:read", Scope::Tenant),
    ("identity:company:read", Scope::Tenant),
    ("identity:department:read", Scope::Tenant),
    ("identity:user:read", Scope::Tenant),
];

/// The module's declaration.
pub fn module() -> Module {
    let managing = [
        ("hr:employee:create", Scope::Tenant),
        ("hr:employee:end", Scope::Tenant),
        ("hr:employee:salary", Scope::Tenant),
        ("hr:employee:set_salary", Scope::Tenant),
        ("hr:employee:update", Scope::Tenant),
    ];
    Module::new("hr")
        .depends(&["identity"])
        .migrations(&MIGRATIONS)
        .labels("en", include_str!("../labels/en.ftl"))
        .labels("de", include_str!("../labels/de.ftl"))
        .resource(employee::resource())
        .command::<employee::create::Create>()
        .command::<employee::update::Update>()
        .command::<employee::salary::SetSalary>()
        .command::<employee::salary::ClearSalary>()
        .command::<employee::end::End>()
        .command::<employee::end::Reinstate>()
        .report::<headcount::Headcount>()
        .report::<payroll::Payroll>()
        .role("employee", DIRECTORY)
        .role("hr-manager", &[DIRECTORY, &managing].concat())
}
