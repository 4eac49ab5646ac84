//! The people as employees, and what they earn.

use super::organisation::{FIRST_COMPANY, PEOPLE};
use super::{Refer, batch, record};
use crate::import::record::{Batch, Record};
use serde_json::json;

/// The administrator's employment: he is no part of [`PEOPLE`].
const ADMINISTRATOR: Work = Work { number: "001", hired: "2014-08-01", kind: "full_time", salary: 4_850 };

struct Work {
    number: &'static str,
    /// The first day.
    hired: &'static str,
    kind: &'static str,
    /// For a month, in whole units of what the company pays in.
    salary: u32,
}

const fn work(number: &'static str, hired: &'static str, kind: &'static str, salary: u32) -> Work {
    Work { number, hired, kind, salary }
}

/// In the order of [`PEOPLE`].
const WORK: &[Work] = &[
    work("100", "2009-04-01", "full_time", 11_800),
    work("110", "2012-01-01", "full_time", 7_400),
    work("111", "2019-03-01", "full_time", 4_200),
    work("112", "2020-09-01", "full_time", 3_950),
    work("113", "2018-06-01", "full_time", 4_350),
    work("114", "2023-02-01", "full_time", 3_650),
    work("115", "2015-10-01", "full_time", 5_300),
    work("116", "2021-05-01", "part_time", 2_480),
    work("117", "2022-11-01", "full_time", 3_700),
    work("118", "2024-08-01", "trainee", 1_240),
    work("120", "2013-07-01", "full_time", 10_900),
    work("121", "2017-04-01", "full_time", 7_150),
    work("122", "2020-01-01", "full_time", 6_800),
    work("123", "2021-10-01", "full_time", 6_650),
    work("124", "2022-03-01", "part_time", 4_100),
    work("125", "2019-08-01", "full_time", 6_200),
    work("130", "2008-02-01", "full_time", 6_250),
    work("131", "2016-05-01", "full_time", 4_450),
    work("132", "2020-02-01", "full_time", 3_050),
    work("133", "2021-07-01", "full_time", 2_950),
    work("134", "2018-11-01", "full_time", 3_400),
    work("140", "2011-03-01", "full_time", 6_700),
    work("141", "2017-09-01", "full_time", 4_600),
    work("142", "2016-01-01", "full_time", 5_150),
];

/// `admin` is the administrator's e-mail address, by which he is found: nobody brought him in.
pub(super) fn batches(admin: &str) -> Vec<Batch> {
    let administrator = json!({ "number": ADMINISTRATOR.number, "name": "Frauke Behrens", "position": "Systems administrator", "kind": ADMINISTRATOR.kind, "hire_date": ADMINISTRATOR.hired });
    let administrator = record(ADMINISTRATOR.number, administrator)
        .by("user", "identity.user", "email", admin)
        .by("company", "identity.company", "code", FIRST_COMPANY)
        .to("department", "identity.department", "office");
    let mut employees = vec![administrator];
    let mut salaries = vec![salary(&ADMINISTRATOR, "EUR")];
    for (person, work) in PEOPLE.iter().zip(WORK) {
        let input = json!({ "number": person.number, "name": person.name, "position": person.position, "kind": work.kind, "hire_date": work.hired });
        employees.push(record(person.number, input).to("user", "identity.user", person.number).by("company", "identity.company", "code", person.company()).to(
            "department",
            "identity.department",
            person.department,
        ));
        salaries.push(salary(work, person.sells_in()));
    }
    vec![batch("employees", "hr.employee", "hr.employee.create", employees), batch("salaries", "hr.employee.set_salary", "hr.employee.set_salary", salaries)]
}

/// As it has been since the beginning of last year's round.
fn salary(work: &Work, currency: &str) -> Record {
    let from = work.hired.max("2025-01-01");
    let input = json!({ "salary": { "amount": format!("{}.00", work.salary), "currency": currency }, "salary_from": from });
    record(work.number, input).to("employee", "hr.employee", work.number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn everybody_is_employed_once() {
        let people: Vec<&str> = PEOPLE.iter().map(|person| person.number).collect();
        assert_eq!(WORK.iter().map(|work| work.number).collect::<Vec<_>>(), people);
        let batches = batches("admin@demo.example");
        let keys: BTreeSet<&str> = batches[0].records.iter().filter_map(|record| record.key.as_deref()).collect();
        assert_eq!((keys.len(), batches[1].records.len()), (people.len() + 1, people.len() + 1));
    }
}
