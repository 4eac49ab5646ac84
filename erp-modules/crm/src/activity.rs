//! Activities: calls, meetings, mails and tasks with a party, each with somebody who sees to it and a day it is due.

pub(crate) mod change;
pub(crate) mod complete;
pub(crate) mod due;
mod store;

use crate::party::PartyId;
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use steward_kernel::{Entity, Field, Resource, Result, RowScope};
use uuid::Uuid;

steward_kernel::id! {
    /// An activity's id.
    ActivityId;
}

const RESOURCE: &str = "crm.activity";
const OPEN: &str = "open";
const DONE: &str = "done";

pub(crate) fn resource() -> Resource {
    Resource::new(RESOURCE, "activities", "crm_activity")
        .owner("owner_id")
        .department("department_id")
        .company("company_id")
        .title("subject")
        .field(Field::reference("party", "crm.party").required().in_list().writable())
        .field(Field::choice("kind", &["call", "meeting", "mail", "task"]).required().default("task").in_list().writable())
        .field(Field::text("subject").required().prefix("subject_fold").searchable().in_list().writable())
        .field(Field::date("due_date").required().sortable().default("today").in_list().writable())
        .field(Field::choice("status", &[OPEN, DONE]).required().in_list())
        .field(Field::timestamp("done_at"))
        .field(Field::long_text("note").searchable().writable())
        .field(Field::reference("owner", "identity.user").in_list().writable())
        .field(Field::reference("department", "identity.department"))
        .field(Field::reference("company", "identity.company"))
        .sort("due_date")
        .create("crm.activity.create")
        .update("crm.activity.update")
        .archive("crm.activity.archive")
}

/// A locked row.
pub(crate) struct Activity {
    id: ActivityId,
    version: i64,
    archived_at: Option<DateTime<Utc>>,
    owner_id: Option<Uuid>,
    department_id: Option<Uuid>,
    company_id: Option<Uuid>,
    party_id: PartyId,
    kind: String,
    subject: String,
    due_date: NaiveDate,
    status: String,
    note: Option<String>,
}

impl Entity for Activity {
    const RESOURCE: &'static str = RESOURCE;
    fn id(&self) -> Uuid {
        self.id.0
    }
    fn version(&self) -> i64 {
        self.version
    }
    fn scope(&self) -> RowScope {
        RowScope { owner: self.owner_id, department: self.department_id, company: self.company_id }
    }
    async fn lock(db: &mut PgConnection, tenant: Uuid, id: Uuid) -> Result<Option<Self>> {
        store::lock(db, tenant, id).await
    }
}
