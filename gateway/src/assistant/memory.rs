//! What a conversation rests on, and whether who reads it again may still read all of that.
//!
//! An answer is derived text: it inherits the rights of everything that the model was given for it, and dies with that.
//! [`Sources`] is what was given, stored with the answer; [`Sight`] holds many of them against the rights of now in one
//! read. What does not stand is masked before it is shown, streamed, or handed to a model as history.
//!
//! **Invariant:** an answer whose sources are not known is masked.

mod mask;

use super::search::Passage;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use steward_kernel::catalogue::{Aggregate, module_of};
use steward_kernel::query::Filter;
use steward_kernel::{Catalogue, Kind, Measure, Read, ReportSpec, Resource, Result, Scope};
use uuid::Uuid;

/// Records of a message that are checked one by one; beyond it an answer is too wide to be kept.
const IDS_MAX: usize = 5_000;

/// What somebody must be able to read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sources(Vec<Source>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Source {
    /// A resource, or a report.
    name: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    report: bool,
    /// Over which rows something was counted or listed; `None` where only the records themselves count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    width: Option<Width>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    fields: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    measures: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    ids: BTreeSet<Uuid>,
}

/// The width of a permission and the place that it was relative to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Width {
    scope: Scope,
    place: String,
}

impl Width {
    fn of(read: &Read, permission: &str) -> Option<Self> {
        let rights = read.rights();
        let scope = rights.scope(permission)?;
        let within = match scope {
            Scope::Tenant => Vec::new(),
            Scope::Own => vec![read.user()],
            Scope::Team => rights.team.clone(),
            Scope::Department => rights.departments.clone(),
            Scope::Company => rights.companies.clone(),
        };
        let mut within: Vec<String> = within.iter().map(|id| id.simple().to_string()).collect();
        within.sort();
        let place = blake3::hash(within.concat().as_bytes()).to_hex().chars().take(16).collect();
        Some(Self { scope, place })
    }

    /// What was seen at this width is seen now: the same place, or the whole tenant.
    fn is_within(&self, now: &Self) -> bool {
        now.scope == Scope::Tenant || self == now
    }
}

impl Sources {
    fn at(&mut self, name: &str, report: bool, width: Option<Width>) -> Option<&mut Source> {
        let at = self.0.iter().position(|known| known.name == name && known.report == report && known.width == width);
        let at = at.unwrap_or_else(|| {
            self.0.push(Source { name: name.to_owned(), report, width, fields: BTreeSet::new(), measures: BTreeSet::new(), ids: BTreeSet::new() });
            self.0.len() - 1
        });
        self.0.get_mut(at)
    }

    pub(super) fn add(&mut self, other: Self) {
        for source in other.0 {
            if let Some(known) = self.at(&source.name, source.report, source.width) {
                known.fields.extend(source.fields);
                known.measures.extend(source.measures);
                known.ids.extend(source.ids);
            }
        }
    }

    /// Records by themselves, with a field of theirs.
    pub(super) fn record(&mut self, resource: &str, id: Option<Uuid>, field: Option<&str>) {
        if let Some(known) = self.at(resource, false, None) {
            known.fields.extend(field.map(str::to_owned));
            known.ids.extend(id);
        }
    }

    pub(super) fn passages(&mut self, passages: &[Passage]) {
        for passage in passages {
            self.record(&passage.citation.resource, Some(passage.citation.id), Some(&passage.citation.field));
        }
    }

    /// Of the changes that a preview shows: the model was told of them.
    pub(super) fn preview(&mut self, preview: &steward_kernel::bus::Preview) {
        for change in &preview.changes {
            self.record(&change.resource, Some(change.id).filter(|id| !preview.created.contains(id)), Some(&change.field));
        }
    }

    /// Of a query: its rows at their width, the fields that it shows or asks about, and the records that it names.
    pub(super) fn of_query(read: &Read, resource: &Resource, filters: &[Filter], measures: &[String], group: &[String], result: &Value) -> Self {
        let mut sources = Self::default();
        let catalogue = read.catalogue();
        let items = result.get("items").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let shown = items.iter().filter_map(Value::as_object).flat_map(|item| item.keys()).map(String::as_str).collect::<BTreeSet<_>>();
        let asked = filters.iter().map(|filter| filter.path.as_str()).chain(group.iter().map(String::as_str));
        let paths: Vec<&str> = shown.into_iter().chain(asked).collect();
        if let Some(own) = sources.at(&resource.name, false, Width::of(read, &resource.permission)) {
            own.measures.extend(measures.iter().cloned());
            own.ids.extend(items.iter().filter_map(id_of));
        }
        for path in paths {
            sources.path(catalogue, resource, path);
        }
        for item in items.iter().filter_map(Value::as_object) {
            for (path, value) in item {
                let Some(Kind::Reference(target)) = field_at(catalogue, resource, path).map(|field| &field.kind) else { continue };
                if let Some(id) = id_of(value).filter(|_| value.get("title").is_some_and(|title| !title.is_null())) {
                    sources.record(target, Some(id), None);
                }
            }
        }
        sources
    }

