//! Who makes providers out of their configuration.

use std::sync::Arc;

use crate::config::{self, ProviderKind};
use crate::openai::{OpenAi, OpenAiConfig};
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
        match config.kind {
            ProviderKind::OpenAi | ProviderKind::Compatible => {
                let config = OpenAiConfig {
                    name: name.to_owned(),
                    base_url: config.base_url().unwrap_or_default().to_owned(),
                    api_key: None,
                    model: String::new(),
                    timeouts: config.timeouts,
                    token_limit: config.quirks.token_limit,
                    proxy_url: config.proxy_url.clone(),
                };
                Ok(Arc::new(OpenAi::new(&config).map_err(|error| error.to_string())?))
            }
            ProviderKind::Azure | ProviderKind::Anthropic => Err("this kind cannot be called yet".to_owned()),
        }
    }
}
