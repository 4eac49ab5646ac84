//! Rankings and groups: "top 3 customers by revenue", "revenue by category", "the most expensive items".
//!
//! What is asked for is the group; a record is never grouped by itself.

use crate::interpret::{Words as Spoken, interpret, main_amount};
use crate::lexicon::{Field, Lexicon, Meaning, Measure};
use crate::question::{Candidate, Wanted, measures, spoken, without_fields};
use crate::reading::Span;
use crate::scene::Scene;
use crate::shape::{By, Top};
use crate::target;

/// Groups of a ranking that names no number.
const SEVERAL: usize = 10;

struct Group {
    path: String,
    label: String,
    hops: usize,
}

/// What a phrase groups the records of `r` by: their own attribute, the records that they lead to, or an attribute of those.
fn group(lexicon: &Lexicon, r: usize, span: &Span) -> Option<Group> {
    if span.means_records(r) {
        return None;
    }
    let reached = target::reached(lexicon, r);
    let groupable = |field: &Field| matches!(field.kind.as_str(), "text" | "choice" | "boolean" | "reference" | "date" | "integer");
    let of_field = target::fields(lexicon, &reached, r, span).into_iter().find(|place| groupable(place.field) && place.field.filterable);
    let of_field = of_field.map(|place| Group { path: place.path, label: place.field.label.clone(), hops: place.hops });
    let of_role = target::roles(lexicon, &reached, span).into_iter().next();
    let of_role = of_role.map(|one| {
        let label = if one.hops == 1 { one.link.label.clone() } else { lexicon.resources[one.resource].label.clone() };
        Group { path: one.path, label, hops: one.hops }
    });
    match (of_role, of_field) {
        (Some(role), Some(field)) if field.hops + 1 < role.hops => Some(field),
        (Some(role), _) => Some(role),
        (None, field) => field,
    }
}

/// What is measured: a named measure, or how many records there are.
fn measured<'a, 's>(lexicon: &'a Lexicon, scene: &'s Scene, r: usize) -> Vec<(Option<&'a Measure>, Option<&'s Span>)> {
    let mut all: Vec<(Option<&Measure>, Option<&Span>)> = Vec::new();
    for (measure, span) in measures(lexicon, scene, r, false) {
        let is_sum = !matches!(measure.aggregate.as_str(), "max" | "min");
        if is_sum {
            all.push(((!measure.is_count()).then_some(measure), Some(span)));
        }
    }
    if all.is_empty() {
        all.extend(scene.spans.iter().find(|span| !span.is_weak && span.means_records(r)).map(|span| (None, Some(span))));
    }
    if all.is_empty() {
        let mut verbs: Vec<_> = measures(lexicon, scene, r, true).into_iter().filter(|(measure, _)| measure.aggregate == "sum").collect();
        // "Sold the most units": what stands behind the superlative is ranked by.
        let top = scene.shape.top.as_ref().map_or(0, |top| top.at);
        verbs.sort_by_key(|(_, span)| (span.start < top, span.start.abs_diff(top)));
        all.extend(verbs.into_iter().take(1).map(|(measure, span)| (Some(measure), Some(span))));
    }
    all
}

