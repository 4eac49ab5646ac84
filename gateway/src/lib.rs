//! The program `steward`: the composition root and its HTTP doors.
//!
//! Start at [`compose`], which puts the modules, the database and the doors together, then at [`http::router`]. REST is
//! generated from the catalogue ([`http`]`::rest`), and so are the OpenAPI document and the screens; nobody writes a route
//! for an entity. Subcommands stand in [`cli`].
//!
//! Deliberately absent: business rules. What a door may do it does through the bus and the query builder of the kernel.

pub mod assistant;
mod bench;
pub mod cli;
pub mod compose;
pub mod config;
pub mod demo;
pub mod error;
pub mod http;
pub mod import;
mod models;
pub mod screens;
pub mod shutdown;
pub mod state;
pub mod telemetry;
