use std::sync::atomic::{AtomicUsize, Ordering};

use steward_postgres::Runtime;

use crate::ScratchHome;

#[test]
fn two_first_starts_at_once_fetch_once_and_both_get_programs_that_run() {
    let home = ScratchHome::new("fetch");
    let fetches = AtomicUsize::new(0);
    let progress = |line: &str| {
        if line.starts_with("Fetching") {
            fetches.fetch_add(1, Ordering::SeqCst);
        }
    };
    let versions = std::thread::scope(|scope| {
        let start = || {
            let runtime = Runtime::locate_or_fetch_in(&home.0, &progress).unwrap();
            let output = runtime.client("psql").arg("--version").output().unwrap();
            String::from_utf8(output.stdout).unwrap()
        };
        let threads = [scope.spawn(start), scope.spawn(start)];
        threads.map(|thread| thread.join().unwrap())
    });
    assert_eq!(versions, ["psql (PostgreSQL) 18.6\n", "psql (PostgreSQL) 18.6\n"]);
    assert_eq!(fetches.load(Ordering::SeqCst), 1);
    assert!(!home.0.join("postgres/fetch").exists(), "nothing is left of the download");
}

#[test]
fn a_home_that_the_tools_cannot_be_told_of_is_refused() {
    let refused = Runtime::locate_or_fetch_in("/tmp/it's".as_ref(), &|_| {}).unwrap_err();
    assert!(format!("{refused:#}").contains("characters"), "{refused:#}");
}
