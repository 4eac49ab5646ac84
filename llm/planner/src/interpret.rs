//! What a scene says if it is about one resource: which of its parts become conditions, and what stays unexplained.

use crate::dates::Period;
use crate::lexicon::{Choice, Field, Lexicon, Meaning, Measure, Resource};
use crate::names::{Name, Target};
use crate::reading::{Reading, Span};
use crate::scene::{Comparison, Scene};
use crate::select::{Condition, condition};
use crate::target::{self, Reached};

/// A part of the question that is spoken for: words from, to.
pub(crate) type Words = (usize, usize);

#[derive(Clone, Debug)]
pub(crate) struct Interpretation<'a> {
    pub(crate) resource: &'a Resource,
    pub(crate) conditions: Vec<Condition>,
    /// Fields that were named without a condition, with the word where they stand.
    pub(crate) fields: Vec<(usize, usize)>,
    /// The one record that is named, by its place among the names of the scene.
    pub(crate) own: Option<usize>,
    pub(crate) named_itself: bool,
    /// References that were followed: the fewer, the more likely it is meant.
    pub(crate) hops: usize,
    /// A name that could stand in several roles, with the conditions that say so: only one that finds something is meant.
    pub(crate) roles: Vec<(usize, Vec<Condition>)>,
    /// A comparison that fits several fields: their labels.
    pub(crate) unsure: Option<(String, Vec<String>)>,
    /// Words that nothing explains.
    pub(crate) left: Vec<usize>,
}

struct Work<'a, 's> {
    lexicon: &'a Lexicon,
    scene: &'s Scene,
    r: usize,
    reached: Vec<Reached<'a>>,
    open: Vec<bool>,
    /// The measure that is asked for, unless it is their number.
    measure: Option<String>,
    found: Interpretation<'a>,
}

/// `spoken` are words that are explained already: of the measure, of the grouping.
pub(crate) fn interpret<'a>(lexicon: &'a Lexicon, scene: &Scene, r: usize, measure: Option<&Measure>, spoken: &[Words]) -> Interpretation<'a> {
    let resource = &lexicon.resources[r];
    let found = Interpretation {
        resource,
        conditions: Vec::new(),
        fields: Vec::new(),
        own: None,
        named_itself: false,
        hops: 0,
        roles: Vec::new(),
        unsure: None,
        left: Vec::new(),
    };
    let mut open = scene.wanted();
    for (from, to) in spoken {
        open.iter_mut().take(*to).skip(*from).for_each(|open| *open = false);
    }
    let mut work = Work { lexicon, scene, r, reached: target::reached(lexicon, r), open, measure: None, found };
    work.measure = measure.filter(|measure| !measure.is_count()).map(|measure| measure.name.clone());
    work.periods(measure);
    for span in scene.spans.iter().filter(|span| !span.is_weak && !is_spoken(spoken, span.start)) {
        work.span(span);
    }
    for comparison in &scene.compared {
        work.comparison(comparison);
    }
    for (at, name) in scene.names.iter().enumerate().filter(|(_, name)| !is_spoken(spoken, name.start)) {
        work.name(at, name);
    }
    let Work { open, mut found, .. } = work;
    // A field that was named for the sake of a value is no field that is asked for.
    let has_value = |field: &Field| {
        let path = |condition: &Condition| condition.filter["path"].as_str().map(str::to_owned).unwrap_or_default();
        found.conditions.iter().map(path).any(|path| path == field.name || path.strip_prefix(field.name.as_str()).is_some_and(|rest| rest.starts_with('.')))
    };
    let fields = found.fields.iter().copied().filter(|(f, _)| !has_value(&resource.fields[*f])).collect();
    found.fields = fields;
    found.left = open.iter().enumerate().filter(|(_, open)| **open).map(|(at, _)| at).collect();
    merge(&mut found.conditions);
    found
}

fn is_spoken(spoken: &[Words], at: usize) -> bool {
    spoken.iter().any(|(from, to)| (*from..*to).contains(&at))
}

