//! How many imports run in this process: each holds a parsed file in memory and a connection or two.

use std::sync::Arc;
use steward_kernel::{Code, Error, Result};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The places of this process.
pub(crate) struct Places(Arc<Semaphore>);

/// One of them, until it is dropped.
pub(super) struct Place(#[expect(dead_code, reason = "holding it is all that it is for")] OwnedSemaphorePermit);

impl Places {
    pub(crate) fn new(imports_at_once: u32) -> Self {
        // Both are 64 bits wide where servers run; a smaller machine has room for fewer anyway.
        Self(Arc::new(Semaphore::new(usize::try_from(imports_at_once).unwrap_or(Semaphore::MAX_PERMITS).min(Semaphore::MAX_PERMITS))))
    }

    /// Refuses with the reason `import.too_many` when all are taken: whoever waited would hold his file in memory.
    pub(super) fn take(&self) -> Result<Place> {
        Arc::clone(&self.0)
            .try_acquire_owned()
            .map(Place)
            .map_err(|_| Error::new(Code::RateLimited, "as many imports as this process takes are running; try again in a moment").because("import.too_many"))
    }
}
