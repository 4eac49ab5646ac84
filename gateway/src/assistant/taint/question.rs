//! Whether a person asked something, and did not ask for anything to be done.

/// How a request begins that is written as a question.
const REQUESTS: &[&str] = &[
    "can you",
    "could you",
    "would you",
    "will you",
    "please",
    "kannst du",
    "könntest du",
    "können sie",
    "könnten sie",
    "würdest du",
    "würden sie",
    "bitte",
    "machst du",
    "legst du",
];

const QUESTIONS: &[&str] = &[
    "how",
    "what",
    "which",
    "who",
    "whom",
    "whose",
    "when",
    "where",
    "why",
    "is",
    "are",
    "was",
    "were",
    "does",
    "do",
    "did",
    "has",
    "have",
    "may",
    "wie",
    "was",
    "welche",
    "welcher",
    "welches",
    "welchen",
    "wer",
    "wem",
    "wen",
    "wessen",
    "wann",
    "wo",
    "wohin",
    "warum",
    "wieso",
    "ist",
    "sind",
    "war",
    "waren",
    "hat",
    "haben",
    "darf",
    "dürfen",
    "gibt",
    "top",
    "show",
    "list",
    "zeige",
    "zeig",
    "liste",
    "summarize",
    "summarise",
    "fasse",
];

/// Deterministic and cautious: what is neither is no question.
pub(in crate::assistant) fn is_question(text: &str) -> bool {
    let text = text.trim().to_lowercase();
    let sentences: Vec<&str> = text.split_inclusive(['.', '!', '?', '\n']).map(str::trim).filter(|sentence| !sentence.is_empty()).collect();
    let requests = |sentence: &&str| REQUESTS.iter().any(|request| begins(sentence, request)) || sentence.contains(" please") || sentence.contains(" bitte");
    if sentences.iter().any(requests) {
        return false;
    }
    let asks = |sentence: &str| sentence.ends_with('?') || QUESTIONS.iter().any(|word| begins(sentence, word));
    // "Thanks!" is neither.
    let mut said = sentences.iter().filter(|sentence| asks(sentence) || sentence.split_whitespace().count() > 2).peekable();
    said.peek().is_some() && said.all(|sentence| asks(sentence))
}

fn begins(sentence: &str, with: &str) -> bool {
    sentence.strip_prefix(with).is_some_and(|rest| rest.chars().next().is_none_or(|c| !c.is_alphanumeric()))
}
