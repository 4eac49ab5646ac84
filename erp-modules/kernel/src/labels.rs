//! Labels: the words for everything in the catalogue, by language, from Fluent messages.
//!
//! Start at [`Labels::new`], which reads every message once, refuses what is wrong, and keeps the texts ready: labels
//! are read for every cell of a screen. Then the helpers, which build message ids by convention from dotted names:
//!
//! | of | id |
//! |---|---|
//! | resource `sales.order` | `sales-order`, with `.plural`, `.description`, `.synonyms` |
//! | its field `customer` | `sales-order--customer`, else `kernel--customer` |
//! | a choice of its field `status` | `sales-order--status--confirmed`, else `kernel--status--confirmed` |
//! | its measure, its named filter | `sales-order-measure--revenue`, `sales-order-filter--overdue`, else `kernel--…` |
//! | command `sales.order.confirm` | `sales-order-confirm`, with `.description`, `.examples` |
//! | its input `reason` | `sales-order-confirm--reason`, else as a field of the resource, of its lines, of the kernel |
//! | report `sales.backlog` and its column | `sales-report-backlog`, `sales-report-backlog--day`, else `kernel--day` |
//! | module, role | `module-sales`, `role-sales-representative` |
//!
//! A language that lacks a message falls back to English; what English lacks reads as its name.
//! [`Labels::missing`] lists the gaps for the test that holds both languages complete.

mod gaps;
#[cfg(test)]
mod tests;

use crate::catalogue::{Field, last_of, module_of};
use crate::error::{Error, Result};
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentError, FluentResource};
use fluent_syntax::ast::Entry;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use unic_langid::LanguageIdentifier;

pub use fluent_bundle::FluentValue;

/// The language that every other falls back to.
pub const FALLBACK: &str = "en";

/// The kernel's own messages, part of every [`Labels`].
const KERNEL: [(&str, &str); 2] = [("en", include_str!("../labels/en.ftl")), ("de", include_str!("../labels/de.ftl"))];

/// All texts of all languages. Made once at start and shared.
pub struct Labels {
    packs: BTreeMap<String, Pack>,
}

impl std::fmt::Debug for Labels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Labels").field("languages", &self.languages()).finish_non_exhaustive()
    }
}

/// One language: the bundle for texts with variables, and the rendered texts of all messages.
struct Pack {
    bundle: FluentBundle<FluentResource>,
    messages: HashMap<String, Message>,
}

#[derive(Default)]
struct Message {
    /// `None` for a message that has attributes only.
    value: Option<String>,
    attributes: Vec<(String, String)>,
}

