//! What the tools say there is: resources with their fields and measures, commands with their inputs, and the words for
//! all of them.

use serde::Deserialize;
use std::sync::Arc;
use steward_llm::Tool;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Resource {
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) plural: String,
    #[serde(default)]
    synonyms: Vec<String>,
    pub(crate) title: String,
    #[serde(default)]
    pub(crate) parent: Option<Parent>,
    #[serde(default)]
    pub(crate) fields: Vec<Field>,
    #[serde(default)]
    pub(crate) measures: Vec<Measure>,
    #[serde(default)]
    pub(crate) filters: Vec<NamedFilter>,
}

/// The document that a line belongs to.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Parent {}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) label: String,
    #[serde(default)]
    synonyms: Vec<String>,
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) resource: Option<String>,
    #[serde(default)]
    pub(crate) choices: Vec<Choice>,
    /// Names can be looked up by their beginning.
    #[serde(default)]
    pub(crate) starts: bool,
    #[serde(default)]
    pub(crate) sortable: bool,
    #[serde(default)]
    pub(crate) filterable: bool,
    #[serde(default)]
    pub(crate) required: bool,
    #[serde(default)]
    pub(crate) default: Option<String>,
    #[serde(default)]
    pub(crate) lines: Vec<Field>,
}

impl Field {
    /// Whether a folded word is the label or a synonym.
    pub(crate) fn is_called(&self, word: &str) -> bool {
        self.phrases().any(|text| fold(text) == word)
    }

    /// The label and the synonyms.
    pub(crate) fn phrases(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.label).chain(&self.synonyms)
    }

    pub(crate) fn is_date(&self) -> bool {
        matches!(self.kind.as_str(), "date" | "timestamp")
    }

    pub(crate) fn is_number(&self) -> bool {
        matches!(self.kind.as_str(), "integer" | "decimal" | "money" | "quantity")
    }
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) label: String,
    #[serde(default)]
    synonyms: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Measure {
    pub(crate) name: String,
    pub(crate) label: String,
    #[serde(default)]
    synonyms: Vec<String>,
    /// The path of the date that a period means.
    #[serde(default)]
    pub(crate) date: Option<String>,
    #[serde(default)]
    pub(crate) money: bool,
    /// `count`, `sum`, `average`, `max` or `min`.
    #[serde(default)]
    pub(crate) aggregate: String,
}

impl Measure {
    pub(crate) fn is_count(&self) -> bool {
        self.name == "count"
    }
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct NamedFilter {
    pub(crate) name: String,
    pub(crate) label: String,
    #[serde(default)]
    synonyms: Vec<String>,
}

impl NamedFilter {
    /// The label and the synonyms.
    pub(crate) fn phrases(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.label).chain(&self.synonyms)
    }
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Command {
    pub(crate) name: String,
    pub(crate) label: String,
    #[serde(default)]
    synonyms: Vec<String>,
    #[serde(default)]
    pub(crate) examples: Vec<String>,
    pub(crate) resource: String,
    #[serde(default)]
    pub(crate) target: Option<String>,
    #[serde(default)]
    pub(crate) when: Vec<String>,
    #[serde(default)]
    pub(crate) inputs: Vec<Field>,
    /// The person may not run it.
    #[serde(skip)]
    pub(crate) is_refused: bool,
}

impl Command {
    /// Everything by which a sentence may call it: the label, the synonyms and the examples.
    pub(crate) fn wordings(&self) -> impl Iterator<Item = &String> {
        self.names().chain(&self.examples)
    }

    /// The label and the synonyms.
    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.label).chain(&self.synonyms)
    }

    pub(crate) fn input(&self, name: &str) -> Option<&Field> {
        self.inputs.iter().find(|input| input.name == name)
    }

    pub(crate) fn is_target(&self, input: &Field) -> bool {
        self.target.as_ref() == Some(&input.name)
    }
}

/// What a phrase may mean. Indices into the lexicon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    Resource(usize),
    Field(usize, usize),
    Choice(usize, usize, usize),
    Measure(usize, usize),
    Filter(usize, usize),
}

#[derive(Debug, Default)]
pub(crate) struct Lexicon {
    pub(crate) resources: Vec<Resource>,
    pub(crate) commands: Vec<Command>,
    /// Folded, stemmed words → what they may mean.
    phrases: Vec<(Vec<String>, Meaning)>,
    pub(crate) can_ask: bool,
    pub(crate) can_open: bool,
}

