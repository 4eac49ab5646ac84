//! Addresses of a party. One of them is the main one: its city and country stand in the party's row as well.
//!
//! The party is locked before its addresses, in every command, so that two changes of one party cannot lock each other out.

mod store;

pub(crate) use store::insert;

use crate::error::Error;
use crate::party::{self, Party, PartyId};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::json;
use sqlx::PgConnection;
use steward_kernel::changes::{Changes, filled, given, inputs, update_inputs};
use steward_kernel::command::Command;
use steward_kernel::{Code, CommandSpec, Entity, Error as KernelError, Field, Outcome, Resource, Result, RowScope, Work};
use uuid::Uuid;

steward_kernel::id! {
    /// An address's id.
    AddressId;
}

const RESOURCE: &str = "crm.address";
/// Whoever may change a party may change its addresses.
const PERMISSION: &str = "crm:party:update";

pub(crate) fn resource() -> Resource {
    Resource::new(RESOURCE, "addresses", "crm_address")
        .child_of("crm.party", "party_id")
        .owner("owner_id")
        .department("department_id")
        .company("company_id")
        .title("city")
        .field(Field::reference("party", "crm.party").required().in_list())
        .field(Field::choice("kind", &["billing", "delivery", "both"]).required().default("both").in_list().writable())
        .field(Field::boolean("main").required().in_list())
        .field(Field::text("street").max(500).searchable().in_list().writable())
        .field(Field::text("postal_code").max(20).searchable().in_list().writable())
        .field(Field::text("city").prefix("city_fold").searchable().in_list().writable())
        .field(Field::text("region").searchable().writable())
        .field(Field::text("country").searchable().in_list().writable())
        .sort("created_at")
        .create("crm.address.create")
        .update("crm.address.update")
        .archive("crm.address.archive")
}

/// A locked row.
pub(crate) struct Address {
    id: AddressId,
    version: i64,
    archived_at: Option<DateTime<Utc>>,
    owner_id: Option<Uuid>,
    department_id: Option<Uuid>,
    company_id: Option<Uuid>,
    party_id: PartyId,
    kind: String,
    main: bool,
    street: Option<String>,
    city: Option<String>,
    region: Option<String>,
    postal_code: Option<String>,
    country: Option<String>,
}

impl Entity for Address {
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

/// Locks the party first, then the address.
async fn lock(work: &mut Work, id: AddressId) -> Result<Address> {
    let tenant = work.tenant();
    let party = store::party_of(work.db(), tenant, id).await?.ok_or_else(|| KernelError::not_found(RESOURCE))?;
    // A party out of reach must not tell that there is such a record.
    work.lock::<Party>(party).await.map_err(|error| if error.code == Code::NotFound { KernelError::not_found(RESOURCE) } else { error })?;
    work.lock::<Address>(id).await
}

/// An address within the input of `crm.party.create`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Line {
    kind: Option<String>,
    street: Option<String>,
    city: Option<String>,
    region: Option<String>,
    postal_code: Option<String>,
    country: Option<String>,
}

