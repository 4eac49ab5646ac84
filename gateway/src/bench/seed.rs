//! Companies to measure on, written as the owner and past the triggers: a million orders of a hundred sellers, in about a
//! minute, and smaller ones with texts ([`texts`]). Their records have ids that are computed from their numbers.

pub(super) mod texts;

use crate::cli::Modules;
use anyhow::{Context, Result};
use sqlx::{AssertSqlSafe, PgConnection, Postgres, Transaction};
use std::time::Instant;
use steward_migrations::{Administrator, Contents, Created, NewTenant, Owner, POOLED, create_tenant};
use uuid::Uuid;

pub(super) const TENANT: &str = "bench";
pub(super) const PASSWORD: &str = "measured in figures";
pub(super) const ADMINISTRATOR: &str = "admin@bench.example";
/// Sees his own hundredth of the orders.
pub(super) const SELLER: &str = "seller-1@bench.example";

pub(super) const ORDERS: u64 = 1_000_000;
/// The first of them are quotations with a line; each can be confirmed once.
pub(super) const QUOTATIONS: u64 = 40_000;
/// The first quotations, each of a customer who has nothing else: what is delivered of them can be told apart.
pub(super) const LONE: u64 = 400;
pub(super) const CUSTOMERS: u64 = 10_000;

/// How many of each.
#[derive(Clone, Copy)]
pub(super) struct Size {
    pub(super) orders: u64,
    pub(super) quotations: u64,
    pub(super) lone: u64,
    pub(super) customers: u64,
    pub(super) items: u64,
    pub(super) sellers: u64,
}

const COMPANY: Size = Size { orders: ORDERS, quotations: QUOTATIONS, lone: LONE, customers: CUSTOMERS, items: 1_000, sellers: 100 };

pub(super) struct Seeded {
    pub(super) owner: Owner,
    pub(super) tenant: Created,
}

/// The id of the n-th record of a kind.
pub(super) fn id(kind: Kind, n: u64) -> Uuid {
    Uuid::from_u128((kind as u128) << 96 | 0x7000_8000_0000_0000_0000 | u128::from(n))
}

#[derive(Clone, Copy)]
pub(super) enum Kind {
    Party = 1,
    Item = 2,
    Order = 3,
    Line = 4,
    Seller = 5,
    Other = 6,
    Document = 7,
}

/// The same id in SQL.
fn sql_id(kind: Kind, n: &str) -> String {
    format!("('{:08x}-0000-7000-8000-' || lpad(to_hex({n}), 12, '0'))::uuid", kind as u32)
}

/// The company of a million orders.
pub(super) async fn fill(url: &str, modules: Modules, progress: &dyn Fn(&str)) -> Result<Seeded> {
    let started = Instant::now();
    let tell = |what: &str| progress(&format!("[{:>3.0} s] {what}", started.elapsed().as_secs_f32()));
    tell("making the database");
    let seeded = empty(url, modules).await?;
    tell("sellers, customers, items");
    let mut tx = seeded.begin().await?;
    for statement in people_and_things(&seeded.tenant, COMPANY) {
        run(&mut tx, &statement).await?;
    }
    tell("a million orders");
    let indexes: Vec<(String, String)> = sqlx::query_as(
        "SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index i
          WHERE i.indrelid = 'sales_order'::regclass AND NOT i.indisunique",
    )
    .fetch_all(&mut *tx)
    .await
    .context("list the indexes")?;
    for (name, _) in &indexes {
        run(&mut tx, &format!("DROP INDEX {name}")).await?;
    }
    for statement in orders(&seeded.tenant, COMPANY) {
        run(&mut tx, &statement).await?;
    }
    tell("their indexes");
    for (_, definition) in &indexes {
        run(&mut tx, definition).await?;
    }
    tx.commit().await?;
    tell("statistics");
    seeded.analyze(&["sales_order", "sales_line", "crm_party", "inventory_item", "inventory_stock", "identity_user"]).await?;
    tell("ready to measure");
    Ok(seeded)
}

/// A tenant with nothing but its administrator.
async fn empty(url: &str, modules: Modules) -> Result<Seeded> {
    let modules = modules();
    steward_migrations::migrate(url, &modules).await?;
    let owner = Owner::connect(url).await?;
    let administrator = Administrator { name: "Administrator".into(), email: ADMINISTRATOR.into(), password: Some(PASSWORD.into()) };
    let tenant = create_tenant(&owner, &Contents::of(&modules), NewTenant { administrator, ..NewTenant::new(TENANT, "Bench") }).await?;
    Ok(Seeded { owner, tenant })
}

impl Seeded {
    /// Capture and checks would take an hour; what is written is right by its making.
    async fn begin(&self) -> Result<Transaction<'static, Postgres>> {
        let mut tx = self.owner.begin(POOLED, self.tenant.tenant, "bench.seed").await?;
        for setting in ["session_replication_role = replica", "statement_timeout = 0", "transaction_timeout = 0", "maintenance_work_mem = '512MB'"] {
            run(&mut tx, &format!("SET LOCAL {setting}")).await?;
        }
        Ok(tx)
    }

    async fn analyze(&self, tables: &[&str]) -> Result<()> {
        for table in tables {
            sqlx::raw_sql(AssertSqlSafe(format!("VACUUM ANALYZE {POOLED}.{table}"))).execute(self.owner.pool()).await.context("gather statistics")?;
        }
        Ok(())
    }
}

