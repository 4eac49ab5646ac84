//! Which aliases of models which users may use. Without a rule everybody may use everything that the operator offers.
//!
//! Of the rules that concern a call the narrowest counts: the alias by its name before `*`, which is every alias; then the user by
//! name before everybody ([`allows`]). So `* deny` for everybody with `fast allow` for everybody leaves one alias, and
//! `large deny` for everybody with `large allow` for two users keeps it for those.

pub mod change;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use steward_kernel::error::During;
use steward_kernel::{Entity, Error, Field, Resource, Result, RowScope};
use uuid::Uuid;

steward_kernel::id! {
    /// A rule's id.
    AliasRuleId;
}

pub(crate) const RESOURCE: &str = "ai.alias_rule";
const EFFECTS: &[&str] = &["allow", "deny"];
/// Stands for every alias.
pub(crate) const EVERY: &str = "*";

pub(crate) fn resource() -> Resource {
    Resource::new(RESOURCE, "alias_rules", "ai_alias_rule")
        .title("alias")
        .field(Field::text("alias").required().sortable().prefix("alias_fold").in_list().writable())
        .field(Field::reference("user", "identity.user").in_list().writable())
        .field(Field::choice("effect", EFFECTS).required().default("deny").in_list().writable())
        .sort("alias")
        .create("ai.alias_rule.create")
        .update("ai.alias_rule.update")
        .archive("ai.alias_rule.archive")
}

/// A locked row.
pub(crate) struct AliasRule {
    id: AliasRuleId,
    version: i64,
    archived_at: Option<DateTime<Utc>>,
    alias: String,
    user_id: Option<Uuid>,
    effect: String,
}

impl Entity for AliasRule {
    const RESOURCE: &'static str = RESOURCE;
    fn id(&self) -> Uuid {
        self.id.0
    }
    fn version(&self) -> i64 {
        self.version
    }
    fn scope(&self) -> RowScope {
        RowScope::default()
    }
    async fn lock(db: &mut PgConnection, tenant: Uuid, id: Uuid) -> Result<Option<Self>> {
        sqlx::query_as!(
            Self,
            r#"SELECT id AS "id: AliasRuleId", version, archived_at, alias, user_id, effect FROM ai_alias_rule WHERE tenant_id = $1 AND id = $2 FOR UPDATE"#,
            tenant,
            id
        )
        .fetch_optional(db)
        .await
        .during("lock the rule")
    }
}

fn check(alias: &str) -> Result<()> {
    if alias == EVERY || crate::key::is_alias(alias) {
        Ok(())
    } else {
        Err(Error::field("alias", "* or the name of a model is expected, made of letters, digits and . _ - : / @"))
    }
}

/// A rule as the doors read it.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) alias: String,
    pub(crate) user: Option<Uuid>,
    pub(crate) allows: bool,
}

/// Whether these rules let a user use an alias.
pub(crate) fn allows(rules: &[Said], user: Uuid, alias: &str) -> bool {
    let said = |alias: &str, user: Option<Uuid>| rules.iter().find(|rule| rule.alias == alias && rule.user == user).map(|rule| rule.allows);
    said(alias, Some(user)).or_else(|| said(alias, None)).or_else(|| said(EVERY, Some(user))).or_else(|| said(EVERY, None)).unwrap_or(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(alias: &str, user: Option<u128>, allows: bool) -> Said {
        Said { alias: alias.into(), user: user.map(Uuid::from_u128), allows }
    }

    #[test]
    fn the_narrowest_rule_counts() {
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert!(allows(&[], one, "fast"));
        let rules = [said("*", None, false), said("fast", None, true), said("large", Some(1), true), said("fast", Some(2), false)];
        assert!(allows(&rules, one, "fast"));
        assert!(allows(&rules, one, "large"));
        assert!(!allows(&rules, two, "large"));
        assert!(!allows(&rules, two, "fast"));
        assert!(!allows(&rules, one, "other"));
        // The alias by its name before the user by his.
        assert!(!allows(&[said("*", Some(1), true), said("large", None, false)], one, "large"));
    }
}
