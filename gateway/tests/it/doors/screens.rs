//! Pages, fragments, pickers and reports as a browser asks for them.

use super::{Hidden, T, grant, reading, resources, two};
use crate::app::{Answer, TestApp};
use crate::scopes::World;
use crate::seed::{mark, marks};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use steward_kernel::principal::Scope;
use steward_kernel::{CommandSpec, Kind, Resource, ids};
use steward_migrations::Placement;
use uuid::Uuid;

/// The marks that somebody with these grants may see: his own name stands on every page.
async fn allowed(app: &TestApp, here: &World, grants: &BTreeMap<&str, Scope>) -> BTreeSet<String> {
    let mut allowed = BTreeSet::from([mark(&app.kernel.registry.catalogue, 'a', "identity.user", 1)]);
    for resource in resources(app) {
        allowed.extend(here.within(app, resource, grants.get(resource.permission.as_ref()).copied()).await.1);
    }
    allowed
}

/// The text with every id replaced: two answers that differ in nothing else are the same.
fn without_ids(text: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(first) = rest.chars().next() {
        if rest.get(..36).is_some_and(|id| Uuid::try_parse(id).is_ok()) {
            out.push_str("ID");
            rest = &rest[36..];
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    out
}

struct Look<'a> {
    app: &'a TestApp,
    here: &'a World,
    allowed: BTreeSet<String>,
    /// Ids of the other tenant.
    foreign: BTreeSet<Uuid>,
    /// Changes that the histories showed.
    diffs: Cell<usize>,
}

impl Look<'_> {
    /// A page with this status that shows nothing strange.
    async fn at(&self, path: &str, status: u16) -> Answer {
        let answer = self.app.page(&self.here.me, path).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text);
        let strange: Vec<String> = marks(&answer.text).difference(&self.allowed).cloned().collect();
        assert!(strange.is_empty(), "{path} shows {strange:?}: {}", answer.text);
        for id in self.foreign.iter().filter(|id| !path.contains(&id.to_string())) {
            assert!(!answer.text.contains(&id.to_string()), "{path} shows {id} of the other tenant: {}", answer.text);
        }
        answer
    }

    async fn resource(&self, resource: &Resource, hidden: &Hidden) {
        let path = resource.path();
        for page in [format!("/app/{path}"), format!("/app/{path}?limit=100"), format!("/app/pick/{path}"), format!("/app/pick/{path}?_t:x=WALL")] {
            let answer = self.at(&page, 200).await;
            for id in &hidden.beyond {
                let (link, option) = (format!("/app/{path}/{id}"), format!("o-{id}"));
                // A self-reference would lead to it, but no row of these worlds has one.
                assert!(!answer.text.contains(&link) && !answer.text.contains(&option), "{page} offers {id}: {}", answer.text);
            }
        }
        let list = self.at(&format!("/app/{path}"), 200).await;
        if let Some(id) = hidden.seen.first() {
            assert!(hidden.seen.len() > 25 || list.text.contains(&id.to_string()), "/app/{path} lacks {id}: the test would see nothing");
        }
        for id in &hidden.seen {
            let page = self.at(&format!("/app/{path}/{id}"), 200).await;
            assert!(page.text.contains("id=\"history\""), "/app/{path}/{id} has no history");
            self.diffs.set(self.diffs.get() + page.text.matches("class=\"steward-diff\"").count());
            self.at(&format!("/app/{path}/{id}/related"), 200).await;
        }
        let nobody = ids::fresh();
        let absent = self.at(&format!("/app/{path}/{nobody}"), 404).await;
        let absent_related = self.at(&format!("/app/{path}/{nobody}/related"), 200).await;
        for id in hidden.all() {
            let answer = self.at(&format!("/app/{path}/{id}"), 404).await;
            assert_eq!(without_ids(&answer.text), without_ids(&absent.text), "/app/{path}/{id} must read like absent");
            let related = self.at(&format!("/app/{path}/{id}/related"), 200).await;
            if hidden.foreign.contains(id) {
                assert_eq!(without_ids(&related.text), without_ids(&absent_related.text), "/app/{path}/{id}/related must read like absent");
            }
        }
    }
}

