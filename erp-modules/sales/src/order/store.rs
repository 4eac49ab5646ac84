//! The SQL of orders and their lines.

use super::header::Details;
use super::{Order, OrderId, Status};
use crate::line::{LineInput, Priced};
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde_json::{Map, Value};
use sqlx::PgConnection;
use sqlx::postgres::PgQueryResult;
use sqlx::types::Json;
use steward_kernel::error::During;
use steward_kernel::{Currency, Error, Money, Quantity, Result, RowScope};
use uuid::Uuid;

/// A write of one row that met none or several was aimed at something else.
fn one(result: &PgQueryResult) -> Result<()> {
    match result.rows_affected() {
        1 => Ok(()),
        rows => Err(Error::internal(format!("a write of one order met {rows} rows"))),
    }
}

pub(super) async fn lock(db: &mut PgConnection, tenant: Uuid, id: Uuid) -> Result<Option<Order>> {
    sqlx::query_as!(
        Order,
        r#"SELECT id AS "id: OrderId", version, number, status AS "status: Status", customer_id AS customer, owner_id AS owner, department_id AS department,
                  company_id AS company, order_date, currency AS "currency: Currency", line_count, backordered, confirmed_at, cancelled_from AS "cancelled_from: Status",
                  cancel_reason
             FROM sales_order WHERE tenant_id = $1 AND id = $2 FOR UPDATE"#,
        tenant,
        id
    )
    .fetch_optional(db)
    .await
    .during("read the order")
}

/// A new order's head.
pub(super) struct NewOrder {
    pub(super) id: OrderId,
    pub(super) number: String,
    pub(super) status: Status,
    pub(super) customer: Uuid,
    pub(super) scope: RowScope,
    pub(super) company: Uuid,
    pub(super) order_date: NaiveDate,
    pub(super) shipped_date: Option<NaiveDate>,
    pub(super) completed_date: Option<NaiveDate>,
    pub(super) confirmed_at: Option<DateTime<Utc>>,
    pub(super) cancelled_from: Option<Status>,
    pub(super) currency: Currency,
    pub(super) details: Details,
    pub(super) custom: Map<String, Value>,
}

/// What makes up an order's total, as arrays for `unnest`.
pub(super) struct Amounts {
    pub(super) prices: Vec<Decimal>,
    pub(super) quantities: Vec<Decimal>,
    pub(super) discounts: Vec<Decimal>,
}

impl Amounts {
    pub(super) fn of(lines: &[Priced]) -> Self {
        Self {
            prices: lines.iter().map(|line| line.unit_price).collect(),
            quantities: lines.iter().map(|line| line.quantity).collect(),
            discounts: lines.iter().map(|line| line.discount).collect(),
        }
    }
}

/// Stores an order with its lines: two statements, whatever the number of lines. The total is summed by the database,
/// whose numeric is exact at any length.
pub(super) async fn insert(db: &mut PgConnection, tenant: Uuid, order: &NewOrder, lines: &[Priced]) -> Result<()> {
    let amounts = Amounts::of(lines);
    let [reference, ship_via, ship_name, ship_street, ship_city, ship_region, ship_postal_code, ship_country, note] = &order.details.texts;
    let stored = sqlx::query!(
        "INSERT INTO sales_order (tenant_id, id, number, status, customer_id, owner_id, department_id, company_id, order_date, required_date, shipped_date, completed_date, confirmed_at,
                                  cancelled_from, currency, freight, reference, ship_via, ship_name, ship_street, ship_city, ship_region, ship_postal_code, ship_country, note, custom, line_count, net_total)
         SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, count(*), coalesce(sum(l.price * l.quantity * (1 - l.discount)), 0)
           FROM unnest($27::numeric[], $28::numeric[], $29::numeric[]) AS l (price, quantity, discount)",
        tenant,
        order.id.0,
        order.number,
        order.status.as_str(),
        order.customer,
        order.scope.owner,
        order.scope.department,
        order.company,
        order.order_date,
        order.details.required_date,
        order.shipped_date,
        order.completed_date,
        order.confirmed_at,
        order.cancelled_from.map(Status::as_str),
        order.currency.as_str(),
        order.details.freight,
        reference.as_deref(),
        ship_via.as_deref(),
        ship_name.as_deref(),
        ship_street.as_deref(),
        ship_city.as_deref(),
        ship_region.as_deref(),
        ship_postal_code.as_deref(),
        ship_country.as_deref(),
        note.as_deref(),
        Json(&order.custom) as _,
        &amounts.prices,
        &amounts.quantities,
        &amounts.discounts,
    )
    .execute(&mut *db)
    .await
    .during("store the order")?;
    one(&stored)?;
    put_lines(db, tenant, order.id, order.scope, &order.currency, lines).await
}

