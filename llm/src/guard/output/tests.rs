use proptest::prelude::*;
use serde_json::Value;

use super::super::stream::tests::{pieces, with_cuts};
use super::super::{GuardConfig, Piece};
use super::*;

fn guard(output: OutputConfig) -> Guard {
    Guard::new(&GuardConfig { output, ..GuardConfig::default() }).unwrap()
}

fn strict() -> OutputConfig {
    OutputConfig { secrets: Action::Mask, personal: Action::Mask, links: Targets::Strip, images: Targets::Strip, hosts: vec!["example.org".to_owned()] }
}

fn filtered(config: OutputConfig, text: &str) -> String {
    guard(config).filter(text, &Placeholders::default()).unwrap().text.into_owned()
}

#[test]
fn a_secret_that_was_not_in_the_request_is_masked_and_reported() {
    let guard = guard(OutputConfig::default());
    let filtered = guard.filter("The key is sk-proj-abc123DEF456ghi789JKL012.", &Placeholders::default()).unwrap();
    assert_eq!(filtered.text, "The key is [SECRET].");
    assert_eq!(filtered.flags, vec![Flag { rule: "secret".to_owned(), count: 1 }]);
}

#[test]
fn personal_data_is_reported_and_what_the_request_held_is_not() {
    let guard = guard(OutputConfig::default());
    let request = guard.mask(&[Piece::Text("anna@example.org, DE89370400440532013000")]).unwrap().placeholders;
    let text = "anna@example.org or ben@example.org, DE89 3704 0044 0532 0130 00";
    let filtered = guard.filter(text, &request).unwrap();
    assert_eq!(filtered.text, text);
    assert_eq!(filtered.flags, vec![Flag { rule: "email".to_owned(), count: 1 }]);
}

#[test]
fn an_answer_can_be_refused_for_what_it_holds() {
    let guard = guard(OutputConfig { secrets: Action::Refuse, ..OutputConfig::default() });
    assert_eq!(guard.filter("password: hunter2", &Placeholders::default()).unwrap_err(), Refused::Forbidden { rule: "secret".to_owned() });
    let mut filtering = Filtering::new(Arc::new(guard), Arc::default());
    assert_eq!(filtering.push("The password: hun").unwrap(), "The ");
    assert_eq!(filtering.push("ter2 was given to me").unwrap_err(), Refused::Forbidden { rule: "secret".to_owned() });
}

#[test]
fn images_lose_their_targets_unless_the_host_is_trusted_or_ours() {
    let text =
        "![chart](https://evil.test/x?d=[EMAIL_1]) ![a](/files/1.png) ![b](https://img.example.org/b.png \"t\") [c](https://evil.test) <img src='//evil.test'>";
    let expected = "![chart] ![a](/files/1.png) ![b](https://img.example.org/b.png \"t\") [c](https://evil.test) ";
    assert_eq!(filtered(OutputConfig { hosts: vec!["example.org".to_owned()], ..OutputConfig::default() }, text), expected);
}

#[test]
fn links_lose_their_targets_when_a_tenant_says_so() {
    let text = "[a](https://evil.test/(x)) see https://evil.test/y?z=1. or https://example.org/ok, <a href=\"https://evil.test\">b</a>\n[r]: https://evil.test/q\n[t](javascript:alert)";
    assert_eq!(filtered(strict(), text), "[a] see [link]. or https://example.org/ok, b</a>\n[r]: \n[t]");
}

#[test]
fn hosts_that_only_look_trusted_are_not() {
    for address in [
        "https://example.org.evil.test/",
        "https://evil.test/example.org",
        "https://example.org@evil.test/",
        "https://evilexample.org/",
        "//example.org/x",
        "https:\\\\example.org",
    ] {
        assert_eq!(filtered(strict(), &format!("![x]({address})")), "![x]", "{address}");
    }
}

#[test]
fn an_image_within_a_link_and_one_with_a_title_lose_their_targets() {
    assert_eq!(filtered(strict(), "[![a](https://evil.test/1 'a) b')](https://evil.test/2)"), "[![a]]");
    assert_eq!(filtered(strict(), "![a](<https://evil.test/a b>)"), "![a]");
    assert_eq!(filtered(strict(), "![a](\nhttps://evil.test/1\n)"), "![a]");
}

