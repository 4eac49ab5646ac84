//! The documents of the demo company: its policies, with figures that one can ask for, a plan that only the management
//! reads, and two that hang on records and are read by whoever may read those.

use super::organisation::FIRST_COMPANY;
use super::{Refer, batch, record};
use crate::import::record::{Batch, Record};
use serde_json::json;

struct Policy {
    key: &'static str,
    title: &'static str,
    language: &'static str,
    body: &'static str,
    /// For the first company only; else for everybody.
    of_company: bool,
}

macro_rules! policy {
    ($key:literal, $title:literal, $language:literal, $of_company:literal) => {
        Policy { key: $key, title: $title, language: $language, body: include_str!(concat!("policies/", $key, ".md")), of_company: $of_company }
    };
}

const POLICIES: &[Policy] = &[
    policy!("travel_expenses", "Travel expenses", "en", false),
    policy!("remote_work", "Remote work", "en", false),
    policy!("purchasing_limits", "Purchasing limits", "en", false),
    policy!("discount_approval", "Approval of discounts", "en", false),
    policy!("returns_complaints", "Returns and complaints", "en", false),
    policy!("datenschutz", "Datenschutz", "de", false),
    policy!("credit_limits", "Credit limits and dunning", "en", false),
    policy!("lagersicherheit", "Sicherheit im Lager", "de", true),
    policy!("wareneingang", "Qualität im Wareneingang", "de", true),
    policy!("holidays_sickness", "Holidays and sickness", "en", false),
    policy!("information_security", "Information security and passwords", "en", false),
    policy!("code_of_conduct", "Code of conduct", "en", false),
];

/// Beside the policies: title, text.
const PLAN: (&str, &str) = ("Plan for the coming year", include_str!("policies/succession.md"));
const AGREEMENT: (&str, &str) = ("Framework agreement", include_str!("policies/framework_agreement.md"));
const DELIVERY: (&str, &str) = ("How to deliver", include_str!("policies/delivery_note.md"));

/// Who reads every document, also those of others.
const MANAGEMENT: [&str; 5] = ["100", "110", "120", "130", "140"];
const MANAGING_DIRECTOR: &str = "100";
/// Who looks after the documents.
const DOCUMENT_MANAGER: &str = "140";

pub(super) fn texts() -> Vec<(&'static str, &'static str)> {
    POLICIES.iter().map(|policy| (policy.title, policy.body)).chain([PLAN, AGREEMENT, DELIVERY]).collect()
}

pub(super) fn batches() -> Vec<Batch> {
    let mut documents: Vec<Record> = POLICIES
        .iter()
        .map(|policy| {
            let input = json!({ "title": policy.title, "kind": "policy", "language": policy.language, "body": policy.body });
            let record = record(policy.key, input);
            if policy.of_company { record.by("company", "identity.company", "code", FIRST_COMPANY) } else { record }
        })
        .collect();
    let plan = json!({ "title": PLAN.0, "kind": "note", "body": PLAN.1 });
    documents.push(record("succession", plan).to("owner", "identity.user", MANAGING_DIRECTOR));
    let agreement = json!({ "title": AGREEMENT.0, "kind": "contract", "body": AGREEMENT.1, "subject_resource": "crm.party" });
    documents.push(record("framework_agreement", agreement).to("subject_id", "crm.party", "K0001"));
    let note = json!({ "title": DELIVERY.0, "kind": "note", "body": DELIVERY.1, "subject_resource": "sales.order" });
    documents.push(record("delivery_note", note).to("subject_id", "sales.order", "23000"));

    let published =
        documents.iter().filter_map(|document| document.key.clone()).map(|key| record(key.clone(), json!({})).to("document", "documents.document", key));
    let published = published.collect();
    let role =
        |number: &str, role: &str| record(format!("{number}-{role}"), json!({})).to("user", "identity.user", number).by("role", "identity.role", "name", role);
    let roles = MANAGEMENT.iter().map(|number| role(number, "management")).chain([role(DOCUMENT_MANAGER, "document-manager")]);
    vec![
        batch("roles for documents", "identity.user.assign_role", "identity.user.assign_role", roles.collect()),
        batch("documents", "documents.document", "documents.document.create", documents),
        batch("documents published", "documents.document.publish", "documents.document.publish", published),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use steward_kernel::text::chunk;

    #[test]
    fn a_policy_is_a_page_with_headings_that_fits_into_a_few_pieces() {
        for policy in POLICIES {
            let words = policy.body.split_whitespace().count();
            assert!((250..=450).contains(&words), "{}: {words}", policy.key);
            let pieces = chunk(policy.body);
            assert!((2..=6).contains(&pieces.len()), "{}: {}", policy.key, pieces.len());
            assert!(pieces.iter().all(|piece| !piece.heading_path.is_empty()), "{}", policy.key);
        }
        assert_eq!(POLICIES.iter().filter(|policy| policy.language == "de").count(), 3);
    }
}
