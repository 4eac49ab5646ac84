//! Providers of language models, and how a question finds one that answers.
//!
//! Start at [`Provider`]: everything that answers like a model implements it, the OpenAI-compatible client as well as the
//! built-in planner. What goes in and out of it is in [`chat`] and [`embed`]. A [`Chain`] finds the provider that answers; a [`Reply`] is put together from its stream by [`collect`].
//!
//! **Invariant:** nothing here knows the ERP, and nothing here writes a prompt, an answer or a key to a log.

mod breaker;
pub mod budget;
pub mod cache;
mod chain;
pub mod chat;
mod cooldown;
pub mod dialect;
pub mod embed;
mod error;
pub mod guard;
pub mod limit;
mod openai;
pub mod price;
mod provider;
mod reply;
pub mod shield;

pub use breaker::{Breaker, BreakerConfig, BreakerState, Permit};
pub use chain::{Chain, ChainConfig, Link, Served};
pub use chat::{ChatRequest, ChatStream, Chunk, Delta, Dialect, FinishReason, Message, Part, Tool, ToolCall, Usage};
pub use error::{Breaks, Error, Kind, Next, Owner, Pause, Phase, Policy, Retries};
pub use openai::{OpenAi, OpenAiConfig, TokenLimit};
pub use provider::{Answer, Attempt, Provider, Target, Timeouts};
pub use reply::{Collector, Reply, collect};
