//! A nested command works for the company of its caller's document, whoever acts and whatever his own company is.

use crate::app::{TestApp, User, id};
use crate::shop::{READING, Shop, T};
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::PgConnection;
use steward_kernel::command::{Command, Entity, Outcome, RowScope};
use steward_kernel::error::During;
use steward_kernel::principal::Scope;
use steward_kernel::work::Work;
use steward_kernel::{Code, CommandSpec, Field, Module, Result, ids};
use uuid::Uuid;

impl Shop {
    /// Another company of the tenant.
    async fn second_company(&self) -> Uuid {
        id(&self.app.run(&self.admin, "identity.company.create", json!({ "code": "2", "name": "Second", "currency": "EUR", "country": "DE" })).await)
    }
    /// A warehouse of a company, with so many pieces in it.
    async fn stocked(&self, company: Uuid, quantity: &str) -> Uuid {
        let warehouse = id(&self.app.run(&self.admin, "inventory.warehouse.create", json!({ "code": "A", "name": "Annexe", "company": company })).await);
        self.app.run(&self.admin, "inventory.stock.receive", json!({ "item": self.item, "warehouse": warehouse, "quantity": quantity })).await;
        warehouse
    }
    async fn order_of(&self, user: &User, company: Uuid, quantity: &str) -> Uuid {
        let mut input = self.order_input(quantity);
        input["company"] = json!(company);
        let order = id(&self.app.run(user, "sales.order.create", input).await);
        self.app.run(user, "sales.order.quote", json!({ "order": order })).await;
        order
    }
    /// On hand and reserved.
    async fn level(&self, warehouse: Uuid) -> (i64, i64) {
        let sum = async |column: &str| {
            self.app.peek(&self.tenant, &format!("SELECT coalesce(sum({column}), 0)::bigint FROM inventory_stock WHERE warehouse_id = '{warehouse}'")).await
        };
        (sum("on_hand").await, sum("reserved").await)
    }
}

const SELLING: [&str; 6] =
    ["sales:order:create", "sales:order:quote", "sales:order:confirm", "sales:order:cancel", "sales:order:reopen", "sales:order:complete"];

#[tokio::test]
async fn an_order_takes_stock_of_its_own_company_whoever_confirms_it() {
    let shop = Shop::open().await;
    shop.receive("20").await;
    let second = shop.second_company().await;
    let annexe = shop.stocked(second, "20").await;
    // Both have the first company as their own: one sees the whole tenant, one works for both companies.
    let wide = shop.seller("Wide", &SELLING, T).await;
    let both = shop.seller("Both", &SELLING, Scope::Company).await;
    shop.app.run(&shop.admin, "identity.user.add_company", json!({ "user": both.id, "company": second })).await;
    for user in [&wide, &both] {
        let order = shop.order_of(user, second, "4").await;
        shop.app.run(user, "sales.order.confirm", json!({ "order": order })).await;
        assert_eq!((shop.level(shop.warehouse).await, shop.level(annexe).await), ((20, 0), (20, 4)));
        shop.app.run(user, "sales.order.cancel", json!({ "order": order })).await;
        assert_eq!(shop.level(annexe).await, (20, 0));
    }
    let order = shop.order_of(&both, second, "4").await;
    shop.app.run(&both, "sales.order.confirm", json!({ "order": order })).await;
    shop.app.run(&both, "sales.order.complete", json!({ "order": order })).await;
    assert_eq!((shop.level(shop.warehouse).await, shop.level(annexe).await), ((20, 0), (16, 0)));
    let wrong: i64 = shop.app.peek(&shop.tenant, "SELECT count(*) FROM inventory_check()").await;
    assert_eq!(wrong, 0);
    shop.app.close().await;
}

#[tokio::test]
async fn an_order_of_a_company_without_stock_waits_instead_of_taking_anothers() {
    let shop = Shop::open().await;
    shop.receive("20").await;
    let second = shop.second_company().await;
    let order = shop.order_of(&shop.admin, second, "4").await;
    let confirmed = shop.app.run(&shop.admin, "sales.order.confirm", json!({ "order": order })).await;
    assert_eq!(confirmed.outcome.data["backordered_lines"], 1);
    assert_eq!(shop.level(shop.warehouse).await, (20, 0));
    shop.app.close().await;
}

/// A warehouse, as any module could lock a row of its own.
struct Row {
    id: Uuid,
    version: i64,
    company: Option<Uuid>,
}

impl Entity for Row {
    const RESOURCE: &'static str = "inventory.warehouse";
    fn id(&self) -> Uuid {
        self.id
    }
    fn version(&self) -> i64 {
        self.version
    }
    fn scope(&self) -> RowScope {
        RowScope { company: self.company, ..RowScope::default() }
    }
    async fn lock(db: &mut PgConnection, tenant: Uuid, id: Uuid) -> Result<Option<Self>> {
        let row: Option<(Uuid, i64, Option<Uuid>)> =
            sqlx::query_as("SELECT id, version, company_id FROM inventory_warehouse WHERE tenant_id = $1 AND id = $2 FOR UPDATE")
                .bind(tenant)
                .bind(id)
                .fetch_optional(db)
                .await
                .during("lock the row")?;
        Ok(row.map(|(id, version, company)| Self { id, version, company }))
    }
}

