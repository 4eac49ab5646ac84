//! Two years of orders, and what people have to do with their customers.

use super::goods::{Item, amount};
use super::organisation::Person;
use super::parties::Party;
use super::random::Random;
use super::{Refer, batch, record};
use crate::import::record::{Batch, Record};
use chrono::{Datelike, Days, NaiveDate, Weekday};
use serde_json::{Map, Value, json};

const ORDERS: usize = 3_000;
const ACTIVITIES: usize = 400;
/// Two years.
const DAYS: usize = 730;

pub(super) struct Order {
    record: Record,
    key: String,
    open: bool,
}

pub(super) fn make(today: NaiveDate, parties: &[Party], items: &[Item]) -> Vec<Order> {
    let mut random = Random::new(37);
    let customers: Vec<(&Party, &Person)> = parties.iter().filter_map(|party| Some((party, party.seller?))).collect();
    let mut ages: Vec<usize> = (0..ORDERS).map(|_| age(&mut random)).collect();
    // Numbers follow the dates.
    ages.sort_unstable_by(|a, b| b.cmp(a));
    let of_age = |(at, age): (usize, usize)| {
        let (customer, seller) = customers[random.skewed(customers.len())];
        order(&mut random, at, age, today, customer, seller, items)
    };
    ages.into_iter().enumerate().map(of_age).collect()
}

/// Days before today. Business grows: the younger half of the time has more orders.
fn age(random: &mut Random) -> usize {
    let age = random.below(DAYS);
    if age > DAYS / 2 && random.percent(25) { random.below(DAYS / 2) } else { age }
}

fn status(random: &mut Random, age: usize) -> &'static str {
    let mix: &[(&str, usize)] = match age {
        45.. => &[("done", 95), ("cancelled", 5)],
        10..45 => &[("done", 68), ("confirmed", 12), ("processing", 7), ("quotation", 7), ("cancelled", 6)],
        _ => &[("done", 10), ("confirmed", 35), ("processing", 15), ("quotation", 22), ("draft", 15), ("cancelled", 3)],
    };
    let mut at = random.below(100);
    for (status, share) in mix {
        if at < *share {
            return status;
        }
        at -= share;
    }
    "done"
}

fn order(random: &mut Random, at: usize, age: usize, today: NaiveDate, customer: &Party, seller: &Person, items: &[Item]) -> Order {
    let date = workday(before(today, age));
    let status = status(random, age);
    let currency = seller.sells_in();
    let mut lines: Vec<usize> = (0..random.between(1, 5)).map(|_| random.skewed(items.len())).collect();
    lines.sort_unstable();
    lines.dedup();
    let mut input = json!({
        "number": format!("A-{}", 20_001 + at), "status": status, "order_date": date, "required_date": after(date, random.between(7, 28)), "currency": currency,
        "freight": { "amount": amount(random.between(0, 12) * 490), "currency": currency }, "ship_via": random.pick(&["DHL", "DPD", "Own truck", "Collected"]),
        "lines": lines.iter().map(|_| json!({})).collect::<Vec<_>>(),
    });
    for (position, item) in lines.iter().enumerate() {
        let item = &items[*item];
        let price = if currency == "CHF" { item.price * 95 / 100 } else { item.price };
        let discount = *random.pick(&["0", "0", "0", "0.05", "0.1"]);
        input["lines"][position] = json!({
            "quantity": { "value": random.between(1, 24).to_string(), "unit": "" }, "unit_price": { "amount": amount(price), "currency": currency }, "discount": discount,
        });
    }
    let sold = matches!(status, "confirmed" | "processing" | "done");
    if sold {
        input["confirmed_at"] = json!(format!("{date}T{:02}:{:02}:00Z", random.between(7, 16), random.below(60)));
    }
    if status == "done" {
        input["shipped_date"] = json!(after(date, random.between(1, 12)).min(today));
    }
    let key = format!("{}", 20_001 + at);
    let mut record = record(key.clone(), input).to("customer", "crm.party", customer.key.clone()).to("owner", "identity.user", seller.number);
    for (position, item) in lines.iter().enumerate() {
        record = record.to(&format!("lines[{position}].item"), "inventory.item", items[*item].key.clone());
    }
    Order { record, key, open: sold && status != "done" }
}

pub(super) fn batches(orders: &[Order]) -> Vec<Batch> {
    let reserve = orders.iter().filter(|order| order.open).map(|order| record(order.key.clone(), json!({})).to("order", "sales.order", order.key.clone()));
    vec![
        batch("orders", "sales.order", "sales.order.bring_in", orders.iter().map(|order| order.record.clone()).collect()),
        batch("reservations", "sales.order.reserve", "sales.order.reserve", reserve.collect()),
    ]
}

const SUBJECTS: &[(&str, &[&str])] = &[
    ("call", &["Ask about the last delivery", "Follow up on the quotation", "Introduce the new power tools", "Clear up an open question about prices"]),
    ("meeting", &["Yearly review", "Visit on site", "Show samples of work wear", "Talk about a framework agreement"]),
    ("mail", &["Send the new catalogue", "Send data sheets", "Confirm the delivery date"]),
    ("task", &["Prepare a quotation", "Check the payment terms", "Update the contacts"]),
];

/// What was done with customers and what is to be done.
pub(super) fn activities(today: NaiveDate, parties: &[Party]) -> Vec<Batch> {
    let mut random = Random::new(53);
    let customers: Vec<(&Party, &Person)> = parties.iter().filter_map(|party| Some((party, party.seller?))).collect();
    let (mut all, mut done) = (Vec::new(), Vec::new());
    for at in 0..ACTIVITIES {
        let (customer, seller) = customers[random.skewed(customers.len())];
        let (kind, subjects) = random.pick(SUBJECTS);
        let subject = *random.pick(subjects);
        let ago = random.below(200);
        let due = if ago < 30 { after(today, 30 - ago) } else { before(today, ago - 30) };
        let key = format!("{}", at + 1);
        let input: Map<String, Value> = [("kind", json!(kind)), ("subject", json!(subject)), ("due_date", json!(workday(due)))]
            .map(|(name, value)| (name.to_owned(), value))
            .into_iter()
            .collect();
        all.push(record(key.clone(), Value::Object(input)).to("party", "crm.party", customer.key.clone()).to("owner", "identity.user", seller.number));
        // What was due was done, but for a few.
        if due < today && random.percent(92) {
            done.push(record(key.clone(), json!({})).to("activity", "crm.activity", key));
        }
    }
    vec![batch("activities", "crm.activity", "crm.activity.create", all), batch("activities done", "crm.activity.complete", "crm.activity.complete", done)]
}

fn before(day: NaiveDate, days: usize) -> NaiveDate {
    day.checked_sub_days(Days::new(days as u64)).unwrap_or(day)
}
fn after(day: NaiveDate, days: usize) -> NaiveDate {
    day.checked_add_days(Days::new(days as u64)).unwrap_or(day)
}
/// The Friday before, for a day of the weekend.
fn workday(day: NaiveDate) -> NaiveDate {
    match day.weekday() {
        Weekday::Sat => before(day, 1),
        Weekday::Sun => before(day, 2),
        _ => day,
    }
}
