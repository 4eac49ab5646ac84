//! Commands over a richer catalogue: what new records are called, values that are named, names that hold numbers, and
//! what is refused.

use super::*;

fn text(name: &str, label: &str) -> Value {
    json!({ "name": name, "label": label, "kind": "text", "filterable": true })
}

fn title(name: &str) -> Value {
    json!({ "name": name, "label": "Name", "kind": "text", "filterable": true, "starts": true })
}

fn required(mut field: Value) -> Value {
    field["required"] = json!(true);
    field
}

fn reference(name: &str, label: &str, resource: &str) -> Value {
    json!({ "name": name, "label": label, "kind": "reference", "resource": resource, "filterable": true })
}

fn money(name: &str, label: &str, synonyms: &[&str]) -> Value {
    json!({ "name": name, "label": label, "synonyms": synonyms, "kind": "money" })
}

fn catalogue() -> Vec<Arc<Tool>> {
    let kind = json!({ "name": "kind", "label": "Kind of document", "kind": "choice", "choices": [{ "value": "note", "label": "note", "synonyms": ["Notiz"] }, { "value": "policy", "label": "policy" }] });
    let resources = json!([
        { "name": "crm.party", "label": "Party", "plural": "Parties", "synonyms": ["customer", "customers", "client", "supplier", "Kunde", "Kunden", "Lieferant"], "title": "name",
          "fields": [title("name"), text("tax_id", "Tax ID"), text("email", "E-mail"), money("credit_limit", "Credit limit", &[])],
          "filters": [{ "name": "customers", "label": "Customers", "synonyms": ["customer", "client"] }] },
        { "name": "crm.contact", "label": "Contact", "plural": "Contacts", "synonyms": ["Ansprechpartner", "Ansprechpartnerin"], "title": "name",
          "fields": [title("name"), reference("party", "Party", "crm.party"), text("position", "Position")] },
        { "name": "inventory.category", "label": "Category", "plural": "Categories", "synonyms": ["Warengruppe"], "title": "name", "fields": [title("name")] },
        { "name": "inventory.item", "label": "Item", "plural": "Items", "synonyms": ["product", "Artikel"], "title": "name",
          "fields": [title("name"), money("sales_price", "Sales price", &["price"]), { "name": "reorder_level", "label": "Reorder level", "kind": "decimal" }, text("note", "Note")] },
        { "name": "inventory.warehouse", "label": "Warehouse", "plural": "Warehouses", "title": "name", "fields": [title("name")] },
        { "name": "inventory.stock", "label": "Stock", "plural": "Stock", "title": "item", "fields": [] },
        { "name": "sales.order", "label": "Order", "plural": "Orders", "synonyms": ["quotation", "Auftrag", "Angebot"], "title": "number",
          "fields": [title("number"), reference("customer", "Customer", "crm.party")] },
        { "name": "documents.document", "label": "Document", "plural": "Documents", "title": "title", "fields": [title("title"), kind] }
    ]);
    let price = money("sales_price", "Sales price", &["price", "Preis"]);
    let level = json!({ "name": "reorder_level", "label": "Reorder level", "kind": "decimal" });
    let is = |name: &str, label: &str, synonyms: &[&str]| json!({ "name": name, "label": label, "synonyms": synonyms, "kind": "boolean" });
    let party = json!([
        required(title("name")),
        is("is_customer", "Customer", &["Kunde"]),
        is("is_supplier", "Supplier", &["Lieferant"]),
        text("tax_id", "Tax ID"),
        text("email", "E-mail"),
        money("credit_limit", "Credit limit", &[])
    ]);
    let item = json!([required(title("name")), required(price.clone()), level, reference("category", "Category", "inventory.category"), text("note", "Note")]);
    let moved = json!([required(reference("item", "Item", "inventory.item")), reference("warehouse", "Warehouse", "inventory.warehouse"),
        required(json!({ "name": "quantity", "label": "Quantity", "kind": "decimal" })), { "name": "date", "label": "Date", "kind": "date", "default": "today" }]);
    let lines = json!({ "name": "lines", "label": "Lines", "kind": "lines", "required": true, "lines": [required(reference("item", "Item", "inventory.item")), required(json!({ "name": "quantity", "label": "Quantity", "kind": "decimal" }))] });
    let commands = json!([
        { "name": "crm.party.create", "label": "Create party", "synonyms": ["new customer"], "examples": ["Add the supplier Nordic Foods"], "resource": "crm.party", "inputs": party },
        { "name": "crm.party.update", "label": "Change party", "examples": ["Nordwind Handel is a customer", "Set the credit limit of Nordwind Handel to 50,000 EUR"], "resource": "crm.party", "target": "party",
          "inputs": [required(reference("party", "Party", "crm.party")), title("name"), text("tax_id", "Tax ID"), text("email", "E-mail"), money("credit_limit", "Credit limit", &[]), { "name": "payment_term_days", "label": "Payment term (days)", "kind": "integer" }] },
        { "name": "crm.contact.create", "label": "Add contact", "examples": ["Add Maria Anders as a contact of Alfreds Futterkiste", "Füge Maria Anders als Ansprechpartnerin von Alfreds Futterkiste hinzu"], "resource": "crm.contact",
          "inputs": [required(reference("party", "Party", "crm.party")), required(title("name")), text("position", "Position"), text("email", "E-mail")] },
        { "name": "crm.contact.update", "label": "Change contact", "examples": ["Change the e-mail of the contact Maria Anders to m@a.example"], "resource": "crm.contact", "target": "contact",
          "inputs": [required(reference("contact", "Contact", "crm.contact")), text("email", "E-mail")] },
        { "name": "inventory.category.create", "label": "Create category", "examples": ["Create the category Beverages", "Lege die Warengruppe Getränke an"], "resource": "inventory.category", "inputs": [required(title("name"))] },
        { "name": "inventory.category.update", "label": "Change category", "examples": ["Rename the category Beverages to Drinks", "Benenne die Warengruppe Getränke in Trinkwaren um"], "resource": "inventory.category", "target": "category",
          "inputs": [required(reference("category", "Category", "inventory.category")), title("name")] },
        { "name": "inventory.item.create", "label": "Create item", "examples": ["Create the item Green Tea at 4.50 EUR", "Lege den Artikel Grüner Tee für 4,50 EUR an"], "resource": "inventory.item", "inputs": item },
        { "name": "inventory.item.update", "label": "Change item", "examples": ["Change the price of Chai to 19 EUR", "Set the reorder level of Chang to 30"], "resource": "inventory.item", "target": "item",
          "inputs": [required(reference("item", "Item", "inventory.item")), price, { "name": "reorder_level", "label": "Reorder level", "kind": "decimal" }] },
        { "name": "inventory.stock.receive", "label": "Receive goods", "examples": ["Receive 20 Chai", "Buche 20 Chai ein"], "resource": "inventory.stock", "inputs": moved },
        { "name": "inventory.stock.issue", "label": "Issue goods", "examples": ["Issue 5 Chai", "Buche 5 Chai aus"], "resource": "inventory.stock", "inputs": moved },
        { "name": "sales.order.create", "label": "Create order", "examples": ["Create an order for Ernst Handel: 10 Chai"], "resource": "sales.order",
          "inputs": [required(reference("customer", "Customer", "crm.party")), lines] },
        { "name": "sales.order.confirm", "label": "Confirm order", "examples": ["Confirm quotation A-1", "Bestätige Angebot A-1", "The customer accepted A-1, confirm it", "Der Kunde hat A-1 angenommen, bestätige es"], "resource": "sales.order", "target": "order",
          "inputs": [required(reference("order", "Order", "sales.order"))] },
        { "name": "sales.order.quote", "label": "Make quotation", "examples": ["Make a quotation of order A-1"], "resource": "sales.order", "target": "order", "inputs": [required(reference("order", "Order", "sales.order"))] },
        { "name": "documents.document.create", "label": "Write document", "examples": ["Write a note \"Visit\" with the text \"Hello.\"", "Schreibe eine Notiz „Besuch“ mit dem Text „Hallo.“"], "resource": "documents.document",
          "inputs": [required(title("title")), kind, { "name": "body", "label": "Text", "kind": "long_text" }] }
    ]);
    let refused = json!([
        { "name": "hr.employee.set_salary", "label": "Set salary", "examples": ["Set the salary of Anna Schulte to 4,200 EUR"], "resource": "hr.employee", "target": "employee",
          "inputs": [required(reference("employee", "Employment", "hr.employee")), required(money("salary", "Salary", &[]))] }
    ]);
    let tool = |name: &str, parameters: Value| Arc::new(Tool::new(name, "", parameters));
    vec![
        tool("query", json!({ "x-resources": resources })),
        tool("propose", json!({ "x-commands": commands, "x-refused-commands": refused })),
        tool("ask", json!({})),
    ]
}

