use super::*;

const MAPPING: &str = r#"
source = "old"
[variables]
country = "DE"
[[step]]
file = "orders.csv"
resource = "sales.order"
command = "sales.order.bring_in"
key = { column = "id", prefix = "A-" }
when = "customer"
[step.inputs]
customer = { column = "customer", ref = "crm.party" }
status = { column = "shipped", then = "done", otherwise = "confirmed" }
order_date = { column = "day", date = "%d.%m.%Y" }
freight = { column = "freight", decimal = ",", money = "EUR" }
ship_street = { columns = ["street", "more"], separator = ", ", replace = [["\\n", " "]] }
ship_country = { variable = "country" }
express = { column = "express", map = { "1" = true, "0" = false } }
kind = { column = "id", listed_in = { file = "lines.csv", column = "order" }, then = "full", otherwise = "empty" }
[step.lines.lines]
file = "lines.csv"
parent = { column = "order", prefix = "A-" }
inputs = { item = { column = "item", ref = "inventory.item" }, quantity = { column = "quantity", quantity = "" } }
"#;

const ORDERS: &str = "id,customer,shipped,day,freight,street,more,express\n\
    1,C1,2020-01-01,31.12.2019,\"1.234,50\",Weg 1\\nHof,links,1\n\
    2,C2,,01.01.2020,,,,0\n\
    3,,,01.01.2020,,,,0\n\
    4,C4,,2020-01-01,,,,2\n\
    1,C5,,01.01.2020,,,,0\n";
const LINES: &str = "order,item,quantity\n1,I1,2\n1,I2,3\n9,I1,1\n";

fn shaped() -> Batch {
    let files = [("orders.csv", ORDERS), ("lines.csv", LINES)];
    let files = files.map(|(name, text)| (name.to_owned(), Table::parse(name, text.as_bytes(), 100).unwrap()));
    let context = Context { files: &Files(files.into_iter().collect()), variables: [("country".to_owned(), "AT".to_owned())].into() };
    context.step(&Mapping::parse(MAPPING).unwrap().steps[0], &Catalogue::default()).unwrap()
}

#[test]
fn columns_become_inputs_by_their_rules() {
    let batch = shaped();
    assert_eq!(batch.records.iter().map(|record| record.key.as_deref().unwrap()).collect::<Vec<_>>(), ["A-1", "A-2"]);
    let expected = json!({
        "customer": "C1", "express": true, "freight": { "amount": "1234.50", "currency": "EUR" }, "kind": "full", "order_date": "2019-12-31",
        "ship_country": "AT", "ship_street": "Weg 1 Hof, links", "status": "done",
        "lines": [{ "item": "I1", "quantity": { "value": "2", "unit": "" } }, { "item": "I2", "quantity": { "value": "3", "unit": "" } }],
    });
    assert_eq!(Value::Object(batch.records[0].input.clone()), expected);
    assert_eq!(
        Value::Object(batch.records[1].input.clone()),
        json!({ "customer": "C2", "express": false, "kind": "empty", "order_date": "2020-01-01", "ship_country": "AT", "status": "confirmed" })
    );
}

#[test]
fn references_of_lines_know_their_place() {
    let paths: Vec<String> = shaped().records[0].references.iter().map(|reference| super::super::record::show_path(&reference.path)).collect();
    assert_eq!(paths, ["customer", "lines[0].item", "lines[1].item"]);
}

#[test]
fn rows_that_do_not_fit_are_told_by_file_row_and_column() {
    let refused: Vec<(String, usize, Option<String>)> = shaped().refused.into_iter().map(|error| (error.file, error.row, error.column)).collect();
    let orders = "orders.csv".to_owned();
    assert_eq!(refused[0], (orders.clone(), 5, Some("express".to_owned())), "an unknown value, and a date of another form");
    assert_eq!((&refused[1].0, refused[1].1), (&orders, 6), "an external id that stands there twice");
    assert_eq!((refused[2].0.as_str(), refused[2].1), ("lines.csv", 4), "a line without a document");
    assert_eq!(refused.len(), 3);
}

#[test]
fn equal_contents_are_equal_in_any_order() {
    let one: Map<String, Value> = serde_json::from_str(r#"{"a": 1, "b": {"c": 2, "d": 3}}"#).unwrap();
    let other: Map<String, Value> = serde_json::from_str(r#"{"b": {"d": 3, "c": 2}, "a": 1}"#).unwrap();
    assert_eq!(sorted(&one).to_string(), sorted(&other).to_string());
}

#[test]
fn a_mapping_with_an_unknown_key_is_refused_by_its_name() {
    let error = Mapping::parse(&MAPPING.replace("then = \"done\"", "than = \"done\"")).unwrap_err();
    assert!(error.message.contains("than"), "{}", error.message);
}
