//! What the commands that write an order share: the inputs of its head, and whose order it is.

use crate::neighbours;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};
use steward_kernel::principal::Scope;
use steward_kernel::{Currency, Error, Field, Money, Result, RowScope, Work};
use uuid::Uuid;

/// An input that tells absent (leave it) from null (clear it).
pub(crate) type Given<T> = Option<Option<T>>;

pub(crate) fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Given<T>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

/// Declares the input of a command together with the fields of an order's head.
/// `#[serde(flatten)]` would do the same, but not together with `deny_unknown_fields`.
macro_rules! order_input {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$field_meta:meta])* pub $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Debug, ::serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $type,)*
            #[serde(default, deserialize_with = "crate::order::header::given")]
            pub required_date: Option<Option<::chrono::NaiveDate>>,
            #[serde(default, deserialize_with = "crate::order::header::given")]
            pub reference: Option<Option<String>>,
            #[serde(default, deserialize_with = "crate::order::header::given")]
            pub ship_via: Option<Option<String>>,
            #[serde(default, deserialize_with = "crate::order::header::given")]
            pub freight: Option<Option<::steward_kernel::Money>>,
            #[serde(default, deserialize_with = "crate::order::header::given")]
            pub ship_name: Option<Option<String>>,
            #[serde(default, deserialize_with = "crate::order::header::given")]
            pub ship_street: Option<Option<String>>,
            #[serde(default, deserialize_with = "crate::order::header::given")]
            pub ship_city: Option<Option<String>>,
            #[serde(default, deserialize_with = "crate::order::header::given")]
            pub ship_region: Option<Option<String>>,
            #[serde(default, deserialize_with = "crate::order::header::given")]
            pub ship_postal_code: Option<Option<String>>,
            #[serde(default, deserialize_with = "crate::order::header::given")]
            pub ship_country: Option<Option<String>>,
            #[serde(default, deserialize_with = "crate::order::header::given")]
            pub note: Option<Option<String>>,
        }
        impl $name {
            fn take_changes(&mut self) -> crate::order::header::Changes {
                crate::order::header::Changes {
                    required_date: self.required_date.take(),
                    freight: self.freight.take(),
                    texts: [
                        self.reference.take(),
                        self.ship_via.take(),
                        self.ship_name.take(),
                        self.ship_street.take(),
                        self.ship_city.take(),
                        self.ship_region.take(),
                        self.ship_postal_code.take(),
                        self.ship_country.take(),
                        self.note.take(),
                    ],
                }
            }
        }
    };
}
pub(crate) use order_input;

/// The texts of an order's head, in the order of [`Details::texts`].
pub(crate) const TEXTS: [&str; 9] =
    ["reference", "ship_via", "ship_name", "ship_street", "ship_city", "ship_region", "ship_postal_code", "ship_country", "note"];

/// The inputs that [`order_input`] adds.
pub(crate) fn inputs() -> Vec<Field> {
    vec![
        Field::date("required_date"),
        Field::text("reference"),
        Field::text("ship_via"),
        Field::money("freight"),
        Field::text("ship_name").personal(),
        Field::text("ship_street").personal(),
        Field::text("ship_city"),
        Field::text("ship_region"),
        Field::text("ship_postal_code"),
        Field::text("ship_country"),
        Field::long_text("note"),
    ]
}

/// The plain facts of an order's head, without rules of their own.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Details {
    pub(crate) required_date: Option<NaiveDate>,
    pub(crate) freight: Decimal,
    pub(crate) texts: [Option<String>; 9],
}

impl Details {
    pub(crate) fn reference(&self) -> Option<&str> {
        self.texts[0].as_deref()
    }
}

/// What is asked to change of [`Details`].
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub(crate) required_date: Given<NaiveDate>,
    pub(crate) freight: Given<Money>,
    pub(crate) texts: [Given<String>; 9],
}

impl Changes {
    /// Writes what is given into `details`; returns the input that takes it back.
    pub(crate) fn apply(self, details: &mut Details, currency: &Currency) -> Result<Map<String, Value>> {
        let mut before = Map::new();
        if let Some(date) = self.required_date {
            before.insert("required_date".into(), json!(std::mem::replace(&mut details.required_date, date)));
        }
        if let Some(freight) = self.freight {
            let amount = match freight {
                Some(freight) if freight.currency != *currency => return Err(Error::field("freight", format!("the order is in {currency}"))),
                Some(freight) if freight.amount.is_sign_negative() && !freight.amount.is_zero() => return Err(Error::field("freight", "must not be negative")),
                Some(freight) => freight.amount,
                None => Decimal::ZERO,
            };
            let old = std::mem::replace(&mut details.freight, amount);
            before.insert("freight".into(), json!({ "amount": old.to_string(), "currency": currency }));
        }
        for ((name, slot), text) in TEXTS.into_iter().zip(&mut details.texts).zip(self.texts) {
            if let Some(text) = text {
                before.insert(name.into(), json!(std::mem::replace(slot, text.filter(|text| !text.is_empty()))));
            }
        }
        Ok(before)
    }
}

/// Whether somebody who has left may still own the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owners {
    Active,
    /// Past orders keep whoever sold them.
    Past,
}

/// Whose order it is: the owner's department, and the named company or else the owner's.
pub(crate) async fn place(work: &mut Work, owner: Option<Uuid>, company: Option<Uuid>, owners: Owners) -> Result<(Uuid, RowScope)> {
    let user = work.user();
    let owner = owner.unwrap_or(user);
    if owner.is_nil() {
        return Err(Error::field("owner", "is required"));
    }
    let (department, usual) = if owner == user {
        (work.rights().department, work.rights().company)
    } else {
        let place = neighbours::place(work, owner).await?;
        if owners == Owners::Active && !place.active {
            return Err(Error::field("owner", format!("{} is not active", place.name)));
        }
        (place.department, place.company)
    };
    let company = match company {
        Some(company) => {
            check_company(work, company)?;
            company
        }
        None => match usual {
            Some(company) => company,
            None => work.company()?,
        },
    };
    Ok((company, RowScope { owner: Some(owner), department, company: Some(company) }))
}

/// Below the width of the tenant one writes for one's own companies only.
fn check_company(work: &Work, company: Uuid) -> Result<()> {
    let rights = work.rights();
    let wide = work.principal().is_system() || rights.grants.get("sales:order:create").max(rights.grants.get("sales:order:bring_in")) == Some(&Scope::Tenant);
    if wide || rights.company == Some(company) || rights.companies.contains(&company) {
        return Ok(());
    }
    Err(Error::field("company", "is not one of your companies"))
}

/// A delivery cannot be wanted before it was ordered.
pub(crate) fn check_dates(order_date: NaiveDate, required_date: Option<NaiveDate>) -> Result<()> {
    match required_date {
        Some(date) if date < order_date => Err(Error::field("required_date", "must not be before the order date")),
        _ => Ok(()),
    }
}

/// Custom values after a change: what is null is cleared, what is not named stays.
pub(crate) fn stored_custom(mut stored: Map<String, Value>, given: Map<String, Value>) -> Map<String, Value> {
    for (name, value) in given {
        if value.is_null() {
            stored.remove(&name);
        } else {
            stored.insert(name, value);
        }
    }
    stored
}
