//! The report "who may do what": every active user with his roles and what they grant.

use crate::role::SCOPES;
use serde::Deserialize;
use serde_json::json;
use steward_kernel::error::{During, Result};
use steward_kernel::report::{Report, Table};
use steward_kernel::{Field, Read, ReportSpec};
use uuid::Uuid;

/// More rows than anybody reads; ask for one user then.
const ROWS_MAX: i64 = 10_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Access {
    #[serde(default)]
    user: Option<Uuid>,
}

impl Report for Access {
    fn spec() -> ReportSpec {
        ReportSpec::new("identity.access")
            .parameter(Field::reference("user", "identity.user"))
            .column(Field::reference("user", "identity.user"))
            .column(Field::reference("role", "identity.role"))
            .column(Field::text("permission"))
            .column(Field::choice("scope", SCOPES))
    }

    async fn run(self, read: &mut Read) -> Result<Table> {
        // The policies of the tables apply: users and roles that the asker may not read are not in the answer.
        let rows = sqlx::query!(
            r#"SELECT u.id AS "user_id!", u.name AS "user_name!", r.id AS "role_id!", r.name AS "role_name!", g.permission AS "permission!", g.scope AS "scope!"
               FROM identity_user u
               JOIN identity_user_role m ON m.tenant_id = u.tenant_id AND m.user_id = u.id
               JOIN identity_role r ON r.tenant_id = m.tenant_id AND r.id = m.role_id
               JOIN identity_role_grant g ON g.tenant_id = r.tenant_id AND g.role_id = r.id
               WHERE u.active AND ($1::uuid IS NULL OR u.id = $1)
               ORDER BY u.name, u.id, r.name, g.permission LIMIT $2"#,
            self.user,
            ROWS_MAX
        )
        .fetch_all(read.db())
        .await
        .during("read who may do what")?;
        let rows = rows.into_iter().map(|row| {
            vec![
                json!({ "id": row.user_id, "title": row.user_name }),
                json!({ "id": row.role_id, "title": row.role_name }),
                json!(row.permission),
                json!(row.scope),
            ]
        });
        Ok(Table { rows: rows.collect(), totals: Vec::new() })
    }
}
