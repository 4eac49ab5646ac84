//! Where a server is, what it speaks and how it departs from it.

use std::collections::BTreeMap;

use reqwest::Url;
use secrecy::SecretString;
use serde::Deserialize;

use crate::chat::Dialect;
use crate::dialect::{anthropic, openai};

/// Where a server is and how it is called. Which models it is asked for, and with which keys, stands elsewhere.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointConfig {
    /// The name in metrics and in "answered by".
    pub name: String,
    /// The address up to and with the version, such as `https://api.openai.com/v1` or `https://api.anthropic.com/v1`; for Azure that of
    /// the resource, such as `https://example.openai.azure.com`.
    pub base_url: String,
    /// What it speaks.
    pub api: Api,
    /// Further headers, as some servers want them.
    #[serde(default)]
    pub headers: BTreeMap<String, SecretString>,
    /// A proxy; the environment's proxy variables are not read.
    #[serde(default)]
    pub proxy_url: Option<String>,
}

/// What a server speaks.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Api {
    /// OpenAI's chat completions.
    OpenAi {
        /// How it departs from them.
        #[serde(default)]
        quirks: openai::Quirks,
    },
    /// The same at Azure.
    Azure {
        /// How models are named there.
        #[serde(default)]
        path: AzurePath,
        /// How it departs from OpenAI.
        #[serde(default = "of_openai")]
        quirks: openai::Quirks,
    },
    /// Anthropic's messages.
    Anthropic {
        /// How it departs from them.
        #[serde(default)]
        quirks: anthropic::Quirks,
    },
}

/// How Azure is asked for a model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum AzurePath {
    /// By its name in the body.
    #[default]
    V1,
    /// By its deployment in the path.
    Deployment {
        /// Such as `2024-10-21`.
        api_version: String,
    },
}

fn of_openai() -> openai::Quirks {
    openai::Quirks::OPENAI
}

impl Api {
    /// What requests and answers are written in.
    pub fn dialect(&self) -> Dialect {
        match self {
            Self::OpenAi { .. } | Self::Azure { .. } => Dialect::OpenAiChat,
            Self::Anthropic { .. } => Dialect::Anthropic,
        }
    }

    pub(super) fn names_models_in_paths(&self) -> bool {
        matches!(self, Self::Azure { path: AzurePath::Deployment { .. }, .. })
    }

    pub(super) fn chat_url(&self, base: &Url, model: &str) -> Url {
        match self {
            Self::OpenAi { .. } => below(base, &["chat", "completions"]),
            Self::Azure { path, .. } => azure(base, path, model, &["chat", "completions"]),
            Self::Anthropic { .. } => below(base, &["messages"]),
        }
    }

    /// Absent if the server turns no texts into vectors.
    pub(super) fn embed_url(&self, base: &Url, model: &str) -> Option<Url> {
        match self {
            Self::OpenAi { .. } => Some(below(base, &["embeddings"])),
            Self::Azure { path, .. } => Some(azure(base, path, model, &["embeddings"])),
            Self::Anthropic { .. } => None,
        }
    }
}

fn azure(base: &Url, path: &AzurePath, model: &str, rest: &[&str]) -> Url {
    match path {
        AzurePath::V1 => below(&below(base, &["openai", "v1"]), rest),
        AzurePath::Deployment { api_version } => {
            let mut url = below(&below(base, &["openai", "deployments", model]), rest);
            url.query_pairs_mut().append_pair("api-version", api_version);
            url
        }
    }
}

/// The address with these segments behind its path, whatever characters they hold.
fn below(base: &Url, segments: &[&str]) -> Url {
    let mut url = base.clone();
    // That an address can have a path was checked when it was read.
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}
