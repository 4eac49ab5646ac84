use super::*;
use crate::catalogue::{Catalogue, CommandSpec, Measure, ReportSpec, Resource, Risk};
use std::sync::Arc;

const EN: &str = "
sales-order = Order
    .plural = Orders
    .description = What a customer ordered
    .synonyms = purchase, sale
sales-order--status--open = open
sales-order--total = Total value
sales-order-measure--revenue = Revenue
sales-order-filter--overdue = overdue
sales-order-confirm = Confirm
    .description = Confirms a quotation
    .examples = confirm the order of Ernst Handel | confirm 10248
sales-order-confirm--reason = Why
sales-order_line--product = Product
sales-report-backlog = Backlog
    .description = Open orders
    .examples = show the backlog
sales-report-backlog--day = Delivery day
module-sales = Sales
role-sales-clerk = Sales clerk
sales-greeting = Hello { $name }, { $count ->
    [one] one order
   *[other] { $count } orders
}
";
const DE: &str = "
sales-order = Auftrag
    .plural = Aufträge
sales-order--status--open = offen
";

fn labels() -> Labels {
    Labels::new(&[("en", EN), ("de", DE)]).unwrap()
}

fn refusal(sources: &[(&str, &str)]) -> String {
    Labels::new(sources).unwrap_err().to_string()
}

#[test]
fn labels_are_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Labels>();
}

#[test]
fn a_language_falls_back_to_english_and_then_to_the_name() {
    let labels = labels();
    assert_eq!(labels.languages(), ["de", "en"]);
    assert_eq!(labels.resource("de", "sales.order"), "Auftrag");
    assert_eq!(labels.resource("de-AT", "sales.order"), "Auftrag");
    assert_eq!(labels.resource("fr", "sales.order"), "Order");
    assert_eq!(labels.plural("de", "sales.order"), "Aufträge");
    assert_eq!(labels.command("de", "sales.order.confirm"), "Confirm");
    assert_eq!(labels.command("de", "sales.order.set_date"), "Set date");
    assert_eq!(labels.text("de", "no-such-message"), "no-such-message");
}

#[test]
fn ids_follow_the_conventions() {
    let labels = labels();
    assert_eq!(labels.field("en", "sales.order", &Field::money("total")), "Total value");
    assert_eq!(labels.field("de", "sales.order", &Field::text("currency")), "Währung");
    assert_eq!(labels.choice("de", "sales.order", "status", "open"), "offen");
    assert_eq!(labels.choice("de", "sales.order", "custom_color", "dark green"), "dark green");
    assert_eq!(labels.measure("en", "sales.order", "revenue"), "Revenue");
    assert_eq!(labels.measure("de", "sales.order", "count"), "Anzahl");
    assert_eq!(labels.filter("en", "sales.order", "overdue"), "overdue");
    assert_eq!(labels.report("en", "sales.backlog"), "Backlog");
    assert_eq!(labels.report_field("en", "sales.backlog", &Field::date("day")), "Delivery day");
    assert_eq!(labels.report_field("en", "sales.backlog", &Field::text("customer")), "Customer");
    assert_eq!(labels.module("en", "sales"), "Sales");
    assert_eq!(labels.role("en", "sales-clerk"), "Sales clerk");
    assert_eq!(labels.role("en", "Our own role"), "Our own role");
}

#[test]
fn an_input_is_called_as_by_its_command_else_its_resource_else_its_lines_else_the_kernel() {
    let labels = labels();
    let input = |name: &'static str| labels.command_input("en", "sales.order.confirm", "sales.order", &Field::text(name)).into_owned();
    assert_eq!(["reason", "total", "product", "note", "odd_one"].map(input), ["Why", "Total value", "Product", "Note", "Odd one"]);
}

#[test]
fn synonyms_and_examples_are_lists() {
    let labels = labels();
    assert_eq!(labels.synonyms("en", "sales.order"), ["purchase", "sale"]);
    assert_eq!(labels.examples("en", "sales.order.confirm"), ["confirm the order of Ernst Handel", "confirm 10248"]);
    assert_eq!(labels.examples("de", "sales.backlog"), ["show the backlog"]);
    assert_eq!(labels.description("en", "sales.backlog"), Some("Open orders"));
    assert_eq!(labels.synonyms("en", "nothing"), Vec::<&str>::new());
}

