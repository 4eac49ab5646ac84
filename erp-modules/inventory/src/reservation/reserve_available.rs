//! `inventory.reserve_available`: for a document of another module. Reserves what there is, in the company's warehouses in
//! the order of their codes, and says for each line what is missing. Called again, it reserves again: the caller asks only
//! for what is still open.

use super::{ACTIVE, PERMISSION, RESOURCE, Reservation, ReservationId, shifts, store, tell};
use crate::item::{ItemId, check_scale};
use crate::stock::{self, Bound, Held, plain};
use crate::warehouse;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use steward_kernel::command::Command;
use steward_kernel::{CommandSpec, Error as KernelError, Field, Outcome, Result, Work};
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReserveAvailable {
    document_resource: String,
    document_id: String,
    /// The document's company: what is reserved lies in its warehouses.
    company: Uuid,
    lines: Vec<Line>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    line: String,
    item: ItemId,
    quantity: Decimal,
}

impl Command for ReserveAvailable {
    fn spec() -> CommandSpec {
        let line = vec![Field::text("line").max(100).required(), Field::reference("item", "inventory.item").required(), Field::decimal("quantity").required()];
        CommandSpec { resource: RESOURCE.into(), ..CommandSpec::new("inventory.reserve_available") }
            .permission(PERMISSION)
            .input(Field::text("document_resource").max(100).required())
            .input(Field::text("document_id").max(100).required())
            .input(Field::reference("company", "identity.company").required())
            .for_company("company")
            .input(Field::lines("lines", line).required())
            .undo("inventory.release_document")
            .internal()
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        for (position, line) in self.lines.iter().enumerate() {
            let field = format!("lines[{position}].quantity");
            check_scale(&field, line.quantity)?;
            if line.quantity < Decimal::ZERO {
                return Err(KernelError::field(field, "must not be negative"));
            }
        }
        let tenant = work.tenant();
        let warehouses = warehouse::store::candidates(work.db(), tenant, Some(self.company)).await?;
        let mut ids: Vec<Uuid> = self.lines.iter().map(|line| line.item.0).collect();
        ids.sort_unstable();
        ids.dedup();
        let items: HashMap<ItemId, Held> = stock::store::lock_items(work.db(), tenant, &ids).await?.into_iter().map(|item| (item.id, item)).collect();
        let levels = stock::store::available(work.db(), tenant, &ids).await?;
        let mut left: HashMap<(Uuid, Uuid), Decimal> = levels.into_iter().map(|(item, warehouse, available)| ((item, warehouse), available)).collect();

        let mut reservations = Vec::new();
        let mut answer = Vec::with_capacity(self.lines.len());
        let mut sums: BTreeMap<ItemId, (Decimal, Decimal)> = BTreeMap::new();
        for line in &self.lines {
            let item = items.get(&line.item).ok_or_else(|| KernelError::field("lines", "no such item"))?;
            let mut wanted = line.quantity;
            for warehouse in &warehouses {
                let Some(available) = left.get_mut(&(item.id.0, warehouse.id.0)) else { continue };
                let quantity = wanted.min(*available);
                if quantity <= Decimal::ZERO {
                    continue;
                }
                *available -= quantity;
                wanted -= quantity;
                reservations.push(Reservation {
                    id: ReservationId::fresh(),
                    version: 1,
                    item_id: item.id,
                    warehouse_id: warehouse.id,
                    company_id: warehouse.company_id,
                    quantity,
                    unit: item.unit.clone(),
                    status: ACTIVE.into(),
                    document_resource: Some(self.document_resource.clone()),
                    document_id: Some(self.document_id.clone()),
                    line: Some(line.line.clone()),
                });
            }
            let reserved = line.quantity - wanted;
            let sum = sums.entry(item.id).or_default();
            *sum = (sum.0 + reserved, sum.1 + wanted);
            answer.push(json!({ "line": line.line, "reserved": plain(reserved), "backordered": plain(wanted) }));
        }
        if !reservations.is_empty() {
            // The items are locked since before the stock was read, so the bound can only fail if that order was broken.
            if !stock::store::shift(work.db(), tenant, &shifts(&reservations, Decimal::ZERO, Decimal::ONE, Bound::Available)).await? {
                return Err(KernelError::internal("stock changed under the lock of its item"));
            }
            store::insert(work.db(), tenant, &reservations).await?;
        }
        for (item, (reserved, backordered)) in sums {
            let Some(item) = items.get(&item) else { continue };
            for (message, quantity) in [("inventory-effect-reserves", reserved), ("inventory-effect-backorders", backordered)] {
                if !quantity.is_zero() {
                    tell(work, message, quantity, &item.name);
                }
            }
        }
        Ok(Outcome::nothing().data(json!({ "lines": Value::Array(answer) })))
    }
}
