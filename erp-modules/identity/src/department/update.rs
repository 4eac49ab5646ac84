//! Renames a department or moves it below another one. A move changes who sees what.

use super::{Department, RESOURCE};
use crate::{DepartmentId, guard};
use serde::Deserialize;
use serde_json::json;
use steward_kernel::changes::given;
use steward_kernel::command::{Command, Outcome, RowScope};
use steward_kernel::error::{During, Error, Result};
use steward_kernel::work::Work;
use steward_kernel::{CommandSpec, Field};
use uuid::Uuid;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateDepartment {
    department: DepartmentId,
    #[serde(default)]
    name: Option<String>,
    #[serde(default, deserialize_with = "given")]
    parent: Option<Option<DepartmentId>>,
}

impl Command for UpdateDepartment {
    fn spec() -> CommandSpec {
        CommandSpec::new("identity.department.update")
            .changes_rights()
            .target("department")
            .inputs([Field::text("name"), Field::reference("parent", RESOURCE)])
            .undo("identity.department.update")
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        if self.parent.is_some() {
            guard::lock_all_grants(work).await?;
        }
        let department = work.lock::<Department>(self.department).await?;
        let name = self.name.filter(|name| !name.is_empty()).unwrap_or_else(|| department.name.clone());
        let parent = self.parent.map_or(department.parent_id, |parent| parent.map(Into::into));
        let tenant = work.tenant();
        if parent != department.parent_id {
            guard::manages(work, RowScope { owner: None, department: parent, company: Some(department.company_id) })?;
        }
        if let Some(parent) = parent.filter(|parent| department.parent_id != Some(*parent)) {
            super::belongs_to(work, parent, department.company_id, "parent").await?;
            let above = super::ancestors(work, parent).await?;
            if above.contains(&department.id) {
                return Err(Error::rule("identity.department_cycle", "a department cannot stand below itself"));
            }
            may_lie_below(work, department.id, &above).await?;
        }
        sqlx::query!("UPDATE identity_department SET name = $3, parent_id = $4 WHERE tenant_id = $1 AND id = $2", tenant, department.id, name, parent)
            .execute(work.db())
            .await
            .during("store the department")?;
        let before = json!({ "department": department.id, "name": department.name, "parent": department.parent_id });
        Ok(Outcome::of(RESOURCE, department.id).undo("identity.department.update", before))
    }
}

/// Nobody brings a department below his own that was not there. `above` are those that it would lie below from now on.
async fn may_lie_below(work: &mut Work, department: Uuid, above: &[Uuid]) -> Result<()> {
    let Some(own) = work.rights().department.filter(|own| above.contains(own)) else { return Ok(()) };
    if guard::manages_tenant(work) || super::ancestors(work, department).await?.contains(&own) {
        return Ok(());
    }
    Err(guard::widens_own_reach())
}
