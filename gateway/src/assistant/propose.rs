//! The tool `propose`: previews the steps that a model wants and stores them as a proposal for the person.
//!
//! Before anything is previewed every argument is held against where it comes from ([`super::taint`]). What must not come
//! from read text is refused with `assistant.tainted_argument` and written down; the person can still do it in the screens.

use super::calls::Findings;
use super::conversation::Question;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use steward_actions::{Context, Proposal, Provenance};
use steward_kernel::bus::{Kernel, Step};
use steward_kernel::{Code, Error, Principal, Read, Result, input};
use uuid::Uuid;

/// Steps of one proposal.
pub(super) const STEPS_MAX: usize = 20;
/// Records that the audit names.
const AUDITED_MAX: usize = 100;
/// The person asked a question, and gets a proposal.
const ASKED_ONLY: &str = "asked_only";

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

pub(super) async fn run(kernel: &Arc<Kernel>, principal: &Principal, question: &Question, arguments: Value, findings: &Findings) -> Result<Proposal> {
    let arguments: Arguments = serde_json::from_value(arguments)
        .map_err(|error| Error::new(Code::InvalidInput, format!("the arguments of propose are not what they should be: {error}")))?;
    if arguments.steps.is_empty() || arguments.steps.len() > STEPS_MAX {
        return Err(Error::field("steps", format!("1 to {STEPS_MAX} steps are possible")));
    }
    let step = |step: StepArguments| Step { command: step.command, input: Value::Object(step.arguments), name: step.name, expected_version: None };
    let steps: Vec<Step> = arguments.steps.into_iter().map(step).collect();
    let records = findings.sources.records(AUDITED_MAX);
    let marks = match findings.provenance.examine(&findings.catalogue, &steps) {
        Ok(marks) => marks,
        Err(refused) => {
            let detail =
                json!({ "message": question.message, "policy": "tainted_argument", "argument": refused.path, "source": refused.source, "records": records });
            return Err(kernel.refuse(principal, &refused.command, refused.error(), detail).await);
        }
    };
    let asked_only = findings.provenance.is_question().then(|| ASKED_ONLY.to_owned());
    let provenance = Provenance {
        message: Some(question.message),
        notices: asked_only.into_iter().chain(findings.provenance.notices(&marks)).collect(),
        tainted: json!(marks),
        records,
        sources: json!(findings.sources),
        duplicates: Vec::new(),
    };
    steward_actions::propose(kernel, principal, Context { conversation: Some(question.conversation), provenance }, steps).await
}

/// What the client's card shows and the model learns. The confirmation's token is in neither.
pub(super) fn card(proposal: &Proposal, kernel: &Kernel) -> Value {
    let mut shown = proposal.shown(kernel.clock.now());
    let steps: Vec<Value> = proposal.steps.iter().map(|step| json!({ "command": step.command, "arguments": step.input })).collect();
    json!({ "id": proposal.id, "steps": steps, "preview": shown["preview"].take(), "tainted": shown["tainted"].take(), "notices": shown["notices"].take(),
            "duplicates": shown["duplicates"].take() })
}

/// Puts the titles of the records that the arguments name beside them, as far as the reader may see those.
pub(super) async fn name_references(read: &mut Read, shown: &mut Value) -> Result<()> {
    let catalogue = Arc::clone(read.catalogue());
    let mut by_resource: HashMap<String, Vec<Uuid>> = HashMap::new();
    for step in shown.get("steps").and_then(Value::as_array).into_iter().flatten() {
        let spec = step.get("command").and_then(Value::as_str).and_then(|name| catalogue.commands.get(name));
        let (Some(spec), Some(arguments)) = (spec, step.get("arguments")) else { continue };
        for (_, resource, id) in input::references(&spec.inputs, arguments) {
            by_resource.entry(resource.to_owned()).or_default().push(id);
        }
    }
    let mut titles: BTreeMap<Uuid, String> = BTreeMap::new();
    for (resource, ids) in by_resource {
        titles.extend(read.titles(&resource, &ids).await?);
    }
    shown["titles"] = json!(titles);
    Ok(())
}
