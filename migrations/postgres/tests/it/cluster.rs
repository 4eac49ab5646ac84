use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use steward_postgres::{Cluster, Durability, Runtime, Stopped};

use crate::{ScratchHome, shared_home};

fn runtime() -> Runtime {
    Runtime::locate_or_fetch_in(&shared_home(), &|line| eprintln!("{line}")).unwrap()
}

/// A cluster's name of this run's own: an interrupted run must not disturb the next one.
fn name(test: &str) -> String {
    format!("it-{test}-{}", std::process::id())
}

fn kill(pid: u32) {
    let status = Command::new("sh").args(["-c", "kill -KILL \"$0\"", &pid.to_string()]).status().unwrap();
    assert!(status.success());
}

#[test]
fn a_cluster_starts_is_taken_up_again_survives_a_kill_and_stops() {
    let (runtime, name) = (runtime(), name("life"));
    let cluster = Cluster::open(&runtime, &name, Durability::Durable).unwrap();
    assert!(cluster.psql("postgres", "SELECT version()").unwrap().starts_with("PostgreSQL 18.6"));
    cluster.ensure_database("a b'c").unwrap();
    cluster.ensure_database("a b'c").unwrap();
    cluster.psql("a b'c", "CREATE TABLE kept (n int); INSERT INTO kept VALUES (42)").unwrap();

    // By its URL, as any other client would.
    let output = runtime.client("psql").args([&cluster.url("a b'c"), "-XAtc", "SELECT n FROM kept"]).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "42\n");

    let first = cluster.server_pid().unwrap();
    let again = Cluster::open(&runtime, &name, Durability::Durable).unwrap();
    assert_eq!(again.server_pid(), Some(first), "a running server is taken up");
    assert_eq!(again.stop().unwrap(), Stopped::InUse, "the last one out stops it");
    assert_eq!(cluster.server_pid(), Some(first));

    // A session that computes does not notice the death of its parent and holds the shared memory.
    let busy = "SET client_min_messages = error; DO $$ BEGIN LOOP END LOOP; END $$";
    let mut session = cluster.client("psql");
    let mut session = session.args(["-d", "postgres", "-c", busy]).stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let count = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%LOOP END%' AND pid <> pg_backend_pid()";
    while cluster.psql("postgres", count).unwrap() == "0" {}
    kill(first);
    drop(cluster);

    let cluster = Cluster::open(&runtime, &name, Durability::Durable).unwrap();
    assert_ne!(cluster.server_pid(), Some(first));
    assert_eq!(cluster.psql("a b'c", "SELECT n FROM kept").unwrap(), "42");
    assert!(!session.wait().unwrap().success());

    assert_eq!(cluster.stop().unwrap(), Stopped::Yes);
    let cluster = Cluster::open(&runtime, &name, Durability::Durable).unwrap();
    assert_eq!(cluster.psql("a b'c", "SELECT n FROM kept").unwrap(), "42");
    cluster.destroy().unwrap();
    assert!(!shared_home().join("postgres/clusters").join(name).exists());
}

#[test]
fn pid_files_whose_number_belongs_to_somebody_else_do_not_stop_a_start() {
    let (runtime, name) = (runtime(), name("pid"));
    let cluster = Cluster::open(&runtime, &name, Durability::Throwaway).unwrap();
    // Without synchronous commit, what was committed a moment ago may still be in the server's memory.
    cluster.psql("postgres", "CREATE TABLE kept (n int)").unwrap();
    cluster.psql("postgres", "CHECKPOINT").unwrap();
    let pid_file = shared_home().join("postgres/clusters").join(&name).join("data/postmaster.pid");
    let written = fs::read_to_string(&pid_file).unwrap();
    let first = cluster.server_pid().unwrap();
    kill(first);
    let somebody = std::process::id().to_string();
    fs::write(&pid_file, written.replacen(&first.to_string(), &somebody, 1)).unwrap();
    let socket_lock = cluster.socket_dir().join(".s.PGSQL.5432.lock");
    let written = fs::read_to_string(&socket_lock).unwrap();
    fs::write(&socket_lock, written.replacen(&first.to_string(), &somebody, 1)).unwrap();
    drop(cluster);

    let cluster = Cluster::open(&runtime, &name, Durability::Throwaway).unwrap();
    assert_eq!(cluster.psql("postgres", "SELECT count(*) FROM kept").unwrap(), "0");
    cluster.destroy().unwrap();
}

