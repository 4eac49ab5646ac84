//! What keeps one asker's vectors from another: tenant, generation, resource, family and width.

use super::{Place, card, clock, embedded, found, gone, hash, key, known, live, near, opened};
use crate::contract::text::{LIVE, NOTE, ORDER, all_of, permit_of, record};
use steward_kernel::principal::{Rights, Scope};
use steward_rag::engine::{Generation, Index, State, VectorIndex, Write};
use steward_rag::passage::Attributes;
use uuid::Uuid;

const SALARY: &str = "crm:note:salary";

pub(crate) async fn nothing_of_another_tenant_or_generation_is_found<P: Place>(place: &P) {
    let index = opened(place).await;
    index.create(Generation(2)).await.unwrap();
    let (one, other) = (place.tenant().await, place.tenant().await);
    // The same record number in both: a row's id is not what keeps tenants apart.
    let note = record(NOTE, 1);
    index.apply(LIVE, &[card(one, &note, 5, 0.0), card(other, &note, 9, 0.0)]).await.unwrap();
    index.apply(Generation(2), &[card(one, &record(NOTE, 2), 1, 0.0)]).await.unwrap();
    assert_eq!(near(&index, &all_of(one), 0.0).await.iter().map(|hit| hit.version).collect::<Vec<_>>(), [5]);
    assert_eq!(near(&index, &all_of(other), 0.0).await.iter().map(|hit| hit.version).collect::<Vec<_>>(), [9]);
    assert_eq!(found(&index, &all_of(place.tenant().await), 0.0).await, [] as [u128; 0]);
    assert_eq!(index.hashes(LIVE, one, std::slice::from_ref(&note)).await.unwrap()[&key(&note, "", "", 0)], hash(5));
    assert_eq!(known(&index, one, NOTE).await, [(1, 5, 1)]);
    index.apply(LIVE, &[gone(one, &note, 6)]).await.unwrap();
    assert_eq!(found(&index, &all_of(other), 0.0).await, [1]);
}

pub(crate) async fn only_resources_and_families_of_the_permit_are_found<P: Place>(place: &P) {
    let index = opened(place).await;
    let (tenant, note, order) = (place.tenant().await, record(NOTE, 1), record(ORDER, 2));
    let passages = vec![embedded(key(&note, "", "", 0), 1, 0.0), embedded(key(&note, SALARY, "", 0), 2, 0.0)];
    index.apply(LIVE, &[live(tenant, &note, 1, passages), card(tenant, &order, 1, 0.0)]).await.unwrap();
    let families = async |grants: &[(&str, Scope)]| -> Vec<(u128, String)> {
        let hits = near(&index, &permit_of(tenant, grants, |_, _| {}), 0.0).await;
        hits.into_iter().map(|hit| (hit.key.record.id.as_u128(), hit.key.family)).collect()
    };
    let (plain, salary, other) = ((1, String::new()), (1, SALARY.to_owned()), (2, String::new()));
    let note_read = ("crm:note:read", Scope::Tenant);
    let order_read = ("sales:order:read", Scope::Tenant);
    assert_eq!(families(&[order_read]).await, std::slice::from_ref(&other));
    assert_eq!(families(&[note_read]).await, std::slice::from_ref(&plain));
    assert_eq!(families(&[note_read, (SALARY, Scope::Tenant)]).await, [plain.clone(), salary.clone()]);
    assert_eq!(families(&[(SALARY, Scope::Tenant)]).await, [], "a field's permission alone opens nothing");
    assert_eq!(families(&[order_read, (SALARY, Scope::Tenant)]).await, std::slice::from_ref(&other), "nor does it with another resource");
    assert_eq!(families(&[note_read, order_read, (SALARY, Scope::Tenant)]).await, [plain, salary, other]);
}

pub(crate) async fn a_width_finds_only_rows_with_its_attributes<P: Place>(place: &P) {
    let index = opened(place).await;
    let tenant = place.tenant().await;
    let id = Uuid::from_u128;
    let placed = |n: u128, owner: Option<u128>, department: Option<u128>, company: Option<u128>| {
        let note = record(NOTE, n);
        let attributes = Attributes { owner: owner.map(id), department: department.map(id), company: company.map(id) };
        let passages = vec![embedded(key(&note, "", "", 0), 1, 0.0)];
        Write { tenant, record: note, version: 1, state: State::Live { attributes, passages } }
    };
    // The same id as owner, department and company: attributes are not mistaken for one another.
    let rows =
        [placed(1, Some(1), Some(20), Some(30)), placed(2, Some(2), Some(21), Some(31)), placed(3, Some(20), Some(30), Some(1)), placed(4, None, None, None)];
    index.apply(LIVE, &rows).await.unwrap();
    let width = async |scope: Scope, set: &dyn Fn(&mut Rights)| {
        let permit = permit_of(tenant, &[("crm:note:read", scope)], |_, rights| set(rights));
        found(&index, &permit, 0.0).await
    };
    assert_eq!(width(Scope::Tenant, &|_| {}).await, [1, 2, 3, 4]);
    assert_eq!(width(Scope::Own, &|_| {}).await, [1]);
    assert_eq!(width(Scope::Team, &|rights| rights.team = vec![id(1), id(2)]).await, [1, 2]);
    let many: Vec<Uuid> = (2..1_000).map(id).collect();
    assert_eq!(width(Scope::Team, &|rights| rights.team.clone_from(&many)).await, [2, 3]);
    assert_eq!(width(Scope::Department, &|rights| rights.departments = vec![id(21)]).await, [2]);
    assert_eq!(width(Scope::Company, &|rights| rights.companies = vec![id(30), id(31)]).await, [1, 2]);
    for scope in [Scope::Department, Scope::Company, Scope::Team] {
        assert_eq!(width(scope, &|_| {}).await, [] as [u128; 0], "of none there is nothing");
    }
}

pub(crate) async fn a_permit_without_clauses_finds_nothing_and_asks_nothing<P: Place>(place: &P) {
    let index = place.open(clock()).await;
    let nothing = permit_of(Uuid::from_u128(1), &[], |_, _| {});
    // There is not even a generation: had the engine been asked, it would have failed.
    assert_eq!(near(&index, &nothing, 0.0).await, []);
}