#[test]
fn a_custom_field_is_called_as_the_tenant_says() {
    let labels = labels();
    let mut field = Field::text("color");
    field.label = Some([("en".to_owned(), "Colour".to_owned()), ("de".to_owned(), "Farbe".to_owned())].into());
    assert_eq!(labels.field("de-CH", "sales.order", &field), "Farbe");
    assert_eq!(labels.field("fr", "sales.order", &field), "Colour");
}

#[test]
fn variables_are_filled_and_counted() {
    let labels = labels();
    assert_eq!(labels.with_args("de", "sales-greeting", &[("name", "Ann".into()), ("count", 1.into())]), "Hello Ann, one order");
    assert_eq!(labels.with_args("en", "sales-greeting", &[("name", "Ann".into()), ("count", 3.into())]), "Hello Ann, 3 orders");
}

#[test]
fn what_is_wrong_in_a_source_is_refused_with_its_place() {
    assert_eq!(refusal(&[("en", "a = 1\n"), ("en", "a = 2\n")]), "labels (en): the message a stands twice");
    assert_eq!(refusal(&[("en", "kernel--id = x\n")]), "labels (en): the message kernel--id stands twice");
    assert_eq!(refusal(&[("en", "a = 1\n    .b = x\n    .b = y\n")]), "labels (en): the attribute a.b stands twice");
    assert!(refusal(&[("en", "a = 1\n\nb\n")]).starts_with("labels (en): line 3: "), "{}", refusal(&[("en", "a = 1\n\nb\n")]));
    assert!(refusal(&[("en", "a = { nothing }\n")]).contains("the message a cannot be rendered"));
    assert!(refusal(&[("not a language", "a = b\n")]).contains("is not a language"));
}

#[test]
fn the_kernel_itself_is_complete() {
    assert_eq!(Labels::new(&[]).unwrap().missing(&Catalogue::default()), Vec::<String>::new());
}

#[test]
fn every_code_and_every_named_period_has_a_word() {
    let labels = Labels::new(&[]).unwrap();
    for language in labels.languages() {
        for name in crate::calendar::NAMED {
            assert!(labels.has(language, &format!("kernel-period--{name}")), "{name}");
        }
        for code in ["invalid_input", "not_found", "internal", "moved"] {
            assert!(labels.has(language, &format!("kernel-error--{code}")), "{code}");
        }
    }
}

#[test]
fn gaps_are_named_by_language() {
    let mut catalogue = Catalogue { modules: vec!["sales".into()], ..Catalogue::default() };
    let resource = Resource::new("sales.order", "orders", "sales_order")
        .field(Field::choice("status", &["open", "done"]))
        .measure(Measure::sum_money("revenue", "total"))
        .named_filter("late", "t.due < now()");
    let confirm =
        CommandSpec::new("sales.order.confirm").input(Field::text("reason")).input(Field::lines("lines", vec![Field::text("product"), Field::text("colour")]));
    let reset = CommandSpec::new("sales.order.reset").risk(Risk::HumanOnly);
    let touch = CommandSpec::new("sales.order.touch").internal();
    catalogue.resources.insert("sales.order".into(), Arc::new(resource));
    for command in [confirm, reset, touch] {
        catalogue.commands.insert(command.name.to_string(), Arc::new(command));
    }
    catalogue.reports.insert("sales.backlog".into(), Arc::new(ReportSpec::new("sales.backlog").column(Field::text("colour"))));
    let missing = labels().missing(&catalogue);
    let english: Vec<&str> = missing.iter().filter_map(|gap| gap.strip_prefix("en: ")).collect();
    assert_eq!(
        english,
        [
            "sales-order--status--done",
            "sales-order-confirm--colour",
            "sales-order-filter--late",
            "sales-order-reset",
            "sales-order-reset.description",
            "sales-order-touch",
            "sales-report-backlog--colour",
        ]
    );
    for gap in ["de: module-sales", "de: sales-order.description", "de: sales-order-confirm.examples", "de: sales-greeting", "de: role-sales-clerk"] {
        assert!(missing.iter().any(|found| found == gap), "{gap} in {missing:?}");
    }
    assert!(!missing.iter().any(|gap| gap.contains("synonyms")));
}
