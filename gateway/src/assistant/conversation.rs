//! One turn: the loop between a model and the tools, until there is an answer that holds.
//!
//! Start at [`start`]. The turn is a task of its own: a client that goes away does not end it; its deadline does, and the
//! person who stops it or deletes its conversation. No transaction is open while a model is called. [`opening`] is what a
//! turn begins with, [`asking`] how a model is asked, [`speech`] how the model's words become the answer: sentence by
//! sentence as they come, each held against what the tools returned before anybody sees it.

mod asking;
mod language;
mod opening;
mod speech;

use super::calls::Findings;
use super::check::Used;
use super::live::{Live, Place, Recorder};
use super::search::{self, Passage};
use super::{shown, store, told};
use crate::models::Payer;
use crate::state::AppState;
use asking::Served;
use futures::FutureExt;
use opening::Opening;
use serde_json::{Value, json};
use speech::Speech;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};
use steward_ai::access::Caller;
use steward_kernel::labels::Labels;
use steward_kernel::{Principal, Result};
use steward_llm::chat::Delivery;
use steward_llm::{ChatRequest, Message, Tool, ToolCall};
use steward_rag::retrieve::Position;
use tracing::Instrument;
use uuid::Uuid;

/// Calls of models in a turn; the built-in planner makes one for each tool call.
const MODEL_CALLS_MAX: usize = 40;
/// A list of at most this many records is cited record by record.
const CITED_RECORDS_MAX: usize = 20;
const ANSWER_TOKENS_MAX: u32 = 4_000;
/// Characters of a question back.
const ASK_CHARS_MAX: usize = 4_000;
/// Characters of a quotation; the whole of it is a click away.
const QUOTE_CHARS_MAX: usize = 400;
/// How long a turn may go on when the program stops.
const STOP_GRACE: Duration = Duration::from_secs(5);
/// How often a turn looks whether it was stopped at another process, or its conversation deleted there.
const LOOK: Duration = Duration::from_millis(500);

/// What a turn is about.
pub(super) struct Question {
    pub(super) conversation: Uuid,
    pub(super) message: Uuid,
    pub(super) text: String,
    /// A write of the asker's that the answer should know of.
    pub(super) position: Option<Position>,
    /// Who asks through a door of models, which has counted the question as a request.
    pub(super) counted: Option<Caller>,
}

/// What a turn came to.
struct Answer {
    /// What follows the words that were said.
    events: Vec<(&'static str, Value)>,
    text: String,
    done: Value,
}

/// How a turn ended that came to no answer.
enum Cut {
    Stopped,
    /// From outside, for a reason that has words in every language.
    Ended(&'static str),
    Failed(&'static str, String),
}

/// Begins the turn in the background.
pub(super) fn start(state: &AppState, principal: Principal, question: Question, live: Arc<Live>, place: Place) {
    let span =
        tracing::info_span!("assistant.turn.run", tenant.id = %principal.tenant, message.id = %question.message, correlation.id = %principal.correlation);
    let recorder = Recorder::new(state.clone(), principal, question.message, live, place);
    state.tasks.spawn(run(Arc::new(recorder), question).instrument(span));
}

async fn run(recorder: Arc<Recorder>, question: Question) {
    let started = Instant::now();
    let state = recorder.state.clone();
    let limit = Duration::from_secs(state.config.assistant.deadline_seconds);
    let interrupted = async {
        state.stopping.cancelled().await;
        tokio::time::sleep(STOP_GRACE).await;
    };
    let turn = Turn { recorder: &recorder, question: &question, deadline: started + limit };
    let answer = async { told(&state, turn.principal(), turn.answer().await).await };
    let answered = AssertUnwindSafe(Box::pin(answer)).catch_unwind();
    // Whatever ends the turn drops its work, and with it the request to the model.
    let ended = tokio::select! {
        ended = answered => ended.map_err(|_| Cut::Ended("internal")),
        () = turn.is_unwanted() => Err(Cut::Stopped),
        () = tokio::time::sleep(limit) => Err(Cut::Ended("deadline")),
        () = interrupted => Err(Cut::Ended("interrupted")),
    };
    let ended = ended.and_then(|answer| {
        answer.map_err(|error| {
            let (code, message) = shown(error);
            Cut::Failed(code, message)
        })
    });
    let outcome = match ended {
        Ok(answer) => {
            recorder.done(answer.events, &answer.text, answer.done).await;
            "done"
        }
        Err(Cut::Stopped) => {
            recorder.stopped().await;
            "stopped"
        }
        Err(Cut::Ended(code)) => failed(&recorder, code, &turn.ended(code).await).await,
        Err(Cut::Failed(code, message)) => failed(&recorder, code, &message).await,
    };
    metrics::counter!("steward_assistant_turns_total", "outcome" => outcome).increment(1);
    metrics::histogram!("steward_assistant_turn_seconds").record(started.elapsed().as_secs_f64());
}

async fn failed(recorder: &Arc<Recorder>, code: &str, message: &str) -> &'static str {
    tracing::warn!(code, "a question to the assistant was not answered");
    recorder.failed(code, message).await;
    "error"
}

pub(super) struct Turn<'a> {
    pub(super) recorder: &'a Arc<Recorder>,
    pub(super) question: &'a Question,
    deadline: Instant,
}

impl Turn<'_> {
    pub(super) fn state(&self) -> &AppState {
        &self.recorder.state
    }
    pub(super) fn principal(&self) -> &Principal {
        &self.recorder.principal
    }
    pub(super) fn labels(&self) -> &Labels {
        &self.state().labels
    }

