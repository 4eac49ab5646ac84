//! Companies, departments, and the people with their lines of report and roles.

use super::{PASSWORD, Refer, batch, record};
use crate::import::record::Batch;
use serde_json::json;

pub(super) const FIRST_COMPANY: &str = "NH";
const SECOND_COMPANY: &str = "NS";

pub(super) struct Person {
    pub(super) number: &'static str,
    pub(super) name: &'static str,
    pub(super) position: &'static str,
    pub(super) department: &'static str,
    manager: Option<&'static str>,
    /// Besides the role of every employee.
    pub(super) role: Option<&'static str>,
}

impl Person {
    pub(super) fn email(&self) -> String {
        let plain: String = self.name.to_lowercase().replace(' ', ".").replace('ä', "ae").replace('ö', "oe").replace('ü', "ue").replace('ß', "ss");
        format!("{plain}@demo.example")
    }
    pub(super) fn company(&self) -> &'static str {
        if self.department == "sales-ns" { SECOND_COMPANY } else { FIRST_COMPANY }
    }
    /// Of the first company in euros, of the second in francs.
    pub(super) fn sells_in(&self) -> &'static str {
        if self.company() == SECOND_COMPANY { "CHF" } else { "EUR" }
    }
}

const fn person(
    number: &'static str,
    name: &'static str,
    position: &'static str,
    department: &'static str,
    manager: Option<&'static str>,
    role: Option<&'static str>,
) -> Person {
    Person { number, name, position, department, manager, role }
}

const REP: Option<&str> = Some("sales-representative");
const LEAD: Option<&str> = Some("sales-manager");
const PERSONNEL: Option<&str> = Some("hr-manager");
const STORE: Option<&str> = Some("warehouse");

/// Everybody but the administrator.
pub(super) const PEOPLE: &[Person] = &[
    person("100", "Henrike Lorenzen", "Managing director", "office", None, LEAD),
    person("110", "Jonas Petersen", "Head of sales", "sales-nh", Some("100"), LEAD),
    person("111", "Anna Schulte", "Sales representative", "sales-nh", Some("110"), REP),
    person("112", "Tim Brandt", "Sales representative", "sales-nh", Some("110"), REP),
    person("113", "Leyla Demir", "Sales representative", "sales-nh", Some("110"), REP),
    person("114", "Mats Hinrichs", "Sales representative", "sales-nh", Some("110"), REP),
    person("115", "Sophie Keller", "Key account manager", "sales-nh", Some("110"), REP),
    person("116", "David Nowak", "Sales representative", "sales-nh", Some("110"), REP),
    person("117", "Greta Lindner", "Sales representative", "sales-nh", Some("110"), REP),
    person("118", "Felix Jansen", "Sales trainee", "sales-nh", Some("115"), REP),
    person("120", "Urs Zimmermann", "Head of sales, Switzerland", "sales-ns", Some("100"), LEAD),
    person("121", "Nadia Frei", "Sales representative", "sales-ns", Some("120"), REP),
    person("122", "Luca Bernasconi", "Sales representative", "sales-ns", Some("120"), REP),
    person("123", "Elodie Favre", "Sales representative", "sales-ns", Some("120"), REP),
    person("124", "Reto Baumann", "Sales representative", "sales-ns", Some("120"), REP),
    person("125", "Mirjam Graf", "Inside sales", "sales-ns", Some("120"), REP),
    person("130", "Holger Matthiesen", "Head of warehouse and purchasing", "warehouse", Some("100"), STORE),
    person("131", "Svenja Thomsen", "Buyer", "warehouse", Some("130"), STORE),
    person("132", "Piotr Kowalski", "Warehouse clerk", "warehouse", Some("130"), STORE),
    person("133", "Emre Yilmaz", "Warehouse clerk", "warehouse", Some("130"), STORE),
    person("134", "Lena Friedrich", "Dispatcher", "warehouse", Some("130"), STORE),
    person("140", "Claudia Voss", "Head of administration", "office", Some("100"), None),
    person("141", "Marten Fuchs", "Accountant", "office", Some("140"), None),
    person("142", "Julia Ahrens", "Head of personnel", "office", Some("140"), PERSONNEL),
];

/// Those who sell, in one currency.
pub(super) fn sellers(currency: &str) -> Vec<&'static Person> {
    PEOPLE.iter().filter(|person| person.role == REP && person.sells_in() == currency).collect()
}

pub(super) fn batches() -> Vec<Batch> {
    let companies = vec![record(SECOND_COMPANY, json!({ "code": SECOND_COMPANY, "name": "Nordlicht Schweiz AG", "currency": "CHF", "country": "CH" }))];
    let department = |key: &str, name: &str, company: &str| record(key, json!({ "name": name })).by("company", "identity.company", "code", company);
    let departments = vec![
        department("sales-nh", "Sales", FIRST_COMPANY),
        department("warehouse", "Warehouse and purchasing", FIRST_COMPANY),
        department("office", "Administration", FIRST_COMPANY),
        department("sales-ns", "Sales Switzerland", SECOND_COMPANY),
    ];
    let users = PEOPLE.iter().map(|person| {
        let input = json!({ "number": person.number, "name": person.name, "email": person.email(), "position": person.position, "password": PASSWORD });
        record(person.number, input).by("company", "identity.company", "code", person.company()).to("department", "identity.department", person.department)
    });
    let managers = PEOPLE.iter().filter_map(|person| {
        let manager = person.manager?;
        Some(record(person.number, json!({})).to("user", "identity.user", person.number).to("manager", "identity.user", manager))
    });
    let roles = PEOPLE.iter().flat_map(|person| {
        ["employee"].into_iter().chain(person.role).map(|role| {
            record(format!("{}-{role}", person.number), json!({})).to("user", "identity.user", person.number).by("role", "identity.role", "name", role)
        })
    });
    vec![
        batch("companies", "identity.company", "identity.company.create", companies),
        batch("departments", "identity.department", "identity.department.create", departments),
        batch("users", "identity.user", "identity.user.create", users.collect()),
        batch("lines of report", "identity.user.set_manager", "identity.user.set_manager", managers.collect()),
        batch("roles", "identity.user.assign_role", "identity.user.assign_role", roles.collect()),
    ]
}
