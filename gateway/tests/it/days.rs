//! The day is the tenant's own, by the clock of the program: in no declaration and no statement is it that of the database.

use crate::app::{TestApp, id};
use crate::shop::Shop;
use chrono::{TimeZone, Utc};
use serde_json::json;
use std::path::Path;
use steward_migrations::Placement;

/// What means the day of the connection's time zone, without blanks and in small letters.
const OF_THE_DATABASE: &[&str] = &["current_date", "now()::date", "current_timestamp::date", "localtimestamp", "cast(now()asdate)", "date_trunc('day',now())"];

fn takes_it_from_the_database(sql: &str) -> bool {
    let bare: String = sql.to_lowercase().split_whitespace().collect();
    OF_THE_DATABASE.iter().any(|found| bare.contains(found))
}

#[tokio::test]
async fn no_declaration_and_no_statement_takes_the_day_from_the_database() {
    assert!(takes_it_from_the_database("t.due < Current_Date") && takes_it_from_the_database("now( )::DATE") && !takes_it_from_the_database("app.today()"));
    let app = TestApp::start().await;
    let tenant = app.tenant("days", Placement::Schema).await;
    let mut found = Vec::new();
    for resource in app.kernel.registry.catalogue.resources.values() {
        let wrong = resource.filters.iter().filter(|filter| takes_it_from_the_database(&filter.predicate));
        found.extend(wrong.map(|filter| format!("the filter {} of {}", filter.name, resource.name)));
    }
    // Reports, and whatever else a module asks, are statements of its sources.
    let mut files = 0;
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../erp-modules");
    let mut folders: Vec<_> = std::fs::read_dir(modules).unwrap().map(|entry| entry.unwrap().path().join("src")).collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files += 1;
                let source = std::fs::read_to_string(&path).unwrap();
                found.extend(takes_it_from_the_database(&source).then(|| path.display().to_string()));
            }
        }
    }
    assert!(files > 150, "{files} sources were read");
    // What stands in the database itself: defaults and generated columns, constraints, views, functions.
    let stored: Vec<(String, String)> = sqlx::query_as(
        "SELECT 'column ' || d.adrelid::regclass || ' ' || d.adnum, pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d
         UNION ALL SELECT 'constraint ' || c.conname, pg_get_constraintdef(c.oid) FROM pg_constraint c WHERE c.contype = 'c'
         UNION ALL SELECT 'view ' || v.schemaname || '.' || v.viewname, v.definition FROM pg_views v WHERE v.schemaname NOT IN ('pg_catalog', 'information_schema')
         UNION ALL SELECT 'function ' || p.oid::regprocedure, pg_get_functiondef(p.oid) FROM pg_proc p
                    WHERE p.prokind IN ('f', 'p') AND p.pronamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)",
    )
    .fetch_all(app.owner.pool())
    .await
    .unwrap();
    assert!(stored.iter().any(|(name, _)| name.contains("begin_work")) && stored.iter().any(|(name, _)| name.contains(&tenant.schema)));
    found.extend(stored.into_iter().filter(|(_, text)| takes_it_from_the_database(text)).map(|(name, _)| name));
    assert_eq!(found, Vec::<String>::new());
    app.close().await;
}

#[tokio::test]
async fn overdue_is_by_the_tenants_own_day() {
    let app = TestApp::start().await;
    // Half a day before and after it is another date somewhere on earth.
    app.clock.set(Utc.with_ymd_and_hms(2026, 3, 31, 11, 30, 0).single().unwrap());
    let shop = Shop::of(app).await;
    let mut input = shop.order_input("1");
    input["order_date"] = json!("2026-03-01");
    input["required_date"] = json!("2026-03-31");
    let order = id(&shop.app.run(&shop.admin, "sales.order.create", input).await);
    shop.app.run(&shop.admin, "sales.order.confirm", json!({ "order": order })).await;
    let overdue = async |zone: &str| {
        if zone != "UTC" {
            shop.app.run(&shop.admin, "platform.settings.update", json!({ "settings": shop.tenant.id, "time_zone": zone })).await;
        }
        let listed = shop.app.query(&shop.admin, "sales/orders", &[("filter[overdue][eq]", "true")]).await.ids();
        let today: String = {
            let mut read = shop.app.kernel.read(&shop.admin.principal).await.unwrap();
            sqlx::query_scalar("SELECT app.today()::text").fetch_one(read.db()).await.unwrap()
        };
        (listed == [order], today)
    };
    assert_eq!(overdue("UTC").await, (false, "2026-03-31".into()));
    assert_eq!(overdue("Pacific/Auckland").await, (true, "2026-04-01".into()));
    assert_eq!(overdue("Pacific/Pago_Pago").await, (false, "2026-03-31".into()));
    shop.app.clock.set(Utc.with_ymd_and_hms(2026, 3, 31, 10, 59, 0).single().unwrap());
    assert_eq!(overdue("Pacific/Pago_Pago").await, (false, "2026-03-30".into()));
    // A zone that only one of the two lists knows is refused when it is set, not where it is used.
    let unknown = json!({ "settings": shop.tenant.id, "time_zone": "Middle-earth/Shire" });
    let error = shop.app.try_run(&shop.admin, "platform.settings.update", unknown).await.unwrap_err();
    assert_eq!(error.fields[0].field, "time_zone");
    // Without a unit of work there is no day.
    assert_eq!(shop.app.peek::<Option<chrono::NaiveDate>>(&shop.tenant, "SELECT app.today()").await, None);
    shop.app.close().await;
}
