//! Parties: persons and organisations, as customers, suppliers, both or neither.
//!
//! City and country of the main address stand in the party's own row, see [`store::copy_main_address`].

pub(crate) mod archive;
pub(crate) mod create;
pub(crate) mod describe;
pub(crate) mod store;
pub(crate) mod update;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::Value;
use sqlx::PgConnection;
use steward_kernel::{Currency, Entity, Error, Field, Measure, Money, Resource, Result, RowScope, Scope, Work};
use uuid::Uuid;

steward_kernel::id! {
    /// A party's id.
    PartyId;
}

pub(crate) const RESOURCE: &str = "crm.party";
/// The permission to see and to set what a party may owe.
pub(crate) const CREDIT: &str = "crm:party:credit";

pub(crate) fn resource() -> Resource {
    Resource::new(RESOURCE, "parties", "crm_party")
        .owner("owner_id")
        .department("department_id")
        .company("company_id")
        .field(Field::text("code").max(60).prefix("code_fold").searchable().in_list().writable())
        .field(Field::text("name").required().sortable().prefix("name_fold").searchable().in_list().writable())
        .field(Field::choice("kind", &["organisation", "person"]).required().default("organisation").writable())
        .field(Field::boolean("is_customer").required().in_list().writable())
        .field(Field::boolean("is_supplier").required().in_list().writable())
        .field(Field::text("city").prefix("city_fold").searchable().in_list())
        .field(Field::text("country").prefix("country_fold").searchable().in_list())
        .field(Field::text("tax_id").max(60).searchable().writable())
        .field(Field::text("email").personal().searchable().writable().own_words())
        .field(Field::text("phone").max(60).personal().in_list().writable().own_words())
        .field(Field::text("website").writable().own_words())
        .field(Field::text("language").max(10).writable())
        .field(Field::text("currency").max(3).writable())
        .field(Field::integer("payment_term_days").writable())
        .field(Field::money("credit_limit").permission(CREDIT).writable())
        .field(Field::long_text("note").searchable().writable())
        .field(Field::reference("owner", "identity.user").writable())
        .field(Field::reference("department", "identity.department").writable())
        .field(Field::reference("company", "identity.company").writable())
        .measure(Measure::sum_money("credit_limit_total", "credit_limit").permission(CREDIT))
        .named_filter("customers", "t.is_customer")
        .named_filter("suppliers", "t.is_supplier")
        .sort("name")
        .create("crm.party.create")
        .update("crm.party.update")
        .archive("crm.party.archive")
        .customizable()
}

/// A locked row.
pub(crate) struct Party {
    pub(crate) id: PartyId,
    pub(crate) version: i64,
    pub(crate) archived_at: Option<DateTime<Utc>>,
    pub(crate) custom: Value,
    pub(crate) owner_id: Option<Uuid>,
    pub(crate) department_id: Option<Uuid>,
    pub(crate) company_id: Option<Uuid>,
    pub(crate) code: Option<String>,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) is_customer: bool,
    pub(crate) is_supplier: bool,
    pub(crate) tax_id: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) phone: Option<String>,
    pub(crate) website: Option<String>,
    pub(crate) language: Option<String>,
    pub(crate) currency: Option<String>,
    pub(crate) payment_term_days: Option<i64>,
    pub(crate) credit_limit: Option<Decimal>,
    pub(crate) note: Option<String>,
    /// Of the main address.
    pub(crate) city: Option<String>,
    pub(crate) country: Option<String>,
}

impl Entity for Party {
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
        store::lock(db, tenant, PartyId(id)).await
    }
}

/// Where a new record of this user belongs when nothing was said: to himself, his department or his company, by the
/// width at which he holds `permission`; at the width of the tenant to nobody in particular.
pub(crate) fn placed(work: &Work, permission: &str, given: RowScope) -> RowScope {
    let rights = work.rights();
    match rights.scope(permission) {
        Some(Scope::Own | Scope::Team) => RowScope { owner: given.owner.or(Some(work.user())), ..given },
        Some(Scope::Department) => RowScope { department: given.department.or(rights.department), ..given },
        Some(Scope::Company) => RowScope { company: given.company.or(rights.company), ..given },
        Some(Scope::Tenant) | None => given,
    }
}

/// Who sets a credit limit needs the permission of the field, not just that of the command.
fn check_credit(work: &Work) -> Result<()> {
    if work.principal().is_system() || work.rights().may(CREDIT) { Ok(()) } else { Err(Error::forbidden(CREDIT)) }
}

/// The amount and the one currency that hold together.
fn money_of(limit: Option<Money>, currency: Option<Currency>) -> Result<(Option<Decimal>, Option<String>)> {
    match (limit, currency) {
        (Some(limit), Some(currency)) if limit.currency != currency => {
            Err(Error::field("credit_limit", format!("the party's currency is {currency}, so the credit limit must be in it")))
        }
        (Some(limit), _) if limit.amount.is_sign_negative() && !limit.amount.is_zero() => Err(Error::field("credit_limit", "must not be negative")),
        (Some(limit), _) => Ok((Some(limit.amount), Some(limit.currency.into()))),
        (None, currency) => Ok((None, currency.map(String::from))),
    }
}

/// A slip of the hand, not a proof that the mailbox exists.
pub(crate) fn check_email(email: Option<&str>) -> Result<()> {
    match email {
        Some(email) if !email.contains('@') || email.contains(char::is_whitespace) => Err(Error::field("email", "an e-mail address is expected")),
        _ => Ok(()),
    }
}

fn check_term(days: Option<i64>) -> Result<()> {
    match days {
        Some(days) if !(0..=3650).contains(&days) => Err(Error::field("payment_term_days", "0 to 3650 days are expected")),
        _ => Ok(()),
    }
}
