//! A small shop: a customer, an item with stock, and orders, made through the bus.

use crate::app::{Tenant, TestApp, User, id};
use serde_json::{Value, json};
use steward_kernel::principal::Scope;
use steward_migrations::Placement;
use uuid::Uuid;

pub(crate) const T: Scope = Scope::Tenant;

/// What a person who sells needs to read.
pub(crate) const READING: &[(&str, Scope)] = &[
    ("crm:party:read", T),
    ("identity:company:read", T),
    ("identity:department:read", T),
    ("identity:user:read", T),
    ("inventory:item:read", T),
    ("inventory:stock:read", T),
    ("inventory:warehouse:read", T),
    ("sales:order:read", T),
];

pub(crate) struct Shop {
    pub(crate) app: TestApp,
    pub(crate) tenant: Tenant,
    pub(crate) admin: User,
    pub(crate) customer: Uuid,
    pub(crate) item: Uuid,
    pub(crate) warehouse: Uuid,
}

impl Shop {
    pub(crate) async fn open() -> Self {
        Self::of(TestApp::start().await).await
    }

    pub(crate) async fn of(app: TestApp) -> Self {
        let tenant = app.tenant("shop", Placement::Pooled).await;
        let admin = app.admin(&tenant).await;
        let customer = id(&app.run(&admin, "crm.party.create", json!({ "name": "Ernst Handel", "is_customer": true, "currency": "EUR" })).await);
        let price = json!({ "amount": "18.00", "currency": "EUR" });
        let item = id(&app.run(&admin, "inventory.item.create", json!({ "name": "Chai", "sales_price": price })).await);
        let company = tenant.created.company;
        let warehouse = id(&app.run(&admin, "inventory.warehouse.create", json!({ "code": "M", "name": "Main", "company": company })).await);
        Self { app, tenant, admin, customer, item, warehouse }
    }

    pub(crate) async fn receive(&self, quantity: &str) {
        self.app.run(&self.admin, "inventory.stock.receive", json!({ "item": self.item, "warehouse": self.warehouse, "quantity": quantity })).await;
    }

    pub(crate) fn order_input(&self, quantity: &str) -> Value {
        json!({ "customer": self.customer, "lines": [{ "item": self.item, "quantity": { "value": quantity, "unit": "pcs" } }], "allow_duplicate": true })
    }

    /// A quotation over so many pieces.
    pub(crate) async fn quotation(&self, user: &User, quantity: &str) -> Uuid {
        let order = id(&self.app.run(user, "sales.order.create", self.order_input(quantity)).await);
        self.app.run(user, "sales.order.quote", json!({ "order": order })).await;
        order
    }

    pub(crate) async fn status(&self, order: Uuid) -> String {
        self.app.peek(&self.tenant, &format!("SELECT status FROM sales_order WHERE id = '{order}'")).await
    }

    /// How much of the item is reserved.
    pub(crate) async fn reserved(&self) -> i64 {
        self.app.peek(&self.tenant, &format!("SELECT coalesce(sum(reserved), 0)::bigint FROM inventory_stock WHERE item_id = '{}'", self.item)).await
    }

    /// Seller with the given permissions at a width, beside all that he needs to read.
    pub(crate) async fn seller(&self, name: &str, permissions: &[&str], scope: Scope) -> User {
        let mut grants: Vec<(&str, Scope)> = READING.to_vec();
        grants.extend(permissions.iter().map(|permission| (*permission, scope)));
        self.app.user(&self.tenant, name, &grants).await
    }

    pub(crate) async fn audits(&self, command: &str, outcome: &str) -> i64 {
        self.app
            .peek(
                &self.tenant,
                &format!("SELECT count(*) FROM kernel_audit WHERE tenant_id = app.tenant() AND command = '{command}' AND outcome = '{outcome}'"),
            )
            .await
    }
}
