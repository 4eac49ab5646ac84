//! What a page knows of its reader: the words, the catalogue, and what they may see and do.

use super::visitor::{Arrival, Flash};
use axum::http::Uri;
use chrono::NaiveDate;
use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;
use steward_kernel::calendar::Calendar;
use steward_kernel::catalogue::module_of;
use steward_kernel::labels::Labels;
use steward_kernel::principal::Rights;
use steward_kernel::{Catalogue, CommandSpec, Field, Kind, Read, ReportSpec, Resource};
use uuid::Uuid;

pub(super) struct View {
    pub(super) labels: Arc<Labels>,
    pub(super) language: String,
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) rights: Rights,
    pub(super) calendar: Calendar,
    pub(super) today: NaiveDate,
    pub(super) uri: Uri,
    pub(super) is_partial: bool,
    pub(super) flash: Option<Flash>,
}

/// Whose field it is: where its words stand.
#[derive(Clone, Copy)]
pub(super) enum Of<'a> {
    Resource(&'a str),
    Command(&'a CommandSpec),
    Report(&'a str),
}

impl View {
    pub(super) fn new(read: &Read, arrival: &Arrival) -> Self {
        let rights = read.rights().clone();
        Self {
            language: arrival.labels().nearest(&rights.language).to_owned(),
            labels: Arc::clone(arrival.labels()),
            catalogue: Arc::clone(read.catalogue()),
            calendar: read.calendar(),
            today: read.today(),
            rights,
            uri: arrival.uri.clone(),
            is_partial: arrival.is_partial,
            flash: arrival.flash.clone(),
        }
    }

    /// A word of the pages themselves.
    pub(super) fn t(&self, id: &str) -> String {
        word(&self.labels, &self.language, id)
    }

    pub(super) fn may_read(&self, resource: &Resource) -> bool {
        self.rights.entitled(module_of(&resource.name), None) && self.rights.may(&resource.permission)
    }
    pub(super) fn may_run(&self, spec: &CommandSpec) -> bool {
        !spec.internal && self.rights.entitled(module_of(&spec.name), spec.flag.as_deref()) && self.rights.may(&spec.permission)
    }
    pub(super) fn may_report(&self, spec: &ReportSpec) -> bool {
        self.rights.entitled(module_of(&spec.name), None) && self.rights.may(&spec.permission)
    }
    pub(super) fn sees(&self, field: &Field) -> bool {
        field.permission.as_ref().is_none_or(|permission| self.rights.may(permission))
    }

    /// The stored fields that the reader may see.
    pub(super) fn fields<'a>(&'a self, resource: &'a Resource) -> impl Iterator<Item = &'a Field> {
        resource.fields.iter().filter(|field| !matches!(field.kind, Kind::Lines(_)) && self.sees(field))
    }
    /// The resource of this name, where the reader may read it.
    pub(super) fn readable(&self, name: &str) -> Option<&Arc<Resource>> {
        self.catalogue.resources.get(name).filter(|resource| self.may_read(resource))
    }
    /// The command, where the reader may run it.
    pub(super) fn runnable(&self, name: Option<&str>) -> Option<&Arc<CommandSpec>> {
        self.catalogue.commands.get(name?).filter(|spec| self.may_run(spec))
    }
    /// Resources of the menu, by module.
    pub(super) fn menu(&self) -> Vec<(&str, Vec<&Arc<Resource>>)> {
        let of = |module: &str| -> Vec<&Arc<Resource>> {
            self.catalogue.resources.values().filter(|resource| resource.menu && module_of(&resource.name) == module && self.may_read(resource)).collect()
        };
        // Modules rest on those before them: the daily work comes last in that order, and first in the menu.
        self.catalogue.modules.iter().rev().map(|module| (module.as_str(), of(module))).filter(|(_, resources)| !resources.is_empty()).collect()
    }
    pub(super) fn reports(&self) -> Vec<&Arc<ReportSpec>> {
        self.catalogue.reports.values().filter(|spec| self.may_report(spec)).collect()
    }

    pub(super) fn label<'a>(&'a self, of: Of<'_>, field: &'a Field) -> Cow<'a, str> {
        match of {
            Of::Resource(resource) => self.labels.field(&self.language, resource, field),
            Of::Command(spec) => self.labels.command_input(&self.language, &spec.name, &spec.resource, field),
            Of::Report(report) => self.labels.report_field(&self.language, report, field),
        }
    }
    pub(super) fn choice<'a>(&'a self, of: Of<'_>, field: &str, value: &'a str) -> Cow<'a, str> {
        match of {
            Of::Resource(resource) => self.labels.choice(&self.language, resource, field, value),
            Of::Command(spec) => self.labels.command_choice(&self.language, &spec.name, &spec.resource, field, value),
            Of::Report(report) => self.labels.report_choice(&self.language, report, field, value),
        }
    }
    pub(super) fn hint(&self, of: Of<'_>, field: &str) -> Option<&str> {
        match of {
            Of::Resource(resource) => self.labels.field_description(&self.language, resource, field),
            Of::Command(spec) => self.labels.command_input_description(&self.language, &spec.name, &spec.resource, field),
            Of::Report(_) => None,
        }
    }
    pub(super) fn plural(&self, resource: &Resource) -> Cow<'_, str> {
        self.labels.plural(&self.language, &resource.name)
    }
    pub(super) fn singular(&self, resource: &Resource) -> Cow<'_, str> {
        self.labels.resource(&self.language, &resource.name)
    }
    pub(super) fn command(&self, spec: &CommandSpec) -> Cow<'_, str> {
        self.labels.command(&self.language, &spec.name)
    }
}

/// A word of the pages in a language.
pub(super) fn word(labels: &Labels, language: &str, id: &str) -> String {
    labels.text(language, &format!("screens-{id}")).into_owned()
}

/// Where a list stands.
pub(crate) fn list_path(resource: &Resource) -> String {
    format!("/app/{}", resource.path())
}

/// Where a record stands.
pub(crate) fn record_path(resource: &Resource, id: impl std::fmt::Display) -> String {
    format!("/app/{}/{id}", resource.path())
}

/// The path with parameters.
pub(crate) fn with_query<'a>(path: &str, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = path.to_owned();
    for (index, (name, value)) in pairs.into_iter().enumerate() {
        text.push(if index == 0 { '?' } else { '&' });
        encode(&mut text, name);
        text.push('=');
        encode(&mut text, value);
    }
    text
}

fn encode(text: &mut String, part: &str) {
    for byte in part.bytes() {
        // Brackets and commas stay readable: they cannot end a parameter.
        if byte.is_ascii_alphanumeric() || b"-._~[],:/".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
}

/// The id of a record in a value of the wire: `{"id", "title"}` or the bare id.
pub(super) fn id_of(value: &serde_json::Value) -> Option<Uuid> {
    value.get("id").unwrap_or(value).as_str().and_then(|text| Uuid::try_parse(text).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_encoded() {
        assert_eq!(with_query("/a", [("filter[x][eq]", "a&b=c d"), ("q", "é")]), "/a?filter[x][eq]=a%26b%3Dc%20d&q=%C3%A9");
        assert_eq!(with_query("/a", []), "/a");
    }
}
