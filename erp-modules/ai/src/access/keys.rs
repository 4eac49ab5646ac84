//! Who knows whose key it is. Keys belong to identity, which this crate does not depend on: whoever puts the program together
//! hands its answer in here.

use futures::future::BoxFuture;
use steward_kernel::Result;
use uuid::Uuid;

/// A key for models that lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proven {
    /// Whose tenant.
    pub tenant: Uuid,
    /// Whose calls they are.
    pub user: Uuid,
    /// The key's id.
    pub key: Uuid,
}

/// Looks a key up.
pub trait Keys: Send + Sync {
    /// Whose key it is, if it lives now, is right and is one for models; else [`steward_kernel::Code::Unauthenticated`].
    fn prove<'a>(&'a self, bearer: &'a str) -> BoxFuture<'a, Result<Proven>>;
}
