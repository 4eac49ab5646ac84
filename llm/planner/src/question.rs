//! Questions: which readings a question has, and which of them is meant.
//!
//! Every reading is one query about one resource. One that leaves a word unexplained is never asked: the word is named.

use crate::answer;
use crate::interpret::{Interpretation, Words as Spoken, interpret};
use crate::lexicon::{Field, Lexicon, Meaning, Measure};
use crate::names::Target;
use crate::ranking;
use crate::reading::Span;
use crate::scene::Scene;
use crate::select::condition;
use crate::target;
use crate::turn::{Planned, Stop, Turn};
use crate::words::Words;

/// What is wanted of the records.
#[derive(Clone, Debug)]
pub(crate) enum Wanted<'a> {
    /// One figure: a measure, or their number.
    Figure(Option<&'a Measure>),
    /// A figure for each group.
    Groups {
        measure: Option<&'a Measure>,
        path: String,
        label: String,
        limit: Option<usize>,
        descending: bool,
    },
    /// The first few by a field.
    Ordered {
        field: &'a Field,
        limit: usize,
        descending: bool,
    },
    /// Fields of one record.
    Fact(Vec<&'a Field>),
    List(Vec<&'a Field>),
}

/// One reading of a question.
#[derive(Clone, Debug)]
pub(crate) struct Candidate<'a> {
    pub(crate) query: Interpretation<'a>,
    pub(crate) wanted: Wanted<'a>,
    /// How far it is from what was said: the nearest is taken.
    pub(crate) rank: usize,
}

/// Answers what a scene asks.
pub(crate) fn plan(turn: &Turn, lexicon: &Lexicon, words: &Words, scene: &Scene) -> Planned<String> {
    if let [_, _, ..] = scene.periods.as_slice() {
        let periods: Vec<String> = scene.periods.iter().map(|(_, period)| period.said()).collect();
        return Err(Stop::Say(words.unknown(&periods.join("; "))));
    }
    let candidates = candidates(lexicon, scene);
    let best = candidates.into_iter().min_by_key(|one| (one.query.left.len(), one.rank, one.query.hops, one.query.resource.parent.is_some()));
    let Some(mut best) = best else { return Err(Stop::Say(unplaced(words, scene, None))) };
    if let (false, Some((number, labels))) = (best.query.left.is_empty(), &best.query.unsure) {
        return Err(words.which(turn, number, &labels.iter().map(String::as_str).collect::<Vec<_>>()));
    }
    if !best.query.left.is_empty() {
        return Err(Stop::Say(unplaced(words, scene, Some(&best.query.left))));
    }
    if let Some(name) = scene.names.iter().find(|name| !name.unsure.is_empty()) {
        let said = scene.reading.text_of(name.start, name.len);
        return Err(words.which(turn, &said, &name.unsure.iter().map(String::as_str).collect::<Vec<_>>()));
    }
    role(turn, words, scene, &mut best.query)?;
    answer::tell(turn, words, best)
}

/// A name that may stand in several roles stands in the one in which something is found. In none, the nearest is meant.
fn role(turn: &Turn, words: &Words, scene: &Scene, query: &mut Interpretation<'_>) -> Planned<()> {
    for (at, options) in std::mem::take(&mut query.roles) {
        let Some(current) = query.conditions.get(at).cloned() else { continue };
        // A merged condition ("Germany and Austria") keeps its role.
        if !options.iter().any(|option| option.filter == current.filter) {
            continue;
        }
        let mut found = Vec::new();
        for option in &options {
            if turn.finds(&query.resource.name, &serde_json::json!([option.filter]))? {
                found.push(option.clone());
            }
        }
        let same = found.iter().all(|one| one.filter == found[0].filter);
        match found.as_slice() {
            [] => {}
            [only, ..] if same => query.conditions[at] = only.clone(),
            // The nearest reference is what the wording means; one just as near is asked about.
            several => {
                let hops = |path: &serde_json::Value| path.as_str().map_or(0, |path| path.matches('.').count());
                let least = several.iter().map(|one| hops(&one.filter["path"])).min().unwrap_or(0);
                let near: Vec<_> = several.iter().filter(|one| hops(&one.filter["path"]) == least).collect();
                match near.as_slice() {
                    [only] => query.conditions[at] = (*only).clone(),
                    _ => {
                        let what = scene.names.first().map(|name| scene.reading.text_of(name.start, name.len)).unwrap_or_default();
                        return Err(words.which(turn, &what, &near.iter().map(|one| one.said.as_str()).collect::<Vec<_>>()));
                    }
                }
            }
        }
    }
    Ok(())
}

/// Says what was not understood. Where a word may be a name, only the words of the question decide what is said, never
/// what was found: else the wording would tell whether somebody exists about whom one may not know what was asked.
fn unplaced(words: &Words, scene: &Scene, left: Option<&[usize]>) -> String {
    let all = match (scene.unexplained.as_slice(), left) {
        ([], left) => left.unwrap_or_default(),
        (unexplained, _) => unexplained,
    };
    let (Some(mut first), Some(mut last)) = (all.iter().copied().min(), all.iter().copied().max()) else { return words.unknown("") };
    // A name may hold words that the catalogue knows ("Nadia Frei"): what is written like a part of it stays with it.
    let capital = |at: usize| scene.reading.tokens.get(at).is_some_and(|token| token.text.starts_with(char::is_uppercase));
    while first > 1 && capital(first) && capital(first - 1) {
        first -= 1;
    }
    while capital(last) && capital(last + 1) {
        last += 1;
    }
    words.unknown(&scene.reading.text_of(first, last - first + 1))
}

fn candidates<'a>(lexicon: &'a Lexicon, scene: &Scene) -> Vec<Candidate<'a>> {
    let shape = &scene.shape;
    if shape.top.is_some() {
        return ranking::ranked(lexicon, scene);
    }
    let grouped = ranking::grouped(lexicon, scene);
    if shape.part.is_some() || !grouped.is_empty() {
        return grouped;
    }
    let mut all = Vec::new();
    for r in 0..lexicon.resources.len() {
        all.extend(facts(lexicon, scene, r));
        all.extend(figures(lexicon, scene, r));
        if shape.count.is_none() && !shape.often && !shape.much && !shape.when && !shape.place {
            all.extend(list(lexicon, scene, r));
        }
    }
    all
}

