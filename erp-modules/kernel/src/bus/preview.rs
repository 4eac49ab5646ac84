//! Preview: the same code as an execution, rolled back, with what it would have changed.
//!
//! It forces deferred constraints (they would never fire on a rollback), allots no numbers, and shows only rows and
//! fields that the user may read; effects on others are the summaries that commands declare. The digest is what a
//! confirmation binds: changes of the commands' own modules and the declared effects, without generated ids, numbers
//! and times, and not every row touched (hot stock rows would invalidate every card).

use super::{Kernel, Step, canonical};
use crate::catalogue::{Kind, Risk, module_of};
use crate::command::{Outcome, Reference};
use crate::error::{During, Error, Result};
use crate::message::Message;
use crate::principal::Principal;
use crate::query;
use crate::work::{Mode, Work};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use uuid::Uuid;

/// One field of one record that would change. `old` is null for a new record.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Change {
    pub resource: String,
    pub id: Uuid,
    pub field: String,
    pub old: Value,
    pub new: Value,
}

/// What commands would do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Preview {
    pub changes: Vec<Change>,
    /// Records among the changes that do not exist yet: an execution makes others in their place.
    #[serde(default)]
    pub created: Vec<Uuid>,
    /// Effects on records that the user may not read, in words.
    pub effects: Vec<String>,
    /// External subscriptions that would run after the commit.
    pub follows: Vec<String>,
    pub warnings: Vec<String>,
    /// The commands among the steps that could not be taken back once they are done.
    #[serde(default)]
    pub irreversible: Vec<String>,
    /// The highest risk of the steps and of all that they call, as the tenant has it.
    pub risk: Risk,
    /// Records that the steps act on, with the versions seen.
    pub targets: Vec<(Reference, i64)>,
    pub digest: String,
    pub outcomes: Vec<Outcome>,
}

#[derive(sqlx::FromRow)]
struct Row {
    resource: String,
    entity_id: Uuid,
    version: i64,
    operation: String,
    diff: Value,
}

/// The rows changed so far in this transaction, by record: first old value, last new one.
struct Touched {
    created: bool,
    deleted: bool,
    /// The version before.
    before: i64,
    fields: BTreeMap<String, (Value, Value)>,
}

async fn touched(work: &mut Work) -> Result<Vec<((String, Uuid), Touched)>> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT resource, entity_id, version, operation, diff FROM kernel_change WHERE xid = pg_current_xact_id() AND tenant_id = $1 AND at = now() ORDER BY ordinal",
    )
    .bind(work.principal.tenant)
    .fetch_all(&mut *work.tx)
    .await
    .during("read what changed")?;
    let mut order: Vec<(String, Uuid)> = Vec::new();
    let mut records: HashMap<(String, Uuid), Touched> = HashMap::new();
    for row in rows {
        let key = (row.resource, row.entity_id);
        let record = records.entry(key.clone()).or_insert_with(|| {
            order.push(key);
            let created = row.operation == "i";
            Touched { created, deleted: false, before: if created { 0 } else { row.version - i64::from(row.operation == "u") }, fields: BTreeMap::new() }
        });
        record.deleted |= row.operation == "d";
        let Value::Object(diff) = row.diff else { continue };
        for (column, mut pair) in diff {
            let (old, new) = (pair[0].take(), pair[1].take());
            record.fields.entry(column).and_modify(|known| known.1 = new.clone()).or_insert((old, new));
        }
    }
    Ok(order.into_iter().filter_map(|key| records.remove(&key).map(|record| (key, record))).collect())
}

/// The digest of the material effects of what ran so far; equal in a preview and in the execution that it promised.
pub(super) async fn digest(work: &mut Work) -> Result<String> {
    let records = touched(work).await?;
    Ok(digest_of(work, &records))
}