async fn run(db: &mut PgConnection, statement: &str) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
        .execute(db)
        .await
        .with_context(|| format!("seed: {}", statement.chars().take(80).collect::<String>()))?;
    Ok(())
}

fn people_and_things(tenant: &Created, size: Size) -> Vec<String> {
    let Created { tenant, company, administrator } = tenant;
    let Size { customers, items, sellers, .. } = size;
    let (party, item, seller) = (sql_id(Kind::Party, "n"), sql_id(Kind::Item, "n"), sql_id(Kind::Seller, "n"));
    let (warehouse, other) = (id(Kind::Other, 0), |offset: &str| sql_id(Kind::Other, &format!("n + {offset}")));
    vec![
        format!(
            "INSERT INTO identity_user (tenant_id, id, name, email, company_id)
             SELECT '{tenant}', {seller}, 'Seller ' || n, 'seller-' || n || '@bench.example', '{company}' FROM generate_series(1, {sellers}) n"
        ),
        format!(
            "INSERT INTO identity_user_role (tenant_id, id, user_id, role_id)
             SELECT '{tenant}', {}, {seller}, r.id FROM generate_series(1, {sellers}) n, identity_role r
              WHERE r.tenant_id = '{tenant}' AND r.name = 'sales-representative'",
            other("1000000")
        ),
        // The same password as the administrator's.
        format!(
            "INSERT INTO identity_credential (tenant_id, user_id, password_hash)
             SELECT '{tenant}', {seller}, c.password_hash FROM generate_series(1, {sellers}) n, identity_credential c
              WHERE c.tenant_id = '{tenant}' AND c.user_id = '{administrator}'"
        ),
        format!(
            "INSERT INTO crm_party (tenant_id, id, code, name, is_customer, currency, owner_id, company_id)
             SELECT '{tenant}', {party}, 'C' || lpad(n::text, 6, '0'), 'Customer ' || lpad(n::text, 6, '0'), true, 'EUR', '{administrator}', '{company}'
               FROM generate_series(1, {customers}) n"
        ),
        format!("INSERT INTO inventory_warehouse (tenant_id, id, code, name) VALUES ('{tenant}', '{warehouse}', 'MAIN', 'Main')"),
        format!(
            "INSERT INTO inventory_item (tenant_id, id, code, name, sales_price, currency, on_hand)
             SELECT '{tenant}', {item}, 'I' || lpad(n::text, 6, '0'), 'Item ' || lpad(n::text, 6, '0'), 10, 'EUR', 1000000 FROM generate_series(1, {items}) n"
        ),
        format!(
            "INSERT INTO inventory_stock (tenant_id, id, item_id, warehouse_id, unit, on_hand)
             SELECT '{tenant}', {}, {item}, '{warehouse}', 'pcs', 1000000 FROM generate_series(1, {items}) n",
            other("2000000")
        ),
        format!(
            "INSERT INTO inventory_move (tenant_id, id, item_id, warehouse_id, kind, quantity, unit, date)
             SELECT '{tenant}', {}, {item}, '{warehouse}', 'opening', 1000000, 'pcs', date '2024-01-01' FROM generate_series(1, {items}) n",
            other("3000000")
        ),
    ]
}

fn orders(tenant: &Created, size: Size) -> Vec<String> {
    let Created { tenant, company, .. } = tenant;
    let Size { orders, quotations, lone, customers, items, sellers } = size;
    let (order, line) = (sql_id(Kind::Order, "n"), sql_id(Kind::Line, "n"));
    // Lone customers stand behind the others.
    let customer = sql_id(Kind::Party, &format!("CASE WHEN n <= {lone} THEN {customers} - {lone} + n ELSE 1 + n % ({customers} - {lone}) END"));
    let seller = sql_id(Kind::Seller, &format!("1 + n % {sellers}"));
    let item = sql_id(Kind::Item, &format!("1 + n % {items}"));
    vec![
        format!(
            "INSERT INTO sales_order (tenant_id, id, number, customer_id, status, order_date, currency, owner_id, company_id, net_total, line_count, created_at)
             SELECT '{tenant}', {order}, 'B-' || lpad(n::text, 7, '0'), {customer}, CASE WHEN n <= {quotations} THEN 'quotation' ELSE 'done' END,
                    date '2024-01-01' + (n::bigint * 7919 % 1000)::int, 'EUR', {seller}, '{company}',
                    CASE WHEN n <= {quotations} THEN 10 ELSE n % 1000 END, CASE WHEN n <= {quotations} THEN 1 ELSE 0 END,
                    timestamptz '2024-01-01' + n * interval '1 minute'
               FROM generate_series(1, {orders}) n"
        ),
        format!(
            "INSERT INTO sales_line (tenant_id, id, order_id, position, item_id, description, quantity, unit, unit_price, currency, owner_id, company_id)
             SELECT '{tenant}', {line}, {order}, 1, {item}, 'Item', 1, 'pcs', 10, 'EUR', {seller}, '{company}' FROM generate_series(1, {quotations}) n"
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_same_in_rust_and_in_sql() {
        assert_eq!(id(Kind::Order, 255).to_string(), "00000003-0000-7000-8000-0000000000ff");
    }
}