const RECORDS: [(&str, &str, &str); 11] = [
    ("crm.party", "c3", "Nordwind Handel"),
    ("crm.party", "c1", "Autohaus Albers KG"),
    ("crm.party", "c2", "Bauunternehmen Hansen GmbH & Co. KG"),
    ("inventory.item", "i1", "Cable reel 40 m"),
    ("inventory.item", "i2", "Cable reel"),
    ("inventory.item", "i3", "Angle grinder 125 mm"),
    ("inventory.item", "i4", "Beanie"),
    ("inventory.category", "k1", "Garden"),
    ("inventory.warehouse", "w1", "North"),
    ("sales.order", "o1", "A-22950"),
    ("sales.order", "o2", "A-22951"),
];

fn company(name: &str, call: &Value) -> Value {
    if name != "query" {
        return json!({ "proposal": { "id": "p" } });
    }
    let part = |path: &str| call.pointer(path).and_then(Value::as_str).unwrap_or_default().to_lowercase();
    let (resource, field, begins) = (part("/resource"), part("/filters/0/path"), part("/filters/0/values/0"));
    let found = RECORDS.iter().filter(|(of, _, title)| *of == resource && title.to_lowercase().starts_with(&begins));
    json!({ "kind": "list", "items": found.map(|(_, id, title)| json!({ "id": id, "title": title, field.clone(): title })).collect::<Vec<_>>() })
}

