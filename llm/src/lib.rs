//! Providers of language models, and how a question finds one that answers.
//!
//! Start at [`Provider`]: everything that answers like a model implements it, an [`Endpoint`] over HTTP as well as the
//! built-in planner. What goes in and out of it is in [`chat`] and [`embed`]. A [`Dispatcher`] finds the one
//! that answers, by a [`config`] that takes effect as a [`snapshot`] and by what is known of everybody's [`health`]; a [`Reply`] is put
//! together from its stream by [`collect`].
//!
//! **Invariant:** nothing here knows the ERP, and nothing here writes a prompt, an answer or a key to a log.

pub mod budget;
pub mod cache;
pub mod chat;
pub mod config;
pub mod dialect;
pub mod dispatch;
pub mod embed;
mod endpoint;
mod error;
pub mod guard;
pub mod health;
pub mod limit;
mod openai;
pub mod price;
mod provider;
mod reply;
pub mod route;
pub mod shield;
pub mod snapshot;
pub mod telemetry;

pub use chat::{ChatRequest, ChatStream, Chunk, Delta, Dialect, FinishReason, Message, Part, Tool, ToolCall, Usage};
pub use dispatch::{Call, Dispatcher, Meter, Served};
pub use endpoint::{Api, AzurePath, Endpoint, EndpointConfig};
pub use error::{Breaks, Error, Kind, Next, Owner, Pause, Phase, Policy, Retries};
pub use health::{Breaker, BreakerConfig, BreakerState, Health, Permit, Protected};
pub use openai::{OpenAiConfig, TokenLimit};
pub use provider::{Answer, Attempt, Provider, Target, Timeouts};
pub use reply::{Collector, Reply, collect};
