//! The calls of tools in a turn, and what they leave behind: evidence for the answer, the origin of every text for
//! proposals, and what the answer will rest on.

use super::check::Evidence;
use super::conversation::Turn;
use super::memory::{self, Sources};
use super::search::Passages;
use super::taint::Provenance;
use super::{propose, query, report, screen, search, tool_error, tools};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use steward_kernel::{Catalogue, Code, Error, Resource, Result};
use steward_llm::{Tool, ToolCall};

/// Calls of tools in a turn.
const TOOL_CALLS_MAX: usize = 80;
/// Proposals in a turn: a person reads each card.
const PROPOSALS_MAX: usize = 3;
/// Screens that are offered in a turn.
const SCREENS_MAX: usize = 3;

/// What a turn has come to know.
pub(super) struct Findings {
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) evidence: Evidence,
    pub(super) passages: Passages,
    pub(super) provenance: Provenance,
    pub(super) sources: Sources,
    pub(super) has_searched: bool,
    /// The index did not know yet of a write that the person made before the question.
    pub(super) is_behind: bool,
    pub(super) proposals: usize,
    pub(super) screens: usize,
    /// The model asks the person back, which ends the turn.
    pub(super) asked: Option<Value>,
    pub(super) calls: usize,
    tools: Vec<Arc<Tool>>,
}

impl Findings {
    pub(super) fn new(catalogue: Arc<Catalogue>, evidence: Evidence, provenance: Provenance, sources: Sources, tools: Vec<Arc<Tool>>) -> Self {
        Self {
            catalogue,
            evidence,
            passages: Passages::default(),
            provenance,
            sources,
            has_searched: false,
            is_behind: false,
            proposals: 0,
            screens: 0,
            asked: None,
            calls: 0,
            tools,
        }
    }

    /// What a model may call things in its own words. The built-in planner's are not held against it.
    pub(super) fn learn_vocabulary(&mut self) {
        if !self.tools.is_empty() && !self.evidence.is_trusted() {
            let tools = std::mem::take(&mut self.tools);
            self.evidence.vocabulary(labels_of(&tools).into_iter());
        }
    }
}