/// "Germany and Austria": two values of one field are alternatives.
fn merge(conditions: &mut Vec<Condition>) {
    let mut i = 0;
    while i < conditions.len() {
        let path = conditions[i].filter["path"].clone();
        let is_eq = |one: &Condition| one.filter["op"] == "eq" && one.filter["path"] == path && one.is_name;
        if is_eq(&conditions[i])
            && let Some(other) = conditions.iter().skip(i + 1).position(is_eq).map(|at| at + i + 1)
        {
            let other = conditions.remove(other);
            let one = &mut conditions[i];
            let mut values = one.filter["values"].as_array().cloned().unwrap_or_default();
            values.extend(other.filter["values"].as_array().cloned().unwrap_or_default());
            one.filter["op"] = if values.len() > 1 { "eq".into() } else { one.filter["op"].clone() };
            one.filter["values"] = values.into();
            one.said = format!("{}, {}", one.said, other.said);
        } else {
            i += 1;
        }
    }
    for one in conditions.iter_mut().filter(|one| one.filter["values"].as_array().is_some_and(|values| values.len() > 1)) {
        one.filter["op"] = "in".into();
    }
}

impl<'a> Work<'a, '_> {
    fn explain(&mut self, from: usize, to: usize) {
        self.open.iter_mut().take(to).skip(from).for_each(|open| *open = false);
    }

    /// Whether a negation stands before the word, which is explained by it.
    fn negated(&mut self, start: usize) -> bool {
        let reading = &self.scene.reading;
        let between = |at: usize| (at + 1..start).all(|i| reading.tokens[i].used || Reading::is_silent(&reading.tokens[i].fold));
        let at = self.scene.shape.negations.iter().copied().find(|at| *at < start && self.open[*at] && between(*at));
        if let Some(at) = at {
            self.explain(at, at + 1);
        }
        at.is_some()
    }

    /// A period means the date that is named, else the measure's, else that of any measure, else the first of the record.
    fn periods(&mut self, measure: Option<&Measure>) {
        let resource = &self.lexicon.resources[self.r];
        let [(at, period)] = self.scene.periods.as_slice() else { return };
        let named = self.scene.spans.iter().filter(|span| !span.is_weak).find_map(|span| {
            let field = span.meanings.iter().find_map(|meaning| match meaning {
                Meaning::Field(of, f) if *of == self.r => Some(&resource.fields[*f]).filter(|field| field.is_date() && field.filterable),
                _ => None,
            })?;
            // A sum has a date of its own, so a date must stand right at the period to be meant.
            let near = span.end().abs_diff(*at) <= 3 || span.start.abs_diff(*at) <= 4;
            (near && self.open[span.start]).then_some((span.start, span.end(), field.name.clone()))
        });
        let date = match &named {
            Some((from, to, path)) => {
                self.explain(*from, *to);
                Some(path.clone())
            }
            None => measure
                .and_then(|measure| measure.date.clone())
                .or_else(|| resource.measures.iter().find_map(|measure| measure.date.clone()))
                .or_else(|| resource.fields.iter().find(|field| field.kind == "date").map(|field| field.name.clone())),
        };
        if let Some(date) = date {
            let negated = named.is_some_and(|(from, ..)| self.negated(from));
            if !negated {
                self.found.conditions.extend(bounds(&date, period));
                self.explain(*at, *at + 1);
            }
        }
    }

    fn span(&mut self, span: &Span) {
        if !self.open[span.start] {
            return;
        }
        let (lexicon, r) = (self.lexicon, self.r);
        let resource = &lexicon.resources[r];
        // "How much revenue did it bring in" says the measure twice.
        if span
            .meanings
            .iter()
            .any(|meaning| matches!(meaning, Meaning::Measure(of, m) if *of == r && Some(&resource.measures[*m].name) == self.measure.as_ref()))
        {
            return self.explain(span.start, span.end());
        }
        let own_field = span.meanings.iter().filter_map(|meaning| match meaning {
            Meaning::Field(of, f) if *of == r => Some(*f),
            _ => None,
        });
        let filter = span.meanings.iter().find_map(|meaning| match meaning {
            Meaning::Filter(of, n) if *of == r => Some(&resource.filters[*n]),
            _ => None,
        });
        let itself = span.meanings.iter().any(|meaning| match meaning {
            Meaning::Resource(of) => *of == r,
            Meaning::Measure(of, m) => *of == r && resource.measures[*m].is_count(),
            _ => false,
        });
        let fields: Vec<usize> = own_field.collect();
        let yes = fields.iter().map(|f| &resource.fields[*f]).find(|field| field.kind == "boolean" && field.filterable);
        if let Some(filter) = filter {
            // "Customers" may name both the records and the condition that makes them so.
            self.found.named_itself |= itself;
            let value = if self.negated(span.start) { "false" } else { "true" };
            self.found.conditions.push(condition(&filter.name, "eq", &[value], no_or_yes(&filter.label, value)));
        } else if let Some(field) = yes {
            self.found.named_itself |= itself;
            let value = if self.negated(span.start) { "false" } else { "true" };
            self.found.conditions.push(condition(&field.name, "eq", &[value], no_or_yes(&field.label, value)));
        } else if let Some((field, choice)) = choice(lexicon, r, span) {
            self.choice(&field.name, choice, span);
        } else if itself {
            self.found.named_itself = true;
        } else if let Some(f) = fields.first().copied() {
            self.field(f, span);
        } else if !self.of_others(span) {
            return;
        }
        self.explain(span.start, span.end());
    }

    fn choice(&mut self, path: &str, choice: &Choice, span: &Span) {
        let negated = self.negated(span.start);
        let (op, said) = if negated { ("ne", format!("≠ {}", choice.label)) } else { ("eq", choice.label.clone()) };
        self.found.conditions.push(condition(path, op, &[&choice.value], said));
    }

    fn field(&mut self, f: usize, span: &Span) {
        let field = &self.lexicon.resources[self.r].fields[f];
        if field.is_date() && field.filterable && self.negated(span.start) {
            self.found.conditions.push(condition(&field.name, "null", &["true"], format!("{}: –", field.label)));
        } else {
            self.found.fields.push((f, span.start));
        }
    }

    /// A phrase of a resource that this one leads to: a noun, or a condition on its records.
    fn of_others(&mut self, span: &Span) -> bool {
        let lexicon = self.lexicon;
        if !target::roles(lexicon, &self.reached, span).is_empty() {
            return true;
        }
        for one in self.reached.clone() {
            if let Some((field, choice)) = choice(lexicon, one.resource, span) {
                self.found.hops += one.hops;
                self.choice(&format!("{}.{}", one.path, field.name), choice, span);
                return true;
            }
        }
        let places = target::fields(lexicon, &self.reached, self.r, span);
        if let Some(place) = places.iter().find(|place| place.field.kind == "boolean" && place.field.filterable) {
            self.found.hops += place.hops;
            let value = if self.negated(span.start) { "false" } else { "true" };
            self.found.conditions.push(condition(&place.path, "eq", &[value], no_or_yes(&place.field.label, value)));
            return true;
        }
        // "The country Germany": the noun before a name or behind it says what the name is.
        !places.is_empty() && self.scene.names.iter().any(|name| name.start.abs_diff(span.end()) <= 2 || span.start.abs_diff(name.end()) <= 1)
    }

    /// The field that a comparison means: the nearest number named before or after it, else the only amount there is.
    fn comparison(&mut self, comparison: &Comparison) {
        let fields = &self.lexicon.resources[self.r].fields;
        let near = self.found.fields.iter().enumerate().filter(|(_, (f, _))| fields[*f].is_number() && fields[*f].filterable);
        let near = near.min_by_key(|(_, (_, start))| start.abs_diff(comparison.at)).map(|(at, (f, _))| (at, *f));
        let field = match near {
            Some((at, f)) => {
                self.found.fields.remove(at);
                Some(&fields[f])
            }
            None => main_amount(&fields.iter().collect::<Vec<_>>()),
        };
        let number = comparison.number.to_string();
        match field {
            Some(field) => {
                let said = format!("{} {} {number}", field.label, sign(comparison.op));
                self.found.conditions.push(condition(&field.name, comparison.op, &[&number], said));
                self.explain(comparison.at, comparison.at + 1);
            }
            None => {
                let amounts: Vec<String> = fields.iter().filter(|field| field.is_number() && field.filterable).map(|field| field.label.clone()).collect();
                if amounts.len() > 1 {
                    self.found.unsure = Some((number, amounts));
                }
            }
        }
    }

    fn name(&mut self, at: usize, name: &Name) {
        if name.targets.iter().any(|target| matches!(target, Target::Record { resource, .. } if *resource == self.r)) {
            self.own(at, name);
            return;
        }
        let mut options: Vec<(usize, bool, Condition)> = Vec::new();
        let hint = self.noun_at(name);
        for target in &name.targets {
            match target {
                Target::Record { resource, id, title } => {
                    for one in self.reached.iter().filter(|one| one.resource == *resource) {
                        let hinted = hint.as_ref().is_none_or(|roles| roles.iter().any(|role| role.path == one.path));
                        options.push((one.hops, hinted, condition(&one.path, "eq", &[id], format!("{} {title}", one.link.label)).of_name()));
                    }
                }
                Target::Value { resource, field, value } => {
                    let declared = &self.lexicon.resources[*resource].fields[*field];
                    let said = format!("{} {value}", declared.label);
                    if *resource == self.r {
                        options.push((0, true, condition(&declared.name, "eq", &[value], said.clone()).of_name()));
                    }
                    for one in self.reached.iter().filter(|one| one.resource == *resource) {
                        let hinted = hint.as_ref().is_none_or(|roles| roles.iter().any(|role| role.path == one.path));
                        let path = format!("{}.{}", one.path, declared.name);
                        options.push((one.hops, hinted, condition(&path, "eq", &[value], said.clone()).of_name()));
                    }
                }
            }
        }
        if options.iter().any(|(_, hinted, _)| *hinted) {
            options.retain(|(_, hinted, _)| *hinted);
        }
        options.sort_by_key(|(hops, ..)| *hops);
        let Some((hops, _, first)) = options.first().cloned() else { return };
        let others: Vec<Condition> = options.into_iter().filter(|(h, ..)| *h <= hops + 1).map(|(_, _, condition)| condition).collect();
        if others.len() > 1 {
            self.found.roles.push((self.found.conditions.len(), others));
        }
        self.found.hops += hops;
        self.found.conditions.push(first);
        self.explain(name.start, name.end());
    }

    fn own(&mut self, at: usize, name: &Name) {
        let ids: Vec<(&str, &str)> = name
            .targets
            .iter()
            .filter_map(|target| match target {
                Target::Record { resource, id, title } if *resource == self.r => Some((id.as_str(), title.as_str())),
                _ => None,
            })
            .collect();
        if let [(id, title)] = ids.as_slice() {
            self.found.conditions.push(condition("id", "eq", &[id], (*title).to_owned()).of_name());
            self.found.own = Some(at);
            self.explain(name.start, name.end());
        }
    }

    /// The roles of the noun right before a name, or right behind it: "the supplier Exotic Liquids", "customers in Brazil".
    fn noun_at(&self, name: &Name) -> Option<Vec<Reached<'a>>> {
        let reading = &self.scene.reading;
        let silent = |from: usize, to: usize| (from..to).all(|i| reading.tokens[i].used || Reading::is_silent(&reading.tokens[i].fold));
        let before = self.scene.spans.iter().rev().find(|span| span.end() <= name.start && silent(span.end(), name.start) && !span.is_weak);
        let behind = self.scene.spans.iter().find(|span| span.start == name.end() && !span.is_weak);
        let of = |span: &Span| Some(target::roles(self.lexicon, &self.reached, span)).filter(|roles| !roles.is_empty());
        before.and_then(of).or_else(|| behind.and_then(of))
    }
}