/// An id as parts that are joined; dots and colons become dashes.
type Id<'a> = &'a [&'a str];

impl Labels {
    /// From `(language, Fluent source)` of all modules; the kernel's own messages are added here. Refuses syntax
    /// errors, ids that stand twice in a language, and references to messages that do not exist.
    pub fn new(sources: &[(&str, &str)]) -> Result<Self> {
        let mut by_language: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (language, source) in KERNEL.iter().chain(sources) {
            by_language.entry(language).or_default().push(source);
        }
        let mut packs = BTreeMap::new();
        for (language, sources) in by_language {
            packs.insert(language.to_owned(), Pack::new(language, &sources)?);
        }
        Ok(Self { packs })
    }

    pub fn languages(&self) -> Vec<&str> {
        self.packs.keys().map(String::as_str).collect()
    }

    /// The nearest language that there are texts in: `de-AT` is served by `de`, an unknown one by English.
    pub fn nearest(&self, language: &str) -> &str {
        let main = language.split(['-', '_']).next().unwrap_or(language);
        [language, main].into_iter().find_map(|wanted| self.packs.get_key_value(wanted)).map_or(FALLBACK, |(name, _)| name)
    }

    /// The text of a message without variables. An unknown id reads as itself.
    pub fn text<'a>(&'a self, language: &str, id: &'a str) -> Cow<'a, str> {
        self.value(language, &[&[id]]).map_or(Cow::Borrowed(id), Cow::Borrowed)
    }

    /// The text of a message with its variables.
    pub fn with_args(&self, language: &str, id: &str, args: &[(&str, FluentValue<'_>)]) -> String {
        let Some(pack) = self.chain(language).find(|pack| pack.bundle.has_message(id)) else { return id.to_owned() };
        let Some(pattern) = pack.bundle.get_message(id).and_then(|message| message.value()) else { return id.to_owned() };
        let args: FluentArgs<'_> = args.iter().map(|(name, value)| (*name, value.clone())).collect();
        let mut errors = Vec::new();
        let text = pack.bundle.format_pattern(pattern, Some(&args), &mut errors).into_owned();
        // The text still reads, with the variable's name in the gap.
        for error in errors {
            tracing::warn!(id, %error, "a label lacks an argument");
        }
        text
    }

    /// Whether the message exists in the language itself, without falling back.
    pub fn has(&self, language: &str, id: &str) -> bool {
        self.packs.get(language).is_some_and(|pack| pack.messages.contains_key(id))
    }

    /// Whether there is such a text, be it that of the language to fall back to.
    pub fn knows(&self, language: &str, id: &str) -> bool {
        self.chain(language).any(|pack| pack.messages.contains_key(id))
    }

    /// An attribute of a message; dotted names are accepted for ids, here and below.
    pub fn attribute(&self, language: &str, id: &str, attribute: &str) -> Option<&str> {
        self.find_attribute(language, &[&[id]], attribute)
    }

    /// Other words for the same thing, as the language has them.
    pub fn synonyms(&self, language: &str, id: &str) -> Vec<&str> {
        list(self.attribute(language, id, "synonyms"), &[',', '\n'])
    }

    /// The description of a resource, a command, a report or any message.
    pub fn description(&self, language: &str, id: &str) -> Option<&str> {
        self.find_attribute(language, &[&[id], &report_id(id)], "description")
    }

    /// What a person might say to ask for this command or report.
    pub fn examples(&self, language: &str, command_or_report: &str) -> Vec<&str> {
        list(self.find_attribute(language, &[&[command_or_report], &report_id(command_or_report)], "examples"), &['|', '\n'])
    }

    pub fn resource(&self, language: &str, resource: &str) -> Cow<'_, str> {
        self.value_or_name(language, &[&[resource]], resource)
    }

    pub fn plural(&self, language: &str, resource: &str) -> Cow<'_, str> {
        match self.attribute(language, resource, "plural") {
            Some(plural) => Cow::Borrowed(plural),
            None => self.resource(language, resource),
        }
    }

    /// The label of a resource's field; of a custom field what the tenant called it.
    pub fn field<'a>(&'a self, language: &str, resource: &str, field: &'a Field) -> Cow<'a, str> {
        custom_label(self.nearest(language), field)
            .unwrap_or_else(|| self.value_or_name(language, &[&[resource, "--", &field.name], &["kernel--", &field.name]], &field.name))
    }

    pub fn field_synonyms(&self, language: &str, resource: &str, field: &str) -> Vec<&str> {
        list(self.find_attribute(language, &[&[resource, "--", field], &["kernel--", field]], "synonyms"), &[',', '\n'])
    }

    pub fn field_description(&self, language: &str, resource: &str, field: &str) -> Option<&str> {
        self.find_attribute(language, &[&[resource, "--", field], &["kernel--", field]], "description")
    }

    /// A choice of a resource's field. Choices of custom fields have no messages and read as they are stored.
    pub fn choice<'a>(&'a self, language: &str, resource: &str, field: &str, value: &'a str) -> Cow<'a, str> {
        self.value(language, &[&[resource, "--", field, "--", value], &["kernel--", field, "--", value]]).map_or(Cow::Borrowed(value), Cow::Borrowed)
    }

    pub fn choice_synonyms(&self, language: &str, resource: &str, field: &str, value: &str) -> Vec<&str> {
        list(self.find_attribute(language, &[&[resource, "--", field, "--", value], &["kernel--", field, "--", value]], "synonyms"), &[',', '\n'])
    }

    pub fn command(&self, language: &str, command: &str) -> Cow<'_, str> {
        self.value_or_name(language, &[&[command]], command)
    }

    /// An input of a command, or a field of its lines; `resource` is the command's.
    pub fn command_input<'a>(&'a self, language: &str, command: &str, resource: &str, field: &'a Field) -> Cow<'a, str> {
        let name = &field.name;
        custom_label(self.nearest(language), field).unwrap_or_else(|| self.value_or_name(language, &input_ids(&[command], &[resource], &[name]).each(), name))
    }

    pub fn command_input_synonyms(&self, language: &str, command: &str, resource: &str, field: &str) -> Vec<&str> {
        list(self.find_attribute(language, &input_ids(&[command], &[resource], &[field]).each(), "synonyms"), &[',', '\n'])
    }

    pub fn command_input_description(&self, language: &str, command: &str, resource: &str, field: &str) -> Option<&str> {
        self.find_attribute(language, &input_ids(&[command], &[resource], &[field]).each(), "description")
    }

    /// A choice of a command's input.
    pub fn command_choice<'a>(&'a self, language: &str, command: &str, resource: &str, field: &str, value: &'a str) -> Cow<'a, str> {
        self.value(language, &input_ids(&[command], &[resource], &[field, "--", value]).each()).map_or(Cow::Borrowed(value), Cow::Borrowed)
    }

    pub fn measure<'a>(&'a self, language: &str, resource: &str, measure: &str) -> Cow<'a, str> {
        self.value_or_name(language, &[&[resource, "-measure--", measure], &["kernel--", measure]], measure)
    }

    pub fn measure_synonyms(&self, language: &str, resource: &str, measure: &str) -> Vec<&str> {
        list(self.find_attribute(language, &[&[resource, "-measure--", measure], &["kernel--", measure]], "synonyms"), &[',', '\n'])
    }

    pub fn measure_description(&self, language: &str, resource: &str, measure: &str) -> Option<&str> {
        self.find_attribute(language, &[&[resource, "-measure--", measure], &["kernel--", measure]], "description")
    }

    pub fn filter<'a>(&'a self, language: &str, resource: &str, filter: &str) -> Cow<'a, str> {
        self.value_or_name(language, &[&[resource, "-filter--", filter], &["kernel--", filter]], filter)
    }

    pub fn filter_synonyms(&self, language: &str, resource: &str, filter: &str) -> Vec<&str> {
        list(self.find_attribute(language, &[&[resource, "-filter--", filter], &["kernel--", filter]], "synonyms"), &[',', '\n'])
    }

    pub fn report(&self, language: &str, report: &str) -> Cow<'_, str> {
        self.value_or_name(language, &[&report_id(report)], report)
    }

    pub fn report_description(&self, language: &str, report: &str) -> Option<&str> {
        self.find_attribute(language, &[&report_id(report)], "description")
    }

    pub fn report_synonyms(&self, language: &str, report: &str) -> Vec<&str> {
        list(self.find_attribute(language, &[&report_id(report)], "synonyms"), &[',', '\n'])
    }

    /// A parameter or a column of a report.
    pub fn report_field<'a>(&'a self, language: &str, report: &str, field: &'a Field) -> Cow<'a, str> {
        let [module, infix, rest] = report_id(report);
        self.value_or_name(language, &[&[module, infix, rest, "--", &field.name], &["kernel--", &field.name]], &field.name)
    }

    /// A choice of a report's parameter or column.
    pub fn report_choice<'a>(&'a self, language: &str, report: &str, field: &str, value: &'a str) -> Cow<'a, str> {
        let [module, infix, rest] = report_id(report);
        self.value(language, &[&[module, infix, rest, "--", field, "--", value], &["kernel--", field, "--", value]]).map_or(Cow::Borrowed(value), Cow::Borrowed)
    }

    pub fn module(&self, language: &str, module: &str) -> Cow<'_, str> {
        self.value_or_name(language, &[&["module-", module]], module)
    }

    /// A role by its name; roles that a tenant made have no message and read as they are called.
    pub fn role<'a>(&'a self, language: &str, role: &'a str) -> Cow<'a, str> {
        self.value(language, &[&["role-", role]]).map_or(Cow::Borrowed(role), Cow::Borrowed)
    }

    /// The language, then English.
    fn chain(&self, language: &str) -> impl Iterator<Item = &Pack> {
        let nearest = self.nearest(language);
        let fallback = (nearest != FALLBACK).then_some(FALLBACK);
        [Some(nearest), fallback].into_iter().flatten().filter_map(|name| self.packs.get(name))
    }

    fn value(&self, language: &str, ids: &[Id<'_>]) -> Option<&str> {
        self.chain(language).find_map(|pack| pack.find(ids, |message| message.value.as_deref()))
    }

    fn value_or_name(&self, language: &str, ids: &[Id<'_>], name: &str) -> Cow<'_, str> {
        self.value(language, ids).map_or_else(|| Cow::Owned(readable(last_of(name))), Cow::Borrowed)
    }

    fn find_attribute(&self, language: &str, ids: &[Id<'_>], attribute: &str) -> Option<&str> {
        self.chain(language).find_map(|pack| pack.find(ids, |message| message.attribute(attribute)))
    }
}

impl Message {
    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str())
    }
}

impl Pack {
    fn new(language: &str, sources: &[&str]) -> Result<Self> {
        let identifier: LanguageIdentifier =
            language.parse().map_err(|error| Error::internal(format!("labels: {language:?} is not a language")).with_source(error))?;
        let mut bundle = FluentBundle::new_concurrent(vec![identifier]);
        // The texts go into pages and prompts of one direction: the invisible isolation marks would only be in the way.
        bundle.set_use_isolating(false);
        bundle.add_builtins().map_err(|error| Error::internal("labels: the built-in functions cannot be added").with_source(error))?;
        let mut ids = Vec::new();
        for source in sources {
            let resource = FluentResource::try_new((*source).to_owned()).map_err(|(_, errors)| syntax(language, source, &errors))?;
            for entry in resource.entries() {
                if let Entry::Message(message) = entry {
                    let mut seen: Vec<&str> = message.attributes.iter().map(|attribute| attribute.id.name).collect();
                    seen.sort_unstable();
                    if let Some(twice) = seen.windows(2).find(|pair| pair[0] == pair[1]) {
                        return Err(Error::internal(format!("labels ({language}): the attribute {}.{} stands twice", message.id.name, twice[0])));
                    }
                    ids.push(message.id.name.to_owned());
                }
            }
            bundle.add_resource(resource).map_err(|errors| refused(language, &errors))?;
        }
        let mut messages = HashMap::with_capacity(ids.len());
        for id in ids {
            let message = render(&bundle, language, &id)?;
            messages.insert(id, message);
        }
        Ok(Self { bundle, messages })
    }

    /// The first of the ids for which `pick` finds something.
    fn find<'s, T>(&'s self, ids: &[Id<'_>], pick: impl Fn(&'s Message) -> Option<T>) -> Option<T> {
        let mut id = String::with_capacity(64);
        ids.iter().find_map(|parts| {
            id.clear();
            id.extend(parts.iter().flat_map(|part| part.chars()).map(|c| if matches!(c, '.' | ':') { '-' } else { c }));
            self.messages.get(&id).and_then(&pick)
        })
    }
}

