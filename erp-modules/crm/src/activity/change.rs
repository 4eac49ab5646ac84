//! Activities are created, changed, archived and restored here; what becomes of them stands in [`super::complete`].

use super::{Activity, ActivityId, OPEN, RESOURCE, resource, store};
use crate::error::Error;
use crate::party::PartyId;
use chrono::NaiveDate;
use serde::Deserialize;
use serde_json::json;
use steward_kernel::changes::{Changes, filled, given, inputs, update_inputs};
use steward_kernel::command::Command;
use steward_kernel::{CommandSpec, Entity, Field, Outcome, Result, Work};
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Create {
    party: PartyId,
    subject: String,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    due_date: Option<NaiveDate>,
    #[serde(default)]
    note: Option<String>,
    #[serde(default)]
    owner: Option<Uuid>,
}

impl Command for Create {
    fn spec() -> CommandSpec {
        let fields = inputs(resource()).into_iter().map(|field| Field { required: field.name == "party" || field.name == "subject", ..field });
        CommandSpec::new("crm.activity.create").inputs(fields).undo("crm.activity.archive")
    }
    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let user = Some(work.user()).filter(|user| !user.is_nil());
        let activity = Activity {
            id: ActivityId::fresh(),
            version: 1,
            archived_at: None,
            owner_id: self.owner.or(user),
            department_id: work.rights().department,
            company_id: work.rights().company,
            party_id: self.party,
            kind: self.kind.unwrap_or_else(|| "task".into()),
            subject: self.subject,
            due_date: self.due_date.unwrap_or_else(|| work.today()),
            status: OPEN.into(),
            note: filled(self.note),
        };
        work.check_new(activity.scope())?;
        let tenant = work.tenant();
        store::insert(work.db(), tenant, &activity).await?;
        Ok(Outcome::of(RESOURCE, activity.id).undo("crm.activity.archive", json!({ "activity": activity.id })))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Update {
    activity: ActivityId,
    #[serde(default)]
    party: Option<PartyId>,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    subject: Option<String>,
    #[serde(default)]
    due_date: Option<NaiveDate>,
    #[serde(default, deserialize_with = "given")]
    note: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    owner: Option<Option<Uuid>>,
}

impl Command for Update {
    fn spec() -> CommandSpec {
        CommandSpec::new("crm.activity.update").target("activity").inputs(update_inputs(resource())).undo("crm.activity.update")
    }
    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let mut activity = work.lock::<Activity>(self.activity).await?;
        let mut changes = Changes::default();
        changes.set("party", &mut activity.party_id, self.party)?;
        changes.set("kind", &mut activity.kind, self.kind)?;
        changes.set("subject", &mut activity.subject, self.subject)?;
        changes.set("due_date", &mut activity.due_date, self.due_date)?;
        changes.set("note", &mut activity.note, self.note.map(filled))?;
        changes.set("owner", &mut activity.owner_id, self.owner)?;
        if changes.is_empty() {
            return Ok(Outcome::of(RESOURCE, activity.id));
        }
        let tenant = work.tenant();
        store::update(work.db(), tenant, &activity).await?;
        Ok(Outcome::of(RESOURCE, activity.id).undo("crm.activity.update", changes.undo("activity", activity.id)))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Archive {
    activity: ActivityId,
}

impl Command for Archive {
    fn spec() -> CommandSpec {
        CommandSpec::new("crm.activity.archive").target("activity").undo("crm.activity.restore")
    }
    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let activity = work.lock::<Activity>(self.activity).await?;
        if activity.archived_at.is_some() {
            return Err(Error::Archived.into());
        }
        let (tenant, now) = (work.tenant(), work.now());
        store::set_archived(work.db(), tenant, activity.id, Some(now)).await?;
        Ok(Outcome::of(RESOURCE, activity.id).undo("crm.activity.restore", json!({ "activity": activity.id })))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Restore {
    activity: ActivityId,
}

impl Command for Restore {
    fn spec() -> CommandSpec {
        CommandSpec::new("crm.activity.restore").permission("crm:activity:archive").target("activity").undo("crm.activity.archive")
    }
    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let activity = work.lock::<Activity>(self.activity).await?;
        if activity.archived_at.is_none() {
            return Err(Error::NotArchived.into());
        }
        let tenant = work.tenant();
        store::set_archived(work.db(), tenant, activity.id, None).await?;
        Ok(Outcome::of(RESOURCE, activity.id).undo("crm.activity.archive", json!({ "activity": activity.id })))
    }
}
