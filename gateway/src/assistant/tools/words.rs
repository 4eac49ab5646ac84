//! The annotations for the built-in planner: names, labels and synonyms in the language of the question, the other languages'
//! with them.

use super::{Shown, fields_for_models, measures, path_of};
use serde_json::{Value, json};
use steward_kernel::catalogue::Aggregate;
use steward_kernel::query::{Op, ops_of};
use steward_kernel::{Catalogue, CommandSpec, Field, Kind, Measure, Resource};

/// The name of a kind on the wire; for questions a long text is a text like others.
pub(super) fn kind(kind: &Kind) -> &'static str {
    match kind {
        Kind::Text { .. } => "text",
        other => other.name(),
    }
}

/// Whether records can be found by how the field begins.
pub(super) fn has_prefix(catalogue: &Catalogue, field: &Field) -> bool {
    ops_of(catalogue, field).contains(&Op::Starts)
}

pub(super) fn column_of(measure: &Measure) -> Option<&str> {
    match &measure.aggregate {
        Aggregate::Count => None,
        Aggregate::Sum { column, .. } | Aggregate::Average { column, .. } | Aggregate::Max { column } | Aggregate::Min { column } => Some(column),
    }
}

/// Words in the order in which they came, each once and none that is the label already.
fn merged<'a>(label: &str, words: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for word in words {
        if !word.eq_ignore_ascii_case(label) && !all.iter().any(|known| known.eq_ignore_ascii_case(word)) {
            all.push(word.to_owned());
        }
    }
    all
}