#[test]
fn ordinary_brackets_stay() {
    let text = "a[0](see below for more) x < y, if a<b then [1]: none, f](x y) and (z)";
    assert_eq!(filtered(strict(), text), text);
}

#[test]
fn words_are_passed_on_as_soon_as_the_next_space_arrives() {
    let mut filtering = Filtering::new(Arc::new(guard(OutputConfig::default())), Arc::default());
    let shown: Vec<_> = ["The ord", "er has 12 ", "lines and is", " open."].iter().map(|piece| filtering.push(piece).unwrap()).collect();
    assert_eq!(shown, ["The ", "order has ", "12 lines and ", ""]);
    assert_eq!(filtering.finish().unwrap().0, "is open.");
}

#[test]
fn a_long_table_of_numbers_is_passed_on_while_it_arrives() {
    let mut filtering = Filtering::new(Arc::new(guard(strict())), Arc::default());
    let mut shown = String::new();
    for line in 0..200 {
        shown.push_str(&filtering.push(&format!("{line} 12.50 {} 7\n", line * 3)).unwrap());
    }
    assert!(shown.len() > 1_500, "{}", shown.len());
    let whole = shown + &filtering.finish().unwrap().0;
    assert_eq!(whole, (0..200).map(|line| format!("{line} 12.50 {} 7\n", line * 3)).collect::<String>());
}

/// What a stream of these pieces shows in the end, and what is reported of it.
fn streamed<'a>(guard: &Arc<Guard>, pieces: impl IntoIterator<Item = &'a str>) -> (String, Vec<Flag>) {
    let mut filtering = Filtering::new(guard.clone(), Arc::default());
    let mut shown: String = pieces.into_iter().map(|piece| filtering.push(piece).unwrap()).collect();
    let (rest, flags) = filtering.finish().unwrap();
    shown.push_str(&rest);
    (shown, flags)
}

/// The most characters that are held at once while a text arrives one by one.
fn held_at_most(text: &str) -> usize {
    let mut filtering = Filtering::new(Arc::new(guard(strict())), Arc::default());
    let (mut arrived, mut shown, mut most) = (0, 0, 0);
    for c in text.chars() {
        arrived += 1;
        shown += filtering.push(c.encode_utf8(&mut [0; 4])).unwrap().chars().count();
        most = most.max(arrived - shown);
    }
    assert_eq!(shown + filtering.finish().unwrap().0.chars().count(), arrived, "nothing of it is found");
    most
}

#[test]
fn figures_are_held_only_as_long_as_they_may_be_part_of_a_number() {
    let table = (0..40).map(|line| format!("| 2024-{line} | 12,50{line}.00 EUR | {line} | 3.2 % |\n")).collect::<String>();
    let csv = (0..40).map(|line| format!("{line}; 120{line}; 17.{line}; 4\n")).collect::<String>();
    let lines = (0..40).map(|line| format!("{line} 1250 {} 7\n", line * 3)).collect::<String>();
    let words = "Revenue in 2024 was 12,500 EUR, up 3.2 % from 12,112 EUR in 2023; 17 of 25 orders are open, 8 are late.".to_owned();
    let run = (100..300).map(|number| format!("{number}.50 ")).collect::<String>();
    let held = [table, csv, lines, words, run].map(|text| held_at_most(&text));
    assert!(held[..4].iter().all(|held| *held <= 20) && held[4] <= 100, "{held:?}");
}

#[test]
fn a_private_key_is_masked_also_in_pieces() {
    let key = "-----BEGIN PRIVATE KEY-----\nMIIE vQIB\nADAN\n-----END PRIVATE KEY-----";
    let mut filtering = Filtering::new(Arc::new(guard(OutputConfig::default())), Arc::default());
    let mut shown: String = format!("Here: {key} ok").split_inclusive(' ').map(|piece| filtering.push(piece).unwrap()).collect();
    shown.push_str(&filtering.finish().unwrap().0);
    assert_eq!(shown, "Here: [SECRET] ok");
}

