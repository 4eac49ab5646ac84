//! A new tenant: its entry in the control plane, its placement, its first company, its roles, its first administrator.

use crate::{Contents, Owner, POOLED, migrate_placement, owner, roles};
use steward_identity::{password, user};
use steward_kernel::error::{Code, During, Error, Result};
use steward_kernel::{Currency, ids};
use uuid::Uuid;

/// Where a tenant's tables lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Placement {
    /// With others in the shared schema.
    #[default]
    Pooled,
    /// In a schema of its own, in the same database.
    Schema,
}

#[derive(Clone, Debug)]
pub struct Company {
    pub code: String,
    pub name: String,
    /// Three letters (ISO 4217).
    pub currency: String,
    /// Two letters (ISO 3166), or empty.
    pub country: String,
}

/// The first user. No `Debug`: it may hold a password.
#[derive(Clone)]
pub struct Administrator {
    pub name: String,
    pub email: String,
    /// Without one the user cannot log in before somebody sets it.
    pub password: Option<String>,
}

#[derive(Clone)]
pub struct NewTenant {
    /// Small letters, digits and hyphens; the name in log-ins and addresses.
    pub slug: String,
    pub name: String,
    pub placement: Placement,
    pub plan: String,
    pub language: String,
    pub time_zone: String,
    /// 1 to 12.
    pub fiscal_year_month: i32,
    pub company: Company,
    pub administrator: Administrator,
}

impl NewTenant {
    /// With the usual settings: pooled, plan `standard`, English, UTC, one company in EUR, an administrator without a password.
    pub fn new(slug: &str, name: &str) -> Self {
        Self {
            slug: slug.to_owned(),
            name: name.to_owned(),
            placement: Placement::Pooled,
            plan: "standard".to_owned(),
            language: "en".to_owned(),
            time_zone: "UTC".to_owned(),
            fiscal_year_month: 1,
            company: Company { code: "1".to_owned(), name: name.to_owned(), currency: "EUR".to_owned(), country: String::new() },
            administrator: Administrator { name: "Administrator".to_owned(), email: format!("admin@{slug}.example"), password: None },
        }
    }
}

/// Ids of what was made.
#[derive(Clone, Copy, Debug)]
pub struct Created {
    pub tenant: Uuid,
    pub company: Uuid,
    /// The first user.
    pub administrator: Uuid,
}

/// Makes a tenant. Needs a database that is migrated; a schema of its own is migrated here.
pub async fn create_tenant(owner: &Owner, contents: &Contents, new: NewTenant) -> Result<Created> {
    check(&new)?;
    let email = user::email(&new.administrator.email)?;
    let hash = match &new.administrator.password {
        Some(given) => {
            password::check(given, "password")?;
            Some(password::hash(given).await?)
        }
        None => None,
    };
    let taken = sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM control.tenant WHERE slug = $1) AS "taken!""#, new.slug)
        .fetch_one(&owner.pool)
        .await
        .during("look for the same tenant")?;
    if taken {
        return Err(Error::new(Code::Duplicate, format!("there is a tenant {} already", new.slug)));
    }
    let schema = match new.placement {
        Placement::Pooled => POOLED.to_owned(),
        Placement::Schema => format!("t_{}", new.slug.replace('-', "_")),
    };
    if new.placement == Placement::Schema {
        migrate_placement(owner, &schema, &contents.migrators).await?;
    }

    let created = Created { tenant: ids::fresh(), company: ids::fresh(), administrator: ids::fresh() };
    let mut tx = owner.pool.begin().await.during("begin a transaction")?;
    owner::enter(&mut tx, &schema, created.tenant, "tenant.create").await?;
    let placement = match new.placement {
        Placement::Pooled => "pooled",
        Placement::Schema => "schema",
    };
    sqlx::query!(
        "INSERT INTO control.tenant (id, slug, name, plan, placement, schema) VALUES ($1, $2, $3, $4, $5, $6)",
        created.tenant,
        new.slug,
        new.name,
        new.plan,
        placement,
        schema
    )
    .execute(&mut *tx)
    .await
    .during("store the tenant")?;
    let placed = sqlx::query!(
        "INSERT INTO kernel_placement (tenant_id, epoch, slug, name, plan, modules, time_zone, language, fiscal_year_month)
         SELECT $1, 1, $2, $3, p.name, p.modules, $5, $6, $7 FROM control.plan p WHERE p.name = $4",
        created.tenant,
        new.slug,
        new.name,
        new.plan,
        new.time_zone,
        new.language,
        new.fiscal_year_month
    )
    .execute(&mut *tx)
    .await
    .during("place the tenant")?;
    if placed.rows_affected() == 0 {
        return Err(Error::field("plan", "there is no such plan"));
    }
    sqlx::query!(
        "INSERT INTO identity_company (tenant_id, id, code, name, currency, country) VALUES ($1, $2, $3, $4, $5, $6)",
        created.tenant,
        created.company,
        new.company.code,
        new.company.name,
        new.company.currency,
        new.company.country
    )
    .execute(&mut *tx)
    .await
    .during("store the first company")?;
    let role = roles::seed(&mut tx, created.tenant, contents).await?;
    sqlx::query!(
        "INSERT INTO identity_user (tenant_id, id, name, email, company_id) VALUES ($1, $2, $3, $4, $5)",
        created.tenant,
        created.administrator,
        new.administrator.name,
        email,
        created.company
    )
    .execute(&mut *tx)
    .await
    .during("store the administrator")?;
    sqlx::query!(
        "INSERT INTO identity_user_role (tenant_id, id, user_id, role_id) VALUES ($1, $2, $3, $4)",
        created.tenant,
        ids::fresh(),
        created.administrator,
        role
    )
    .execute(&mut *tx)
    .await
    .during("give the administrator his role")?;
    if let Some(hash) = hash {
        sqlx::query!("INSERT INTO identity_credential (tenant_id, user_id, password_hash) VALUES ($1, $2, $3)", created.tenant, created.administrator, hash)
            .execute(&mut *tx)
            .await
            .during("store the administrator's password")?;
    }
    tx.commit().await.during("commit the tenant")?;
    tracing::info!(tenant.id = %created.tenant, schema, "a tenant was created");
    Ok(created)
}

fn check(new: &NewTenant) -> Result<()> {
    let slug = new.slug.as_str();
    let well_formed = slug.starts_with(|c: char| c.is_ascii_lowercase())
        && slug.len() <= 40
        && slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !well_formed {
        return Err(Error::field("slug", "small letters, digits and hyphens are possible, beginning with a letter, 40 at most"));
    }
    if new.name.trim().is_empty() || new.company.name.trim().is_empty() || new.administrator.name.trim().is_empty() {
        return Err(Error::field("name", "tenant, company and administrator need a name"));
    }
    if !(1..=12).contains(&new.fiscal_year_month) {
        return Err(Error::field("fiscal_year_month", "a month from 1 to 12 is expected"));
    }
    if new.time_zone.parse::<chrono_tz::Tz>().is_err() {
        return Err(Error::field("time_zone", "a time zone such as Europe/Berlin is expected"));
    }
    if !matches!(new.language.as_str(), "en" | "de") {
        return Err(Error::field("language", "one of en, de is expected"));
    }
    Currency::new(&new.company.currency).map(drop).map_err(|_| Error::field("currency", "a currency is three letters, such as EUR"))
}