/// The last call, which is a proposal or a question back, and everything that was asked.
fn ending(sentence: &str) -> (String, Value, String) {
    let (mut calls, said) = run_over(catalogue(), company, sentence);
    let (name, call) = calls.pop().unwrap_or_default();
    (name, call, said)
}

#[track_caller]
fn proposes(sentence: &str, steps: &[(&str, Value)]) {
    let (name, call, said) = ending(sentence);
    let wanted: Vec<Value> = steps.iter().map(|(command, arguments)| json!({ "command": command, "arguments": arguments })).collect();
    assert_eq!((name.as_str(), &call["steps"]), ("propose", &json!(wanted)), "{sentence}: {said}");
}

#[track_caller]
fn abstains(sentence: &str, naming: &str) {
    let (name, _, said) = ending(sentence);
    assert!(name != "propose" && said.contains(naming), "{sentence}: {said}");
}

#[track_caller]
fn asks_for(sentence: &str, missing: &[&str]) {
    let (name, call, said) = ending(sentence);
    assert_eq!((name.as_str(), &call["missing"]), ("ask", &json!(missing)), "{sentence}: {said}");
}

#[test]
fn a_new_record_is_called_what_stands_behind_its_noun() {
    for sentence in [
        "Create the category Garden furniture",
        "New category Garden furniture",
        "Please add a category called Garden furniture",
        "Create a category \"Garden furniture\"",
    ] {
        proposes(sentence, &[("inventory.category.create", json!({ "name": "Garden furniture" }))]);
    }
    proposes("Lege die Warengruppe Gartenmöbel an", &[("inventory.category.create", json!({ "name": "Gartenmöbel" }))]);
    proposes("Create the category Home and garden", &[("inventory.category.create", json!({ "name": "Home and garden" }))]);
}

