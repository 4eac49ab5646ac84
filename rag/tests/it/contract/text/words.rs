//! What a word is: the rules of questions.

use super::{Engine, LIVE, NOTE, all_of, card, found, opened, record, typed};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use steward_kernel::ids;
use steward_rag::engine::{TextIndex as _, TextQuery};
use uuid::Uuid;

/// A note for each text, numbered from 1.
async fn with_texts<E: Engine>(engine: &E, tenant: Uuid, texts: &[(&str, &str)]) -> E::Index {
    let index = opened(engine).await;
    let writes: Vec<_> = (1..).zip(texts).map(|(n, (title, text))| card(tenant, &record(NOTE, n), 1, title, text)).collect();
    index.apply(LIVE, &writes).await.unwrap();
    index
}

pub(crate) async fn words_are_found_without_case_diacritics_and_endings<E: Engine>(engine: &E) {
    let tenant = ids::fresh();
    let texts = [("", "Die Häuser der Straße"), ("", "Two overdue INVOICES"), ("", "Café Müller"), ("", "not a word of these")];
    let index = with_texts(engine, tenant, &texts).await;
    for (question, expected) in [
        ("haus", 1),
        ("Häuser", 1),
        ("STRASSE", 1),
        ("Strassen", 1),
        ("invoice", 2),
        ("invoicing", 2),
        ("cafe", 3),
        ("CAFÉ", 3),
        ("cafe\u{301}", 3),
        ("muller", 3),
        ("Mueller", 3),
        ("MÜLLER", 3),
    ] {
        assert_eq!(found(&index, &all_of(tenant), question).await, [expected], "{question}");
    }
    assert_eq!(found(&index, &all_of(tenant), "the house").await, [] as [u128; 0]);
    assert_eq!(found(&index, &all_of(tenant), "die").await, [1], "there are no stop words");
}

pub(crate) async fn identifiers_are_found_as_a_whole_and_by_their_parts<E: Engine>(engine: &E) {
    let tenant = ids::fresh();
    let texts = [("SO-2026-00042", ""), ("SO-2026-00043", ""), ("QUICK-Stop", "Taucherstraße 10"), ("", "anna.smith@example.com"), ("", "total 1,234.50 EUR")];
    let index = with_texts(engine, tenant, &texts).await;
    for (question, expected) in [
        ("SO-2026-00042", 1),
        ("so-2026-00042", 1),
        ("SO 2026 00042", 1),
        ("so202600042", 1),
        ("00042", 1),
        ("(SO-2026-00043).", 2),
        ("quick-stop", 3),
        ("QuickStop", 3),
        ("stop", 3),
        ("Taucherstraße", 3),
        ("anna.smith@example.com", 4),
        ("smith", 4),
        ("example.com", 4),
        ("1,234.50", 5),
        ("1234.50", 5),
        ("1.234,50", 5),
        ("234", 5),
    ] {
        assert_eq!(found(&index, &all_of(tenant), question).await.first(), Some(&expected), "{question}");
    }
}

pub(crate) async fn the_exact_word_counts_more_than_its_stem_and_the_title_more_than_the_text<E: Engine>(engine: &E) {
    let tenant = ids::fresh();
    let texts = [("", "the planning of it"), ("", "the plans of it"), ("", "the planned of it"), ("other", "special offer"), ("special", "other offer")];
    let index = with_texts(engine, tenant, &texts).await;
    for (question, expected) in [("planning", 1), ("plans", 2), ("planned", 3)] {
        let mut found = found(&index, &all_of(tenant), question).await;
        assert_eq!(found.first(), Some(&expected), "{question}");
        found.sort_unstable();
        assert_eq!(found, [1, 2, 3], "{question}");
    }
    assert_eq!(found(&index, &all_of(tenant), "special").await, [5, 4]);
}

pub(crate) async fn the_beginning_of_the_last_word_finds_it_while_typing<E: Engine>(engine: &E) {
    let tenant = ids::fresh();
    let texts = [("Chai", "tea"), ("Chang", "beer"), ("Aniseed Syrup", "chai"), ("SO-2026-00042", ""), ("Müller", "")];
    let index = with_texts(engine, tenant, &texts).await;
    assert_eq!(typed(&index, &all_of(tenant), "ch").await, [1, 2, 3]);
    assert_eq!(typed(&index, &all_of(tenant), "CHA").await, [1, 2, 3]);
    assert_eq!(typed(&index, &all_of(tenant), "chan").await, [2]);
    assert_eq!(typed(&index, &all_of(tenant), "aniseed sy").await, [3]);
    assert_eq!(typed(&index, &all_of(tenant), "ch aniseed").await, [3], "only the last word may be a beginning");
    assert_eq!(typed(&index, &all_of(tenant), "so-2026-0").await, [4]);
    for beginning in ["mü", "mu", "mue", "mül"] {
        assert_eq!(typed(&index, &all_of(tenant), beginning).await, [5], "{beginning}");
    }
    assert_eq!(found(&index, &all_of(tenant), "cha").await, [] as [u128; 0], "unless it is asked for, a beginning is no word");
    let exact = typed(&index, &all_of(tenant), "chai").await;
    assert_eq!(exact, [1, 3], "the word itself");
}

pub(crate) async fn any_question_is_only_words_and_never_fails<E: Engine>(engine: &E) {
    let tenant = ids::fresh();
    let index = with_texts(engine, tenant, &[("and or not", "title text to tenant"), ("", "plain")]).await;
    let long = "plain ".repeat(2_000);
    let unbroken = "x".repeat(20_000);
    let many: String = (0..5_000).map(|n| format!("word{n} ")).collect();
    let odd = [
        "",
        " ",
        "\"",
        "\"plain",
        "(",
        ")))",
        "*",
        "?",
        "a*",
        "-plain",
        "+plain AND",
        "NOT plain",
        "title:plain",
        "text:[a TO b]",
        "/pla.n/",
        "plain~2",
        "plain^9",
        "\\",
        "{}",
        "[",
        "\0",
        "plain\0",
        "\u{feff}\u{200b}\u{202e}",
        "🦀🦀",
        "a\u{301}\u{302}\u{303}",
        "ﷺ",
        "Ĳĳǅŉẞİı",
        "東京",
        "ก",
        "\u{1d54f}",
        "\u{10ffff}",
        "½ ² ①",
        "%",
        "' OR 1=1 --",
        "<script>",
        &long,
        &unbroken,
        &many,
    ];
    for text in odd {
        for prefix in [false, true] {
            let query = TextQuery { text: text.into(), prefix, limit: 10 };
            assert!(index.search(LIVE, &all_of(tenant), &query).await.unwrap().len() <= 2, "{text:?}");
        }
    }
    for text in ["-plain", "NOT plain", "\"plain", "title:plain", "plain~2", "plain\0", &long] {
        assert!(found(&index, &all_of(tenant), text).await.contains(&2), "{text:?}");
    }
    tokio::task::block_in_place(|| {
        let mut runner = TestRunner::new(Config { cases: 64, failure_persistence: None, ..Config::default() });
        let outcome = runner.run(&(any::<String>(), any::<bool>()), |(text, prefix)| {
            let query = TextQuery { text, prefix, limit: 10 };
            prop_assert!(tokio::runtime::Handle::current().block_on(index.search(LIVE, &all_of(tenant), &query)).is_ok());
            Ok(())
        });
        outcome.unwrap();
    });
}
