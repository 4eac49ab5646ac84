//! Prompts and answers, masked: only where the tenant wants them kept (`ai.settings`), and only for so many days.
//!
//! [`Exchange::masked`] masks everything that the guard knows, whatever the tenant lets pass to models, and keeps what cannot be
//! masked out altogether.

use std::sync::LazyLock;
use steward_kernel::{Field, Resource};
use steward_llm::guard::{Guard, GuardConfig, Piece};

pub(crate) const RESOURCE: &str = "ai.exchange";
/// Characters of a text that are kept.
const TEXT_MAX: usize = 100_000;

pub(crate) fn resource() -> Resource {
    let text = |name: &'static str| Field::long_text(name).max(100_000).personal();
    Resource::new(RESOURCE, "exchanges", "ai_exchange")
        .owner("user_id")
        .title("alias")
        .field(Field::text("alias").required().in_list())
        .field(Field::reference("user", "identity.user").in_list())
        .field(Field::text("request").column("request_text").max(36))
        .field(Field::boolean("withheld").required().in_list())
        .field(text("prompt"))
        .field(text("answer"))
}

/// What was asked and answered, in clear. No `Debug`: it must not reach a log.
pub struct Exchange {
    /// All messages of the request, one after the other.
    pub prompt: String,
    /// What was answered; empty if nothing was.
    pub answer: String,
}

/// What may be kept of it.
pub(crate) struct Masked {
    pub(crate) prompt: Option<String>,
    pub(crate) answer: Option<String>,
    /// Something could not be masked.
    pub(crate) withheld: bool,
}

/// Masks every class; it has no rules of its own, so it always compiles.
static STRICT: LazyLock<Option<Guard>> = LazyLock::new(|| Guard::new(&GuardConfig::default()).ok());

impl Exchange {
    /// The texts with everything masked that the guard of the house and that of the tenant find; without the ones that they
    /// cannot look at.
    pub(crate) fn masked(&self, tenant: &Guard) -> Masked {
        let keep = |text: &str| -> Option<String> {
            let strict = STRICT.as_ref()?;
            let own = tenant.mask(&[Piece::Text(text)]).ok()?;
            let own = own.texts.first()?.clone();
            let all = strict.mask(&[Piece::Text(&own)]).ok()?;
            let masked = all.texts.first()?;
            Some(masked.chars().filter(|c| *c != '\0').take(TEXT_MAX).collect())
        };
        let (prompt, answer) = (keep(&self.prompt), keep(&self.answer));
        Masked { withheld: prompt.is_none() || answer.is_none(), prompt, answer: answer.filter(|text| !text.is_empty()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use steward_llm::guard::{Action, Rule};

    fn tenant(rules: Vec<Rule>) -> Guard {
        Guard::new(&GuardConfig { rules, ..GuardConfig::default() }).unwrap()
    }

    #[test]
    fn what_is_kept_is_masked_whatever_the_tenant_lets_pass() {
        let lax = Guard::new(&GuardConfig { classes: [(steward_llm::guard::Class::Email, Action::Ignore)].into(), ..GuardConfig::default() }).unwrap();
        let exchange = Exchange { prompt: "Write to ann@harbour.example please".into(), answer: "Done, ann@harbour.example".into() };
        let masked = exchange.masked(&lax);
        let (prompt, answer) = (masked.prompt.unwrap(), masked.answer.unwrap());
        assert!(!prompt.contains("ann@") && prompt.contains("please"), "{prompt}");
        assert!(!answer.contains("ann@") && answer.contains("Done"), "{answer}");
        assert!(!masked.withheld);
    }

    #[test]
    fn what_a_rule_refuses_is_not_kept_at_all() {
        let strict = tenant(vec![Rule { name: "project".into(), words: vec!["Nightfall".into()], regex: None, action: Action::Refuse }]);
        let masked = Exchange { prompt: "About Nightfall".into(), answer: "No.".into() }.masked(&strict);
        assert_eq!((masked.prompt, masked.answer.as_deref(), masked.withheld), (None, Some("No."), true));
    }
}