/// Writes lines at positions 1, 2, …: a line that stands there already is changed in place, so that its history goes on.
pub(super) async fn put_lines(db: &mut PgConnection, tenant: Uuid, order: OrderId, scope: RowScope, currency: &Currency, lines: &[Priced]) -> Result<()> {
    let amounts = Amounts::of(lines);
    let ids: Vec<Uuid> = lines.iter().map(|line| line.id).collect();
    let items: Vec<Uuid> = lines.iter().map(|line| line.item).collect();
    let descriptions: Vec<String> = lines.iter().map(|line| line.description.clone()).collect();
    let units: Vec<String> = lines.iter().map(|line| line.unit.clone()).collect();
    sqlx::query!(
        "INSERT INTO sales_line AS s (tenant_id, id, order_id, position, item_id, description, quantity, unit, unit_price, discount, currency, owner_id, department_id, company_id)
         SELECT $1, l.id, $2, l.position, l.item, l.description, l.quantity, l.unit, l.price, l.discount, $3, $4, $5, $6
           FROM unnest($7::uuid[], $8::uuid[], $9::text[], $10::numeric[], $11::text[], $12::numeric[], $13::numeric[])
                WITH ORDINALITY AS l (id, item, description, quantity, unit, price, discount, position)
         ON CONFLICT (tenant_id, order_id, position) DO UPDATE
            SET item_id = excluded.item_id, description = excluded.description, quantity = excluded.quantity, unit = excluded.unit, unit_price = excluded.unit_price,
                discount = excluded.discount, currency = excluded.currency
          WHERE (s.item_id, s.description, s.quantity, s.unit, s.unit_price, s.discount, s.currency)
                IS DISTINCT FROM (excluded.item_id, excluded.description, excluded.quantity, excluded.unit, excluded.unit_price, excluded.discount, excluded.currency)",
        tenant,
        order.0,
        currency.as_str(),
        scope.owner,
        scope.department,
        scope.company,
        &ids,
        &items,
        &descriptions,
        &amounts.quantities,
        &units,
        &amounts.prices,
        &amounts.discounts,
    )
    .execute(db)
    .await
    .during("store the order's lines")
    .map(drop)
}

/// Takes away the lines after the first `kept`.
pub(super) async fn cut_lines(db: &mut PgConnection, tenant: Uuid, order: OrderId, kept: usize) -> Result<()> {
    let kept = i32::try_from(kept).map_err(|error| Error::internal("too many lines").with_source(error))?;
    sqlx::query!("DELETE FROM sales_line WHERE tenant_id = $1 AND order_id = $2 AND position > $3", tenant, order.0, kept)
        .execute(db)
        .await
        .during("remove the order's lines")
        .map(drop)
}

/// A stored line.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) id: Uuid,
    pub(super) item: Uuid,
    pub(super) description: String,
    pub(super) quantity: Decimal,
    pub(super) unit: String,
    pub(super) unit_price: Decimal,
    pub(super) discount: Decimal,
    pub(super) reserved: Decimal,
    pub(super) backordered: Decimal,
}

impl Line {
    /// The input that would make this line.
    pub(super) fn into_input(self, currency: &Currency) -> LineInput {
        LineInput {
            item: self.item,
            quantity: Quantity { value: self.quantity, unit: self.unit },
            unit_price: Some(Money::new(self.unit_price, currency.clone())),
            discount: Some(self.discount),
            description: Some(self.description),
        }
    }
}

pub(super) async fn lines(db: &mut PgConnection, tenant: Uuid, order: OrderId) -> Result<Vec<Line>> {
    sqlx::query_as!(
        Line,
        "SELECT id, item_id AS item, description, quantity, unit, unit_price, discount, reserved, backordered FROM sales_line WHERE tenant_id = $1 AND order_id = $2 ORDER BY position",
        tenant,
        order.0
    )
    .fetch_all(db)
    .await
    .during("read the order's lines")
}

