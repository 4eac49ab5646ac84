use super::bring_in::is_of_the_series;
use super::header::{Changes, Details, TEXTS, check_dates, stored_custom};
use super::reopen::reopened;
use super::{Order, OrderId, Status};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::{Map, json};
use steward_kernel::{Code, Command, Currency, Money, ids};

fn eur() -> Currency {
    Currency::new("EUR").unwrap()
}

fn day(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, day).unwrap()
}

fn order(status: Status, cancelled_from: Option<Status>) -> Order {
    Order {
        id: OrderId::fresh(),
        version: 1,
        number: "SO-2026-00001".into(),
        status,
        customer: ids::fresh(),
        owner: ids::fresh(),
        department: None,
        company: ids::fresh(),
        order_date: day(1),
        currency: eur(),
        line_count: 1,
        backordered: false,
        confirmed_at: None,
        cancelled_from,
        cancel_reason: None,
    }
}

#[test]
fn a_confirmed_order_cannot_be_edited() {
    let error = order(Status::Confirmed, None).require(&[Status::Draft, Status::Quotation], "sales.not_editable", "changed").unwrap_err();
    assert_eq!((error.code, error.reason), (Code::Conflict, Some("sales.not_editable")));
    assert_eq!(error.message, "order SO-2026-00001 is confirmed: only an order that is draft or quotation can be changed");
}

#[test]
fn the_states_agree_with_their_names() {
    for name in Status::ALL {
        let status: Status = serde_json::from_value(json!(name)).unwrap();
        assert_eq!(status.as_str(), *name);
        assert_eq!(Status::OPEN.contains(name), status.is_open());
    }
    assert!(Status::OPEN.iter().all(|name| Status::SOLD.contains(name)));
}

#[test]
fn reopening_leads_to_a_quotation_but_for_a_cancelled_draft() {
    assert_eq!(reopened(&order(Status::Confirmed, None)), Status::Quotation);
    assert_eq!(reopened(&order(Status::Cancelled, Some(Status::Processing))), Status::Quotation);
    assert_eq!(reopened(&order(Status::Cancelled, Some(Status::Draft))), Status::Draft);
}

#[test]
fn a_change_says_how_it_is_taken_back() {
    let mut details = Details { required_date: Some(day(5)), ..Details::default() };
    details.texts[0] = Some("A-1".into());
    let mut texts: [Option<Option<String>>; 9] = Default::default();
    texts[0] = Some(None);
    texts[4] = Some(Some("Graz".into()));
    let changes = Changes { required_date: Some(None), freight: Some(Some(Money::new(Decimal::new(1250, 2), eur()))), texts };
    let before = changes.apply(&mut details, &eur()).unwrap();
    assert_eq!((details.required_date, details.reference(), details.texts[4].as_deref(), details.freight), (None, None, Some("Graz"), Decimal::new(1250, 2)));
    let expected = json!({ "required_date": "2026-03-05", "freight": { "amount": "0", "currency": "EUR" }, "reference": "A-1", "ship_city": null });
    assert_eq!(serde_json::Value::Object(before), expected);
}

#[test]
fn freight_is_in_the_currency_of_the_order() {
    let changes = Changes { freight: Some(Some(Money::new(Decimal::ONE, Currency::new("USD").unwrap()))), ..Changes::default() };
    let error = changes.apply(&mut Details::default(), &eur()).unwrap_err();
    assert_eq!(error.fields[0].field, "freight");
}

#[test]
fn a_delivery_is_not_wanted_before_the_order() {
    assert!(check_dates(day(2), Some(day(1))).is_err());
    assert!(check_dates(day(2), Some(day(2))).is_ok());
    assert!(check_dates(day(2), None).is_ok());
}

#[test]
fn a_custom_value_is_cleared_by_null_and_kept_when_not_named() {
    let stored = Map::from_iter([("a".to_owned(), json!(1)), ("b".to_owned(), json!(2))]);
    let given = Map::from_iter([("a".to_owned(), json!(null)), ("c".to_owned(), json!(3))]);
    assert_eq!(serde_json::Value::Object(stored_custom(stored, given)), json!({ "b": 2, "c": 3 }));
}

#[test]
fn only_numbers_of_the_own_series_are_refused_at_the_cut_over() {
    assert!(is_of_the_series("SO-2026-00042") && is_of_the_series("SO-2026-123456"));
    for number in ["10248", "SO-10248", "SO-2026-42", "so-2026-00042", "SO-2026-00042-1", "SO-2026-0004A"] {
        assert!(!is_of_the_series(number), "{number}");
    }
}

#[test]
fn the_inputs_of_the_head_are_the_fields_of_the_structs() {
    let inputs = super::create::CreateOrder::spec().inputs;
    for name in TEXTS.iter().chain(&["required_date", "freight"]) {
        assert!(inputs.iter().any(|field| field.name == *name), "{name}");
    }
}

#[test]
fn every_struct_takes_what_its_schema_declares() {
    fn holds<C: Command>() {
        let spec = C::spec();
        for full in [false, true] {
            let mut example = steward_kernel::input::example(&spec.inputs, full);
            if spec.customizable && full {
                example["custom"] = json!({ "color": "red" });
            }
            serde_json::from_value::<C>(example).map(drop).unwrap_or_else(|error| panic!("{}: {error}", spec.name));
        }
    }
    holds::<super::create::CreateOrder>();
    holds::<super::update::UpdateOrder>();
    holds::<super::quote::QuoteOrder>();
    holds::<super::redraft::RedraftOrder>();
    holds::<super::confirm::ConfirmOrder>();
    holds::<super::reserve::ReserveOrder>();
    holds::<super::start::StartOrder>();
    holds::<super::hold::HoldOrder>();
    holds::<super::complete::CompleteOrder>();
    holds::<super::cancel::CancelOrder>();
    holds::<super::reopen::ReopenOrder>();
    holds::<super::put_back::PutBackOrder>();
    holds::<super::assign::AssignOrder>();
    holds::<super::bring_in::BringInOrder>();
}
