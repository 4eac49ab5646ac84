//! What administrators look after: it works, it can be taken back, it is theirs alone, and it holds with the next call.

use crate::{Firm, id};
use serde_json::{Value, json};
use std::time::Duration;
use steward_ai::Settings;
use steward_kernel::query::ListQuery;
use steward_kernel::{Code, Scope, input};
use steward_llm::guard::Piece;
use steward_llm::limit::{Limit, Metric, Scope as For, Window};
use steward_migrations::Placement;

fn limits(mut limits: Vec<Limit>) -> Vec<(For, Metric, Window, i64)> {
    limits.sort_by_key(|limit| (limit.scope, limit.metric, limit.window));
    limits.into_iter().map(|limit| (limit.scope, limit.metric, limit.window, limit.cap)).collect()
}

#[tokio::test]
async fn every_command_is_the_administrators_alone() {
    let firm = Firm::open(Placement::Pooled).await;
    let catalogue = &firm.house.kernel.registry.catalogue;
    // Somebody who may read everything of the module, and change nothing.
    let readable: Vec<(&str, Scope)> =
        catalogue.resources.values().filter(|resource| resource.name.starts_with("ai.")).map(|resource| (&*resource.permission, Scope::Tenant)).collect();
    let reader = firm.house.user(&firm.created, "Reader", &readable).await.unwrap();
    let mut refused = 0;
    for spec in catalogue.commands.values().filter(|spec| spec.name.starts_with("ai.") && !spec.internal) {
        let error = firm.try_run(&reader, &spec.name, input::example(&spec.inputs, false)).await.map(drop).unwrap_err();
        assert_eq!(error.code, Code::Forbidden, "{}", spec.name);
        refused += 1;
    }
    assert!(refused > 20, "{refused}");
}

#[tokio::test]
async fn what_another_tenant_has_reads_like_absent() {
    for placement in [Placement::Pooled, Placement::Schema] {
        let firm = Firm::open(placement).await;
        let there = firm.house.tenant("there", placement).await.unwrap();
        let stranger = firm.house.log_in(there.tenant, there.administrator).await.unwrap();
        let made = [
            ("key", firm.key(json!({})).await.0),
            ("budget", id(&firm.run("ai.budget.create", json!({ "name": "All", "cap": "1" })).await)),
            ("alias_rule", id(&firm.run("ai.alias_rule.create", json!({ "alias": "large" })).await)),
            ("rule", id(&firm.run("ai.rule.create", json!({ "name": "projects", "words": ["Nightfall"] })).await)),
            ("prompt", id(&firm.run("ai.prompt.create", json!({ "name": "answer", "body": "Answer." })).await)),
            ("settings", firm.created.tenant),
        ];
        let catalogue = &firm.house.kernel.registry.catalogue;
        let mut tried = 0;
        for spec in catalogue.commands.values().filter(|spec| spec.name.starts_with("ai.") && !spec.internal) {
            let Some(target) = &spec.target else { continue };
            let (_, record) = made.iter().find(|(name, _)| name == target).unwrap();
            let mut given = input::example(&spec.inputs, false);
            given[target.as_ref()] = json!(record);
            let error = firm.try_run(&stranger, &spec.name, given).await.map(drop).unwrap_err();
            assert_eq!(error.code, Code::NotFound, "{}", spec.name);
            tried += 1;
        }
        assert!(tried > 15, "{tried}");
    }
}