    /// Every field on the way of a path.
    fn path(&mut self, catalogue: &Catalogue, resource: &Resource, path: &str) {
        let mut resource = resource;
        for part in path.split('.').filter(|part| *part != "custom") {
            let Some(field) = resource.find_field(part) else { return };
            self.record(&resource.name, None, Some(&field.name));
            let Kind::Reference(target) = &field.kind else { return };
            let Some(target) = catalogue.resources.get(target.as_ref()) else { return };
            resource = target;
        }
    }

    pub(super) fn of_report(read: &Read, spec: &ReportSpec, result: &Value) -> Self {
        let mut sources = Self::default();
        if let Some(own) = sources.at(&spec.name, true, Width::of(read, &spec.permission)) {
            own.fields.extend(spec.columns.iter().map(|column| column.name.to_string()));
        }
        for item in result.get("items").and_then(Value::as_array).into_iter().flatten() {
            for column in &spec.columns {
                let Kind::Reference(target) = &column.kind else { continue };
                if let Some(id) = item.get(column.name.as_ref()).and_then(id_of) {
                    sources.record(target, Some(id), None);
                }
            }
        }
        sources
    }

    /// Fewer than can be checked again.
    pub(super) fn is_bounded(&self) -> bool {
        self.0.iter().map(|source| source.ids.len()).sum::<usize>() <= IDS_MAX
    }

    /// The records, for the audit.
    pub(super) fn records(&self, most: usize) -> Vec<String> {
        self.0.iter().flat_map(|source| source.ids.iter().map(|id| format!("{}/{id}", source.name))).take(most).collect()
    }
}

/// The id of a record or of a reference.
fn id_of(value: &Value) -> Option<Uuid> {
    value.get("id").unwrap_or(value).as_str().and_then(|text| Uuid::try_parse(text).ok())
}

/// The field at the end of a path as a result names it.
pub(super) fn field_at<'a>(catalogue: &'a Catalogue, resource: &'a Resource, path: &str) -> Option<&'a steward_kernel::Field> {
    super::query::field_at(catalogue, resource, path)
}

/// The resource that the field at the end of a path belongs to.
pub(super) fn owner_of<'a>(catalogue: &'a Catalogue, resource: &'a Resource, path: &str) -> Option<&'a Resource> {
    let Some((way, _)) = path.rsplit_once('.') else { return Some(resource) };
    match &field_at(catalogue, resource, way)?.kind {
        Kind::Reference(to) => catalogue.resources.get(to.as_ref()).map(std::convert::AsRef::as_ref),
        // A part of a date.
        _ => owner_of(catalogue, resource, way),
    }
}

/// What the reader may read now, of all that was asked for.
#[derive(Default)]
pub(super) struct Sight {
    wanted: BTreeMap<String, HashSet<Uuid>>,
    visible: HashMap<String, HashSet<Uuid>>,
}

impl Sight {
    pub(super) fn want(&mut self, sources: &Sources) {
        for source in sources.0.iter().filter(|source| !source.report) {
            self.wanted.entry(source.name.clone()).or_default().extend(&source.ids);
        }
    }

    pub(super) fn want_record(&mut self, resource: &str, id: Uuid) {
        self.wanted.entry(resource.to_owned()).or_default().insert(id);
    }

    /// Asks the database once for each resource.
    pub(super) async fn look(&mut self, read: &mut Read) -> Result<()> {
        for (resource, ids) in std::mem::take(&mut self.wanted) {
            if !read.may_read(&resource) {
                continue;
            }
            let ids: Vec<Uuid> = ids.into_iter().collect();
            let seen = if ids.is_empty() { HashSet::new() } else { read.visible(&resource, &ids).await? };
            self.visible.entry(resource).or_default().extend(seen);
        }
        Ok(())
    }

    pub(super) fn sees(&self, resource: &str, id: Uuid) -> bool {
        self.visible.get(resource).is_some_and(|seen| seen.contains(&id))
    }