#[test]
fn the_noun_may_say_what_kind_of_record_it_is() {
    proposes("Create a customer Blue Harbour GmbH & Co. KG", &[("crm.party.create", json!({ "name": "Blue Harbour GmbH & Co. KG", "is_customer": true }))]);
    proposes("New client Jane Miller", &[("crm.party.create", json!({ "name": "Jane Miller", "is_customer": true }))]);
    proposes("Neuer Lieferant Nordic Foods", &[("crm.party.create", json!({ "name": "Nordic Foods", "is_supplier": true }))]);
    proposes("Create the party Blue Harbour", &[("crm.party.create", json!({ "name": "Blue Harbour" }))]);
}

#[test]
fn what_is_named_with_its_value_is_given() {
    let supplier = json!({ "name": "Nordic Foods", "is_supplier": true, "tax_id": "DE123456789" });
    proposes("Add the supplier Nordic Foods with the tax ID DE123456789", &[("crm.party.create", supplier)]);
    let both = json!({ "name": "Nordic Foods", "is_supplier": true, "tax_id": "DE1", "email": "a@b.example" });
    proposes("Add the supplier Nordic Foods with the tax ID DE1 and the e-mail a@b.example", &[("crm.party.create", both)]);
    let item = json!({ "name": "Lamp", "category": "k1", "sales_price": { "amount": "12", "currency": "EUR" }, "reorder_level": "20" });
    proposes("New product Lamp, category Garden, price 12 EUR, reorder level 20", &[("inventory.item.create", item)]);
}

#[test]
fn what_one_costs_is_the_amount_that_is_needed() {
    let barrel = json!({ "name": "Rain barrel 200 l", "sales_price": { "amount": "49.90", "currency": "EUR" } });
    for sentence in [
        "Create the item Rain barrel 200 l at 49.90 EUR",
        "Lege den Artikel Rain barrel 200 l für 49,90 EUR an",
        "Create the item Rain barrel 200 l for 49.90 €",
    ] {
        proposes(sentence, &[("inventory.item.create", barrel.clone())]);
    }
    // An amount that the command does not need has to be named.
    abstains("Create a customer Blue Harbour at 500 EUR", "500 EUR");
    asks_for("Create the item Rain barrel at 49.90", &["currency"]);
    asks_for("Create the item Rain barrel", &["Sales price"]);
}

#[test]
fn a_record_may_be_named_before_what_it_is() {
    let contact = json!({ "name": "Maria Anders", "party": "c1" });
    for sentence in [
        "Add Maria Anders as a contact of Autohaus Albers KG",
        "Add a contact Maria Anders to Autohaus Albers KG",
        "Füge Maria Anders als Ansprechpartnerin von Autohaus Albers KG hinzu",
    ] {
        proposes(sentence, &[("crm.contact.create", contact.clone())]);
    }
    asks_for("Add Maria Anders as a contact", &["Party"]);
}

#[test]
fn what_is_in_no_name_is_not_guessed_to_be_one() {
    abstains("Create a customer Blue Harbour GmbH in Hamburg", "Hamburg");
    abstains("Create a customer Blue Harbour e-mail a@b.example", "e-mail a@b.example");
    abstains("Add the supplier Nordic Foods with the shoe size 44", "shoe size 44");
    abstains("Create a customer Blue Harbour GmbH, Hamburg", "Hamburg");
    abstains("Create the categories Rakes and spades", "Rakes and spades");
    proposes("Create the category Bolts M10, 25 pcs, please", &[("inventory.category.create", json!({ "name": "Bolts M10, 25 pcs" }))]);
    proposes("Create a customer \"Made in Hamburg\"", &[("crm.party.create", json!({ "name": "Made in Hamburg", "is_customer": true }))]);
    asks_for("Create a customer", &["Name"]);
}

