use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use steward_kernel::bus::*;
use steward_kernel::command::Query;
use steward_kernel::database::{Database, Settings};
use steward_kernel::*;
use uuid::Uuid;

const T: Uuid = Uuid::from_u128(0x100);
fn id(n: u128) -> Uuid { Uuid::from_u128(n) }

macro_rules! stub { ($t:ident, $n:literal, |$s:ident| $b:expr, {$($f:ident: $ft:ty),*}) => {
    #[derive(Deserialize)] struct $t { $($f: $ft),* }
    impl Query for $t { const NAME: &'static str = $n; type Answer = Value;
        async fn answer(self, _w: &mut Work) -> Result<Value> { let $s = self; Ok($b) } }
} }
stub!(Parties, "crm.party.describe", |s| json!(s.parties.iter().map(|p| json!({"id": p, "name": "Ernst", "currency": "EUR", "credit_limit": "1000", "payment_term_days": 30, "archived": false, "x": 1})).collect::<Vec<_>>()), {parties: Vec<Uuid>});
stub!(Items, "inventory.item.describe", |s| json!(s.items.iter().map(|p| json!({"id": p, "name": "Chai", "code": "C", "unit": "box", "sales_price": "18.5", "currency": "EUR", "discontinued": false})).collect::<Vec<_>>()), {items: Vec<Uuid>});
stub!(PlaceQ, "identity.user.place", |s| json!({"company": id(0x20), "department": id(s.user.as_u128() + 1), "active": true, "name": "N"}), {user: Uuid});

macro_rules! cmd { ($t:ident, $n:literal, $spec:expr, |$s:ident| $b:expr, {$($f:ident: $ft:ty),*}) => {
    #[derive(Deserialize)] #[allow(dead_code)] struct $t { $($f: $ft),* }
    impl Command for $t { fn spec() -> CommandSpec { $spec(CommandSpec::new($n).internal()) }
        async fn handle(self, _w: &mut Work) -> Result<Outcome> { let $s = self; Ok(Outcome::nothing().data($b)) } }
} }
#[derive(Deserialize)] struct L { line: Uuid, quantity: rust_decimal::Decimal, #[allow(dead_code)] item: Uuid }
cmd!(Res, "inventory.reserve_available", |c: CommandSpec| c.input(Field::text("document_resource")).input(Field::text("document_id")).input(Field::text("company"))
    .input(Field::lines("lines", vec![Field::text("line"), Field::text("item"), Field::decimal("quantity")])),
    |s| json!({"lines": s.lines.iter().map(|l| { let r = l.quantity.min(10.into()); json!({"line": l.line, "reserved": r, "backordered": l.quantity - r}) }).collect::<Vec<_>>()}),
    {document_resource: String, document_id: Uuid, company: Uuid, lines: Vec<L>});
cmd!(Rel, "inventory.release_document", |c: CommandSpec| c.input(Field::text("document_resource")).input(Field::text("document_id")), |_s| Value::Null, {document_resource: String, document_id: Uuid});
cmd!(Ful, "inventory.fulfil_document", |c: CommandSpec| c.input(Field::text("document_resource")).input(Field::text("document_id")), |_s| Value::Null, {document_resource: String, document_id: Uuid});

fn stub(name: &'static str, plural: &'static str, table: &'static str) -> Resource {
    Resource::new(name, plural, table).field(Field::text("name").required().sortable())
}

async fn exec(k: &Arc<Kernel>, p: &Principal, c: &str, i: Value) -> Result<Executed> {
    let r = k.execute(p, Request::new(c, i.clone())).await;
    match &r {
        Ok(d) => println!("{c}: ok {} v{:?} undo {}", d.outcome.data, d.version, d.undoable),
        Err(e) => println!("{c}: {:?} {:?} {e} {:?} {:?}", e.code, e.reason, e.fields, e.source),
    }
    r
}

