use super::*;
use steward_kernel::command::RowScope;
use uuid::Uuid;

fn party() -> Resource {
    Resource::new("crm.party", "parties", "crm_party")
        .field(Field::text("name").required().searchable())
        .field(Field::text("city").searchable())
        .field(Field::text("iban").searchable().permission("crm:party:bank"))
        .field(Field::long_text("note").searchable())
        .field(Field::long_text("rating").searchable().permission("crm:party:credit"))
}

fn row(title: Option<&str>, fields: &[(&'static str, &str)]) -> TextRow {
    TextRow {
        id: Uuid::from_u128(1),
        version: 3,
        archived: false,
        scope: RowScope::default(),
        title: title.map(str::to_owned),
        fields: fields.iter().map(|(name, text)| ((*name).into(), (*text).to_owned())).collect(),
    }
}

fn whole() -> TextRow {
    let fields = [("name", "Alfki"), ("city", "Berlin"), ("iban", "DE02"), ("note", "# Terms\n\nPays late."), ("rating", "C minus")];
    row(Some("Alfki"), &fields)
}

fn shown(passages: &[Passage]) -> Vec<(&str, &str, u32, &str, &str)> {
    passages.iter().map(|p| (p.key.family.as_str(), p.key.field.as_str(), p.key.ordinal, p.title.as_str(), p.text.as_str())).collect()
}

#[test]
fn short_fields_of_a_family_are_one_card_and_long_texts_are_chunks() {
    assert_eq!(
        shown(&render(&party(), &whole())),
        [
            ("", "", 0, "Alfki", "Berlin"),
            ("crm:party:bank", "", 0, "Alfki", "DE02"),
            ("", "note", 0, "Alfki › Terms", "# Terms\n\nPays late."),
            ("crm:party:credit", "rating", 0, "Alfki", "C minus"),
        ]
    );
}

#[test]
fn who_sees_fewer_fields_gets_fewer_passages_and_never_others() {
    let party = party();
    let everything = render(&party, &whole());
    for hidden in [&["iban"][..], &["rating"], &["iban", "rating"]] {
        let mut seen = whole();
        seen.fields.retain(|(name, _)| !hidden.contains(&name.as_ref()));
        let fewer = render(&party, &seen);
        assert!(fewer.len() < everything.len());
        assert!(fewer.iter().all(|passage| everything.contains(passage)), "{hidden:?}");
    }
}

#[test]
fn a_masked_title_stands_in_its_own_family_only() {
    let mut party = party();
    for field in party.fields.iter_mut().filter(|field| field.name == "name") {
        field.permission = Some("crm:party:name".into());
    }
    let passages = render(&party, &whole());
    for passage in &passages {
        assert_eq!(passage.title.contains("Alfki"), passage.key.family == "crm:party:name", "{passage:?}");
        assert!(!passage.text.contains("Alfki"), "{passage:?}");
    }
    let mut seen = whole();
    seen.title = None;
    seen.fields.retain(|(name, _)| name != "name");
    assert!(render(&party, &seen).iter().all(|passage| passages.contains(passage)));
}

#[test]
fn a_record_without_texts_has_no_passages() {
    assert_eq!(render(&party(), &row(Some("Alfki"), &[])), []);
}

#[test]
fn a_name_alone_can_be_found() {
    assert_eq!(shown(&render(&party(), &row(Some("Alfki"), &[("name", "Alfki")]))), [("", "", 0, "Alfki", "")]);
}

#[test]
fn the_span_of_a_chunk_is_the_place_of_its_text_in_the_field() {
    let note = (0..40).map(|at| format!("## Part {at}\n\nA sentence that says something about part {at}, at some length.\n")).collect::<Vec<_>>().join("\n");
    let passages = render(&party(), &row(Some("Alfki"), &[("note", &note)]));
    assert!(passages.len() > 1);
    for (at, passage) in passages.iter().enumerate() {
        assert_eq!(passage.key.ordinal as usize, at);
        assert_eq!(&note[passage.span.clone().unwrap()], passage.text);
    }
}

#[test]
fn a_long_title_is_cut_between_characters() {
    let passages = render(&party(), &row(Some(&"ä".repeat(500)), &[("city", "Berlin")]));
    assert_eq!(passages[0].title.chars().count(), TITLE_MAX);
}
