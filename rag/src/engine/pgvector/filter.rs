//! A permit as predicates of a statement. The tenant's is written by whoever asks; this adds what lies within it.

use crate::permit::{Clause, Permit, Width};
use sqlx::{Postgres, QueryBuilder};
use uuid::Uuid;

/// `AND (…)`: clauses of the same width share one term, so that the filter is as long as the rights are many-sided and
/// not as long as the catalogue.
pub(super) fn push(query: &mut QueryBuilder<Postgres>, permit: &Permit) {
    let mut widths: Vec<(&Width, Vec<&Clause>)> = Vec::new();
    for clause in permit.clauses() {
        match widths.iter_mut().find(|(width, _)| **width == clause.width) {
            Some((_, clauses)) => clauses.push(clause),
            None => widths.push((&clause.width, vec![clause])),
        }
    }
    query.push(" AND (");
    for (n, (width, clauses)) in widths.into_iter().enumerate() {
        query.push(if n == 0 { "(" } else { " OR (" });
        push_passages(query, &clauses);
        match width {
            Width::Tenant => {}
            Width::Companies(companies) => push_any(query, "company_id", companies),
            Width::Departments(departments) => push_any(query, "department_id", departments),
            Width::Owners(owners) => push_any(query, "owner_id", owners),
        }
        query.push(")");
    }
    query.push(")");
}

/// Resources whose fields have no permissions of their own are one list; the others name their families.
fn push_passages(query: &mut QueryBuilder<Postgres>, clauses: &[&Clause]) {
    let (plain, rich): (Vec<&Clause>, Vec<&Clause>) = clauses.iter().partition(|clause| clause.families.iter().all(String::is_empty));
    let plain: Vec<String> = plain.iter().filter(|clause| !clause.families.is_empty()).map(|clause| clause.resource.clone()).collect();
    query.push("(family = '' AND resource = ANY (").push_bind(plain).push(")");
    for clause in rich {
        query.push(" OR resource = ").push_bind(clause.resource.clone());
        query.push(" AND family = ANY (").push_bind(clause.families.clone()).push(")");
    }
    query.push(")");
}

fn push_any(query: &mut QueryBuilder<Postgres>, column: &str, ids: &[Uuid]) {
    query.push(" AND ").push(column).push(" = ANY (").push_bind(ids.to_vec()).push(")");
}
