use super::*;
use proptest::prelude::*;

fn words_of(text: &str) -> usize {
    text.split_whitespace().count()
}

fn sentences(count: usize) -> String {
    (0..count).map(|n| format!("Sentence number {n} says in ten plain words what holds.")).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_short_text_is_one_piece_and_an_empty_one_none() {
    assert_eq!(chunk(" \n\t\r\n "), Vec::new());
    let body = "\n  One sentence. Another.\r\n";
    assert_eq!(chunk(body), [Chunk { ordinal: 0, heading_path: Vec::new(), text: "One sentence. Another.", span: 3..25 }]);
}

#[test]
fn a_long_text_is_cut_at_paragraphs_and_between_sentences_into_pieces_of_120_to_180_words() {
    let body = [sentences(13), sentences(30), sentences(2)].join("\n\n");
    let pieces = chunk(&body);
    let sizes: Vec<usize> = pieces.iter().map(|piece| words_of(piece.text)).collect();
    assert_eq!(sizes.iter().sum::<usize>(), words_of(&body));
    assert!(sizes[..sizes.len() - 1].iter().all(|size| (120..=180).contains(size)), "{sizes:?}");
    assert!(pieces.iter().all(|piece| piece.text.ends_with("holds.") && piece.text.starts_with("Sentence")));
    // The first paragraph is enough for a piece of its own.
    assert_eq!(pieces[0].text, sentences(13));
}

#[test]
fn a_section_is_a_piece_of_its_own_unless_it_is_light() {
    let body = format!("# Travel\n\nIntro.\n\n## Hotels ##\n{}\n\n## Meals\n\nShort.\n\n### Abroad\n{}", sentences(8), sentences(9));
    let found: Vec<(Vec<&str>, usize)> = chunk(&body).into_iter().map(|piece| (piece.heading_path, words_of(piece.text))).collect();
    assert_eq!(found, [(vec!["Travel"], 86), (vec!["Travel", "Meals"], 95)]);
    let heavy = format!("# A\n{}\n## B\n{}\n# C\n{}", sentences(9), sentences(9), sentences(9));
    assert_eq!(chunk(&heavy).into_iter().map(|piece| piece.heading_path).collect::<Vec<_>>(), [vec!["A"], vec!["A", "B"], vec!["C"]]);
}

#[test]
fn a_heading_stands_with_what_follows_it() {
    let body = format!("{}\n## Next\n\n{}end.", sentences(5), "word ".repeat(150));
    let pieces = chunk(&body);
    assert_eq!(pieces.len(), 2);
    assert!(pieces[0].text.ends_with("holds.") && pieces[1].text.starts_with("## Next"), "{pieces:?}");
    assert_eq!((pieces[0].heading_path.clone(), pieces[1].heading_path.clone()), (vec![], vec!["Next"]));
}

#[test]
fn what_looks_like_a_heading_in_code_or_without_a_blank_is_none() {
    let body = "# Real\n```\n# comment\n\nlet x = 1;\n```\n#hashtag text";
    let pieces = chunk(body);
    assert_eq!(pieces.len(), 1);
    assert_eq!((pieces[0].heading_path.clone(), pieces[0].text), (vec!["Real"], body));
}

#[test]
fn an_abbreviation_a_date_or_a_number_does_not_end_a_sentence() {
    for text in [
        "Dies gilt z. B. für Hotels ab dem 3. Mai bzw. Nr. 5 der Liste.",
        "Mr. Miller pays 3.50 EUR, e.g. Monday, per approx. 2 km.",
        "Siehe Abs. 2 (vgl. Art. 7) usw. und so fort",
    ] {
        assert_eq!(sentence::ends(text), [text.len()], "{text}");
    }
    let two = "He said: “Stop!” Then he left... She stayed.";
    assert_eq!(sentence::ends(two).len(), 3);
    assert_eq!(sentence::ends("終わり。次です。"), [12, 24]);
}

#[test]
fn a_sentence_longer_than_a_piece_is_cut_between_words_and_a_word_longer_than_a_piece_within_it() {
    let endless = "word ".repeat(1_000);
    let pieces = chunk(&endless);
    assert!(pieces.len() >= 6 && pieces.iter().all(|piece| words_of(piece.text) <= MOST && piece.text.starts_with("word") && piece.text.ends_with("word")));
    let solid = "ß".repeat(10_000);
    let pieces = chunk(&solid);
    assert_eq!(pieces.iter().map(|piece| piece.text).collect::<String>(), solid);
    assert!(pieces.len() >= 4);
}

#[test]
fn a_table_or_a_list_is_cut_between_its_lines() {
    let row = "| Berlin | 130 EUR | one two three four five six seven |";
    let body = format!("| City | Rate | Note |\n|---|---|---|\n{}", [row; 40].join("\n"));
    let pieces = chunk(&body);
    assert!(pieces.len() > 2);
    assert!(pieces.iter().all(|piece| piece.text.starts_with('|') && piece.text.ends_with('|')), "{pieces:?}");
}

/// Texts with everything that the rules look at.
fn bodies() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        6 => "[a-zäöüßA-Z0-9]{1,14} ",
        2 => "[a-z]{3,9}[.!?] ",
        1 => Just("\n".to_owned()),
        1 => Just("\r\n\r\n".to_owned()),
        1 => "\n#{1,3} [A-Z][a-z]{2,8}\n",
        1 => Just("\n- ".to_owned()),
        1 => Just("\n| ".to_owned()),
        1 => Just("\n```\n".to_owned()),
        1 => "\\PC{0,4}",
        1 => Just("z. B. ".to_owned()),
    ];
    proptest::collection::vec(part, 0..600).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_pieces_hold_everything_but_white_space_in_order_without_overlap_and_none_is_too_heavy(body in bodies()) {
        let mut at = 0;
        for (ordinal, piece) in chunk(&body).into_iter().enumerate() {
            prop_assert_eq!(piece.ordinal as usize, ordinal);
            prop_assert_eq!(piece.text, &body[piece.span.clone()]);
            prop_assert!(piece.span.start >= at && piece.span.end > piece.span.start);
            prop_assert!(body[at..piece.span.start].trim().is_empty(), "lost: {:?}", &body[at..piece.span.start]);
            prop_assert_eq!(piece.text.trim(), piece.text);
            prop_assert!(weight(piece.text) <= MOST);
            at = piece.span.end;
        }
        prop_assert!(body[at..].trim().is_empty());
    }

    #[test]
    fn a_text_that_goes_on_keeps_all_pieces_but_its_last(body in bodies(), more in bodies()) {
        let before = chunk(&body);
        let longer = format!("{body}{more}");
        let after = chunk(&longer);
        let kept = before.len().saturating_sub(1);
        prop_assert!(after.len() >= kept);
        prop_assert_eq!(&before[..kept], &after[..kept]);
    }
}
