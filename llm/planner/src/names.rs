//! Names in a question: which of its words are titles of records, or values such as a city or a country.
//!
//! The company's records are asked for what begins with a word that nothing else explains; the titles that come back are
//! held against the words that follow, so that a name may hold any words, and the longest one counts. Blanks, hyphens,
//! case and diacritics do not matter.

use crate::lexicon::{Field, Lexicon, Meaning, Resource, fold, stem, words as split};
use crate::reading::{Reading, number};
use crate::target;
use crate::turn::{Planned, Turn, items};
use serde_json::{Value, json};

/// Calls of a turn beyond which no further name is looked up: the word is named instead.
const LOOK_UPS_MAX: usize = 32;
/// Fields in which a text is looked for.
const VALUES_MAX: usize = 14;
/// Titles that one look-up may bring.
pub(crate) const FOUND_MAX: usize = 100;

/// What words name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Record { resource: usize, id: String, title: String },
    Value { resource: usize, field: usize, value: String },
}

/// A run of words with everything that it may name.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    pub(crate) start: usize,
    pub(crate) len: usize,
    pub(crate) targets: Vec<Target>,
    /// Several records would do equally well: their titles.
    pub(crate) unsure: Vec<String>,
}

impl Name {
    pub(crate) fn end(&self) -> usize {
        self.start + self.len
    }
}

/// Letters and digits alone, folded.
fn squashed(text: &str) -> String {
    fold(text).chars().filter(|c| c.is_alphanumeric()).collect()
}

