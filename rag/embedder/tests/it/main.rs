//! The trait over what needs no model, and the client against workers that misbehave.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod contract;
mod hashed;
mod worker;
