//! Departments: a tree within each company. Who has the width `department` sees his own and those below it.

pub mod create;
pub mod update;

use sqlx::PgConnection;
use steward_kernel::command::{Entity, RowScope};
use steward_kernel::error::{During, Error, Result};
use steward_kernel::work::Work;
use steward_kernel::{Field, Resource};
use uuid::Uuid;

pub const RESOURCE: &str = "identity.department";

pub(crate) fn resource() -> Resource {
    Resource::new(RESOURCE, "departments", "identity_department")
        .department("id")
        .company("company_id")
        .field(Field::text("name").required().sortable().prefix("name_fold").searchable().in_list().writable())
        .field(Field::reference("company", "identity.company").required().in_list())
        .field(Field::reference("parent", RESOURCE).in_list().writable())
        .sort("name")
        .create("identity.department.create")
        .update("identity.department.update")
}

pub struct Department {
    pub id: Uuid,
    pub version: i64,
    pub name: String,
    pub company_id: Uuid,
    pub parent_id: Option<Uuid>,
}

impl Entity for Department {
    const RESOURCE: &'static str = RESOURCE;
    fn id(&self) -> Uuid {
        self.id
    }
    fn version(&self) -> i64 {
        self.version
    }
    fn scope(&self) -> RowScope {
        RowScope { department: Some(self.id), company: Some(self.company_id), ..RowScope::default() }
    }
    async fn lock(db: &mut PgConnection, tenant: Uuid, id: Uuid) -> Result<Option<Self>> {
        sqlx::query_as!(
            Self,
            "SELECT id, version, name, company_id, parent_id FROM identity_department WHERE tenant_id = $1 AND id = $2 FOR UPDATE",
            tenant,
            id
        )
        .fetch_optional(db)
        .await
        .during("read the department")
    }
}

/// A department belongs to one company; `field` names the input that was wrong.
pub(crate) async fn belongs_to(work: &mut Work, department: Uuid, company: Uuid, field: &str) -> Result<()> {
    let tenant = work.tenant();
    let found = sqlx::query_scalar!("SELECT company_id FROM identity_department WHERE tenant_id = $1 AND id = $2", tenant, department)
        .fetch_optional(work.db())
        .await
        .during("look up the department")?;
    if found == Some(company) { Ok(()) } else { Err(Error::field(field, "this department belongs to another company")) }
}

/// The department and everything that it lies below.
async fn ancestors(work: &mut Work, department: Uuid) -> Result<Vec<Uuid>> {
    let tenant = work.tenant();
    sqlx::query_scalar!(
        r#"WITH RECURSIVE above(id) AS (
             SELECT $2::uuid UNION SELECT d.parent_id FROM identity_department d JOIN above a ON d.id = a.id WHERE d.tenant_id = $1 AND d.parent_id IS NOT NULL)
           SELECT id AS "id!" FROM above"#,
        tenant,
        department
    )
    .fetch_all(work.db())
    .await
    .during("follow the departments upwards")
}
