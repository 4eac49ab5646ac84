//! Rows that come, change and go, each with a word that no other row has.

use super::{Call, Shift};
use crate::soak::callers::Caller;
use serde_json::json;
use uuid::Uuid;

/// How every such word begins, and that nothing else does.
pub(super) const BEGINNING: &str = "zq";

/// A word of its own for each number: letters alone, so that it is one token, with an end that no stemmer takes off.
pub(super) fn word(series: &str, mut n: u64) -> String {
    let mut word = format!("{BEGINNING}{series}");
    loop {
        word.push(char::from(b'a' + (n % 26) as u8));
        n /= 26;
        if n == 0 {
            word.push('q');
            return word;
        }
    }
}

pub(super) struct Churn {
    series: String,
    pub(super) caller: Caller,
    next: u64,
}

/// What a round of writes came to.
pub(super) enum Round {
    /// So many changes, and the words that nobody finds any more.
    Done { changes: u64, gone: Vec<(&'static str, Uuid, String)> },
    /// The connection broke, or the server was busy.
    Cut { broke: bool },
}

impl Churn {
    /// `place` tells writers apart.
    pub(super) fn new(slug: &str, place: u8, caller: Caller) -> Self {
        Self { series: format!("{slug}{}", char::from(b'a' + place)), caller, next: 0 }
    }

    fn word(&mut self) -> String {
        self.next += 1;
        word(&self.series, self.next)
    }

    /// A party and a document with a word each; both change, and of every second round the party goes.
    pub(super) async fn round(&mut self) -> Round {
        let (first, second) = (self.word(), self.word());
        let mut changes = 0;
        let party = json!({ "name": format!("Kontor {first}"), "note": format!("before {first}"), "is_customer": true, "allow_duplicate": true });
        let document = json!({ "title": format!("Memo {second}"), "body": format!("# Memo\n\nWritten of {second}.") });
        let (party, document) = match (self.made("crm/parties", party).await, self.made("documents/documents", document).await) {
            (Ok(party), Ok(document)) => (party, document),
            (Err(broke), _) | (_, Err(broke)) => return Round::Cut { broke },
        };
        changes += 2;
        let calls = [
            Call::patch(&format!("crm/parties/{party}"), json!({ "note": format!("after {first}") })),
            Call::patch(&format!("documents/documents/{document}"), json!({ "title": format!("Letter {second}") })),
        ];
        for call in calls {
            match self.caller.try_send(&call).await {
                None => return Round::Cut { broke: true },
                Some(reply) => changes += u64::from(reply.is_good()),
            }
        }
        let mut gone = Vec::new();
        if self.next.is_multiple_of(4) {
            match self.caller.try_send(&Call::delete(&format!("crm/parties/{party}"))).await {
                None => return Round::Cut { broke: true },
                Some(reply) if reply.is_good() => {
                    changes += 1;
                    gone.push(("crm.party", party, first));
                }
                Some(_) => {}
            }
        }
        Round::Done { changes, gone }
    }

    /// Its id; else whether the connection broke.
    async fn made(&self, path: &str, body: serde_json::Value) -> Result<Uuid, bool> {
        let Some(reply) = self.caller.try_send(&Call::post(path, body)).await else { return Err(true) };
        match reply.status {
            503 => Err(false),
            _ => Ok(reply.id()),
        }
    }

    /// Until the shift is over. What was archived is found no more from its acknowledgement on.
    pub(super) async fn run(mut self, shift: Shift) -> u64 {
        let mut all = 0;
        while !shift.is_over() {
            match self.round().await {
                Round::Cut { broke } => assert!(!broke, "the connection broke"),
                Round::Done { changes, gone } => {
                    all += changes;
                    for (resource, id, word) in gone {
                        let reply = self.caller.read(&format!("search?q={word}&resource={resource}")).await;
                        assert!(!reply.text.contains(&id.to_string()), "{word} was archived and is found: {}", reply.text);
                    }
                }
            }
        }
        all
    }
}