/// Changes of hands make histories that name people out of sight.
async fn histories(app: &TestApp, here: &World) {
    let mut changed = BTreeSet::new();
    for resource in resources(app) {
        let Some(owner) = resource.scope.owner.as_deref().filter(|owner| *owner != "id") else { continue };
        let field = resource.fields.iter().find(|field| field.column == owner);
        if !matches!(field.map(|field| &field.kind), Some(Kind::Reference(target)) if *target == "identity.user") || resource.parent.is_some() {
            continue;
        }
        let (me, stranger) = (here.me.id, here.places.last().unwrap().owner);
        for (from, to) in [(me, stranger), (stranger, me)] {
            let mut sql = format!(
                "WITH handed AS (UPDATE {} SET {owner} = '{to}' WHERE tenant_id = app.tenant() AND {owner} = '{from}' AND id = (SELECT min(id::text)::uuid FROM {} WHERE tenant_id = app.tenant() AND {owner} = '{from}') RETURNING id)",
                resource.table, resource.table
            );
            // Lines carry copies of their document's scope columns.
            for (at, child) in app.kernel.registry.catalogue.children_of(&resource.name).enumerate() {
                let (Some(copy), Some(parent)) = (child.scope.owner.as_deref(), &child.parent) else { continue };
                write!(
                    sql,
                    ", part{at} AS (UPDATE {} c SET {copy} = '{to}' FROM handed h WHERE c.tenant_id = app.tenant() AND c.{} = h.id)",
                    child.table, parent.column
                )
                .unwrap();
            }
            sql.push_str(" SELECT count(*) FROM handed");
            app.poke(&here.tenant, &sql).await;
        }
        changed.insert(resource.name.as_ref());
    }
    assert!(changed.len() > 1 && changed.contains("sales.order"), "too little has changed hands: {changed:?}");
}

async fn screens_show_nothing_beyond(placement: Placement) {
    let (app, here, there) = two(placement).await;
    let catalogue = &app.kernel.registry.catalogue;
    histories(&app, &here).await;
    let mut foreign = BTreeSet::new();
    for resource in resources(&app) {
        foreign.extend(there.within(&app, resource, Some(T)).await.0);
    }
    for scope in [Scope::Own, Scope::Department] {
        let grants = reading(&app, scope, None);
        grant(&app, &here, &grants).await;
        let look = Look { app: &app, here: &here, allowed: allowed(&app, &here, &grants).await, foreign: foreign.clone(), diffs: Cell::default() };
        look.at("/", 200).await;
        for resource in resources(&app) {
            look.resource(resource, &Hidden::of(&app, &here, &there, resource, Some(scope)).await).await;
        }
        assert!(look.diffs.get() > 1, "no history shows a change");
        for report in catalogue.reports.values() {
            let path = format!("/app/reports/{}", report.name);
            look.at(&path, 200).await;
            look.at(&format!("{path}?format=csv"), 200).await;
            for parameter in &report.parameters {
                let Kind::Reference(target) = &parameter.kind else { continue };
                let hidden = Hidden::of(&app, &here, &there, catalogue.resource(target).unwrap(), Some(scope)).await;
                for format in ["", "&format=csv"] {
                    let absent = look.at(&format!("{path}?{}={}{format}", parameter.name, ids::fresh()), 200).await;
                    for id in hidden.all() {
                        let answer = look.at(&format!("{path}?{}={id}{format}", parameter.name), 200).await;
                        assert_eq!(without_ids(&answer.text), without_ids(&absent.text), "{path} of {id} must read like absent");
                    }
                }
            }
        }
    }
    // One resource wholly, and of what it refers to only his own: titles behind references stay away.
    for resource in resources(&app) {
        let grants = reading(&app, Scope::Own, Some((&resource.permission, T)));
        grant(&app, &here, &grants).await;
        let look = Look { app: &app, here: &here, allowed: allowed(&app, &here, &grants).await, foreign: foreign.clone(), diffs: Cell::default() };
        look.resource(resource, &Hidden::of(&app, &here, &there, resource, Some(T)).await).await;
    }
    app.close().await;
}

#[tokio::test]
async fn screens_show_nothing_beyond_the_readers_sight_in_the_shared_schema() {
    screens_show_nothing_beyond(Placement::Pooled).await;
}

#[tokio::test]
async fn screens_show_nothing_beyond_the_readers_sight_in_a_schema_of_its_own() {
    screens_show_nothing_beyond(Placement::Schema).await;
}

/// Values of an attribute in a page.
fn attribute<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    page.split(&format!("{name}=\"")).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