fn digest_of(work: &Work, records: &[((String, Uuid), Touched)]) -> String {
    let modules: HashSet<&str> = work.audits.iter().filter(|entry| entry.is_top()).map(|entry| module_of(entry.command())).collect();
    let fresh: HashSet<String> = records.iter().filter(|(_, record)| record.created).map(|((_, id), _)| id.to_string()).collect();
    let mut lines: Vec<String> = Vec::new();
    for ((resource, id), record) in records.iter().filter(|((resource, _), _)| modules.contains(module_of(resource))) {
        let fields: Map<String, Value> = record
            .fields
            .iter()
            .filter(|(column, _)| !column.ends_with("_at"))
            .map(|(column, (_, new))| {
                let generated =
                    new.as_str().is_some_and(|text| fresh.contains(text) || work.allotted.iter().any(|number| number.to_lowercase() == text.to_lowercase()));
                (column.clone(), if generated { json!("generated") } else { canonical(new) })
            })
            .collect();
        let name = if record.created { "new".to_owned() } else { id.to_string() };
        lines.push(json!([resource, name, record.deleted, fields]).to_string());
    }
    lines.sort();
    let mut hasher = blake3::Hasher::new();
    let effects: Vec<String> = work.effects.iter().map(Message::canonical).collect();
    for line in lines.iter().chain(&effects) {
        hasher.update(line.as_bytes());
        hasher.update(&[0]);
    }
    hasher.finalize().to_hex().to_string()
}

impl Kernel {
    /// Runs the steps and takes them back.
    pub async fn preview(self: &Arc<Self>, principal: &Principal, steps: &[Step]) -> Result<Preview> {
        self.preview_told(principal, steps, &json!({}), &AtomicUsize::new(0)).await
    }

    /// The same, with what the audit of a refusal says beside the command. `reached` counts the steps that passed, so that
    /// the caller can tell which one failed.
    pub async fn preview_told(self: &Arc<Self>, principal: &Principal, steps: &[Step], detail: &Value, reached: &AtomicUsize) -> Result<Preview> {
        if steps.is_empty() || steps.len() > super::STEPS_MAX {
            return Err(Error::bad_request("a plan has 1 to 50 steps"));
        }
        let placement = self.placement(principal.tenant).await?;
        let mut work = self.open(principal, &placement, Mode::Preview, steps).await?;
        let result = work.preview(steps, reached).await.map_err(|error| error.told_in(&self.labels, &work.rights.language));
        work.abandon().await;
        if let Err(error) = &result {
            let mut detail = detail.clone();
            if let Some(detail) = detail.as_object_mut() {
                detail.insert("preview".into(), json!(true));
            }
            self.audit_refusal(principal, &placement, super::refusals::refused(steps, reached), error, &detail).await;
        }
        result
    }
}

impl Work {
    pub(super) async fn preview(&mut self, steps: &[Step], reached: &AtomicUsize) -> Result<Preview> {
        let done = self.run_steps(steps, &Value::Null, reached).await?;
        let own = touched(self).await?;
        let digest = digest_of(self, &own);
        let follows = self.follow().await?;
        sqlx::query("SET CONSTRAINTS ALL IMMEDIATE").execute(&mut *self.tx).await.during("check the constraints")?;
        let risk = self.audits.iter().filter_map(|entry| self.catalogue.commands.get(entry.command())).map(|spec| spec.risk).max().unwrap_or(Risk::Low);
        let records = touched(self).await?;
        let mut irreversible: Vec<String> = Vec::new();
        for (step, _) in steps.iter().zip(&done).filter(|(_, executed)| !executed.undoable) {
            if !irreversible.contains(&step.command) {
                irreversible.push(step.command.clone());
            }
        }
        let outcomes: Vec<Outcome> = done.into_iter().map(|executed| executed.outcome).collect();
        let targets = outcomes
            .iter()
            .filter_map(|outcome| outcome.primary.clone())
            .filter_map(|primary| {
                let record = records.iter().find(|((_, id), _)| *id == primary.id)?;
                (!record.1.created).then_some((primary, record.1.before))
            })
            .collect();
        let created: Vec<Uuid> = records.iter().filter(|(_, record)| record.created).map(|((_, id), _)| *id).collect();
        let changes = self.shown(records).await?;
        let created = created.into_iter().filter(|id| changes.iter().any(|change| change.id == *id)).collect();
        let (labels, language) = (Arc::clone(&self.kernel.labels), self.rights.language.clone());
        let told = |messages: Vec<Message>| messages.iter().map(|message| message.told(&labels, &language)).collect();
        Ok(Preview {
            changes,
            created,
            effects: told(std::mem::take(&mut self.effects)),
            follows,
            warnings: told(std::mem::take(&mut self.warnings)),
            irreversible,
            risk,
            targets,
            digest,
            outcomes,
        })
    }

