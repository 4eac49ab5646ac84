//! A model at a server that speaks OpenAI's chat completions, in one section of a configuration.
//!
//! Start at [`OpenAiConfig`]; the server itself is an [`Endpoint`].

use secrecy::SecretString;
use serde::Deserialize;

use crate::dialect::openai::Quirks;
use crate::endpoint::{Api, Endpoint, EndpointConfig};
use crate::error::Error;
use crate::provider::{Target, Timeouts};

pub use crate::dialect::openai::TokenLimit;

/// Where an OpenAI-compatible server is and how it is called.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenAiConfig {
    /// The name in metrics and in "answered by".
    pub name: String,
    /// The address up to and with the version, such as `https://api.openai.com/v1`.
    pub base_url: String,
    /// The key; servers at home often need none.
    #[serde(default)]
    pub api_key: Option<SecretString>,
    /// The model that is asked for when a request names none.
    pub model: String,
    /// How long to wait for what.
    #[serde(default)]
    pub timeouts: Timeouts,
    /// The field for the length of the answer; if absent, chosen by the address.
    #[serde(default)]
    pub token_limit: Option<TokenLimit>,
    /// Its provider and name in the price table, as `openai/gpt-4.1`; unless set, the vendor and the model's name.
    #[serde(default)]
    pub price: Option<String>,
    /// A proxy; the environment's proxy variables are not read.
    #[serde(default)]
    pub proxy_url: Option<String>,
}

impl OpenAiConfig {
    /// The server.
    ///
    /// # Errors
    /// As [`Endpoint::new`] and [`Endpoint::check`].
    pub fn endpoint(&self) -> Result<Endpoint, Error> {
        let is_openai = reqwest::Url::parse(&self.base_url).is_ok_and(|url| url.host_str() == Some("api.openai.com"));
        let known = if is_openai { Quirks::OPENAI } else { Quirks::COMPATIBLE };
        let quirks = Quirks { token_limit: self.token_limit.unwrap_or(known.token_limit), ..known };
        let endpoint = Endpoint::new(&EndpointConfig {
            name: self.name.clone(),
            base_url: self.base_url.clone(),
            api: Api::OpenAi { quirks },
            headers: std::collections::BTreeMap::new(),
            proxy_url: self.proxy_url.clone(),
        })?;
        self.api_key.as_ref().map(|key| endpoint.check(key)).transpose()?;
        Ok(endpoint)
    }

    /// The model that it names, with the key and the time-outs.
    pub fn target(&self) -> Target {
        Target { model: self.model.as_str().into(), credential: self.api_key.clone(), timeouts: self.timeouts }
    }
}
