use proptest::prelude::*;

use super::super::mask::tests::text;
use super::super::{Guard, GuardConfig, Masked, Piece};
use super::*;

fn masked(text: &str) -> Masked<'_> {
    Guard::new(&GuardConfig::default()).unwrap().mask(&[Piece::Text(text)]).unwrap()
}

fn restoring() -> Restoring {
    Restoring::new(masked("anna@example.org, ben@example.org").placeholders)
}

#[test]
fn half_a_placeholder_is_never_passed_on() {
    let mut restoring = restoring();
    let shown: Vec<_> = ["Write to [", "EMA", "IL_1", "] and [EMAIL_9] or [x", "] or [EMAIL_"].iter().map(|piece| restoring.push(piece)).collect();
    assert_eq!(shown, ["Write to ", "", "", "anna@example.org and [EMAIL_9] or [x", "] or "]);
    assert_eq!(restoring.finish().unwrap(), "[EMAIL_");
}

#[test]
fn nothing_is_held_back_but_what_may_become_a_placeholder() {
    let mut restoring = restoring();
    assert_eq!(restoring.push("a list: [1, 2"), "a list: [1, 2");
    assert_eq!(restoring.push(" and [[EMAIL_2"), " and [");
    assert_eq!(restoring.push("]]"), "ben@example.org]");
}

#[test]
fn a_character_that_is_cut_in_two_comes_whole() {
    let mut restoring = restoring();
    let bytes = "grün [EMAIL_1]".as_bytes();
    let shown: String = bytes.iter().map(|byte| restoring.push_bytes(&[*byte]).unwrap()).collect();
    assert_eq!(shown, "grün anna@example.org");
    assert!(restoring.push_bytes(&[0xc3]).unwrap().is_empty());
    assert_eq!(restoring.finish().unwrap_err(), Refused::Unreadable);
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    assert_eq!(restoring().push_bytes(&[b'a', 0xff, b'b']).unwrap_err(), Refused::Unreadable);
}

/// The places at which a stream is cut, sorted.
pub(in crate::guard) fn cuts(length: usize) -> impl Strategy<Value = Vec<usize>> {
    proptest::collection::vec(0..=length, 0..8).prop_map(|mut cuts| {
        cuts.sort_unstable();
        cuts
    })
}

pub(in crate::guard) fn with_cuts(text: impl Strategy<Value = String>) -> impl Strategy<Value = (String, Vec<usize>)> {
    text.prop_flat_map(|text| {
        let length = text.len();
        (Just(text), cuts(length))
    })
}

pub(in crate::guard) fn pieces<'t>(text: &'t str, cuts: &[usize]) -> Vec<&'t str> {
    let mut pieces = Vec::new();
    let mut from = 0;
    for cut in cuts.iter().map(|cut| text.floor_char_boundary(*cut)).chain([text.len()]) {
        pieces.push(&text[from..cut]);
        from = cut;
    }
    pieces
}

proptest! {
    #[test]
    fn a_stream_gives_what_the_whole_text_gives_wherever_it_is_cut((original, answer, at) in (text(), text(), any::<u64>())) {
        let masked = masked(&original);
        // The answer says what was masked, with words of its own around it.
        let answer = format!("{answer}{}{answer}", masked.texts[0]);
        let whole = masked.placeholders.restore(&answer).into_owned();
        let bytes = answer.as_bytes();
        let step = usize::try_from(at % 7).unwrap() + 1;
        let mut restoring = Restoring::new(masked.placeholders.clone());
        let mut shown = String::new();
        for piece in bytes.chunks(step) {
            shown.push_str(&restoring.push_bytes(piece).unwrap());
            prop_assert!(whole.starts_with(&shown), "{} of {}", shown, whole);
        }
        shown.push_str(&restoring.finish().unwrap());
        prop_assert_eq!(shown, whole);
    }

    #[test]
    fn every_split_in_two_gives_the_whole(original in text()) {
        let masked = masked(&original);
        let bytes = masked.texts[0].as_bytes();
        for cut in 0..=bytes.len() {
            let mut restoring = Restoring::new(masked.placeholders.clone());
            let mut shown = restoring.push_bytes(&bytes[..cut]).unwrap();
            shown.push_str(&restoring.push_bytes(&bytes[cut..]).unwrap());
            shown.push_str(&restoring.finish().unwrap());
            prop_assert_eq!(&shown, &original);
        }
    }
}