/// What the things are called that the tools are about: the labels that their annotations give.
fn labels_of(tools: &[Arc<Tool>]) -> Vec<&str> {
    fn gather<'a>(value: &'a Value, labels: &mut Vec<&'a str>) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| gather(item, labels)),
            Value::Object(fields) => {
                for (name, value) in fields {
                    match (name.as_str(), value) {
                        ("label" | "plural", Value::String(text)) => labels.push(text),
                        ("fields" | "choices" | "measures" | "filters", value) => gather(value, labels),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    let mut labels = Vec::new();
    for annotation in tools.iter().filter_map(|tool| tool.parameters.get("x-resources")) {
        gather(annotation, &mut labels);
    }
    labels
}

impl Turn<'_> {
    /// Runs a tool. What goes wrong is its result: the model and the person learn it with its code.
    pub(super) async fn call(&self, call: &ToolCall, findings: &mut Findings, language: &str) -> Value {
        findings.calls += 1;
        let arguments: Value = serde_json::from_str(&call.arguments).unwrap_or(Value::Null);
        let result = if findings.calls > TOOL_CALLS_MAX {
            Err(Error::new(Code::TooLarge, "too many steps for one question"))
        } else {
            match call.name.as_str() {
                tools::QUERY => self.query(&arguments, findings, language).await,
                tools::SEARCH => self.search(arguments, findings).await,
                tools::REPORT => self.report(&arguments, findings, language).await,
                tools::PROPOSE => self.propose(arguments, findings, language).await,
                tools::OPEN_SCREEN => self.open_screen(arguments, findings, language).await,
                tools::ASK => {
                    findings.asked = Some(arguments);
                    Ok(json!({ "asked": true }))
                }
                other => Err(Error::unknown("tool", other)),
            }
        };
        result.unwrap_or_else(|error| {
            let result = tool_error(error);
            // The house repeats nothing that it did not find out.
            let called = if findings.evidence.is_trusted() { String::new() } else { format!("{} {}", call.name, call.arguments) };
            findings.evidence.error(result.get("error").unwrap_or(&Value::Null), &called);
            result
        })
    }

    async fn query(&self, arguments: &Value, findings: &mut Findings, language: &str) -> Result<Value> {
        let (result, sources) = query::run(&self.state().kernel, self.principal(), arguments.clone(), language).await?;
        findings.sources.add(sources);
        findings.provenance.query(&findings.catalogue, arguments, &result);
        findings.evidence.query(arguments, &result);
        if let Some(resource) = result.get("resource").and_then(Value::as_str).and_then(|name| findings.catalogue.resources.get(name)) {
            let labels = self.called(&findings.catalogue, resource, arguments, &result, language);
            findings.evidence.called(labels.iter().map(String::as_str));
        }
        Ok(result)
    }

    /// What the person calls the things that a result shows.
    fn called(&self, catalogue: &Catalogue, resource: &Resource, arguments: &Value, result: &Value, language: &str) -> Vec<String> {
        let (labels, name) = (self.labels(), resource.name.as_ref());
        let list = |key: &str| arguments.get(key).and_then(Value::as_array).into_iter().flatten();
        let mut called = vec![labels.resource(language, name).into_owned(), labels.plural(language, name).into_owned()];
        let items = result.get("items").and_then(Value::as_array).into_iter().flatten();
        let mut paths: BTreeSet<&str> = items.clone().filter_map(Value::as_object).flat_map(|item| item.keys()).map(String::as_str).collect();
        paths.extend(list("filters").filter_map(|filter| filter.get("path")?.as_str()));
        paths.extend(list("group").chain(list("fields")).filter_map(Value::as_str));
        for path in paths {
            if let Some(field) = memory::field_at(catalogue, resource, path) {
                let owner = memory::owner_of(catalogue, resource, path).unwrap_or(resource);
                called.push(labels.field(language, &owner.name, field).into_owned());
                for value in items.clone().filter_map(|item| item.get(path)?.as_str()).filter(|_| matches!(field.kind, steward_kernel::Kind::Choice(_))) {
                    called.push(labels.choice(language, &owner.name, &field.name, value).into_owned());
                }
            } else if resource.filters.iter().any(|filter| filter.name == path) {
                called.push(labels.filter(language, name, path).into_owned());
            }
            if resource.find_measure(path).is_some() {
                called.push(labels.measure(language, name, path).into_owned());
            }
        }
        called
    }

    async fn search(&self, arguments: Value, findings: &mut Findings) -> Result<Value> {
        findings.has_searched = true;
        let found = search::run(self.state(), self.principal(), arguments, self.question.position, &mut findings.passages).await?;
        findings.is_behind |= found.is_behind;
        findings.sources.passages(&found.passages);
        findings.provenance.passages(&found.passages);
        Ok(found.result)
    }

    async fn report(&self, arguments: &Value, findings: &mut Findings, language: &str) -> Result<Value> {
        let (result, sources) = report::run(&self.state().kernel, self.principal(), arguments.clone()).await?;
        findings.sources.add(sources);
        let name = result.get("report").and_then(Value::as_str).unwrap_or_default();
        if let Some(spec) = findings.catalogue.reports.get(name) {
            findings.provenance.report(&spec.columns, name, &result);
            let labels = self.labels();
            let columns = spec.columns.iter().map(|column| labels.report_field(language, name, column).into_owned());
            let called: Vec<String> = columns.chain([labels.report(language, name).into_owned()]).collect();
            findings.evidence.called(called.iter().map(String::as_str));
        }
        findings.evidence.report(arguments, &result);
        Ok(result)
    }

    async fn propose(&self, arguments: Value, findings: &mut Findings, language: &str) -> Result<Value> {
        if findings.proposals >= PROPOSALS_MAX {
            return Err(Error::new(Code::TooLarge, format!("at most {PROPOSALS_MAX} proposals are made for one question")));
        }
        let kernel = &self.state().kernel;
        let proposal = propose::run(kernel, self.principal(), self.question, arguments, findings).await?;
        findings.proposals += 1;
        findings.sources.preview(&proposal.preview);
        findings.provenance.preview(&findings.catalogue, &proposal.preview.changes);
        let card = propose::card(&proposal, kernel);
        self.recorder.rests_on(&findings.sources);
        self.recorder.emit(vec![("proposal", card.clone())]).await;
        let result = json!({ "proposal": card });
        findings.evidence.other(&result);
        let commands: Vec<String> = proposal.steps.iter().map(|step| self.labels().command(language, &step.command).into_owned()).collect();
        findings.evidence.called(commands.iter().map(String::as_str));
        Ok(result)
    }

    async fn open_screen(&self, arguments: Value, findings: &mut Findings, language: &str) -> Result<Value> {
        if findings.screens >= SCREENS_MAX {
            return Err(Error::new(Code::TooLarge, format!("at most {SCREENS_MAX} screens are opened for one question")));
        }
        let (screen, sources) = screen::run(self.state(), self.principal(), arguments, &findings.provenance, language).await?;
        findings.screens += 1;
        findings.sources.add(sources);
        self.recorder.rests_on(&findings.sources);
        self.recorder.emit(vec![("open_screen", screen.clone())]).await;
        findings.evidence.other(&json!([screen.get("label"), screen.get("title")]));
        Ok(json!({ "opened": screen }))
    }
}
