//! Sales: orders with their lines, from draft through quotation and confirmation to done.
//!
//! Start at [`order`], the record and its states, and at [`order::confirm`]. REST, the screens and the assistant all
//! reach a command through the bus, so a rule written here holds for people and for models. Stock, customers and users
//! belong to other modules and are met by name only: what is asked of them stands in [`neighbours`].
//!
//! Deliberately absent: invoices, deliveries, returns and price lists.
//!
//! **Invariant:** no other module reads this crate's tables, and an order's net total is the exact sum of its lines'
//! amounts at every commit (a deferred constraint of the database holds it).

pub mod backlog;
pub mod line;
pub mod neighbours;
pub mod order;
pub mod summary;

use steward_kernel::Module;
use steward_kernel::principal::Scope;

/// The module's tables.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// What everybody who works on orders may read besides: whatever an order refers to.
const SURROUNDINGS: &[(&str, Scope)] = &[
    ("crm:party:read", Scope::Tenant),
    ("identity:company:read", Scope::Tenant),
    ("identity:department:read", Scope::Tenant),
    ("identity:user:read", Scope::Tenant),
    ("inventory:category:read", Scope::Tenant),
    ("inventory:item:read", Scope::Tenant),
    ("inventory:stock:read", Scope::Tenant),
    ("inventory:warehouse:read", Scope::Tenant),
];

/// The daily work on orders.
const SELLING: &[&str] = &[
    "sales:backlog:read",
    "sales:order:cancel",
    "sales:order:complete",
    "sales:order:confirm",
    "sales:order:create",
    "sales:order:quote",
    "sales:order:read",
    "sales:order:reopen",
    "sales:order:reserve",
    "sales:order:start",
    "sales:order:update",
];

/// The work of those who pack and ship.
const SHIPPING: &[&str] = &["sales:backlog:read", "sales:order:complete", "sales:order:read", "sales:order:reserve", "sales:order:start"];

fn grants(permissions: &[&'static str], scope: Scope) -> Vec<(&'static str, Scope)> {
    let own = permissions.iter().map(|permission| (*permission, scope));
    own.chain(SURROUNDINGS.iter().copied()).collect()
}

/// The module's declaration.
pub fn module() -> Module {
    let mut managing = grants(SELLING, Scope::Team);
    managing.push(("sales:order:assign", Scope::Team));
    let mut shipping = grants(SHIPPING, Scope::Tenant);
    shipping.extend([("inventory:move:read", Scope::Tenant), ("inventory:reservation:read", Scope::Tenant)]);
    Module::new("sales")
        .depends(&["identity", "crm", "inventory"])
        .migrations(&MIGRATIONS)
        .labels("en", include_str!("../labels/en.ftl"))
        .labels("de", include_str!("../labels/de.ftl"))
        .resource(order::resource())
        .resource(line::resource())
        .resource(summary::resource())
        .command::<order::create::CreateOrder>()
        .command::<order::update::UpdateOrder>()
        .command::<order::quote::QuoteOrder>()
        .command::<order::redraft::RedraftOrder>()
        .command::<order::confirm::ConfirmOrder>()
        .command::<order::reserve::ReserveOrder>()
        .command::<order::start::StartOrder>()
        .command::<order::hold::HoldOrder>()
        .command::<order::complete::CompleteOrder>()
        .command::<order::cancel::CancelOrder>()
        .command::<order::reopen::ReopenOrder>()
        .command::<order::put_back::PutBackOrder>()
        .command::<order::assign::AssignOrder>()
        .command::<order::bring_in::BringInOrder>()
        .report::<backlog::Backlog>()
        .subscribe::<summary::KeepSummary>()
        .role("sales-representative", &grants(SELLING, Scope::Own))
        .role("sales-manager", &managing)
        .role("warehouse", &shipping)
}
