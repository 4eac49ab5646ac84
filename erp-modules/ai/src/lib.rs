//! Language models, as a tenant sees them: who may call which, how much, what is guarded, and what was used.
//!
//! Two halves. What administrators look after are records with commands, as in every module: [`key`], [`budget`],
//! [`alias_rule`], [`rule`], [`prompt`], [`settings`], and [`alert`] for what was told of budgets. What the doors that reach
//! models need of it is [`access::Access`]: from a key to a [`access::Caller`] with its limits and guard, without a query for
//! each call; [`counting::Counting`], which counts limits in PostgreSQL for all processes; [`ledger::Ledger`], which writes down
//! every call; [`idempotency`], which answers a repeated call. [`Gateway`] holds them together.
//!
//! **Invariants:** no prompt and no answer is stored but in `ai.exchange`, masked, and only where the tenant wants it; a key's
//! secret is shown once; no other module reads this crate's tables.
//!
//! Deliberately absent: HTTP and the dispatch of calls, which are the gateway's, and what `steward_llm` does by itself:
//! prices, the guard, the cache, the arithmetic of budgets.

pub mod access;
pub mod alert;
pub mod alias_rule;
pub mod budget;
pub mod counting;
mod error;
pub mod exchange;
mod gateway;
pub mod idempotency;
pub mod key;
pub mod ledger;
pub mod prompt;
mod prompt_version;
pub mod request;
pub mod rule;
pub mod settings;
mod status;
pub mod upkeep;
mod usage;

use steward_kernel::Module;

pub use gateway::{Gateway, Settings};

/// The tables of this module.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// The name under which a tenant's plan includes this module.
pub const NAME: &str = "ai";

/// The module's declaration. No role but the administrator's has any of its permissions at first.
pub fn module() -> Module {
    Module::new(NAME)
        .depends(&["identity"])
        .migrations(&MIGRATIONS)
        .labels("en", include_str!("../labels/en.ftl"))
        .labels("de", include_str!("../labels/de.ftl"))
        .resource(key::resource())
        .resource(budget::resource())
        .resource(alert::resource())
        .resource(alias_rule::resource())
        .resource(rule::resource())
        .resource(prompt::resource())
        .resource(prompt_version::resource())
        .resource(settings::resource())
        .resource(request::resource())
        .resource(exchange::resource())
        .command::<key::create::Create>()
        .command::<key::update::Update>()
        .command::<key::end::End>()
        .command::<budget::create::Create>()
        .command::<budget::update::Update>()
        .command::<budget::archive::Archive>()
        .command::<budget::archive::Restore>()
        .command::<alias_rule::change::Create>()
        .command::<alias_rule::change::Update>()
        .command::<alias_rule::change::Archive>()
        .command::<alias_rule::change::Restore>()
        .command::<rule::change::Create>()
        .command::<rule::change::Update>()
        .command::<rule::archive::Archive>()
        .command::<rule::archive::Restore>()
        .command::<prompt::create::Create>()
        .command::<prompt::update::Update>()
        .command::<prompt::revise::Revise>()
        .command::<prompt::revise::TakeBack>()
        .command::<prompt::activate::Activate>()
        .command::<prompt::archive::Archive>()
        .command::<prompt::archive::Restore>()
        .command::<settings::UpdateSettings>()
        .subscribe::<key::end::Follow>()
        .report::<usage::Usage>()
        .report::<status::BudgetStatus>()
}
