//! Who makes providers out of their configuration.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config;
use crate::endpoint::{Endpoint, EndpointConfig};
use crate::provider::Provider;

/// Makes providers. A test makes scripted ones.
pub trait Factory: Send + Sync {
    /// The provider of this name. Its keys come with each attempt. Called again at each reload.
    ///
    /// # Errors
    /// Why it cannot be made, in words without anything secret.
    fn provider(&self, name: &str, config: &config::Provider) -> Result<Arc<dyn Provider>, String>;
}

impl<F> Factory for F
where
    F: Fn(&str, &config::Provider) -> Result<Arc<dyn Provider>, String> + Send + Sync,
{
    fn provider(&self, name: &str, config: &config::Provider) -> Result<Arc<dyn Provider>, String> {
        self(name, config)
    }
}

/// Makes providers that call their servers over HTTP.
#[derive(Clone, Copy, Debug, Default)]
pub struct Http;

impl Factory for Http {
    fn provider(&self, name: &str, config: &config::Provider) -> Result<Arc<dyn Provider>, String> {
        let endpoint = Endpoint::new(&EndpointConfig {
            name: name.to_owned(),
            base_url: config.base_url().unwrap_or_default().to_owned(),
            api: config.api(),
            headers: BTreeMap::new(),
            proxy_url: config.proxy_url.clone(),
        });
        Ok(Arc::new(endpoint.map_err(|error| error.to_string())?))
    }
}
