use super::table;
use serde_json::{Value, json};

fn group(customer: &str, orders: i64, amount: &str, currency: &str) -> Value {
    json!({ "customer": { "id": customer, "title": customer }, "open_orders": orders, "open_value": { "amount": amount, "currency": currency }, "earliest_required": "2026-02-01" })
}

#[test]
fn totals_add_up_in_one_currency() {
    let open = [group("a", 2, "10.50", "EUR"), group("b", 1, "4.50", "EUR")];
    let table = table(&open, &[group("b", 1, "4.50", "EUR")]);
    assert_eq!(table.rows[0][2], json!(0));
    assert_eq!(table.rows[1][2], json!(1));
    assert_eq!(table.totals, [Value::Null, json!(3), json!(1), json!({ "amount": "15.00", "currency": "EUR" }), Value::Null]);
}

#[test]
fn amounts_of_several_currencies_are_never_added() {
    let table = table(&[group("a", 1, "10.00", "EUR"), group("a", 1, "5.00", "USD")], &[group("a", 1, "5.00", "USD")]);
    assert_eq!((&table.rows[0][2], &table.rows[1][2]), (&json!(0), &json!(1)));
    assert_eq!(table.totals[3], Value::Null);
}

#[test]
fn an_empty_backlog_has_no_totals() {
    assert!(table(&[], &[]).totals.is_empty());
}
