//! What the guides of the repository point at is there.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// `a/{b,c}.rs` as its two paths; a path without braces as itself.
fn spelled_out(path: &str) -> Vec<String> {
    match path.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?))) {
        Some((before, (names, after))) => names.split(',').map(|name| format!("{before}{name}{after}")).collect(),
        None => vec![path.to_owned()],
    }
}

/// Whether a path that a cell names is there: from the root, from the folder of the modules, or beside the one named before.
fn found(path: &str, beside: Option<&Path>) -> Option<PathBuf> {
    let roots = [Some(root()), Some(root().join("erp-modules")), beside.map(Path::to_owned)];
    roots.into_iter().flatten().map(|root| root.join(path)).find(|path| path.exists())
}

#[test]
fn every_guard_that_the_architecture_names_exists() {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let table = text.split_once("| invariant | guarded by |").unwrap().1;
    let mut guards = 0;
    for row in table.lines().skip(2).take_while(|line| line.starts_with('|')) {
        let cell = row.trim_matches('|').rsplit(" | ").next().unwrap();
        let named: Vec<&str> = cell.split('`').skip(1).step_by(2).filter(|name| !name.starts_with("cargo ")).collect();
        assert!(cell.contains('`'), "nothing guards: {row}");
        let mut beside: Option<PathBuf> = None;
        for path in named.into_iter().flat_map(spelled_out) {
            let at = found(&path, beside.as_deref()).unwrap_or_else(|| panic!("there is no {path}, which guards: {row}"));
            beside = at.parent().map(Path::to_owned);
            guards += 1;
        }
    }
    assert!(guards > 50, "{guards}");
}

#[test]
fn every_guard_that_cargo_xtask_runs_is_a_task() {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let tasks = std::fs::read_to_string(root().join("xtask/src/main.rs")).unwrap().to_lowercase();
    let named: Vec<&str> = text.split('`').skip(1).step_by(2).filter_map(|code| code.strip_prefix("cargo xtask ")).collect();
    assert!(named.len() > 3, "{named:?}");
    for task in named {
        assert!(tasks.contains(&format!("    {}(", task.split_whitespace().next().unwrap())), "there is no task {task}");
    }
}
