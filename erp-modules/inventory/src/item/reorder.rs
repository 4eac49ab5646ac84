//! `inventory.reorder`: current items whose stock on hand is below their reorder level, and how much is missing.

use super::RESOURCE;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};
use steward_kernel::query::{Filter, LIMIT_MAX, ListQuery, Op};
use steward_kernel::{Field, Read, Report, ReportSpec, Result, Table};
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reorder {
    #[serde(default)]
    supplier: Option<Uuid>,
}

impl Report for Reorder {
    fn spec() -> ReportSpec {
        ReportSpec::new("inventory.reorder")
            .permission("inventory:item:read")
            .parameter(Field::reference("supplier", "crm.party"))
            .column(Field::reference("item", RESOURCE))
            .column(Field::reference("supplier", "crm.party"))
            .column(Field::quantity("on_hand"))
            .column(Field::quantity("on_order"))
            .column(Field::decimal("reorder_level"))
            .column(Field::decimal("missing"))
    }

    async fn run(self, read: &mut Read) -> Result<Table> {
        let mut query = ListQuery::new(RESOURCE);
        query.filters = vec![Filter::new("below_reorder", Op::Eq, "true")];
        query.filters.extend(self.supplier.map(|supplier| Filter::new("supplier", Op::Eq, supplier.to_string())));
        query.fields = Some(["name", "supplier", "on_hand", "on_order", "reorder_level"].map(String::from).to_vec());
        query.limit = LIMIT_MAX;
        let mut rows = Vec::new();
        loop {
            let page = read.list(&query).await?;
            rows.extend(page.items.iter().map(row));
            match page.next {
                Some(next) => query.cursor = Some(next),
                None => return Ok(Table { rows, totals: Vec::new() }),
            }
        }
    }
}

fn row(item: &Value) -> Vec<Value> {
    let get = |name: &str| item.get(name).cloned().unwrap_or(Value::Null);
    let number = |value: &Value| value.as_str().and_then(|text| text.parse::<Decimal>().ok()).unwrap_or_default();
    let on_hand = item.pointer("/on_hand/value").map(number).unwrap_or_default();
    let missing = (number(&get("reorder_level")) - on_hand).normalize();
    let reference = json!({ "id": get("id"), "title": get("name") });
    vec![reference, get("supplier"), get("on_hand"), get("on_order"), get("reorder_level"), json!(missing.to_string())]
}
