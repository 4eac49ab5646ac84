//! The server's configuration. It stands in a file beside the data directory, written anew at each start; what initdb
//! put into the data directory is not read, except for who may log in.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::{Durability, socket};
use crate::runtime::Runtime;

const LOG_BYTES_MAX: u64 = 20 * 1024 * 1024;

pub(super) struct Inputs<'a> {
    pub(super) runtime: &'a Runtime,
    pub(super) durability: Durability,
    pub(super) socket_dir: &'a Path,
    pub(super) title: &'a str,
}

const COMMON: &str = "
# The socket is the only door, and its folder is closed to other users.
listen_addresses = ''
unix_socket_permissions = 0700

shared_buffers = 256MB
random_page_cost = 1.1
# Compiling a plan costs more than it saves on queries of milliseconds.
jit = off
# Partitions of several tables, in several schemas, within one transaction.
max_locks_per_transaction = 128
# Two cores serve many sessions better one query each.
max_parallel_workers_per_gather = 0

timezone = 'UTC'
log_timezone = 'UTC'
datestyle = 'iso, ymd'
lc_messages = 'C.UTF-8'
default_text_search_config = 'pg_catalog.simple'
log_line_prefix = '%m [%p] %q%u@%d %a '
log_checkpoints = off
";

const DURABLE: &str = "
max_connections = 100
# The caches of the operating system count in here; nothing is allocated.
effective_cache_size = 4GB
work_mem = 16MB
maintenance_work_mem = 256MB
wal_compression = on
min_wal_size = 256MB
max_wal_size = 2GB
checkpoint_timeout = 15min
track_io_timing = on
log_lock_waits = on
log_min_duration_statement = 1s
# Statements are logged with their text, never with the data they were given or met.
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_error_verbosity = terse
";

const THROWAWAY: &str = "
max_connections = 300
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
checkpoint_timeout = 1h
max_wal_size = 4GB
# Plans must not depend on when it came by; a test that needs statistics runs ANALYZE.
autovacuum = off
";

pub(super) fn render(inputs: &Inputs<'_>) -> String {
    let mut text = String::from("# Written by steward at each start of this server: changes made here are lost.\n");
    // A line that changes with the programs, so that a newer version of them restarts the server.
    let _ = writeln!(text, "# {}", inputs.runtime.programs().display());
    let _ = writeln!(text, "unix_socket_directories = '{}'", inputs.socket_dir.display());
    let _ = writeln!(text, "port = {}", socket::PORT);
    let _ = writeln!(text, "cluster_name = '{}'", inputs.title);
    text.push_str(COMMON);
    text.push_str(match inputs.durability {
        Durability::Durable => DURABLE,
        Durability::Throwaway => THROWAWAY,
    });
    if inputs.durability == Durability::Durable && inputs.runtime.has_library("pg_stat_statements") {
        text.push_str("shared_preload_libraries = 'pg_stat_statements'\n");
    }
    text
}

/// Keeps one older log. Done between two runs of the server, which holds its log open.
pub(super) fn rotate_log(log: &Path) -> Result<()> {
    if fs::metadata(log).is_ok_and(|log| log.len() > LOG_BYTES_MAX) {
        fs::rename(log, log.with_extension("log.old")).context("cannot put the old log aside")?;
    }
    Ok(())
}