#[tokio::test]
async fn scratch() {
    let owner = sqlx::PgPool::connect("postgres:///sales_dev?host=/tmp/pg18/sock&user=postgres&options=-c%20search_path%3Dpooled,app").await.unwrap();
    for t in ["stub_party", "stub_user", "stub_item", "stub_company", "stub_department"] {
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!("CREATE TABLE IF NOT EXISTS {t} (tenant_id uuid NOT NULL, id uuid NOT NULL, version bigint NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(), name text NOT NULL DEFAULT 'n', PRIMARY KEY (tenant_id, id)); GRANT SELECT ON {t} TO steward_app;
            INSERT INTO {t} (tenant_id, id) SELECT '{T}', ('00000000-0000-0000-0000-0000000000' || n)::uuid FROM generate_series(10,99) n ON CONFLICT DO NOTHING"))).execute(&owner).await.unwrap();
    }
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("INSERT INTO control.tenant (id, slug, name, plan, placement, schema) VALUES ('{T}', 't', 't', 'standard', 'pooled', 'pooled') ON CONFLICT DO NOTHING;
       INSERT INTO kernel_placement (tenant_id, epoch, slug, name, plan, modules) SELECT '{T}', 1, 't', 't', 'standard', '{{*}}' ON CONFLICT DO NOTHING"))).execute(&owner).await.unwrap();
    let db = Database::new(&Settings::new("postgres:///sales_dev?host=/tmp/pg18/sock&user=postgres")).unwrap();
    let k = Kernel::new(vec![
        Module::new("identity").resource(stub("identity.user", "users", "stub_user")).resource(stub("identity.company", "companies", "stub_company")).resource(stub("identity.department", "departments", "stub_department")).query::<PlaceQ>(),
        Module::new("crm").resource(stub("crm.party", "parties", "stub_party")).query::<Parties>(),
        Module::new("inventory").resource(stub("inventory.item", "items", "stub_item")).query::<Items>().command::<Res>().command::<Rel>().command::<Ful>(),
        crate::module(),
    ], db, Clock::default(), [1; 32]).unwrap();
    let missing = k.labels.missing(&k.registry.catalogue);
    println!("MISSING {:?}", missing.iter().filter(|m| m.contains("sales") || m.contains("kernel")).collect::<Vec<_>>());
    println!("ROLES {:?}", k.labels.missing_roles(["sales-representative", "sales-manager", "warehouse"]));
    let p = Principal::system(T, Door::Job, "c");
    let line = |i: u128, q: &str| json!({"item": id(i), "quantity": q, "discount": "0.05"});
    let made = exec(&k, &p, "sales.order.create", json!({"customer": id(0x10), "owner": id(0x30), "reference": null, "freight": "3.2", "currency": "EUR", "lines": [line(0x11, "2"), line(0x12, "7.5"), line(0x13, "12")]})).await.unwrap();
    let order = made.outcome.primary.clone().unwrap().id;
    let _ = exec(&k, &p, "sales.order.create", json!({"customer": id(0x10), "owner": id(0x30), "lines": [line(0x11, "2"), line(0x12, "7.5"), line(0x13, "12")]})).await.unwrap_err();
    let o = json!({"order": order});
    let up = exec(&k, &p, "sales.order.update", json!({"order": order, "required_date": "2030-01-01", "lines": [line(0x11, "3"), line(0x14, "1")]})).await.unwrap();
    let u = k.undo(&p, up.execution).await.unwrap();
    println!("undone {u:?}");
    exec(&k, &p, "sales.order.quote", o.clone()).await.unwrap();
    let pv = k.preview(&p, &[Step { command: "sales.order.confirm".into(), input: o.clone(), name: None, expected_version: None }]).await.unwrap();
    for c in &pv.changes { println!("  {} {} {} -> {}", c.resource, c.field, c.old, c.new); }
    println!("  {:?} {:?} {:?}", pv.warnings, pv.effects, pv.follows);
    exec(&k, &p, "sales.order.confirm", o.clone()).await.unwrap();
    exec(&k, &p, "sales.order.update", json!({"order": order, "note": "x"})).await.unwrap_err();
    exec(&k, &p, "sales.order.start", o.clone()).await.unwrap();
    exec(&k, &p, "sales.order.hold", o.clone()).await.unwrap();
    exec(&k, &p, "sales.order.complete", o.clone()).await.unwrap_err();
    exec(&k, &p, "sales.order.reserve", o.clone()).await.unwrap();
    exec(&k, &p, "sales.order.assign", json!({"order": order, "owner": id(0x31)})).await.unwrap();
    exec(&k, &p, "sales.order.reopen", o.clone()).await.unwrap();
    exec(&k, &p, "sales.order.update", json!({"order": order, "lines": [line(0x11, "3"), line(0x14, "1")]})).await.unwrap();
    let c = exec(&k, &p, "sales.order.cancel", json!({"order": order, "reason": "no"})).await.unwrap();
    k.undo(&p, c.execution).await.unwrap();
    exec(&k, &p, "sales.order.redraft", o.clone()).await.unwrap();
    exec(&k, &p, "sales.order.confirm", o.clone()).await.unwrap();
    exec(&k, &p, "sales.order.complete", o.clone()).await.unwrap();
    let big = exec(&k, &p, "sales.order.create", json!({"customer": id(0x10), "owner": id(0x30), "lines": [line(0x11, "100")]})).await.unwrap().outcome.primary.unwrap().id;
    exec(&k, &p, "sales.order.confirm", json!({"order": big})).await.unwrap_err();
    let rows: Vec<Value> = (0..830).map(|n| json!({"number": format!("N{n}-{}", &order.to_string()[..13]), "customer": id(0x10 + n % 5), "owner": id(0x30), "status": "done", "order_date": "1997-02-03", "shipped_date": "1997-02-09", "currency": "EUR",
        "lines": [{"item": id(0x11), "quantity": "2", "unit_price": "14.4", "discount": "0.15"}, {"item": id(0x12), "quantity": "3", "unit_price": "1"}, {"item": id(0x13), "quantity": "3", "unit_price": "1"}]})).collect();
    let at = std::time::Instant::now();
    let done = k.execute_many(&p, "sales.order.bring_in", rows, None).await;
    println!("bring_in {:?} {:?}", at.elapsed(), done.map(|d| d.into_iter().filter(|r| r.is_err()).count()));
    for d in k.execute(&p, Request::new("sales.order.bring_in", json!({"number": "SO-2026-00001", "customer": id(0x10), "owner": id(0x30), "status": "confirmed", "order_date": "2026-01-01", "required_date": "2026-01-05", "lines": [line(0x11, "1")]}))).await.err() { println!("{d:?}"); }
    exec(&k, &p, "sales.order.bring_in", json!({"customer": id(0x10), "owner": id(0x30), "status": "confirmed", "order_date": "2026-01-01", "required_date": "2026-01-05", "lines": [line(0x11, "1")]})).await.unwrap();
    let mut r = k.read(&p).await.unwrap();
    println!("{:?}", r.report("sales.backlog", json!({})).await.map(|t| t.1).map_err(|e| (e.to_string(), format!("{:?}", e.source))));
    for q in ["sales.order", "sales.line"] {
        let c = Arc::clone(r.catalogue());
        for m in &c.resource(q).unwrap().measures {
            let a = query::AggregateQuery { measures: vec![m.name.to_string()], group: if q == "sales.line" { vec!["item".into()] } else { vec!["order_date.year".into()] }, limit: 3, ..query::AggregateQuery::new(q) };
            println!("{q} {} {:?}", m.name, r.aggregate(&a).await.map_err(|e| e.to_string()));
        }
        for f in &c.resource(q).unwrap().filters {
            let a = query::AggregateQuery { filters: vec![query::Filter::new(&*f.name, query::Op::Eq, "true")], ..query::AggregateQuery::new(q) };
            println!("{q} {} {:?}", f.name, r.aggregate(&a).await.map_err(|e| e.to_string()));
        }
    }
    println!("{}", serde_json::to_string_pretty(&r.detail("sales.order", order, None).await.unwrap()).unwrap());
    println!("{:?}", r.list(&query::ListQuery { limit: 2, ..query::ListQuery::new("sales.customer_summary") }).await);
    println!("{:?}", r.list(&query::ListQuery { limit: 2, count: true, ..query::ListQuery::new("sales.order") }).await.map(|p| (p.items.len(), p.count)));
}
