//! What users reach at a width, and whether somebody reaches all of that himself.
//!
//! Widths have names, and a name says nothing of whose: the same `company` is another set of rows for a user of another
//! company. So sets are compared: the companies, the departments with those below, the lines of report. Where two kinds of
//! sets cannot be compared for certain, the answer is no.

use steward_kernel::error::{During, Result};
use steward_kernel::principal::{Rights, Scope};
use steward_kernel::work::Work;
use uuid::Uuid;

/// Where the rows of some owners lie, as far as that can be told from where the owners stand.
struct Owners {
    users: Vec<Uuid>,
    companies: Vec<Uuid>,
    departments: Vec<Uuid>,
    /// One of them stands in no department, and neither do his rows.
    outside_departments: bool,
}

/// What a set of users reach together. All of it is within somebody's area exactly if that holds for each of them.
pub(crate) struct Area {
    own: Owners,
    team: Owners,
    departments: Vec<Uuid>,
    /// The companies that those departments belong to.
    department_companies: Vec<Uuid>,
}

fn within(these: &[Uuid], those: &[Uuid]) -> bool {
    these.iter().all(|id| those.contains(id))
}

impl Owners {
    fn within(&self, held: Scope, actor: Uuid, rights: &Rights) -> bool {
        match held {
            Scope::Tenant => true,
            Scope::Company => within(&self.companies, &rights.companies),
            Scope::Department => !self.outside_departments && within(&self.departments, &rights.departments),
            Scope::Team => within(&self.users, &rights.team),
            Scope::Own => within(&self.users, &[actor]),
        }
    }
}

impl Area {
    /// Reads where the users stand, whether or not they are active.
    pub(crate) async fn of(work: &mut Work, users: &[Uuid]) -> Result<Self> {
        let tenant = work.tenant();
        let row = sqlx::query!(
            r#"WITH RECURSIVE
                 team(id) AS (
                   SELECT unnest($2::uuid[]) UNION SELECT u.id FROM identity_user u JOIN team t ON u.manager_id = t.id WHERE u.tenant_id = $1),
                 department(id, company_id) AS (
                   SELECT d.id, d.company_id FROM identity_department d JOIN identity_user u ON u.tenant_id = $1 AND u.department_id = d.id
                    WHERE d.tenant_id = $1 AND u.id = ANY($2)
                   UNION SELECT d.id, d.company_id FROM identity_department d JOIN department a ON d.parent_id = a.id WHERE d.tenant_id = $1),
                 place(user_id, company_id, department_id) AS (
                   SELECT u.id, u.company_id, u.department_id FROM identity_user u JOIN team t ON t.id = u.id WHERE u.tenant_id = $1),
                 employment(user_id, company_id) AS (
                   SELECT user_id, company_id FROM place
                   UNION SELECT c.user_id, c.company_id FROM identity_user_company c JOIN team t ON t.id = c.user_id WHERE c.tenant_id = $1)
               SELECT ARRAY(SELECT id FROM team) AS "team!",
                      ARRAY(SELECT DISTINCT company_id FROM employment) AS "team_companies!",
                      ARRAY(SELECT DISTINCT department_id FROM place WHERE department_id IS NOT NULL) AS "team_departments!",
                      EXISTS (SELECT FROM place WHERE department_id IS NULL) AS "team_outside!",
                      ARRAY(SELECT DISTINCT company_id FROM employment WHERE user_id = ANY($2)) AS "own_companies!",
                      ARRAY(SELECT DISTINCT department_id FROM place WHERE department_id IS NOT NULL AND user_id = ANY($2)) AS "own_departments!",
                      EXISTS (SELECT FROM place WHERE department_id IS NULL AND user_id = ANY($2)) AS "own_outside!",
                      ARRAY(SELECT id FROM department) AS "departments!",
                      ARRAY(SELECT DISTINCT company_id FROM department) AS "department_companies!""#,
            tenant,
            users
        )
        .fetch_one(work.db())
        .await
        .during("read the area of users")?;
        Ok(Self {
            own: Owners { users: users.to_vec(), companies: row.own_companies, departments: row.own_departments, outside_departments: row.own_outside },
            team: Owners { users: row.team, companies: row.team_companies, departments: row.team_departments, outside_departments: row.team_outside },
            departments: row.departments,
            department_companies: row.department_companies,
        })
    }

    /// Whether somebody with these rights, who holds a permission at the width `held`, reaches all that the users of this
    /// area would reach with it at the width `wanted`.
    pub(crate) fn is_within(&self, wanted: Scope, held: Scope, actor: Uuid, rights: &Rights) -> bool {
        match (wanted, held) {
            (_, Scope::Tenant) => true,
            (Scope::Tenant, _) => false,
            (Scope::Company, Scope::Company) => within(&self.own.companies, &rights.companies),
            (Scope::Department, Scope::Company) => within(&self.department_companies, &rights.companies),
            (Scope::Department, Scope::Department) => within(&self.departments, &rights.departments),
            // Who owns the rows of a company or of a department is not known.
            (Scope::Company | Scope::Department, _) => false,
            (Scope::Team, Scope::Own) => false,
            (Scope::Team, held) => self.team.within(held, actor, rights),
            (Scope::Own, held) => self.own.within(held, actor, rights),
        }
    }
}

#[cfg(test)]
mod tests;
