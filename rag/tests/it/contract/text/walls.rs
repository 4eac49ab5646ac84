//! What nobody finds: rows of other tenants and generations, and what the permit does not open.

use super::{ALL, Engine, LIVE, NOTE, ORDER, SALARY, all_of, ask, card, clock, found, gone, key, live, opened, passage, permit_of, record, typed};
use std::collections::BTreeSet;
use steward_kernel::ids;
use steward_kernel::principal::{Rights, Scope};
use steward_rag::engine::{Generation, Index as _, TextIndex as _, TextQuery, Write};
use steward_rag::passage::Attributes;
use uuid::Uuid;

pub(crate) async fn nothing_of_another_tenant_or_generation_is_found<E: Engine>(engine: &E) {
    let index = opened(engine).await;
    index.create(Generation(2)).await.unwrap();
    let (one, other) = (ids::fresh(), ids::fresh());
    // The same record number in both: a row's id is not what keeps tenants apart.
    index.apply(LIVE, &[card(one, &record(NOTE, 1), 5, "", "shared one"), card(other, &record(NOTE, 1), 9, "", "shared other")]).await.unwrap();
    index.apply(Generation(2), &[card(one, &record(NOTE, 2), 1, "", "shared next")]).await.unwrap();
    assert_eq!(ask(&index, &all_of(one), "shared").await.iter().map(|hit| hit.version).collect::<Vec<_>>(), [5]);
    assert_eq!(ask(&index, &all_of(other), "shared").await.iter().map(|hit| hit.version).collect::<Vec<_>>(), [9]);
    for word in ["other", "next"] {
        assert_eq!(found(&index, &all_of(one), word).await, [] as [u128; 0]);
        assert_eq!(typed(&index, &all_of(one), word).await, [] as [u128; 0]);
    }
    assert_eq!(found(&index, &all_of(ids::fresh()), "shared").await, [] as [u128; 0]);
    index.apply(LIVE, &[gone(one, &record(NOTE, 1), 6)]).await.unwrap();
    assert_eq!(found(&index, &all_of(other), "shared").await, [1]);
}

pub(crate) async fn only_resources_and_families_of_the_permit_are_found<E: Engine>(engine: &E) {
    let index = opened(engine).await;
    let (tenant, note, order) = (ids::fresh(), record(NOTE, 1), record(ORDER, 2));
    let passages = vec![passage(key(&note, "", "", 0), "", "secretary"), passage(key(&note, SALARY, "", 0), "", "secretary earns 90000")];
    index.apply(LIVE, &[live(tenant, &note, 1, Attributes::default(), passages), card(tenant, &order, 1, "", "secretary")]).await.unwrap();
    let of = |grants: &[(&str, Scope)]| permit_of(tenant, grants, |_, _| {});
    assert_eq!(found(&index, &of(&[("sales:order:read", Scope::Tenant)]), "secretary").await, [2]);
    let notes = of(&[("crm:note:read", Scope::Tenant)]);
    assert_eq!(ask(&index, &notes, "secretary").await.iter().map(|hit| hit.key.family.as_str()).collect::<Vec<_>>(), [""]);
    assert_eq!(found(&index, &notes, "90000").await, [] as [u128; 0]);
    assert_eq!(typed(&index, &notes, "900").await, [] as [u128; 0]);
    assert_eq!(found(&index, &of(&[("crm:note:read", Scope::Tenant), (SALARY, Scope::Tenant)]), "90000").await, [1]);
    assert_eq!(found(&index, &of(&[(SALARY, Scope::Tenant)]), "90000").await, [] as [u128; 0], "a field's permission alone opens nothing");
    assert_eq!(found(&index, &all_of(tenant), "secretary").await.len(), 3);
}

