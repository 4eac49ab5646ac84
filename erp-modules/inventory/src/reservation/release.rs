//! `inventory.release`: what was reserved can be had by others again.

use super::{ACTIVE, PERMISSION, RELEASED, RESOURCE, Reservation, ReservationId, shifts, store, tell};
use crate::error::Error;
use crate::stock::{self, Bound, plain};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::json;
use steward_kernel::command::Command;
use steward_kernel::{CommandSpec, Error as KernelError, Outcome, Result, Work};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Release {
    reservation: ReservationId,
}

impl Command for Release {
    fn spec() -> CommandSpec {
        CommandSpec { resource: RESOURCE.into(), ..CommandSpec::new("inventory.release") }
            .permission(PERMISSION)
            .target("reservation")
            .when(&[ACTIVE])
            .undo("inventory.reserve")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let reservation = work.lock::<Reservation>(self.reservation).await?;
        if reservation.status != ACTIVE {
            return Err(Error::NotActive(reservation.status).into());
        }
        let tenant = work.tenant();
        let item = stock::store::lock_items(work.db(), tenant, &[reservation.item_id.0]).await?.pop();
        let item = item.ok_or_else(|| KernelError::internal("the item of a reservation is missing"))?;
        let reservations = [reservation];
        release(work, &reservations).await?;
        let [reservation] = reservations;
        tell(work, "inventory-effect-releases", reservation.quantity, &item.name);
        let undo = json!({
            "item": reservation.item_id, "warehouse": reservation.warehouse_id, "quantity": plain(reservation.quantity),
            "document_resource": reservation.document_resource, "document_id": reservation.document_id, "line": reservation.line
        });
        Ok(Outcome::of(RESOURCE, reservation.id).undo("inventory.reserve", undo))
    }
}

/// Ends reservations that are locked, as their items are.
pub(super) async fn release(work: &mut Work, reservations: &[Reservation]) -> Result<()> {
    let tenant = work.tenant();
    if !stock::store::shift(work.db(), tenant, &shifts(reservations, Decimal::ZERO, -Decimal::ONE, Bound::None)).await? {
        return Err(KernelError::internal("the stock of a reservation is missing"));
    }
    store::end(work.db(), tenant, reservations, RELEASED).await
}
