//! The calls of tools in a turn, and what they leave behind: evidence for the answer, the origin of every text for
//! proposals, and what the answer will rest on.

use super::check::Evidence;
use super::conversation::Turn;
use super::memory::Sources;
use super::search::Passages;
use super::taint::Provenance;
use super::{propose, query, report, search, tool_error, tools};
use serde_json::{Value, json};
use std::sync::Arc;
use steward_kernel::{Catalogue, Code, Error, Result};
use steward_llm::ToolCall;

/// Calls of tools in a turn.
const TOOL_CALLS_MAX: usize = 80;
/// Proposals in a turn: a person reads each card.
const PROPOSALS_MAX: usize = 3;

/// What a turn has come to know.
pub(super) struct Findings {
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) evidence: Evidence,
    pub(super) passages: Passages,
    pub(super) provenance: Provenance,
    pub(super) sources: Sources,
    pub(super) has_searched: bool,
    pub(super) proposals: usize,
    /// The model asks the person back, which ends the turn.
    pub(super) asked: Option<Value>,
    pub(super) calls: usize,
}

impl Turn<'_> {
    /// Runs a tool. What goes wrong is its result: the model and the person learn it with its code.
    pub(super) async fn call(&self, call: &ToolCall, findings: &mut Findings) -> Value {
        findings.calls += 1;
        let arguments: Value = serde_json::from_str(&call.arguments).unwrap_or(Value::Null);
        let result = if findings.calls > TOOL_CALLS_MAX {
            Err(Error::new(Code::TooLarge, "too many steps for one question"))
        } else {
            match call.name.as_str() {
                tools::QUERY => self.query(&arguments, findings).await,
                tools::SEARCH => self.search(arguments, findings).await,
                tools::REPORT => self.report(&arguments, findings).await,
                tools::PROPOSE => self.propose(arguments, findings).await,
                tools::ASK => {
                    findings.asked = Some(arguments);
                    Ok(json!({ "asked": true }))
                }
                other => Err(Error::unknown("tool", other)),
            }
        };
        result.unwrap_or_else(|error| {
            let result = tool_error(error);
            findings.evidence.other(&result);
            result
        })
    }

    async fn query(&self, arguments: &Value, findings: &mut Findings) -> Result<Value> {
        let (result, sources) = query::run(&self.state().kernel, self.principal(), arguments.clone()).await?;
        findings.sources.add(sources);
        findings.provenance.query(&findings.catalogue, arguments, &result);
        findings.evidence.query(arguments, &result);
        Ok(result)
    }

    async fn search(&self, arguments: Value, findings: &mut Findings) -> Result<Value> {
        findings.has_searched = true;
        let (result, passages) = search::run(self.state(), self.principal(), arguments, &mut findings.passages).await?;
        findings.sources.passages(&passages);
        findings.provenance.passages(&passages);
        Ok(result)
    }

    async fn report(&self, arguments: &Value, findings: &mut Findings) -> Result<Value> {
        let (result, sources) = report::run(&self.state().kernel, self.principal(), arguments.clone()).await?;
        findings.sources.add(sources);
        let name = result.get("report").and_then(Value::as_str).unwrap_or_default();
        if let Some(spec) = findings.catalogue.reports.get(name) {
            findings.provenance.report(&spec.columns, name, &result);
        }
        findings.evidence.report(arguments, &result);
        Ok(result)
    }

    async fn propose(&self, arguments: Value, findings: &mut Findings) -> Result<Value> {
        if findings.proposals >= PROPOSALS_MAX {
            return Err(Error::new(Code::TooLarge, format!("at most {PROPOSALS_MAX} proposals are made for one question")));
        }
        let kernel = &self.state().kernel;
        let proposal = propose::run(kernel, self.principal(), self.question, arguments, findings).await?;
        findings.proposals += 1;
        findings.sources.preview(&proposal.preview);
        findings.provenance.preview(&findings.catalogue, &proposal.preview.changes);
        let card = propose::card(&proposal, kernel);
        self.recorder.emit(vec![("proposal", card.clone())]).await;
        let result = json!({ "proposal": card });
        findings.evidence.other(&result);
        Ok(result)
    }
}