impl Lexicon {
    pub(crate) fn of(tools: &[Arc<Tool>]) -> Self {
        let mut lexicon = Self::default();
        for tool in tools {
            match tool.name.as_str() {
                "query" => lexicon.resources = annotation(tool, "x-resources"),
                // What the person may not do is proposed all the same, and refused: he learns why, and it is on record.
                "propose" => {
                    lexicon.commands = annotation(tool, "x-commands");
                    let refused = annotation::<Command>(tool, "x-refused-commands");
                    lexicon.commands.extend(refused.into_iter().map(|command| Command { is_refused: true, ..command }));
                }
                "ask" => lexicon.can_ask = true,
                "open_screen" => lexicon.can_open = true,
                _ => {}
            }
        }
        let mut phrases = Vec::new();
        for (r, resource) in lexicon.resources.iter().enumerate() {
            let mut add = |texts: &mut dyn Iterator<Item = &String>, meaning| {
                for text in texts {
                    let words: Vec<String> = words(text).map(|word| stem(&fold(word))).collect();
                    if !words.is_empty() {
                        phrases.push((words, meaning));
                    }
                }
            };
            add(&mut [&resource.label, &resource.plural].into_iter().chain(&resource.synonyms), Meaning::Resource(r));
            for (f, field) in resource.fields.iter().enumerate() {
                add(&mut std::iter::once(&field.label).chain(&field.synonyms), Meaning::Field(r, f));
                for (c, choice) in field.choices.iter().enumerate() {
                    add(&mut [&choice.label, &choice.value].into_iter().chain(&choice.synonyms), Meaning::Choice(r, f, c));
                }
            }
            for (m, measure) in resource.measures.iter().enumerate() {
                add(&mut std::iter::once(&measure.label).chain(&measure.synonyms), Meaning::Measure(r, m));
                // "How many orders" names the records that it counts.
                if measure.is_count() {
                    add(&mut std::iter::once(&measure.label).chain(&measure.synonyms), Meaning::Resource(r));
                }
            }
            for (n, filter) in resource.filters.iter().enumerate() {
                add(&mut std::iter::once(&filter.label).chain(&filter.synonyms), Meaning::Filter(r, n));
            }
        }
        // What every count is called ("how many") names no records.
        let shared = |phrase: &(Vec<String>, Meaning)| {
            let is_count = |meaning: &Meaning| matches!(meaning, Meaning::Measure(r, m) if lexicon.resources[*r].measures[*m].is_count());
            let counted = |meaning: &Meaning| if let Meaning::Measure(r, _) = meaning { *r } else { usize::MAX };
            let mut counts: Vec<usize> =
                phrases.iter().filter(|(words, meaning)| *words == phrase.0 && is_count(meaning)).map(|(_, one)| counted(one)).collect();
            counts.dedup();
            counts.len() > 1 && (is_count(&phrase.1) || matches!(phrase.1, Meaning::Resource(_)))
        };
        lexicon.phrases = phrases.iter().filter(|phrase| !shared(phrase)).cloned().collect();
        lexicon
    }

    pub(crate) fn resource(&self, name: &str) -> Option<&Resource> {
        self.resources.iter().find(|resource| resource.name == name)
    }

    pub(crate) fn index_of(&self, name: &str) -> Option<usize> {
        self.resources.iter().position(|resource| resource.name == name)
    }

    /// The longest phrase that begins at `words[0]`, with everything it may mean.
    pub(crate) fn longest(&self, words: &[&str]) -> Option<(usize, Vec<Meaning>)> {
        let fits = |phrase: &[String]| phrase.len() <= words.len() && phrase.iter().zip(words).all(|(wanted, word)| alike(wanted, word));
        let length = self.phrases.iter().filter(|(phrase, _)| fits(phrase)).map(|(phrase, _)| phrase.len()).max()?;
        let mut meanings: Vec<Meaning> = Vec::new();
        for (_, meaning) in self.phrases.iter().filter(|(phrase, _)| phrase.len() == length && fits(phrase)) {
            if !meanings.contains(meaning) {
                meanings.push(*meaning);
            }
        }
        Some((length, meanings))
    }
}

fn annotation<T: for<'a> Deserialize<'a>>(tool: &Tool, name: &str) -> Vec<T> {
    // A definition that cannot be read is one that the planner does not know.
    tool.parameters.get(name).and_then(|value| value.as_array()).into_iter().flatten().filter_map(|item| serde_json::from_value(item.clone()).ok()).collect()
}

/// The words of a text: letters, digits and what stands inside them (`O'Neil`, `SO-2026-00012`, `1,000.50`).
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace().map(|word| word.trim_matches(|c: char| !c.is_alphanumeric())).filter(|word| !word.is_empty())
}

/// Without case and diacritics.
pub(crate) fn fold(word: &str) -> String {
    word.replace('ß', "ss").nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).map(|c| if c == '’' { '\'' } else { c }).collect()
}

/// Whether two stems are forms of one word: German bends adjectives and nouns (`erledigte`, `Produkten`).
pub(crate) fn alike(one: &str, other: &str) -> bool {
    fn bare(stem: &str) -> &str {
        let cut = ["en", "er", "es", "em", "e", "n"].iter().find_map(|ending| stem.strip_suffix(ending));
        cut.filter(|rest| rest.len() >= 4).unwrap_or(stem)
    }
    one == other || bare(one) == other || one == bare(other) || bare(one) == bare(other)
}

/// Plural and possessive endings of English away; short words stay as they are.
pub(crate) fn stem(word: &str) -> String {
    let word = word.strip_suffix("'s").unwrap_or(word);
    match word {
        _ if word.len() <= 3 || word.ends_with("ss") || word.ends_with("us") => word.to_owned(),
        _ if word.ends_with("ies") => format!("{}y", &word[..word.len() - 3]),
        _ => word.strip_suffix('s').unwrap_or(word).to_owned(),
    }
}
