//! One turn of a conversation: what was asked, and what the tools answered since.

use chrono::NaiveDate;
use serde_json::{Value, json};
use std::collections::HashMap;
use steward_llm::{ChatRequest, Message};

/// Why planning stops for now.
#[derive(Debug)]
pub(crate) enum Stop {
    /// This call is needed first.
    Call(&'static str, Value),
    /// There is nothing to plan: this is to be said.
    Say(String),
}

pub(crate) type Planned<T> = Result<T, Stop>;

pub(crate) struct Turn {
    pub(crate) text: String,
    language: String,
    today: NaiveDate,
    results: HashMap<String, Value>,
    calls: usize,
}

impl Turn {
    pub(crate) fn of(request: &ChatRequest) -> Self {
        let start = request.messages.iter().rposition(|message| matches!(message, Message::User { .. })).unwrap_or(0);
        let mut text = String::new();
        let mut asked: HashMap<&str, String> = HashMap::new();
        let mut results = HashMap::new();
        for message in request.messages.get(start..).unwrap_or_default() {
            match message {
                Message::User { text: said } => text.clone_from(said),
                Message::Assistant { tool_calls, .. } => {
                    for call in tool_calls {
                        let arguments: Value = serde_json::from_str(&call.arguments).unwrap_or(Value::Null);
                        asked.insert(&call.id, key(&call.name, &arguments));
                    }
                }
                Message::Tool { call_id, content } => {
                    if let Some(key) = asked.get(call_id.as_str()) {
                        results.insert(key.clone(), serde_json::from_str(content).unwrap_or(Value::Null));
                    }
                }
                Message::System { .. } => {}
            }
        }
        let fact = |name: &str| request.context.get(name).and_then(Value::as_str);
        Self {
            text,
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
            None => Err(Stop::Call(tool, arguments)),
            Some(result) => match result.get("error") {
                None => Ok(result),
                Some(error) => {
                    let part = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
                    Err(Stop::Say(format!("{} ({})", part("message"), part("code"))))
                }
            },
        }
    }

    /// Records of `resource` whose `field` begins with `name`: at most five.
    pub(crate) fn named(&self, resource: &str, field: &str, op: &str, name: &str) -> Planned<Vec<(String, String)>> {
        let filter = json!([{ "path": field, "op": op, "values": [name] }]);
        let result = self.call("query", json!({ "resource": resource, "filters": filter, "fields": [field], "limit": 5 }))?;
        let items = result.get("items").and_then(Value::as_array).into_iter().flatten();
        Ok(items.filter_map(|item| Some((item.get("id")?.as_str()?.to_owned(), item.get("title")?.as_str()?.to_owned()))).collect())
    }

    /// How many rows a filter finds, up to the bound that the tool counts to.
    pub(crate) fn finds(&self, resource: &str, filter: &Value) -> Planned<bool> {
        let result = self.call("query", json!({ "resource": resource, "filters": [filter], "fields": [], "limit": 1 }))?;
        Ok(result.get("items").and_then(Value::as_array).is_some_and(|items| !items.is_empty()))
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
