//! `ai.rule.create` and `ai.rule.update`.

use super::{RESOURCE, Rule, RuleId, check_all, doubled, resource};
use crate::error::Error;
use serde::Deserialize;
use serde_json::json;
use steward_kernel::changes::{Changes, filled, given, inputs, update_inputs};
use steward_kernel::command::Command;
use steward_kernel::error::During;
use steward_kernel::{CommandSpec, Field, Outcome, Result, Risk, RowScope, Work};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Create {
    name: String,
    #[serde(default)]
    action: Option<String>,
    #[serde(default)]
    words: Option<Vec<String>>,
    #[serde(default)]
    pattern: Option<String>,
}

impl Command for Create {
    fn spec() -> CommandSpec {
        let fields = inputs(resource()).into_iter().map(|field| Field { required: field.name == "name", ..field });
        CommandSpec::new("ai.rule.create").inputs(fields).risk(Risk::High).undo("ai.rule.archive")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        work.check_new(RowScope::default())?;
        let (tenant, id) = (work.tenant(), RuleId::fresh());
        let action = self.action.unwrap_or_else(|| "mask".into());
        sqlx::query!(
            "INSERT INTO ai_rule (tenant_id, id, name, action, words, pattern) VALUES ($1, $2, $3, $4, $5, $6)",
            tenant,
            id.0,
            self.name,
            action,
            &self.words.unwrap_or_default(),
            filled(self.pattern)
        )
        .execute(work.db())
        .await
        .during("store the rule")
        .map_err(doubled)?;
        check_all(work).await?;
        Ok(Outcome::of(RESOURCE, id).undo("ai.rule.archive", json!({ "rule": id })))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Update {
    rule: RuleId,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    action: Option<String>,
    #[serde(default)]
    words: Option<Vec<String>>,
    #[serde(default, deserialize_with = "given")]
    pattern: Option<Option<String>>,
}

impl Command for Update {
    fn spec() -> CommandSpec {
        CommandSpec::new("ai.rule.update").target("rule").inputs(update_inputs(resource())).risk(Risk::High).undo("ai.rule.update")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let mut rule = work.lock::<Rule>(self.rule).await?;
        if rule.archived_at.is_some() {
            return Err(Error::Archived.into());
        }
        let mut changes = Changes::default();
        changes.set("name", &mut rule.name, self.name)?;
        changes.set("action", &mut rule.action, self.action)?;
        changes.set("words", &mut rule.words, self.words)?;
        changes.set("pattern", &mut rule.pattern, self.pattern.map(filled))?;
        if changes.is_empty() {
            return Ok(Outcome::of(RESOURCE, rule.id));
        }
        let tenant = work.tenant();
        sqlx::query!(
            "UPDATE ai_rule SET name = $3, action = $4, words = $5, pattern = $6 WHERE tenant_id = $1 AND id = $2",
            tenant,
            rule.id.0,
            rule.name,
            rule.action,
            &rule.words,
            rule.pattern
        )
        .execute(work.db())
        .await
        .during("store the rule")
        .map_err(doubled)?;
        check_all(work).await?;
        Ok(Outcome::of(RESOURCE, rule.id).undo("ai.rule.update", changes.undo("rule", rule.id)))
    }
}
