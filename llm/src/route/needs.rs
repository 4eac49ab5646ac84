//! What a request asks of a model.

use smallvec::SmallVec;

use super::size::text_bytes;
use crate::chat::{ChatRequest, Dialect, Format, Part};
use crate::config::Capability;
use crate::embed::{EmbedInput, EmbedRequest};
use crate::error::{Error, Kind};
use crate::snapshot::Site;

/// No text in any language has fewer tokens than a sixth of its bytes. What is turned away for its length is too long for certain;
/// what is merely likely to be is for the provider to say.
const BYTES_PER_TOKEN_MAX: u64 = 6;

/// What a request asks of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needs {
    /// What the model has to be able to do.
    pub capabilities: SmallVec<[Capability; 4]>,
    /// Tokens of the question, at least.
    pub input_tokens: u64,
    /// Tokens that the answer may have; 0 for vectors.
    pub output_tokens: u64,
    /// The dialect that the provider has to speak, if the request asks for what only that can express.
    pub dialect: Option<Dialect>,
}

/// What a target lacks. The last one of this order is told of several targets: it is the least that would have to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shortfall {
    /// It cannot do this.
    Capability(&'static str),
    /// It speaks another dialect than the one that can express the request.
    Dialect,
    /// Its answers are shorter than the one that is allowed.
    Output,
    /// Its window is too small.
    Window,
}

impl Needs {
    /// What a conversation asks.
    pub fn of_chat(request: &ChatRequest) -> Self {
        let mut capabilities = SmallVec::from_slice(&[Capability::Chat]);
        if !request.tools.is_empty() {
            capabilities.push(Capability::Tools);
        }
        if request.messages.iter().flat_map(|message| message.content()).any(|part| matches!(part, Part::Image { .. })) {
            capabilities.push(Capability::Vision);
        }
        if matches!(request.format, Format::JsonSchema(_)) {
            capabilities.push(Capability::StructuredOutput);
        }
        Self {
            capabilities,
            input_tokens: text_bytes(request) / BYTES_PER_TOKEN_MAX,
            output_tokens: request.max_tokens.into(),
            dialect: request.wire.as_ref().filter(|_| !request.beyond.is_empty()).map(|wire| wire.dialect),
        }
    }

    /// What texts ask that become vectors: each has the window for itself.
    pub fn of_embeddings(request: &EmbedRequest) -> Self {
        let tokens = |input: &EmbedInput| match input {
            EmbedInput::Text(text) => text.len() as u64 / BYTES_PER_TOKEN_MAX,
            EmbedInput::Tokens(tokens) => tokens.len() as u64,
        };
        Self {
            capabilities: SmallVec::from_slice(&[Capability::Embeddings]),
            input_tokens: request.inputs.iter().map(tokens).max().unwrap_or(0),
            output_tokens: 0,
            dialect: request.wire.as_ref().filter(|_| !request.beyond.is_empty()).map(|wire| wire.dialect),
        }
    }

    /// What this model lacks, if anything.
    pub(crate) fn lacking_in(&self, site: &Site) -> Option<Shortfall> {
        let model = &site.can;
        if let Some(capability) = self.capabilities.iter().find(|capability| !model.can(**capability)) {
            return Some(Shortfall::Capability(capability.as_str()));
        }
        if self.dialect.is_some_and(|dialect| site.provider.dialect() != Some(dialect)) {
            return Some(Shortfall::Dialect);
        }
        if self.output_tokens > model.max_output {
            return Some(Shortfall::Output);
        }
        (self.input_tokens.saturating_add(self.output_tokens) > model.context_window).then_some(Shortfall::Window)
    }
}

impl Shortfall {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Capability(capability) => capability,
            Self::Dialect => "dialect",
            Self::Output => "max_output",
            Self::Window => "context_window",
        }
    }
}

impl From<Shortfall> for Error {
    fn from(shortfall: Shortfall) -> Self {
        let kind = if shortfall == Shortfall::Window { Kind::ContextLength } else { Kind::Unsupported };
        Self::new(kind).with_reason(shortfall.code())
    }
}
