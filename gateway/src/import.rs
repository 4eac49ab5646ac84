//! Bringing data in: CSV files through commands, with an error for each row.
//!
//! Start at [`import`]: a [`mapping`] says which file becomes which command, [`shape`] applies it, [`resolve`] looks up what
//! rows refer to, [`execute`] runs them in chunks. The route for one resource ([`http`]) makes its records from the headers
//! of the file and runs them in the [`background`]; the demo company makes them by code; all run the same way.
//!
//! **Invariants:** rows run through the bus with the importer's rights, like everything that writes. An external id is
//! written in the transaction of its record: a second run changes nothing, and a killed one goes on where it was. What runs
//! at a time is bounded, for a process and for a person.

mod background;
pub mod execute;
mod http;
pub mod mapping;
mod places;
pub mod record;
pub mod report;
mod resolve;
mod runs;
pub mod shape;
pub mod table;

pub(crate) use http::router;
pub(crate) use places::Places;

use execute::{Mode, Progress, Run};
use mapping::Mapping;
use record::Batch;
use report::Report;
use resolve::Resolver;
use shape::Files;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use steward_kernel::bus::Kernel;
use steward_kernel::{Error, Principal, Result};
use table::Table;

/// Rows of one file from the command line.
const ROWS_MAX: usize = 5_000_000;

/// Imports the files of a folder by a mapping. `variables` are the ones that the mapping lists.
pub async fn import_folder(
    kernel: &Arc<Kernel>,
    principal: &Principal,
    mapping: &Mapping,
    variables: &BTreeMap<String, String>,
    folder: &Path,
    mode: Mode,
    progress: &(dyn Fn(&Progress<'_>) + Sync),
) -> Result<Report> {
    let mut files = HashMap::new();
    for file in mapping.files() {
        // A mapping names files of the folder, not ways out of it.
        if file.contains(['/', '\\']) || file.starts_with('.') {
            return Err(Error::bad_request(format!("{file:?} is not the name of a file in the folder")));
        }
        let path = folder.join(file);
        let bytes = tokio::fs::read(&path).await.map_err(|error| Error::bad_request(format!("{} cannot be read: {error}", path.display())))?;
        files.insert(file.to_owned(), Table::parse(file, &bytes, ROWS_MAX)?);
    }
    let catalogue = {
        let read = kernel.read(principal).await?;
        let catalogue = Arc::clone(read.catalogue());
        read.finish().await?;
        catalogue
    };
    let batches = shape::shape(mapping, &Files(files), variables, &catalogue)?;
    import(kernel, principal, &mapping.source, &batches, mode, progress).await
}

/// Imports records, whatever they come from.
pub async fn import(
    kernel: &Arc<Kernel>,
    principal: &Principal,
    source: &str,
    batches: &[Batch],
    mode: Mode,
    progress: &(dyn Fn(&Progress<'_>) + Sync),
) -> Result<Report> {
    Run { kernel, principal, source, mode, progress, resolver: Resolver::default(), resumed: None }.all(batches).await
}
