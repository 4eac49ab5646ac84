//! `crm.party.update`: changes what was given. Its undo restores the old values while the party stays at that version.

use super::{Party, PartyId, RESOURCE, check_credit, check_email, check_term, money_of, resource, store};
use crate::error::Error;
use serde::Deserialize;
use serde_json::{Map, Value};
use steward_kernel::changes::{Changes, filled, given, update_inputs};
use steward_kernel::command::Command;
use steward_kernel::{CommandSpec, Currency, Money, Outcome, Result, Work};
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Update {
    party: PartyId,
    #[serde(default, deserialize_with = "given")]
    code: Option<Option<String>>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    is_customer: Option<bool>,
    #[serde(default)]
    is_supplier: Option<bool>,
    #[serde(default, deserialize_with = "given")]
    tax_id: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    email: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    phone: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    website: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    language: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    currency: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    payment_term_days: Option<Option<i64>>,
    #[serde(default, deserialize_with = "given")]
    credit_limit: Option<Option<Money>>,
    #[serde(default, deserialize_with = "given")]
    note: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    owner: Option<Option<Uuid>>,
    #[serde(default, deserialize_with = "given")]
    department: Option<Option<Uuid>>,
    #[serde(default, deserialize_with = "given")]
    company: Option<Option<Uuid>>,
    #[serde(default)]
    custom: Map<String, Value>,
}

impl Command for Update {
    fn spec() -> CommandSpec {
        CommandSpec::new("crm.party.update").target("party").inputs(update_inputs(resource())).undo("crm.party.update").customizable()
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let mut party = work.lock::<Party>(self.party).await?;
        let mut changes = Changes::default();

        if self.credit_limit.is_some() {
            check_credit(work)?;
        }
        let (mut limit, mut currency) = standing(&party)?;
        if let Some(given) = self.currency {
            changes.set("currency", &mut currency, Some(filled(given).map(Currency::new).transpose()?))?;
        }
        if let Some(Some(money)) = &self.credit_limit
            && currency.is_none()
        {
            changes.set("currency", &mut currency, Some(Some(money.currency.clone())))?;
        }
        changes.set("credit_limit", &mut limit, self.credit_limit)?;
        (party.credit_limit, party.currency) = money_of(limit, currency)?;

        changes.set("code", &mut party.code, self.code.map(filled))?;
        changes.set("name", &mut party.name, self.name)?;
        changes.set("kind", &mut party.kind, self.kind)?;
        changes.set("is_customer", &mut party.is_customer, self.is_customer)?;
        changes.set("is_supplier", &mut party.is_supplier, self.is_supplier)?;
        changes.set("tax_id", &mut party.tax_id, self.tax_id.map(filled))?;
        changes.set("email", &mut party.email, self.email.map(filled))?;
        changes.set("phone", &mut party.phone, self.phone.map(filled))?;
        changes.set("website", &mut party.website, self.website.map(filled))?;
        changes.set("language", &mut party.language, self.language.map(filled))?;
        changes.set("payment_term_days", &mut party.payment_term_days, self.payment_term_days)?;
        changes.set("note", &mut party.note, self.note.map(filled))?;
        changes.set("owner", &mut party.owner_id, self.owner)?;
        changes.set("department", &mut party.department_id, self.department)?;
        changes.set("company", &mut party.company_id, self.company)?;
        changes.set_custom(&mut party.custom, self.custom);
        if changes.is_empty() {
            return Ok(Outcome::of(RESOURCE, party.id));
        }
        // Only what changes is checked: a value of old must not stand in the way of another field.
        if changes.has("email") {
            check_email(party.email.as_deref())?;
        }
        check_term(party.payment_term_days)?;

        let tenant = work.tenant();
        if changes.has("code") && store::code_taken(work.db(), tenant, &party).await? {
            return Err(Error::CodeTaken.into());
        }
        store::update(work.db(), tenant, &party).await?;
        if ["owner", "department", "company"].iter().any(|name| changes.has(name)) {
            store::hand_over_children(work.db(), tenant, &party).await?;
        }
        Ok(Outcome::of(RESOURCE, party.id).undo("crm.party.update", changes.undo("party", party.id)))
    }
}

/// The credit limit and the currency as they stand, as the types of the inputs.
fn standing(party: &Party) -> Result<(Option<Money>, Option<Currency>)> {
    let currency = party.currency.clone().map(Currency::new).transpose()?;
    let limit = party.credit_limit.zip(currency.clone()).map(|(amount, currency)| Money::new(amount, currency));
    Ok((limit, currency))
}