#[tokio::test]
async fn a_budget_bounds_the_very_next_call_and_in_another_process_a_second_later() {
    let firm = Firm::open(Placement::Pooled).await;
    let other = firm.another(Settings::default());
    let (key, secret) = firm.key(json!({})).await;
    let both = [&firm.process, &other];
    for process in both {
        assert_eq!(process.gateway.access.authenticate(&secret).await.unwrap().limits(), Vec::new());
    }
    let everybody = firm.run("ai.budget.create", json!({ "name": "Everybody", "cap": "12.5" })).await;
    firm.run("ai.budget.create", json!({ "name": "Calls", "scope": "key", "key": key, "metric": "requests", "period": "minute", "cap": 60 })).await;
    firm.run("ai.budget.create", json!({ "name": "Mine", "scope": "user", "user": firm.admin.user, "metric": "tokens", "period": "day", "cap": 1000 })).await;
    // Nobody's else.
    let (another, _) = firm.key(json!({ "name": "Another" })).await;
    firm.run("ai.budget.create", json!({ "name": "Another", "scope": "key", "key": another, "cap": "1" })).await;
    let expected = vec![
        (For::Tenant, Metric::NanoDollars, Window::Month, 12_500_000_000),
        (For::User(firm.admin.user), Metric::Tokens, Window::Day, 1_000),
        (For::Key(key), Metric::Requests, Window::Minute, 60),
    ];
    let caller = firm.gateway().access.authenticate(&secret).await.unwrap();
    assert_eq!(limits(firm.gateway().access.limits_of(&caller)), expected);
    assert!(caller.limits().iter().all(|limit| limit.zone == chrono_tz::Tz::Europe__Berlin));
    firm.pass(Duration::from_secs(1));
    assert_eq!(limits(other.gateway.access.authenticate(&secret).await.unwrap().limits()), expected);
    firm.run("ai.budget.archive", json!({ "budget": id(&everybody) })).await;
    assert_eq!(firm.gateway().access.authenticate(&secret).await.unwrap().limits().len(), 2);
}

#[tokio::test]
async fn a_budget_is_changed_and_every_change_is_taken_back() {
    let firm = Firm::open(Placement::Pooled).await;
    let made = firm.run("ai.budget.create", json!({ "name": "Everybody", "cap": "100", "thresholds": ["100", "50 %", "50"] })).await;
    let budget = id(&made);
    let before = firm.see("ai.budget", budget).await;
    assert_eq!(before["thresholds"], json!(["50", "100"]));
    assert_eq!(firm.refused("ai.budget.create", json!({ "name": "Twice", "cap": "1" })).await, "ai.same_budget");
    let changed = firm.run("ai.budget.update", json!({ "budget": budget, "cap": "0.000000001", "period": "day", "thresholds": [] })).await;
    assert_eq!(firm.see("ai.budget", budget).await["cap"], "0.000000001");
    firm.undo(&changed).await;
    let after = firm.see("ai.budget", budget).await;
    for field in ["name", "scope", "cap", "period", "metric", "thresholds"] {
        assert_eq!(before[field], after[field], "{field}");
    }
    let archived = firm.run("ai.budget.archive", json!({ "budget": budget })).await;
    assert_eq!(firm.refused("ai.budget.update", json!({ "budget": budget, "cap": "1" })).await, "ai.archived");
    let second = firm.run("ai.budget.create", json!({ "name": "Second", "cap": "1" })).await;
    assert_eq!(firm.refused("ai.budget.restore", json!({ "budget": budget })).await, "ai.same_budget");
    firm.undo(&second).await;
    firm.undo(&archived).await;
    firm.undo(&made).await;
    assert_eq!(firm.refused("ai.budget.archive", json!({ "budget": budget })).await, "ai.archived");
}

#[tokio::test]
async fn a_budget_that_cannot_be_counted_is_refused_where_it_is_wrong() {
    let firm = Firm::open(Placement::Pooled).await;
    for (field, more) in [
        ("user", json!({ "scope": "user" })),
        ("key", json!({ "scope": "key" })),
        ("user", json!({ "user": firm.admin.user })),
        ("cap", json!({ "cap": "-1" })),
        ("cap", json!({ "metric": "requests", "cap": "1.5" })),
        ("cap", json!({ "cap": "0.0000000001" })),
        ("cap", json!({ "cap": "9000000001" })),
        ("thresholds[1]", json!({ "thresholds": ["50", "101"] })),
        ("thresholds[0]", json!({ "thresholds": ["half"] })),
    ] {
        let mut input = json!({ "name": "Wrong", "cap": "1" });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(firm.refused("ai.budget.create", input).await, field, "{more}");
    }
}