/// What a look-up begins with: the first piece of the word, without an ending that a plural or a genitive may have put there.
pub(crate) fn beginning(word: &str) -> String {
    let piece = word.split(['-', '/', '&']).next().filter(|piece| piece.chars().count() > 1).unwrap_or(word);
    let bare = piece.strip_suffix("'s").or_else(|| piece.strip_suffix("’s")).unwrap_or(piece);
    let folded = fold(bare);
    match folded.len() > 3 && !folded.ends_with("ss") && !folded.ends_with("us") {
        true if folded.ends_with("ies") => bare.chars().take(bare.chars().count() - 3).collect(),
        true if folded.ends_with('s') => bare.chars().take(bare.chars().count() - 1).collect(),
        _ => bare.to_owned(),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fit {
    /// A beginning of the title, up to the end of one of its words.
    Beginning,
    Whole,
}

/// How many words from `start` on say this title, and whether they say all of it.
pub(crate) fn fits(reading: &Reading, start: usize, title: &str) -> Option<(Fit, usize)> {
    let whole = squashed(title);
    let last = split(title).last().map(|word| stem(&squashed(word))).unwrap_or_default();
    let count = split(title).count();
    let mut said = String::new();
    let mut best = None;
    for (n, token) in reading.tokens.iter().skip(start).enumerate() {
        let before = said.len();
        said.push_str(&squashed(&token.raw));
        if whole.is_empty() || said.is_empty() {
            return None;
        }
        // "Beverages" and "beverage", "Ernst Handels".
        let inflected = n + 1 == count && stem(&said[before..]) == last && whole.starts_with(&said[..before]);
        if said == whole || inflected {
            return Some((Fit::Whole, n + 1));
        }
        if !whole.starts_with(&said) {
            break;
        }
        let at_word = split(title).scan(0, |length, word| {
            *length += squashed(word).len();
            Some(*length)
        });
        if at_word.into_iter().any(|length| length == said.len()) {
            best = Some((Fit::Beginning, n + 1));
        }
    }
    best
}

/// Where records can be found: the title of a resource, or a text by whose beginning it can be looked up.
#[derive(Clone, Copy)]
struct Place {
    resource: usize,
    field: usize,
    is_title: bool,
}

/// The resources that the question names and what they lead to; all of them where it names none.
fn near(lexicon: &Lexicon, reading: &Reading) -> Vec<usize> {
    let all = 0..lexicon.resources.len();
    let named: Vec<usize> = all.clone().filter(|r| reading.spans.iter().any(|span| !span.is_weak && span.means_resource(*r))).collect();
    let reached = named.iter().flat_map(|r| target::reached(lexicon, *r)).filter(|one| one.hops <= 2).map(|one| one.resource);
    let mut near: Vec<usize> = reached.chain(named.iter().copied()).collect();
    near.sort_unstable();
    near.dedup();
    if near.is_empty() { all.collect() } else { near }
}

fn places(lexicon: &Lexicon, reading: &Reading) -> Vec<Place> {
    let mut places = Vec::new();
    for resource in near(lexicon, reading) {
        let declared = &lexicon.resources[resource];
        for (field, one) in declared.fields.iter().enumerate() {
            let is_title = one.name == declared.title;
            if one.starts && one.kind == "text" {
                places.push(Place { resource, field, is_title });
            }
        }
    }
    places
}

/// A field of numbers rather than of names, as its name says.
fn is_number(lexicon: &Lexicon, place: Place) -> bool {
    matches!(lexicon.resources[place.resource].fields[place.field].name.as_str(), "number" | "code")
}

pub(crate) fn query(resource: &Resource, field: &Field, op: &str, values: &[&str]) -> Value {
    json!({ "resource": resource.name, "filters": [{ "path": field.name, "op": op, "values": values }], "fields": [field.name], "limit": FOUND_MAX })
}

/// Finds the names among words that `is_free` leaves open.
pub(crate) fn find(turn: &Turn, lexicon: &Lexicon, reading: &Reading, open: &[bool]) -> Planned<Vec<Name>> {
    let places = places(lexicon, reading);
    let mut names: Vec<Name> = Vec::new();
    let mut i = 0;
    while i < reading.tokens.len() {
        if !open.get(i).copied().unwrap_or(false) {
            i += 1;
            continue;
        }
        match at(turn, lexicon, &places, reading, i, open)? {
            Some(name) => {
                i = name.end();
                names.push(name);
            }
            None => i += 1,
        }
    }
    Ok(names)
}

/// One name that begins at `start`.
fn at(turn: &Turn, lexicon: &Lexicon, places: &[Place], reading: &Reading, start: usize, open: &[bool]) -> Planned<Option<Name>> {
    let token = &reading.tokens[start];
    let begins = beginning(&token.text);
    // Numbers and codes hold digits or are written in capitals.
    let is_code = token.text.chars().any(|c| c.is_ascii_digit()) || !token.text.chars().any(char::is_lowercase);
    let places: Vec<Place> = places.iter().copied().filter(|place| is_code || !is_number(lexicon, *place)).collect();
    let queries: Vec<Value> = places
        .iter()
        .map(|place| {
            let resource = &lexicon.resources[place.resource];
            query(resource, &resource.fields[place.field], "starts", &[&begins])
        })
        .collect();
    if turn.calls_with(&queries) > LOOK_UPS_MAX {
        return Ok(None);
    }
    let results = turn.look_up(&queries)?;
    let mut found: Vec<(Fit, usize, Target)> = Vec::new();
    for (place, result) in places.iter().zip(results) {
        let resource = &lexicon.resources[place.resource];
        let field = &resource.fields[place.field].name;
        for item in items(result) {
            let Some(text) = item.get(field).and_then(Value::as_str) else { continue };
            let Some((fit, len)) = fits(reading, start, text) else { continue };
            let target = match place.is_title {
                true => Target::Record {
                    resource: place.resource,
                    id: item.get("id").and_then(Value::as_str).unwrap_or_default().to_owned(),
                    title: text.split_whitespace().collect::<Vec<_>>().join(" "),
                },
                false => Target::Value { resource: place.resource, field: place.field, value: text.to_owned() },
            };
            if !found.iter().any(|(_, _, known)| *known == target) {
                found.push((fit, len, target));
            }
        }
    }
    // All of a name beats the beginning of another one, then the longer beats the shorter.
    let Some((fit, len)) = found.iter().map(|(fit, len, _)| (*fit, *len)).max() else {
        return values(turn, lexicon, reading, start, open);
    };
    let targets: Vec<Target> = found.into_iter().filter(|(f, l, _)| (*f, *l) == (fit, len)).map(|(_, _, target)| target).collect();
    if fit == Fit::Whole {
        return Ok(Some(named(lexicon, start, len, targets)));
    }
    // A beginning is a name only where it is written as one, and no value is called so.
    if let Some(value) = values(turn, lexicon, reading, start, open)? {
        return Ok(Some(value));
    }
    let records: Vec<Target> = targets.into_iter().filter(|target| matches!(target, Target::Record { .. })).collect();
    let capital = |at: usize| reading.tokens.get(at).is_some_and(|token| token.text.chars().next().is_some_and(|c| c.is_uppercase() || c.is_numeric()));
    let written = start > 0 && capital(start) || len > 1;
    if records.is_empty() {
        return Ok(None);
    }
    let mut name = named(lexicon, start, len, records);
    if !written && name.unsure.is_empty() {
        name.unsure = titles(&name.targets);
    }
    Ok(Some(name))
}

fn titles(targets: &[Target]) -> Vec<String> {
    targets
        .iter()
        .filter_map(|target| match target {
            Target::Record { title, .. } => Some(title.clone()),
            Target::Value { .. } => None,
        })
        .collect()
}

/// Two records of one kind with the same right to a name leave it open which is meant; unless it is a value as well, which
/// many records may share: "London" is the city of seven addresses.
fn named(lexicon: &Lexicon, start: usize, len: usize, mut targets: Vec<Target>) -> Name {
    let is_value = targets.iter().any(|target| matches!(target, Target::Value { .. }));
    let mut unsure = Vec::new();
    for resource in 0..lexicon.resources.len() {
        let is_of = |target: &Target| matches!(target, Target::Record { resource: r, .. } if *r == resource);
        let of: Vec<Target> = targets.iter().filter(|target| is_of(target)).cloned().collect();
        match of.len() {
            0 | 1 => {}
            _ if is_value => targets.retain(|target| !is_of(target)),
            _ => unsure.extend(titles(&of)),
        }
    }
    Name { start, len, targets, unsure }
}

/// Texts that can only be looked up whole ("Sales Manager", "Speedy Express"): of the fields that some word of the
/// question could mean, which are those of every resource that it names.
fn values(turn: &Turn, lexicon: &Lexicon, reading: &Reading, start: usize, open: &[bool]) -> Planned<Option<Name>> {
    let is_open = |at: usize| open.get(at).copied().unwrap_or(false);
    // A word that the catalogue knows belongs to the name where it is written like one: "United Package".
    let capital = |at: usize| reading.tokens.get(at).is_some_and(|token| !token.used && token.text.chars().next().is_some_and(char::is_uppercase));
    let mut end = start + 1;
    while (is_open(end) || capital(end)) && number(reading.fold_at(end)).is_none() {
        end += 1;
    }
    let named: Vec<usize> = (0..lexicon.resources.len()).filter(|r| reading.spans.iter().any(|span| !span.is_weak && span.means_resource(*r))).collect();
    let fields = named.iter().flat_map(|r| {
        let resource = &lexicon.resources[*r];
        let fits = move |field: &Field| field.kind == "text" && field.filterable && !field.starts && field.name != resource.title;
        resource.fields.iter().enumerate().filter(move |(_, field)| fits(field)).map(move |(f, _)| (*r, f))
    });
    // A field that is named itself comes first, then those of the records that are named.
    let is_said = |meaning: Meaning| reading.spans.iter().any(|span| span.meanings.contains(&meaning));
    let mut fields: Vec<(usize, usize)> = fields.collect();
    fields.sort_by_key(|(r, f)| (!is_said(Meaning::Field(*r, *f)), !is_said(Meaning::Resource(*r))));
    fields.truncate(VALUES_MAX);
    let mut forms = Vec::new();
    for len in (1..=end - start).rev() {
        let text = reading.text_of(start, len);
        let singular = text.strip_suffix('s').filter(|singular| singular.len() > 3).map(str::to_owned);
        forms.push(text);
        forms.extend(singular);
    }
    let forms: Vec<&str> = forms.iter().map(String::as_str).collect();
    let queries: Vec<Value> = fields
        .iter()
        .map(|(r, f)| {
            let resource = &lexicon.resources[*r];
            let mut query = query(resource, &resource.fields[*f], "in", &forms);
            query["limit"] = json!(1);
            query
        })
        .collect();
    if turn.calls_with(&queries) > LOOK_UPS_MAX {
        return Ok(None);
    }
    let results = turn.look_up(&queries)?;
    let mut found: Vec<(usize, Target)> = Vec::new();
    for ((resource, field), result) in fields.into_iter().zip(results) {
        let name = &lexicon.resources[resource].fields[field].name;
        if let Some(value) = items(result).find_map(|item| item.get(name)?.as_str()) {
            found.push((split(value).count(), Target::Value { resource, field, value: value.to_owned() }));
        }
    }
    let Some(len) = found.iter().map(|(len, _)| *len).max() else { return Ok(None) };
    let targets = found.into_iter().filter(|(count, _)| *count == len).map(|(_, target)| target).collect();
    Ok(Some(Name { start, len, targets, unsure: Vec::new() }))
}