impl Shown<'_> {
    /// The synonyms of the question's language, then the labels and synonyms of the others: people ask in the words at hand.
    fn synonyms<'s>(&self, label: &str, texts: impl Fn(&str) -> (Vec<String>, Vec<&'s str>)) -> Vec<String> {
        let (_, own) = texts(self.language);
        let mut words: Vec<String> = own.into_iter().map(str::to_owned).collect();
        for language in self.labels.languages().into_iter().filter(|language| *language != self.language) {
            let (labels, synonyms) = texts(language);
            words.extend(labels);
            words.extend(synonyms.into_iter().map(str::to_owned));
        }
        merged(label, words.iter().map(String::as_str))
    }

    pub(super) fn resource(&self, resource: &Resource) -> Value {
        let (labels, language, name) = (self.labels, self.language, resource.name.as_ref());
        let label = labels.resource(language, name);
        let synonyms = self.synonyms(&label, |language| {
            (vec![labels.resource(language, name).into_owned(), labels.plural(language, name).into_owned()], labels.synonyms(language, name))
        });
        let parent = resource.parent.as_ref().map(|parent| {
            let field = resource.fields.iter().find(|field| field.column == parent.column && matches!(field.kind, Kind::Reference(_)));
            json!({ "resource": parent.resource, "field": field.map_or(parent.column.as_ref(), |field| field.name.as_ref()) })
        });
        let fields: Vec<Value> = fields_for_models(self.read, resource).map(|field| self.field(resource, field)).collect();
        let measures: Vec<Value> = measures(self.read, resource).map(|measure| self.measure(resource, measure)).collect();
        let filters: Vec<Value> = resource
            .filters
            .iter()
            .map(|filter| {
                let label = labels.filter(language, name, &filter.name);
                let synonyms = self.synonyms(&label, |language| {
                    (vec![labels.filter(language, name, &filter.name).into_owned()], labels.filter_synonyms(language, name, &filter.name))
                });
                json!({ "name": filter.name, "label": label, "synonyms": synonyms })
            })
            .collect();
        json!({
            "name": name, "label": label, "plural": labels.plural(language, name), "synonyms": synonyms, "title": resource.title, "parent": parent,
            "fields": fields, "measures": measures, "filters": filters,
        })
    }

    fn field(&self, resource: &Resource, field: &Field) -> Value {
        let (labels, name) = (self.labels, resource.name.as_ref());
        let label = labels.field(self.language, name, field);
        let synonyms =
            self.synonyms(&label, |language| (vec![labels.field(language, name, field).into_owned()], labels.field_synonyms(language, name, &field.name)));
        let choices: Vec<Value> = choices(&field.kind)
            .map(|value| {
                let label = if field.custom { value.into() } else { labels.choice(self.language, name, &field.name, value) };
                let synonyms = self.synonyms(&label, |language| {
                    (vec![labels.choice(language, name, &field.name, value).into_owned()], labels.choice_synonyms(language, name, &field.name, value))
                });
                json!({ "value": value, "label": label, "synonyms": synonyms })
            })
            .collect();
        json!({
            "name": path_of(field), "label": label, "synonyms": synonyms, "kind": kind(&field.kind), "resource": referred(&field.kind), "choices": choices,
            "starts": has_prefix(self.catalogue(), field), "sortable": field.sortable, "filterable": !ops_of(self.catalogue(), field).is_empty(),
        })
    }

    fn measure(&self, resource: &Resource, measure: &Measure) -> Value {
        let (labels, name) = (self.labels, resource.name.as_ref());
        let label = labels.measure(self.language, name, &measure.name);
        let synonyms = self.synonyms(&label, |language| {
            (vec![labels.measure(language, name, &measure.name).into_owned()], labels.measure_synonyms(language, name, &measure.name))
        });
        let over_money = |column: &str| resource.fields.iter().any(|field| field.column == column && matches!(field.kind, Kind::Money { .. }));
        let (aggregate, money) = match &measure.aggregate {
            Aggregate::Count => ("count", false),
            Aggregate::Sum { currency, .. } => ("sum", currency.is_some()),
            Aggregate::Average { currency, .. } => ("average", currency.is_some()),
            Aggregate::Max { column } => ("max", over_money(column)),
            Aggregate::Min { column } => ("min", over_money(column)),
        };
        json!({ "name": measure.name, "label": label, "synonyms": synonyms, "money": money, "date": measure.date, "aggregate": aggregate })
    }

    pub(super) fn command(&self, spec: &CommandSpec) -> Value {
        let (labels, language) = (self.labels, self.language);
        let others = labels.languages().into_iter().filter(|other| *other != language);
        let examples: Vec<&str> = [language].into_iter().chain(others).flat_map(|language| labels.examples(language, &spec.name)).collect();
        let label = labels.command(language, &spec.name);
        let synonyms = self.synonyms(&label, |language| (vec![labels.command(language, &spec.name).into_owned()], labels.synonyms(language, &spec.name)));
        json!({
            "name": spec.name, "label": label, "synonyms": synonyms, "description": labels.description(language, &spec.name), "examples": examples,
            "resource": spec.resource, "target": spec.target, "risk": spec.risk.as_str(), "when": spec.when,
            "inputs": spec.inputs.iter().filter(|input| !super::is_persons_word(spec, input)).map(|input| self.input(spec, input)).collect::<Vec<_>>(),
        })
    }

    fn input(&self, spec: &CommandSpec, input: &Field) -> Value {
        let (labels, command, resource) = (self.labels, spec.name.as_ref(), spec.resource.as_ref());
        let label = labels.command_input(self.language, command, resource, input);
        let synonyms = self.synonyms(&label, |language| {
            (
                vec![labels.command_input(language, command, resource, input).into_owned()],
                labels.command_input_synonyms(language, command, resource, &input.name),
            )
        });
        let choices: Vec<Value> = choices(&input.kind)
            .map(|value| json!({ "value": value, "label": labels.command_choice(self.language, command, resource, &input.name, value) }))
            .collect();
        let lines: Vec<Value> = match &input.kind {
            Kind::Lines(fields) => fields.iter().map(|field| self.input(spec, field)).collect(),
            _ => Vec::new(),
        };
        json!({
            "name": input.name, "label": label, "synonyms": synonyms, "kind": kind(&input.kind), "required": input.required, "resource": referred(&input.kind),
            "choices": choices, "default": input.default, "lines": lines,
        })
    }
}

fn choices(kind: &Kind) -> impl Iterator<Item = &str> {
    let values: &[_] = if let Kind::Choice(values) = kind { values } else { &[] };
    values.iter().map(AsRef::as_ref)
}

fn referred(kind: &Kind) -> Option<&str> {
    if let Kind::Reference(resource) = kind { Some(resource) } else { None }
}
