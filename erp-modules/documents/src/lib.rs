//! Documents: texts that people write for people, such as policies, contracts, manuals and notes, with all their versions.
//!
//! Start at [`document`]. A text is Markdown or plain, kept as it was written; screens show it as text, never as HTML. A
//! document may hang on a record of any module ([`document::attach`]) and is then readable only by who may read that record
//! as well. This is declared (`hangs_on`) and held by the query builder and, beneath it, by a policy of the tables, so that
//! there is nothing to check here.
//!
//! **Invariants:** a text that was stored once is never changed: a revision adds a version. The document's own text is that
//! of its latest version, and a version lies where its document lies. No other module reads this crate's tables.
//!
//! Deliberately absent: files other than texts, comments, approval by several people, and cutting texts into pieces, which
//! serves every module's long texts and stands in `steward_kernel::text`.

mod document;
mod error;
mod version;

use steward_kernel::{Module, Scope};

/// The tables of this module.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// The module's declaration.
pub fn module() -> Module {
    let writing = |scope: Scope| {
        let permissions = ["documents:document:archive", "documents:document:create", "documents:document:publish", "documents:document:update"];
        permissions.map(|permission| (permission, scope))
    };
    Module::new("documents")
        .depends(&["identity"])
        .migrations(&MIGRATIONS)
        .labels("en", include_str!("../labels/en.ftl"))
        .labels("de", include_str!("../labels/de.ftl"))
        .resource(document::resource())
        .resource(version::resource())
        .command::<document::create::Create>()
        .command::<document::update::Update>()
        .command::<document::revise::Revise>()
        .command::<document::publish::Publish>()
        .command::<document::publish::Withdraw>()
        .command::<document::attach::Attach>()
        .command::<document::attach::Detach>()
        .command::<document::archive::Archive>()
        .command::<document::archive::Restore>()
        // Documents of one's company, and those that are for everybody; one's own are one's own to write.
        .role("employee", &[&[("documents:document:read", Scope::Company)][..], &writing(Scope::Own)].concat())
        .role("management", &[("documents:document:read", Scope::Tenant)])
        .role("document-manager", &[&[("documents:document:read", Scope::Tenant)][..], &writing(Scope::Tenant)].concat())
}
