//! What somebody earns is not there for who may not see it, whatever the way of asking.

use crate::{Firm, READ, WRITE};
use serde_json::{Value, json};
use steward_kernel::bus::Step;
use steward_kernel::query::{AggregateQuery, Filter, ListQuery, Op, SortKey};
use steward_kernel::{Code, Scope};

fn euros(amount: &str) -> Value {
    json!({ "amount": amount, "currency": "EUR" })
}

#[tokio::test]
async fn a_salary_is_set_raised_and_taken_back() {
    let firm = Firm::open().await;
    let employee = firm.hire().await;
    let salary = async || {
        let seen = firm.see(employee).await;
        (seen["salary"].clone(), seen["salary_from"].clone())
    };
    assert_eq!(firm.refused("hr.employee.clear_salary", json!({ "employee": employee })).await, "hr.no_salary");
    firm.ok("hr.employee.set_salary", json!({ "employee": employee, "salary": euros("3100"), "salary_from": "2025-01-01" })).await;
    assert_eq!(salary().await, (euros("3100.00"), json!("2025-01-01")));
    let raised = firm.ok("hr.employee.set_salary", json!({ "employee": employee, "salary": euros("3400.50") })).await;
    assert_eq!(salary().await, (euros("3400.50"), json!("2026-07-01")));
    assert_eq!(firm.refused("hr.employee.set_salary", json!({ "employee": employee, "salary": euros("3400.50") })).await, "hr.same_salary");
    assert_eq!(firm.refused("hr.employee.set_salary", json!({ "employee": employee, "salary": euros("-1") })).await, "invalid_input");
    firm.undo(&raised).await;
    assert_eq!(salary().await, (euros("3100.00"), json!("2025-01-01")));
    let cleared = firm.ok("hr.employee.clear_salary", json!({ "employee": employee })).await;
    assert_eq!(salary().await, (Value::Null, Value::Null));
    firm.undo(&cleared).await;
    assert_eq!(salary().await, (euros("3100.00"), json!("2025-01-01")));
}

#[tokio::test]
async fn setting_a_salary_takes_the_right_to_see_it_as_well_and_is_of_high_risk() {
    let firm = Firm::open().await;
    let employee = firm.hire().await;
    let blind = [READ, &[("hr:employee:set_salary", Scope::Tenant)]].concat();
    let blind = firm.house.user(&firm.created, "Blind", &blind).await.unwrap();
    let input = json!({ "employee": employee, "salary": euros("1") });
    assert_eq!(firm.run(&blind, "hr.employee.set_salary", input.clone()).await.map(drop).unwrap_err().code, Code::Forbidden);
    let step = Step { command: "hr.employee.set_salary".into(), input, name: None, expected_version: None };
    let preview = firm.house.kernel.preview(&firm.boss, &[step]).await.unwrap();
    assert_eq!(preview.risk, steward_kernel::Risk::High);
    assert!(preview.changes.iter().any(|change| change.field == "salary" && change.new == euros("1")), "{:?}", preview.changes);
}

