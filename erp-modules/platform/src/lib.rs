//! Platform: what an administrator looks after: the tenant's settings and own fields, classes of
//! commands, the audit, deliveries that failed.
//!
//! Start at [`custom_field`]: a field that a tenant adds becomes one more source of its catalogue, and with it of every
//! door. The tables of the kernel that are shown here belong to the kernel; this module has no business of its own.

mod audit;
pub mod command_risk;
pub mod custom_field;
mod deliveries;
pub mod delivery;
pub mod settings;

use steward_kernel::Module;

/// SQL of the module, run in each placement's schema.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

steward_kernel::id! {
    CommandRiskId;
    CustomFieldId;
}

/// The module's declaration.
pub fn module() -> Module {
    Module::new("platform")
        .depends(&["identity"])
        .migrations(&MIGRATIONS)
        .labels("en", include_str!("../labels/en.ftl"))
        .labels("de", include_str!("../labels/de.ftl"))
        .resource(command_risk::resource())
        .resource(custom_field::resource())
        .resource(settings::resource())
        .command::<command_risk::tighten::TightenCommand>()
        .command::<command_risk::relax::RelaxCommand>()
        .command::<custom_field::create::CreateCustomField>()
        .command::<custom_field::archive::ArchiveCustomField>()
        .command::<settings::UpdateSettings>()
        .command::<delivery::RetryDelivery>()
        .report::<audit::Audit>()
        .report::<deliveries::Deliveries>()
}
