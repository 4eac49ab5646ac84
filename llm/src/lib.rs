//! Providers of language models, and how a question finds one that answers.
//!
//! Start at [`Provider`]: everything that answers like a model implements it, the OpenAI-compatible client as well as the
//! built-in planner. A [`Chain`] finds the provider that answers; a [`Reply`] is put together from its stream by [`collect`].
//!
//! **Invariant:** nothing here knows the ERP, and nothing here writes a prompt, an answer or a key to a log.

mod breaker;
pub mod budget;
pub mod cache;
mod chain;
mod cooldown;
pub mod dialect;
mod error;
pub mod guard;
pub mod limit;
mod openai;
pub mod price;
mod provider;
mod reply;

pub use breaker::{Breaker, BreakerConfig, BreakerState, Permit};
pub use chain::{Chain, ChainConfig, Link, Served};
pub use error::{Error, Kind, Owner};
pub use openai::{OpenAi, OpenAiConfig, Timeouts, TokenLimit};
pub use provider::{ChatRequest, ChatStream, Delta, FinishReason, Message, Provider, Tool, ToolCall, Usage};
pub use reply::{Collector, Reply, collect};