#[tokio::test]
async fn without_the_right_a_salary_is_absent_and_cannot_be_asked_for() {
    let firm = Firm::open().await;
    let employee = firm.hire().await;
    firm.ok("hr.employee.set_salary", json!({ "employee": employee, "salary": euros("3141.59") })).await;
    firm.ok("hr.employee.update", json!({ "employee": employee, "position": "Buyer" })).await;
    let mut read = firm.house.kernel.read(&firm.reader).await.unwrap();

    let detail = read.detail("hr.employee", employee, None).await.unwrap();
    let list = read.list(&ListQuery::new("hr.employee")).await.unwrap();
    let history = read.history("hr.employee", employee, 100, None).await.unwrap().items;
    assert_eq!((&detail["name"], &list.items[0]["name"]), (&json!("Rita Reader"), &json!("Rita Reader")));
    // The change of the salary alone is no entry at all; nor do its figures or its currency stand anywhere.
    assert_eq!(history.iter().map(|entry| entry.operation).collect::<Vec<_>>(), ["changed", "created"]);
    for shown in [detail.to_string(), json!(list.items).to_string(), serde_json::to_string(&history).unwrap()] {
        assert!(!["salary", "3141", "EUR"].iter().any(|secret| shown.contains(secret)), "{shown}");
    }

    // Asked for, it reads exactly like a field that does not exist.
    let mut refuse = async |query: ListQuery| read.list(&query).await.map(drop).unwrap_err();
    for name in ["salary", "salary_from"] {
        let like = |name: &str, error: &steward_kernel::Error| error.message.replace(&format!("{name:?}"), "it");
        let absent = "no_such_field";
        for asked in [
            |name: &str| ListQuery { fields: Some(vec![name.to_owned()]), ..ListQuery::new("hr.employee") },
            |name: &str| ListQuery { filters: vec![Filter::new(name, Op::Gt, "3000")], ..ListQuery::new("hr.employee") },
            |name: &str| ListQuery { filters: vec![Filter::new(name, Op::Null, "false")], ..ListQuery::new("hr.employee") },
            |name: &str| ListQuery { sort: vec![SortKey { field: name.to_owned(), descending: true }], ..ListQuery::new("hr.employee") },
        ] {
            let (masked, unknown) = (refuse(asked(name)).await, refuse(asked(absent)).await);
            assert_eq!((masked.code, like(name, &masked)), (Code::BadRequest, like(absent, &unknown)));
        }
    }
    for measure in ["salary_total", "salary_average", "no_such_measure"] {
        let query = AggregateQuery { measures: vec![measure.into()], ..AggregateQuery::new("hr.employee") };
        assert_eq!(read.aggregate(&query).await.unwrap_err().message, format!("hr.employee has no measure {measure:?}"));
    }
    let groups = AggregateQuery { group: vec!["salary".into()], ..AggregateQuery::new("hr.employee") };
    assert_eq!(read.aggregate(&groups).await.unwrap_err().code, Code::BadRequest);
    assert_eq!(read.report("hr.payroll", json!({})).await.map(drop).unwrap_err().code, Code::Forbidden);
    read.finish().await.unwrap();

    // A preview of somebody who may change the record shows what he may see of it.
    let editor = [READ, &[("hr:employee:update", Scope::Tenant)]].concat();
    let editor = firm.house.user(&firm.created, "Editor", &editor).await.unwrap();
    let step = Step { command: "hr.employee.update".into(), input: json!({ "employee": employee, "position": "X" }), name: None, expected_version: None };
    let preview = firm.house.kernel.preview(&editor, &[step]).await.unwrap();
    assert_eq!(preview.changes.iter().map(|change| change.field.as_str()).collect::<Vec<_>>(), ["position"]);
}

#[tokio::test]
async fn the_payroll_sums_by_department_and_currency_what_current_employees_earn() {
    let firm = Firm::open().await;
    let first = firm.hire().await;
    let second = firm.ok("hr.employee.create", json!({ "user": firm.boss.user, "number": "101", "name": "Bernd Boss", "hire_date": "2025-03-01" })).await;
    let second = crate::id(&second);
    firm.ok("hr.employee.set_salary", json!({ "employee": first, "salary": euros("3000") })).await;
    firm.ok("hr.employee.set_salary", json!({ "employee": second, "salary": euros("5000.01") })).await;
    let mut read = firm.house.kernel.read(&firm.boss).await.unwrap();
    let (_, table) = read.report("hr.payroll", json!({})).await.unwrap();
    assert_eq!(table.rows.iter().map(|row| row[2..].to_vec()).collect::<Vec<_>>(), [[json!(2), euros("8000.01"), euros("4000.01")]]);
    read.finish().await.unwrap();
    firm.ok("hr.employee.end", json!({ "employee": second })).await;
    let mut read = firm.house.kernel.read(&firm.boss).await.unwrap();
    let (_, table) = read.report("hr.payroll", json!({})).await.unwrap();
    assert_eq!(table.rows.iter().map(|row| row[2..].to_vec()).collect::<Vec<_>>(), [[json!(1), euros("3000.00"), euros("3000.00")]]);
    // Who may see salaries of his own rows only sums those.
    let own: Vec<(&str, Scope)> =
        READ.iter().chain(WRITE).map(|(permission, scope)| (*permission, if *permission == "hr:employee:read" { Scope::Own } else { *scope })).collect();
    let own = firm.house.user(&firm.created, "Own", &own).await.unwrap();
    let mut read = firm.house.kernel.read(&own).await.unwrap();
    assert_eq!(read.report("hr.payroll", json!({})).await.unwrap().1.rows, Vec::<Vec<Value>>::new());
}
