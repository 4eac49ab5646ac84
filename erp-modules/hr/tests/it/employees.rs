//! Hiring, changing, ending.

use crate::{Firm, READ, WRITE, id, reader};
use serde_json::{Value, json};
use steward_kernel::{Code, Scope};
use steward_migrations::Placement;

#[tokio::test]
async fn a_user_becomes_an_employee_of_his_company_and_a_mistake_counts_on_no_day() {
    let firm = Firm::open().await;
    let hired = firm.ok("hr.employee.create", reader(&firm)).await;
    let seen = firm.see(id(&hired)).await;
    assert_eq!((&seen["name"], &seen["status"], &seen["kind"]), (&json!("Rita Reader"), &json!("active"), &json!("full_time")));
    assert_eq!((&seen["user"]["id"], &seen["company"]["id"]), (&json!(firm.reader.user), &json!(firm.created.company)));
    firm.undo(&hired).await;
    let seen = firm.see(id(&hired)).await;
    assert_eq!((&seen["status"], &seen["end_date"]), (&json!("ended"), &json!("2024-12-31")));
    let mut read = firm.house.kernel.read(&firm.boss).await.unwrap();
    let (_, table) = read.report("hr.headcount", json!({ "as_of": "2025-01-01" })).await.unwrap();
    assert_eq!(table.rows, Vec::<Vec<Value>>::new());
}

#[tokio::test]
async fn a_second_current_employment_a_taken_number_and_a_likely_duplicate_are_refused() {
    let firm = Firm::open().await;
    let first = firm.hire().await;
    let with = |user: uuid::Uuid, number: &str, name: &str| json!({ "user": user, "number": number, "name": name, "hire_date": "2025-01-01" });
    assert_eq!(firm.refused("hr.employee.create", with(firm.reader.user, "101", "Rita R.")).await, "hr.employed_already");
    assert_eq!(firm.refused("hr.employee.create", with(firm.boss.user, "100", "Bernd Boss")).await, "hr.number_taken");
    assert_eq!(firm.refused("hr.employee.create", with(firm.boss.user, "101", "rita reader")).await, "hr.same_name");
    assert_eq!(firm.refused("hr.employee.create", with(uuid::Uuid::nil(), "101", "Nobody")).await, "invalid_input");
    let mut meant = with(firm.boss.user, "101", "Rita Reader");
    meant["allow_duplicate"] = json!(true);
    let second = id(&firm.ok("hr.employee.create", meant).await);
    assert_eq!(firm.refused("hr.employee.update", json!({ "employee": second, "number": "100" })).await, "hr.number_taken");
    // Whoever left may come back; then the old employment cannot be taken up again.
    firm.ok("hr.employee.end", json!({ "employee": first, "end_date": "2025-06-30" })).await;
    firm.ok("hr.employee.create", json!({ "user": firm.reader.user, "number": "102", "name": "Rita Reader", "hire_date": "2026-01-01" })).await;
    assert_eq!(firm.refused("hr.employee.reinstate", json!({ "employee": first })).await, "hr.employed_already");
}

#[tokio::test]
async fn a_change_is_undone() {
    let firm = Firm::open().await;
    let employee = firm.hire().await;
    let changed = firm.ok("hr.employee.update", json!({ "employee": employee, "position": "Buyer", "kind": "part_time", "hire_date": "2025-02-01" })).await;
    let seen = firm.see(employee).await;
    assert_eq!((&seen["position"], &seen["kind"], &seen["hire_date"]), (&json!("Buyer"), &json!("part_time"), &json!("2025-02-01")));
    firm.undo(&changed).await;
    let seen = firm.see(employee).await;
    assert_eq!((&seen["position"], &seen["kind"], &seen["hire_date"]), (&json!("Clerk"), &json!("full_time"), &json!("2025-01-01")));
    assert_eq!(firm.refused("hr.employee.update", json!({ "employee": employee, "name": "" })).await, "invalid_input");
}

