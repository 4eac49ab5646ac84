//! Data that tests and evaluations read and that is no part of the product: what of it is not there was not checked, which
//! nobody should take for good news.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::checkout;

/// Names the folder; the tests and the evaluation read the same variable.
pub(crate) const VARIABLE: &str = "STEWARD_DATA";

/// A file of each set, and what is not checked without it.
const SETS: &[(&str, &str)] = &[
    ("northwind/orders.csv", "the figures of Northwind"),
    ("agentdojo/tasks.json", "published attacks on the assistant"),
    ("cranfield/cran.all.1400", "the ranking of Cranfield"),
];

/// The named folder, which must be there, else `shared/data` beside the checkout, which need not.
pub(crate) fn folder() -> Result<PathBuf> {
    match env::var_os(VARIABLE).filter(|named| !named.is_empty()) {
        None => Ok(checkout::root()?.join("../shared/data")),
        // Tests run in the folders of their packages.
        Some(named) if Path::new(&named).is_dir() => Ok(std::path::absolute(named)?),
        Some(named) => bail!("{VARIABLE} names {}, which is no folder", Path::new(&named).display()),
    }
}

fn absent(folder: &Path) -> Vec<&'static str> {
    SETS.iter().filter(|(file, _)| !folder.join(file).is_file()).map(|(_, unchecked)| *unchecked).collect()
}

/// The last line of a task: what it could not check.
pub(crate) fn tell_absent(folder: &Path) {
    let absent = absent(folder);
    if !absent.is_empty() {
        eprintln!("NOT CHECKED, for want of their data: {}. {VARIABLE} names the folder that has it; this was {}.", absent.join(", "), folder.display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_told() {
        let folder = env::temp_dir().join(format!("steward-data-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("northwind")).unwrap();
        assert_eq!(absent(&folder).len(), SETS.len());
        std::fs::write(folder.join("northwind/orders.csv"), "").unwrap();
        let told = absent(&folder);
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(told, ["published attacks on the assistant", "the ranking of Cranfield"]);
    }
}