#[test]
fn what_never_ends_is_refused_and_not_kept() {
    let mut filtering = Filtering::new(Arc::new(guard(OutputConfig::default())), Arc::default());
    let results: Vec<_> = (0..100).map(|_| filtering.push(&"x".repeat(1_000))).take_while(Result::is_ok).collect();
    assert!(results.len() < 70, "{}", results.len());
}

#[test]
fn arguments_of_tools_are_filtered_and_stay_json() {
    let guard = guard(strict());
    let filtered = guard.filter_arguments(r#"{"to": "ben\u0040example.com", "n": 1}"#, &Placeholders::default()).unwrap();
    assert_eq!(filtered.text, r#"{"to": "[EMAIL]", "n": 1}"#);
    assert!(serde_json::from_str::<Value>(&filtered.text).is_ok());
}

/// Everything that is found or stripped, in any neighbourhood, as a model may write it.
fn answer() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        proptest::sample::select(vec![
            "anna@example.com",
            "+49 30 1234567",
            "030 1234567",
            "DE89 3704 0044 0532 0130 00",
            "GB29 NWBK 6016 1331 9268 19",
            "4111 1111 1111 1111",
            "203.0.113.7",
            "078-05-1120",
            "86 095 742 719",
            "sk-proj-abc123DEF456ghi789JKL012",
            "Passwort: Sommer2024!",
            "the password is hunter2 ",
            "api key = x1y2z3",
            "Bearer abcdefghijklmnop1234",
            "Authorization: Basic YWRtaW46MTIz",
            "Tel. 12345",
            "version 1.2.3.4",
            "-----BEGIN PRIVATE KEY-----\nMIIE x\n-----END PRIVATE KEY-----",
            "-----BEGIN CERTIFICATE-----",
            "![a](https://evil.test/x y)",
            "![a](https://evil.test/x \"t\")",
            "[b](/x)",
            "<img src=x>",
            "https://evil.test/y",
            "www.evil.test",
            "[r]: https://evil.test",
            "![",
            "](",
            "]",
            "<",
            "h",
            "w",
            "://a:b1@c",
            "[EMAIL_1]",
            "12",
            "2024",
            "is",
            "USA",
            ":",
            "=",
            "-",
            "\u{a0}",
            "\n",
            "ü",
        ])
        .prop_map(str::to_owned),
        "[a-zA-Z0-9 ]{0,6}",
        Just(" ".to_owned()),
        Just(" ".to_owned()),
    ];
    proptest::collection::vec(part, 0..24).prop_map(|parts| parts.concat())
}

#[test]
fn texts_that_are_easily_cut_wrongly_are_filtered_like_the_whole_wherever_they_are_cut() {
    let guard = Arc::new(guard(strict()));
    for text in [
        "DE89 3704 0044 0532 0130 00 ",
        "030 1234567   86 095 742 719 ",
        "bearer : 41/11/11/11/11/11/11/11",
        "api key = x1y2z3",
        "Tel. +) (157.688) (",
        "MT84 MALT 0110 0001 2345 MTLC AST0 01S ",
        "DE 89 37 04 00 44 05 32 01 30 004111111111111111078051120-8",
        "+49 30 1234567-----BEGIN PRIVATE KEY-----\nMIIE x\n-----END PRIVATE KEY-----",
        "4111 1111 1111 1111 87-----BEGIN PRIVATE KEY-----\nMIIE x\n-----END PRIVATE KEY-----",
        "+49 30 1234567 \u{a0}078-05-1120       ",
    ] {
        let whole = guard.filter(text, &Placeholders::default()).unwrap();
        for (at, _) in text.char_indices() {
            let (shown, flags) = streamed(&guard, [&text[..at], &text[at..]]);
            assert_eq!((shown.as_str(), flags), (&*whole.text, whole.flags.clone()), "cut at {at}");
        }
    }
}