    /// Whether everything of it can be read.
    pub(super) fn holds(&self, read: &Read, sources: Option<&Sources>) -> bool {
        sources.is_some_and(|sources| sources.is_bounded() && sources.0.iter().all(|source| self.holds_one(read, source)))
    }

    fn holds_one(&self, read: &Read, source: &Source) -> bool {
        let catalogue = read.catalogue();
        let rights = read.rights();
        let (permission, fields_stand) = if source.report {
            let Some(spec) = catalogue.reports.get(&source.name).filter(|spec| rights.entitled(module_of(&spec.name), None)) else { return false };
            let sees =
                |name: &String| spec.columns.iter().any(|column| column.name == *name && column.permission.as_ref().is_none_or(|needed| rights.may(needed)));
            (&spec.permission, source.fields.iter().all(sees))
        } else {
            let Some(resource) = catalogue.resources.get(&source.name).filter(|resource| read.may_read(&resource.name)) else { return false };
            let fields = read.fields_of(resource);
            let sees = |name: &String| fields.iter().any(|field| field.name == *name);
            let measures = |name: &String| resource.find_measure(name).is_some_and(|measure| sees_measure(read, resource, measure));
            (&resource.permission, source.fields.iter().all(sees) && source.measures.iter().all(measures))
        };
        let is_as_wide = source.width.as_ref().is_none_or(|then| Width::of(read, permission).is_some_and(|now| then.is_within(&now)));
        fields_stand && is_as_wide && rights.may(permission) && source.ids.iter().all(|id| self.sees(&source.name, *id))
    }
}

fn sees_measure(read: &Read, resource: &Resource, measure: &Measure) -> bool {
    let column = match &measure.aggregate {
        Aggregate::Count => None,
        Aggregate::Sum { column, .. } | Aggregate::Average { column, .. } | Aggregate::Max { column } | Aggregate::Min { column } => Some(column),
    };
    let visible = read.fields_of(resource);
    let is_hidden = |field: &&steward_kernel::Field| Some(&field.column) == column && !visible.iter().any(|seen| seen.name == field.name);
    measure.permission.as_ref().is_none_or(|permission| read.rights().may(permission)) && !resource.fields.iter().any(|field| is_hidden(&field))
}

/// An answer as it is stored.
pub(super) struct Stored<'a> {
    /// It came to its end, so that it has a text and sources.
    pub(super) is_done: bool,
    pub(super) sources: Option<&'a Sources>,
    pub(super) text: Option<&'a mut String>,
    pub(super) events: Vec<(&'a str, &'a mut Value)>,
}

/// Leaves of the answers what their reader may read now.
pub(super) async fn mask(read: &mut Read, gone: &str, answers: &mut [Stored<'_>]) -> Result<()> {
    let mut sight = Sight::default();
    for answer in answers.iter() {
        if let Some(sources) = answer.sources {
            sight.want(sources);
        }
        answer.events.iter().filter(|(name, _)| *name == "proposal").for_each(|(_, card)| mask::want(card, read, &mut sight));
    }
    sight.look(read).await?;
    for answer in answers {
        // What was told of an answer that came to no end is an answer too, and so is a card.
        let is_told = answer.is_done || answer.events.iter().any(|(name, _)| !matches!(*name, "start" | "error"));
        if is_told && !sight.holds(read, answer.sources) {
            mask::events(&mut answer.events, gone);
            if let Some(text) = &mut answer.text {
                gone.clone_into(text);
            }
            continue;
        }
        for (_, card) in answer.events.iter_mut().filter(|(name, _)| *name == "proposal") {
            mask::card(card, read, &sight, false);
        }
    }
    Ok(())
}

/// Leaves of a proposal what its reader may read now.
pub(super) async fn mask_proposal(read: &mut Read, sources: &Value, shown: &mut Value) -> Result<()> {
    let sources: Option<Sources> = if sources.is_null() { Some(Sources::default()) } else { serde_json::from_value(sources.clone()).ok() };
    let mut sight = Sight::default();
    if let Some(sources) = &sources {
        sight.want(sources);
    }
    mask::want(shown, read, &mut sight);
    sight.look(read).await?;
    let is_gone = !sight.holds(read, sources.as_ref());
    mask::card(shown, read, &sight, is_gone);
    Ok(())
}

/// The sentence that stands where an answer was.
pub(super) fn gone(labels: &steward_kernel::labels::Labels, language: &str) -> String {
    labels.text(labels.nearest(language), "assistant-gone").into_owned()
}
