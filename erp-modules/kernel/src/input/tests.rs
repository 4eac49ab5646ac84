use super::*;

fn fields() -> Vec<Field> {
    vec![
        Field::text("name").required().max(10),
        Field::money("price"),
        Field::quantity("amount"),
        Field::date("day"),
        Field::reference("customer", "crm.party"),
        Field::choice("kind", &["a", "b"]),
        Field::lines("lines", vec![Field::reference("item", "inventory.item").required(), Field::decimal("discount")]),
    ]
}

fn errors(input: Value) -> Vec<String> {
    match decode(&Catalogue::default(), &fields(), input) {
        Ok(value) => panic!("accepted: {value}"),
        Err(error) => error.fields.iter().map(|e| format!("{}: {}", e.field, e.message)).collect(),
    }
}

#[test]
fn every_wrong_field_is_reported_with_its_path() {
    let found = errors(json!({ "price": "x", "day": "2026-02-30", "kind": "c", "more": 1, "lines": [{ "item": "no" }, { "discount": true }] }));
    insta::assert_snapshot!(found.join("\n"), @r#"
    name: is required
    price: a decimal number such as "12.50" is expected
    day: a date such as 2026-03-31 is expected
    kind: one of a, b is expected
    lines[0].item: an id is expected
    lines[1].item: is required
    lines[1].discount: a decimal number such as "12.50" is expected
    more: is not known here
    "#);
}

#[test]
fn a_valid_input_comes_back_in_wire_form() {
    let id = Uuid::from_u128(7);
    let input =
        json!({ "name": "  Chai ", "price": { "amount": 12.50, "currency": "EUR" }, "amount": "2.50", "customer": id.to_string().to_uppercase(), "lines": [] });
    let decoded = decode(&Catalogue::default(), &fields(), input).unwrap();
    assert_eq!(
        decoded,
        json!({ "name": "Chai", "price": { "amount": "12.5", "currency": "EUR" }, "amount": { "value": "2.5", "unit": "" }, "customer": id.to_string(), "lines": [] })
    );
}

#[test]
fn a_number_that_would_lose_digits_is_refused() {
    assert!(decimal(&json!(1234567890.1234567)).is_err());
    assert_eq!(decimal(&json!("1234567890.1234567")).unwrap().to_string(), "1234567890.1234567");
    assert!(decimal(&json!("1e5")).is_err());
    assert!(decimal(&json!("99999999999999999999")).is_err());
}

#[test]
fn control_characters_are_refused() {
    assert_eq!(errors(json!({ "name": "a\u{0}b" })), ["name: control characters are not possible"]);
}

#[test]
fn examples_fit_their_own_fields() {
    for full in [true, false] {
        decode(&Catalogue::default(), &fields(), example(&fields(), full)).unwrap();
    }
}