#[tokio::test]
async fn a_rule_of_an_alias_holds_for_whom_it_names() {
    let firm = Firm::open(Placement::Pooled).await;
    let tim = firm.house.user(&firm.created, "Tim", &[("identity:user:read", Scope::Own)]).await.unwrap();
    let (_, mine) = firm.key(json!({})).await;
    let (_, his) = firm.key(json!({ "user": tim.user })).await;
    let denied = firm.run("ai.alias_rule.create", json!({ "alias": "large" })).await;
    firm.run("ai.alias_rule.create", json!({ "alias": "large", "user": tim.user, "effect": "allow" })).await;
    assert_eq!(firm.refused("ai.alias_rule.create", json!({ "alias": "large" })).await, "ai.same_alias_rule");
    assert_eq!(firm.refused("ai.alias_rule.create", json!({ "alias": "l*" })).await, "alias");
    let may = async |secret: &str, alias: &str| firm.gateway().access.authenticate(secret).await.unwrap().may_use(alias);
    assert!(!may(&mine, "large").await && may(&his, "large").await && may(&mine, "fast").await);
    let all = firm.run("ai.alias_rule.update", json!({ "alias_rule": id(&denied), "alias": "*" })).await;
    assert!(!may(&mine, "fast").await && may(&his, "large").await && !may(&his, "fast").await);
    firm.undo(&all).await;
    assert!(may(&mine, "fast").await && !may(&mine, "large").await);
    let archived = firm.run("ai.alias_rule.archive", json!({ "alias_rule": id(&denied) })).await;
    assert!(may(&mine, "large").await);
    firm.undo(&archived).await;
    assert!(!may(&mine, "large").await);
}

#[tokio::test]
async fn a_masking_rule_is_compiled_before_it_is_stored_and_holds_at_once() {
    let firm = Firm::open(Placement::Pooled).await;
    for (field, more) in [
        ("pattern", json!({ "pattern": "([a-z" })),
        ("pattern", json!({ "pattern": "a*" })),
        ("pattern", json!({ "pattern": "(a{1000}){1000}" })),
        ("words", json!({})),
        ("words", json!({ "words": ["x"], "pattern": "y" })),
        ("name", json!({ "name": "with blank", "words": ["x"] })),
    ] {
        let mut input = json!({ "name": "wrong" });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(firm.refused("ai.rule.create", input).await, field, "{more}");
    }
    let made = firm.run("ai.rule.create", json!({ "name": "projects", "words": ["Nightfall"] })).await;
    assert_eq!(firm.refused("ai.rule.create", json!({ "name": "projects", "words": ["x"] })).await, "ai.rule_name_taken");
    let caller = firm.caller().await;
    let masked = caller.guard().mask(&[Piece::Text("About Nightfall")]).unwrap().texts[0].to_string();
    assert!(!masked.contains("Nightfall"), "{masked}");
    let guard = async || firm.gateway().access.rules_of(firm.created.tenant).await.unwrap().unwrap();
    let before = guard().await.version();
    let changed = firm.run("ai.rule.update", json!({ "rule": id(&made), "action": "refuse" })).await;
    assert!(guard().await.mask(&[Piece::Text("About Nightfall")]).is_err());
    assert_eq!(firm.refused("ai.rule.update", json!({ "rule": id(&made), "pattern": "x" })).await, "words");
    firm.undo(&changed).await;
    assert_eq!(guard().await.version(), before);
    let archived = firm.run("ai.rule.archive", json!({ "rule": id(&made) })).await;
    assert_eq!(guard().await.mask(&[Piece::Text("About Nightfall")]).unwrap().texts[0], "About Nightfall");
    firm.undo(&archived).await;
    firm.undo(&made).await;
}

/// The texts of all versions, the newest first.
async fn texts(firm: &Firm) -> Vec<Value> {
    let mut read = firm.house.kernel.read(&firm.admin).await.unwrap();
    let fields = Some(vec!["number".into(), "body".into()]);
    let versions = read.list(&ListQuery { fields, ..ListQuery::new("ai.prompt_version") }).await.unwrap().items;
    versions.into_iter().map(|version| version["body"].clone()).collect()
}