pub(crate) async fn a_width_finds_only_rows_with_its_attributes<E: Engine>(engine: &E) {
    let index = opened(engine).await;
    let tenant = ids::fresh();
    let id = Uuid::from_u128;
    let placed = |n: u128, owner: Option<u128>, department: Option<u128>, company: Option<u128>| {
        let note = record(NOTE, n);
        let attributes = Attributes { owner: owner.map(id), department: department.map(id), company: company.map(id) };
        live(tenant, &note, 1, attributes, vec![passage(key(&note, "", "", 0), "", "tea")])
    };
    // The same id as owner, department and company: attributes are not mistaken for one another.
    let rows =
        [placed(1, Some(1), Some(20), Some(30)), placed(2, Some(2), Some(21), Some(31)), placed(3, Some(20), Some(30), Some(1)), placed(4, None, None, None)];
    index.apply(LIVE, &rows).await.unwrap();
    let width = async |scope: Scope, set: &dyn Fn(&mut Rights)| {
        let permit = permit_of(tenant, &[("crm:note:read", scope)], |_, rights| set(rights));
        let mut found = found(&index, &permit, "tea").await;
        found.sort_unstable();
        found
    };
    assert_eq!(width(Scope::Tenant, &|_| {}).await, [1, 2, 3, 4]);
    assert_eq!(width(Scope::Own, &|_| {}).await, [1]);
    assert_eq!(width(Scope::Team, &|rights| rights.team = vec![id(1), id(2)]).await, [1, 2]);
    let many: Vec<Uuid> = (2..1_000).map(id).collect();
    assert_eq!(width(Scope::Team, &|rights| rights.team.clone_from(&many)).await, [2, 3]);
    assert_eq!(width(Scope::Department, &|rights| rights.departments = vec![id(21)]).await, [2]);
    assert_eq!(width(Scope::Company, &|rights| rights.companies = vec![id(30), id(31)]).await, [1, 2]);
    assert_eq!(width(Scope::Department, &|_| {}).await, [] as [u128; 0], "of no department there is nothing");
    assert_eq!(width(Scope::Company, &|_| {}).await, [] as [u128; 0]);
    assert_eq!(width(Scope::Team, &|_| {}).await, [] as [u128; 0]);
    let moved = Write { version: 2, ..placed(2, Some(1), None, None) };
    index.apply(LIVE, &[moved]).await.unwrap();
    assert_eq!(width(Scope::Own, &|_| {}).await, [1, 2], "a row that changes hands is its new owner's");
    assert_eq!(width(Scope::Department, &|rights| rights.departments = vec![id(21)]).await, [] as [u128; 0]);
}

pub(crate) async fn a_permit_without_clauses_finds_nothing_and_asks_nothing<E: Engine>(engine: &E) {
    let index = engine.open(clock()).await;
    let nothing = permit_of(ids::fresh(), &[], |_, _| {});
    // There is not even a generation: had the engine been asked, it would have failed.
    assert_eq!(ask(&index, &nothing, "word").await, []);
}

pub(crate) async fn rows_that_one_cannot_see_change_no_hit<E: Engine>(engine: &E) {
    let index = opened(engine).await;
    let (tenant, other) = (ids::fresh(), ids::fresh());
    let own = permit_of(tenant, &[("crm:note:read", Scope::Own)], |_, _| {});
    let owned = |tenant: Uuid, n: u128, owner: u128, text: &str| {
        let note = record(NOTE, n);
        let attributes = Attributes { owner: Some(Uuid::from_u128(owner)), ..Attributes::default() };
        live(tenant, &note, 1, attributes, vec![passage(key(&note, "", "", 0), "", text), passage(key(&note, SALARY, "", 0), "", text)])
    };
    let mine: Vec<_> = (1..=12).map(|n| owned(tenant, n, 1, &format!("chai tea number{n}"))).collect();
    index.apply(LIVE, &mine).await.unwrap();
    let hits = async |text: &str, prefix: bool| {
        let hits = index.search(LIVE, &own, &TextQuery { text: text.into(), prefix, limit: 5 }).await.unwrap();
        let all = index.search(LIVE, &own, &TextQuery { text: text.into(), prefix, limit: ALL }).await.unwrap();
        (hits.len(), all.into_iter().map(|hit| hit.key).collect::<BTreeSet<_>>())
    };
    let questions = [("chai", false), ("number7", false), ("numb", true), ("ch", true)];
    let mut before = Vec::new();
    for (text, prefix) in questions {
        before.push(hits(text, prefix).await);
    }
    assert_eq!(before[0].1.len(), 12);
    let theirs: Vec<_> = (100..160).flat_map(|n| [owned(tenant, n, 2, &format!("chai chalk number{n}")), owned(other, n, 1, "chai number7")]).collect();
    index.apply(LIVE, &theirs).await.unwrap();
    for ((text, prefix), before) in questions.into_iter().zip(before) {
        assert_eq!(hits(text, prefix).await, before, "{text}");
    }
}
