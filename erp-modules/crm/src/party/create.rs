//! `crm.party.create`: a new party with its addresses and contacts, unless it looks like one that is there already.

use super::{Party, PartyId, RESOURCE, check_credit, check_email, check_term, money_of, placed, resource, store};
use crate::error::Error;
use crate::{address, contact};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use steward_kernel::changes::{filled, inputs};
use steward_kernel::command::Command;
use steward_kernel::{CommandSpec, Currency, Entity, Field, Money, Outcome, Result, RowScope, Work};
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Create {
    #[serde(default)]
    code: Option<String>,
    name: String,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    is_customer: Option<bool>,
    #[serde(default)]
    is_supplier: Option<bool>,
    #[serde(default)]
    tax_id: Option<String>,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    phone: Option<String>,
    #[serde(default)]
    website: Option<String>,
    #[serde(default)]
    language: Option<String>,
    #[serde(default)]
    currency: Option<String>,
    #[serde(default)]
    payment_term_days: Option<i64>,
    #[serde(default)]
    credit_limit: Option<Money>,
    #[serde(default)]
    note: Option<String>,
    #[serde(default)]
    owner: Option<Uuid>,
    #[serde(default)]
    department: Option<Uuid>,
    #[serde(default)]
    company: Option<Uuid>,
    /// The first one becomes the main address.
    #[serde(default)]
    addresses: Option<Vec<address::Line>>,
    #[serde(default)]
    contacts: Option<Vec<contact::Line>>,
    #[serde(default)]
    allow_duplicate: Option<bool>,
    #[serde(default)]
    custom: Map<String, Value>,
}

impl Command for Create {
    fn spec() -> CommandSpec {
        // Kind and the two marks have defaults, so a form need not send them.
        let fields = inputs(resource()).into_iter().map(|field| Field { required: field.name == "name", ..field });
        CommandSpec::new("crm.party.create")
            .inputs(fields)
            .input(Field::lines("addresses", inputs(address::resource()).into_iter().map(|field| Field { required: false, ..field }).collect()))
            .input(Field::lines("contacts", inputs(contact::resource())))
            .undo("crm.party.archive")
            .duplicate_guard(&["tax_id", "name", "addresses"])
            .customizable()
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        if self.credit_limit.is_some() {
            check_credit(work)?;
        }
        let (credit_limit, currency) = money_of(self.credit_limit, filled(self.currency).map(Currency::new).transpose()?)?;
        check_term(self.payment_term_days)?;
        let scope = placed(work, "crm:party:create", RowScope { owner: self.owner, department: self.department, company: self.company });
        work.check_new(scope)?;
        let addresses = self.addresses.unwrap_or_default();
        let main = addresses.first();
        let party = Party {
            id: PartyId::fresh(),
            version: 1,
            archived_at: None,
            custom: Value::Object(self.custom),
            owner_id: scope.owner,
            department_id: scope.department,
            company_id: scope.company,
            code: filled(self.code),
            name: self.name,
            kind: self.kind.unwrap_or_else(|| "organisation".into()),
            is_customer: self.is_customer.unwrap_or_default(),
            is_supplier: self.is_supplier.unwrap_or_default(),
            tax_id: filled(self.tax_id),
            email: filled(self.email),
            phone: filled(self.phone),
            website: filled(self.website),
            language: filled(self.language),
            currency,
            payment_term_days: self.payment_term_days,
            credit_limit,
            note: filled(self.note),
            city: main.and_then(address::Line::city),
            country: main.and_then(address::Line::country),
        };
        check_email(party.email.as_deref())?;

        let tenant = work.tenant();
        if store::code_taken(work.db(), tenant, &party).await? {
            return Err(Error::CodeTaken.into());
        }
        if self.allow_duplicate != Some(true) {
            store::lock_names(work.db(), tenant, &party.name, party.tax_id.as_deref()).await?;
            if let Some(duplicate) = store::find_duplicate(work.db(), tenant, &party).await? {
                return Err(duplicate.into());
            }
        }
        store::insert(work.db(), tenant, &party).await?;
        for (position, line) in addresses.into_iter().enumerate() {
            address::insert(work.db(), tenant, party.id, party.scope(), &line.into_address(party.id, position == 0)).await?;
        }
        for line in self.contacts.unwrap_or_default() {
            let contact = line.into_contact(party.id)?;
            contact::insert(work.db(), tenant, party.scope(), &contact).await?;
        }
        work.emit("crm.party.created", party.id, json!({ "is_customer": party.is_customer, "is_supplier": party.is_supplier }));
        Ok(Outcome::of(RESOURCE, party.id).undo("crm.party.archive", json!({ "party": party.id })))
    }
}