/// Figures by groups that a word such as "by" announces, or by parts of dates.
pub(crate) fn grouped<'a>(lexicon: &'a Lexicon, scene: &Scene) -> Vec<Candidate<'a>> {
    let mut all = Vec::new();
    let marked: Vec<(usize, &Span)> = scene.shape.grouping.iter().filter_map(|at| Some((*at, behind(scene, *at)?))).collect();
    if marked.is_empty() && scene.shape.part.is_none() {
        return all;
    }
    for r in 0..lexicon.resources.len() {
        for (measure, span) in measured(lexicon, scene, r) {
            let ranked = |path: String, label: String, taken: &[Spoken], hops: usize| {
                let mut words: Vec<Spoken> = span.iter().filter(|span| !is_condition(lexicon, r, span)).map(|span| spoken(span)).collect();
                words.extend(taken);
                let limit = scene.shape.top.as_ref().map(|top| top.limit.unwrap_or(1));
                let descending = scene.shape.top.as_ref().is_none_or(|top| top.descending);
                let mut query = without_fields(interpret(lexicon, scene, r, counted(lexicon, r, measure), &words));
                query.hops += hops;
                Candidate { query, wanted: Wanted::Groups { measure, path, label, limit, descending }, rank: usize::from(measure.is_none()) }
            };
            if let Some((part, _)) = scene.shape.part {
                let date = counted(lexicon, r, measure).and_then(|measure| measure.date.clone());
                all.extend(date.map(|date| ranked(format!("{date}.{part}"), part.to_owned(), &[], 0)));
                continue;
            }
            for (_, by) in marked.iter().filter(|(_, by)| span.is_none_or(|span| span.start != by.start)) {
                if let Some(group) = group(lexicon, r, by) {
                    all.push(ranked(group.path, group.label, &[spoken(by)], group.hops));
                }
            }
        }
    }
    all
}

/// "Customers" are counted, and are a condition as well: which of the records are.
fn is_condition(lexicon: &Lexicon, r: usize, span: &Span) -> bool {
    span.means_records(r)
        && span.meanings.iter().any(|meaning| match meaning {
            Meaning::Filter(of, _) => *of == r,
            Meaning::Field(of, f) => *of == r && lexicon.resources[r].fields[*f].kind == "boolean",
            _ => false,
        })
}

/// The measure with its date: the count where none is named.
fn counted<'a>(lexicon: &'a Lexicon, r: usize, measure: Option<&'a Measure>) -> Option<&'a Measure> {
    measure.or_else(|| lexicon.resources[r].measures.iter().find(|measure| measure.is_count()))
}

/// The phrase behind a word such as "by", unless it is the noun before a name.
fn behind(scene: &Scene, at: usize) -> Option<&Span> {
    let skip = ["the", "of", "each", "every", "number", "der", "dem", "den", "die", "das", "our", "its", "their"];
    let from = (at + 1..scene.reading.tokens.len()).find(|i| !skip.contains(&scene.reading.fold_at(*i)))?;
    let span = scene.spans.iter().find(|span| span.start == from)?;
    (!scene.names.iter().any(|name| name.start == span.end())).then_some(span)
}

/// The first few: of groups by a measure, or of records by a field.
pub(crate) fn ranked<'a>(lexicon: &'a Lexicon, scene: &Scene) -> Vec<Candidate<'a>> {
    let Some(top) = &scene.shape.top else { return Vec::new() };
    if scene.shape.part.is_some() {
        return grouped(lexicon, scene);
    }
    let mut all = Vec::new();
    for r in 0..lexicon.resources.len() {
        all.extend(by_measure(lexicon, scene, r, top));
        all.extend(by_field(lexicon, scene, r, top));
    }
    all
}

fn by_measure<'a>(lexicon: &'a Lexicon, scene: &Scene, r: usize, top: &Top) -> Vec<Candidate<'a>> {
    let mut all = Vec::new();
    if top.by == By::Date {
        return all;
    }
    for (measure, span) in measured(lexicon, scene, r) {
        let Some(span) = span else { continue };
        // How many there are is ranked by only where it is said: "most orders", "by number of orders", "with the most".
        if measure.is_none() && !is_counted(scene, top, span) {
            continue;
        }
        // What is asked for comes first: "top 3 customers", "which employee".
        let nouns = scene.spans.iter().filter(|one| one.start != span.start && (!one.is_weak || follows_which(scene, one)));
        let Some((group, by)) = nouns.filter_map(|one| Some((group(lexicon, r, one)?, one))).next() else { continue };
        // A noun right before a name is no group.
        if scene.names.iter().any(|name| name.start == by.end()) {
            continue;
        }
        let mut words = vec![spoken(by)];
        words.extend(Some(span).filter(|span| !is_condition(lexicon, r, span)).map(spoken));
        let mut query = without_fields(interpret(lexicon, scene, r, counted(lexicon, r, measure), &words));
        query.hops += group.hops;
        let limit = Some(top.limit.unwrap_or_else(|| few(scene, by)));
        let wanted = Wanted::Groups { measure, path: group.path, label: group.label, limit, descending: top.descending };
        all.push(Candidate { query, wanted, rank: usize::from(measure.is_none()) });
    }
    all
}

