//! The whole program over a real database and real sockets: one binary, one file for each subject.
//!
//! Start at [`app::TestApp`], which composes the program as `steward serve` does, over a database of its own. What holds
//! for every resource, command and report is tested by reflection over the catalogue ([`catalogue`], [`walls`],
//! [`plans`], [`targets`]), so that a new module is held to it without a line here; [`seed`] makes rows for any table.
#![expect(clippy::unwrap_used, reason = "a test fails where it panics")]

mod ai;
mod app;
mod audit;
mod bus;
mod catalogue;
mod chat;
mod company;
mod conversations;
mod custom_fields;
mod days;
mod demo;
mod doors;
mod embedder;
mod events;
mod example_module;
mod guards;
mod guides;
mod hanging;
mod house;
mod http;
mod imports;
mod index;
mod injection;
mod kill;
mod languages;
mod lines;
mod memory;
mod model;
mod models;
mod multistep;
mod nested;
mod northwind;
mod open;
mod operate;
mod own_writes;
mod plans;
mod proposals;
mod provenance;
mod questions;
mod records;
mod refusals;
mod rest;
mod rights;
mod risks;
mod scopes;
mod search;
mod seed;
mod shop;
mod shutdown;
mod site;
mod soak;
mod speech;
mod stop;
mod streams;
mod talk;
mod targets;
mod telemetry;
mod tenants;
mod texts;
mod undo;
mod walls;