    /// What the user may see of the changes: his rows, his fields, references with their titles.
    async fn shown(&mut self, records: Vec<((String, Uuid), Touched)>) -> Result<Vec<Change>> {
        let (catalogue, rights, principal) = (Arc::clone(&self.catalogue), Arc::clone(&self.rights), self.principal.clone());
        let mut by_resource: HashMap<String, Vec<Uuid>> = HashMap::new();
        for ((resource, id), _) in &records {
            by_resource.entry(resource.clone()).or_default().push(*id);
        }
        let mut visible: HashSet<Uuid> = HashSet::new();
        for (resource, ids) in &by_resource {
            if catalogue.resources.contains_key(resource) {
                visible.extend(query::scope::visible_ids(&mut self.tx, &catalogue, &rights, &principal, resource, ids).await?);
            }
        }
        let mut changes = Vec::new();
        let mut referred: HashMap<String, HashSet<Uuid>> = HashMap::new();
        for ((resource, id), record) in records {
            // A row that is gone cannot be asked for any more; its parent shows the effect.
            let Some(declared) = catalogue.resources.get(&resource).filter(|_| visible.contains(&id) && !record.deleted) else { continue };
            for field in query::scope::permitted_fields(declared, &rights, &principal) {
                let pair = match field.custom {
                    true => record.fields.get("custom").map(|(old, new)| {
                        (old.get(field.column.as_ref()).cloned().unwrap_or_default(), new.get(field.column.as_ref()).cloned().unwrap_or_default())
                    }),
                    false => record.fields.get(field.column.as_ref()).cloned(),
                };
                let Some((old, new)) = pair.filter(|(old, new)| old != new) else { continue };
                if let Kind::Reference(target) = &field.kind {
                    let ids = [&old, &new].into_iter().filter_map(|value| value.as_str().and_then(|text| Uuid::try_parse(text).ok()));
                    referred.entry(target.to_string()).or_default().extend(ids);
                }
                let currency = |value: Value| match &field.kind {
                    Kind::Money { currency } => {
                        record.fields.get(currency.as_ref()).map_or(value.clone(), |(_, code)| json!({ "amount": text_of(&value), "currency": code }))
                    }
                    Kind::Decimal | Kind::Quantity { .. } if value.is_number() => text_of(&value),
                    _ => value,
                };
                changes.push(Change { resource: resource.clone(), id, field: field.name.to_string(), old: currency(old), new: currency(new) });
            }
        }
        let mut titles: HashMap<Uuid, String> = HashMap::new();
        for (resource, ids) in referred {
            let ids: Vec<Uuid> = ids.into_iter().collect();
            titles.extend(query::scope::titles(&mut self.tx, &catalogue, &rights, &principal, &resource, &ids).await?);
        }
        for change in &mut changes {
            let reference = catalogue
                .resources
                .get(&change.resource)
                .and_then(|resource| resource.find_field(&change.field))
                .is_some_and(|field| matches!(field.kind, Kind::Reference(_)));
            if reference {
                for value in [&mut change.old, &mut change.new] {
                    if let Some(id) = value.as_str().and_then(|text| Uuid::try_parse(text).ok()) {
                        *value = json!({ "id": id, "title": titles.get(&id) });
                    }
                }
            }
        }
        Ok(changes)
    }
}

fn text_of(value: &Value) -> Value {
    match value {
        Value::Number(number) => Value::String(number.to_string()),
        other => other.clone(),
    }
}