#[test]
fn the_two_durabilities_have_their_settings_and_only_the_server_user_and_root_can_enter() {
    let (runtime, name) = (runtime(), name("conf"));
    let ask = |cluster: &Cluster, setting: &str| cluster.psql("postgres", &format!("SHOW {setting}")).unwrap();
    let cluster = Cluster::open(&runtime, &name, Durability::Throwaway).unwrap();
    assert_eq!(ask(&cluster, "fsync"), "off");
    assert_eq!(ask(&cluster, "max_connections"), "300");
    assert_eq!(ask(&cluster, "wal_level"), "minimal");
    assert_eq!(ask(&cluster, "listen_addresses"), "");
    let mode = fs::metadata(cluster.socket_dir()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    drop(cluster);

    // Nobody has it open, so the other settings take effect at once.
    let cluster = Cluster::open(&runtime, &name, Durability::Durable).unwrap();
    assert_eq!(ask(&cluster, "fsync"), "on");
    assert_eq!(ask(&cluster, "max_connections"), "100");
    assert_eq!(ask(&cluster, "jit"), "off");
    assert_eq!(ask(&cluster, "data_checksums"), "on");
    let collation = "SELECT datlocprovider::text || datlocale::text FROM pg_database WHERE datname = 'postgres'";
    assert_eq!(cluster.psql("postgres", collation).unwrap(), "bC.UTF-8");
    assert_eq!(cluster.psql("postgres", "SELECT lower('ÄÖÜ')").unwrap(), "äöü");
    for extension in ["vector", "pg_trgm", "btree_gist", "pg_stat_statements"] {
        cluster.psql("postgres", &format!("CREATE EXTENSION {extension}")).unwrap();
    }
    // As many trigrams as letters and one more: "ü" counts as a letter.
    assert_eq!(cluster.psql("postgres", "SELECT cardinality(show_trgm('Müller'))").unwrap(), "7");
    cluster.destroy().unwrap();
}

#[test]
fn a_home_that_is_too_deep_for_a_socket_gets_its_socket_elsewhere() {
    let scratch = ScratchHome::new("deep");
    let deep = scratch.0.join("d".repeat(60)).join("e".repeat(60));
    fs::create_dir_all(&deep).unwrap();
    // The programs are shared by a link, so that this test fetches nothing.
    let runtime = runtime();
    let programs = fs::read_dir(runtime.home().join("postgres")).unwrap().filter_map(Result::ok);
    fs::create_dir_all(deep.join("postgres")).unwrap();
    for entry in programs.filter(|entry| entry.file_name().to_string_lossy().starts_with("18.")) {
        std::os::unix::fs::symlink(entry.path(), deep.join("postgres").join(entry.file_name())).unwrap();
    }
    let runtime = Runtime::locate_or_fetch_in(&deep, &|_| {}).unwrap();
    let cluster = Cluster::open(&runtime, "deep", Durability::Throwaway).unwrap();
    assert!(!cluster.socket_dir().starts_with(&deep));
    assert_eq!(cluster.psql("postgres", "SELECT 1").unwrap(), "1");
    let socket_dir = cluster.socket_dir().to_path_buf();
    cluster.destroy().unwrap();
    assert!(!socket_dir.exists());
}

#[test]
fn the_server_does_not_belong_to_the_process_group_that_started_it() {
    let (runtime, name) = (runtime(), name("group"));
    let cluster = Cluster::open(&runtime, &name, Durability::Throwaway).unwrap();
    let stat = fs::read_to_string(format!("/proc/{}/stat", cluster.server_pid().unwrap())).unwrap();
    let group_of = |stat: &str| stat.rsplit(") ").next().unwrap().split(' ').nth(2).unwrap().to_owned();
    let own = fs::read_to_string("/proc/self/stat").unwrap();
    assert_ne!(group_of(&stat), group_of(&own));
    cluster.destroy().unwrap();
}