#[test]
fn quoted_texts_are_values_as_they_stand() {
    let note = json!({ "title": "Visit and confirm it", "kind": "note", "body": "They want 2. Create a depot." });
    for sentence in [
        "Write a note \"Visit and confirm it\" with the text \"They want 2. Create a depot.\"",
        "Schreibe eine Notiz „Visit and confirm it“ mit dem Text „They want 2. Create a depot.“",
    ] {
        let (name, call, said) = ending(sentence);
        assert_eq!((name.as_str(), &call["steps"][0]["arguments"]), ("propose", &note), "{sentence}: {said}");
    }
}

#[test]
fn names_may_hold_numbers_and_the_longest_counts() {
    proposes("Receive 20 Cable reel 40 m", &[("inventory.stock.receive", json!({ "quantity": "20", "item": "i1" }))]);
    proposes("Receive 20 Cable reel", &[("inventory.stock.receive", json!({ "quantity": "20", "item": "i2" }))]);
    proposes("Receive 20 Cable reel 40 m in the warehouse North", &[("inventory.stock.receive", json!({ "quantity": "20", "item": "i1", "warehouse": "w1" }))]);
    let order = json!({ "customer": "c2", "lines": [{ "item": "i3", "quantity": "3" }, { "item": "i1", "quantity": "2" }] });
    for sentence in [
        "Create an order for Bauunternehmen Hansen GmbH & Co. KG: 3 Angle grinder 125 mm and 2 Cable reel 40 m",
        "New order for Bauunternehmen Hansen GmbH & Co. KG with 3 Angle grinder 125 mm, 2 Cable reel 40 m",
    ] {
        proposes(sentence, &[("sales.order.create", order.clone())]);
    }
    abstains("Receive 20 Cable reel 50 m", "50 m");
}

#[test]
fn one_beginning_is_looked_up_once() {
    let (calls, _) = run_over(catalogue(), company, "Receive 20 Cable reel 40 m");
    let beginnings = calls.iter().filter(|(name, call)| name == "query" && call["resource"] == "inventory.item").count();
    assert_eq!(beginnings, 1, "{calls:?}");
}

#[test]
fn the_quantity_is_asked_for() {
    asks_for("Receive Beanie", &["Quantity"]);
    asks_for("Receive", &["Item", "Quantity"]);
}

#[test]
fn the_end_of_a_german_verb_tells_which_it_is() {
    proposes("Buche 20 Beanie ein", &[("inventory.stock.receive", json!({ "quantity": "20", "item": "i4" }))]);
    proposes("Buche 5 Beanie aus", &[("inventory.stock.issue", json!({ "quantity": "5", "item": "i4" }))]);
}

#[test]
fn a_name_with_which_an_example_begins_is_no_verb() {
    // It stands inside another example as a name: this is a question.
    let (calls, said) = run_over(catalogue(), company, "Nordwind Handel's e-mail");
    let (_, call) = calls.last().unwrap();
    assert_eq!((&call["resource"], &call["fields"][0]), (&json!("crm.party"), &json!("email")), "{said}");
}

#[test]
fn a_verb_that_is_silent_elsewhere_begins_a_command() {
    proposes("Make a quotation of order A-22950", &[("sales.order.quote", json!({ "order": "o1" }))]);
    let (name, _, _) = ending("Make me a sandwich");
    assert_ne!(name, "propose");
}

#[test]
fn what_is_told_of_a_record_is_what_it_acts_on() {
    for sentence in [
        "The customer accepted A-22950, confirm it",
        "The customer has accepted A-22950, so please confirm it",
        "Der Kunde hat A-22950 angenommen, bestätige es",
    ] {
        proposes(sentence, &[("sales.order.confirm", json!({ "order": "o1" }))]);
    }
    abstains("The customer rejected A-22950, confirm it", "rejected");
}

