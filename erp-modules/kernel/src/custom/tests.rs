use super::*;
use crate::catalogue::CommandSpec;

fn base() -> Catalogue {
    let order = Resource::new("sales.order", "orders", "sales_order").field(Field::reference("customer", "crm.party")).customizable();
    let bin = Resource::new("inventory.bin", "bins", "inventory_bin");
    let mut catalogue = Catalogue::default();
    for resource in [order, bin] {
        catalogue.resources.insert(resource.name.to_string(), Arc::new(resource));
    }
    catalogue
}

fn row(resource: &str, name: &str, kind: &str, choices: &[&str]) -> Row {
    let choices = choices.iter().map(|choice| (*choice).to_owned()).collect();
    Row { resource: resource.into(), name: name.into(), kind: kind.into(), choices, required: false, label: "Colour".into(), label_de: None }
}

fn refusal(name: &str, kind: &str, choices: &[&str]) -> Option<String> {
    let choices: Vec<String> = choices.iter().map(|choice| (*choice).to_owned()).collect();
    check(&base(), "sales.order", name, kind, &choices).err().map(|error| error.fields[0].field.clone())
}

#[test]
fn a_tenants_fields_join_the_resource_and_leave_the_base_alone() {
    let base = base();
    let rows =
        vec![row("sales.order", "color", "choice", &["red", "green"]), row("sales.order", "weight", "decimal", &[]), row("gone.thing", "x", "text", &[])];
    let merged = merge(&base, rows, Uuid::nil(), 7);
    assert_eq!(merged.version, 7);
    let fields = custom_fields(&merged.resources["sales.order"]);
    assert_eq!(fields.iter().map(|field| &*field.name).collect::<Vec<_>>(), ["color", "weight"]);
    assert_eq!(fields[0].kind, Kind::Choice(vec!["red".into(), "green".into()]));
    assert!(fields.iter().all(|field| field.custom && field.writable && field.filterable && !field.sortable && field.column == field.name));
    assert_eq!(fields[0].label.as_ref().unwrap()["de"], "Colour");
    assert!(custom_fields(&base.resources["sales.order"]).is_empty());
}

#[test]
fn a_built_in_field_wins_over_a_custom_one_of_its_name() {
    let merged = merge(&base(), vec![row("sales.order", "customer", "text", &[]), row("inventory.bin", "color", "text", &[])], Uuid::nil(), 1);
    assert!(merged.resources.values().all(|resource| custom_fields(resource).is_empty()));
}

#[test]
fn a_name_that_is_taken_or_malformed_is_refused() {
    for name in ["customer", "customer_id", "created_at", "custom", "id", "count", "Color", "1st", "a-b", "", "ä"] {
        assert_eq!(refusal(name, "text", &[]).as_deref(), Some("name"), "{name}");
    }
    assert_eq!(refusal("color", "text", &[]), None);
    assert_eq!(check(&base(), "inventory.bin", "color", "text", &[]).unwrap_err().fields[0].field, "resource");
    assert_eq!(check(&base(), "no.thing", "color", "text", &[]).unwrap_err().fields[0].field, "resource");
}

#[test]
fn a_kind_is_known_and_only_a_choice_has_choices() {
    assert_eq!(refusal("color", "money", &[]).as_deref(), Some("kind"));
    assert_eq!(refusal("color", "choice", &[]).as_deref(), Some("choices"));
    assert_eq!(refusal("color", "choice", &["red", "red"]).as_deref(), Some("choices"));
    assert_eq!(refusal("color", "choice", &[" "]).as_deref(), Some("choices"));
    assert_eq!(refusal("color", "text", &["red"]).as_deref(), Some("choices"));
    assert_eq!(refusal("color", "choice", &["red", "green"]), None);
}

#[test]
fn a_class_is_tightened_and_never_loosened() {
    let mut catalogue = base();
    for spec in [CommandSpec::new("sales.order.confirm"), CommandSpec::new("sales.order.erase").risk(Risk::HumanOnly)] {
        catalogue.commands.insert(spec.name.to_string(), Arc::new(spec));
    }
    let before = catalogue.clone();
    let risks = [("sales.order.confirm", Risk::High), ("sales.order.erase", Risk::High), ("gone.thing.do", Risk::HumanOnly)];
    tighten(&mut catalogue, risks.into_iter().map(|(command, risk)| (command.to_owned(), risk)).collect());
    assert_eq!((catalogue.commands["sales.order.confirm"].risk, catalogue.commands["sales.order.erase"].risk), (Risk::High, Risk::HumanOnly));
    assert_eq!((catalogue.commands.len(), before.commands["sales.order.confirm"].risk), (2, Risk::Low), "the base is left alone");
}
