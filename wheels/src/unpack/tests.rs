use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::unpack;
use crate::folder::remove_dir;
use crate::wheel::Wheel;

const WHEEL: Wheel = Wheel {
    name: "Thing",
    shown_version: "1",
    size: "1 MB",
    package: "thing",
    version: "1.0",
    sha256: "0123456789abcdef",
    tags: None,
    wanted: &["thing/lib", "thing/bin/", "thing/LICENSE"],
    unwanted: &["thing/lib/include/"],
    programs: Some("thing/bin"),
    instead: "do without",
};

/// A folder of a test's own, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("steward-wheels-{name}-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }

    fn archive(&self, names: &[&str]) -> PathBuf {
        let path = self.0.join("thing.whl");
        let mut archive = ZipWriter::new(File::create(&path).unwrap());
        for name in names {
            archive.start_file(*name, SimpleFileOptions::default().unix_permissions(0o777)).unwrap();
            archive.write_all(name.as_bytes()).unwrap();
        }
        archive.finish().unwrap();
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = remove_dir(&self.0);
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn only_what_is_wanted_is_unpacked_and_the_modes_are_ours() {
    let scratch = Scratch::new("wanted");
    let archive = scratch.archive(&["thing/libthing.so.1", "thing/lib/include/thing.h", "thing/lib/thing.a", "thing/bin/run", "thing/LICENSE", "other/file"]);
    let target = scratch.0.join("unpacked");
    unpack(&WHEEL, &archive, &target).unwrap();
    assert_eq!(fs::read_to_string(target.join("thing/bin/run")).unwrap(), "thing/bin/run");
    assert_eq!(mode(&target.join("thing/bin/run")), 0o755);
    assert_eq!(mode(&target.join("thing/libthing.so.1")), 0o755);
    assert_eq!(mode(&target.join("thing/LICENSE")), 0o644);
    for left_out in ["thing/lib/include/thing.h", "thing/lib/thing.a", "other/file"] {
        assert!(!target.join(left_out).exists(), "{left_out}");
    }
}

#[test]
fn a_name_that_leaves_the_archive_is_refused() {
    let scratch = Scratch::new("leaves");
    let archive = scratch.archive(&["../thing/LICENSE"]);
    let refused = unpack(&WHEEL, &archive, &scratch.0.join("unpacked")).unwrap_err();
    assert!(format!("{refused:#}").contains("leaves the archive"), "{refused:#}");
    assert!(!scratch.0.join("thing").exists());
}

#[test]
fn what_is_in_place_is_neither_fetched_nor_checked_again() {
    let scratch = Scratch::new("place");
    let folder = scratch.0.join("1.0-01234567");
    assert_eq!(WHEEL.locate(&scratch.0), None);
    fs::create_dir(&folder).unwrap();
    let found = WHEEL.locate_or_fetch(&scratch.0, &|line| panic!("{line}"), &|_| panic!("checked")).unwrap();
    assert_eq!(found, folder);
}
