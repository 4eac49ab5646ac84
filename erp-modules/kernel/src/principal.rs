//! Who asks, through which door, and with which rights.

use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

/// The width of a grant, from narrow to wide. Where several roles grant a permission, the widest counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    Own,
    /// Everyone below the user in the lines of report, transitively, and the user.
    Team,
    Department,
    Company,
    Tenant,
}

impl Scope {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Team => "team",
            Self::Department => "department",
            Self::Company => "company",
            Self::Tenant => "tenant",
        }
    }
}

/// Through which door a request came; written into the audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Door {
    Rest,
    Screen,
    Assistant,
    Import,
    Job,
    Cli,
}

impl Door {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rest => "rest",
            Self::Screen => "screen",
            Self::Assistant => "assistant",
            Self::Import => "import",
            Self::Job => "job",
            Self::Cli => "cli",
        }
    }
}

/// An authenticated asker. Its rights are not here: they are read in each unit of work.
#[derive(Clone, Debug)]
pub struct Principal {
    pub tenant: Uuid,
    /// Nil for the system itself (subscriptions, jobs, the command line).
    pub user: Uuid,
    /// The session or API key that authenticated; checked at the start of every unit of work. Nil for the system.
    pub session: Uuid,
    /// True only for a person's log-in: API keys, service accounts and jobs never confirm proposals.
    pub interactive: bool,
    pub door: Door,
    pub correlation: Arc<str>,
}

impl Principal {
    /// The system acting in a tenant: no user's rights, the authority of the code that runs.
    pub fn system(tenant: Uuid, door: Door, correlation: impl Into<Arc<str>>) -> Self {
        Self { tenant, user: Uuid::nil(), session: Uuid::nil(), interactive: false, door, correlation: correlation.into() }
    }
    pub fn is_system(&self) -> bool {
        self.user.is_nil()
    }
    #[must_use]
    pub fn through(&self, door: Door) -> Self {
        Self { door, ..self.clone() }
    }
}

/// What a unit of work read of the asker at its start, from its own snapshot.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Rights {
    pub grants: HashMap<String, Scope>,
    /// The asker and everyone below.
    pub team: Vec<Uuid>,
    /// The asker's departments and those below them.
    pub departments: Vec<Uuid>,
    pub companies: Vec<Uuid>,
    #[serde(default)]
    pub roles: Vec<String>,
    /// The asker's display name.
    #[serde(default)]
    pub user_name: String,
    /// Language of the asker, else of the tenant.
    pub language: String,
    pub time_zone: String,
    pub fiscal_year_month: u32,
    /// Modules of the plan (`*` is every module), without those switched off.
    pub modules: Vec<String>,
    #[serde(default)]
    pub modules_off: Vec<String>,
    /// Feature flags that are off, globally or for the tenant.
    #[serde(default)]
    pub flags_off: Vec<String>,
    /// Grows whenever the tenant's custom fields change.
    pub catalogue_version: i64,
    pub plan: String,
    /// The default company of the asker.
    #[serde(default)]
    pub company: Option<Uuid>,
    #[serde(default)]
    pub department: Option<Uuid>,
}

impl Rights {
    pub fn scope(&self, permission: &str) -> Option<Scope> {
        self.grants.get(permission).copied()
    }
    pub fn may(&self, permission: &str) -> bool {
        self.grants.contains_key(permission)
    }
    /// Whether the module is part of the plan and switched on, and the flag (if any) not switched off.
    pub fn entitled(&self, module: &str, flag: Option<&str>) -> bool {
        self.modules.iter().any(|name| name == "*" || name == module)
            && !self.modules_off.iter().any(|name| name == module)
            && !self.flags_off.iter().any(|name| name == module || Some(name.as_str()) == flag)
    }
}
