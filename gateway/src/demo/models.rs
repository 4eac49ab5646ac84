//! What the demo company has laid down for language models: bounds, a name that nobody may call, a word that does not leave the house,
//! and what it adds to the assistant's instructions.
//!
//! There is no budget of money: whoever tries a model of his own with the demo has no price for it, and such a model is not asked where
//! money is counted.

use super::{Refer, batch, record};
use crate::import::record::Batch;
use serde_json::json;

const ASSISTANT: &str = "assistant";
const FIRST: &str = "You speak for Nordlicht Handel, a trading company in Hamburg. Be brief.";
const SECOND: &str = "You speak for Nordlicht Handel, a trading company in Hamburg. Be brief, and name the person who looks after a customer \
                      whenever you speak of one. Dates are written like 31 January 2026.";

pub(super) fn batches() -> Vec<Batch> {
    let budgets = vec![
        record("calls", json!({ "name": "Calls of everybody", "scope": "tenant", "metric": "requests", "period": "day", "cap": "5000" })),
        record(
            "tokens",
            json!({ "name": "Tokens of everybody", "scope": "tenant", "metric": "tokens", "period": "month", "cap": "20000000", "thresholds": ["80", "100"] }),
        ),
    ];
    let alias_rules = vec![record("experimental", json!({ "alias": "experimental", "effect": "deny" }))];
    let rules = vec![record("takeover", json!({ "name": "takeover", "action": "mask", "words": ["Projekt Sturmvogel", "Project Stormbird"] }))];
    let prompt = record(ASSISTANT, json!({ "name": ASSISTANT, "description": "Added to the instructions of the assistant", "body": FIRST }));
    let revised = record(ASSISTANT, json!({ "body": SECOND, "note": "Names the person in charge" })).to("prompt", "ai.prompt", ASSISTANT);
    let activated = record(ASSISTANT, json!({ "number": 2 })).to("prompt", "ai.prompt", ASSISTANT);
    vec![
        batch("budgets of models", "ai.budget", "ai.budget.create", budgets),
        batch("rules of models", "ai.alias_rule", "ai.alias_rule.create", alias_rules),
        batch("masking rules", "ai.rule", "ai.rule.create", rules),
        batch("prompts", "ai.prompt", "ai.prompt.create", vec![prompt]),
        batch("prompts revised", "ai.prompt.revise", "ai.prompt.revise", vec![revised]),
        batch("prompts activated", "ai.prompt.activate", "ai.prompt.activate", vec![activated]),
    ]
}