#[tokio::test]
async fn a_prompt_keeps_its_versions_and_holds_the_one_that_was_activated() {
    let firm = Firm::open(Placement::Pooled).await;
    let (_, secret) = firm.key(json!({})).await;
    let holds = async || {
        let caller = firm.gateway().access.authenticate(&secret).await.unwrap();
        caller.prompt("support/answer").map(|prompt| (prompt.number, prompt.body.to_string()))
    };
    let made = firm.run("ai.prompt.create", json!({ "name": "support/answer", "body": "Answer." })).await;
    let prompt = id(&made);
    assert_eq!(holds().await, Some((1, "Answer.".into())));
    let revised = firm.run("ai.prompt.revise", json!({ "prompt": prompt, "body": "Answer briefly.", "note": "shorter" })).await;
    assert_eq!(revised.outcome.data["number"], 2);
    assert_eq!(holds().await, Some((1, "Answer.".into())), "a revision does not hold yet");
    assert_eq!(firm.refused("ai.prompt.revise", json!({ "prompt": prompt, "body": "Answer briefly." })).await, "ai.same_text");
    assert_eq!(firm.refused("ai.prompt.activate", json!({ "prompt": prompt, "number": 3 })).await, "ai.no_such_version");
    let activated = firm.run("ai.prompt.activate", json!({ "prompt": prompt })).await;
    assert_eq!(holds().await, Some((2, "Answer briefly.".into())));
    assert_eq!(firm.refused("ai.prompt.activate", json!({ "prompt": prompt, "number": 2 })).await, "ai.active_already");
    firm.undo(&activated).await;
    assert_eq!(holds().await, Some((1, "Answer.".into())));
    assert_eq!(texts(&firm).await, [json!("Answer briefly."), json!("Answer.")]);
    assert_eq!(firm.refused("ai.prompt.create", json!({ "name": "support/answer", "body": "x" })).await, "ai.prompt_name_taken");
    assert_eq!(firm.refused("ai.prompt.update", json!({ "prompt": prompt, "name": "with blank" })).await, "name");
}

#[tokio::test]
async fn a_revision_is_taken_back_as_long_as_it_never_held() {
    let firm = Firm::open(Placement::Pooled).await;
    let prompt = id(&firm.run("ai.prompt.create", json!({ "name": "answer", "body": "One." })).await);
    let second = firm.run("ai.prompt.revise", json!({ "prompt": prompt, "body": "Two." })).await;
    firm.undo(&second).await;
    assert_eq!((&firm.see("ai.prompt", prompt).await["latest_number"], texts(&firm).await), (&json!(1), vec![json!("One.")]));
    let second = firm.run("ai.prompt.revise", json!({ "prompt": prompt, "body": "Two." })).await;
    firm.run("ai.prompt.activate", json!({ "prompt": prompt })).await;
    firm.house.kernel.undo(&firm.admin, second.execution).await.unwrap_err();
    let written: i64 = firm.peek("SELECT count(*) FROM ai_prompt_version").await;
    assert_eq!(written, 2);
    // What was written is never changed, by whatever statement.
    let mut work = firm.house.kernel.record(&firm.admin, "test").await.unwrap();
    sqlx::query("UPDATE ai_prompt_version SET body = 'Other.'").execute(work.db()).await.unwrap_err();
}

#[tokio::test]
async fn settings_are_the_tenants_and_hold_with_the_next_call() {
    for placement in [Placement::Pooled, Placement::Schema] {
        let firm = Firm::open(placement).await;
        let settings = async || firm.gateway().access.settings_of(firm.created.tenant).await.unwrap().unwrap();
        let first = settings().await;
        assert!(!first.cache && first.masking && !first.prompt_log && first.injection_threshold.is_none());
        let id = firm.created.tenant;
        let changed = firm
            .run("ai.settings.update", json!({ "settings": id, "cache": true, "masked_kinds": ["iban"], "injection_threshold": 700, "prompt_log": true }))
            .await;
        let now = settings().await;
        assert!(now.cache && now.prompt_log && now.injection_threshold == Some(700));
        let guard = firm.gateway().access.rules_of(id).await.unwrap().unwrap();
        assert_eq!(guard.mask(&[Piece::Text("ann@harbour.example")]).unwrap().texts[0], "ann@harbour.example");
        firm.undo(&changed).await;
        let guard = firm.gateway().access.rules_of(id).await.unwrap().unwrap();
        assert_ne!(guard.mask(&[Piece::Text("ann@harbour.example")]).unwrap().texts[0], "ann@harbour.example");
        let back = settings().await;
        assert!(!back.cache && !back.prompt_log && back.injection_threshold.is_none() && back.masked_kinds == first.masked_kinds);
        for (field, more) in [
            ("masked_kinds[0]", json!({ "masked_kinds": ["names"] })),
            ("masked_kinds[0]", json!({ "masked_kinds": ["term"] })),
            ("cache_seconds", json!({ "cache_seconds": 0 })),
            ("injection_threshold", json!({ "injection_threshold": 1001 })),
            ("prompt_log_days", json!({ "prompt_log_days": 366 })),
        ] {
            let mut input = more;
            input["settings"] = json!(id);
            assert_eq!(firm.refused("ai.settings.update", input).await, field);
        }
    }
}
