//! One command of a sentence, filled in word by word.
//!
//! Start at [`Draft::fill`]. Each step takes the words that it explains; what is left in the end is named to the person,
//! and what is missing is asked for.

mod lines;
mod pairs;
mod records;
mod tails;
mod title;
mod value;

use super::clauses::Clause;
use super::{matching, phrases};
use crate::dates;
use crate::lexicon::{Command, Field, Lexicon, Meaning, fold, stem, words as split};
use crate::reading::Reading;
use crate::select;
use crate::turn::{Planned, Stop, Turn};
use crate::words::Words;
use serde_json::{Map, Value, json};

pub(super) struct Draft<'a> {
    turn: &'a Turn,
    lexicon: &'a Lexicon,
    words: &'a Words,
    command: &'a Command,
    reading: Reading,
    /// Where the words behind the verb begin.
    from: usize,
    /// The resource of the record that "it" is.
    refers: Option<&'a str>,
    arguments: Map<String, Value>,
    /// The kind of record that the command acts on is named.
    names_kind: bool,
}

/// What came of a clause: its arguments, and the input that names its record with the records.
#[derive(Default)]
pub(super) struct Filled {
    pub(super) arguments: Map<String, Value>,
    pub(super) target: Option<(String, Vec<Value>)>,
}

impl<'a> Draft<'a> {
    pub(super) fn of(turn: &'a Turn, lexicon: &'a Lexicon, words: &'a Words, clause: Clause<'a>) -> Self {
        let Clause { command, reading, refers, from, .. } = clause;
        let stems: Vec<&str> = reading.tokens.iter().map(|token| token.stem.as_str()).collect();
        let is_kind = |meaning: &Meaning| matches!(meaning, Meaning::Resource(r) | Meaning::Choice(r, ..) if lexicon.resources[*r].name == command.resource);
        let names_kind = (from..stems.len()).any(|at| lexicon.longest(&stems[at..]).is_some_and(|(_, meanings)| meanings.iter().any(is_kind)));
        Self { turn, lexicon, words, command, reading, from, refers, arguments: Map::new(), names_kind }
    }

    /// `about` are the records that the clause before was about.
    pub(super) fn fill(mut self, about: &[Value]) -> Planned<Filled> {
        self.tail();
        self.title()?;
        self.pairs()?;
        self.assignments()?;
        self.price()?;
        self.date();
        let named = self.nouns();
        self.amount()?;
        let target = self.targets(about)?;
        self.lines()?;
        self.rest()?;
        let command = self.command;
        let missing: Vec<&str> = command
            .inputs
            .iter()
            // What is named without a value is missing as well: "set the reorder level of Chai".
            .filter(|input| (input.required && input.default.is_none() || named.contains(&input.name)) && self.is_open(input))
            .filter(|input| target.as_ref().is_none_or(|(name, _)| *name != input.name))
            .map(|input| input.label.as_str())
            .collect();
        if !missing.is_empty() {
            return Err(self.words.missing(self.turn, &command.label, &missing));
        }
        Ok(Filled { arguments: self.arguments, target })
    }

    fn is_open(&self, input: &Field) -> bool {
        !self.arguments.contains_key(&input.name)
    }

