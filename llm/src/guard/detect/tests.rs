use super::*;

/// What is found, as `class:text`, in order.
fn seen(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    find(text, &mut found);
    found.sort_by_key(|found| (found.range.start, found.range.end));
    found.into_iter().map(|found| format!("{}:{}", found.class.code(), &text[found.range])).collect()
}

fn finds(text: &str, expected: &str) {
    assert!(seen(text).iter().any(|found| found == expected), "{text:?} gave {:?}", seen(text));
}

#[test]
fn addresses_are_found_with_their_whole_local_part_and_without_what_follows() {
    finds("Write to anna.schmidt+news@example.co.uk.", "email:anna.schmidt+news@example.co.uk");
    finds("<mailto:jörg.müller@müller-söhne.de>", "email:jörg.müller@müller-söhne.de");
    finds("a@b.de,c@d.org", "email:c@d.org");
    finds("o'neil@example.ie", "email:o'neil@example.ie");
    assert_eq!(seen("@alle: 5 Stück @ 3,50 und user@localhost, x@1.2"), Vec::<String>::new());
}

#[test]
fn account_numbers_need_their_countrys_length_and_checksum() {
    for iban in [
        "DE89370400440532013000",
        "DE89 3704 0044 0532 0130 00",
        "GB29NWBK60161331926819",
        "GB29 NWBK 6016 1331 9268 19",
        "NL91ABNA0417164300",
        "de89370400440532013000",
    ] {
        finds(&format!("IBAN: {iban}."), &format!("iban:{iban}"));
    }
    finds("Konto DE89\u{a0}3704\u{a0}0044\u{a0}0532\u{a0}0130\u{a0}00 bitte", "iban:DE89\u{a0}3704\u{a0}0044\u{a0}0532\u{a0}0130\u{a0}00");
    assert_eq!(seen("DE89370400440532013001 US133000000121212121212 XDE89370400440532013000"), Vec::<String>::new());
}

#[test]
fn cards_need_their_issuers_prefix_and_checksum() {
    for card in ["4111111111111111", "4111 1111 1111 1111", "5500-0000-0000-0004", "378282246310005", "3782 822463 10005", "6011111111111117"] {
        finds(&format!("Karte {card}, gültig"), &format!("card:{card}"));
    }
    finds("„4111111111111111“", "card:4111111111111111");
    finds("Karte\u{a0}4111111111111111–danke", "card:4111111111111111");
    finds("4111 1111 1111 1111 12/27", "card:4111 1111 1111 1111");
    assert_eq!(seen("4111111111111112 1234567812345670 9999999999999995 0000000000000000"), Vec::<String>::new());
}

#[test]
fn telephone_numbers_are_found_by_their_form_or_by_the_word_before() {
    for phone in [
        "+49 30 1234567",
        "+49 (0) 30 1234567",
        "+1-555-123-4567",
        "0049 30 12345678",
        "030 1234567",
        "0171/1234567",
        "0221-123456",
        "555-123-4567",
        "555.123.4567",
    ] {
        finds(&format!("Ruf an: {phone}, danke"), &format!("phone:{phone}"));
    }
    finds("(030) 123456", "phone:(030) 123456");
    finds("(555) 123-4567", "phone:(555) 123-4567");
    finds("Tel.: 123456", "phone:123456");
    finds("Telefon 4711 08 15", "phone:4711 08 15");
    finds("Fax 0301234567", "phone:0301234567");
}

