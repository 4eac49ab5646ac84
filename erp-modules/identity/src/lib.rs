//! Identity: companies, departments, users, roles and sessions: who somebody is and what he may do.
//!
//! Start at `migrations/*_begin_work.sql`, the function that opens every unit of work and reads the asker's rights, and
//! at [`auth::Authenticator`], which turns a log-in or an API key into a principal. The rules that keep rights from
//! growing by themselves stand in [`guard`]. The organisation tree belongs here because rights depend on it.
//!
//! **Invariants:** nobody gives a permission or a width that he does not hold; the last administrator stays; password
//! and key hashes stand in tables without change capture, which the application may write but not read.

mod access;
pub mod api_key;
pub mod auth;
pub mod company;
pub mod department;
pub mod guard;
pub mod keys;
pub mod password;
pub mod place;
pub mod role;
pub mod session;
pub mod user;

use steward_kernel::Module;
use steward_kernel::principal::Scope;

/// SQL of the module's tables, run in each placement's schema.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// The role that holds every permission at the width of the tenant. Only the house changes it.
pub const ADMINISTRATOR: &str = "administrator";
/// The role of everybody who works here: colleagues by name, the own password and the own keys.
pub const EMPLOYEE: &str = "employee";

steward_kernel::id! {
    UserId;
    CompanyId;
    DepartmentId;
    RoleId;
    SessionId;
    ApiKeyId;
}

/// The module's declaration.
pub fn module() -> Module {
    Module::new("identity")
        .migrations(&MIGRATIONS)
        .labels("en", include_str!("../labels/en.ftl"))
        .labels("de", include_str!("../labels/de.ftl"))
        .resource(user::resource())
        .resource(user::companies_resource())
        .resource(user::roles_resource())
        .resource(role::resource())
        .resource(role::grants_resource())
        .resource(company::resource())
        .resource(department::resource())
        .resource(session::resource())
        .resource(api_key::resource())
        .command::<user::create::CreateUser>()
        .command::<user::update::UpdateUser>()
        .command::<user::activity::DeactivateUser>()
        .command::<user::activity::ReactivateUser>()
        .command::<user::set_password::SetPassword>()
        .command::<user::set_manager::SetManager>()
        .command::<user::roles::AssignRole>()
        .command::<user::roles::WithdrawRole>()
        .command::<user::companies::AddCompany>()
        .command::<user::companies::RemoveCompany>()
        .command::<role::create::CreateRole>()
        .command::<role::grant::GrantPermission>()
        .command::<role::revoke::RevokePermission>()
        .command::<company::create::CreateCompany>()
        .command::<company::update::UpdateCompany>()
        .command::<department::create::CreateDepartment>()
        .command::<department::update::UpdateDepartment>()
        .command::<session::revoke::RevokeSession>()
        .command::<api_key::create::CreateApiKey>()
        .command::<api_key::make_for_models::MakeForModels>()
        .command::<api_key::revoke::RevokeApiKey>()
        .query::<place::UserPlace>()
        .query::<place::CompanyFacts>()
        .report::<access::Access>()
        .role(
            EMPLOYEE,
            &[
                ("identity:user:read", Scope::Tenant),
                ("identity:company:read", Scope::Tenant),
                ("identity:department:read", Scope::Tenant),
                ("identity:user:set_password", Scope::Own),
                ("identity:session:read", Scope::Own),
                ("identity:session:revoke", Scope::Own),
                ("identity:api_key:read", Scope::Own),
                ("identity:api_key:create", Scope::Own),
                ("identity:api_key:revoke", Scope::Own),
            ],
        )
}