impl Line {
    pub(crate) fn city(&self) -> Option<String> {
        filled(self.city.clone())
    }
    pub(crate) fn country(&self) -> Option<String> {
        filled(self.country.clone())
    }
    pub(crate) fn into_address(self, party: PartyId, main: bool) -> Address {
        Address {
            id: AddressId::fresh(),
            version: 1,
            archived_at: None,
            owner_id: None,
            department_id: None,
            company_id: None,
            party_id: party,
            kind: self.kind.unwrap_or_else(|| "both".into()),
            main,
            street: filled(self.street),
            city: filled(self.city),
            region: filled(self.region),
            postal_code: filled(self.postal_code),
            country: filled(self.country),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Create {
    party: PartyId,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    street: Option<String>,
    #[serde(default)]
    city: Option<String>,
    #[serde(default)]
    region: Option<String>,
    #[serde(default)]
    postal_code: Option<String>,
    #[serde(default)]
    country: Option<String>,
}

impl Command for Create {
    fn spec() -> CommandSpec {
        CommandSpec::new("crm.address.create")
            .permission(PERMISSION)
            .input(Field::reference("party", "crm.party").required())
            .inputs(inputs(resource()).into_iter().map(|field| Field { required: false, ..field }))
            .undo("crm.address.archive")
    }
    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let party = work.lock::<Party>(self.party).await?;
        let tenant = work.tenant();
        let line = Line { kind: self.kind, street: self.street, city: self.city, region: self.region, postal_code: self.postal_code, country: self.country };
        let main = !store::has_main(work.db(), tenant, party.id).await?;
        let address = line.into_address(party.id, main);
        store::insert(work.db(), tenant, party.id, party.scope(), &address).await?;
        party::store::copy_main_address(work.db(), tenant, party.id).await?;
        Ok(Outcome::of(RESOURCE, address.id).undo("crm.address.archive", json!({ "address": address.id })))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Update {
    address: AddressId,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default, deserialize_with = "given")]
    street: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    city: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    region: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    postal_code: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    country: Option<Option<String>>,
}

impl Command for Update {
    fn spec() -> CommandSpec {
        CommandSpec::new("crm.address.update").permission(PERMISSION).target("address").inputs(update_inputs(resource())).undo("crm.address.update")
    }
    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let mut address = lock(work, self.address).await?;
        let mut changes = Changes::default();
        changes.set("kind", &mut address.kind, self.kind)?;
        changes.set("street", &mut address.street, self.street.map(filled))?;
        changes.set("city", &mut address.city, self.city.map(filled))?;
        changes.set("region", &mut address.region, self.region.map(filled))?;
        changes.set("postal_code", &mut address.postal_code, self.postal_code.map(filled))?;
        changes.set("country", &mut address.country, self.country.map(filled))?;
        if changes.is_empty() {
            return Ok(Outcome::of(RESOURCE, address.id));
        }
        let tenant = work.tenant();
        store::update(work.db(), tenant, &address).await?;
        party::store::copy_main_address(work.db(), tenant, address.party_id).await?;
        Ok(Outcome::of(RESOURCE, address.id).undo("crm.address.update", changes.undo("address", address.id)))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MakeMain {
    address: AddressId,
}

impl Command for MakeMain {
    fn spec() -> CommandSpec {
        CommandSpec::new("crm.address.make_main").permission(PERMISSION).target("address").undo("crm.address.make_main")
    }
    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let address = lock(work, self.address).await?;
        if address.archived_at.is_some() {
            return Err(Error::Archived.into());
        }
        if address.main {
            return Err(Error::MainAlready.into());
        }
        let tenant = work.tenant();
        let before = store::unset_main(work.db(), tenant, address.party_id).await?;
        store::set_main(work.db(), tenant, address.id).await?;
        party::store::copy_main_address(work.db(), tenant, address.party_id).await?;
        let outcome = Outcome::of(RESOURCE, address.id);
        Ok(match before {
            Some(before) => outcome.undo("crm.address.make_main", json!({ "address": before })),
            None => outcome,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Archive {
    address: AddressId,
}

impl Command for Archive {
    fn spec() -> CommandSpec {
        CommandSpec::new("crm.address.archive").permission(PERMISSION).target("address").undo("crm.address.restore")
    }
    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let address = lock(work, self.address).await?;
        if address.archived_at.is_some() {
            return Err(Error::Archived.into());
        }
        let (tenant, now) = (work.tenant(), work.now());
        store::set_archived(work.db(), tenant, address.id, Some(now)).await?;
        if address.main {
            store::promote(work.db(), tenant, address.party_id).await?;
        }
        party::store::copy_main_address(work.db(), tenant, address.party_id).await?;
        Ok(Outcome::of(RESOURCE, address.id).undo("crm.address.restore", json!({ "address": address.id, "main": address.main })))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Restore {
    address: AddressId,
    /// Becomes the main address again.
    #[serde(default)]
    main: Option<bool>,
}

impl Command for Restore {
    fn spec() -> CommandSpec {
        CommandSpec::new("crm.address.restore").permission(PERMISSION).target("address").input(Field::boolean("main")).undo("crm.address.archive")
    }
    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let address = lock(work, self.address).await?;
        if address.archived_at.is_none() {
            return Err(Error::NotArchived.into());
        }
        let tenant = work.tenant();
        store::set_archived(work.db(), tenant, address.id, None).await?;
        if self.main == Some(true) || !store::has_main(work.db(), tenant, address.party_id).await? {
            store::unset_main(work.db(), tenant, address.party_id).await?;
            store::set_main(work.db(), tenant, address.id).await?;
        }
        party::store::copy_main_address(work.db(), tenant, address.party_id).await?;
        Ok(Outcome::of(RESOURCE, address.id).undo("crm.address.archive", json!({ "address": address.id })))
    }
}