/// The facts of an order's head that an update may change, and its custom fields.
pub(super) async fn details(db: &mut PgConnection, tenant: Uuid, order: OrderId) -> Result<(Details, Map<String, Value>)> {
    let row = sqlx::query!(
        r#"SELECT required_date, freight, reference, ship_via, ship_name, ship_street, ship_city, ship_region, ship_postal_code, ship_country, note, custom AS "custom: Json<Map<String, Value>>"
             FROM sales_order WHERE tenant_id = $1 AND id = $2"#,
        tenant,
        order.0
    )
    .fetch_one(db)
    .await
    .during("read the order")?;
    let texts = [row.reference, row.ship_via, row.ship_name, row.ship_street, row.ship_city, row.ship_region, row.ship_postal_code, row.ship_country, row.note];
    Ok((Details { required_date: row.required_date, freight: row.freight, texts }, row.custom.0))
}

/// Stores an edited head and sums the lines anew.
pub(super) async fn update(db: &mut PgConnection, tenant: Uuid, order: &Order, details: &Details, custom: &Map<String, Value>) -> Result<()> {
    let [reference, ship_via, ship_name, ship_street, ship_city, ship_region, ship_postal_code, ship_country, note] = &details.texts;
    let stored = sqlx::query!(
        "UPDATE sales_order
            SET customer_id = $3, order_date = $4, currency = $5, required_date = $6, freight = $7, reference = $8, ship_via = $9, ship_name = $10, ship_street = $11, ship_city = $12,
                ship_region = $13, ship_postal_code = $14, ship_country = $15, note = $16, custom = $17, line_count = l.lines, net_total = l.total
           FROM (SELECT count(*)::int AS lines, coalesce(sum(amount), 0) AS total FROM sales_line WHERE tenant_id = $1 AND order_id = $2) AS l
          WHERE tenant_id = $1 AND id = $2",
        tenant,
        order.id.0,
        order.customer,
        order.order_date,
        order.currency.as_str(),
        details.required_date,
        details.freight,
        reference.as_deref(),
        ship_via.as_deref(),
        ship_name.as_deref(),
        ship_street.as_deref(),
        ship_city.as_deref(),
        ship_region.as_deref(),
        ship_postal_code.as_deref(),
        ship_country.as_deref(),
        note.as_deref(),
        Json(custom) as _,
    )
    .execute(db)
    .await
    .during("store the order")?;
    one(&stored)
}

/// Moves between states that carry nothing else.
pub(super) async fn set_status(db: &mut PgConnection, tenant: Uuid, order: OrderId, status: Status) -> Result<()> {
    let stored = sqlx::query!("UPDATE sales_order SET status = $3 WHERE tenant_id = $1 AND id = $2", tenant, order.0, status.as_str())
        .execute(db)
        .await
        .during("store the order")?;
    one(&stored)
}

pub(super) async fn confirm(db: &mut PgConnection, tenant: Uuid, order: OrderId, at: DateTime<Utc>, backordered: bool) -> Result<()> {
    let stored = sqlx::query!(
        "UPDATE sales_order SET status = 'confirmed', confirmed_at = $3, backordered = $4 WHERE tenant_id = $1 AND id = $2",
        tenant,
        order.0,
        at,
        backordered
    )
    .execute(db)
    .await
    .during("store the order")?;
    one(&stored)
}

pub(super) async fn set_backordered(db: &mut PgConnection, tenant: Uuid, order: OrderId, backordered: bool) -> Result<()> {
    sqlx::query!("UPDATE sales_order SET backordered = $3 WHERE tenant_id = $1 AND id = $2 AND backordered <> $3", tenant, order.0, backordered)
        .execute(db)
        .await
        .during("store the order")
        .map(drop)
}

pub(super) async fn complete(db: &mut PgConnection, tenant: Uuid, order: OrderId, shipped: NaiveDate, completed: NaiveDate) -> Result<()> {
    let stored = sqlx::query!(
        "UPDATE sales_order SET status = 'done', shipped_date = $3, completed_date = $4, backordered = false WHERE tenant_id = $1 AND id = $2",
        tenant,
        order.0,
        shipped,
        completed
    )
    .execute(db)
    .await
    .during("store the order")?;
    one(&stored)
}

