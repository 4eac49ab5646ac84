//! What kind of answer a question wants: a count, an amount, a date, a place, the first few of a ranking.

use crate::lexicon::{Lexicon, Meaning, stem};
use crate::reading::{Reading, number};

/// How many, from which end, and where it is said.
#[derive(Clone, Debug)]
pub(crate) struct Top {
    /// `None` where the noun decides: one for a singular, some for a plural.
    pub(crate) limit: Option<usize>,
    pub(crate) descending: bool,
    pub(crate) at: usize,
    pub(crate) by: By,
}

/// What a superlative compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// "Top", "highest": the measure or field that is named.
    Named,
    /// "Most orders": how many there are of what follows.
    Number,
    /// "Newest", "the last 3": the date.
    Date,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Shape {
    /// The word after "how many".
    pub(crate) count: Option<usize>,
    pub(crate) often: bool,
    pub(crate) much: bool,
    pub(crate) when: bool,
    pub(crate) place: bool,
    pub(crate) top: Option<Top>,
    /// A part of dates to group by, and where it is said.
    pub(crate) part: Option<(&'static str, usize)>,
    /// Words that announce a grouping ("by", "per").
    pub(crate) grouping: Vec<usize>,
    pub(crate) negations: Vec<usize>,
}

const HIGH: &str = "top best largest biggest highest greatest strongest besten beste bester grossten grosste grosster grosstes wichtigsten hochsten hochste hochster hochstes starksten starkste";
const LOW: &str = "bottom worst lowest smallest weakest schlechtesten schlechteste kleinsten kleinste kleinster kleinstes niedrigsten niedrigste niedrigster geringsten geringste";
const MOST: &str = "most meisten meiste haufigsten";
const LEAST: &str = "least fewest wenigsten wenigste";
const NEW: &str = "newest latest neueste neuesten neuester neuestes jungste jungsten jungster";
const OLD: &str = "oldest earliest alteste altesten alterer fruheste fruhesten";
/// Adjectives that name the small end of what they measure: their superlative sorts upwards.
const SMALL: [&str; 12] = ["cheap", "low", "few", "little", "small", "short", "billig", "gunstig", "niedrig", "klein", "gering", "kurz"];

fn among(words: &str, word: &str) -> bool {
    words.split(' ').any(|known| known == word)
}

pub(crate) fn read(reading: &mut Reading, lexicon: &Lexicon) -> Shape {
    let mut shape = Shape::default();
    for i in 0..reading.tokens.len() {
        if reading.tokens[i].used {
            continue;
        }
        match (reading.fold_at(i), reading.fold_at(i + 1), reading.fold_at(i + 2)) {
            ("how", "many", "times") | ("how", "often", _) | ("wie", "oft" | "haufig", _) => shape.often = true,
            ("how" | "wie", "many" | "viele", _) | ("anzahl", "der" | "an", _) if !shape.often => shape.count = Some(i + 2),
            // "The phone number of X" counts nothing.
            ("number", "of", _) if !ends_phrase(reading, lexicon, i) => shape.count = Some(i + 2),
            ("count" | "anzahl" | "wieviele", ..) => shape.count = Some(i + 1),
            ("how", "much", _) | ("wie", "viel", _) | ("wieviel", ..) => shape.much = true,
            ("when" | "wann", ..) => shape.when = true,
            ("where" | "wo", ..) => shape.place = true,
            _ => {}
        }
    }
    shape.part = date_part(reading);
    shape.top = top(reading, lexicon);
    shape.grouping = (0..reading.tokens.len())
        .filter(|i| !reading.tokens[*i].used && matches!(reading.fold_at(*i), "by" | "per" | "each" | "every" | "pro" | "je" | "nach"))
        .collect();
    shape.negations = (0..reading.tokens.len())
        .filter(|i| {
            matches!(
                reading.fold_at(*i),
                "not" | "no" | "non" | "without" | "isn't" | "aren't" | "nicht" | "kein" | "keine" | "keinen" | "ohne" | "haven't" | "hasn't"
            )
        })
        .collect();
    shape
}

/// Whether the word ends a phrase of the catalogue that begins before it.
fn ends_phrase(reading: &Reading, lexicon: &Lexicon, i: usize) -> bool {
    i.checked_sub(1).is_some_and(|before| {
        let stems = [reading.tokens[before].stem.as_str(), reading.tokens[i].stem.as_str()];
        lexicon.longest(&stems).is_some_and(|(len, _)| len == 2)
    })
}

fn count_at(reading: &Reading, at: usize) -> Option<usize> {
    number(reading.fold_at(at)).and_then(|n| usize::try_from(n).ok()).filter(|n| (1..=1000).contains(n))
}

/// The superlative of the question. Its words are taken; an adjective that the catalogue knows stays, without its ending.
fn top(reading: &mut Reading, lexicon: &Lexicon) -> Option<Top> {
    for i in 0..reading.tokens.len() {
        if reading.tokens[i].used {
            continue;
        }
        let word = reading.fold_at(i).to_owned();
        let (by, descending) = match word.as_str() {
            // "At least" and "at most" compare; they are taken already where a number follows.
            "most" | "least" if i > 0 && reading.fold_at(i - 1) == "at" => continue,
            "most" | "least" if reading.fold_at(i + 1) == "recent" => {
                reading.take(i + 1, 1);
                (By::Date, word == "most")
            }
            word if among(MOST, word) => (By::Number, true),
            word if among(LEAST, word) => (By::Number, false),
            word if among(HIGH, word) => (By::Named, true),
            word if among(LOW, word) => (By::Named, false),
            // "Best-selling" is one word of the same.
            word if hyphened(word, lexicon) => (By::Named, true),
            word if among(NEW, word) => (By::Date, true),
            word if among(OLD, word) => (By::Date, false),
            "last" | "letzten" | "letzte" if count_at(reading, i + 1).is_some() => (By::Date, true),
            "first" | "ersten" | "erste" if count_at(reading, i + 1).is_some() => (By::Date, false),
            _ => match adjective(&word, lexicon) {
                Some(base) => {
                    let small = SMALL.contains(&base.as_str());
                    let limit = number_near(reading, i);
                    reading.tokens[i].stem = base;
                    return Some(Top { limit, descending: !small, at: i, by: By::Named });
                }
                None => continue,
            },
        };
        // "Best selling", "most sold" may be the wording of a measure, "last order" of another: then they are no superlatives here.
        let rest: Vec<&str> = reading.tokens[i..].iter().take_while(|token| !token.used).map(|token| token.stem.as_str()).collect();
        let is_wording = lexicon.longest(&rest).is_some_and(|(len, _)| len > 1) || hyphened(&word, lexicon);
        // "Most expensive": the adjective is marked with the other words, and says the end.
        // A date's superlative is the wording of a measure only where a date is asked for.
        if is_wording && by == By::Date && reading.tokens.iter().any(|token| matches!(token.fold.as_str(), "when" | "wann")) {
            continue;
        }
        let is_wording = is_wording && by != By::Date;
        let small = SMALL.contains(&reading.tokens.get(i + 1).map_or("", |token| token.stem.as_str()));
        let limit = number_near(reading, i);
        if !is_wording {
            reading.take(i, 1);
        }
        let by = if by == By::Number && is_adjective(reading, i + 1) { By::Named } else { by };
        return Some(Top { limit, descending: descending != small, at: i, by });
    }
    None
}

/// The wording of a measure that begins with a superlative and a hyphen.
fn hyphened(word: &str, lexicon: &Lexicon) -> bool {
    let begins = word.split_once('-').is_some_and(|(first, _)| among(HIGH, first) || among(MOST, first));
    begins && lexicon.longest(&[stem(word).as_str()]).is_some_and(|(_, meanings)| meanings.iter().any(|meaning| matches!(meaning, Meaning::Measure(..))))
}

/// "Most expensive", "am teuersten": what follows is an adjective rather than what is counted.
fn is_adjective(reading: &Reading, i: usize) -> bool {
    let word = reading.fold_at(i);
    ["ive", "able", "ful", "ous", "ant", "cheap"].iter().any(|ending| word.ends_with(ending)) || SMALL.contains(&word)
}

/// "cheapest" → "cheap", "teuersten" → "teuer", where the catalogue knows the adjective.
fn adjective(word: &str, lexicon: &Lexicon) -> Option<String> {
    let base = ["sten", "ster", "stes", "ste", "est"].iter().find_map(|ending| word.strip_suffix(ending)).filter(|base| base.len() >= 3)?;
    [base.to_owned(), format!("{base}e")].into_iter().map(|base| stem(&base)).find(|base| lexicon.longest(&[base.as_str()]).is_some())
}

/// The number of a ranking: "top 3", "3 largest", "which five customers have the most orders".
fn number_near(reading: &mut Reading, i: usize) -> Option<usize> {
    let apart = (0..reading.tokens.len()).filter(|at| !reading.tokens[*at].used).find(|at| {
        let before = at.checked_sub(1).map_or("the", |before| reading.fold_at(before));
        count_at(reading, *at).is_some()
            && matches!(
                before,
                "which"
                    | "what"
                    | "the"
                    | "welche"
                    | "welchen"
                    | "die"
                    | "den"
                    | "name"
                    | "list"
                    | "show"
                    | "me"
                    | "are"
                    | "sind"
                    | "our"
                    | "unsere"
                    | "unseren"
            )
    });
    let at = [Some(i + 1), i.checked_sub(1), apart]
        .into_iter()
        .flatten()
        .find(|at| reading.tokens.get(*at).is_some_and(|token| !token.used) && count_at(reading, *at).is_some())?;
    let limit = count_at(reading, at);
    reading.take(at, 1);
    limit
}

/// "by month", "per year", "pro Quartal", "monthly".
fn date_part(reading: &mut Reading) -> Option<(&'static str, usize)> {
    for i in 0..reading.tokens.len() {
        let (part, alone) = match reading.fold_at(i) {
            "year" | "years" | "jahr" | "jahren" => ("year", false),
            "quarter" | "quarters" | "quartal" | "quartalen" => ("quarter", false),
            "month" | "months" | "monat" | "monaten" => ("month", false),
            "yearly" | "annually" | "annual" | "jahrlich" | "jahrliche" | "jahrlicher" => ("year", true),
            "quarterly" | "quartalsweise" => ("quarter", true),
            "monthly" | "monatlich" | "monatliche" | "monatlicher" => ("month", true),
            _ => continue,
        };
        if reading.tokens[i].used {
            continue;
        }
        let marker = (0..i).rev().find(|at| reading.fold_at(*at) != "the" && reading.fold_at(*at) != "dem");
        let marker = marker.filter(|at| {
            matches!(
                reading.fold_at(*at),
                "by" | "per" | "each" | "every" | "pro" | "je" | "nach" | "jedes" | "jeden" | "which" | "welchem" | "welches" | "welcher"
            )
        });
        if !alone && marker.is_none() {
            continue;
        }
        reading.take(i, 1);
        if let Some(at) = marker {
            reading.take(at, 1);
        }
        return Some((part, i));
    }
    None
}