pub(crate) fn spoken(span: &Span) -> Spoken {
    (span.start, span.end())
}

/// Measures of `r` that are named, with their phrases.
pub(crate) fn measures<'a, 's>(lexicon: &'a Lexicon, scene: &'s Scene, r: usize, weak: bool) -> Vec<(&'a Measure, &'s Span)> {
    let measures = &lexicon.resources[r].measures;
    let of = scene.spans.iter().filter(|span| span.is_weak == weak).flat_map(|span| span.meanings.iter().map(move |meaning| (meaning, span)));
    of.filter_map(|(meaning, span)| match meaning {
        Meaning::Measure(of, m) if *of == r => Some((&measures[*m], span)),
        _ => None,
    })
    .collect()
}

/// Fields that were named and neither shown nor a condition are not explained.
pub(crate) fn without_fields<'a>(mut query: Interpretation<'a>) -> Interpretation<'a> {
    query.left.extend(query.fields.iter().map(|(_, at)| *at));
    query.left.sort_unstable();
    query
}

/// The phrase of the records that a count is of: the first noun behind "how many".
fn head(scene: &Scene) -> Option<&Span> {
    let from = scene.shape.count?;
    let is_noun = |span: &&Span| span.meanings.iter().any(|meaning| matches!(meaning, Meaning::Resource(_)));
    let strong = || scene.spans.iter().filter(|span| !span.is_weak);
    strong().filter(|span| span.end() > from).find(is_noun).or_else(|| strong().filter(|span| span.end() <= from).find(is_noun))
}

/// A verb may say that records of another kind are meant which lead to `r`: "how many items did we sell" counts no items.
fn is_about_others(lexicon: &Lexicon, scene: &Scene, r: usize) -> bool {
    let hinted = |one: usize| {
        scene.spans.iter().any(|span| span.is_weak && span.meanings.iter().any(|meaning| matches!(meaning, Meaning::Measure(of, _) if *of == one)))
    };
    !hinted(r) && (0..lexicon.resources.len()).filter(|one| hinted(*one)).any(|one| target::reached(lexicon, one).iter().any(|to| to.resource == r))
}

