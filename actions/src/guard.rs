//! The guard against duplicates, which a model cannot silence.
//!
//! A create that looks like a duplicate is refused unless its input says `allow_duplicate`. That word is the person's: it
//! is taken out of what a model proposes, and where the guard then stops a step, the card says so and the confirmation
//! needs the person's own tick.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use steward_kernel::bus::{Kernel, Preview, Step};
use steward_kernel::{Code, Error, Principal, Result};

/// The input by which a command with a guard is told to go on.
const ALLOW: &str = "allow_duplicate";

/// A step that the guard stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duplicate {
    /// The position of the step.
    pub step: usize,
    /// The stable reason of the module, such as `crm.duplicate_name`.
    pub reason: Option<String>,
    pub message: String,
}

/// Previews the steps with the guard on. Each step that it stops is told, and previewed as it would run if the person wants
/// it all the same.
pub(super) async fn preview(kernel: &Arc<Kernel>, principal: &Principal, steps: &mut [Step], detail: &Value) -> Result<(Preview, Vec<Duplicate>)> {
    for step in steps.iter_mut().filter(|step| is_guarded(kernel, step)) {
        if let Some(input) = step.input.as_object_mut() {
            input.remove(ALLOW);
        }
    }
    let mut duplicates = Vec::new();
    loop {
        let reached = AtomicUsize::new(0);
        let error = match kernel.preview_told(principal, steps, detail, &reached).await {
            Ok(preview) => return Ok((preview, duplicates)),
            Err(error) => error,
        };
        let at = reached.load(Ordering::Relaxed);
        // Every round allows one step more; a step that is stopped in spite of that has another reason.
        let stopped = steps.get_mut(at).filter(|step| error.code == Code::Duplicate && is_guarded(kernel, step) && step.input.get(ALLOW).is_none());
        let Some(input) = stopped.and_then(|step| step.input.as_object_mut()) else { return Err(error) };
        input.insert(ALLOW.into(), json!(true));
        duplicates.push(Duplicate { step: at, reason: error.reason.map(str::to_owned), message: error.message.into_owned() });
    }
}

fn is_guarded(kernel: &Kernel, step: &Step) -> bool {
    kernel.registry.catalogue.commands.get(&step.command).is_some_and(|spec| !spec.duplicate_guard.is_empty())
}

/// The person confirmed and has not said that the duplicate is wanted.
pub(super) fn unanswered() -> Error {
    Error::new(Code::Duplicate, "this would probably make a duplicate; say that you want it all the same, or reject the proposal").because("actions.duplicate")
}
