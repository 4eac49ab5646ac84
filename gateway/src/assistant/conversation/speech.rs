//! What the assistant says: the words of a model on their way through the check to the person.
//!
//! Start at [`Turn::speak`]. A sentence is held back until it is whole, then until its passages are read again and it is
//! found to stand; then it is stored, and only then shown. White space waits for the sentence behind it, so that an answer
//! never ends with any.
//!
//! **Invariant:** nothing is emitted that was not judged, and what was emitted is never taken back.

use super::super::calls::Findings;
use super::super::check::{Checked, Checker, references_of};
use super::{Turn, passage_cited};
use serde_json::json;
use steward_kernel::Result;

/// An answer beyond this is no answer.
const ANSWER_CHARS_MAX: usize = 40_000;

pub(super) struct Speech {
    checker: Checker,
    /// What is said before the first words: that another model answers.
    pub(super) lead: Option<String>,
    /// Sentences of the house, which claim nothing and are not judged.
    house: Vec<String>,
    text: String,
    /// Where in the text the assistant's own words begin, behind the lead.
    own_from: usize,
    space: String,
    chars: usize,
    cited: usize,
}

impl Speech {
    pub(super) fn new(notice: impl Into<String>) -> Self {
        let checker = Checker::new(notice);
        Self { checker, lead: None, house: Vec::new(), text: String::new(), own_from: 0, space: String::new(), chars: 0, cited: 0 }
    }

    /// More words of a model.
    pub(super) fn push(&mut self, text: &str) {
        let room = ANSWER_CHARS_MAX.saturating_sub(self.chars);
        let taken: String = text.chars().take(room).collect();
        self.chars += taken.chars().count();
        self.checker.push(&taken);
    }

    /// A sentence of the house.
    pub(super) fn say(&mut self, text: &str) {
        self.house.push(text.to_owned());
    }

    /// The model goes on with a tool, or another one goes on: what was not told of its words is gone.
    pub(super) fn interrupted(&mut self) {
        self.checker.forget();
        if self.has_begun() {
            self.space = "\n\n".to_owned();
        }
    }

    pub(super) fn has_begun(&self) -> bool {
        !self.text.is_empty()
    }

    /// Whether no sentence of the model stood.
    pub(super) fn is_empty(&self) -> bool {
        self.checker.checked().is_empty()
    }

    /// All that was told.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// What was told, without the words that announce another model.
    pub(super) fn own(&self) -> &str {
        self.text.get(self.own_from..).unwrap_or_default()
    }

    pub(super) fn checked(&self) -> &Checked {
        self.checker.checked()
    }

    /// Adds to the text, and gives back the parts in which it is told.
    fn tell(&mut self, pieces: Vec<String>) -> Vec<String> {
        let mut told = Vec::new();
        for piece in pieces {
            let words = piece.trim_end();
            if words.trim_start().is_empty() {
                self.space.push_str(&piece);
                continue;
            }
            let mut part = String::new();
            if self.text.is_empty() {
                if let Some(lead) = self.lead.take() {
                    part = format!("{lead} ");
                    self.own_from = part.len();
                }
                part.push_str(words.trim_start());
            } else {
                part = format!("{}{words}", self.space);
            }
            self.space = piece[words.len()..].to_owned();
            self.text.push_str(&part);
            told.push(part);
        }
        told
    }
}

impl Turn<'_> {
    /// Tells the sentences that are whole and stand. At the end, all that is left is whole.
    pub(super) async fn speak(&self, speech: &mut Speech, findings: &mut Findings, is_end: bool) -> Result<()> {
        let Some(waiting) = (if is_end { Some(speech.checker.rest()) } else { speech.checker.waiting() }) else { return Ok(()) };
        findings.learn_vocabulary();
        let mut standing = Vec::new();
        if findings.has_searched {
            // What cannot be read any more where it was read supports nothing.
            let cited = references_of(waiting);
            let mut read = self.state().kernel.read(self.principal()).await?;
            standing = findings.passages.verified(&mut read, &cited).await?;
            read.finish().await?;
            findings.evidence.passages(&standing);
        }
        let dropped = speech.checked().dropped;
        let pieces = speech.checker.take(&findings.evidence, is_end);
        if speech.checked().dropped > dropped {
            tracing::info!(sentences = speech.checked().dropped - dropped, "sentences without a source were left out of an answer");
        }
        let mut told = speech.tell(pieces);
        for sentence in std::mem::take(&mut speech.house) {
            if speech.space.is_empty() {
                speech.space.push(' ');
            }
            told.extend(speech.tell(vec![sentence]));
        }
        if told.is_empty() {
            return Ok(());
        }
        let mut events: Vec<_> = told.iter().map(|part| ("text", json!({ "delta": part }))).collect();
        let newly: Vec<usize> = speech.checked().cited.iter().skip(speech.cited).copied().collect();
        speech.cited += newly.len();
        events.extend(standing.iter().filter(|passage| newly.contains(&passage.reference)).map(|passage| ("citation", passage_cited(passage))));
        self.recorder.rests_on(&findings.sources);
        self.recorder.tell(events, told.concat(), speech.checked().figures.clone()).await;
        Ok(())
    }

    /// What stands of a text that is told as a whole.
    pub(super) async fn held(&self, text: &str, findings: &mut Findings) -> Result<String> {
        findings.learn_vocabulary();
        if findings.has_searched {
            let mut read = self.state().kernel.read(self.principal()).await?;
            let standing = findings.passages.verified(&mut read, &references_of(text)).await?;
            read.finish().await?;
            findings.evidence.passages(&standing);
        }
        let mut checker = Checker::new("");
        checker.push(text);
        checker.take(&findings.evidence, true);
        Ok(checker.checked().pieces.concat().trim().to_owned())
    }
}
