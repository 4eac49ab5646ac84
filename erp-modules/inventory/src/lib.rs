//! Stock: items, warehouses, append-only moves, and reservations that cannot overbook.
//!
//! Start at [`stock`], whose one function writes all stock, and at [`reservation`]. Two ways to reserve: `inventory.reserve`
//! takes the whole quantity or refuses, `inventory.reserve_available` takes what there is and says what is missing, for
//! documents of other modules.
//!
//! **Invariants:** whoever writes stock holds the lock of its item, and items are locked in the order of their ids; stock
//! on hand is the sum of its moves, reserved stock the sum of its active reservations, an item's figures the sums over its
//! warehouses (`inventory_check()` in SQL says where not). No other module reads this crate's tables.
//!
//! Deliberately absent: valuation, lots and serial numbers, counts.

mod category;

mod error;
mod item;
mod reservation;
mod stock;
mod warehouse;

use steward_kernel::{Module, Scope};

/// The tables of this module.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// Reading what there is and where it lies.
const LOOKING: &[(&str, Scope)] = &[
    ("inventory:category:read", Scope::Tenant),
    ("inventory:item:read", Scope::Tenant),
    ("inventory:stock:read", Scope::Tenant),
    ("inventory:warehouse:read", Scope::Tenant),
];

/// The module's declaration.
pub fn module() -> Module {
    Module::new("inventory")
        .depends(&["identity", "crm"])
        .migrations(&MIGRATIONS)
        .labels("en", include_str!("../labels/en.ftl"))
        .labels("de", include_str!("../labels/de.ftl"))
        .resource(category::resource())
        .resource(item::resource())
        .resource(warehouse::resource())
        .resource(stock::resource())
        .resource(stock::moves::resource())
        .resource(reservation::resource())
        .command::<category::Create>()
        .command::<category::Update>()
        .command::<category::Archive>()
        .command::<category::Restore>()
        .command::<item::create::Create>()
        .command::<item::update::Update>()
        .command::<item::archive::Archive>()
        .command::<item::archive::Restore>()
        .command::<item::discontinue::Discontinue>()
        .command::<warehouse::Create>()
        .command::<warehouse::Update>()
        .command::<stock::receive::Receive>()
        .command::<stock::issue::Issue>()
        .command::<stock::adjust::Adjust>()
        .command::<stock::open::Open>()
        .command::<stock::expect::Expect>()
        .command::<reservation::reserve::Reserve>()
        .command::<reservation::release::Release>()
        .command::<reservation::reserve_available::ReserveAvailable>()
        .command::<reservation::document::ReleaseDocument>()
        .command::<reservation::document::FulfilDocument>()
        .query::<item::describe::Describe>()
        .report::<stock::on_hand::OnHand>()
        .report::<item::reorder::Reorder>()
        .role("sales-representative", LOOKING)
        .role("sales-manager", &[LOOKING, &[("inventory:reservation:read", Scope::Tenant)]].concat())
        .role(
            "warehouse",
            &[
                LOOKING,
                &[
                    ("inventory:move:read", Scope::Tenant),
                    ("inventory:reservation:read", Scope::Tenant),
                    ("inventory:category:create", Scope::Tenant),
                    ("inventory:category:update", Scope::Tenant),
                    ("inventory:item:create", Scope::Tenant),
                    ("inventory:item:update", Scope::Tenant),
                    ("inventory:item:discontinue", Scope::Tenant),
                    ("inventory:item:archive", Scope::Tenant),
                    ("inventory:stock:receive", Scope::Tenant),
                    ("inventory:stock:issue", Scope::Tenant),
                    ("inventory:stock:adjust", Scope::Tenant),
                    ("inventory:stock:expect", Scope::Tenant),
                    ("inventory:reserve", Scope::Tenant),
                    ("sales:order:read", Scope::Tenant),
                ],
            ]
            .concat(),
        )
}