    fn resource_of(&self, input: &Field) -> Option<&'a crate::lexicon::Resource> {
        input.resource.as_deref().and_then(|name| self.lexicon.resource(name))
    }

    /// Inputs that take a record and have none yet; what the command needs comes first.
    fn open_references(&self) -> Vec<&'a Field> {
        let mut inputs: Vec<&Field> = self.command.inputs.iter().filter(|input| input.resource.is_some() && self.is_open(input)).collect();
        inputs.sort_by_key(|input| !input.required);
        inputs
    }

    /// The one day of the clause, where it is clear which date it is.
    fn date(&mut self) {
        let mut trial = self.reading.clone();
        let periods = dates::take(&mut trial, self.turn.today());
        let open: Vec<&Field> = self.command.inputs.iter().filter(|input| input.kind == "date" && self.is_open(input)).collect();
        let input = open.iter().find(|input| input.required).or(if let [only] = open.as_slice() { Some(only) } else { None });
        if let ([(_, period)], Some(input)) = (periods.as_slice(), input)
            && let (Some(day), true) = (period.from, period.from == period.to)
        {
            self.arguments.insert(input.name.clone(), json!(day.to_string()));
            self.reading = trial;
        }
    }

    /// Words that only say what kind of thing is meant: the command's own words, its record and its inputs. Returns the inputs
    /// that nothing but their own name explains.
    fn nouns(&mut self) -> Vec<String> {
        let (command, lexicon) = (self.command, self.lexicon);
        let mut named = Vec::new();
        self.reading.spans.clear();
        self.reading.mark(lexicon);
        let spans = std::mem::take(&mut self.reading.spans);
        let own: Vec<String> = split(&command.label).map(|word| stem(&fold(word))).collect();
        for span in spans {
            let of_command = self.reading.tokens[span.start..span.end()].iter().all(|token| own.contains(&token.stem));
            let is_noun = |meaning: &Meaning| matches!(meaning, Meaning::Resource(_) | Meaning::Choice(..));
            if !of_command && !span.meanings.iter().any(is_noun) {
                named.extend(span.meanings.iter().filter_map(|meaning| match meaning {
                    Meaning::Field(r, f) if lexicon.resources[*r].name == command.resource => Some(lexicon.resources[*r].fields[*f].name.clone()),
                    _ => None,
                }));
            }
            let mut is_known = false;
            for meaning in &span.meanings {
                is_known |= self.is_noun_of_command(meaning);
            }
            if is_known {
                self.reading.take(span.start, span.len);
            }
        }
        let verb = self.from.checked_sub(1).map_or_else(String::new, |at| self.reading.fold_at(at).to_owned());
        let mine = |at: &usize| {
            let token = &self.reading.tokens[*at];
            !token.used && (own.contains(&token.stem) || !Reading::is_silent(&token.fold) && matching::belongs_to_verb(command, &verb, &self.reading, *at))
        };
        let mine: Vec<usize> = (0..self.reading.tokens.len()).filter(mine).collect();
        mine.into_iter().for_each(|at| self.reading.take(at, 1));
        named
    }

    fn is_noun_of_command(&mut self, meaning: &Meaning) -> bool {
        let (command, lexicon) = (self.command, self.lexicon);
        match meaning {
            Meaning::Resource(r) => {
                let name = &lexicon.resources[*r].name;
                *name == command.resource || command.inputs.iter().any(|input| input.resource.as_ref() == Some(name))
            }
            Meaning::Choice(r, f, c) if lexicon.resources[*r].name == command.resource => {
                let field = &lexicon.resources[*r].fields[*f];
                // "Plan a call": the kind that an input takes is said with the noun.
                let input = command.input(&field.name).filter(|input| self.is_open(input));
                if let Some(input) = input {
                    self.arguments.insert(input.name.clone(), json!(field.choices[*c].value));
                }
                input.is_some() || field.name == "status"
            }
            Meaning::Field(r, f) => {
                let field = &lexicon.resources[*r].fields[*f];
                lexicon.resources[*r].name == command.resource && command.input(&field.name).is_some()
            }
            _ => false,
        }
    }

    /// What is left: records and choices. What fits nowhere is named.
    fn rest(&mut self) -> Planned<()> {
        while let Some((start, len)) = self.reading.runs().first().copied() {
            if self.reference(start)? || self.choice(start, len) {
                continue;
            }
            return Err(Stop::Say(self.words.not_found(self.reading.written(start, len))));
        }
        Ok(())
    }

    /// A record for the input whose kind of record is said before it, else for the first that has one of that name.
    fn reference(&mut self, start: usize) -> Planned<bool> {
        let announced = |input: &&Field| {
            let Some(resource) = self.resource_of(input).and_then(|resource| self.lexicon.index_of(&resource.name)) else { return false };
            let stems: Vec<&str> = self.reading.tokens[..start].iter().map(|token| token.stem.as_str()).collect();
            (1..=3).any(|len| {
                let from = start.checked_sub(len);
                let phrase = from.and_then(|from| self.lexicon.longest(&stems[from..])).filter(|(known, _)| *known == len);
                phrase.is_some_and(|(_, meanings)| meanings.contains(&Meaning::Resource(resource)))
            })
        };
        let open = self.open_references();
        let announced: Vec<&Field> = open.iter().copied().filter(announced).collect();
        let inputs = if announced.is_empty() { open } else { announced };
        for input in inputs {
            let Some(resource) = self.resource_of(input) else { continue };
            if let Some(found) = select::at(self.turn, self.words, resource, &self.reading, start)? {
                self.arguments.insert(input.name.clone(), json!(found.id));
                self.reading.take(start, found.len);
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn choice(&mut self, start: usize, len: usize) -> bool {
        let text = fold(self.reading.written(start, len));
        let found = self.command.inputs.iter().filter(|input| self.is_open(input)).find_map(|input| {
            let choice = input.choices.iter().find(|choice| fold(&choice.label) == text)?;
            Some((input.name.clone(), choice.value.clone()))
        });
        let Some((name, value)) = found else { return false };
        self.arguments.insert(name, json!(value));
        self.reading.take(start, len);
        true
    }

    /// The input that is called at `at`, open and not the record itself.
    fn input_at(&self, at: usize) -> Option<(&'a Field, usize)> {
        phrases::input(self.command, &self.reading, at).filter(|(input, _)| self.is_open(input) && !self.command.is_target(input))
    }
}
