//! Contacts: the people at a party.

mod store;

pub(crate) use store::insert;

use crate::error::Error;
use crate::party::{Party, PartyId, check_email};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::json;
use sqlx::PgConnection;
use steward_kernel::changes::{Changes, filled, given, inputs, update_inputs};
use steward_kernel::command::Command;
use steward_kernel::{Code, CommandSpec, Entity, Error as KernelError, Field, Outcome, Resource, Result, RowScope, Work};
use uuid::Uuid;

steward_kernel::id! {
    /// A contact's id.
    ContactId;
}

const RESOURCE: &str = "crm.contact";
/// Whoever may change a party may change its contacts.
const PERMISSION: &str = "crm:party:update";

pub(crate) fn resource() -> Resource {
    Resource::new(RESOURCE, "contacts", "crm_contact")
        .child_of("crm.party", "party_id")
        .owner("owner_id")
        .department("department_id")
        .company("company_id")
        .field(Field::reference("party", "crm.party").required().in_list())
        .field(Field::text("name").required().sortable().prefix("name_fold").searchable().personal().in_list().writable())
        .field(Field::text("position").searchable().in_list().writable())
        .field(Field::text("email").searchable().personal().in_list().writable().own_words())
        .field(Field::text("phone").max(60).personal().in_list().writable().own_words())
        .sort("name")
        .create("crm.contact.create")
        .update("crm.contact.update")
        .archive("crm.contact.archive")
}

/// A locked row.
pub(crate) struct Contact {
    id: ContactId,
    version: i64,
    archived_at: Option<DateTime<Utc>>,
    owner_id: Option<Uuid>,
    department_id: Option<Uuid>,
    company_id: Option<Uuid>,
    party_id: PartyId,
    name: String,
    position: Option<String>,
    email: Option<String>,
    phone: Option<String>,
}

impl Entity for Contact {
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

/// Locks the party first, then the contact.
async fn lock(work: &mut Work, id: ContactId) -> Result<Contact> {
    let tenant = work.tenant();
    let party = store::party_of(work.db(), tenant, id).await?.ok_or_else(|| KernelError::not_found(RESOURCE))?;
    // A party out of reach must not tell that there is such a record.
    work.lock::<Party>(party).await.map_err(|error| if error.code == Code::NotFound { KernelError::not_found(RESOURCE) } else { error })?;
    work.lock::<Contact>(id).await
}

/// A contact within the input of `crm.party.create`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Line {
    name: String,
    #[serde(default)]
    position: Option<String>,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    phone: Option<String>,
}

impl Line {
    pub(crate) fn into_contact(self, party: PartyId) -> Result<Contact> {
        let email = filled(self.email);
        check_email(email.as_deref())?;
        Ok(Contact {
            id: ContactId::fresh(),
            version: 1,
            archived_at: None,
            owner_id: None,
            department_id: None,
            company_id: None,
            party_id: party,
            name: self.name,
            position: filled(self.position),
            email,
            phone: filled(self.phone),
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Create {
    party: PartyId,
    name: String,
    #[serde(default)]
    position: Option<String>,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    phone: Option<String>,
}

impl Command for Create {
    fn spec() -> CommandSpec {
        CommandSpec::new("crm.contact.create")
            .permission(PERMISSION)
            .input(Field::reference("party", "crm.party").required())
            .inputs(inputs(resource()))
            .undo("crm.contact.archive")
    }
    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let party = work.lock::<Party>(self.party).await?;
        let tenant = work.tenant();
        let contact = Line { name: self.name, position: self.position, email: self.email, phone: self.phone }.into_contact(party.id)?;
        store::insert(work.db(), tenant, party.scope(), &contact).await?;
        Ok(Outcome::of(RESOURCE, contact.id).undo("crm.contact.archive", json!({ "contact": contact.id })))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Update {
    contact: ContactId,
    #[serde(default)]
    name: Option<String>,
    #[serde(default, deserialize_with = "given")]
    position: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    email: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    phone: Option<Option<String>>,
}

impl Command for Update {
    fn spec() -> CommandSpec {
        CommandSpec::new("crm.contact.update").permission(PERMISSION).target("contact").inputs(update_inputs(resource())).undo("crm.contact.update")
    }
    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let mut contact = lock(work, self.contact).await?;
        let mut changes = Changes::default();
        changes.set("name", &mut contact.name, self.name)?;
        changes.set("position", &mut contact.position, self.position.map(filled))?;
        changes.set("email", &mut contact.email, self.email.map(filled))?;
        changes.set("phone", &mut contact.phone, self.phone.map(filled))?;
        if changes.is_empty() {
            return Ok(Outcome::of(RESOURCE, contact.id));
        }
        if changes.has("email") {
            check_email(contact.email.as_deref())?;
        }
        let tenant = work.tenant();
        store::update(work.db(), tenant, &contact).await?;
        Ok(Outcome::of(RESOURCE, contact.id).undo("crm.contact.update", changes.undo("contact", contact.id)))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Archive {
    contact: ContactId,
}

impl Command for Archive {
    fn spec() -> CommandSpec {
        CommandSpec::new("crm.contact.archive").permission(PERMISSION).target("contact").undo("crm.contact.restore")
    }
    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let contact = lock(work, self.contact).await?;
        if contact.archived_at.is_some() {
            return Err(Error::Archived.into());
        }
        let (tenant, now) = (work.tenant(), work.now());
        store::set_archived(work.db(), tenant, contact.id, Some(now)).await?;
        Ok(Outcome::of(RESOURCE, contact.id).undo("crm.contact.restore", json!({ "contact": contact.id })))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Restore {
    contact: ContactId,
}

impl Command for Restore {
    fn spec() -> CommandSpec {
        CommandSpec::new("crm.contact.restore").permission(PERMISSION).target("contact").undo("crm.contact.archive")
    }
    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let contact = lock(work, self.contact).await?;
        if contact.archived_at.is_none() {
            return Err(Error::NotArchived.into());
        }
        let tenant = work.tenant();
        store::set_archived(work.db(), tenant, contact.id, None).await?;
        Ok(Outcome::of(RESOURCE, contact.id).undo("crm.contact.archive", json!({ "contact": contact.id })))
    }
}
