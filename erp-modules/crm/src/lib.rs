//! Customers, suppliers and everybody else the company deals with: parties with their addresses, contacts and activities.
//!
//! Start at [`party`]. A customer and a supplier are the same kind of record with a mark each, because one firm is often
//! both. Addresses and contacts belong to a party and follow its owner; activities have an owner of their own.
//!
//! **Invariant:** no other module reads this crate's tables; they ask `crm.party.describe` or refer to `crm.party`.
//!
//! Deliberately absent: leads and opportunities, and the merging of parties.

mod activity;
mod address;

mod contact;
mod error;
mod party;

use steward_kernel::{Module, Scope};

/// The tables of this module.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// The module's declaration.
pub fn module() -> Module {
    Module::new("crm")
        .depends(&["identity"])
        .migrations(&MIGRATIONS)
        .labels("en", include_str!("../labels/en.ftl"))
        .labels("de", include_str!("../labels/de.ftl"))
        .resource(party::resource())
        .resource(address::resource())
        .resource(contact::resource())
        .resource(activity::resource())
        .command::<party::create::Create>()
        .command::<party::update::Update>()
        .command::<party::archive::Archive>()
        .command::<party::archive::Restore>()
        .command::<address::Create>()
        .command::<address::Update>()
        .command::<address::MakeMain>()
        .command::<address::Archive>()
        .command::<address::Restore>()
        .command::<contact::Create>()
        .command::<contact::Update>()
        .command::<contact::Archive>()
        .command::<contact::Restore>()
        .command::<activity::change::Create>()
        .command::<activity::change::Update>()
        .command::<activity::complete::Complete>()
        .command::<activity::complete::Reopen>()
        .command::<activity::change::Archive>()
        .command::<activity::change::Restore>()
        .query::<party::describe::Describe>()
        .report::<activity::due::Due>()
        .role(
            "sales-representative",
            &[
                ("crm:party:read", Scope::Tenant),
                ("crm:party:create", Scope::Own),
                ("crm:party:update", Scope::Own),
                ("crm:activity:read", Scope::Own),
                ("crm:activity:create", Scope::Own),
                ("crm:activity:update", Scope::Own),
                ("crm:activity:archive", Scope::Own),
            ],
        )
        .role(
            "sales-manager",
            &[
                ("crm:party:read", Scope::Tenant),
                ("crm:party:create", Scope::Tenant),
                ("crm:party:update", Scope::Tenant),
                ("crm:party:archive", Scope::Tenant),
                ("crm:party:credit", Scope::Tenant),
                ("crm:activity:read", Scope::Team),
                ("crm:activity:create", Scope::Team),
                ("crm:activity:update", Scope::Team),
                ("crm:activity:archive", Scope::Team),
            ],
        )
        .role("warehouse", &[("crm:party:read", Scope::Tenant)])
}
