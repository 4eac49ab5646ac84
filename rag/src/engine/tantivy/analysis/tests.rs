use super::*;

fn exact(text: &str) -> Vec<String> {
    tokens(text).into_iter().map(|token| token.exact.join("|")).collect()
}

#[test]
fn case_and_diacritics_are_gone_and_umlauts_also_count_in_their_transcription() {
    assert_eq!(
        exact("Café STRASSE Straße ﬁn Müller Mu\u{308}ller Øre İzmir"),
        ["cafe", "strasse", "strasse", "fin", "muller|mueller", "muller|mueller", "ore", "izmir"]
    );
}

#[test]
fn what_is_joined_by_signs_counts_by_its_parts_and_as_a_whole() {
    assert_eq!(exact("SO-2026-00042"), ["so", "2026", "00042", "so202600042"]);
    assert_eq!(exact("(QUICK-Stop),"), ["quick", "stop", "quickstop"]);
    assert_eq!(exact("1,234.50 1.234,50"), ["1", "234", "50", "123450", "1", "234", "50", "123450"]);
    assert_eq!(exact("anna.smith@example.com"), ["anna", "smith", "example", "com", "annasmithexamplecom"]);
    assert_eq!(exact("Müller-Lüdenscheidt"), ["muller|mueller", "ludenscheidt|luedenscheidt", "mullerludenscheidt|muellerluedenscheidt"]);
    assert_eq!(exact("O'Neil Company's James’"), ["o", "neil", "oneil", "company", "james"]);
}

#[test]
fn stems_are_of_both_languages() {
    let stems = |text| tokens(text).into_iter().map(|token| token.stems.join("|")).collect::<Vec<_>>();
    assert_eq!(stems("invoices"), stems("invoice"));
    assert!(stems("Häuser").iter().any(|stems| stems.split('|').any(|stem| stem == "haus")), "{:?}", stems("Häuser"));
    assert_eq!(stems("SO-2026"), ["so", "2026", "so2026"]);
}

#[test]
fn a_question_is_only_words_and_not_more_than_counted() {
    assert_eq!(question("\"title:(a OR b)^2 AND -c*\" ~ // \\ [] {} \u{0} \u{fffd} 🦀", false).len(), 9);
    assert_eq!(question(&"word ".repeat(10_000), false).len(), 1);
    let many: String = (0..10_000).map(|n| format!("w{n} ")).collect();
    assert_eq!(question(&many, true).len(), WORDS_MAX);
    assert_eq!(tokens(&"ä".repeat(1_000))[0].exact[0].len(), WORD_BYTES_MAX);
}

#[test]
fn only_the_last_word_may_be_a_beginning_and_a_single_letter_is_none() {
    let prefixes = |text, prefix| question(text, prefix).into_iter().flat_map(|word| word.prefixes).collect::<Vec<_>>();
    assert_eq!(prefixes("quick st", true), ["st"]);
    assert_eq!(prefixes("st st", true), ["st"]);
    assert_eq!(prefixes("open SO-2026-000", true), ["000", "so2026000"]);
    assert_eq!(prefixes("s", true), Vec::<String>::new());
    assert_eq!(prefixes("quick st", false), Vec::<String>::new());
}

#[test]
fn scripts_without_blanks_give_a_word_for_each_character() {
    assert_eq!(exact("東京SO-1"), ["東", "京", "so", "1", "東京so1"]);
}