fn figures<'a>(lexicon: &'a Lexicon, scene: &Scene, r: usize) -> Vec<Candidate<'a>> {
    let resource = &lexicon.resources[r];
    let shape = &scene.shape;
    let mut all = Vec::new();
    if shape.place {
        return all;
    }
    let is_moment = |measure: &Measure| matches!(measure.aggregate.as_str(), "max" | "min") && !measure.money;
    for (measure, span) in measures(lexicon, scene, r, false) {
        if measure.is_count() || shape.when && !is_moment(measure) || measure.money && (shape.count.is_some() || shape.often) {
            continue;
        }
        let query = without_fields(interpret(lexicon, scene, r, Some(measure), &[spoken(span)]));
        all.push(Candidate { query, wanted: Wanted::Figure(Some(measure)), rank: 10 });
    }
    if shape.when {
        return all;
    }
    let counted = resource.measures.iter().find(|measure| measure.is_count());
    let first_name = scene.names.first().map(|name| name.start);
    let head = head(scene);
    let of_name = head.is_none_or(|head| first_name.is_some_and(|name| name < head.start)) && scene.shape.count.is_some();
    if shape.count.is_some() && head.is_some_and(|head| head.means_records(r)) && !is_about_others(lexicon, scene, r) {
        all.push(Candidate { query: counting(lexicon, scene, r, counted), wanted: Wanted::Figure(None), rank: 20 });
    }
    let verbs = measures(lexicon, scene, r, true);
    let hinted = |wanted: &dyn Fn(&Measure) -> bool| verbs.iter().map(|(measure, _)| *measure).find(|measure| wanted(measure));
    if shape.often && (hinted(&Measure::is_count).is_some() || scene.spans.iter().any(|span| span.means_records(r))) {
        all.push(Candidate { query: counting(lexicon, scene, r, counted), wanted: Wanted::Figure(None), rank: 20 });
    }
    let amount = if shape.much { hinted(&|measure| measure.money) } else { None };
    let number = if of_name { hinted(&|measure| !measure.money && measure.aggregate == "sum") } else { None };
    if let Some(measure) = amount.or(number) {
        let query = without_fields(interpret(lexicon, scene, r, Some(measure), &[]));
        all.push(Candidate { query, wanted: Wanted::Figure(Some(measure)), rank: 30 });
    }
    if of_name && head.is_none() && verbs.is_empty() {
        all.extend(members(lexicon, scene, r, counted));
    }
    all
}

impl Span {
    /// The phrase names records of `r`, or those of them that a condition holds for.
    pub(crate) fn means_records(&self, r: usize) -> bool {
        self.meanings.iter().any(|meaning| matches!(meaning, Meaning::Resource(of) if *of == r))
    }
}

/// The number of records. A date that is named says that there must be one: "shipped".
fn counting<'a>(lexicon: &'a Lexicon, scene: &Scene, r: usize, counted: Option<&Measure>) -> Interpretation<'a> {
    let mut query = interpret(lexicon, scene, r, counted, &[]);
    let fields = &lexicon.resources[r].fields;
    for (f, at) in std::mem::take(&mut query.fields) {
        match &fields[f] {
            field if field.is_date() && field.filterable => query.conditions.push(condition(&field.name, "null", &["false"], field.label.clone())),
            field if field.resource.is_some() => {}
            _ => query.fields.push((f, at)),
        }
    }
    without_fields(query)
}

/// "How many beverages do we carry?": what belongs to the named record, if only one kind of records does.
fn members<'a>(lexicon: &'a Lexicon, scene: &Scene, r: usize, counted: Option<&Measure>) -> Option<Candidate<'a>> {
    let [name] = scene.names.as_slice() else { return None };
    let [Target::Record { resource: group, .. }] = name.targets.as_slice() else { return None };
    let to = &lexicon.resources[*group].name;
    let belong = |one: &usize| lexicon.resources[*one].fields.iter().any(|field| field.resource.as_ref() == Some(to));
    let all: Vec<usize> = (0..lexicon.resources.len()).filter(belong).collect();
    (all == [r]).then(|| Candidate { query: without_fields(interpret(lexicon, scene, r, counted, &[])), wanted: Wanted::Figure(None), rank: 40 })
}

/// Fields of the one record that is named: "the supplier of Chai", "where is Ernst Handel".
fn facts<'a>(lexicon: &'a Lexicon, scene: &Scene, r: usize) -> Option<Candidate<'a>> {
    let resource = &lexicon.resources[r];
    let shape = &scene.shape;
    if !scene.names.iter().any(|name| name.targets.iter().any(|target| matches!(target, Target::Record { resource, .. } if *resource == r))) {
        return None;
    }
    let fields = |weak: bool| -> Vec<(&'a Field, &Span)> {
        let of = scene.spans.iter().filter(|span| span.is_weak == weak);
        of.filter_map(|span| {
            let field = span.meanings.iter().find_map(|meaning| match meaning {
                Meaning::Field(of, f) if *of == r => Some(&resource.fields[*f]),
                _ => None,
            })?;
            Some((field, span))
        })
        .collect()
    };
    let fits = |field: &Field| (!shape.when || field.is_date()) && (shape.count.is_none() || field.is_number());
    let mut asked = fields(false);
    // Whoever reports *to* somebody is no fact of that somebody.
    let is_inverse = |field: &Field, span: &Span| field.resource.as_ref() == Some(&resource.name) && scene.names.iter().any(|name| name.start == span.end());
    if asked.iter().any(|(field, span)| is_inverse(field, span) && !is_subject_question(scene)) {
        return None;
    }
    if asked.is_empty() || shape.place {
        let places: Vec<_> = weak_fields(lexicon, scene, r);
        asked.extend(places);
    }
    asked.retain(|(field, _)| fits(field));
    let mut named: Vec<&'a Field> = Vec::new();
    for (field, _) in &asked {
        if !named.iter().any(|known| known.name == field.name) {
            named.push(field);
        }
    }
    let spans: Vec<Spoken> = asked.iter().map(|(_, span)| spoken(span)).collect();
    let mut query = interpret(lexicon, scene, r, None, &spans);
    query.own?;
    if named.is_empty() && shape.much && measures(lexicon, scene, r, false).is_empty() {
        named.extend(crate::interpret::main_amount(&resource.fields.iter().collect::<Vec<_>>()));
    }
    if named.is_empty() {
        return None;
    }
    query.left.extend(query.conditions.iter().skip(1).map(|_| 0));
    let query = without_fields(query);
    let rank = if spans.is_empty() { 35 } else { 5 };
    Some(Candidate { query, wanted: Wanted::Fact(named), rank })
}