fn form_of(resource: &Resource, spec: &CommandSpec, id: Uuid) -> String {
    let path = resource.path();
    if resource.create.as_deref() == Some(spec.name.as_ref()) {
        format!("/app/{path}/new")
    } else if resource.update.as_deref() == Some(spec.name.as_ref()) {
        format!("/app/{path}/{id}/edit")
    } else {
        let word = spec.name.rsplit('.').next().unwrap();
        if spec.target.is_some() { format!("/app/{path}/{id}/do/{word}") } else { format!("/app/{path}/do/{word}") }
    }
}

async fn offers(placement: Placement) {
    let (app, here, there) = two(placement).await;
    let catalogue = &app.kernel.registry.catalogue;
    let mut offered = BTreeSet::new();
    for resource in resources(&app) {
        let hidden = Hidden::of(&app, &here, &there, resource, Some(Scope::Own)).await;
        let commands: Vec<_> = catalogue.commands_of(&resource.name).filter(|spec| !spec.internal).collect();
        let permissions: BTreeSet<Option<&str>> = commands.iter().map(|spec| Some(spec.permission.as_ref())).chain([None]).collect();
        for permission in permissions {
            let mut grants = BTreeMap::from([(resource.permission.as_ref(), Scope::Own)]);
            grants.extend(permission.map(|permission| (permission, T)));
            // Where the right to read is the right to run, its width stays narrow.
            grants.insert(resource.permission.as_ref(), Scope::Own);
            grant(&app, &here, &grants).await;
            let look = Look { app: &app, here: &here, allowed: allowed(&app, &here, &grants).await, foreign: BTreeSet::new(), diffs: Cell::default() };
            let mut pages = vec!["/".to_owned(), format!("/app/{}", resource.path())];
            for id in hidden.seen.iter().take(1) {
                pages.extend(["", "/related"].map(|part| format!("/app/{}/{id}{part}", resource.path())));
            }
            for path in pages {
                let page = look.at(&path, 200).await;
                for name in attribute(&page.text, "data-command") {
                    let spec = catalogue.command(name).unwrap();
                    assert!(grants.contains_key(spec.permission.as_ref()), "{path} offers {name} to {grants:?}");
                    offered.insert(name.to_owned());
                }
                for link in attribute(&page.text, "href") {
                    let link = link.split(['?', '#']).next().unwrap();
                    for other in resources(&app).filter(|other| link == format!("/app/{}", other.path())) {
                        assert!(grants.contains_key(other.permission.as_ref()), "{path} leads {grants:?} to {link}");
                    }
                    for report in catalogue.reports.values().filter(|report| link == format!("/app/reports/{}", report.name)) {
                        assert!(grants.contains_key(report.permission.as_ref()), "{path} leads {grants:?} to {link}");
                    }
                }
            }
            for spec in &commands {
                let may = grants.contains_key(spec.permission.as_ref());
                if !may {
                    look.at(&form_of(resource, spec, *hidden.seen.first().unwrap_or(&here.me.id)), 403).await;
                } else if spec.target.is_some() {
                    // The form of a record out of sight is not there, whatever the command's own width is.
                    let absent = look.at(&form_of(resource, spec, ids::fresh()), 404).await;
                    for id in [hidden.beyond.first(), hidden.foreign.first()].into_iter().flatten() {
                        let answer = look.at(&form_of(resource, spec, *id), 404).await;
                        assert_eq!(without_ids(&answer.text), without_ids(&absent.text), "{} of {id} must read like absent", spec.name);
                    }
                }
            }
        }
        // Without the right to read there is no page at all.
        grant(&app, &here, &BTreeMap::new()).await;
        let look = Look { app: &app, here: &here, allowed: allowed(&app, &here, &BTreeMap::new()).await, foreign: BTreeSet::new(), diffs: Cell::default() };
        for path in [format!("/app/{}", resource.path()), format!("/app/pick/{}", resource.path()), format!("/app/{}/{}", resource.path(), here.me.id)] {
            look.at(&path, 403).await;
        }
    }
    for report in catalogue.reports.values() {
        for format in ["", "?format=csv"] {
            assert_eq!(app.page(&here.me, &format!("/app/reports/{}{format}", report.name)).await.status, 403);
        }
    }
    assert!(offered.len() > 20, "{offered:?}");
    app.close().await;
}

#[tokio::test]
async fn pages_offer_only_what_their_reader_may_do_in_the_shared_schema() {
    offers(Placement::Pooled).await;
}

#[tokio::test]
async fn pages_offer_only_what_their_reader_may_do_in_a_schema_of_its_own() {
    offers(Placement::Schema).await;
}