    /// Why it was ended from outside, in the language of the question or else of whoever asked.
    async fn ended(&self, code: &str) -> String {
        let asked = language::of(&self.question.text).map(str::to_owned);
        let language = match asked {
            Some(language) => language,
            None => self.state().kernel.read(self.principal()).await.map(|read| read.rights().language.clone()).unwrap_or_default(),
        };
        self.labels().text(&language, &format!("assistant-ended--{code}")).into_owned()
    }

    /// Comes back when the person has stopped the turn, here or at another process, or its conversation is gone.
    async fn is_unwanted(&self) {
        let stop = self.recorder.live.stop();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
            // What cannot be looked up now is looked up the next time.
            if let Ok(false) = store::is_wanted(&self.state().kernel, self.principal(), self.question.message).await {
                return;
            }
        }
    }

    async fn answer(&self) -> Result<Answer> {
        let payer = Payer::of(self.state(), self.principal(), self.question.counted.clone()).await;
        let Opening { tools, mut messages, context, language, mut findings } = self.open(payer.prompt()).await?;
        let mut served = Served::on(payer);
        let mut speech = Speech::new(self.labels().text(&language, "assistant-left-out"));
        for _ in 0..MODEL_CALLS_MAX {
            let request = ChatRequest { delivery: delivery(&findings), ..self.request(&messages, &tools, &context) };
            let reply = self.ask_model(&request, &mut served, &mut speech, &mut findings, &language).await?;
            let calls: Vec<ToolCall> = reply.tool_calls().cloned().collect();
            if calls.is_empty() {
                return self.finish(speech, findings, &served, &language).await;
            }
            speech.interrupted();
            messages.push(reply.into_message());
            for call in &calls {
                self.recorder.step(&call.name);
                let result = self.call(call, &mut findings, &language).await;
                messages.push(Message::tool(&call.id, result.to_string()));
            }
            if let Some(asked) = findings.asked.take() {
                return self.ask_back(&asked, speech, findings, &served, &language).await;
            }
        }
        speech.say(&self.labels().text(&language, "assistant-too-many-steps"));
        self.finish(speech, findings, &served, &language).await
    }

    fn request(&self, messages: &[Message], tools: &[Arc<Tool>], context: &Value) -> ChatRequest {
        let request = ChatRequest::new(messages.to_vec(), ANSWER_TOKENS_MAX, self.deadline);
        ChatRequest { tools: tools.to_vec(), context: context.clone(), ..request }
    }

    async fn finish(&self, mut speech: Speech, mut findings: Findings, served: &Served, language: &str) -> Result<Answer> {
        self.speak(&mut speech, &mut findings, true).await?;
        let is_empty = speech.is_empty();
        if !speech.has_begun() {
            let unsaid = match (findings.proposals, findings.screens) {
                (1.., _) => "assistant-proposed",
                (0, 1..) => "assistant-opened",
                (0, 0) => "assistant-unknown",
            };
            speech.say(&self.labels().text(language, unsaid));
        }
        if findings.is_behind {
            speech.say(&self.labels().text(language, "assistant-index-behind"));
        }
        self.speak(&mut speech, &mut findings, true).await?;
        let text = speech.text().to_owned();
        // What was looked up in vain says nothing, least of all what there is: an answer of not knowing cites nothing.
        let is_unknown = is_empty || served.by_planner && steward_planner::is_not_known(speech.own(), language);
        let mut events = Vec::new();
        if !is_unknown {
            let checked = speech.checked();
            let sources: Vec<&str> = checked.figures.iter().map(|figure| figure.query.as_str()).collect();
            let cited = citations(&findings.evidence.used, &sources, &text, checked.cited.is_empty());
            events.extend(cited.into_iter().map(|citation| ("citation", citation)));
        }
        let done = json!({ "answer": text, "figures": speech.checked().figures, "degraded": self.is_degraded(served) });
        Ok(Answer { events, text, done })
    }

    /// A question back to the person, which ends the turn. What a model asks is held against the same rules: a question
    /// may claim something, too.
    async fn ask_back(&self, asked: &Value, mut speech: Speech, mut findings: Findings, served: &Served, language: &str) -> Result<Answer> {
        findings.evidence.allow_what_was_asked();
        let text: String = asked.get("text").and_then(Value::as_str).unwrap_or_default().trim().chars().take(ASK_CHARS_MAX).collect();
        let question = self.held(&text, &mut findings).await?;
        let question = if question.is_empty() { self.labels().text(language, "assistant-unknown").into_owned() } else { question };
        let question = match speech.lead.take().filter(|_| !speech.has_begun()) {
            Some(notice) => format!("{notice} {question}"),
            None => question,
        };
        let text = if speech.text().is_empty() { question.clone() } else { format!("{}\n\n{question}", speech.text()) };
        let missing: Vec<&str> = asked.get("missing").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).take(20).collect();
        self.recorder.rests_on(&findings.sources);
        let done = json!({ "answer": text, "figures": speech.checked().figures, "degraded": self.is_degraded(served) });
        Ok(Answer { events: vec![("ask", json!({ "text": question, "missing": missing }))], text, done })
    }
}

