//! Paths from a resource along its references.

use crate::lexicon::{Field, Lexicon, Meaning};
use crate::reading::Span;

/// References that one path may follow, as the query tool allows.
const HOPS_MAX: usize = 3;

/// A resource that can be reached: through which references.
#[derive(Clone, Debug)]
pub(crate) struct Reached<'a> {
    pub(crate) resource: usize,
    pub(crate) path: String,
    pub(crate) hops: usize,
    /// The last reference, which says in what role the record stands there.
    pub(crate) link: &'a Field,
    /// The resource that the last reference stands in, and its place there.
    pub(crate) from: (usize, usize),
}

/// Everything that `r` leads to, near things first, then in the order in which fields are declared.
pub(crate) fn reached(lexicon: &Lexicon, r: usize) -> Vec<Reached<'_>> {
    let mut all: Vec<Reached<'_>> = Vec::new();
    let mut edge: Vec<(usize, String, usize)> = vec![(r, String::new(), 0)];
    while let Some((at, path, hops)) = (!edge.is_empty()).then(|| edge.remove(0)) {
        if hops == HOPS_MAX {
            continue;
        }
        for (f, link) in lexicon.resources[at].fields.iter().enumerate() {
            let Some(to) = link.resource.as_deref().and_then(|name| lexicon.index_of(name)) else { continue };
            let path = if path.is_empty() { link.name.clone() } else { format!("{path}.{}", link.name) };
            all.push(Reached { resource: to, path: path.clone(), hops: hops + 1, link, from: (at, f) });
            // Whose manager, and whose manager's manager: a resource that leads to itself is followed once.
            if to != at {
                edge.push((to, path, hops + 1));
            }
        }
    }
    all
}

/// A field that a phrase may mean, seen from a resource.
#[derive(Clone, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) field: &'a Field,
    pub(crate) path: String,
    pub(crate) hops: usize,
}

/// The records that a phrase names as a noun ("customers"): the references from `r` in that role, else those to that
/// resource, near ones first. A word for some records of a resource only ("suppliers" for parties) names no other role.
pub(crate) fn roles<'a>(lexicon: &'a Lexicon, reached: &[Reached<'a>], span: &Span) -> Vec<Reached<'a>> {
    let in_role: Vec<Reached<'a>> = reached.iter().filter(|one| span.meanings.contains(&Meaning::Field(one.from.0, one.from.1))).cloned().collect();
    if !in_role.is_empty() {
        return in_role;
    }
    let is_kind_of = |t: usize| {
        span.meanings.iter().any(|meaning| match meaning {
            Meaning::Filter(of, _) => *of == t,
            Meaning::Field(of, f) => *of == t && lexicon.resources[t].fields[*f].kind == "boolean",
            _ => false,
        })
    };
    reached.iter().filter(|one| span.meanings.contains(&Meaning::Resource(one.resource)) && !is_kind_of(one.resource)).cloned().collect()
}

/// The fields that a phrase may mean, of `r` itself and of what it leads to, near ones first.
pub(crate) fn fields<'a>(lexicon: &'a Lexicon, reached: &[Reached<'a>], r: usize, span: &Span) -> Vec<Place<'a>> {
    let of = |t: usize| {
        span.meanings.iter().filter_map(move |meaning| match meaning {
            Meaning::Field(of, f) if *of == t => Some(*f),
            _ => None,
        })
    };
    let own = of(r).map(|f| {
        let resource = &lexicon.resources[r];
        Place { field: &resource.fields[f], path: resource.fields[f].name.clone(), hops: 0 }
    });
    let far = reached.iter().flat_map(|one| {
        of(one.resource).map(move |f| {
            let resource = &lexicon.resources[one.resource];
            Place { field: &resource.fields[f], path: format!("{}.{}", one.path, resource.fields[f].name), hops: one.hops }
        })
    });
    own.chain(far).filter(|place| place.hops < HOPS_MAX + 1).collect()
}
