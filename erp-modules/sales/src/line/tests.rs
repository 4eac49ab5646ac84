use super::{LineInput, Sellable, price};
use crate::neighbours::{ItemFacts, Told};
use rust_decimal::Decimal;
use serde_json::json;
use std::collections::HashMap;
use std::str::FromStr;
use steward_kernel::{Currency, Money, Quantity};
use uuid::Uuid;

const CHAI: Uuid = Uuid::from_u128(1);
const GONE: Uuid = Uuid::from_u128(2);

fn decimal(text: &str) -> Decimal {
    Decimal::from_str(text).unwrap()
}

fn eur() -> Currency {
    Currency::new("EUR").unwrap()
}

fn items() -> HashMap<Uuid, ItemFacts> {
    let item = |id, name: &str, discontinued| ItemFacts {
        id,
        name: name.into(),
        unit: "box".into(),
        sales_price: Some(Told::Bare(decimal("18"))),
        currency: Some(eur()),
        discontinued,
        archived: false,
    };
    HashMap::from([(CHAI, item(CHAI, "Chai", false)), (GONE, item(GONE, "Gumbo", true))])
}

fn line(item: Uuid, quantity: &str) -> LineInput {
    LineInput { item, quantity: Quantity { value: decimal(quantity), unit: String::new() }, unit_price: None, discount: None, description: None }
}

fn refused(line: LineInput) -> (String, String) {
    let error = price(vec![line], &items(), &eur(), Sellable::Current { kept: &[] }).unwrap_err();
    (error.fields[0].field.clone(), error.fields[0].message.clone())
}

#[test]
fn a_line_takes_price_name_and_unit_from_its_item() {
    let priced = price(vec![line(CHAI, "2.5")], &items(), &eur(), Sellable::Current { kept: &[] }).unwrap();
    assert_eq!((priced[0].unit_price, priced[0].description.as_str(), priced[0].unit.as_str()), (decimal("18"), "Chai", "box"));
    assert_eq!(priced[0].discount, Decimal::ZERO);
}

#[test]
fn every_wrong_line_is_named_by_its_path() {
    let wrong = vec![line(CHAI, "0"), line(CHAI, "1"), LineInput { discount: Some(decimal("1.5")), ..line(CHAI, "1") }];
    let error = price(wrong, &items(), &eur(), Sellable::Current { kept: &[] }).unwrap_err();
    let fields: Vec<&str> = error.fields.iter().map(|field| field.field.as_str()).collect();
    assert_eq!(fields, ["lines[0].quantity", "lines[2].discount"]);
}

#[test]
fn a_discontinued_item_cannot_be_put_on_a_new_order() {
    assert_eq!(refused(line(GONE, "1")), ("lines[0].item".into(), "Gumbo is discontinued".into()));
    assert!(price(vec![line(GONE, "1")], &items(), &eur(), Sellable::Current { kept: &[GONE] }).is_ok());
    assert!(price(vec![line(GONE, "1")], &items(), &eur(), Sellable::Past).is_ok());
}

#[test]
fn a_price_in_another_currency_is_never_taken() {
    let usd = Currency::new("USD").unwrap();
    let given = LineInput { unit_price: Some(Money::new(decimal("1"), usd.clone())), ..line(CHAI, "1") };
    assert_eq!(refused(given), ("lines[0].unit_price".into(), "the order is in EUR".into()));
    let error = price(vec![line(CHAI, "1")], &items(), &usd, Sellable::Past).unwrap_err();
    assert_eq!(error.fields[0].message, "Chai has no sales price in USD, name one");
}

#[test]
fn quantities_and_prices_are_bounded() {
    assert_eq!(refused(line(CHAI, "0.0000001")).0, "lines[0].quantity");
    assert_eq!(refused(line(CHAI, "1000000000")).0, "lines[0].quantity");
    assert_eq!(refused(line(CHAI, "-1")).0, "lines[0].quantity");
    let negative = LineInput { unit_price: Some(Money::new(decimal("-0.01"), eur())), ..line(CHAI, "1") };
    assert_eq!(refused(negative).0, "lines[0].unit_price");
}

#[test]
fn a_line_says_its_units_or_leaves_them_to_the_item() {
    let mut other = line(CHAI, "1");
    other.quantity.unit = "kg".into();
    assert_eq!(refused(other), ("lines[0].quantity".into(), "Chai is sold in box".into()));
}

#[test]
fn what_undo_writes_can_be_read_again() {
    let line = LineInput {
        unit_price: Some(Money::new(decimal("9.80"), eur())),
        discount: Some(decimal("0.05")),
        description: Some("Chai".into()),
        ..line(CHAI, "10")
    };
    let value = serde_json::to_value(&line).unwrap();
    assert_eq!(value["quantity"], json!({ "value": "10", "unit": "" }));
    assert_eq!(value["discount"], json!("0.05"));
    assert!(serde_json::from_value::<LineInput>(value).is_ok());
}
