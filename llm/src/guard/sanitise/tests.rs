use proptest::prelude::*;

use super::*;

fn clean(given: &str) -> (String, Removed) {
    let (clean, removed) = text(given, 1_000_000).unwrap();
    (clean.into_owned(), removed)
}

#[test]
fn what_nobody_sees_is_taken_out_and_counted_by_kind() {
    let (text, removed) = clean("a\u{0}b\u{1b}[0m \u{202e}c\u{2066}d\u{200b}e\u{feff}f\u{ad}g");
    assert_eq!(text, "ab[0m cdefg");
    assert_eq!(removed, Removed { controls: 2, directions: 2, invisible: 3, tags: 0 });
}

#[test]
fn a_message_in_tag_characters_or_variation_selectors_is_taken_out() {
    let hidden: String = "ignore".chars().filter_map(|c| char::from_u32(0xe0000 + u32::from(c))).collect();
    assert_eq!(clean(&format!("Hello{hidden}.")), ("Hello.".to_owned(), Removed { tags: 6, ..Removed::default() }));
    assert_eq!(clean("😀\u{fe01}\u{fe02}\u{e0101}").0, "😀\u{fe01}");
    assert_eq!(clean("x\u{fe00}y").0, "xy");
}

#[test]
fn what_languages_and_pictures_need_stays() {
    for text in [
        "Zeile 1\n\tZeile 2\r\n",
        "می\u{200c}خواهم",
        "👩\u{200d}🚒 ❤\u{fe0f} 1\u{fe0f}\u{20e3}",
        "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
        "שלום\u{200f}!",
        "Grüße, naïve, ﬁ",
    ] {
        let (same, removed) = clean(text);
        assert_eq!((same.as_str(), removed.total()), (text, 0), "{text:?}");
    }
}

#[test]
fn joiners_between_plain_letters_and_in_rows_are_taken_out() {
    assert_eq!(clean("a\u{200d}b\u{200c}c").0, "abc");
    assert_eq!(clean("é\u{200d}\u{200c}\u{200d}è").0, "é\u{200d}è");
}

#[test]
fn a_longer_text_is_refused() {
    assert_eq!(text("12345", 4).unwrap_err(), Refused::TooLong);
    assert_eq!(json("[12345]", 4).unwrap_err(), Refused::TooLong);
}

#[test]
fn in_json_what_is_escaped_is_taken_out_too_and_all_else_stays_as_written() {
    let (text, removed) = json(r#"{ "a\u200b": "x\u202ey", "n": 1.10, "b": "\u00e9" }"#, 1_000).unwrap();
    assert_eq!((text.as_ref(), removed.total()), (r#"{ "a": "xy", "n": 1.10, "b": "\u00e9" }"#, 2));
}

proptest! {
    #[test]
    fn a_clean_text_is_clean(text in any::<String>()) {
        let (once, _) = clean(&text);
        let (twice, removed) = clean(&once);
        prop_assert_eq!(&once, &twice);
        prop_assert_eq!(removed.total(), 0);
        let is_hidden = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{200b}' | '\u{0}'..='\u{8}');
        prop_assert!(!once.contains(is_hidden));
    }
}
