//! Filters of Qdrant: a permit, and what writes and upkeep ask for. Every one that touches rows of a tenant begins with it.

use super::points::{COMPANY, DEPARTMENT, ENTITY, FAMILY, GONE, GONE_AT, KIND, OWNER, PASSAGE, RECORD, RESOURCE, TENANT, VERSION};
use crate::passage::Record;
use crate::permit::{Clause, Permit, Width};
use chrono::{DateTime, Utc};
use qdrant_client::qdrant::{Condition, Filter, PointId, Range};
use std::collections::BTreeMap;
use uuid::Uuid;

fn is(name: &str, value: &str) -> Condition {
    Condition::matches(name, value.to_owned())
}

fn any(name: &str, ids: &[Uuid]) -> Condition {
    Condition::matches(name, ids.iter().map(Uuid::to_string).collect::<Vec<_>>())
}

#[expect(clippy::cast_precision_loss, reason = "versions stay below 2⁵³")]
fn version(below: i64) -> Condition {
    Condition::range(VERSION, Range { lt: Some(below as f64), ..Range::default() })
}

/// What may overwrite: a point of a lower version.
pub(super) fn older(than: i64) -> Filter {
    Filter::must([version(than)])
}

/// What a tombstone may overwrite: a point of a lower version, or a living one of the same.
pub(super) fn older_or_alive(version: i64) -> Filter {
    let alive = Filter::must([self::version(version.saturating_add(1)), Condition::matches(GONE, false)]);
    Filter::should([self::version(version), alive.into()])
}

pub(super) fn of_tenant(tenant: Uuid) -> Filter {
    Filter::must([is(TENANT, &tenant.to_string())])
}

/// Passages of records, of versions below one, but not those that are kept.
pub(super) fn passages_below<'a>(tenant: Uuid, records: impl Iterator<Item = &'a Record>, below: i64, kept: Vec<PointId>) -> Filter {
    let must_not = if kept.is_empty() { Vec::new() } else { vec![Condition::has_id(kept)] };
    Filter { must: vec![is(TENANT, &tenant.to_string()), is(KIND, PASSAGE), version(below)], should: of_records(records), must_not, ..Filter::default() }
}

pub(super) fn passages_of<'a>(tenant: Uuid, records: impl Iterator<Item = &'a Record>) -> Filter {
    Filter { must: vec![is(TENANT, &tenant.to_string()), is(KIND, PASSAGE)], should: of_records(records), ..Filter::default() }
}

fn of_records<'a>(records: impl Iterator<Item = &'a Record>) -> Vec<Condition> {
    let mut ids: BTreeMap<&str, Vec<Uuid>> = BTreeMap::new();
    for record in records {
        ids.entry(&record.resource).or_default().push(record.id);
    }
    ids.into_iter().map(|(resource, ids)| Filter::must([is(RESOURCE, resource), any(ENTITY, &ids)]).into()).collect()
}

pub(super) fn living(tenant: Uuid, resource: &str) -> Filter {
    Filter::must([is(TENANT, &tenant.to_string()), is(KIND, RECORD), is(RESOURCE, resource), Condition::matches(GONE, false)])
}

/// Of all tenants.
#[expect(clippy::cast_precision_loss, reason = "milliseconds stay below 2⁵³")]
pub(super) fn gone_before(at: DateTime<Utc>) -> Filter {
    let before = Range { lt: Some(at.timestamp_millis() as f64), ..Range::default() };
    Filter::must([is(KIND, RECORD), Condition::matches(GONE, true), Condition::range(GONE_AT, before)])
}

pub(super) fn all_passages(tenant: Uuid) -> Filter {
    Filter::must([is(TENANT, &tenant.to_string()), is(KIND, PASSAGE)])
}

/// Nothing passes where the permit has no clause: callers answer that without asking.
pub(super) fn permitted(permit: &Permit) -> Filter {
    let clauses = permit.clauses().iter().map(|clause| clause_filter(clause).into()).collect();
    Filter { should: clauses, ..all_passages(permit.tenant()) }
}

fn clause_filter(clause: &Clause) -> Filter {
    let mut must = vec![is(RESOURCE, &clause.resource), Condition::matches(FAMILY, clause.families.clone())];
    match &clause.width {
        Width::Tenant => {}
        Width::Companies(companies) => must.push(any(COMPANY, companies)),
        Width::Departments(departments) => must.push(any(DEPARTMENT, departments)),
        Width::Owners(owners) => must.push(any(OWNER, owners)),
    }
    Filter::must(must)
}