/// Renders a message and its attributes. A variable is no error: such a text is rendered anew with its arguments.
fn render(bundle: &FluentBundle<FluentResource>, language: &str, id: &str) -> Result<Message> {
    use fluent_bundle::resolver::{ResolverError, errors::ReferenceKind};
    let mut errors = Vec::new();
    let Some(message) = bundle.get_message(id) else { return Ok(Message::default()) };
    let value = message.value().map(|pattern| bundle.format_pattern(pattern, None, &mut errors).into_owned());
    let attributes =
        message.attributes().map(|attribute| (attribute.id().to_owned(), bundle.format_pattern(attribute.value(), None, &mut errors).into_owned())).collect();
    errors.retain(|error| !matches!(error, FluentError::ResolverError(ResolverError::Reference(ReferenceKind::Variable { .. }))));
    match errors.into_iter().next() {
        Some(error) => Err(Error::internal(format!("labels ({language}): the message {id} cannot be rendered: {error}")).with_source(error)),
        None => Ok(Message { value, attributes }),
    }
}

fn syntax(language: &str, source: &str, errors: &[fluent_syntax::parser::ParserError]) -> Error {
    match errors.first() {
        Some(error) => {
            let before = source.get(..error.pos.start).unwrap_or_default();
            let line = source.get(error.pos.start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
            Error::internal(format!("labels ({language}): line {}: {}: {line:?}", before.matches('\n').count() + 1, error.kind))
        }
        None => Error::internal(format!("labels ({language}): the source cannot be read")),
    }
}

fn refused(language: &str, errors: &[FluentError]) -> Error {
    match errors.first() {
        Some(FluentError::Overriding { id, .. }) => Error::internal(format!("labels ({language}): the message {id} stands twice")),
        Some(error) => Error::internal(format!("labels ({language}): {error}")),
        None => Error::internal(format!("labels ({language}): the source was refused")),
    }
}

/// `sales.backlog` has the id `sales-report-backlog`.
fn report_id(report: &str) -> [&str; 3] {
    match report.split_once('.') {
        Some((module, rest)) => [module, "-report-", rest],
        None => [module_of(report), "-report-", ""],
    }
}

/// Where the label of an input may stand: with the command, the resource, the resource's lines, the kernel.
struct InputIds<'a>([Vec<&'a str>; 4]);

impl<'a> InputIds<'a> {
    fn each(&'a self) -> [Id<'a>; 4] {
        [&self.0[0], &self.0[1], &self.0[2], &self.0[3]]
    }
}

fn input_ids<'a>(command: Id<'a>, resource: Id<'a>, rest: Id<'a>) -> InputIds<'a> {
    InputIds([[command, &["--"], rest].concat(), [resource, &["--"], rest].concat(), [resource, &["_line--"], rest].concat(), [&["kernel--"], rest].concat()])
}

/// What the tenant called a custom field.
fn custom_label<'a>(language: &str, field: &'a Field) -> Option<Cow<'a, str>> {
    let labels = field.label.as_ref()?;
    labels.get(language).or_else(|| labels.get(FALLBACK)).or_else(|| labels.values().next()).map(|label| Cow::Borrowed(label.as_str()))
}

/// `order_date` → `Order date`.
fn readable(name: &str) -> String {
    let mut letters = name.chars().map(|c| if matches!(c, '_' | '-') { ' ' } else { c });
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn list<'a>(text: Option<&'a str>, separators: &[char]) -> Vec<&'a str> {
    text.into_iter().flat_map(|text| text.split(separators)).map(str::trim).filter(|word| !word.is_empty()).collect()
}
