//! What the labels lack, for the test that holds every language complete.

use super::{FALLBACK, Id, Labels, Message, Pack, input_ids, report_id};
use crate::catalogue::{Catalogue, CommandSpec, Field, Kind, ReportSpec, Resource, Risk};
use std::collections::BTreeSet;

impl Labels {
    /// Every message that the catalogue needs and that a language lacks, as `de: sales-order--status`; and whatever one
    /// language has and another has not. Synonyms may differ: languages have different ones.
    pub fn missing(&self, catalogue: &Catalogue) -> Vec<String> {
        let mut gaps = Gaps { language: FALLBACK, pack: None, found: BTreeSet::new() };
        for (language, pack) in &self.packs {
            gaps.language = language;
            gaps.pack = Some(pack);
            catalogue.modules.iter().for_each(|module| gaps.value(&[&["module-", module]]));
            catalogue.resources.values().for_each(|resource| gaps.resource(resource));
            catalogue.commands.values().for_each(|command| gaps.command(command));
            catalogue.reports.values().for_each(|report| gaps.report(report));
            for other in self.packs.values() {
                for (id, message) in &other.messages {
                    gaps.parity(id, message);
                }
            }
        }
        gaps.found.into_iter().collect()
    }

    /// The roles among `names` that a language has no word for.
    pub fn missing_roles<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
        let mut gaps = Gaps { language: FALLBACK, pack: None, found: BTreeSet::new() };
        for name in names {
            for (language, pack) in &self.packs {
                gaps.language = language;
                gaps.pack = Some(pack);
                gaps.value(&[&["role-", name]]);
            }
        }
        gaps.found.into_iter().collect()
    }
}

struct Gaps<'a> {
    language: &'a str,
    pack: Option<&'a Pack>,
    found: BTreeSet<String>,
}

impl Gaps<'_> {
    /// One of the ids must have a text; the first is the one that is named.
    fn value(&mut self, ids: &[Id<'_>]) {
        if self.pack.and_then(|pack| pack.find(ids, |message| message.value.as_deref())).is_none() {
            self.note(ids, "");
        }
    }
    fn attribute(&mut self, ids: &[Id<'_>], attribute: &str) {
        if self.pack.and_then(|pack| pack.find(ids, |message| message.attribute(attribute))).is_none() {
            self.note(ids, attribute);
        }
    }
    fn note(&mut self, ids: &[Id<'_>], attribute: &str) {
        let id = ids.first().map(|parts| parts.concat().replace(['.', ':'], "-")).unwrap_or_default();
        let dot = if attribute.is_empty() { "" } else { "." };
        self.found.insert(format!("{}: {id}{dot}{attribute}", self.language));
    }
    /// What another language has of a message.
    fn parity(&mut self, id: &str, theirs: &Message) {
        let Some(pack) = self.pack else { return };
        let ours = pack.messages.get(id);
        if theirs.value.is_some() && ours.is_none_or(|message| message.value.is_none()) {
            self.note(&[&[id]], "");
        }
        for (attribute, _) in theirs.attributes.iter().filter(|(name, _)| name != "synonyms") {
            if ours.is_none_or(|message| message.attribute(attribute).is_none()) {
                self.note(&[&[id]], attribute);
            }
        }
    }

    fn resource(&mut self, resource: &Resource) {
        let name = &*resource.name;
        self.value(&[&[name]]);
        self.attribute(&[&[name]], "plural");
        self.attribute(&[&[name]], "description");
        for field in resource.fields.iter().filter(|field| !field.custom) {
            self.value(&[&[name, "--", &field.name], &["kernel--", &field.name]]);
            for choice in choices(field) {
                self.value(&[&[name, "--", &field.name, "--", choice], &["kernel--", &field.name, "--", choice]]);
            }
        }
        for measure in &resource.measures {
            self.value(&[&[name, "-measure--", &measure.name], &["kernel--", &measure.name]]);
        }
        for filter in &resource.filters {
            self.value(&[&[name, "-filter--", &filter.name], &["kernel--", &filter.name]]);
        }
    }

    fn command(&mut self, spec: &CommandSpec) {
        self.value(&[&[&spec.name]]);
        // Internal commands are seen in the audit only: their name is enough.
        if spec.internal {
            return;
        }
        self.attribute(&[&[&spec.name]], "description");
        if spec.risk != Risk::HumanOnly {
            self.attribute(&[&[&spec.name]], "examples");
        }
        self.inputs(spec, &spec.inputs);
    }

    fn inputs(&mut self, spec: &CommandSpec, fields: &[Field]) {
        for field in fields {
            self.value(&input_ids(&[&spec.name], &[&spec.resource], &[&field.name]).each());
            for choice in choices(field) {
                self.value(&input_ids(&[&spec.name], &[&spec.resource], &[&field.name, "--", choice]).each());
            }
            if let Kind::Lines(fields) = &field.kind {
                self.inputs(spec, fields);
            }
        }
    }

    fn report(&mut self, report: &ReportSpec) {
        let [module, infix, rest] = report_id(&report.name);
        let id: Id<'_> = &[module, infix, rest];
        self.value(&[id]);
        self.attribute(&[id], "description");
        self.attribute(&[id], "examples");
        for field in report.parameters.iter().chain(&report.columns) {
            self.value(&[&[module, infix, rest, "--", &field.name], &["kernel--", &field.name]]);
            for choice in choices(field) {
                self.value(&[&[module, infix, rest, "--", &field.name, "--", choice], &["kernel--", &field.name, "--", choice]]);
            }
        }
    }
}

fn choices(field: &Field) -> impl Iterator<Item = &str> {
    let choices = match &field.kind {
        Kind::Choice(choices) => choices.as_slice(),
        _ => &[],
    };
    choices.iter().map(|choice| &**choice)
}
