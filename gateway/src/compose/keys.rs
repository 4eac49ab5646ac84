//! Whose key for models it is: identity knows, and the module that looks after models asks.

use futures::FutureExt;
use futures::future::BoxFuture;
use std::sync::Arc;
use steward_ai::access::{Keys, Proven};
use steward_identity::auth::{Authenticator, ModelKey};
use steward_kernel::Result;

pub(super) struct ModelKeys(pub(super) Arc<Authenticator>);

impl Keys for ModelKeys {
    fn prove<'a>(&'a self, bearer: &'a str) -> BoxFuture<'a, Result<Proven>> {
        async move {
            let ModelKey { tenant, user, key } = self.0.model_key(bearer).await?;
            Ok(Proven { tenant, user, key })
        }
        .boxed()
    }
}
