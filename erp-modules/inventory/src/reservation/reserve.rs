//! `inventory.reserve`: the whole quantity in one warehouse of a company, or nothing.

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
use steward_kernel::{CommandSpec, Entity, Error as KernelError, Field, Outcome, Result, Work};
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reserve {
    item: ItemId,
    quantity: Decimal,
    /// Without it the first warehouse that has enough.
    #[serde(default)]
    warehouse: Option<WarehouseId>,
    /// Whose warehouses: the document's company, without one the user's.
    #[serde(default)]
    company: Option<Uuid>,
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
            .input(Field::reference("company", "identity.company"))
            .for_company("company")
            .input(Field::text("document_resource").max(100))
            .input(Field::text("document_id").max(100))
            .input(Field::text("line").max(100))
            .undo("inventory.release")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        check_quantity("quantity", self.quantity)?;
        let tenant = work.tenant();
        let warehouses = match self.warehouse {
            Some(_) => vec![named(work, self.warehouse, self.company).await?],
            None => within(work, self.company).await?,
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

/// The warehouse that was named. It must not be another company's than the document's.
async fn named(work: &mut Work, warehouse: Option<WarehouseId>, company: Option<Uuid>) -> Result<Warehouse> {
    let warehouse = warehouse::choose(work, warehouse).await?;
    if company.is_some() && warehouse.company_id.is_some() && warehouse.company_id != company {
        return Err(KernelError::field("warehouse", "belongs to another company"));
    }
    Ok(warehouse)
}

/// The warehouses of the document's company, as far as the user may reserve there.
async fn within(work: &mut Work, company: Option<Uuid>) -> Result<Vec<Warehouse>> {
    let tenant = work.tenant();
    let company = company.or(work.usual_company());
    let mut allowed = Vec::new();
    let mut refusal = None;
    for warehouse in warehouse::store::candidates(work.db(), tenant, company).await? {
        match work.check_new(warehouse.scope()) {
            Ok(()) => allowed.push(warehouse),
            Err(error) => refusal = refusal.or(Some(error)),
        }
    }
    match refusal {
        Some(error) if allowed.is_empty() => Err(error),
        _ => Ok(allowed),
    }
}
