//! The language of a sentence, by the words that no sentence does without: articles, prepositions, pronouns, question words.
//!
//! Deliberately absent: words that both languages have ("in", "was", "am"), and whatever may be part of a name.

const ENGLISH: &str = "the a of and to is are do does did has have had were been be which what who whose whom when where why how many much for with from by at on it its this that \
    these those there our we us my me your you their them not or if than because please show list give find tell all about into as should would could can";

const GERMAN: &str = "der die das den dem des ein eine einen einem einer eines und oder ist sind wird werden wurde wurden haben hatte hatten kann können soll darf welche welcher welches \
    welchen welchem wer wem wen wann wo warum wie viel viele wieviel wieviele von vom zu zum zur mit für auf aus bei beim nach über im ins es sie er ich wir mir mich uns unser unsere \
    unserer unseren mein meine meinen nicht kein keine keinen weil dass bitte zeige zeig nenne gib finde alle allen diese dieser dieses diesen auch als je gibt hat";

/// The language that more of these words are of; `None` where neither has more. What stands in quotation marks does not count.
pub(super) fn of(text: &str) -> Option<&'static str> {
    let unquoted = text.split(['"', '“', '”', '„', '«', '»']).step_by(2);
    let words: Vec<String> = unquoted.flat_map(str::split_whitespace).map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase()).collect();
    let count = |list: &str| words.iter().filter(|word| list.split_ascii_whitespace().any(|known| known == word.as_str())).count();
    match count(ENGLISH).cmp(&count(GERMAN)) {
        std::cmp::Ordering::Greater => Some("en"),
        std::cmp::Ordering::Less => Some("de"),
        std::cmp::Ordering::Equal => None,
    }
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn a_sentence_is_of_the_language_of_its_small_words() {
        for text in ["Confirm the quotation A-1", "How many orders did Haus der Technik place?", "Create a customer Blue Harbour GmbH", "what about 1998?"] {
            assert_eq!(of(text), Some("en"), "{text}");
        }
        for text in ["Bestätige das Angebot A-1", "Wie viele Aufträge hat The Big Cheese?", "Lege die Warengruppe Garden an", "und 1998?"] {
            assert_eq!(of(text), Some("de"), "{text}");
        }
    }

    #[test]
    fn names_and_what_is_quoted_tell_nothing() {
        for text in ["Storniere Auftrag A-1", "Confirm A-1", "Umsatz 1997", "Discontinue Chai", "Orders of Otto von Bismarck", ""] {
            assert_eq!(of(text), None, "{text}");
        }
        assert_eq!(of("Write a note \"Das ist für die Akten\""), Some("en"));
    }
}
