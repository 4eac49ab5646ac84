//! Talking to the assistant over its own door.

use crate::app::{TestApp, User};
use serde_json::{Value, json};

#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) id: u32,
    pub(crate) name: String,
    pub(crate) data: Value,
}

#[derive(Debug)]
pub(crate) struct Talk {
    pub(crate) events: Vec<Said>,
    pub(crate) conversation: String,
    pub(crate) message: String,
    pub(crate) answer: String,
}

pub(crate) fn events(text: &str) -> Vec<Said> {
    let mut events = Vec::new();
    for block in text.split("\n\n") {
        let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        if let (Some(id), Some(name), Some(data)) = (field("id:"), field("event:"), field("data:")) {
            events.push(Said { id: id.parse().unwrap(), name: name.to_owned(), data: serde_json::from_str(data).unwrap() });
        }
    }
    events
}

/// The stream of an answer, read as it comes.
pub(crate) struct Stream {
    response: reqwest::Response,
    pub(crate) text: String,
}

impl Stream {
    pub(crate) async fn open(app: &TestApp, user: &User, text: &str) -> Self {
        let response = app.request("POST", user, "/api/v1/assistant/messages").json(&json!({ "text": text })).send().await.unwrap();
        assert_eq!(response.status(), 200);
        Self { response, text: String::new() }
    }

    /// The events so far, as soon as they are what is waited for.
    pub(crate) async fn until(&mut self, wanted: impl Fn(&[Said]) -> bool) -> Vec<Said> {
        loop {
            // A block that is not whole is none yet.
            let whole = self.text.rfind("\n\n").map_or("", |end| &self.text[..end]);
            let events = events(whole);
            if wanted(&events) {
                return events;
            }
            let chunk = self.response.chunk().await.unwrap().unwrap_or_else(|| panic!("the stream ended: {}", self.text));
            self.text.push_str(&String::from_utf8_lossy(&chunk));
        }
    }

    /// Until something is said.
    pub(crate) async fn said(&mut self) -> Vec<Said> {
        self.until(|events| events.iter().any(|event| event.name == "text")).await
    }

    /// The end.
    pub(crate) async fn end(&mut self) -> Said {
        let mut events = self.until(|events| events.iter().any(|event| matches!(event.name.as_str(), "done" | "error"))).await;
        events.pop().unwrap()
    }

    pub(crate) async fn message(&mut self) -> String {
        let events = self.until(|events| !events.is_empty()).await;
        events[0].data["message_id"].as_str().unwrap().to_owned()
    }
}

impl Talk {
    pub(crate) fn named(&self, name: &str) -> Vec<&Value> {
        self.events.iter().filter(|event| event.name == name).map(|event| &event.data).collect()
    }
    #[track_caller]
    pub(crate) fn card(&self) -> &Value {
        let cards = self.named("proposal");
        assert_eq!(cards.len(), 1, "{}", self.answer);
        cards[0]
    }
}

/// Asks in a conversation, or in a new one.
pub(crate) async fn ask_in(app: &TestApp, user: &User, conversation: Option<&str>, text: &str) -> Talk {
    let answer = app.post(user, "assistant/messages", &json!({ "text": text, "conversation_id": conversation })).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let events = events(&answer.text);
    let last = events.last().unwrap();
    assert_eq!(last.name, "done", "{}", answer.text);
    let start = &events[0].data;
    let text = |name: &str| start[name].as_str().unwrap().to_owned();
    Talk { conversation: text("conversation_id"), message: text("message_id"), answer: last.data["answer"].as_str().unwrap().to_owned(), events }
}

pub(crate) async fn ask(app: &TestApp, user: &User, text: &str) -> Talk {
    ask_in(app, user, None, text).await
}
