//! What a new record is called: the words right behind the noun of what is made, or before "as a" and that noun.

use super::Draft;
use crate::dates;
use crate::lexicon::{Field, Meaning, alike, fold, stem, words as split};
use crate::reading::{Reading, number};
use crate::turn::{Planned, Stop};
use serde_json::json;

/// Words behind which something else begins than a name. A name that holds one is put in quotation marks.
const BORDERS: [&str; 42] = [
    "with", "mit", "at", "for", "fur", "of", "von", "vom", "in", "im", "to", "zu", "zum", "zur", "bei", "beim", "by", "from", "aus", "on", "am", "ab", "auf",
    "as", "als", "under", "unter", "below", "because", "weil", "about", "uber", "until", "bis", "since", "seit", "into", "per", "through", "durch", "gegen",
    "ohne",
];
const CALLED: [&str; 5] = ["named", "called", "namens", "genannt", "titled"];
const NEW: [&str; 8] = ["new", "neu", "neue", "neuen", "neuer", "neues", "another", "weiteren"];

/// The noun of what is made.
struct Noun {
    at: usize,
    len: usize,
}

impl<'a> Draft<'a> {
    /// The input that gives a new record its name, where it needs one.
    fn title_input(&self) -> Option<&'a Field> {
        let title = &self.lexicon.resource(&self.command.resource)?.title;
        let is_made = self.command.target.is_none();
        self.command.input(title).filter(|input| is_made && input.required && input.kind == "text" && self.is_open(input))
    }

    pub(super) fn title(&mut self) -> Planned<()> {
        let Some(input) = self.title_input() else { return Ok(()) };
        let count = self.reading.tokens.len();
        let first = self.skip(self.from, &[]);
        if let Some(noun) = self.noun(first) {
            self.kinds(&noun);
            let start = self.skip(noun.at + noun.len, &CALLED);
            let end = self.end_of_title(start)?;
            // "The categories Rakes and spades" may be one or two.
            let is_several = |at: usize| matches!(self.reading.fold_at(at), "and" | "und") || self.reading.gap(at).contains(',');
            if start < end && self.is_plural(&noun) && (start + 1..end).any(is_several) {
                return Err(Stop::Say(self.words.unknown(self.reading.written(start, end - start))));
            }
            if start < end {
                self.arguments.insert(input.name.clone(), json!(self.reading.written(start, end - start)));
                self.reading.take(noun.at + noun.len, end - noun.at - noun.len);
            }
            self.reading.take(noun.at, noun.len);
            return Ok(());
        }
        // "Add Maria Anders as a contact of …".
        let is_as = |at: &usize| matches!(self.reading.fold_at(*at), "as" | "als") && self.reading.is_free(*at);
        let behind = (first + 1..count).filter(is_as).find_map(|at| Some((at, self.noun(self.skip(at + 1, &[]))?)));
        if let Some((at, noun)) = behind {
            self.kinds(&noun);
            self.arguments.insert(input.name.clone(), json!(self.reading.written(first, at - first)));
            self.reading.take(first, noun.at + noun.len - first);
        }
        Ok(())
    }

    /// Behind articles, "new" and these words.
    fn skip(&self, from: usize, words: &[&str]) -> usize {
        let is_article = |word: &str| Reading::is_article(word) || matches!(word, "ein" | "eine" | "einen" | "einem" | "einer" | "me" | "mir" | "uns" | "us");
        let skipped = |at: &usize| {
            let word = self.reading.fold_at(*at);
            words.contains(&word) || words.is_empty() && (is_article(word) || NEW.contains(&word))
        };
        (from..self.reading.tokens.len()).find(|at| !skipped(at)).unwrap_or(self.reading.tokens.len())
    }

    /// A noun of what the command makes.
    fn noun(&self, at: usize) -> Option<Noun> {
        let stems: Vec<&str> = self.reading.tokens.get(at..)?.iter().take_while(|token| !token.used).map(|token| token.stem.as_str()).collect();
        let (len, meanings) = self.lexicon.longest(&stems)?;
        let made = self.lexicon.index_of(&self.command.resource)?;
        let is_made = meanings.iter().any(|meaning| match meaning {
            Meaning::Resource(r) | Meaning::Filter(r, _) => *r == made,
            Meaning::Choice(r, f, _) => *r == made && self.command.input(&self.lexicon.resources[*r].fields[*f].name).is_some(),
            Meaning::Field(..) | Meaning::Measure(..) => false,
        });
        is_made.then_some(Noun { at, len })
    }

    fn is_plural(&self, noun: &Noun) -> bool {
        let last = &self.reading.tokens[noun.at + noun.len - 1];
        let is_declared =
            self.lexicon.resource(&self.command.resource).is_some_and(|resource| fold(&resource.plural) == last.fold && resource.plural != resource.label);
        last.stem != last.fold || is_declared
    }

    /// What the noun says of the record: a customer is a party that is one, a note is a document of that kind.
    fn kinds(&mut self, noun: &Noun) {
        let stems: Vec<&str> = self.reading.tokens[noun.at..noun.at + noun.len].iter().map(|token| token.stem.as_str()).collect();
        let meanings = self.lexicon.longest(&stems).map(|(_, meanings)| meanings).unwrap_or_default();
        let says = |text: &String| {
            let words: Vec<String> = split(text).map(|word| stem(&fold(word))).collect();
            words.len() == stems.len() && words.iter().zip(&stems).all(|(word, said)| alike(word, said))
        };
        let mut found = Vec::new();
        for input in self.command.inputs.iter().filter(|input| self.is_open(input)) {
            let by_filter = |meaning: &Meaning| match meaning {
                Meaning::Filter(r, n) if self.lexicon.resources[*r].name == self.command.resource => {
                    self.lexicon.resources[*r].filters[*n].phrases().any(|text| input.is_called(&fold(text)))
                }
                _ => false,
            };
            match input.kind.as_str() {
                "boolean" if input.phrases().any(says) || meanings.iter().any(by_filter) => found.push((input.name.clone(), json!(true))),
                "choice" => found.extend(meanings.iter().find_map(|meaning| match meaning {
                    Meaning::Choice(r, f, c) if self.lexicon.resources[*r].name == self.command.resource => {
                        let field = &self.lexicon.resources[*r].fields[*f];
                        (field.name == input.name).then(|| (input.name.clone(), json!(field.choices[*c].value)))
                    }
                    _ => None,
                })),
                _ => {}
            }
        }
        self.arguments.extend(found);
    }

    /// Where the name ends that begins at `start`: before a word that begins something else, or a value of an input.
    fn end_of_title(&self, start: usize) -> Planned<usize> {
        let count = (start..self.reading.tokens.len()).find(|at| !self.reading.is_free(*at)).unwrap_or(self.reading.tokens.len());
        if self.reading.is_quoted(start) {
            return Ok(start + 1);
        }
        for at in start..count {
            let gap = self.reading.gap(at);
            let is_listed = gap.contains(',') && self.input_at(self.skip(at, &[])).is_some();
            // A colon, or a stop that is none of an abbreviation.
            let is_cut = at > start && gap.contains([':', ';']);
            // "Bolts M10, 25 pcs" is a name; what else stands behind a comma may be something else.
            let is_other = at > start && gap.contains(',') && !(at..count).any(|at| self.reading.fold_at(at).contains(|c: char| c.is_ascii_digit()));
            if is_cut
                || is_listed
                || is_other
                || self.reading.is_quoted(at)
                || BORDERS.contains(&self.reading.fold_at(at))
                || at > start && self.is_day(at, count)
            {
                return Ok(at);
            }
            if at == start {
                continue;
            }
            if let Some((input, len)) = self.input_at(at) {
                let is_typed = match input.kind.as_str() {
                    "integer" | "decimal" | "quantity" | "money" => number(self.reading.fold_at(at + len)).is_some(),
                    _ => false,
                };
                if is_typed {
                    return Ok(at);
                }
                // "Jane Miller e-mail jane@…" may be a name and a value, or a name: it is not guessed which.
                let ends = at + len >= count || BORDERS.contains(&self.reading.fold_at(at + len)) || self.reading.gap(at + len).contains(',');
                if !ends && matches!(input.kind.as_str(), "text" | "long_text" | "choice" | "date" | "reference") {
                    return Err(Stop::Say(self.words.unknown(self.reading.written(at, count - at))));
                }
            }
        }
        Ok(count)
    }

    /// A day begins here that the command could take.
    fn is_day(&self, at: usize, end: usize) -> bool {
        let takes = self.command.inputs.iter().any(|input| input.kind == "date");
        takes && matches!(dates::take(&mut self.reading.part(at, end), self.turn.today()).first(), Some((0, day)) if day.from == day.to)
    }
}
