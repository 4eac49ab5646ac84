//! Calls of models, one record each, as [`crate::ledger`] writes them: who called what, what it cost, how it ended. Never what was
//! asked or answered.

use steward_kernel::{Field, Measure, Resource};

pub(crate) const RESOURCE: &str = "ai.request";
pub(crate) const OUTCOMES: &[&str] = &["answered", "cached", "cancelled", "failed", "refused"];

pub(crate) fn resource() -> Resource {
    Resource::new(RESOURCE, "requests", "ai_request")
        .owner("user_id")
        .title("alias")
        .field(Field::text("door").required().in_list())
        .field(Field::text("alias").required().in_list())
        .field(Field::text("provider"))
        .field(Field::text("model").in_list())
        .field(Field::reference("user", "identity.user").in_list())
        .field(Field::reference("key", "ai.key").in_list())
        .field(Field::reference("prompt", "ai.prompt"))
        .field(Field::integer("prompt_number"))
        .field(Field::choice("outcome", OUTCOMES).required().in_list())
        .field(Field::text("code"))
        .field(Field::integer("attempts").required())
        .field(Field::integer("input_tokens").required().in_list())
        .field(Field::integer("cache_read_tokens").required())
        .field(Field::integer("cache_write_tokens").required())
        .field(Field::integer("output_tokens").required().in_list())
        .field(Field::integer("reasoning_tokens").required())
        .field(Field::decimal("cost").in_list())
        .field(Field::boolean("priced").required())
        .field(Field::integer("duration_ms").required().in_list())
        .field(Field::integer("first_token_ms"))
        .measure(Measure::sum("cost_total", "cost").date("created_at"))
        .measure(Measure::sum("input_tokens_total", "input_tokens").date("created_at"))
        .measure(Measure::sum("output_tokens_total", "output_tokens").date("created_at"))
}
