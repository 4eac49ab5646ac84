//! `inventory.release_document` and `inventory.fulfil_document`: the end of all that is reserved for a document, back into
//! what can be had or out of the house. Only what lies with the document's company is touched: that somebody reserved
//! elsewhere under the document's name is not the document's affair.

use super::{FULFILLED, PERMISSION, RESOURCE, Reservation, items_of, release, shifts, store, tell};
use crate::error::Error;
use crate::stock::moves::{self, ISSUE, Move};
use crate::stock::{self, Bound, Held, Shift, plain, warehouse_of};
use crate::warehouse::{self, Warehouse};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use steward_kernel::command::Command;
use steward_kernel::{CommandSpec, Error as KernelError, Field, Outcome, Result, Work};
use uuid::Uuid;

fn document_spec(name: &'static str) -> CommandSpec {
    CommandSpec { resource: RESOURCE.into(), ..CommandSpec::new(name) }
        .permission(PERMISSION)
        .input(Field::text("document_resource").max(100).required())
        .input(Field::text("document_id").max(100).required())
        .input(Field::reference("company", "identity.company").required())
        .for_company("company")
        .internal()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReleaseDocument {
    document_resource: String,
    document_id: String,
    company: Uuid,
}

impl Command for ReleaseDocument {
    fn spec() -> CommandSpec {
        document_spec("inventory.release_document")
    }
    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let tenant = work.tenant();
        let reservations = store::lock_document(work.db(), tenant, self.company, &self.document_resource, &self.document_id).await?;
        if !reservations.is_empty() {
            let items = stock::store::lock_items(work.db(), tenant, &items_of(&reservations)).await?;
            release::release(work, &reservations).await?;
            tell_each(work, "inventory-effect-releases", &reservations, &items);
        }
        Ok(Outcome::nothing().data(by_line(&reservations, "released")))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FulfilDocument {
    document_resource: String,
    document_id: String,
    company: Uuid,
}

impl Command for FulfilDocument {
    fn spec() -> CommandSpec {
        document_spec("inventory.fulfil_document")
    }
    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let tenant = work.tenant();
        let reservations = store::lock_document(work.db(), tenant, self.company, &self.document_resource, &self.document_id).await?;
        if reservations.is_empty() {
            return Ok(Outcome::nothing().data(by_line(&reservations, "fulfilled")));
        }
        let items = stock::store::lock_items(work.db(), tenant, &items_of(&reservations)).await?;
        let warehouses = warehouse::store::candidates(work.db(), tenant, Some(self.company)).await?;
        let mut shifts = shifts(&reservations, -Decimal::ONE, -Decimal::ONE, Bound::OnHand);
        for shift in &mut shifts {
            shift.bound = shift.bound.unless_allowed(warehouse_of(&warehouses, shift.warehouse.0)?);
        }
        if !stock::store::shift(work.db(), tenant, &shifts).await? {
            return Err(shortage(work, &shifts, &items, &warehouses).await?.into());
        }
        let date = work.today();
        let document = Some((self.document_resource.as_str(), self.document_id.as_str()));
        let mut moved = Vec::with_capacity(reservations.len());
        for reservation in &reservations {
            let item = held(&items, reservation)?;
            let warehouse = warehouse_of(&warehouses, reservation.warehouse_id.0)?;
            moved.push(Move { kind: ISSUE, quantity: -reservation.quantity, date, reference: None, document }.at(item, warehouse));
        }
        moves::insert(work.db(), tenant, &moved).await?;
        store::end(work.db(), tenant, &reservations, FULFILLED).await?;
        tell_each(work, "inventory-effect-issues", &reservations, &items);
        Ok(Outcome::nothing().data(by_line(&reservations, "fulfilled")))
    }
}

fn held<'a>(items: &'a [Held], reservation: &Reservation) -> Result<&'a Held> {
    items.iter().find(|item| item.id == reservation.item_id).ok_or_else(|| KernelError::internal("the item of a reservation is missing"))
}

/// Which of the shifts asks for more than lies there: an adjustment took what was reserved.
async fn shortage(work: &mut Work, shifts: &[Shift], items: &[Held], warehouses: &[Warehouse]) -> Result<Error> {
    let tenant = work.tenant();
    for shift in shifts.iter().filter(|shift| shift.bound == Bound::OnHand) {
        let on_hand = stock::store::on_hand(work.db(), tenant, shift.item, shift.warehouse).await?;
        if on_hand + shift.on_hand < Decimal::ZERO
            && let Some(item) = items.iter().find(|item| item.id == shift.item)
        {
            return Ok(stock::insufficient(item, warehouse_of(warehouses, shift.warehouse.0)?, -shift.on_hand, on_hand));
        }
    }
    Err(KernelError::internal("the stock of a reservation is missing"))
}

/// `{"lines": [{"line", what}]}`, each line once.
fn by_line(reservations: &[Reservation], what: &str) -> Value {
    let mut sums: BTreeMap<&str, Decimal> = BTreeMap::new();
    for reservation in reservations {
        *sums.entry(reservation.line.as_deref().unwrap_or_default()).or_default() += reservation.quantity;
    }
    json!({ "lines": sums.into_iter().map(|(line, sum)| json!({ "line": line, what: plain(sum) })).collect::<Vec<_>>() })
}

fn tell_each(work: &mut Work, message: &'static str, reservations: &[Reservation], items: &[Held]) {
    for item in items {
        let sum = reservations.iter().filter(|reservation| reservation.item_id == item.id).map(|reservation| reservation.quantity).sum();
        tell(work, message, sum, &item.name);
    }
}