#[test]
fn a_clause_may_add_to_what_the_one_before_makes() {
    let (name, call, said) = ending("Create a customer Blue Harbour GmbH and add Maria Anders as a contact of it");
    let make = json!({ "command": "crm.party.create", "arguments": { "name": "Blue Harbour GmbH", "is_customer": true }, "name": "made1" });
    let add = json!({ "command": "crm.contact.create", "arguments": { "name": "Maria Anders", "party": "$made1" } });
    assert_eq!((name.as_str(), &call["steps"]), ("propose", &json!([make, add])), "{said}");
}

#[test]
fn sentences_end_clauses() {
    let confirm = |order: &str| ("sales.order.confirm", json!({ "order": order }));
    proposes("Confirm A-22950. Confirm A-22951.", &[confirm("o1"), confirm("o2")]);
    proposes("Confirm A-22950, then confirm A-22951", &[confirm("o1"), confirm("o2")]);
}

#[test]
fn several_fields_of_one_record_are_set_at_once() {
    let arguments = json!({ "item": "i4", "sales_price": { "amount": "12", "currency": "EUR" }, "reorder_level": "20" });
    proposes("Set the price of Beanie to 12 EUR and its reorder level to 20", &[("inventory.item.update", arguments)]);
    proposes("Rename the category Garden to Garden and home", &[("inventory.category.update", json!({ "category": "k1", "name": "Garden and home" }))]);
    proposes("Benenne die Warengruppe Garden in Gartenmöbel um", &[("inventory.category.update", json!({ "category": "k1", "name": "Gartenmöbel" }))]);
}

#[test]
fn the_record_tells_which_of_two_commands_is_meant() {
    // A contact has an e-mail as well, and a party has contacts; but no contact is called so.
    proposes("Change the e-mail of Autohaus Albers KG to a@b.example", &[("crm.party.update", json!({ "party": "c1", "email": "a@b.example" }))]);
    abstains("Change the e-mail of Autohaus Zorn to a@b.example", "Autohaus Zorn");
}

#[test]
fn a_number_is_never_of_another_unit() {
    proposes("Set the payment term of Autohaus Albers KG to 45 days", &[("crm.party.update", json!({ "party": "c1", "payment_term_days": 45 }))]);
    abstains("Set the payment term of Autohaus Albers KG to 2 months", "months");
}

#[test]
fn what_one_may_not_do_is_proposed_and_nothing_is_looked_up() {
    for sentence in ["Set the salary of Tim Brandt to 9,000 EUR", "Set the salary of Nobody Atall to 9,000 EUR from 2026-12-01"] {
        let (calls, said) = run_over(catalogue(), company, sentence);
        assert_eq!(calls, [("propose".to_owned(), json!({ "steps": [{ "command": "hr.employee.set_salary", "arguments": {} }] }))], "{said}");
    }
    // The verb alone is not enough for a refusal.
    let (name, _, _) = ending("Set sail for home");
    assert_ne!(name, "propose");
}

#[test]
fn a_superlative_may_be_one_word_with_its_verb() {
    let mut tools = tools();
    let mut parameters = tools[0].parameters.clone();
    parameters["x-resources"][0]["measures"][1]["synonyms"] = json!(["best-selling"]);
    tools[0] = Arc::new(Tool::new("query", "", parameters));
    let (calls, said) = run_over(tools, tool_result, "What are the five best-selling customers?");
    let (_, call) = calls.last().unwrap();
    assert_eq!((&call["group"], &call["sort"], &call["limit"]), (&json!(["customer"]), &json!("-revenue"), &json!(5)), "{said}");
}

#[test]
fn a_date_is_placed_or_named() {
    let received = json!({ "quantity": "20", "item": "i4", "date": "2026-11-20" });
    proposes("Receive 20 Beanie on 2026-11-20", &[("inventory.stock.receive", received)]);
    abstains("Create the category Garden furniture in 2025", "2025");
}
