//! Ids: newtypes over UUID v7, made by one small macro.

use uuid::Uuid;

/// A fresh id, ordered by time.
pub fn fresh() -> Uuid {
    Uuid::now_v7()
}

/// `id!(OrderId);` makes a newtype that (de)serialises as a UUID and can be stored.
#[macro_export]
macro_rules! id {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ::serde::Serialize, ::serde::Deserialize, ::sqlx::Type)]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(pub ::uuid::Uuid);
        impl $name {
            /// A fresh id, ordered by time.
            pub fn fresh() -> Self {
                Self($crate::ids::fresh())
            }
        }
        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                self.0.fmt(f)
            }
        }
        impl From<::uuid::Uuid> for $name {
            fn from(id: ::uuid::Uuid) -> Self {
                Self(id)
            }
        }
        impl From<$name> for ::uuid::Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    )+};
}
