//! A question by itself, or one that goes on from the question before: "and in 1998?", "und davon offene?".

use crate::lexicon::Lexicon;
use crate::names::{Name, Target};
use crate::question;
use crate::scene::Scene;
use crate::turn::{Planned, Turn};
use crate::words::Words;

pub(crate) fn plan(turn: &Turn, lexicon: &Lexicon, words: &Words) -> Planned<String> {
    let scene = Scene::of(turn, lexicon, &turn.text)?;
    match (&turn.before, goes_on(&scene)) {
        (Some(before), Some(from)) => {
            let earlier = Scene::of(turn, lexicon, before)?;
            let text = joined(&earlier, &scene, from);
            question::plan(turn, lexicon, words, &Scene::of(turn, lexicon, &text)?)
        }
        _ => question::plan(turn, lexicon, words, &scene),
    }
}

/// The first word behind the beginning that says that a question goes on.
fn goes_on(scene: &Scene) -> Option<usize> {
    let word = |at: usize| scene.reading.fold_at(at);
    let from = match (word(0), word(1), word(2)) {
        ("what" | "how", "about", _) | ("was", "ist", "mit") => 2 + usize::from(word(2) == "mit"),
        ("and" | "und", "what" | "how", "about") => 3,
        ("and" | "und", ..) => 1,
        _ => return None,
    };
    // A question with a measure or a noun of its own stands by itself.
    let is_new = scene.spans.iter().any(|span| span.meanings.iter().any(|meaning| matches!(meaning, crate::lexicon::Meaning::Measure(..))) && !span.is_weak);
    (!is_new && scene.shape.count.is_none() && !scene.shape.much).then_some(from)
}

fn kind(name: &Name) -> Option<(usize, Option<usize>)> {
    name.targets.first().map(|target| match target {
        Target::Record { resource, .. } => (*resource, None),
        Target::Value { resource, field, .. } => (*resource, Some(*field)),
    })
}

/// The earlier question with its period and the names that the new one gives anew left out, and the new words behind.
fn joined(earlier: &Scene, later: &Scene, from: usize) -> String {
    let replaced = |name: &Name| later.names.iter().any(|new| kind(new) == kind(name));
    let dated = |at: usize| {
        !later.periods.is_empty()
            && earlier.reading.tokens[at].used
            && !earlier.names.iter().any(|name| (name.start..name.end()).contains(&at))
            && earlier.is_dated(at)
    };
    let kept = (0..earlier.reading.tokens.len())
        .filter(|at| !dated(*at) && !earlier.names.iter().any(|name| replaced(name) && (name.start..name.end()).contains(at)))
        .map(|at| earlier.reading.tokens[at].text.clone());
    let new = later.reading.tokens.iter().skip(from).map(|token| token.text.clone());
    kept.chain(new).collect::<Vec<_>>().join(" ")
}
