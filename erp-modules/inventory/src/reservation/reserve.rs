//! `inventory.reserve`: the whole quantity in one warehouse, or nothing.

use super::{ACTIVE, PERMISSION, RESOURCE, Reservation, ReservationId, shifts, store, tell};
use crate::error::Error;
use crate::item::ItemId;
use crate::stock::{self, Bound, check_quantity, hold, insufficient};
use crate::warehouse::{self, Warehouse, WarehouseId};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::json;
use steward_kernel::changes::filled;
use steward_kernel::command::Command;
use steward_kernel::{CommandSpec, Entity, Field, Outcome, Result, Work};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reserve {
    item: ItemId,
    quantity: Decimal,
    /// Without it the first warehouse that has enough.
    #[serde(default)]
    warehouse: Option<WarehouseId>,
    #[serde(default)]
    document_resource: Option<String>,
    #[serde(default)]
    document_id: Option<String>,
    #[serde(default)]
    line: Option<String>,
}

impl Command for Reserve {
    fn spec() -> CommandSpec {
        CommandSpec { resource: RESOURCE.into(), ..CommandSpec::new("inventory.reserve") }
            .permission(PERMISSION)
            .input(Field::reference("item", "inventory.item").required())
            .input(Field::decimal("quantity").required())
            .input(Field::reference("warehouse", "inventory.warehouse"))
            .input(Field::text("document_resource").max(100))
            .input(Field::text("document_id").max(100))
            .input(Field::text("line").max(100))
            .undo("inventory.release")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        check_quantity("quantity", self.quantity)?;
        let tenant = work.tenant();
        let warehouses = match self.warehouse {
            Some(_) => vec![warehouse::choose(work, self.warehouse).await?],
            None => within(work).await?,
        };
        let item = hold(work, self.item).await?;
        let levels = stock::store::available(work.db(), tenant, &[item.id.0]).await?;
        let available = |warehouse: &Warehouse| levels.iter().find(|(_, id, _)| *id == warehouse.id.0).map_or(Decimal::ZERO, |(_, _, available)| *available);
        let Some(warehouse) = warehouses.iter().find(|warehouse| available(warehouse) >= self.quantity) else {
            let fullest = warehouses.iter().max_by_key(|warehouse| available(warehouse)).ok_or(Error::NoWarehouse)?;
            return Err(insufficient(&item, fullest, self.quantity, available(fullest)).into());
        };
        let reservation = Reservation {
            id: ReservationId::fresh(),
            version: 1,
            item_id: item.id,
            warehouse_id: warehouse.id,
            company_id: warehouse.company_id,
            quantity: self.quantity,
            unit: item.unit.clone(),
            status: ACTIVE.into(),
            document_resource: filled(self.document_resource),
            document_id: filled(self.document_id),
            line: filled(self.line),
        };
        let reservations = [reservation];
        // The bound holds whatever was read before: the statement itself refuses to promise what is not there.
        if !stock::store::shift(work.db(), tenant, &shifts(&reservations, Decimal::ZERO, Decimal::ONE, Bound::Available)).await? {
            return Err(insufficient(&item, warehouse, self.quantity, available(warehouse)).into());
        }
        store::insert(work.db(), tenant, &reservations).await?;
        tell(work, "inventory-effect-reserves", self.quantity, &item.name);
        let [reservation] = reservations;
        Ok(Outcome::of(RESOURCE, reservation.id).undo("inventory.release", json!({ "reservation": reservation.id })))
    }
}

/// The warehouses of the user's company, as far as he may reserve there.
async fn within(work: &mut Work) -> Result<Vec<Warehouse>> {
    let tenant = work.tenant();
    let company = work.rights().company;
    let all = warehouse::store::candidates(work.db(), tenant, company).await?;
    if let Some(first) = all.first()
        && !all.iter().any(|warehouse| work.check_new(warehouse.scope()).is_ok())
    {
        work.check_new(first.scope())?;
    }
    Ok(all.into_iter().filter(|warehouse| work.check_new(warehouse.scope()).is_ok()).collect())
}
