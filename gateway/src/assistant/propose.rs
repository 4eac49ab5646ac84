//! The tool `propose`: previews the steps that a model wants and stores them as a proposal for the person.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use steward_actions::Proposal;
use steward_kernel::bus::{Kernel, Step};
use steward_kernel::{Code, Error, Principal, Result};
use uuid::Uuid;

/// Steps of one proposal.
pub(super) const STEPS_MAX: usize = 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    steps: Vec<StepArguments>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StepArguments {
    command: String,
    #[serde(default)]
    arguments: Map<String, Value>,
    #[serde(default)]
    name: Option<String>,
}

pub(super) async fn run(kernel: &Arc<Kernel>, principal: &Principal, conversation: Uuid, arguments: Value) -> Result<Proposal> {
    let arguments: Arguments = serde_json::from_value(arguments)
        .map_err(|error| Error::new(Code::InvalidInput, format!("the arguments of propose are not what they should be: {error}")))?;
    if arguments.steps.is_empty() || arguments.steps.len() > STEPS_MAX {
        return Err(Error::field("steps", format!("1 to {STEPS_MAX} steps are possible")));
    }
    let step = |step: StepArguments| Step { command: step.command, input: Value::Object(step.arguments), name: step.name, expected_version: None };
    steward_actions::propose(kernel, principal, Some(conversation), arguments.steps.into_iter().map(step).collect()).await
}

/// What the client's card shows and the model learns. The confirmation's token is in neither.
pub(super) fn card(proposal: &Proposal, kernel: &Kernel) -> Value {
    let shown = proposal.shown(kernel.clock.now());
    let steps: Vec<Value> = proposal.steps.iter().map(|step| json!({ "command": step.command, "arguments": step.input })).collect();
    json!({ "id": proposal.id, "steps": steps, "preview": shown.get("preview") })
}