/// Locks its document and calls another command with what it was given.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outer {
    document: Uuid,
    #[serde(default)]
    company: Option<Uuid>,
    #[serde(default)]
    row: Option<Uuid>,
    #[serde(default)]
    new: Option<Uuid>,
    command: String,
}

const INNER: [&str; 2] = ["probe.told", "probe.untold"];

impl Command for Outer {
    fn spec() -> CommandSpec {
        let spec = CommandSpec { resource: Row::RESOURCE.into(), ..CommandSpec::new("probe.outer") }
            .permission("inventory:warehouse:update")
            .input(Field::reference("document", Row::RESOURCE).required())
            .input(Field::text("company"))
            .input(Field::text("row"))
            .input(Field::text("new"))
            .input(Field::text("command").required());
        INNER.iter().fold(spec, |spec, name| spec.calls(name))
    }
    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        work.lock::<Row>(self.document).await?;
        let name = INNER.into_iter().find(|name| *name == self.command).unwrap();
        let mut input = json!({ "row": self.row, "new": self.new });
        if let Some(company) = self.company {
            input["company"] = json!(company);
        }
        work.call(name, input).await
    }
}

/// Locks one row, creates another.
async fn touch(work: &mut Work, row: Option<Uuid>, new: Option<Uuid>) -> Result<Outcome> {
    if let Some(row) = row {
        work.lock::<Row>(row).await?;
    }
    if new.is_some() {
        work.check_new(RowScope { company: new, ..RowScope::default() })?;
    }
    Ok(Outcome::nothing().data(json!({ "company": work.company()? })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    #[expect(dead_code, reason = "the bus reads it")]
    company: Uuid,
    #[serde(default)]
    row: Option<Uuid>,
    #[serde(default)]
    new: Option<Uuid>,
}

impl Command for Told {
    fn spec() -> CommandSpec {
        CommandSpec::new("probe.told")
            .input(Field::reference("company", "identity.company").required())
            .input(Field::text("row"))
            .input(Field::text("new"))
            .for_company("company")
            .internal()
    }
    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        touch(work, self.row, self.new).await
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Untold {
    #[serde(default)]
    row: Option<Uuid>,
    #[serde(default)]
    new: Option<Uuid>,
}

impl Command for Untold {
    fn spec() -> CommandSpec {
        CommandSpec::new("probe.untold").input(Field::text("row")).input(Field::text("new")).internal()
    }
    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        touch(work, self.row, self.new).await
    }
}

#[tokio::test]
async fn a_nested_command_touches_rows_of_the_documents_company_only() {
    let probe = Module::new("probe").depends(&["inventory"]).command::<Outer>().command::<Told>().command::<Untold>();
    let shop = Shop::of(TestApp::with(vec![probe]).await).await;
    let second = shop.second_company().await;
    let annexe = shop.stocked(second, "1").await;
    let run = async |user: &User, input: Value| shop.app.try_run(user, "probe.outer", input).await;
    for command in INNER {
        // The document is the second company's, the user's own is the first.
        let about = |further: Value| {
            let mut input = json!({ "document": annexe, "command": command });
            if command == "probe.told" {
                input["company"] = json!(second);
            }
            input.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
            input
        };
        let done = run(&shop.admin, about(json!({ "row": annexe, "new": second }))).await.unwrap();
        assert_eq!(done.outcome.data["company"], json!(second), "{command}: what it makes anew belongs to the document's company");
        for further in [json!({ "row": shop.warehouse }), json!({ "new": shop.tenant.created.company })] {
            let error = run(&shop.admin, about(further.clone())).await.unwrap_err();
            assert_eq!((error.code, error.reason), (Code::Conflict, Some("kernel.foreign_company")), "{command} {further}");
        }
        let error = run(&shop.admin, about(json!({ "row": ids::fresh() }))).await.unwrap_err();
        assert_eq!(error.code, Code::NotFound, "{command}");
    }
    // A company is handed on by who holds a document of it, and always.
    for company in [json!(shop.tenant.created.company), Value::Null] {
        let error = run(&shop.admin, json!({ "document": annexe, "command": "probe.told", "company": company })).await.unwrap_err();
        assert!(matches!(error.code, Code::Internal | Code::InvalidInput), "{error:?}");
    }
    // The document itself is for who may reach it: not even the callee sees it else.
    let mut grants = READING.to_vec();
    grants.push(("inventory:warehouse:update", Scope::Company));
    let first_only = shop.app.user(&shop.tenant, "First", &grants).await;
    let error = run(&first_only, json!({ "document": annexe, "command": "probe.told", "company": second })).await.unwrap_err();
    assert_eq!(error.code, Code::NotFound);
    shop.app.close().await;
}