fn no_or_yes(label: &str, value: &str) -> String {
    if value == "false" { format!("≠ {label}") } else { label.to_owned() }
}

pub(crate) fn sign(op: &str) -> &'static str {
    match op {
        "gt" => ">",
        "gte" => "≥",
        "lt" => "<",
        "lte" => "≤",
        _ => "=",
    }
}

fn choice<'a>(lexicon: &'a Lexicon, r: usize, span: &Span) -> Option<(&'a Field, &'a Choice)> {
    span.meanings.iter().find_map(|meaning| match meaning {
        Meaning::Choice(of, f, c) if *of == r => {
            let field = &lexicon.resources[r].fields[*f];
            field.filterable.then_some((field, &field.choices[*c]))
        }
        _ => None,
    })
}

/// The only amount of a record, or the only one that lists are sorted by.
pub(crate) fn main_amount<'a>(fields: &[&'a Field]) -> Option<&'a Field> {
    let amounts: Vec<&&Field> = fields.iter().filter(|field| field.kind == "money" && field.filterable).collect();
    let sorted: Vec<&&Field> = amounts.iter().copied().filter(|field| field.sortable).collect();
    match (sorted.as_slice(), amounts.as_slice()) {
        ([only], _) | ([], [only]) => Some(only),
        _ => None,
    }
}

fn bounds(path: &str, period: &Period) -> Vec<Condition> {
    let mut conditions = Vec::new();
    let mut said = Some(period.said());
    if let Some(from) = period.from {
        conditions.push(condition(path, "gte", &[&from.to_string()], said.take().unwrap_or_default()));
    }
    if let Some(to) = period.to {
        conditions.push(condition(path, "lte", &[&to.to_string()], said.take().unwrap_or_default()));
    }
    conditions
}
