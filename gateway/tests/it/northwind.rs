//! A trading company's files become a tenant: what comes out is what was in them, once, however often they are brought in.

use crate::company::{Company, Files};
use serde_json::Value;
use steward_gateway::import::execute::Mode;
use steward_gateway::import::report::Report;

fn changed(report: &Report) -> Vec<String> {
    let steps = report.steps.iter().filter(|step| step.created + step.updated + step.failed > 0);
    steps.map(|step| format!("{} {}: {} created, {} updated, {} failed", step.file, step.command, step.created, step.updated, step.failed)).collect()
}

/// Everything that holds for these files, whichever they are.
async fn holds(files: Files) {
    let company = Company::imported(files, |_| {}).await;
    let figures = company.files.figures;
    for (what, expected) in [
        ("crm_party WHERE is_customer", figures.customers),
        ("sales_order", figures.orders),
        ("sales_order WHERE status = 'confirmed'", figures.open_orders),
        ("sales_order WHERE status = 'done'", figures.orders - figures.open_orders),
        ("sales_line", figures.lines),
        ("inventory_item", figures.items),
        ("inventory_item WHERE supplier_id IS NULL", 0),
        ("identity_user WHERE number <> ''", figures.employees),
        ("inventory_reservation", 0),
        ("inventory_move WHERE kind <> 'opening'", 0),
        ("inventory_check()", 0),
    ] {
        assert_eq!(company.count(what).await, expected, "{what}");
    }
    let mut lines_of_report: Vec<String> = company
        .app
        .column(
            &company.tenant,
            "SELECT u.number || ' ' || m.number FROM identity_user u JOIN identity_user m ON m.tenant_id = u.tenant_id AND m.id = u.manager_id ORDER BY 1",
        )
        .await;
    lines_of_report.sort();
    assert_eq!(lines_of_report, figures.reports_to.iter().map(|(who, whom)| format!("{who} {whom}")).collect::<Vec<_>>());

    revenue_by_year(&company).await;
    for (number, orders) in figures.sees {
        let employee = company.employee(number).await;
        let told = company.app.get(&employee, "sales/orders/aggregate?measure=count").await.items();
        assert_eq!(told[0]["count"], *orders, "employee {number}");
        let parties = company.app.get(&employee, "crm/parties/aggregate?measure=count&filter[is_customer]=true").await.items();
        assert_eq!(parties[0]["count"], figures.customers, "customers are readable to all of the tenant");
    }

    let before = company.checksum().await;
    let again = company.import(Mode::Apply).await;
    assert_eq!((again.errors.len(), changed(&again)), (0, Vec::new()), "the second run changes nothing");
    company.app.drain().await;
    assert_eq!(company.checksum().await, before);
    company.app.close().await;
}

async fn revenue_by_year(company: &Company) {
    let path = "sales/orders/aggregate?measure=revenue&group=order_date.year&sort=order_date.year";
    let mut told: Vec<(String, String, String)> = Vec::new();
    for item in company.app.get(&company.admin, path).await.items() {
        let year = &item["order_date.year"];
        let year = year.as_str().map_or_else(|| year.to_string(), str::to_owned);
        let text = |name: &str| item["revenue"][name].as_str().unwrap_or_else(|| panic!("{item}")).to_owned();
        told.push((year, text("amount"), text("currency")));
    }
    told.sort();
    let expected = company.files.figures.revenue.map(|(year, amount)| (year.to_owned(), amount.to_owned(), "USD".to_owned()));
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_company_is_brought_in_once_however_often_its_files_are() {
    holds(Files::small()).await;
}

#[tokio::test]
async fn northwind_is_brought_in_once_however_often_its_files_are() {
    if let Some(files) = Files::northwind() {
        holds(files).await;
    }
}

#[tokio::test]
async fn a_dry_run_writes_nothing() {
    let company = Company::empty(Files::small(), |_| {}).await;
    let before = company.checksum().await;
    let report = company.import(Mode::DryRun).await;
    assert_eq!(report.errors.iter().map(ToString::to_string).collect::<Vec<_>>(), Vec::<String>::new());
    let orders = report.steps.iter().find(|step| step.file == "orders.csv").unwrap();
    assert_eq!((report.dry_run, orders.rows, orders.created), (true, 7, 7));
    assert_eq!(company.checksum().await, before);
    company.app.close().await;
}

#[tokio::test]
async fn what_is_wrong_in_a_file_is_told_by_file_and_row_and_the_rest_comes_in() {
    let files = Files::small();
    files.edit("orders.csv", "10249,ERNSH,6,1996-12-30", "10249,ERNSH,6,1996-12-32");
    files.edit("orders.csv", "10250,ERNSH,1", "10250,NOONE,1");
    files.edit("order_details.csv", "10252,42,14,20,0", "10252,42,14,20,2");
    files.edit("products.csv", "72,Mozzarella di Giovanni", "72,\"\"");
    let company = Company::empty(files, |_| {}).await;
    let report = company.import(Mode::Apply).await;
    let places: Vec<(String, usize)> = report.errors.iter().map(|error| (error.file.clone(), error.row)).collect();
    let shown = report.errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    for place in [("orders.csv", 3), ("orders.csv", 4), ("order_details.csv", 7), ("products.csv", 6)] {
        assert!(places.contains(&(place.0.to_owned(), place.1)), "{place:?} is not named in\n{shown}");
    }
    // The order of the item that did not come in fails with it.
    assert_eq!(company.count("sales_order").await, 3, "{shown}");
    assert_eq!(company.count("inventory_item").await, 4, "{shown}");

    // Put right, the next run brings in what was missing and nothing else.
    for (file, from, to) in [
        ("orders.csv", "1996-12-32", "1996-12-30"),
        ("orders.csv", "10250,NOONE,1", "10250,ERNSH,1"),
        ("order_details.csv", "10252,42,14,20,2", "10252,42,14,20,0"),
        ("products.csv", "72,\"\"", "72,Mozzarella di Giovanni"),
    ] {
        company.files.edit(file, from, to);
    }
    let report = company.import(Mode::Apply).await;
    let orders = report.steps.iter().find(|step| step.file == "orders.csv").unwrap();
    assert_eq!((report.errors.len(), orders.created, orders.unchanged), (0, 4, 3), "{:?}", report.errors);
    revenue_by_year(&company).await;
    company.app.close().await;
}

#[tokio::test]
async fn a_row_that_changed_changes_its_record() {
    let company = Company::imported(Files::small(), |_| {}).await;
    company.files.edit("customers.csv", "Ernst Handel,Roland Mendel", "Ernst Handel AG,Roland Mendel");
    let report = company.import(Mode::Apply).await;
    assert_eq!(report.errors.len(), 0, "{:?}", report.errors);
    assert_eq!(changed(&report), ["customers.csv crm.party.create: 0 created, 1 updated, 0 failed"]);
    let items: Vec<Value> = company.app.get(&company.admin, "crm/parties?filter[name][starts]=ernst").await.items();
    assert_eq!((items.len(), items[0]["name"].as_str()), (1, Some("Ernst Handel AG")), "{items:?}");
    company.app.close().await;
}
