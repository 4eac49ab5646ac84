//! The closed set of sentences that need no source, because they claim nothing about the company: courtesies, questions
//! back, confessions of not knowing, and what the house itself says of the assistant.
//!
//! A model may say these in its own words, but only in these words: what else is in such a sentence must be the person's,
//! a label of the catalogue or a word of a result, and never becomes a statement by it.

use super::Evidence;
use super::words;

/// Words of courtesies, of questions back and of not knowing. As they are written: "confirm" asks for something that
/// "confirmed" claims.
const OURS: &str = "hello hi hey good morning afternoon evening day dear thanks thank welcome please sorry apologies apologize apologise unfortunately glad happy gladly pleasure help assist let know need \
    anything something nothing else question questions ask asking again later try answer tell understand mean meant unsure certain specify clarify rephrase provide details exactly precisely \
    information data access available confirm reject preview card look check proposal review want like looking mind wait waiting not no cannot couldn wouldn don didn doesn isn aren won unable able guess bye goodbye \
    hallo guten morgen tag abend moin danke dank bitte gern gerne leider entschuldigung entschuldige tut leid helfen hilfe frage fragen frag erneut nochmal versuche versuchen antwort antworten \
    sagen sag sage weiß wissen verstehe verstehen meinst meinen meint gemeint unsicher genau genauer angeben nenne nennen informationen daten zugriff verfügbar bestätigen bestätige bestätigung \
    ablehnen vorschau karte ansehen prüfen prüfe vorschlag möchtest möchten willst wollen brauche brauchst nicht kein keine keinen keiner keinerlei nichts rate tschüss wiedersehen";

/// A look-up is needed before one can say that it found nothing.
const LOOKED_UP: &str = "find found finding see match matches matching results result records record entries entry finde finden fand gefunden sehe sehen treffer ergebnis ergebnisse datensatz datensätze passende passenden eintrag einträge";

/// One of these makes a courtesy of a sentence that has no other words than ours.
const COURTESIES: &str = "hello hi hey morning afternoon evening thanks thank welcome please sorry apologies unfortunately glad happy gladly pleasure bye goodbye \
    hallo guten moin danke dank bitte gern gerne leider entschuldigung entschuldige tschüss wiedersehen";
const SPEAKER: &str = "i me ich mir mich";
const NEGATIONS: &str = "not no cannot couldn wouldn don didn doesn isn won unable nothing unsure nicht kein keine keinen keiner keinerlei nichts unsicher";
/// What joins a claim to a sentence that has none.
const JOINING: &str = "because since although though but however while whereas due weil denn aber obwohl jedoch sondern während";

fn among(list: &str, word: &str) -> bool {
    list.split_ascii_whitespace().any(|known| known == word)
}

/// Whether the sentence is one of them.
pub(super) fn stands(piece: &str, evidence: &Evidence) -> bool {
    let said = piece.trim();
    let plain: Vec<String> = words::plain(said).collect();
    if evidence.house.contains(&plain.join(" ")) {
        return true;
    }
    let rest: Vec<String> = words::content(said).filter(|word| !is_ours(word, evidence)).collect();
    let is_all_given = rest.iter().all(|word| is_given(word, evidence));
    if said.ends_with('?') {
        return is_all_given;
    }
    let has = |list: &str| plain.iter().any(|word| among(list, word));
    // A sentence of one clause: what would be claimed beside it stands by itself.
    if said.trim_end_matches(['.', '!']).contains([':', ';', '–', '—']) || has(JOINING) {
        return false;
    }
    let confesses = has(NEGATIONS) && (has(SPEAKER) || has_looked(evidence) && has(LOOKED_UP));
    rest.is_empty() && (has(COURTESIES) || has(SPEAKER)) || confesses && is_all_given
}

fn has_looked(evidence: &Evidence) -> bool {
    evidence.has_results() || evidence.has_searched
}

fn is_ours(word: &str, evidence: &Evidence) -> bool {
    among(OURS, word) || has_looked(evidence) && among(LOOKED_UP, word)
}

/// Whether the word is ours, the person's, the catalogue's or a result's.
pub(super) fn is_given(word: &str, evidence: &Evidence) -> bool {
    let stem = words::stem(word);
    is_ours(word, evidence) || evidence.asked_words.contains(&stem) || evidence.vocabulary.contains(&stem) || evidence.told.contains(&stem)
}
