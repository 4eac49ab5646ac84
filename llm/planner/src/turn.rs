//! One turn of a conversation: what was asked, and what the tools answered since.

use chrono::NaiveDate;
use serde_json::{Value, json};
use std::collections::HashMap;
use steward_llm::{ChatRequest, Message};

/// Why planning stops for now.
#[derive(Debug)]
pub(crate) enum Stop {
    /// These calls are needed first.
    Call(Vec<(&'static str, Value)>),
    /// There is nothing to plan: this is to be said.
    Say(String),
}

pub(crate) type Planned<T> = Result<T, Stop>;

pub(crate) struct Turn {
    pub(crate) text: String,
    /// What the person asked before, which "and in 1998?" goes on from.
    pub(crate) before: Option<String>,
    language: String,
    today: NaiveDate,
    results: HashMap<String, Value>,
    calls: usize,
}

/// The rows of a result, none where the tool refused.
pub(crate) fn items(result: &Value) -> impl Iterator<Item = &Value> {
    result.get("items").and_then(Value::as_array).into_iter().flatten()
}

impl Turn {
    pub(crate) fn of(request: &ChatRequest) -> Self {
        let start = request.messages.iter().rposition(|message| matches!(message, Message::User { .. })).unwrap_or(0);
        let mut text = String::new();
        let mut asked: HashMap<&str, String> = HashMap::new();
        let mut results = HashMap::new();
        for message in request.messages.get(start..).unwrap_or_default() {
            match message {
                Message::User { .. } => text = message.text().into_owned(),
                Message::Assistant { .. } => {
                    for call in message.tool_calls() {
                        let arguments: Value = serde_json::from_str(&call.arguments).unwrap_or(Value::Null);
                        asked.insert(&call.id, key(&call.name, &arguments));
                    }
                }
                Message::Tool { call_id, .. } => {
                    if let Some(key) = asked.get(call_id.as_str()) {
                        results.insert(key.clone(), serde_json::from_str(&message.text()).unwrap_or(Value::Null));
                    }
                }
                Message::System { .. } => {}
            }
        }
        let before = request.messages.get(..start).unwrap_or_default().iter().rev().find_map(|message| match message {
            Message::User { .. } => Some(message.text().into_owned()),
            _ => None,
        });
        let fact = |name: &str| request.context.get(name).and_then(Value::as_str);
        Self {
            text,
            before,
            language: fact("language").unwrap_or("en").to_owned(),
            // Without a date in the request no relative date is understood, which is better than a wrong one.
            today: fact("today").and_then(|text| text.parse().ok()).unwrap_or(NaiveDate::MIN),
            calls: asked.len(),
            results,
        }
    }

    pub(crate) fn language(&self) -> &str {
        &self.language
    }
    pub(crate) fn today(&self) -> NaiveDate {
        self.today
    }
    pub(crate) fn calls(&self) -> usize {
        self.calls
    }

    /// The result of a call; stops the planning where it is not known yet. An error of the tool is said as it is.
    pub(crate) fn call(&self, tool: &'static str, arguments: Value) -> Planned<&Value> {
        match self.results.get(&key(tool, &arguments)) {
            None => Err(Stop::Call(vec![(tool, arguments)])),
            Some(result) => match result.get("error") {
                None => Ok(result),
                Some(error) => {
                    let part = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
                    Err(Stop::Say(format!("{} ({})", part("message"), part("code"))))
                }
            },
        }
    }

    /// How many calls there would be with these queries made.
    pub(crate) fn calls_with(&self, queries: &[Value]) -> usize {
        self.calls + queries.iter().filter(|query| !self.results.contains_key(&key("query", query))).count()
    }

    /// The results of several queries, asked for together. One that was refused finds nothing: a look-up that the person
    /// may not make tells nothing.
    pub(crate) fn look_up(&self, queries: &[Value]) -> Planned<Vec<&Value>> {
        let missing: Vec<_> = queries.iter().filter(|query| !self.results.contains_key(&key("query", query))).map(|query| ("query", query.clone())).collect();
        if !missing.is_empty() {
            return Err(Stop::Call(missing));
        }
        Ok(queries.iter().filter_map(|query| self.results.get(&key("query", query))).collect())
    }

    /// Whether a filter finds anything.
    pub(crate) fn finds(&self, resource: &str, filters: &Value) -> Planned<bool> {
        let found = self.look_up(&[json!({ "resource": resource, "filters": filters, "fields": [], "limit": 1 })])?;
        Ok(found.iter().any(|result| items(result).next().is_some()))
    }
}

fn key(tool: &str, arguments: &Value) -> String {
    // Object keys are written in insertion order on both sides only if nobody re-orders them: compare sorted.
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Object(fields) => {
                let mut all: Vec<_> = fields.iter().collect();
                all.sort_by_key(|(name, _)| name.as_str());
                Value::Object(all.into_iter().map(|(name, value)| (name.clone(), sorted(value))).collect())
            }
            Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
            other => other.clone(),
        }
    }
    format!("{tool} {}", sorted(arguments))
}