/// How a reply is read. Before a tool has run nothing of it is shown until it is whole, so that another model may begin anew where one breaks
/// off; behind one its sentences are told as they come.
fn delivery(findings: &Findings) -> Delivery {
    if findings.calls == 0 { Delivery::Whole } else { Delivery::Stream }
}

/// A passage that the answer cites: where it stands, and what a page needs to mark it there.
fn passage_cited(passage: &Passage) -> Value {
    let citation = &passage.citation;
    let quote: String = citation.quote.chars().take(QUOTE_CHARS_MAX).collect();
    json!({ "ref": passage.reference, "resource": citation.resource, "id": citation.id, "version": citation.version, "field": citation.field,
            "span": [citation.span.start, citation.span.end], "title": passage.record, "quote": quote, "mark": search::mark(citation) })
}

/// What the answer rests on: the queries that its figures come from, with the records of short lists that it names. An
/// answer without figures rests on the last query.
fn citations(used: &[Used], sources: &[&str], text: &str, rests_on_queries: bool) -> Vec<Value> {
    let names =
        |one: &Used| one.records.len() <= CITED_RECORDS_MAX && one.records.iter().any(|(_, _, title)| !title.is_empty() && text.contains(title.as_str()));
    let cited: Vec<&Used> = used.iter().filter(|one| sources.contains(&one.query.as_str()) || names(one)).collect();
    let cited = if cited.is_empty() && rests_on_queries { used.last().into_iter().collect() } else { cited };
    let mut citations: Vec<Value> = Vec::new();
    for one in cited {
        let mut add = |citation: Value| {
            if !citations.contains(&citation) {
                citations.push(citation);
            }
        };
        add(json!({ "resource": one.resource, "id": null, "version": null, "quote": one.query }));
        if one.records.len() <= CITED_RECORDS_MAX {
            for (id, version, title) in one.records.iter().filter(|(_, _, title)| !title.is_empty() && text.contains(title.as_str())) {
                add(json!({ "resource": one.resource, "id": id, "version": version, "quote": title }));
            }
        }
    }
    citations
}
