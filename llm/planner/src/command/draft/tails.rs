//! Texts at the end of a sentence: "because the customer withdrew", "about the prices", ": send it".

use super::super::clauses::TEXT_FOLLOWS;
use super::Draft;
use crate::lexicon::Field;
use serde_json::json;

impl Draft<'_> {
    /// Takes a text off the end, for the input that is asked for by the word before it.
    pub(super) fn tail(&mut self) {
        let command = self.command;
        let texts = || command.inputs.iter().filter(|input| matches!(input.kind.as_str(), "text" | "long_text") && !command.is_target(input));
        let count = self.reading.tokens.len();
        for at in self.from..count {
            let word = self.reading.fold_at(at);
            if !self.reading.is_free(at) || !TEXT_FOLLOWS.contains(&word) {
                continue;
            }
            let is_reason = matches!(word, "because" | "weil" | "wegen" | "da");
            let is_called = |input: &&Field| input.is_called(word);
            let gives_reason = |input: &&Field| is_reason && (input.is_called("because") || input.is_called("reason") || input.is_called("grund"));
            if let Some(input) = texts().find(is_called).or_else(|| texts().find(gives_reason)) {
                let behind = at + 1 + usize::from(matches!(self.reading.fold_at(at + 1), "of") && word == "because");
                self.arguments.insert(input.name.clone(), json!(self.reading.written(behind, count - behind)));
                self.reading.take(at, count - at);
                return;
            }
        }
        // "Create a task for X: send the catalogue".
        let colon = (self.from..count).find(|at| self.reading.is_free(*at) && self.reading.gap(*at).starts_with(": "));
        if let Some(at) = colon
            && let Some(input) = texts().find(|input| input.required)
            && !command.inputs.iter().any(|input| !input.lines.is_empty() && input.required)
        {
            self.arguments.insert(input.name.clone(), json!(self.reading.written(at, count - at)));
            self.reading.take(at, count - at);
        }
    }
}