#[test]
fn dates_amounts_and_numbers_of_documents_are_no_telephone_numbers() {
    for text in [
        "am 01.02.2024, 01/02/2024 und 01-02-2024",
        "2024-01-15T08:30:00Z",
        "Bestellung SO-2024-000123, Rechnung 2024/00042",
        "Summe 1.234.567,89 EUR und +100.000.000 EUR",
        "Artikel 4006381333931, Charge 0815",
        "12 345 678 Stück zu 0,50",
        "1700000000000",
        "Seite 030 von 120",
        "ratio 0.123 0.456 0.789",
    ] {
        assert_eq!(seen(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn network_addresses_are_found_but_not_versions_paths_or_the_machine_itself() {
    finds("from 203.0.113.7:443", "ip:203.0.113.7");
    finds("at 2001:db8::8a2e:370:7334.", "ip:2001:db8::8a2e:370:7334");
    finds("fe80::1", "ip:fe80::1");
    finds("::ffff:203.0.113.7", "ip:::ffff:203.0.113.7");
    assert_eq!(seen("version 1.2.3.4, v 10.0.0.1, 127.0.0.1, ::1, 256.1.1.1, 1.2.3, 12:30:45, add::bad, std::fmt, 0.0.0.0"), Vec::<String>::new());
}

#[test]
fn ids_of_persons_need_their_checksum_or_form() {
    for id in ["86095742719", "86 095 742 719", "078-05-1120", "756.9217.0769.85", "12345678Z", "X1234567L", "RSSMRA85T10A562S", "1 85 05 78 006 084 91"] {
        finds(&format!("Id {id}."), &format!("id:{id}"));
    }
    assert_eq!(seen("86095742718 11111111111 000-12-3456 666-12-3456 912-12-3456 12345678A X1234567A RSSMRA85T10A562T 756.9217.0769.86"), Vec::<String>::new());
}

#[test]
fn keys_are_found_by_their_issuers_prefix() {
    for key in [
        "sk-proj-abc123DEF456ghi789JKL012",
        "sk-ant-api03-abcDEF123456-ghiJKL789",
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_0123456789abcdefghijABCDEFGHIJ012345",
        "xoxb-123456789012-abcdefGHIJKL",
        "AIzaSyA-0123456789abcdefghijklmnopqrstu",
    ] {
        finds(&format!("use {key}, please"), &format!("secret:{key}"));
    }
    finds(
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
        "secret:eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
    );
    assert_eq!(seen("sk-learn-is-a-library-for-python task-list-of-the-week AKIA"), Vec::<String>::new());
}

#[test]
fn a_private_key_is_found_with_its_frame_and_to_the_end_if_it_is_cut_off() {
    let key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----";
    finds(&format!("see\n{key}\nthanks"), &format!("secret:{key}"));
    finds("-----BEGIN PRIVATE KEY-----\nMIIE", "secret:-----BEGIN PRIVATE KEY-----\nMIIE");
    assert_eq!(seen("-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----"), Vec::<String>::new());
}

#[test]
fn a_value_after_a_word_that_announces_a_secret_is_one() {
    finds("Passwort: Sommer2024!", "secret:Sommer2024!");
    finds("das Kennwort lautet hunter2", "secret:hunter2");
    finds(r#"{"api_key": "abcd1234"}"#, "secret:abcd1234");
    finds("Authorization: Bearer abcdefghijklmnop1234", "secret:abcdefghijklmnop1234");
    finds("**Password:** t0p$ecret", "secret:t0p$ecret");
    finds("https://admin:geheim@example.org/x", "secret:admin:geheim");
    finds("password=grün3€", "secret:grün3€");
    for text in [
        "Password: required",
        "token: expired",
        "The password is not stored",
        "Das Passwort ist abgelaufen",
        "secret = [SECRET_1]",
        "basic functionality",
        "tan lines",
    ] {
        assert_eq!(seen(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn names_of_fields_that_hold_secrets_are_known_however_they_are_written() {
    for name in ["password", "new_password", "newPassword", "API-Key", "client_secret", "Authorization"] {
        assert!(names_a_secret(name), "{name}");
    }
    for name in ["passport", "key", "secretary", "token_count", "a_very_long_name_of_a_field_password"] {
        assert!(!names_a_secret(name), "{name}");
    }
}

#[test]
fn nothing_is_cut_within_a_character() {
    let mut text = String::from("password: 1");
    text.push_str(&"ü".repeat(400));
    assert!(!seen(&text).is_empty());
}