/// "Does X report to": X is the one who is asked about.
fn is_subject_question(scene: &Scene) -> bool {
    scene.reading.tokens.iter().any(|token| matches!(token.fold.as_str(), "does" | "did" | "do"))
}

/// Fields whose wording is silent otherwise: "where", "value".
fn weak_fields<'a, 's>(lexicon: &'a Lexicon, scene: &'s Scene, r: usize) -> Vec<(&'a Field, &'s Span)> {
    let mut all = Vec::new();
    for span in scene.spans.iter().filter(|span| span.is_weak) {
        for meaning in &span.meanings {
            if let Meaning::Field(of, f) = meaning
                && *of == r
            {
                all.push((&lexicon.resources[r].fields[*f], span));
            }
        }
    }
    all
}

fn list<'a>(lexicon: &'a Lexicon, scene: &Scene, r: usize) -> Option<Candidate<'a>> {
    let resource = &lexicon.resources[r];
    let mut query = interpret(lexicon, scene, r, None, &[]);
    // "Open orders" is the wording of a condition and names the records with it.
    let says_both = scene.spans.iter().any(|span| {
        span.len > 1 && span.meanings.iter().any(|meaning| matches!(meaning, Meaning::Filter(of, _) if *of == r)) && span_names(lexicon, scene, span, r)
    });
    if let Some(inverse) = inverse(lexicon, scene, r) {
        return Some(inverse);
    }
    let of_child = resource.parent.is_some() && !query.fields.is_empty() && !query.conditions.is_empty();
    if (!query.named_itself && !says_both && !of_child) || query.own.is_some() && query.fields.is_empty() || is_about_others(lexicon, scene, r) {
        return None;
    }
    let shown: Vec<&Field> = std::mem::take(&mut query.fields).into_iter().map(|(f, _)| &resource.fields[f]).collect();
    let rank = if query.named_itself || says_both { 50 } else { 60 };
    Some(Candidate { query, wanted: Wanted::List(shown), rank })
}

fn span_names(lexicon: &Lexicon, scene: &Scene, span: &Span, r: usize) -> bool {
    (span.start..span.end()).any(|at| {
        let stem = scene.reading.tokens[at].stem.as_str();
        lexicon.longest(&[stem]).is_some_and(|(_, meanings)| meanings.contains(&Meaning::Resource(r)))
    })
}

/// "Who reports to Andrew Fuller?": the records whose reference to their own kind is the one that is named.
fn inverse<'a>(lexicon: &'a Lexicon, scene: &Scene, r: usize) -> Option<Candidate<'a>> {
    let resource = &lexicon.resources[r];
    if is_subject_question(scene) {
        return None;
    }
    let (field, span, name) = scene.spans.iter().filter(|span| !span.is_weak).find_map(|span| {
        let name = scene.names.iter().find(|name| name.start == span.end())?;
        let field = span.meanings.iter().find_map(|meaning| match meaning {
            Meaning::Field(of, f) if *of == r && resource.fields[*f].resource.as_ref() == Some(&resource.name) => Some(&resource.fields[*f]),
            _ => None,
        })?;
        Some((field, span, name))
    })?;
    let (id, title) = name.targets.iter().find_map(|target| match target {
        Target::Record { resource, id, title } if *resource == r => Some((id, title)),
        _ => None,
    })?;
    let mut query = interpret(lexicon, scene, r, None, &[spoken(span), (name.start, name.end())]);
    query.conditions.push(condition(&field.name, "eq", &[id], format!("{} {title}", field.label)));
    Some(Candidate { query: without_fields(query), wanted: Wanted::List(Vec::new()), rank: 5 })
}
