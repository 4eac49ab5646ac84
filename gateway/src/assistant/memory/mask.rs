//! What is left of a stored answer or card when its reader may no longer read what it was made of.

use super::Sight;
use serde_json::{Map, Value, json};
use std::collections::HashSet;
use steward_kernel::{Field, Kind, Read};
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

/// The steps that would make a likely duplicate, without the record that they are like.
fn duplicates(card: &Value) -> Vec<Value> {
    card.get("duplicates").and_then(Value::as_array).into_iter().flatten().map(|one| json!({ "step": one.get("step") })).collect()
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
        let (steps, duplicates) = (commands(card), duplicates(card));
        for (name, value) in
            [("steps", json!(steps)), ("preview", Value::Null), ("tainted", json!([])), ("duplicates", json!(duplicates)), ("masked", json!(true))]
        {
            card[name] = value;
        }
        for result in card.pointer_mut("/results/results").and_then(Value::as_array_mut).into_iter().flatten() {
            result["data"] = Value::Null;
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

/// Takes out the arguments that fill a field which the reader may not see any more, of the record, of its lines and of the
/// company's own, and the marks that repeat their values; says whether there were any.
fn mask_arguments(card: &mut Value, read: &Read) -> bool {
    let mut taken: Vec<(usize, String)> = Vec::new();
    for (at, step) in card.get_mut("steps").and_then(Value::as_array_mut).into_iter().flatten().enumerate() {
        let spec = step.get("command").and_then(Value::as_str).and_then(|name| read.catalogue().commands.get(name));
        let Some(resource) = spec.and_then(|spec| read.catalogue().resources.get(spec.resource.as_ref())) else { continue };
        let Some(arguments) = step.get_mut("arguments").and_then(Value::as_object_mut) else { continue };
        let lines: Vec<&Field> = read.catalogue().children_of(&resource.name).flat_map(|child| &child.fields).collect();
        let (customs, own): (Vec<&Field>, Vec<&Field>) = resource.fields.iter().partition(|field| field.custom);
        let mut take = |values: &mut Map<String, Value>, fields: &[&Field], path: &str| {
            let hides = |field: &&Field| field.permission.as_deref().is_some_and(|needed| !read.rights().may(needed));
            values.retain(|name, _| {
                let is_hidden = fields.iter().filter(|field| field.name == name.as_str()).any(hides);
                if is_hidden {
                    taken.push((at, format!("{path}{name}")));
                }
                !is_hidden
            });
        };
        take(arguments, &own, "");
        for (name, value) in arguments {
            match value {
                Value::Object(values) if name == "custom" => take(values, &customs, "custom."),
                Value::Array(rows) => {
                    for (nth, row) in rows.iter_mut().enumerate().filter_map(|(nth, row)| Some((nth, row.as_object_mut()?))) {
                        take(row, &lines, &format!("{name}[{nth}]."));
                    }
                }
                _ => {}
            }
        }
    }
    if let Some(marks) = card.get_mut("tainted").and_then(Value::as_array_mut) {
        marks.retain(|mark| {
            let (step, path) = (mark.get("step").and_then(Value::as_u64), mark.get("path").and_then(Value::as_str).unwrap_or_default());
            !taken.iter().any(|(at, gone)| step == Some(*at as u64) && path == gone)
        });
    }
    !taken.is_empty()
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