/// Numbers and groups of letters with everything between them that may hold them together or tear them apart.
fn figures() -> impl Strategy<Value = String> {
    let between =
        || proptest::sample::select(vec!["", "", " ", " ", " ", "  ", "    ", "-", " - ", "/", ".", "\u{a0}", "\u{202f}", ") (", ", ", " | ", "\n", "\t"]);
    let numbers = proptest::sample::select(vec![
        "4111111111111111",
        "6304000000000000",
        "DE89370400440532013000",
        "GB29NWBK60161331926819",
        "de89370400440532013000",
        "MT84MALT011000012345MTLCAST001S",
        "86095742719",
        "7569217076985",
        "255081416802538",
        "078051120",
        "+493012345678",
        "00493012345678",
        "0301234567",
        "2125550123",
        "203.0.113.7",
    ]);
    let in_groups = (numbers, 2..6_usize, between()).prop_map(|(number, size, between)| {
        let groups: Vec<&str> = number.as_bytes().chunks(size).filter_map(|group| std::str::from_utf8(group).ok()).collect();
        groups.join(between)
    });
    let words = proptest::sample::select(vec![
        "Tel.", "tel", "pin", "PIN:", "password", "is", "ist", ":", "=", "v", "version", "bearer", "Basic", "#", "+", "(", "\"", "EUR", "x1", "ü7", "%", "€",
        "und",
    ]);
    let part = prop_oneof![4 => in_groups, 4 => "[0-9]{1,5}", 1 => "[A-Z]{1,5}", 1 => "[A-Z0-9]{4}", 1 => "[0-9]{1,3}[.,][0-9]{2,3}", 2 => words.prop_map(str::to_owned)];
    proptest::collection::vec((part, between()), 0..24).prop_map(|parts| parts.into_iter().flat_map(|(part, between)| [part, between.to_owned()]).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_stream_is_filtered_like_the_whole_wherever_it_is_cut((text, cuts) in with_cuts(answer())) {
        let guard = Arc::new(guard(strict()));
        let whole = guard.filter(&text, &Placeholders::default()).unwrap();
        let (shown, flags) = streamed(&guard, pieces(&text, &cuts));
        prop_assert_eq!(shown, whole.text.as_ref());
        prop_assert_eq!(flags, whole.flags);
    }

    #[test]
    fn a_stream_of_single_characters_is_filtered_like_the_whole(text in answer()) {
        let guard = Arc::new(guard(strict()));
        let whole = guard.filter(&text, &Placeholders::default()).unwrap();
        let mut filtering = Filtering::new(guard.clone(), Arc::default());
        let mut shown = String::new();
        for c in text.chars() {
            shown.push_str(&filtering.push(c.encode_utf8(&mut [0; 4])).unwrap());
        }
        shown.push_str(&filtering.finish().unwrap().0);
        prop_assert_eq!(shown, whole.text.as_ref());
    }

    #[test]
    fn figures_are_filtered_like_the_whole_wherever_they_are_cut((text, cuts) in with_cuts(figures())) {
        let guard = Arc::new(guard(strict()));
        let whole = guard.filter(&text, &Placeholders::default()).unwrap();
        let (shown, flags) = streamed(&guard, pieces(&text, &cuts));
        prop_assert_eq!(shown, whole.text.as_ref());
        prop_assert_eq!(flags, whole.flags);
    }

    /// Whatever follows, what is found on either side of a cut is what is found in the whole.
    #[test]
    fn a_cut_is_safe_whatever_follows((before, after) in (figures(), figures())) {
        let guard = guard(strict());
        let find = |text: &str| guard.found_in_output(text, &Placeholders::default());
        let cut = cut::safe(&before, find).unwrap();
        let whole = before + &after;
        let places = |findings: Vec<Finding>, from: usize| -> Vec<_> { findings.into_iter().map(|found| (found.range.start + from, found.range.end + from, found.class)).collect() };
        let mut apart = places(find(&whole[..cut]), 0);
        apart.extend(places(find(&whole[cut..]), cut));
        prop_assert_eq!(apart, places(find(&whole), 0), "cut at {} of {:?}", cut, whole);
    }
}
