//! The private PostgreSQL for real: fetched, started, killed, recovered, stopped.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod cluster;
mod runtime;

use std::path::{Path, PathBuf};

use steward_postgres::default_home;

/// The home that everything in this checkout shares, so that the programs are fetched once.
fn shared_home() -> PathBuf {
    default_home(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// A home of a test's own, within reach of the server's user, removed at the end.
struct ScratchHome(PathBuf);

impl ScratchHome {
    fn new(name: &str) -> Self {
        Self(shared_home().join(format!("scratch-{name}-{}", std::process::id())))
    }
}

impl Drop for ScratchHome {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
