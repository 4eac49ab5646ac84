//! The kernel: what every module and every door of Steward stands on.
//!
//! Start at [`module::Module`], what a module declares, and at [`bus::Bus::execute`], the one door for writes, whose
//! pipeline is fixed and readable in one file. Reads go through [`read::Read`] and the query builder in [`query`], the
//! only code that joins tables of different modules.
//!
//! Deliberately absent: HTTP, rendering, models, search engines, and any knowledge of a particular module.

pub mod audit;
pub mod bus;
pub mod calendar;
pub mod catalogue;
pub mod changes;
pub mod clock;
pub mod command;
pub mod custom;
pub mod database;
pub mod error;
pub mod events;
pub mod ids;
pub mod input;
pub mod labels;
pub mod message;
pub mod module;
pub mod money;
pub mod principal;
pub mod query;
pub mod read;
pub mod relay;
pub mod report;
pub mod tenant;
pub mod text;
pub mod work;

pub use catalogue::{Catalogue, CommandSpec, Field, Kind, Measure, ReportSpec, Resource, Risk};
pub use clock::Clock;
pub use command::{Command, Entity, Outcome, Query, Reference, RowScope};
pub use error::{Code, Error, Result};
pub use events::{Event, Subscription};
pub use message::Message;
pub use module::Module;
pub use money::{Currency, Money, Quantity};
pub use principal::{Door, Principal, Scope};
pub use read::Read;
pub use report::{Report, Table};
pub use work::Work;
