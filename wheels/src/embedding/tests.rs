use std::path::Path;

use super::{Files, check_library, runtime_for};

#[test]
fn both_processors_have_a_pinned_file_of_their_own_and_others_are_told_what_to_do() {
    let [x86, arm] = ["x86_64", "aarch64"].map(|arch| runtime_for("linux", arch).unwrap());
    assert_ne!(x86.sha256, arm.sha256);
    assert!(x86.tags.unwrap().platform.ends_with("x86_64") && arm.tags.unwrap().platform.ends_with("aarch64"));
    let refused = runtime_for("linux", "riscv64").unwrap_err().to_string();
    assert!(refused.contains("embedder.engine"), "{refused}");
}

#[test]
fn a_library_that_the_loader_refuses_does_not_pass() {
    let refused = check_library(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml").as_path()).unwrap_err().to_string();
    assert!(refused.contains("cannot be loaded"), "{refused}");
}

#[test]
fn an_empty_home_has_no_files() {
    assert_eq!(Files::locate_in(Path::new("/nonexistent")), None);
}