#[tokio::test]
async fn an_employment_ends_on_its_last_day_and_is_reinstated() {
    let firm = Firm::open().await;
    let employee = firm.hire().await;
    assert_eq!(firm.refused("hr.employee.reinstate", json!({ "employee": employee })).await, "hr.not_ended");
    assert_eq!(firm.refused("hr.employee.end", json!({ "employee": employee, "end_date": "2024-06-30" })).await, "hr.end_before_start");
    let ended = firm.ok("hr.employee.end", json!({ "employee": employee })).await;
    assert_eq!(firm.see(employee).await["end_date"], "2026-07-01");
    assert_eq!(firm.refused("hr.employee.end", json!({ "employee": employee })).await, "hr.ended");
    assert_eq!(firm.refused("hr.employee.update", json!({ "employee": employee, "hire_date": "2026-08-01" })).await, "hr.start_after_end");
    firm.undo(&ended).await;
    let seen = firm.see(employee).await;
    assert_eq!((&seen["status"], &seen["end_date"]), (&json!("active"), &Value::Null));
}

#[tokio::test]
async fn the_headcount_is_that_of_its_day_and_shows_no_salaries() {
    let firm = Firm::open().await;
    let employee = firm.hire().await;
    firm.ok("hr.employee.create", json!({ "user": firm.boss.user, "number": "101", "name": "Bernd Boss", "hire_date": "2025-03-01" })).await;
    firm.ok("hr.employee.end", json!({ "employee": employee, "end_date": "2025-06-30" })).await;
    for (day, count) in [("2024-12-31", 0), ("2025-01-01", 1), ("2025-03-01", 2), ("2025-06-30", 2), ("2025-07-01", 1)] {
        let mut read = firm.house.kernel.read(&firm.reader).await.unwrap();
        let (spec, table) = read.report("hr.headcount", json!({ "as_of": day })).await.unwrap();
        assert_eq!(table.totals, [Value::Null, Value::Null, json!(count)], "{day}");
        assert!(spec.columns.iter().all(|column| !column.name.contains("salary")));
    }
}

#[tokio::test]
async fn who_lacks_the_right_is_refused_and_another_tenant_finds_nothing() {
    let firm = Firm::open().await;
    let employee = firm.hire().await;
    let other = firm.house.tenant("other", Placement::Pooled).await.unwrap();
    let stranger = firm.house.user(&other, "Stranger", &[READ, WRITE].concat()).await.unwrap();
    let own: Vec<(&str, Scope)> = READ.iter().chain(WRITE).map(|(permission, _)| (*permission, Scope::Own)).collect();
    let narrow = firm.house.user(&firm.created, "Narrow", &own).await.unwrap();
    let salary = json!({ "amount": "1", "currency": "EUR" });
    for (command, input) in [
        ("hr.employee.update", json!({ "employee": employee, "position": "X" })),
        ("hr.employee.set_salary", json!({ "employee": employee, "salary": salary })),
        ("hr.employee.clear_salary", json!({ "employee": employee })),
        ("hr.employee.end", json!({ "employee": employee })),
        ("hr.employee.reinstate", json!({ "employee": employee })),
    ] {
        assert_eq!(firm.run(&firm.reader, command, input.clone()).await.map(drop).unwrap_err().code, Code::Forbidden, "{command}");
        for beyond in [&stranger, &narrow] {
            assert_eq!(firm.run(beyond, command, input.clone()).await.map(drop).unwrap_err().code, Code::NotFound, "{command}");
        }
    }
    assert_eq!(firm.run(&firm.reader, "hr.employee.create", reader(&firm)).await.map(drop).unwrap_err().code, Code::Forbidden);
    assert_eq!(firm.run(&stranger, "hr.employee.create", reader(&firm)).await.map(drop).unwrap_err().code, Code::InvalidInput);
    let mut read = firm.house.kernel.read(&stranger).await.unwrap();
    assert_eq!(read.detail("hr.employee", employee, None).await.unwrap_err().code, Code::NotFound);
}
