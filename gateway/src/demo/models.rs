//! What the demo company says of language models: how much may be used, who may call which, what no model sees, and what it adds
//! to the assistant's instructions. Calls and alerts are not made up: they come with use.

use super::{Refer, batch, record};
use crate::import::record::Batch;
use crate::import::report::RowError;
use serde_json::json;

/// The prompt that the assistant looks for.
const PROMPT: &str = "assistant";
const FIRST: &str = "The person works for Nordlicht Handel, a wholesaler in Germany and Switzerland. Be brief and friendly.";
const SECOND: &str = "The person works for Nordlicht Handel, a wholesaler in Germany and Switzerland. Be brief and friendly. Write the currency behind \
                      every amount: one company keeps its books in EUR, the other one in CHF.";

/// An alias that only the management may use; whether it is offered, the operator says.
const DEAR: &str = "large";
const MANAGING_DIRECTOR: &str = "100";

const REVISED: &str = "prompts revised";
const ACTIVATED: &str = "prompts activated";

pub(super) fn batches() -> Vec<Batch> {
    let budgets = vec![
        record("requests-day", json!({ "name": "Requests a day", "metric": "requests", "period": "day", "cap": "10000" })),
        // Not of money, nor of tokens: who tries a model of his own with the demo may have no price for it, or one that does not say what
        // it used, and then all that was reserved counts.
        record("requests-minute", json!({ "name": "Requests a minute", "metric": "requests", "period": "minute", "cap": "600" })),
    ];
    let aliases = vec![
        record("large", json!({ "alias": DEAR, "effect": "deny" })),
        record("large-management", json!({ "alias": DEAR, "effect": "allow" })).to("user", "identity.user", MANAGING_DIRECTOR),
    ];
    let masked = vec![record("projects", json!({ "name": "projects", "action": "mask", "words": ["Projekt Leuchtfeuer", "Project Beacon"] }))];
    let prompt = json!({ "name": PROMPT, "description": "What the assistant is told beside the rules of the house", "body": FIRST });
    let of_prompt = |input| vec![record(PROMPT, input).to("prompt", "ai.prompt", PROMPT)];
    vec![
        batch("model budgets", "ai.budget", "ai.budget.create", budgets),
        batch("rules of aliases", "ai.alias_rule", "ai.alias_rule.create", aliases),
        batch("rules of masking", "ai.rule", "ai.rule.create", masked),
        batch("prompts", "ai.prompt", "ai.prompt.create", vec![record(PROMPT, prompt)]),
        batch(REVISED, "ai.prompt.revise", "ai.prompt.revise", of_prompt(json!({ "body": SECOND, "note": "Amounts with their currency" }))),
        batch(ACTIVATED, "ai.prompt.activate", "ai.prompt.activate", of_prompt(json!({ "number": 2 }))),
    ]
}

/// Somebody who keeps a demo for longer has said the same himself. That stays, and a prompt of his is not revised.
pub(super) fn is_said_already(error: &RowError) -> bool {
    let is_taken = matches!(error.reason.as_deref(), Some("ai.same_budget" | "ai.same_alias_rule" | "ai.rule_name_taken" | "ai.prompt_name_taken"));
    let follows = [REVISED, ACTIVATED].contains(&error.file.as_str()) && error.fields.iter().any(|field| field.field == "prompt");
    is_taken || follows
}
