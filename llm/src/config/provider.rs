//! Servers, the keys that open them, and the models that they serve.

use std::collections::BTreeMap;
use std::path::PathBuf;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::dialect::anthropic::{self, Thinking};
use crate::dialect::ids::Form;
use crate::dialect::openai::{self, TokenLimit};
use crate::endpoint::{Api, AzurePath};
use crate::provider::Timeouts;

/// A server that is called.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// What it speaks.
    pub kind: ProviderKind,
    /// The address up to and with the version. OpenAI and Anthropic have one of their own.
    #[serde(default)]
    pub base_url: Option<String>,
    /// The keys that may be used, each for its share of the requests. Servers at home often need none.
    #[serde(default)]
    pub credentials: Vec<Credential>,
    /// In what it differs from others of its kind.
    #[serde(default)]
    pub quirks: Quirks,
    /// How long an attempt waits for what.
    #[serde(default)]
    pub timeouts: Timeouts,
    /// A proxy; the environment's proxy variables are not read.
    #[serde(default)]
    pub proxy_url: Option<String>,
    /// The models that it serves, by its own names for them.
    #[serde(default)]
    pub models: BTreeMap<String, Model>,
}

/// What a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderKind {
    /// OpenAI itself.
    #[serde(rename = "openai")]
    OpenAi,
    /// OpenAI's models at Azure.
    Azure,
    /// Anthropic's messages.
    Anthropic,
    /// Any server that speaks OpenAI's chat completions: llama.cpp, Ollama, vLLM and the many others.
    Compatible,
}

/// A key. Where it stands is said here, never the key itself; exactly one place is given.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credential {
    /// A name for metrics, screens and the ledger.
    pub name: String,
    /// Its share of the requests, beside the others' weights.
    #[serde(default = "one")]
    pub weight: u32,
    /// The environment variable that holds it.
    #[serde(default)]
    pub key_env: Option<String>,
    /// The file that holds it, without anything else but a line's end. Read again at each reload.
    #[serde(default)]
    pub key_file: Option<PathBuf>,
    /// The key, if a program gives it. It cannot be configured.
    #[serde(skip)]
    pub key: Option<SecretString>,
}

/// In what a server differs from others of its kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quirks {
    /// The field for the length of the answer; if absent, chosen by the kind.
    pub token_limit: Option<TokenLimit>,
    /// Whether it knows `stream_options`, and with it usage at the end of a stream.
    pub stream_options: Option<bool>,
    /// Whether it knows the role `developer`; it becomes `system` otherwise.
    pub developer_role: Option<bool>,
    /// What ids of tool calls have to look like.
    pub ids: Option<Form>,
    /// How Anthropic's models are asked to think.
    pub thinking: Option<Thinking>,
    /// The version of Azure's API, such as `2024-10-21`, where a model is asked for by its deployment in the path.
    pub azure_api_version: Option<String>,
}

/// A model at a server.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Tokens that question and answer may have together.
    pub context_window: u64,
    /// Tokens that an answer may have; needed for chat.
    #[serde(default)]
    pub max_output: u64,
    /// Whether it answers conversations.
    #[serde(default = "yes")]
    pub chat: bool,
    /// Whether it can call tools.
    #[serde(default)]
    pub tools: bool,
    /// Whether it can look at pictures.
    #[serde(default)]
    pub vision: bool,
    /// Whether it can be held to a JSON schema.
    #[serde(default)]
    pub structured_output: bool,
    /// Whether it turns texts into vectors.
    #[serde(default)]
    pub embeddings: bool,
    /// Vectors of models that say the same here can be compared; the model's name unless set.
    #[serde(default)]
    pub vectors: Option<String>,
    /// Its provider and name in the price table, as `openai/gpt-4.1`; unless set, the vendor and the model's name.
    #[serde(default)]
    pub price: Option<String>,
}

/// What a model may be able to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// Answer conversations.
    Chat,
    /// Call tools.
    Tools,
    /// Look at pictures.
    Vision,
    /// Be held to a JSON schema.
    StructuredOutput,
    /// Turn texts into vectors.
    Embeddings,
}

impl Provider {
    /// Where it is; `None` if that has to be said and was not.
    pub fn base_url(&self) -> Option<&str> {
        self.base_url.as_deref().or(match self.kind {
            ProviderKind::OpenAi => Some("https://api.openai.com/v1"),
            ProviderKind::Anthropic => Some("https://api.anthropic.com/v1"),
            ProviderKind::Azure | ProviderKind::Compatible => None,
        })
    }

    /// What is spoken there, and how it departs from that.
    pub(crate) fn api(&self) -> Api {
        let over = |known: openai::Quirks| openai::Quirks {
            token_limit: self.quirks.token_limit.unwrap_or(known.token_limit),
            stream_options: self.quirks.stream_options.unwrap_or(known.stream_options),
            developer_role: self.quirks.developer_role.unwrap_or(known.developer_role),
            ids: self.quirks.ids.unwrap_or(known.ids),
        };
        match self.kind {
            ProviderKind::OpenAi => Api::OpenAi { quirks: over(openai::Quirks::OPENAI) },
            ProviderKind::Compatible => Api::OpenAi { quirks: over(openai::Quirks::COMPATIBLE) },
            ProviderKind::Azure => {
                let path = self.quirks.azure_api_version.clone().map_or(AzurePath::V1, |api_version| AzurePath::Deployment { api_version });
                Api::Azure { path, quirks: over(openai::Quirks::OPENAI) }
            }
            ProviderKind::Anthropic => Api::Anthropic { quirks: anthropic::Quirks { thinking: self.quirks.thinking.unwrap_or_default() } },
        }
    }

    /// The vendor's name in OpenTelemetry's conventions; the provider's own where there is none.
    pub fn vendor<'a>(&self, name: &'a str) -> &'a str {
        match self.kind {
            ProviderKind::OpenAi => "openai",
            ProviderKind::Azure => "azure.ai.openai",
            ProviderKind::Anthropic => "anthropic",
            ProviderKind::Compatible => name,
        }
    }

    /// Where the price of this model stands: a provider and a name in the price table.
    pub fn price<'a>(&'a self, name: &'a str, model: &'a str) -> (&'a str, &'a str) {
        let said = self.models.get(model).and_then(|model| model.price.as_deref()).and_then(|price| price.split_once('/'));
        said.unwrap_or(match self.kind {
            ProviderKind::OpenAi | ProviderKind::Azure => ("openai", model),
            ProviderKind::Anthropic => ("anthropic", model),
            ProviderKind::Compatible => (name, model),
        })
    }
}

impl ProviderKind {
    /// Whether it answers nobody without a key.
    pub(super) fn needs_a_key(self) -> bool {
        !matches!(self, Self::Compatible)
    }
}

impl Model {
    /// Whether it can do this.
    pub fn can(&self, capability: Capability) -> bool {
        match capability {
            Capability::Chat => self.chat,
            Capability::Tools => self.tools,
            Capability::Vision => self.vision,
            Capability::StructuredOutput => self.structured_output,
            Capability::Embeddings => self.embeddings,
        }
    }
}

impl Capability {
    /// The stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Tools => "tools",
            Self::Vision => "vision",
            Self::StructuredOutput => "structured_output",
            Self::Embeddings => "embeddings",
        }
    }
}

pub(super) fn one() -> u32 {
    1
}

fn yes() -> bool {
    true
}