pub(super) async fn cancel(db: &mut PgConnection, tenant: Uuid, order: &Order, reason: Option<&str>) -> Result<()> {
    let stored = sqlx::query!(
        "UPDATE sales_order SET status = 'cancelled', cancelled_from = $3, cancel_reason = $4, backordered = false WHERE tenant_id = $1 AND id = $2",
        tenant,
        order.id.0,
        order.status.as_str(),
        reason
    )
    .execute(db)
    .await
    .during("store the order")?;
    one(&stored)
}

pub(super) async fn reopen(db: &mut PgConnection, tenant: Uuid, order: OrderId, status: Status) -> Result<()> {
    let stored = sqlx::query!(
        "UPDATE sales_order SET status = $3, confirmed_at = NULL, cancelled_from = NULL, cancel_reason = NULL, backordered = false WHERE tenant_id = $1 AND id = $2",
        tenant,
        order.0,
        status.as_str()
    )
    .execute(db)
    .await
    .during("store the order")?;
    one(&stored)
}

/// Opens an order again that was cancelled, with what its lines hold.
pub(super) async fn put_back(db: &mut PgConnection, tenant: Uuid, order: OrderId, status: Status, backordered: bool) -> Result<()> {
    let stored = sqlx::query!(
        "UPDATE sales_order SET status = $3, cancelled_from = NULL, cancel_reason = NULL, backordered = $4 WHERE tenant_id = $1 AND id = $2",
        tenant,
        order.0,
        status.as_str(),
        backordered
    )
    .execute(db)
    .await
    .during("store the order")?;
    one(&stored)
}

/// Notes on the lines what is reserved for them and what waits for stock.
pub(super) async fn hold(db: &mut PgConnection, tenant: Uuid, order: OrderId, lines: &[(Uuid, Decimal, Decimal)]) -> Result<()> {
    let ids: Vec<Uuid> = lines.iter().map(|(id, ..)| *id).collect();
    let reserved: Vec<Decimal> = lines.iter().map(|(_, reserved, _)| *reserved).collect();
    let backordered: Vec<Decimal> = lines.iter().map(|(.., backordered)| *backordered).collect();
    sqlx::query!(
        "UPDATE sales_line s SET reserved = l.reserved, backordered = l.backordered
           FROM unnest($3::uuid[], $4::numeric[], $5::numeric[]) AS l (id, reserved, backordered)
          WHERE s.tenant_id = $1 AND s.order_id = $2 AND s.id = l.id AND (s.reserved, s.backordered) IS DISTINCT FROM (l.reserved, l.backordered)",
        tenant,
        order.0,
        &ids,
        &reserved,
        &backordered
    )
    .execute(db)
    .await
    .during("store the order's lines")
    .map(drop)
}

/// Nothing is reserved for the order any more.
pub(super) async fn let_go(db: &mut PgConnection, tenant: Uuid, order: OrderId) -> Result<()> {
    sqlx::query!(
        "UPDATE sales_line SET reserved = 0, backordered = 0 WHERE tenant_id = $1 AND order_id = $2 AND (reserved <> 0 OR backordered <> 0)",
        tenant,
        order.0
    )
    .execute(db)
    .await
    .during("store the order's lines")
    .map(drop)
}

/// Hands the order and its lines over: their scope columns stay in step.
pub(super) async fn assign(db: &mut PgConnection, tenant: Uuid, order: OrderId, owner: Uuid, department: Option<Uuid>) -> Result<()> {
    let stored = sqlx::query!("UPDATE sales_order SET owner_id = $3, department_id = $4 WHERE tenant_id = $1 AND id = $2", tenant, order.0, owner, department)
        .execute(&mut *db)
        .await
        .during("store the order")?;
    one(&stored)?;
    sqlx::query!("UPDATE sales_line SET owner_id = $3, department_id = $4 WHERE tenant_id = $1 AND order_id = $2", tenant, order.0, owner, department)
        .execute(db)
        .await
        .during("store the order's lines")
        .map(drop)
}