fn follows_which(scene: &Scene, span: &Span) -> bool {
    span.start.checked_sub(1).is_some_and(|before| matches!(scene.reading.fold_at(before), "which" | "what" | "welcher" | "welche" | "welches"))
}

fn is_counted(scene: &Scene, top: &Top, span: &Span) -> bool {
    let before = |at: usize| span.start.checked_sub(at).map_or("", |at| scene.reading.fold_at(at));
    let announced =
        matches!(before(1), "by" | "nach" | "of" | "an" | "der" | "count" | "anzahl" | "many") || matches!(scene.reading.fold_at(span.end()), "count");
    (top.by == By::Number && span.start >= top.at) || announced
}

/// One for a singular, some for a plural.
fn few(scene: &Scene, span: &Span) -> usize {
    let last = span.end().saturating_sub(1);
    let Some(token) = scene.reading.tokens.get(last) else { return 1 };
    let plural_verb = scene.reading.tokens.iter().any(|token| matches!(token.fold.as_str(), "haben" | "sind" | "have" | "are" | "were"));
    let singular_verb = scene.reading.tokens.iter().any(|token| matches!(token.fold.as_str(), "hat" | "ist" | "has" | "is" | "was"));
    if singular_verb || (!plural_verb && token.stem == token.fold) { 1 } else { SEVERAL }
}

/// Records sorted by a field of theirs: the one that is named, the date, or the only amount.
fn by_field<'a>(lexicon: &'a Lexicon, scene: &Scene, r: usize, top: &Top) -> Option<Candidate<'a>> {
    let resource = &lexicon.resources[r];
    let noun = scene.spans.iter().find(|span| span.means_records(r))?;
    let named = scene.spans.iter().filter(|span| span.start != noun.start).find_map(|span| {
        let field = span.meanings.iter().find_map(|meaning| match meaning {
            Meaning::Field(of, f) if *of == r => Some(&resource.fields[*f]).filter(|field| field.sortable && (field.is_number() || field.is_date())),
            _ => None,
        })?;
        Some((field, span))
    });
    let (field, span) = match (named, top.by) {
        (Some((field, span)), _) => (field, Some(span)),
        (None, By::Named) => (main_amount(&resource.fields.iter().collect::<Vec<_>>()).filter(|field| field.sortable)?, None),
        (None, By::Date) => (main_date(lexicon, r)?, None),
        (None, By::Number) => return None,
    };
    // "Top 3 customers" names nothing to rank by; an adjective of size does.
    if span.is_none() && top.by == By::Named && matches!(scene.reading.fold_at(top.at), "top" | "best" | "besten" | "beste" | "wichtigsten") {
        return None;
    }
    let mut words = vec![spoken(noun)];
    words.extend(span.map(spoken));
    let mut query = interpret(lexicon, scene, r, None, &words);
    // A condition that is also the noun ("customers") holds for the ranking too.
    if noun.meanings.iter().any(|meaning| matches!(meaning, Meaning::Filter(of, _) if *of == r)) {
        query = interpret(lexicon, scene, r, None, &words[1..]);
    }
    let limit = top.limit.unwrap_or_else(|| few(scene, noun));
    Some(Candidate { query: without_fields(query), wanted: Wanted::Ordered { field, limit, descending: top.descending }, rank: 2 })
}

/// The date of a record that lists are sorted by: the one that its count means, else its only one.
fn main_date(lexicon: &Lexicon, r: usize) -> Option<&Field> {
    let resource = &lexicon.resources[r];
    let of_count = resource.measures.iter().filter(|measure| measure.is_count()).find_map(|measure| measure.date.as_deref());
    let sortable = |field: &&Field| field.kind == "date" && field.sortable;
    resource.fields.iter().filter(sortable).find(|field| of_count == Some(field.name.as_str())).or_else(|| resource.fields.iter().find(sortable))
}
