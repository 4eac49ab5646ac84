//! What handlers say is a message in every language, put into words for whoever asked; what is confirmed does not depend on
//! the words.

use crate::app::id;
use crate::shop::{Shop, T};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use steward_kernel::bus::{Plan, Step};

/// Reasons that are told before it is known who asks.
const OF_NOBODY: &[&str] = &["identity.login_refused", "identity.token_invalid", "identity.token_expired"];

fn modules() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut modules: Vec<PathBuf> = std::fs::read_dir(root.join("../erp-modules")).unwrap().map(|entry| entry.unwrap().path()).collect();
    modules.extend([root.to_owned(), root.join("../actions")]);
    modules
}

/// What is said, by id: the names of its arguments.
fn said(language: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut said: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for module in modules() {
        let Ok(text) = std::fs::read_to_string(module.join(format!("labels/{language}.ftl"))) else { continue };
        let mut current = None;
        for line in text.lines() {
            if let Some((id, _)) = line.split_once(" =").filter(|_| line.starts_with(|c: char| c.is_ascii_lowercase())) {
                let is_said = ["-refused--", "-ended--", "-effect-", "-warning-"].iter().any(|kind| id.contains(kind));
                current = is_said.then(|| id.to_owned());
            }
            if let Some(id) = &current {
                let names = line.split('$').skip(1).map(|rest| rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect::<String>());
                said.entry(id.clone()).or_default().extend(names);
            }
        }
    }
    said
}

/// The texts in quotes of the sources that are no tests, each with what stands before it.
fn quoted() -> Vec<(String, String)> {
    let mut quoted = Vec::new();
    let mut folders: Vec<PathBuf> = modules().into_iter().map(|module| module.join("src")).collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
                let source = std::fs::read_to_string(&path).unwrap();
                let parts: Vec<&str> = source.split('"').collect();
                quoted.extend(parts.windows(2).map(|pair| (pair[0].trim_end().to_owned(), pair[1].to_owned())));
            }
        }
    }
    quoted
}

fn is_reason(text: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    text.split_once('.').is_some_and(|(module, reason)| is_word(module) && is_word(reason))
}

#[test]
fn every_reason_effect_and_warning_is_told_in_english_and_german_with_the_same_arguments() {
    let (english, german) = (said("en"), said("de"));
    assert_eq!(english, german);
    let tells = |id: &str| english.contains_key(id) || english.keys().any(|known| known.strip_prefix(id).is_some_and(|rest| rest.starts_with("--")));
    let (mut reasons, mut messages, mut missing) = (0, 0, BTreeSet::new());
    for (before, text) in quoted() {
        let gives_reason = ["rule(", "because(", "(Code::Conflict,", "(Code::Duplicate,", "],"].iter().any(|call| before.ends_with(call));
        if gives_reason && is_reason(&text) && !OF_NOBODY.contains(&text.as_str()) {
            let (module, reason) = text.split_once('.').unwrap();
            reasons += 1;
            if !tells(&format!("{module}-refused--{reason}")) {
                missing.insert(text);
            }
        } else if ["-effect-", "-warning-"].iter().any(|kind| text.contains(kind)) && text.bytes().all(|b| b.is_ascii_lowercase() || b"-_".contains(&b)) {
            messages += 1;
            if !english.contains_key(&text) {
                missing.insert(text);
            }
        }
    }
    // Why a turn of the assistant was ended from outside.
    missing.extend(["deadline", "internal", "interrupted"].map(|code| format!("assistant-ended--{code}")).into_iter().filter(|id| !english.contains_key(id)));
    assert_eq!(missing, BTreeSet::new());
    assert!(reasons > 60 && messages >= 7, "{reasons} reasons and {messages} messages were found");
}

#[tokio::test]
async fn what_a_handler_says_is_in_the_askers_language_and_what_is_confirmed_in_none() {
    let shop = Shop::open().await;
    shop.receive("3").await;
    let anna = shop.seller("Anna", &["sales:order:start", "sales:order:confirm", "sales:order:reopen"], T).await;
    shop.app.poke(&shop.tenant, &format!("UPDATE identity_user SET language = 'de' WHERE id = '{}'", anna.id)).await;
    let order = id(&shop.app.run(&shop.admin, "sales.order.create", shop.order_input("5")).await);
    let number: String = shop.app.peek(&shop.tenant, &format!("SELECT number FROM sales_order WHERE id = '{order}'")).await;
    let (english, german) = (
        format!("order {number} is draft: only an order that is confirmed can be started"),
        format!("Auftrag {number} ist ein Entwurf: Nur ein bestätigter Auftrag lässt sich beginnen."),
    );

    // Alone, in a batch, and on a page.
    for (user, text) in [(&shop.admin, &english), (&anna, &german)] {
        let problem = shop.app.post(user, &format!("sales/orders/{order}/start"), &json!({})).await.problem(409, "conflict");
        assert_eq!((&problem["reason"], &problem["detail"]), (&json!("sales.not_confirmed"), &json!(text)));
        let batch = shop.app.post(user, "sales/orders/start/batch", &json!({ "rows": [{ "order": order }] })).await.ok();
        assert_eq!(batch["results"][0]["error"]["detail"], json!(text));
        let page = shop.app.page(user, &format!("/app/sales/orders/{order}/do/start")).await;
        assert!(page.text.contains(text.as_str()), "{}", page.text);
    }

    let steps = [Step { command: "sales.order.confirm".into(), input: json!({ "order": order }), name: None, expected_version: None }];
    let for_admin = shop.app.kernel.preview(&shop.admin.principal, &steps).await.unwrap();
    let for_anna = shop.app.kernel.preview(&anna.principal, &steps).await.unwrap();
    assert_eq!(for_admin.effects, ["reserves 3 × Chai", "backorders 2 × Chai"]);
    assert_eq!(for_anna.effects, ["reserviert 3 × Chai", "2 × Chai im Rückstand"]);
    assert_eq!(for_admin.warnings, [format!("1 of 1 lines of order {number} wait for stock")]);
    assert_eq!(for_anna.warnings, [format!("1 von 1 Positionen des Auftrags {number} warten auf Ware")]);
    assert_eq!(for_admin.digest, for_anna.digest);

    // What one saw in German is what the other one would see in English.
    let plan = Plan { steps: steps.to_vec(), idempotency_key: None, detail: json!({}), expected_digest: Some(for_anna.digest) };
    let done = shop.app.kernel.execute_plan(&shop.admin.principal, plan).await.unwrap();
    let undo = format!("commands/{}/undo", done[0].execution);
    shop.app.post(&anna, &undo, &json!({})).await.ok();
    for way in ["", "?preview=true"] {
        let problem = shop.app.post(&anna, &format!("{undo}{way}"), &json!({})).await.problem(409, "conflict");
        assert_eq!(problem["detail"], "Das wurde schon rückgängig gemacht.");
    }
    shop.app.close().await;
}
