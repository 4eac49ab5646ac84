//! What is left of a stored answer or card when its reader may no longer read what it was made of.

use super::Sight;
use serde_json::{Value, json};
use std::collections::HashSet;
use steward_kernel::{Kind, Read};
use uuid::Uuid;

/// The events of an answer whose sources are gone: they keep their places, so that a stream can be picked up among them.
pub(super) fn events(events: &mut Vec<(&str, &mut Value)>, gone: &str) {
    let mut is_said = false;
    for (name, data) in events {
        match *name {
            "start" | "error" => {}
            "text" => {
                **data = json!({ "delta": if is_said { "" } else { gone } });
                is_said = true;
            }
            "ask" => **data = json!({ "text": gone, "missing": [] }),
            "proposal" => {
                let id = data.get("id").cloned().unwrap_or(Value::Null);
                **data = json!({ "id": id, "steps": commands(data), "preview": null, "masked": true });
            }
            "citation" => **data = json!({ "masked": true }),
            "done" => **data = json!({ "answer": gone, "figures": [], "degraded": data.get("degraded"), "stopped": data.get("stopped"), "masked": true }),
            _ => **data = json!({ "masked": true }),
        }
    }
}

/// The commands of a card without what was to go into them.
fn commands(card: &Value) -> Vec<Value> {
    card.get("steps").and_then(Value::as_array).into_iter().flatten().map(|step| json!({ "command": step.get("command"), "arguments": {} })).collect()
}

/// The records that a card shows changes of or refers to: what [`Sight`] must look at before [`card`].
pub(super) fn want(card: &Value, read: &Read, sight: &mut Sight) {
    let new = created(card);
    for change in changes(card) {
        let (Some(resource), Some(id)) = (change.get("resource").and_then(Value::as_str), change.get("id").and_then(super::id_of)) else { continue };
        if !new.contains(&id) {
            sight.want_record(resource, id);
        }
        if let Some(target) = referred(read, change) {
            for id in ["old", "new"].iter().filter_map(|side| change.get(*side).and_then(super::id_of)) {
                sight.want_record(&target, id);
            }
        }
    }
}

/// Leaves of a card the rows and fields that the reader may see now. With `is_gone` nothing is left of what it was made of.
pub(super) fn card(card: &mut Value, read: &Read, sight: &Sight, is_gone: bool) {
    if is_gone {
        let steps = commands(card);
        for (name, value) in [("steps", json!(steps)), ("preview", Value::Null), ("tainted", json!([])), ("masked", json!(true))] {
            card[name] = value;
        }
        return;
    }
    if mask_arguments(card, read) {
        card["masked"] = json!(true);
    }
    let new = created(card);
    let Some(shown) = card.pointer_mut("/preview/changes").and_then(Value::as_array_mut) else { return };
    let before = shown.len();
    shown.retain(|change| {
        let Some((name, id)) = change.get("resource").and_then(Value::as_str).zip(change.get("id").and_then(super::id_of)) else { return false };
        let Some(resource) = read.catalogue().resources.get(name).filter(|_| read.may_read(name)) else { return false };
        let field = change.get("field").and_then(Value::as_str).unwrap_or_default();
        (new.contains(&id) || sight.sees(name, id)) && read.fields_of(resource).iter().any(|seen| seen.name == field)
    });
    let is_masked = shown.len() < before;
    for change in shown.iter_mut() {
        let Some(target) = referred(read, change) else { continue };
        for side in ["old", "new"] {
            if let Some(value) = change.get_mut(side)
                && let Some(id) = super::id_of(value)
                && !sight.sees(&target, id)
                && !new.contains(&id)
            {
                *value = json!({ "id": id, "title": null });
            }
        }
    }
    if is_masked {
        card["masked"] = json!(true);
    }
}

/// Takes out the arguments that fill a field which the reader may not see any more; says whether there were any.
fn mask_arguments(card: &mut Value, read: &Read) -> bool {
    let mut is_masked = false;
    for step in card.get_mut("steps").and_then(Value::as_array_mut).into_iter().flatten() {
        let spec = step.get("command").and_then(Value::as_str).and_then(|name| read.catalogue().commands.get(name));
        let Some(resource) = spec.and_then(|spec| read.catalogue().resources.get(spec.resource.as_ref())) else { continue };
        let Some(arguments) = step.get_mut("arguments").and_then(Value::as_object_mut) else { continue };
        let hides = |name: &str| resource.find_field(name).and_then(|field| field.permission.as_deref()).is_some_and(|needed| !read.rights().may(needed));
        let before = arguments.len();
        arguments.retain(|name, _| !hides(name));
        is_masked |= arguments.len() < before;
    }
    is_masked
}

fn changes(card: &Value) -> impl Iterator<Item = &Value> {
    card.pointer("/preview/changes").and_then(Value::as_array).into_iter().flatten()
}

/// Records that the proposal would make: they are nobody's yet.
fn created(card: &Value) -> HashSet<Uuid> {
    card.pointer("/preview/created").and_then(Value::as_array).into_iter().flatten().filter_map(super::id_of).collect()
}

/// The resource that the changed field refers to.
fn referred(read: &Read, change: &Value) -> Option<String> {
    let resource = read.catalogue().resources.get(change.get("resource")?.as_str()?)?;
    match &resource.find_field(change.get("field")?.as_str()?)?.kind {
        Kind::Reference(target) => Some(target.to_string()),
        _ => None,
    }
}
